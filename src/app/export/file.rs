//! Writing a file whole or not at all.

use std::fs;
use std::path::Path;

use crate::app::files::FileError;

/// Writes beside `path` first and then moves over it, so that what was there stays until the new file
/// is whole. A device or a pipe is written to as it is.
///
/// # Errors
/// One message that names the file.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let failed = |e: std::io::Error| FileError::os(path, "written", &e);
    // Through a link, so that what it leads to is replaced and not the link.
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    match fs::metadata(&target) {
        Ok(meta) if meta.is_dir() => {
            return Err(FileError::io(
                path,
                "written",
                &"it is a folder; name a file",
            ));
        }
        Ok(meta) if !meta.is_file() => return fs::write(&target, bytes).map_err(failed),
        _ => {}
    }
    let Some(name) = target.file_name() else {
        return Err(FileError::io(path, "written", &"it is no file name"));
    };
    let mut partial = name.to_owned();
    partial.push(format!(".{}.partial", std::process::id()));
    let partial = target.with_file_name(partial);
    let written = fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, &target));
    if written.is_err() {
        // Nothing useful can be done when the clean-up fails as well.
        let _ = fs::remove_file(&partial);
    }
    written.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_a_bad_place_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        for text in ["old", "new"] {
            write(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let missing = folder.path().join("none/a.csv");
        for bad in [missing.as_path(), folder.path()] {
            let error = write(bad, b"x").unwrap_err().to_string();
            assert!(error.contains(&bad.display().to_string()), "{error}");
        }
    }
}
