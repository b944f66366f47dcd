//! Tables: lines of the same number of cells, with tabs or with commas.

/// What a cell may hold: no tab and no line end, so that a table stays one.
pub fn cell(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}

/// Every line with as many cells as the longest; shorter ones end in empty cells.
fn rows(tsv: &str) -> Vec<Vec<&str>> {
    let lines = tsv.lines().filter(|line| !line.is_empty());
    let mut rows: Vec<Vec<&str>> = lines.map(|line| line.split('\t').collect()).collect();
    let most = rows.iter().map(Vec::len).max().unwrap_or(0);
    for row in &mut rows {
        row.resize(most, "");
    }
    rows
}

/// Tab-separated, all lines of one length.
pub fn tsv(tsv: &str) -> String {
    let lines = rows(tsv).into_iter().map(|row| row.join("\t") + "\n");
    lines.collect()
}

/// The same with commas, quoted as RFC 4180 asks. `lines` are tab-separated.
pub fn csv(lines: &str) -> String {
    let line = |row: Vec<&str>| {
        let cells: Vec<String> = row.into_iter().map(field).collect();
        cells.join(",") + "\r\n"
    };
    rows(lines).into_iter().map(line).collect()
}

/// Quoted where RFC 4180 asks for it, and where a reader might trim.
pub fn field(text: &str) -> String {
    let needs = text.contains(['"', ',', '\n', '\r'])
        || text.starts_with(char::is_whitespace)
        || text.ends_with(char::is_whitespace);
    match needs {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_and_quotes_are_quoted_and_lines_are_even() {
        let table = "a\tb,c\tsay \"hi\"\n1\n\n x\ty\tz\n";
        assert_eq!(
            csv(table),
            "a,\"b,c\",\"say \"\"hi\"\"\"\r\n1,,\r\n\" x\",y,z\r\n"
        );
        assert_eq!(tsv(table), "a\tb,c\tsay \"hi\"\n1\t\t\n x\ty\tz\n");
        assert_eq!(cell("a\tb\r\nc"), "a b  c");
        assert_eq!(field("two\nlines"), "\"two\nlines\"");
    }
}
