//! Session files: the whole work as one readable JSON file that opens to exactly the same.
//!
//! [`Session::write`] and [`Session::read`] are about the file, [`open`] about the window's side.

mod check;
mod error;
mod file;
pub(super) mod open;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use error::SessionError;
pub use file::{ENDING, MOST_BYTES, is_session, named};

use super::layout::Layout;
use super::state::State;
use crate::model::ModelRef;

/// What a session file says it is.
pub const FORMAT: &str = "embedscope session";
/// The version that is written. Version 0 is a bare [`State`], as it was before there were session files.
pub const VERSION: u64 = 1;

/// What is in a session file.
#[derive(Clone)]
pub struct Session {
    /// Without preferences, which belong to the person.
    pub state: State,
    pub layout: Layout,
    /// Of the weights and settings that were in use; none where the model was not there when the
    /// session was saved.
    pub model_hash: Option<Arc<str>>,
    pub reference_hash: Option<Arc<str>>,
}

/// The order of the file.
#[derive(Serialize)]
struct Written<'a> {
    format: &'static str,
    version: u64,
    program: &'static str,
    model_hash: Option<&'a str>,
    reference_hash: Option<&'a str>,
    state: Value,
    layout: Value,
}

/// What must be in the file; other keys are left alone.
#[derive(Deserialize)]
struct Stored {
    #[serde(default)]
    model_hash: Option<Arc<str>>,
    #[serde(default)]
    reference_hash: Option<Arc<str>>,
    state: State,
    layout: Layout,
}

/// Fields of the state that a session file has to have. Later ones have defaults, so that older files
/// open.
const FIELDS: [&str; 5] = ["texts", "a", "b", "model", "prompt"];

impl Session {
    /// The file's content: JSON with its keys in order, so that two versions can be compared.
    ///
    /// # Errors
    /// When something in it has no JSON, which is a fault of ours.
    pub fn to_text(&self) -> Result<String, String> {
        let mut state = self.state.clone();
        state.model = lasting(state.model);
        state.reference = state.reference.map(lasting);
        let mut state = serde_json::to_value(&state).map_err(|e| e.to_string())?;
        if let Some(fields) = state.as_object_mut() {
            fields.remove("preferences");
        }
        let written = Written {
            format: FORMAT,
            version: VERSION,
            program: env!("CARGO_PKG_VERSION"),
            model_hash: self.model_hash.as_deref(),
            reference_hash: self.reference_hash.as_deref(),
            state,
            layout: serde_json::to_value(&self.layout).map_err(|e| e.to_string())?,
        };
        let text = serde_json::to_string_pretty(&written).map_err(|e| e.to_string())?;
        Ok(text + "\n")
    }

    /// Reads what [`Self::to_text`] wrote, or an older version of it.
    ///
    /// # Errors
    /// What is wrong and where, with `file` as its name.
    pub fn from_text(text: &str, file: &str) -> Result<Self, SessionError> {
        let error = |e: serde_json::Error| SessionError::json(file, text, &e);
        if text.trim().is_empty() {
            return Err(SessionError::Empty { file: file.into() });
        }
        let value: Value = serde_json::from_str(text).map_err(error)?;
        match version(&value, file)? {
            0 => {
                let mut state: State = serde_json::from_str(text).map_err(error)?;
                state.repair();
                Ok(Self {
                    state,
                    layout: Layout::default(),
                    model_hash: None,
                    reference_hash: None,
                })
            }
            _ => {
                check::fields(&value, file)?;
                let stored: Stored = serde_json::from_str(text).map_err(error)?;
                Self::checked(stored, file)
            }
        }
    }

    fn checked(stored: Stored, file: &str) -> Result<Self, SessionError> {
        check::state(&stored.state, file)?;
        check::layout(&stored.layout, file)?;
        let (mut state, mut layout) = (stored.state, stored.layout);
        state.repair();
        state.preferences = Default::default();
        layout.repair();
        Ok(Self {
            state,
            layout,
            model_hash: stored.model_hash,
            reference_hash: stored.reference_hash,
        })
    }
}

/// The version of a file, refused where this program cannot read it.
fn version(value: &Value, file: &str) -> Result<u64, SessionError> {
    let file = || file.to_owned();
    let foreign = || SessionError::Foreign { file: file() };
    let fields = value.as_object().ok_or_else(foreign)?;
    match fields.get("format") {
        Some(Value::String(format)) if format == FORMAT => {}
        // Before there were session files, people kept the state itself.
        None if ["texts", "model", "pooling"]
            .iter()
            .all(|key| fields.contains_key(*key)) =>
        {
            return Ok(0);
        }
        _ => return Err(foreign()),
    }
    let Some(version) = fields.get("version").and_then(Value::as_u64) else {
        let problem = "is not a whole number".to_owned();
        return Err(SessionError::field(file(), "version", problem));
    };
    match version {
        VERSION => Ok(version),
        newer if newer > VERSION => Err(SessionError::TooNew {
            file: file(),
            version: newer,
        }),
        // There never was such a file: version 0 has no version.
        version => Err(SessionError::TooOld {
            file: file(),
            version,
        }),
    }
}

/// The same model for whoever opens the file, wherever the program was started.
fn lasting(model: ModelRef) -> ModelRef {
    match model {
        ModelRef::Folder(folder) => {
            ModelRef::Folder(std::path::absolute(&folder).unwrap_or(folder))
        }
        ModelRef::Task { of, task } => ModelRef::Task {
            of: Box::new(lasting(*of)),
            task,
        },
        other => other,
    }
}
