//! How a person names a model: `bundled`, `bundled@start`, a folder, or a hub id; and behind a `#` one of
//! its tasks.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::SourceError;
use super::bundled::{BUNDLED_NAME, BundledCheckpoint};

/// The well-known small model that is offered next to the bundled one.
pub const MINILM: &str = "sentence-transformers/all-MiniLM-L6-v2";

/// A model's name. Its `Display` form parses back to the same reference.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ModelRef {
    /// The model inside the program, at the end of its training or at another moment of it.
    Bundled { checkpoint: Option<String> },
    /// A folder that holds config.json, tokenizer.json and model.safetensors.
    Folder(PathBuf),
    /// `org/name`, or a bare legacy name such as `bert-base-uncased`.
    Hub {
        repo: String,
        revision: Option<String>,
    },
    /// A model with the adapter of one of its tasks at work: `org/name#retrieval.query`.
    Task { of: Box<ModelRef>, task: String },
}

impl Default for ModelRef {
    fn default() -> Self {
        ModelRef::Bundled { checkpoint: None }
    }
}

impl ModelRef {
    /// all-MiniLM-L6-v2.
    pub fn minilm() -> Self {
        ModelRef::Hub {
            repo: MINILM.to_string(),
            revision: None,
        }
    }

    /// The task whose adapter is at work, if one is.
    pub fn task(&self) -> Option<&str> {
        match self {
            ModelRef::Task { task, .. } => Some(task),
            _ => None,
        }
    }

    /// The model without an adapter at work.
    pub fn base(&self) -> &Self {
        match self {
            ModelRef::Task { of, .. } => of.base(),
            own => own,
        }
    }

    /// The same model for another task, or for none.
    pub fn for_task(&self, task: Option<&str>) -> Self {
        let base = self.base().clone();
        match task {
            None => base,
            Some(task) => ModelRef::Task {
                of: Box::new(base),
                task: task.to_owned(),
            },
        }
    }

    /// A short name for a label: the last part of an id or path.
    pub fn title(&self) -> String {
        match self {
            ModelRef::Bundled { checkpoint: None } => BUNDLED_NAME.to_string(),
            ModelRef::Bundled {
                checkpoint: Some(name),
            } => match BundledCheckpoint::find(name) {
                Ok(checkpoint) => format!("{BUNDLED_NAME} {}", checkpoint.title),
                Err(_) => self.to_string(),
            },
            ModelRef::Task { of, task } => format!("{}#{task}", of.title()),
            ModelRef::Folder(_) | ModelRef::Hub { .. } => {
                let text = self.to_string();
                let end = text.trim_end_matches('/').rsplit('/').next();
                end.filter(|end| !end.is_empty())
                    .unwrap_or(&text)
                    .to_string()
            }
        }
    }
}

impl FromStr for ModelRef {
    type Err = SourceError;

    /// Reads `bundled`, `bundled@checkpoint`, a path, `org/name`, `org/name@revision` or a bare
    /// legacy name, each with a `#task` behind it or not. What exists on disk wins over an id or a task of
    /// the same spelling.
    ///
    /// # Errors
    /// `BadReference` for text that can be neither a path nor an id, `NoSuchCheckpoint`.
    fn from_str(text: &str) -> Result<Self, SourceError> {
        let text = text.trim();
        if let Some((model, task)) = split_task(text) {
            return Ok(model.parse::<ModelRef>()?.for_task(Some(task)));
        }
        if text == "bundled" {
            return Ok(ModelRef::default());
        }
        if let Some(name) = text.strip_prefix("bundled@") {
            return Ok(BundledCheckpoint::find(name)?.reference());
        }
        if looks_like_path(text) {
            return Ok(ModelRef::Folder(expand_home(text)));
        }
        if !text.is_empty() && Path::new(text).exists() {
            return Ok(ModelRef::Folder(Path::new(".").join(text)));
        }
        let (repo, revision) = match text.split_once('@') {
            Some((repo, revision)) => (repo, Some(revision)),
            None => (text, None),
        };
        check_id(repo, revision)?;
        Ok(ModelRef::Hub {
            repo: repo.to_string(),
            revision: revision.map(str::to_string),
        })
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ModelRef::Bundled { checkpoint: None } => f.write_str("bundled"),
            ModelRef::Bundled {
                checkpoint: Some(name),
            } => write!(f, "bundled@{name}"),
            ModelRef::Folder(path) => {
                let text = path.to_string_lossy();
                // A relative path such as `models/minilm` would read as a hub
                // id once the folder is gone.
                if path.is_relative() && !looks_like_path(&text) {
                    f.write_str("./")?;
                }
                f.write_str(&text)
            }
            ModelRef::Hub {
                repo,
                revision: None,
            } => f.write_str(repo),
            ModelRef::Hub {
                repo,
                revision: Some(revision),
            } => write!(f, "{repo}@{revision}"),
            ModelRef::Task { of, task } => write!(f, "{of}#{task}"),
        }
    }
}

impl Serialize for ModelRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ModelRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A model and the task behind the last `#`, unless there is a folder of the whole name.
fn split_task(text: &str) -> Option<(&str, &str)> {
    let (model, task) = text.rsplit_once('#')?;
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let named = !model.is_empty() && !task.is_empty() && task.chars().all(allowed);
    (named && !expand_home(text).exists()).then_some((model, task))
}

/// Whether `text` can only be a path: it starts like one, or has separators
/// that no `org/name` has. A revision may hold slashes (`refs/pr/1`).
fn looks_like_path(text: &str) -> bool {
    let id = text.split_once('@').map_or(text, |(id, _)| id);
    let parts = id.split('/').count();
    text.starts_with(['.', '/', '~'])
        || text.contains('\\')
        || Path::new(text).is_absolute()
        || parts > 2
        || (parts == 2 && id.ends_with('/'))
}

/// `~` and `~/x` in terms of the home folder; anything else as it is.
pub(super) fn expand_home(text: &str) -> PathBuf {
    let rest = match text.strip_prefix('~') {
        Some("") => Some(""),
        Some(rest) => rest.strip_prefix('/'),
        None => None,
    };
    match (rest, std::env::home_dir()) {
        (Some(""), Some(home)) => home,
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(text),
    }
}

/// Refuses what no hub accepts as an id or revision. Both end up in paths of
/// the cache, so this is also what keeps them inside it.
pub(super) fn check_id(repo: &str, revision: Option<&str>) -> Result<(), SourceError> {
    let bad = |why| {
        let text = match revision {
            Some(revision) => format!("{repo}@{revision}"),
            None => repo.to_string(),
        };
        Err(SourceError::BadReference { text, why })
    };
    let parts: Vec<&str> = repo.split('/').collect();
    if parts.len() > 2 || parts.iter().any(|part| part.is_empty()) {
        return bad("an id is org/name");
    }
    if repo.len() > 96 {
        return bad("an id has at most 96 characters");
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    if !repo.chars().all(allowed) {
        return bad("an id has only letters, digits, `-`, `_` and `.`");
    }
    if repo.contains("..") || repo.contains("--") {
        return bad("an id has no `..` and no `--`");
    }
    if parts
        .iter()
        .any(|part| part.starts_with(['.', '-']) || part.ends_with(['.', '-']))
    {
        return bad("an id's parts neither start nor end with `.` or `-`");
    }
    match revision {
        Some(revision) if !is_revision(revision) => {
            bad("a revision is a branch, a tag or a commit")
        }
        _ => Ok(()),
    }
}

/// Whether git would take this as the name of a branch or tag, near enough.
fn is_revision(revision: &str) -> bool {
    let odd = |c: char| c.is_control() || c.is_whitespace() || "\\:?*[~^".contains(c);
    !revision.contains(odd)
        && !revision.contains("..")
        && revision.len() <= 250
        && revision
            .split('/')
            .all(|part| !part.is_empty() && part != ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(repo: &str, revision: Option<&str>) -> ModelRef {
        ModelRef::Hub {
            repo: repo.into(),
            revision: revision.map(Into::into),
        }
    }

    #[test]
    fn what_people_type_is_read_as_they_mean_it() {
        let start = ModelRef::Bundled {
            checkpoint: Some("start".into()),
        };
        let cases = [
            ("bundled", ModelRef::default()),
            (" bundled ", ModelRef::default()),
            ("bundled@start", start.clone()),
            ("org/name", hub("org/name", None)),
            ("org/name@v1.0", hub("org/name", Some("v1.0"))),
            ("org/name@refs/pr/1", hub("org/name", Some("refs/pr/1"))),
            ("bert-base-uncased", hub("bert-base-uncased", None)),
            ("/abs/path", ModelRef::Folder("/abs/path".into())),
            ("./org/name", ModelRef::Folder("./org/name".into())),
            ("../x", ModelRef::Folder("../x".into())),
            ("a/b/c", ModelRef::Folder("a/b/c".into())),
            ("models/", ModelRef::Folder("models/".into())),
            ("a\\b", ModelRef::Folder("a\\b".into())),
            ("src", ModelRef::Folder("./src".into())),
            ("src/model", ModelRef::Folder("./src/model".into())),
            ("org/name#a.b", hub("org/name", None).for_task(Some("a.b"))),
            (
                "org/name@v1#text-matching",
                hub("org/name", Some("v1")).for_task(Some("text-matching")),
            ),
            ("/abs/c#/m", ModelRef::Folder("/abs/c#/m".into())),
            (
                "/abs/path#query",
                ModelRef::Folder("/abs/path".into()).for_task(Some("query")),
            ),
        ];
        for (text, expected) in cases {
            let read: ModelRef = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(read, expected, "{text}");
            let again: ModelRef = read.to_string().parse().unwrap();
            assert_eq!(again, expected, "{text} after Display");
        }
    }

    #[test]
    fn home_is_expanded() {
        let home = std::env::home_dir().expect("the tests run with a home folder");
        assert_eq!(
            "~".parse::<ModelRef>().unwrap(),
            ModelRef::Folder(home.clone())
        );
        assert_eq!(
            "~/m".parse::<ModelRef>().unwrap(),
            ModelRef::Folder(home.join("m"))
        );
        assert_eq!(
            "~you/m".parse::<ModelRef>().unwrap(),
            ModelRef::Folder("~you/m".into())
        );
    }

    #[test]
    fn what_is_neither_is_refused_with_a_way_out() {
        for text in [
            "",
            "  ",
            "my model",
            "org/na me",
            "org/name@",
            "org/name@a..b",
            "org/name@a b",
            "-x",
            "a--b",
            "org/-x",
            "naïve/model",
            "org/name@/etc",
            "a..b",
        ] {
            let error = text.parse::<ModelRef>().expect_err(text);
            assert!(
                matches!(error, SourceError::BadReference { .. }),
                "{text}: {error}"
            );
            assert!(!error.to_string().contains('\n'));
        }
    }

    #[test]
    fn a_checkpoint_that_is_not_there_is_refused_with_those_that_are() {
        for text in ["bundled@", "bundled@middle", "bundled@Start"] {
            let error = text.parse::<ModelRef>().expect_err(text).to_string();
            assert!(error.contains("bundled@start"), "{error}");
        }
    }

    #[test]
    fn titles_are_short() {
        let title = |text: &str| text.parse::<ModelRef>().unwrap().title();
        assert_eq!(title("bundled"), "embedscope-mini");
        assert_eq!(title("bundled@start"), "embedscope-mini before training");
        assert_eq!(title("org/name@v1"), "name@v1");
        assert_eq!(title("/models/mine/"), "mine");
        assert_eq!(title("org/name#query"), "name#query");
    }

    #[test]
    fn a_relative_folder_stays_a_folder_through_json() {
        let folder = ModelRef::Folder("no-such-org/no-such-name".into());
        let json = serde_json::to_string(&folder).unwrap();
        assert_eq!(json, "\"./no-such-org/no-such-name\"");
        assert!(matches!(
            serde_json::from_str(&json).unwrap(),
            ModelRef::Folder(_)
        ));
        assert_eq!(ModelRef::Folder("bundled".into()).to_string(), "./bundled");
        assert_eq!(
            serde_json::to_string(&ModelRef::default()).unwrap(),
            "\"bundled\""
        );
        let start: ModelRef = serde_json::from_str("\"bundled@start\"").unwrap();
        assert_eq!(serde_json::to_string(&start).unwrap(), "\"bundled@start\"");
    }
}
