//! The texts to embed, and where each of them came from.

use std::io::{Read, stdin};
use std::path::Path;

use crate::cli::Failure;

/// Texts of `--text`, then those of `--input`.
pub struct Texts {
    texts: Vec<String>,
    given: usize,
    file: String,
}

impl Texts {
    /// # Errors
    /// When the file cannot be read or a line of it is not UTF-8.
    pub fn read(given: &[String], input: Option<&Path>) -> Result<Self, Failure> {
        let mut texts = given.to_vec();
        let mut file = String::new();
        if let Some(path) = input {
            let (name, bytes) = read(path)?;
            for (number, line) in lines(&bytes).enumerate() {
                texts.push(utf8(line, &name, number + 1)?);
            }
            file = name;
        }
        Ok(Self {
            texts,
            given: given.len(),
            file,
        })
    }

    pub fn all(&self) -> &[String] {
        &self.texts
    }

    /// Where text `index` stands, for a message.
    pub fn place(&self, index: usize) -> String {
        match index.checked_sub(self.given) {
            None => format!("--text {}", index + 1),
            Some(line) => format!("{} line {}", self.file, line + 1),
        }
    }
}

fn read(path: &Path) -> Result<(String, Vec<u8>), Failure> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        let read = stdin().lock().read_to_end(&mut bytes);
        read.map_err(|e| Failure::Failed(format!("stdin: cannot be read: {e}")))?;
        return Ok(("stdin".to_owned(), bytes));
    }
    let bytes = std::fs::read(path).map_err(|e| Failure::file(path, "read", &e))?;
    Ok((path.display().to_string(), bytes))
}

/// Lines without their ends (LF or CRLF). A newline at the very end starts no further line.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    // Some editors start a file with a byte-order mark, which is no part of a text.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let lines = bytes.split_inclusive(|&byte| byte == b'\n');
    lines.map(|line| match line.strip_suffix(b"\n") {
        Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
        None => line,
    })
}

fn utf8(line: &[u8], file: &str, number: usize) -> Result<String, Failure> {
    let text = std::str::from_utf8(line).map_err(|e| {
        let byte = e.valid_up_to() + 1;
        Failure::Failed(format!(
            "{file}: line {number} is not UTF-8 (byte {byte} of it); convert the file to UTF-8"
        ))
    })?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        let lines = lines(text.as_bytes());
        lines
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect()
    }

    #[test]
    fn every_line_is_a_text_and_the_last_newline_is_not() {
        assert_eq!(split(""), [] as [&str; 0]);
        assert_eq!(split("\n"), [""]);
        assert_eq!(split("a\n\nb"), ["a", "", "b"]);
        assert_eq!(split("a\r\nb \r\n\r\n"), ["a", "b ", ""]);
        assert_eq!(split("\u{feff}a\nb\r"), ["a", "b\r"]);
    }

    #[test]
    fn a_line_that_is_not_utf8_is_named() {
        let error = utf8(b"caf\xe9", "in.txt", 7).unwrap_err();
        let message = error.message().unwrap();
        assert!(
            message.contains("in.txt") && message.contains("line 7"),
            "{message}"
        );
        assert!(message.contains("byte 4"), "{message}");
    }
}
