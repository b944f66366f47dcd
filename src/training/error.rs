use std::path::Path;

use thiserror::Error;

use crate::model::ModelError;
use crate::model::source::SourceError;
use crate::os;

/// Why training cannot begin or go on.
#[derive(Debug, Error)]
pub enum TrainError {
    #[error("{file}: {problem}")]
    File { file: String, problem: String },
    #[error("{file}: line {line} {problem}")]
    Line {
        file: String,
        line: usize,
        problem: String,
    },
    #[error("{0}")]
    Settings(String),
    #[error("step {step}: {problem}")]
    Diverged { step: usize, problem: String },
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl TrainError {
    pub fn file(path: &Path, problem: impl Into<String>) -> Self {
        Self::File {
            file: path.display().to_string(),
            problem: problem.into(),
        }
    }

    pub(super) fn read(path: &Path, error: &std::io::Error) -> Self {
        Self::file(
            path,
            format!("cannot be read: {}", os::problem(error, "read")),
        )
    }

    pub(super) fn written(path: &Path, error: &std::io::Error) -> Self {
        Self::file(
            path,
            format!("cannot be written: {}", os::problem(error, "written")),
        )
    }
}

impl From<candle_core::Error> for TrainError {
    fn from(error: candle_core::Error) -> Self {
        Self::Model(error.into())
    }
}
