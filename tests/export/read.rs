//! Small readers, apart from the code that writes.

/// What is in an XML document.
pub struct Xml {
    pub names: Vec<String>,
    /// Of text between tags, without the blanks around it.
    pub texts: Vec<String>,
}

impl Xml {
    /// Every tag is closed in order, attributes are quoted and names of entities known.
    pub fn of(document: &str) -> Result<Self, String> {
        let mut rest = document;
        let (mut open, mut names, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(at) = rest.find('<') {
            let text = unescaped(&rest[..at])?;
            if !text.trim().is_empty() {
                texts.push(text.trim().to_owned());
            }
            let end = rest[at..].find('>').ok_or("a tag that does not end")? + at;
            let tag = &rest[at + 1..end];
            rest = &rest[end + 1..];
            if tag.starts_with('?') {
                continue;
            }
            if let Some(name) = tag.strip_prefix('/') {
                let last: Option<String> = open.pop();
                if last.as_deref() != Some(name) {
                    return Err(format!("</{name}> closes {last:?}"));
                }
                continue;
            }
            let (tag, alone) = match tag.strip_suffix('/') {
                Some(tag) => (tag, true),
                None => (tag, false),
            };
            let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
            attributes_of(attributes)?;
            names.push(name.to_owned());
            if !alone {
                open.push(name.to_owned());
            }
        }
        match (open.is_empty(), rest.trim().is_empty()) {
            (true, true) => Ok(Self { names, texts }),
            _ => Err(format!("{open:?} stay open before {rest:?}")),
        }
    }

    pub fn count(&self, name: &str) -> usize {
        self.names.iter().filter(|other| *other == name).count()
    }
}

fn attributes_of(text: &str) -> Result<(), String> {
    let mut rest = text.trim();
    let mut seen = Vec::new();
    while !rest.is_empty() {
        let (name, after) = rest
            .split_once("=\"")
            .ok_or(format!("`{rest}` has no value"))?;
        let (value, after) = after
            .split_once('"')
            .ok_or(format!("`{rest}` does not end"))?;
        if name.contains(char::is_whitespace) || value.contains('<') || seen.contains(&name) {
            return Err(format!("{name}=\"{value}\" is no attribute"));
        }
        unescaped(value)?;
        seen.push(name);
        rest = after.trim_start();
    }
    Ok(())
}

fn unescaped(text: &str) -> Result<String, String> {
    if let Some(bad) = text
        .chars()
        .find(|c| c.is_control() && !"\n\t\r".contains(*c))
    {
        return Err(format!("{bad:?} in XML"));
    }
    let mut parts = text.split('&');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, after) = part.split_once(';').ok_or(format!("a lone & in {text}"))?;
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "#39" => '\'',
            other => return Err(format!("&{other}; is unknown")),
        });
        out.push_str(after);
    }
    Ok(out)
}

/// Shape and values of a NumPy file of f32.
pub fn npy(bytes: &[u8]) -> (Vec<usize>, Vec<f32>) {
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let (about, data) = bytes[10..].split_at(length);
    assert_eq!((10 + length) % 64, 0);
    let about = std::str::from_utf8(about).unwrap();
    assert!(about.contains("'descr': '<f4'") && about.contains("'fortran_order': False"));
    let shape = about.split_once('(').unwrap().1.split_once(')').unwrap().0;
    let shape = shape
        .split(',')
        .map(str::trim)
        .filter(|size| !size.is_empty());
    let shape: Vec<usize> = shape.map(|size| size.parse().unwrap()).collect();
    let values = data.chunks_exact(4);
    let values: Vec<f32> = values
        .map(|x| f32::from_le_bytes(x.try_into().unwrap()))
        .collect();
    (shape, values)
}

/// RFC 4180.
pub fn csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    assert!(
        cell.is_empty() && row.is_empty() && !quoted,
        "the last line does not end"
    );
    rows
}
