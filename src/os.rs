//! What the system says of a file, in words that tell what to do.

use std::io::{Error, ErrorKind};

/// What stands in the way, and the way round it; `doing` is what was tried: `read`, `open`, or `written`,
/// `write to`. What is rare stays in the system's own words.
pub fn problem(error: &Error, doing: &str) -> String {
    let writing = doing.starts_with("writ");
    let text = match (error.kind(), writing) {
        (ErrorKind::NotFound, false) => "there is no such file; check the path",
        (ErrorKind::NotFound, true) => "there is no such folder; make it, or choose another",
        (ErrorKind::PermissionDenied, false) => "permission denied; allow yourself to read it",
        (ErrorKind::PermissionDenied, true) => {
            "permission denied; choose a folder that you may write to"
        }
        (ErrorKind::IsADirectory, _) => "it is a folder; name a file",
        (ErrorKind::NotADirectory, _) => "a part of the path is a file, not a folder",
        (ErrorKind::StorageFull, _) => "the disk is full",
        (ErrorKind::ReadOnlyFilesystem, _) => "the disk can only be read; choose another place",
        _ => return error.to_string(),
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_becomes_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let of = |result: Result<(), Error>, doing| problem(&result.unwrap_err(), doing);
        let read = |path: &std::path::Path| of(std::fs::read(path).map(drop), "read");
        assert!(read(&folder.path().join("none")).contains("no such file"));
        assert!(read(folder.path()).contains("it is a folder"));
        let beneath = std::fs::write(folder.path().join("no/folder"), "");
        assert!(of(beneath, "written").contains("no such folder"));
        let odd = Error::other("odd");
        assert_eq!(problem(&odd, "read"), "odd");
    }
}
