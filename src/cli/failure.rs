//! How a subcommand ends when it does not end well.

use std::io;
use std::path::Path;

use crate::model::ModelError;
use crate::model::SaveError;
use crate::model::source::SourceError;
use crate::os;
use crate::parity::ParityError;

/// Why a subcommand stopped.
#[derive(Debug)]
pub enum Failure {
    /// It could not be done; exit status 1.
    Failed(String),
    /// The arguments make no sense for this model; exit status 2, as clap's own.
    Usage(String),
    /// Whoever read our output has enough, as `head` does; no failure.
    Closed,
}

impl Failure {
    pub fn failed(message: impl ToString) -> Self {
        Self::Failed(message.to_string())
    }

    pub fn usage(message: impl ToString) -> Self {
        Self::Usage(message.to_string())
    }

    /// A file that could not be read or written.
    pub fn file(path: &Path, doing: &str, error: &io::Error) -> Self {
        let problem = os::problem(error, doing);
        Self::Failed(format!("{}: cannot be {doing}: {problem}", path.display()))
    }

    /// stdout that could not be written.
    pub fn stdout(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Failed(format!("stdout: cannot be written: {error}")),
        }
    }

    /// What the person is told, in one line.
    pub fn message(&self) -> Option<String> {
        match self {
            Self::Failed(message) | Self::Usage(message) => Some(one_line(message)),
            Self::Closed => None,
        }
    }

    pub fn code(&self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
        }
    }
}

/// Cuts off a backtrace, which some libraries append to their message, and joins what is left.
pub fn one_line(message: &str) -> String {
    let lines = message.lines().map(str::trim);
    let lines = lines.take_while(|line| !line.starts_with("0: "));
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    lines.join(" ")
}

impl From<crate::training::TrainError> for Failure {
    fn from(error: crate::training::TrainError) -> Self {
        Self::failed(error)
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        Self::failed(error)
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self::failed(error)
    }
}

impl From<SaveError> for Failure {
    fn from(error: SaveError) -> Self {
        Self::failed(error)
    }
}

impl From<ParityError> for Failure {
    fn from(error: ParityError) -> Self {
        Self::failed(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_without_its_backtrace() {
        let message = "shape mismatch\n in matmul\n\n   0: candle::bt\n   1: main\n";
        assert_eq!(one_line(message), "shape mismatch in matmul");
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        let pipe = io::Error::from(io::ErrorKind::BrokenPipe);
        assert_eq!(Failure::stdout(&pipe).code(), 0);
        assert_eq!(Failure::stdout(&pipe).message(), None);
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(Failure::stdout(&full).code(), 1);
    }
}
