//! Why a session file is refused, and what to do about it.

use thiserror::Error;

use super::{MOST_BYTES, VERSION};
use crate::os;
use crate::tokens::start_of;

/// Each is one line that names the file, what is wrong where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SessionError {
    #[error("{file}: cannot be {verb}: {problem}")]
    Io {
        file: String,
        verb: &'static str,
        problem: String,
        /// There is no such file.
        missing: bool,
    },
    #[error("{file}: is not a file; choose a session file (*.embedscope.json)")]
    NotAFile { file: String },
    #[error(
        "{file}: is {megabytes:.0} MB, and session files are {} MB at most; is it another kind of file?",
        MOST_BYTES / 1_000_000
    )]
    TooLarge { file: String, megabytes: u64 },
    #[error("{file}: is empty; save the session again")]
    Empty { file: String },
    #[error("{file}: line {line} is not UTF-8; save the file as UTF-8, or save the session again")]
    Encoding { file: String, line: usize },
    #[error(
        "{file}: is not a session of embedscope (it has no \"format\": \"embedscope session\")"
    )]
    Foreign { file: String },
    #[error(
        "{file}: is a session of version {version}, and this program reads up to version {VERSION}; open it with a newer embedscope"
    )]
    TooNew { file: String, version: u64 },
    #[error(
        "{file}: is a session of version {version}, which this program does not read; save it again with the embedscope that wrote it"
    )]
    TooOld { file: String, version: u64 },
    #[error(
        "{file}: ends in the middle, at line {line}; take a whole copy, or save the session again"
    )]
    CutOff { file: String, line: usize },
    #[error("{file}: line {line} is damaged: {problem}; mend it there, or take an older copy")]
    Line {
        file: String,
        line: usize,
        problem: String,
    },
    #[error("{file}: the field `{field}` {problem}; mend it there, or take an older copy")]
    Field {
        file: String,
        field: String,
        problem: String,
    },
    #[error(
        "{file}: is there and is no session of embedscope; it is left alone. Choose another name"
    )]
    NotOurs { file: String },
}

impl SessionError {
    pub(super) fn io(file: &std::path::Path, verb: &'static str, error: &std::io::Error) -> Self {
        Self::Io {
            file: file.display().to_string(),
            verb,
            problem: os::problem(error, verb),
            missing: error.kind() == std::io::ErrorKind::NotFound,
        }
    }

    pub(super) fn field(file: String, field: impl Into<String>, problem: String) -> Self {
        Self::Field {
            file,
            field: field.into(),
            problem,
        }
    }

    /// What is wrong with the JSON, with the line as it stands there.
    pub(super) fn json(file: &str, text: &str, error: &serde_json::Error) -> Self {
        let (file, line) = (file.to_owned(), error.line());
        if error.is_eof() {
            return Self::CutOff { file, line };
        }
        let problem = error.to_string();
        let problem = problem.split(" at line ").next().unwrap_or_default();
        let stands = match text.lines().nth(line.saturating_sub(1)) {
            Some(line) => start_of(line.trim(), 60),
            None => String::new(),
        };
        let problem = format!("{problem}, in {stands}");
        Self::Line {
            file,
            line,
            problem,
        }
    }
}
