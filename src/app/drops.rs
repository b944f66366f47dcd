//! Files that are dragged over the window and dropped on it: what they open as.

use std::path::{Path, PathBuf};

use super::command::Command;
use super::files::{FileError, is_table};
use super::{App, Outcome, session};
use crate::model::ModelRef;

/// What one file or folder opens as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opens {
    Model(ModelRef),
    Texts(PathBuf),
    /// Which of its columns are texts is asked for.
    Table(PathBuf),
    Session(PathBuf),
}

impl Opens {
    fn command(self) -> Command {
        match self {
            Self::Model(reference) => Command::OpenModel(reference),
            Self::Texts(path) | Self::Table(path) => Command::OpenTextFile(path),
            Self::Session(path) => Command::OpenSession(path),
        }
    }

    /// Why it does not open together with other files.
    fn not_alone(&self) -> FileError {
        let (path, what) = match self {
            Self::Model(model) => (model.to_string(), "a model"),
            Self::Texts(path) => (path.display().to_string(), "a list of texts"),
            Self::Table(path) => (path.display().to_string(), "a table"),
            Self::Session(path) => (path.display().to_string(), "a session"),
        };
        FileError::NotAlone { path, what }
    }
}

/// What everything that is dropped at once opens as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dropped {
    One(Opens),
    /// Lists of texts, one behind the other.
    Lists(Vec<PathBuf>),
}

impl Dropped {
    /// What letting go does, for who is dragging.
    pub fn told(&self) -> String {
        match self {
            Self::One(Opens::Model(_)) => "Opens the folder as a model.".to_owned(),
            Self::One(Opens::Texts(_)) => {
                "Opens its lines as texts, in place of the list.".to_owned()
            }
            Self::One(Opens::Table(_)) => "Asks which of its columns are texts.".to_owned(),
            Self::One(Opens::Session(_)) => {
                "Opens the session. Undo brings back what is open now.".to_owned()
            }
            Self::Lists(paths) => {
                let files = paths.len();
                format!("Opens the lines of {files} files as texts, in place of the list.")
            }
        }
    }
}

/// Files that are over the window while they are dragged.
#[derive(Default)]
pub struct Hovering {
    pub paths: Vec<PathBuf>,
    /// What they open as, or why they do not, once the disk has been looked at.
    pub told: Option<Result<String, String>>,
}

/// A folder, or a file of a model's folder, opens the model; a session file its session; any other file
/// is a table or a list of texts.
///
/// # Errors
/// When there is nothing at that path, or it may not be looked at.
pub fn classify(path: &Path) -> Result<Opens, FileError> {
    let model = |folder: &Path| Ok(Opens::Model(ModelRef::Folder(folder.to_owned())));
    let meta = std::fs::metadata(path).map_err(|e| FileError::os(path, "read", &e))?;
    if meta.is_dir() {
        std::fs::read_dir(path).map_err(|e| FileError::os(path, "read", &e))?;
        return model(path);
    }
    if !meta.is_file() {
        return Err(FileError::Unknown {
            path: path.display().to_string(),
        });
    }
    std::fs::File::open(path).map_err(|e| FileError::os(path, "read", &e))?;
    if session::is_session(path) {
        return Ok(Opens::Session(path.to_owned()));
    }
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    match (extension, path.parent()) {
        // Weights are never texts: where they lie alone, the model says what is missing.
        ("safetensors", Some(folder)) => model(folder),
        ("json", Some(folder)) if folder.join("config.json").is_file() => model(folder),
        _ if is_table(path) => Ok(Opens::Table(path.to_owned())),
        _ => Ok(Opens::Texts(path.to_owned())),
    }
}

/// What files open as that are dropped at once: one thing of any kind, or lists of texts.
///
/// # Errors
/// Those of [`classify`], and when they do not open together.
pub fn together(paths: &[PathBuf]) -> Result<Dropped, FileError> {
    let mut kinds: Vec<Opens> = Vec::new();
    for path in paths {
        let opens = classify(path)?;
        // Several files of a model's folder are that model.
        if !kinds.contains(&opens) {
            kinds.push(opens);
        }
    }
    if let [one] = &kinds[..] {
        return Ok(Dropped::One(one.clone()));
    }
    let path = |opens| match opens {
        Opens::Texts(path) => Ok(path),
        other => Err(other.not_alone()),
    };
    let lists: Result<_, _> = kinds.into_iter().map(path).collect();
    lists.map(Dropped::Lists)
}

impl App {
    /// What a dragged or dropped file is takes a look at the disk, which may be slow.
    pub(super) fn receive_files(&mut self, ctx: &egui::Context) {
        self.receive_hovering(ctx);
        let dropped = ctx.input(|i| i.raw.dropped_files.clone());
        let paths: Vec<PathBuf> = dropped.iter().map(|file| file.path().to_owned()).collect();
        if paths.is_empty() {
            return;
        }
        if self.dialogs.is_open() {
            // The dialog asks for a path, and here is one.
            return self.dialogs.suggest(&paths[0].display().to_string());
        }
        self.job(move || match together(&paths) {
            Ok(dropped) => Outcome::Dropped(dropped),
            Err(error) => Outcome::Failed(error.to_string()),
        });
    }

    fn receive_hovering(&mut self, ctx: &egui::Context) {
        let hovered = ctx.input(|i| i.raw.hovered_files.clone());
        let paths: Vec<PathBuf> = hovered.into_iter().filter_map(|file| file.path).collect();
        if paths == self.hovering.paths {
            return;
        }
        self.hovering = Hovering {
            paths: paths.clone(),
            told: None,
        };
        if self.dialogs.is_open() {
            self.hovering.told = Some(Ok("Puts its path into the field.".to_owned()));
        } else if !paths.is_empty() {
            self.job(move || {
                let told = together(&paths).map(|dropped| dropped.told());
                Outcome::Hovered(Hovering {
                    told: Some(told.map_err(|error| error.to_string())),
                    paths,
                })
            });
        }
    }

    pub(super) fn open_dropped(&mut self, dropped: Dropped) {
        match dropped {
            Dropped::One(opens) => self.commands.push(opens.command()),
            Dropped::Lists(paths) => self.open_lists(paths),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_file_opens_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, "x").unwrap();
            path
        };
        let (texts, other) = (file("texts.txt"), file("other.json"));
        let table = file("table.CSV");
        let of = |path: &Path| classify(path).unwrap();
        assert_eq!(of(&texts), Opens::Texts(texts.clone()));
        assert_eq!(of(&other), Opens::Texts(other.clone()));
        assert_eq!(of(&table), Opens::Table(table.clone()));
        let model = Opens::Model(ModelRef::Folder(folder.path().to_owned()));
        let weights = file("model.safetensors");
        assert_eq!(of(&weights), model);
        let config = file("config.json");
        assert_eq!(of(&other), model);
        assert!(classify(Path::new("/nowhere")).is_err());

        let at_once = |paths: &[&PathBuf]| {
            let paths: Vec<PathBuf> = paths.iter().map(|&path| path.clone()).collect();
            together(&paths)
        };
        let one = at_once(&[&config, &weights]).unwrap();
        assert_eq!(one, Dropped::One(model));
        let list = file("list.txt");
        let both = at_once(&[&texts, &list]).unwrap();
        assert_eq!(both, Dropped::Lists(vec![texts.clone(), list]));
        let error = at_once(&[&texts, &table]).unwrap_err().to_string();
        assert!(error.contains("table.CSV: opens as a table"), "{error}");
    }
}
