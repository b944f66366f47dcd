//! What can go wrong on the way from a model's name to its files.

use std::path::PathBuf;

use thiserror::Error;

use crate::os;

/// Why a model's files could not be had. Every message is one line that names
/// the file, field or address at fault and says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceError {
    #[error(
        "`{text}` is neither an existing folder nor a model id ({why}): write org/name, \
         org/name@revision, `bundled`, or a path such as ./{text}"
    )]
    BadReference { text: String, why: &'static str },

    #[error(
        "the model in the program has no checkpoint `{name}`: use `bundled`, or one of {known}"
    )]
    NoSuchCheckpoint { name: String, known: String },

    #[error("no such folder: {}; expected a model folder, or a hub id such as {}", .path.display(), super::MINILM)]
    NoFolder { path: PathBuf },

    #[error("{} is not a folder: give the folder that holds config.json, tokenizer.json and model.safetensors", .path.display())]
    NotAFolder { path: PathBuf },

    #[error("{} is not a model folder: it has no {missing}; expected config.json, tokenizer.json and model.safetensors", .path.display())]
    NotAModel { path: PathBuf, missing: String },

    #[error("missing file: {}", .path.display())]
    MissingFile { path: PathBuf },

    #[error("{named_by} names `{name}`, which is outside the model's folder: refused")]
    OutsideFolder { named_by: String, name: String },

    #[error("{}: not valid JSON: {what} (line {line}, column {column})", .path.display())]
    Json {
        path: PathBuf,
        line: usize,
        column: usize,
        what: String,
    },

    #[error("{}: {what}", .path.display())]
    Field { path: PathBuf, what: String },

    #[error(
        "{model} has its weights only as a pickle ({file}), and pickles are never read because loading one can run \
         code: in Python, convert it with `model.save_pretrained(dir, safe_serialization=True)` or \
         `from safetensors.torch import save_file`, then give that folder"
    )]
    PicklesOnly { model: String, file: String },

    #[error(
        "{model} has no weights that can be read: expected {expected} or its model.safetensors.index.json"
    )]
    NoWeights { model: String, expected: String },

    #[error("cannot {doing} {}: {}", .path.display(), os::problem(.source, .doing))]
    Io {
        doing: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },

    #[error(
        "HF_HUB_OFFLINE is set and {repo} is not complete in the cache {} ({missing}): unset HF_HUB_OFFLINE to \
         download it, or give a folder{hint}", .cache.display()
    )]
    NotCached {
        repo: String,
        cache: PathBuf,
        missing: String,
        hint: &'static str,
    },

    #[error(
        "`{endpoint}` is not a hub's address: set HF_ENDPOINT to something like https://huggingface.co"
    )]
    BadEndpoint { endpoint: String },

    #[error(
        "cannot reach {endpoint} for {repo} ({cause}): check the network, set HF_ENDPOINT to a mirror, or give a \
         folder that holds the model{hint}"
    )]
    Unreachable {
        repo: String,
        endpoint: String,
        cause: String,
        hint: &'static str,
    },

    #[error("{endpoint} has no model {repo}: check the spelling (org/name)")]
    NoSuchRepo { repo: String, endpoint: String },

    #[error("{repo} has no revision `{revision}` on {endpoint}: name a branch, a tag or a commit")]
    NoSuchRevision {
        repo: String,
        revision: String,
        endpoint: String,
    },

    #[error("{repo} has no file {file} on {endpoint}")]
    NoSuchFile {
        repo: String,
        file: String,
        endpoint: String,
    },

    #[error(
        "{endpoint} answers 401 for {repo}: it does not exist, or it is private or gated; check the spelling, or ask \
         for access at {endpoint}/{repo} and set HF_TOKEN (a token that is set may have expired)"
    )]
    Unauthorized { repo: String, endpoint: String },

    #[error(
        "{endpoint} answers 403 for {repo}: it is gated or private and this token has no access; accept its terms at \
         {endpoint}/{repo} and set HF_TOKEN to a token that may read it{detail}"
    )]
    Forbidden {
        repo: String,
        endpoint: String,
        detail: String,
    },

    #[error(
        "{endpoint} answers {status} for {repo}{detail}: try again later, or give a folder that holds the model"
    )]
    Hub {
        repo: String,
        endpoint: String,
        status: u16,
        detail: String,
    },

    #[error("{endpoint} gave an answer for {repo} that is not a hub's ({what}): check HF_ENDPOINT")]
    NotAHub {
        repo: String,
        endpoint: String,
        what: String,
    },

    #[error("downloading {file} of {repo} broke off ({cause}): nothing of it was kept; try again")]
    Broken {
        repo: String,
        file: String,
        cause: String,
    },

    #[error(
        "nothing arrived from {endpoint} for {seconds} s while fetching {file} of {repo}: try again, or give a folder"
    )]
    Stalled {
        repo: String,
        file: String,
        endpoint: String,
        seconds: u64,
    },

    #[error("the download was cancelled")]
    Cancelled,
}

impl SourceError {
    pub(super) fn field(path: impl Into<PathBuf>, what: impl Into<String>) -> Self {
        SourceError::Field {
            path: path.into(),
            what: what.into(),
        }
    }

    pub(crate) fn io(
        doing: &'static str,
        path: impl Into<PathBuf>,
        source: std::io::Error,
    ) -> Self {
        let path = path.into();
        SourceError::Io {
            doing,
            path,
            source,
        }
    }
}

/// What else can be done about `repo` when there is no hub: only all-MiniLM-L6-v2
/// has another way in.
pub(super) fn hint(repo: &str) -> &'static str {
    if repo == super::MINILM {
        ", or run scripts/get-minilm, which can fetch this model without a hub"
    } else {
        ""
    }
}
