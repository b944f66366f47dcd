//! Writing results: stdout that may close, and files that are whole or not there.

use std::fs::{self, File};
use std::io::{BufWriter, Write, stdout};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Failure;

/// Prints one JSON document with full precision.
pub fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(Failure::failed)?;
    print(&format!("{text}\n"))
}

/// Prints to stdout as it is.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|e| Failure::stdout(&e))
}

/// Where to write, settled before any work is done.
#[derive(Debug)]
pub struct Target {
    path: PathBuf,
    /// Written to first and then moved over `path`; `None` for a device or a pipe.
    partial: Option<PathBuf>,
}

impl Target {
    /// # Errors
    /// When there can be no such file.
    pub fn new(path: &Path) -> Result<Self, Failure> {
        // Through a link, so that what it leads to is replaced and not the link.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let problem = |what: &str| Failure::Failed(format!("{}: {what}", path.display()));
        match fs::metadata(&path) {
            Ok(meta) if meta.is_dir() => return Err(problem("is a folder, not a file to write")),
            Ok(meta) if !meta.is_file() => {
                return Ok(Self {
                    path,
                    partial: None,
                });
            }
            _ => {}
        }
        let Some(name) = path.file_name() else {
            return Err(problem("is no file name"));
        };
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            let folder = folder.display();
            return Err(problem(&format!(
                "cannot be written: there is no folder {folder}"
            )));
        }
        // In plain sight, because Ctrl-C leaves it behind; apart from any other run's.
        let mut name = name.to_owned();
        name.push(format!(".{}.partial", std::process::id()));
        let partial = Some(folder.join(name));
        Ok(Self { path, partial })
    }

    /// Writes the whole file, or leaves nothing behind.
    pub fn write<T>(
        &self,
        fill: impl FnOnce(&mut BufWriter<File>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let failed = |e: std::io::Error| Failure::file(&self.path, "written", &e);
        let place = self.partial.as_ref().unwrap_or(&self.path);
        let outcome = File::create(place).map_err(failed).and_then(|file| {
            let mut out = BufWriter::new(file);
            let value = fill(&mut out)?;
            out.flush().map_err(failed)?;
            Ok(value)
        });
        let Some(partial) = &self.partial else {
            return outcome;
        };
        let moved = outcome.and_then(|value| {
            fs::rename(partial, &self.path).map_err(failed)?;
            Ok(value)
        });
        if moved.is_err() {
            // Nothing useful can be done when the clean-up fails as well.
            let _ = fs::remove_file(partial);
        }
        moved
    }

    /// False for a device or a pipe, which can only be written from start to end.
    pub fn is_file(&self) -> bool {
        self.partial.is_some()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_off_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        fs::write(&path, "old").unwrap();
        let target = Target::new(&path).unwrap();
        let broken: Result<(), _> = target.write(|out| {
            out.write_all(b"half").unwrap();
            Err(Failure::failed("broke off"))
        });
        assert!(broken.is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        target
            .write(|out| out.write_all(b"new").map_err(Failure::failed))
            .unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_refused_beforehand() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Target::new(folder.path()).is_err());
        assert!(Target::new(&folder.path().join("missing/out.csv")).is_err());
    }
}
