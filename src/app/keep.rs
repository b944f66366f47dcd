//! Whether the work and the preferences can be kept for the next start.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

/// What the program is called where the desktop keeps files of programs.
pub const NAME: &str = "embedscope";

/// Why nothing will be there the next time, for a person; none where it will.
pub fn problem() -> Option<String> {
    let folder = eframe::storage_dir(NAME)?;
    let error = try_writing(&folder).err()?;
    Some(format!(
        "{}: cannot be written ({}). Texts, layout and preferences will not be there the next time; File › Save session keeps the work elsewhere.",
        folder.display(),
        error.kind(),
    ))
}

/// Leaves everything as it is: the file that is there is opened, and where there is none one is made
/// beside it and taken away.
fn try_writing(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let file = folder.join("app.ron");
    if file.exists() {
        return OpenOptions::new().append(true).open(file).map(drop);
    }
    let trial = folder.join(format!("trial.{}", std::process::id()));
    File::create(&trial)?;
    fs::remove_file(trial)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_tried_without_a_trace() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("own");
        assert!(try_writing(&own).is_ok());
        assert_eq!(fs::read_dir(&own).unwrap().count(), 0);
        fs::write(own.join("app.ron"), "kept").unwrap();
        assert!(try_writing(&own).is_ok());
        assert_eq!(fs::read_to_string(own.join("app.ron")).unwrap(), "kept");
        let beneath_a_file = own.join("app.ron").join("folder");
        assert!(try_writing(&beneath_a_file).is_err());
    }
}
