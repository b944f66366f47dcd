//! A person's own background, from a file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::analysis::background::{Background, BackgroundError};
use crate::os;

/// A larger file is no list of texts that somebody would want to be measured on.
const MOST_BYTES: u64 = 100_000_000;

/// Reads a UTF-8 file with one text a line.
///
/// # Errors
/// One line that names the file: where it cannot be read, is no file, is empty, larger than 100 MB, no
/// UTF-8, or has too few texts.
pub fn read_background(path: &Path) -> Result<Background, BackgroundError> {
    let name = path.display().to_string();
    let bad = |problem: String| BackgroundError {
        file: name.clone(),
        problem,
    };
    let unreadable =
        |error: std::io::Error| bad(format!("cannot be read: {}", os::problem(&error, "read")));
    // Asked first, so that nobody waits on a pipe.
    let about = std::fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() {
        return Err(bad("is no file; give one with one text a line".to_owned()));
    }
    let too_large = || {
        let most = MOST_BYTES / 1_000_000;
        bad(format!(
            "is larger than {most} MB; a background needs no more than a few thousand lines"
        ))
    };
    if about.len() > MOST_BYTES {
        return Err(too_large());
    }
    let mut content = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    // It may grow meanwhile.
    let read = file.take(MOST_BYTES + 1).read_to_end(&mut content);
    if read.map_err(unreadable)? as u64 > MOST_BYTES {
        return Err(too_large());
    }
    if content.is_empty() {
        return Err(bad("is empty; give a file with one text a line".to_owned()));
    }
    let content = String::from_utf8(content).map_err(|error| {
        let at = error.utf8_error().valid_up_to() + 1;
        bad(format!(
            "is not UTF-8 text (byte {at}); give a file with one text a line"
        ))
    })?;
    Background::parse(&name, &content)
}
