//! Whether the work and the preferences can be kept for the next start, and that no failed attempt to
//! keep them costs what was kept before.
//!
//! eframe writes its file over the one that is there: where the disk is full, or the machine goes off,
//! both are lost. So the last whole one is set aside first, which takes no room.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// What the program is called where the desktop keeps files of programs.
pub const NAME: &str = "embedscope";

/// What is kept from one start to the next: eframe's file, and the one before it.
#[derive(Clone, Debug)]
pub struct Kept {
    folder: PathBuf,
}

impl Kept {
    /// None where the desktop has no such place.
    pub fn own() -> Option<Self> {
        eframe::storage_dir(NAME).map(|folder| Self { folder })
    }

    fn file(&self) -> PathBuf {
        self.folder.join("app.ron")
    }

    fn aside(&self) -> PathBuf {
        self.folder.join("app.ron.before")
    }

    /// Before eframe writes.
    pub fn set_aside(&self) {
        // One that is not whole is no better than the one before it.
        if is_whole(&self.file())
            && let Err(error) = fs::rename(self.file(), self.aside())
        {
            log::warn!("{}: cannot be set aside: {error}", self.file().display());
        }
    }

    /// Before eframe reads: where its file is cut off or gone, the one before it takes its place. Says
    /// so for a person.
    pub fn restore(&self) -> Option<String> {
        if is_whole(&self.file()) || !is_whole(&self.aside()) {
            return None;
        }
        let cut = self.file().exists();
        fs::rename(self.aside(), self.file()).ok()?;
        cut.then(|| {
            format!(
                "{}: was not written to its end the last time. Texts, layout and preferences are those that were kept before.",
                self.file().display()
            )
        })
    }

    /// Why nothing will be there the next time, for a person; none where it will.
    pub fn problem(&self) -> Option<String> {
        let error = self.try_writing().err()?;
        Some(format!(
            "{}: cannot be written ({}). Texts, layout and preferences will not be there the next time; File › Save session keeps the work elsewhere.",
            self.folder.display(),
            error.kind(),
        ))
    }

    /// Leaves everything as it is.
    fn try_writing(&self) -> io::Result<()> {
        /// More than is written, as a rule.
        const ROOM: usize = 1 << 16;
        fs::create_dir_all(&self.folder)?;
        if self.file().exists() {
            OpenOptions::new().append(true).open(self.file())?;
        }
        let trial = self.folder.join(format!("trial.{}", std::process::id()));
        let written = File::create(&trial).and_then(|mut file| file.write_all(&[0; ROOM]));
        let removed = fs::remove_file(trial);
        written.and(removed)
    }
}

/// Whether a file ends as eframe ends it. No line of it but the last begins with a brace: line breaks
/// in texts are escaped.
fn is_whole(path: &Path) -> bool {
    const END: &[u8] = b"\n}";
    let end = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(END.len() as u64)))?;
        let mut end = Vec::new();
        file.read_to_end(&mut end)?;
        Ok(end)
    };
    end().is_ok_and(|end| end == END)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(folder: &Path) -> Kept {
        let folder = folder.to_owned();
        Kept { folder }
    }

    #[test]
    fn a_place_is_tried_without_a_trace() {
        let folder = tempfile::tempdir().unwrap();
        let own = kept(&folder.path().join("own"));
        assert_eq!(own.problem(), None);
        assert_eq!(fs::read_dir(&own.folder).unwrap().count(), 0);
        fs::write(own.file(), "kept").unwrap();
        assert_eq!(own.problem(), None);
        assert_eq!(fs::read_to_string(own.file()).unwrap(), "kept");
        let beneath_a_file = kept(&own.file().join("folder"));
        assert!(beneath_a_file.problem().unwrap().contains("app.ron/folder"));
    }

    #[test]
    fn what_was_not_written_to_its_end_is_as_it_was_before() {
        const WHOLE: &str = "{\n    \"state\": \"(texts:[\\n}])\",\n}";
        let folder = tempfile::tempdir().unwrap();
        let own = kept(folder.path());
        own.set_aside();
        assert_eq!(own.restore(), None, "there is nothing yet");
        fs::write(own.file(), WHOLE).unwrap();
        for end in [0, 12, WHOLE.len() - 1] {
            // Twice, as a window that stays open goes on trying.
            for _ in 0..2 {
                own.set_aside();
                fs::write(own.file(), &WHOLE[..end]).unwrap();
            }
            assert!(own.restore().unwrap().contains("app.ron: was not written"));
            assert_eq!(fs::read_to_string(own.file()).unwrap(), WHOLE);
            assert_eq!(own.restore(), None);
        }
        // Nothing had changed, so nothing was written.
        own.set_aside();
        assert_eq!(own.restore(), None);
        assert_eq!(fs::read_to_string(own.file()).unwrap(), WHOLE);
    }
}
