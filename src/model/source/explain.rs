//! hf-hub's errors in words that say what to do.

use std::error::Error;

use hf_hub::HFError;

use super::{SourceError, error};

/// What `e`, met while fetching `file` of `repo`, means for a person.
pub(super) fn explain(e: HFError, repo: &str, file: &str, endpoint: &str) -> SourceError {
    let cause = innermost(&e);
    let (repo, endpoint) = (repo.to_string(), endpoint.to_string());
    match e {
        HFError::AuthRequired { .. } => SourceError::Unauthorized { repo, endpoint },
        HFError::Forbidden { context } => SourceError::Forbidden {
            repo,
            endpoint,
            detail: detail(context.server_message.as_deref()),
        },
        HFError::RepoNotFound { .. } => SourceError::NoSuchRepo { repo, endpoint },
        HFError::RevisionNotFound {
            revision, context, ..
        } => {
            let code = context.and_then(|context| context.error_code);
            if code.as_deref() == Some("RepoNotFound") {
                SourceError::NoSuchRepo { repo, endpoint }
            } else {
                SourceError::NoSuchRevision {
                    repo,
                    revision,
                    endpoint,
                }
            }
        }
        HFError::EntryNotFound { path, .. } => SourceError::NoSuchFile {
            repo,
            file: path,
            endpoint,
        },
        HFError::RateLimited { context, .. } | HFError::Http { context } => SourceError::Hub {
            repo,
            endpoint,
            status: context.status.as_u16(),
            detail: detail(context.server_message.as_deref()),
        },
        HFError::Request { ref source, .. } if source.is_decode() => SourceError::NotAHub {
            repo,
            endpoint,
            what: cause,
        },
        HFError::Request { .. } => unreachable(&repo, &endpoint, cause),
        HFError::Io(source) => {
            SourceError::io("write to the cache for", format!("{repo}/{file}"), source)
        }
        HFError::Url(_) => SourceError::BadEndpoint { endpoint },
        HFError::MalformedResponse { what, .. } => SourceError::NotAHub {
            repo,
            endpoint,
            what,
        },
        _ => SourceError::Broken {
            repo,
            file: file.to_string(),
            cause,
        },
    }
}

pub(super) fn unreachable(repo: &str, endpoint: &str, cause: String) -> SourceError {
    SourceError::Unreachable {
        repo: repo.to_string(),
        endpoint: endpoint.to_string(),
        cause,
        hint: error::hint(repo),
    }
}

/// Whether a transfer had begun and did not get to its end: worth another try
/// that hf-hub does not make by itself.
pub(super) fn broke_off(e: &HFError) -> bool {
    match e {
        HFError::Request { source, .. } => !source.is_connect() && !source.is_builder(),
        HFError::Xet { .. } => true,
        _ => false,
    }
}

/// The innermost cause, which is the one that says something:
/// `Connection refused`, `failed to lookup address information`.
pub(super) fn innermost(e: &dyn Error) -> String {
    let mut inner = e;
    while let Some(source) = inner.source() {
        inner = source;
    }
    one_line(&inner.to_string())
}

fn detail(message: Option<&str>) -> String {
    match message {
        Some(message) if !message.is_empty() => format!(" ({})", one_line(message)),
        _ => String::new(),
    }
}

/// What a server says, cut to a length and line that fit into a message.
fn one_line(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(200)
        .collect()
}
