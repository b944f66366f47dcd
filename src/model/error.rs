//! What can go wrong between a model's name and its numbers.

use thiserror::Error;

use super::source::SourceError;
use crate::tokens::TokenizeError;
use crate::trace::TraceError;

#[derive(Debug, Error)]
pub enum ModelError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("{file}: `{field}` {problem}")]
    Config {
        file: String,
        field: String,
        problem: String,
    },
    #[error("{file}: {what} is not supported ({hint})")]
    Unsupported {
        file: String,
        what: String,
        hint: String,
    },
    #[error("{file}: {problem}")]
    Weights { file: String, problem: String },
    #[error("{file}: tensor `{tensor}` {problem}")]
    Tensor {
        file: String,
        tensor: String,
        problem: String,
    },
    #[error(transparent)]
    Tokenize(#[from] TokenizeError),
    #[error("device `{name}`: {problem}")]
    Device { name: String, problem: String },
    #[error(
        "the text has no tokens, so there is nothing to encode; this tokenizer adds no special tokens to an empty text"
    )]
    NoTokens,
    #[error("{what}: {problem}")]
    Input { what: String, problem: String },
    /// A hook asked the pass to end.
    #[error("stopped")]
    Stopped,
    #[error(transparent)]
    Trace(#[from] TraceError),
    #[error("the computation failed: {0}")]
    Candle(#[from] candle_core::Error),
}

impl ModelError {
    /// A field of a configuration file that cannot be used.
    pub fn config(file: &str, field: &str, problem: impl Into<String>) -> Self {
        Self::Config {
            file: file.to_owned(),
            field: field.to_owned(),
            problem: problem.into(),
        }
    }
}
