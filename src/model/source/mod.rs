//! Where models come from: a name in, the model's files out.
//!
//! The bundled model is in the program itself. A folder is used as it is. A hub model is looked for in the hub cache that
//! Python shares, and only what the cache lacks is downloaded. Nothing here
//! knows what is inside the files, beyond which of them a model needs.

mod bundled;
mod cache;
mod digest;
mod error;
mod explain;
mod files;
mod hub;
mod int8;
mod layout;
mod options;
mod reference;
mod remove;
mod stored;
#[cfg(all(test, unix))]
mod tests;
mod verify;
mod watch;

use std::fs::File;
use std::path::Path;

pub use bundled::{BUNDLED_NAME, BundledCheckpoint, CHECKPOINTS, bundled_size};
pub use cache::{CachedModel, cached};
pub use error::SourceError;
pub use files::ModelFiles;
pub use layout::{ADAPTER_CONFIG, ADAPTER_WEIGHTS, Module, TASK_TRANSFORMER};
pub use options::SourceOptions;
pub use reference::{MINILM, ModelRef};
pub use remove::remove;
pub use stored::StoredFile;

use crate::cancel::Cancel;
use cache::RepoCache;

/// How far a download is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The file that is on its way.
    pub file: String,
    /// Its place among `files`, from 0.
    pub file_index: usize,
    /// How many files there are; 0 while the list itself is being fetched.
    pub files: usize,
    /// Bytes of this file so far.
    pub bytes: u64,
    /// Bytes of this file in all, where the hub says.
    pub total: Option<u64>,
}

/// Who hears about progress, on the thread that called [`resolve`].
pub type OnProgress<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// Finds the files that `reference` names, downloading them if need be.
///
/// Blocks; call it from a plain thread, outside any async runtime. A hub model
/// that is complete in the cache costs no request. Returns within about 100 ms
/// of a cancel.
///
/// # Errors
/// A [`SourceError`] that says what is missing and what to do.
pub fn resolve(
    reference: &ModelRef,
    options: &SourceOptions,
    progress: OnProgress<'_>,
    cancel: &Cancel,
) -> Result<ModelFiles, SourceError> {
    match reference {
        ModelRef::Bundled { checkpoint } => ModelFiles::bundled(checkpoint.as_deref()),
        ModelRef::Folder(path) => open_folder(reference, path),
        ModelRef::Task { of, .. } => {
            Ok(resolve(of, options, progress, cancel)?.named(reference.clone()))
        }
        ModelRef::Hub { repo, revision } => {
            let id = (repo.as_str(), revision.as_deref());
            let (job, cache) = hub::Job::new(id, options, progress, cancel)?;
            resolve_hub(reference, &cache, &job)
        }
    }
}

/// How many bytes [`resolve`] would bring from the hub; 0 where all is on this machine. Blocks, and writes
/// nothing.
///
/// # Errors
/// As [`resolve`], as far as the hub's list of files tells.
pub fn download_size(
    reference: &ModelRef,
    options: &SourceOptions,
    cancel: &Cancel,
) -> Result<u64, SourceError> {
    let ModelRef::Hub { repo, revision } = reference.base() else {
        return Ok(0);
    };
    let id = (repo.as_str(), revision.as_deref());
    let (job, cache) = hub::Job::new(id, options, &|_| {}, cancel)?;
    match look_in_cache(reference, &cache, job.branch())? {
        Cached::Complete(_) => Ok(0),
        at_hand if options.offline => offline(at_hand, &job).map(|_| 0),
        _ => hub::size(&job, &cache),
    }
}

fn open_folder(reference: &ModelRef, path: &Path) -> Result<ModelFiles, SourceError> {
    let files = ModelFiles::open(reference.clone(), path, None)?;
    let config = layout::join(files.encoder_dir(), layout::CONFIG);
    // Static embeddings have none; a model of an unknown kind is for others to refuse.
    let needs_config = files.modules_or_default()[0].kind == "Transformer";
    if needs_config && !files.has(&config) {
        return Err(SourceError::NotAModel {
            path: path.to_path_buf(),
            missing: config,
        });
    }
    Ok(files)
}

fn resolve_hub(
    reference: &ModelRef,
    cache: &RepoCache,
    job: &hub::Job,
) -> Result<ModelFiles, SourceError> {
    match look_in_cache(reference, cache, job.branch())? {
        Cached::Complete(files) => return Ok(files),
        at_hand if job.options.offline => return offline(at_hand, job),
        _ => {}
    }
    let _turn = wait_for_turn(cache, job)?;
    // Whoever had the turn before may have fetched it.
    let usable = match look_in_cache(reference, cache, job.branch())? {
        Cached::Complete(files) => return Ok(files),
        Cached::Unsure(files) => Some(files),
        Cached::Lacks { .. } => None,
    };
    match (hub::download(job, cache), usable) {
        (Ok(commit), _) => open_complete(reference, cache, &commit),
        (Err(SourceError::Unreachable { .. }), Some(files)) => Ok(unsure(files)),
        (Err(e), _) => Err(e),
    }
}

/// Waits while another thread or process downloads the same model. Where the
/// file system has no locks, nobody waits.
fn wait_for_turn(cache: &RepoCache, job: &hub::Job) -> Result<Option<File>, SourceError> {
    let mut told = false;
    loop {
        if job.cancel.is_cancelled() {
            return Err(SourceError::Cancelled);
        }
        match cache.try_turn() {
            Ok(None) => {}
            turn => return Ok(turn.unwrap_or(None)),
        }
        if !told {
            told = true;
            log::info!("{} is being downloaded elsewhere; waiting", job.repo);
            (job.progress)(Progress {
                file: "another download of this model".into(),
                file_index: 0,
                files: 0,
                bytes: 0,
                total: None,
            });
        }
        std::thread::sleep(watch::TICK);
    }
}

/// What the cache holds of a model.
enum Cached {
    Complete(ModelFiles),
    /// All that a plain encoder needs, but nobody has asked the hub yet
    /// whether there is a `modules.json`, as after a download by transformers.
    Unsure(ModelFiles),
    Lacks {
        missing: String,
        pickle: Option<String>,
    },
}

fn look_in_cache(
    reference: &ModelRef,
    cache: &RepoCache,
    revision: &str,
) -> Result<Cached, SourceError> {
    let nothing = |missing: &str| Cached::Lacks {
        missing: missing.to_string(),
        pickle: None,
    };
    let Some(commit) = cache.commit(revision) else {
        return Ok(nothing("no such revision there"));
    };
    let snapshot = cache.snapshot(&commit);
    if !snapshot.is_dir() {
        return Ok(nothing("no such revision there"));
    }
    let files = ModelFiles::open(reference.clone(), &snapshot, Some(commit.clone()))?;
    if let Some(missing) = layout::first_missing(&files)? {
        let pickle = layout::pickle(files.encoder_dir(), |name| files.has(name));
        let missing = format!("{missing} is missing");
        return Ok(Cached::Lacks { missing, pickle });
    }
    let sure = files.modules().is_some() || cache.known_absent(&commit, layout::MODULES);
    Ok(if sure {
        Cached::Complete(files)
    } else {
        Cached::Unsure(files)
    })
}

fn offline(at_hand: Cached, job: &hub::Job) -> Result<ModelFiles, SourceError> {
    match at_hand {
        Cached::Complete(files) => Ok(files),
        Cached::Unsure(files) => Ok(unsure(files)),
        Cached::Lacks {
            pickle: Some(file), ..
        } => Err(SourceError::PicklesOnly {
            model: job.repo.to_string(),
            file,
        }),
        Cached::Lacks { missing, .. } => Err(SourceError::NotCached {
            repo: job.repo.to_string(),
            cache: job.options.cache_dir(),
            missing,
            hint: error::hint(job.repo),
        }),
    }
}

fn unsure(mut files: ModelFiles) -> ModelFiles {
    let id = files.id();
    files.warn(format!(
        "{id}: the cache does not say whether this model has a modules.json, and the hub could not be asked; taking \
         it as a plain encoder, whose pooling may not be the published one"
    ));
    files
}

fn open_complete(
    reference: &ModelRef,
    cache: &RepoCache,
    commit: &str,
) -> Result<ModelFiles, SourceError> {
    let snapshot = cache.snapshot(commit);
    let files = ModelFiles::open(reference.clone(), &snapshot, Some(commit.to_string()))?;
    match layout::first_missing(&files)? {
        None => Ok(files),
        Some(missing) => Err(SourceError::NotAModel {
            path: snapshot,
            missing,
        }),
    }
}
