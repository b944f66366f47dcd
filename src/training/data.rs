//! What a model learns from: pairs that mean the same, and plain sentences.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::{Targets, TrainError};

/// Two texts that should land near each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    pub a: String,
    pub b: String,
}

/// Everything there is to learn from; either part may be empty.
#[derive(Default)]
pub struct Material {
    pub pairs: Vec<Pair>,
    /// Sentences, each with a teacher's vector.
    pub texts: Vec<String>,
    /// One row for each of `texts`.
    pub targets: Option<Targets>,
}

/// The pairs of a file of two columns with a tab between them, one pair a line; empty lines are
/// passed over.
///
/// # Errors
/// Names the line that has not two columns, or an empty one, or is not UTF-8.
pub fn read_pairs(path: &Path) -> Result<Vec<Pair>, TrainError> {
    parse_pairs(&path.display().to_string(), &read_lines(path)?)
}

/// The pairs in `lines`, which came from `file`.
///
/// # Errors
/// As [`read_pairs`].
pub fn parse_pairs(file: &str, lines: &[String]) -> Result<Vec<Pair>, TrainError> {
    let mut pairs = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let bad = |problem: String| TrainError::Line {
            file: file.to_owned(),
            line: i + 1,
            problem,
        };
        let columns: Vec<&str> = line.split('\t').map(str::trim).collect();
        let [a, b] = columns[..] else {
            let has = columns.len();
            let problem = match has {
                1 => "has no tab; a pair is two texts with a tab between them".to_owned(),
                _ => format!("has {has} columns; a pair is two texts with one tab between them"),
            };
            return Err(bad(problem));
        };
        if a.is_empty() || b.is_empty() {
            let which = if a.is_empty() { "first" } else { "second" };
            return Err(bad(format!("has an empty {which} text")));
        }
        let (a, b) = (a.to_owned(), b.to_owned());
        pairs.push(Pair { a, b });
    }
    Ok(pairs)
}

/// Sentences, one a line; empty lines are passed over. A name ending in `.gz` is unpacked.
///
/// # Errors
/// When the file cannot be read, or names the line that is not UTF-8.
pub fn read_texts(path: &Path) -> Result<Vec<String>, TrainError> {
    let mut lines = read_lines(path)?;
    lines.retain(|line| !line.trim().is_empty());
    Ok(lines)
}

fn read_lines(path: &Path) -> Result<Vec<String>, TrainError> {
    let file = File::open(path).map_err(|e| TrainError::read(path, &e))?;
    let packed = path.extension().is_some_and(|extension| extension == "gz");
    let source: Box<dyn Read> = match packed {
        true => Box::new(MultiGzDecoder::new(file)),
        false => Box::new(file),
    };
    let mut lines = Vec::new();
    for (i, line) in BufReader::new(source).split(b'\n').enumerate() {
        let mut line = line.map_err(|e| TrainError::read(path, &e))?;
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        let line = String::from_utf8(line).map_err(|e| TrainError::Line {
            file: path.display().to_string(),
            line: i + 1,
            problem: format!(
                "is not UTF-8 (byte {}); convert the file to UTF-8",
                e.utf8_error().valid_up_to() + 1
            ),
        })?;
        // Some editors start a file with a byte-order mark.
        lines.push(match i {
            0 => line.trim_start_matches('\u{feff}').to_owned(),
            _ => line,
        });
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<Pair>, String> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        parse_pairs("p.tsv", &lines).map_err(|e| e.to_string())
    }

    #[test]
    fn a_bad_line_is_named() {
        assert_eq!(parse("a\tb\n\n c \t d ").unwrap()[1].b, "d");
        let error = |text| parse(text).unwrap_err();
        assert_eq!(
            error("a\tb\nonly one"),
            "p.tsv: line 2 has no tab; a pair is two texts with a tab between them"
        );
        assert!(error("a\tb\tc").starts_with("p.tsv: line 1 has 3 columns"));
        assert!(error("a\tb\n\n\tb").starts_with("p.tsv: line 3 has an empty first text"));
    }

    #[test]
    fn a_file_is_read_packed_or_not_and_a_broken_line_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let plain = dir.path().join("t.txt");
        std::fs::write(&plain, "\u{feff}one\r\n\ntwo").unwrap();
        assert_eq!(read_texts(&plain).unwrap(), ["one", "two"]);
        let packed = dir.path().join("t.txt.gz");
        let file = File::create(&packed).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, b"one\ntwo\n").unwrap();
        encoder.finish().unwrap();
        assert_eq!(read_texts(&packed).unwrap(), ["one", "two"]);

        std::fs::write(&plain, b"fine\nb\xffd").unwrap();
        let error = read_texts(&plain).unwrap_err().to_string();
        assert!(error.contains("line 2 is not UTF-8 (byte 2)"), "{error}");
        assert!(read_texts(&dir.path().join("none")).is_err());
    }
}
