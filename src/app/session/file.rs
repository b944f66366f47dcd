//! Session files on the disk. Everything here runs away from the window.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::{FORMAT, Session, SessionError};

/// What names of session files end in.
pub const ENDING: &str = ".embedscope.json";
/// The largest session file that is opened.
pub const MOST_BYTES: u64 = 100_000_000;

/// The path with the ending that session files have, where it has none of its own.
pub fn named(path: &Path) -> PathBuf {
    match path.extension() {
        Some(_) => path.to_owned(),
        None => {
            let mut name = path.as_os_str().to_owned();
            name.push(ENDING);
            name.into()
        }
    }
}

/// Whether a file is a session: by its name, or by how it begins.
pub fn is_session(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    if name.is_some_and(|name| name.to_ascii_lowercase().ends_with(ENDING)) {
        return true;
    }
    let json = path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("json"));
    json && path.is_file() && begins_like_one(path)
}

fn begins_like_one(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(1024).read_to_end(&mut start));
    read.is_ok() && String::from_utf8_lossy(&start).contains(&format!("\"{FORMAT}\""))
}

impl Session {
    /// Reads a session file.
    ///
    /// # Errors
    /// When it cannot be read, is no session, or is damaged.
    pub fn read(path: &Path) -> Result<Self, SessionError> {
        let file = path.display().to_string();
        let failed = |e: std::io::Error| SessionError::io(path, "read", &e);
        let meta = fs::metadata(path).map_err(failed)?;
        // A pipe would never end, a folder never begin.
        if !meta.is_file() {
            return Err(SessionError::NotAFile { file });
        }
        if meta.len() > MOST_BYTES {
            return Err(SessionError::TooLarge {
                file,
                megabytes: meta.len().div_ceil(1_000_000),
            });
        }
        let bytes = fs::read(path).map_err(failed)?;
        let text = String::from_utf8(bytes).map_err(|e| {
            let before = &e.as_bytes()[..e.utf8_error().valid_up_to()];
            let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
            SessionError::Encoding {
                file: file.clone(),
                line,
            }
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        Self::from_text(text, &file)
    }

    /// Writes the session beside `path` and moves it over, so that what was there stays whole until the
    /// new file is. A file that is no session is never replaced.
    ///
    /// # Errors
    /// When it cannot be written; nothing half-written is left behind.
    pub fn write(&self, path: &Path) -> Result<(), SessionError> {
        let file = || path.display().to_string();
        match fs::metadata(path) {
            Ok(meta) if !meta.is_file() => return Err(SessionError::NotAFile { file: file() }),
            Ok(meta) if meta.len() > 0 && !begins_like_one(path) => {
                return Err(SessionError::NotOurs { file: file() });
            }
            _ => {}
        }
        let text = self.to_text().map_err(|problem| SessionError::Io {
            file: file(),
            verb: "written",
            problem,
            missing: false,
        })?;
        // Through a link, so that what it leads to is replaced and not the link.
        let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let mut partial = place.as_os_str().to_owned();
        partial.push(format!(".{}.partial", std::process::id()));
        let partial = PathBuf::from(partial);
        let written = File::create(&partial)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&partial, &place));
        written.map_err(|e| {
            // Nothing useful can be done when the clean-up fails as well.
            let _ = fs::remove_file(&partial);
            SessionError::io(path, "written", &e)
        })
    }
}
