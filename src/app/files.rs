//! Files that the window reads and writes. Everything here runs away from the window.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::export::file;
use super::import::Import;
use crate::cancel::Cancel;
use crate::model::{Model, SaveError};
use crate::os;
use crate::trace::{SiteFilter, Trace};

/// The largest text file that is opened as a list of texts.
pub(super) const MOST_BYTES: u64 = 4 << 20;
/// The most texts that the list takes at once.
pub const MOST_TEXTS: usize = 500;

#[derive(Debug, Error)]
pub enum FileError {
    #[error("{path}: cannot be {verb}: {problem}")]
    Io {
        path: String,
        verb: &'static str,
        problem: String,
    },
    #[error(
        "{path}: is {megabytes:.1} MB; the list takes files up to 4 MB (use `embedscope embed` for a corpus)"
    )]
    TooLarge { path: String, megabytes: f64 },
    #[error(
        "{path}: has {lines} lines; the list takes {MOST_TEXTS} (use `embedscope embed` for a corpus)"
    )]
    TooMany { path: String, lines: usize },
    #[error(
        "{files} files have {lines} lines together; the list takes {MOST_TEXTS} (use `embedscope embed` for a corpus)"
    )]
    TooManyTogether { files: usize, lines: usize },
    #[error("{path}: line {line} is not UTF-8; save the file as UTF-8")]
    Encoding { path: String, line: usize },
    #[error("{path}: is UTF-16; save the file as UTF-8")]
    Utf16 { path: String },
    #[error("{path}: is no text: it has bytes of 0 and is not UTF-8")]
    Binary { path: String },
    #[error("{path}: holds no text")]
    Empty { path: String },
    #[error("{path}: is neither a model's folder nor a session nor a text file")]
    Unknown { path: String },
    #[error(
        "{path}: opens as {what}, which has to be dropped alone; only lists of texts open together"
    )]
    NotAlone { path: String, what: &'static str },
}

impl FileError {
    /// What the system says of it, in words that tell what to do.
    pub(super) fn os(path: &Path, verb: &'static str, error: &std::io::Error) -> Self {
        Self::io(path, verb, &os::problem(error, verb))
    }

    pub(super) fn io(path: &Path, verb: &'static str, error: &dyn std::fmt::Display) -> Self {
        Self::Io {
            path: path.display().to_string(),
            verb,
            problem: error.to_string(),
        }
    }
}

/// One text a line; blank lines are left out.
///
/// # Errors
/// When the file cannot be read, is larger than the list takes, or is not UTF-8.
pub fn read_texts(path: &Path) -> Result<Vec<String>, FileError> {
    let shown = || path.display().to_string();
    let text = read(path)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let texts: Vec<String> = lines.map(str::to_owned).collect();
    match texts.len() {
        0 => Err(FileError::Empty { path: shown() }),
        lines if lines > MOST_TEXTS => Err(FileError::TooMany {
            path: shown(),
            lines,
        }),
        _ => Ok(texts),
    }
}

/// The texts of several files, one file behind the other.
///
/// # Errors
/// Those of [`read_texts`]; and when they are more texts together than the list takes.
pub fn read_lists(paths: &[PathBuf]) -> Result<Vec<String>, FileError> {
    let lists: Result<Vec<_>, _> = paths.iter().map(|path| read_texts(path)).collect();
    let texts = lists?.concat();
    match texts.len() {
        lines if lines > MOST_TEXTS => Err(FileError::TooManyTogether {
            files: paths.len(),
            lines,
        }),
        _ => Ok(texts),
    }
}

/// What one file or several are called for a person.
pub fn names(paths: &[PathBuf]) -> String {
    let Some(first) = paths.first() else {
        return String::new();
    };
    let name = first.file_name().unwrap_or(first.as_os_str());
    let name = name.to_string_lossy();
    match paths.len() {
        1 => name.into_owned(),
        files => format!("{name} and {} more", files - 1),
    }
}

/// Whether a file is a table by its name: the column is asked for.
pub fn is_table(path: &Path) -> bool {
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    ["csv", "tsv"]
        .iter()
        .any(|e| ending.eq_ignore_ascii_case(e))
}

/// A table, and which of its columns are likely to hold the texts.
///
/// # Errors
/// Those of [`read_texts`], but for the number of lines.
pub fn read_table(path: &Path) -> Result<Import, FileError> {
    let shown = || path.display().to_string();
    let name = path.file_name().unwrap_or(path.as_os_str());
    let name = name.to_string_lossy().into_owned();
    let import = Import::new(name, read(path)?);
    match import.table.rows.is_empty() {
        true => Err(FileError::Empty { path: shown() }),
        false => Ok(import),
    }
}

/// A small file of UTF-8, without its byte order mark.
fn read(path: &Path) -> Result<String, FileError> {
    let shown = || path.display().to_string();
    let meta = std::fs::metadata(path).map_err(|e| FileError::os(path, "read", &e))?;
    // A pipe would never end.
    if !meta.is_file() {
        return Err(FileError::Unknown { path: shown() });
    }
    let size = meta.len();
    if size > MOST_BYTES {
        let megabytes = size as f64 / 1e6;
        return Err(FileError::TooLarge {
            path: shown(),
            megabytes,
        });
    }
    let bytes = std::fs::read(path).map_err(|e| FileError::os(path, "read", &e))?;
    let text = String::from_utf8(bytes).map_err(|e| no_text(shown(), &e))?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// What bytes are that are not UTF-8, as well as can be told.
fn no_text(path: String, error: &std::string::FromUtf8Error) -> FileError {
    let bytes = error.as_bytes();
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return FileError::Utf16 { path };
    }
    if bytes.contains(&0) {
        return FileError::Binary { path };
    }
    let before = &bytes[..error.utf8_error().valid_up_to()];
    let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
    FileError::Encoding { path, line }
}

/// Writes every site that the trace holds.
///
/// # Errors
/// When the file cannot be written; nothing half-written is left behind.
pub fn save_trace(model: &Model, trace: &Trace, path: &Path) -> Result<(), SaveError> {
    model.save_trace(trace, path, &SiteFilter::all(), &Cancel::new())
}

/// Writes a picture of the window, RGBA of `size` pixels.
///
/// # Errors
/// When the file cannot be written; nothing half-written is left behind.
pub fn save_picture(path: &Path, size: [usize; 2], rgba: Vec<u8>) -> Result<(), FileError> {
    let failed = |e: &dyn std::fmt::Display| FileError::io(path, "written", e);
    let image = image::RgbaImage::from_raw(size[0] as u32, size[1] as u32, rgba);
    let image = image.ok_or_else(|| failed(&"the picture is incomplete"))?;
    let mut png = std::io::Cursor::new(Vec::new());
    image
        .write_to(&mut png, image::ImageFormat::Png)
        .map_err(|e| failed(&e))?;
    file::write(path, &png.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("texts.txt");
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    #[test]
    fn lines_become_texts() {
        let (_folder, path) = file("\u{feff}one\r\n\n  two  \nthree".as_bytes());
        assert_eq!(read_texts(&path).unwrap(), ["one", "two", "three"]);
    }

    #[test]
    fn errors_name_the_file_and_the_line() {
        let (_folder, path) = file(b"fine\nfine\n\xff\n");
        let error = read_texts(&path).unwrap_err().to_string();
        assert!(
            error.contains("texts.txt") && error.contains("line 3"),
            "{error}"
        );
        let (_folder, path) = file(b"\xff\xfea\0\n\0");
        assert!(matches!(read_texts(&path), Err(FileError::Utf16 { .. })));
        let (_folder, path) = file(b"\x7fELF\0\xf0\n");
        assert!(matches!(read_texts(&path), Err(FileError::Binary { .. })));
        let (_folder, path) = file(b"\n \n");
        assert!(matches!(read_texts(&path), Err(FileError::Empty { .. })));
        let (_folder, path) = file(&b"x\n".repeat(501));
        assert!(matches!(
            read_texts(&path),
            Err(FileError::TooMany { lines: 501, .. })
        ));
        let missing = Path::new("/nowhere/at/all.txt");
        assert!(
            read_texts(missing)
                .unwrap_err()
                .to_string()
                .contains("/nowhere/at/all.txt")
        );
    }
}
