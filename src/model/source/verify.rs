//! Whether a downloaded file is what the hub said it would be.
//!
//! hf-hub stores whatever body the second request brings, an error page
//! included, so nothing is believed before it is checked.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::de::IgnoredAny;

use super::{SourceError, digest};
use crate::cancel::Cancel;

/// What is wrong with the snapshot file at `path`, if anything: its SHA-256
/// where the blob is named by one, else its length and, for JSON, its form.
///
/// # Errors
/// `Io` and `Cancelled`.
pub(super) fn fault(
    path: &Path,
    expected: Option<u64>,
    cancel: &Cancel,
) -> Result<Option<String>, SourceError> {
    let failed = |e| SourceError::io("read", path, e);
    let blob = match path.canonicalize() {
        // Some other program's hf-hub may be putting the link in anew.
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Some("it vanished again".into())),
        blob => blob.map_err(failed)?,
    };
    let name = blob
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    if let Some(name) = name.filter(|name| digest::is_sha256(name)) {
        let sum = match digest::sha256_file(&blob, cancel) {
            Err(e) if e.kind() == ErrorKind::Interrupted => return Err(SourceError::Cancelled),
            sum => sum.map_err(failed)?,
        };
        return Ok((sum != name).then(|| format!("its SHA-256 is {sum}, not {name}")));
    }
    let length = fs::metadata(&blob).map_err(failed)?.len();
    if let Some(expected) = expected.filter(|&expected| length < expected) {
        return Ok(Some(format!("{length} of {expected} bytes arrived")));
    }
    if path.extension().is_some_and(|e| e == "json") {
        let bytes = fs::read(&blob).map_err(failed)?;
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let parsed: Result<IgnoredAny, _> = serde_json::from_slice(text);
        return Ok(parsed
            .err()
            .map(|e| format!("what arrived is not JSON: {e}")));
    }
    Ok(None)
}

/// Takes a bad file out of the cache, blob and all, so that nobody uses it.
pub(super) fn discard(path: &Path) {
    let blob = path.canonicalize();
    let _ = fs::remove_file(path);
    if let Ok(blob) = blob {
        let _ = fs::remove_file(blob);
    }
}
