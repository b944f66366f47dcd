//! The hub cache on disk, in the layout that Python's huggingface_hub uses:
//! `models--org--name/{refs/main, blobs/<etag>, snapshots/<commit>/<file>}`.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{ModelFiles, ModelRef, SourceOptions, layout};

/// One model that is in the hub cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedModel {
    /// `org/name`.
    pub id: String,
    /// The commit.
    pub revision: String,
    /// Branches and tags that stand for this commit.
    pub refs: Vec<String>,
    /// Bytes on disk.
    pub bytes: u64,
    /// The snapshot's folder.
    pub path: PathBuf,
    /// What is missing before it can be used without a network; `None` when
    /// it is complete.
    pub missing: Option<String>,
}

/// Every model in the hub cache, by name. What cannot be read is left out.
pub fn cached(options: &SourceOptions) -> Vec<CachedModel> {
    let cache = options.cache_dir();
    let mut models: Vec<CachedModel> = entries(&cache)
        .iter()
        .filter_map(|folder| {
            folder
                .file_name()?
                .to_str()?
                .strip_prefix("models--")
                .map(str::to_string)
        })
        .flat_map(|name| cached_snapshots(&cache, &name.replace("--", "/")))
        .collect();
    models.sort_by(|a, b| (&a.id, &a.revision).cmp(&(&b.id, &b.revision)));
    models
}

fn cached_snapshots(cache: &Path, repo: &str) -> Vec<CachedModel> {
    let folder = RepoCache::new(cache, repo);
    let mut refs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, commit) in folder.refs() {
        if let Ok(name) = name.strip_prefix(folder.0.join("refs")) {
            let name = name.to_string_lossy().into_owned();
            refs.entry(commit).or_default().push(name);
        }
    }
    let snapshots = folder.snapshots();
    let describe = |path: PathBuf| {
        let commit = path.file_name()?.to_str()?.to_string();
        let reference = ModelRef::Hub {
            repo: repo.to_string(),
            revision: Some(commit.clone()),
        };
        let missing = match ModelFiles::open(reference, &path, None)
            .map(|files| layout::first_missing(&files))
        {
            Ok(Ok(missing)) => missing,
            Ok(Err(e)) | Err(e) => Some(e.to_string()),
        };
        Some(CachedModel {
            id: repo.to_string(),
            refs: refs.get(&commit).cloned().unwrap_or_default(),
            revision: commit,
            bytes: walk(&path)
                .iter()
                .filter_map(|file| fs::metadata(file).ok())
                .map(|m| m.len())
                .sum(),
            missing,
            path,
        })
    };
    snapshots.into_iter().filter_map(describe).collect()
}

/// One repository's folder in the cache.
pub(super) struct RepoCache(PathBuf);

impl RepoCache {
    pub(super) fn new(cache: &Path, repo: &str) -> Self {
        RepoCache(cache.join(format!("models--{}", repo.replace('/', "--"))))
    }

    /// The commit that `revision` stands for here: a branch or tag by its ref,
    /// a commit by itself, the start of one if only one snapshot fits.
    pub(super) fn commit(&self, revision: &str) -> Option<String> {
        if is_commit(revision) {
            return Some(revision.to_string());
        }
        if let Some(commit) = read_commit(&self.0.join("refs").join(revision)) {
            return Some(commit);
        }
        let short =
            (7..40).contains(&revision.len()) && revision.bytes().all(|b| b.is_ascii_hexdigit());
        let mut fitting = entries(&self.0.join("snapshots"))
            .into_iter()
            .filter_map(|path| path.file_name()?.to_str().map(str::to_string))
            .filter(|name| short && name.starts_with(revision));
        fitting.next().filter(|_| fitting.next().is_none())
    }

    /// The model's folder in the cache.
    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    pub(super) fn snapshots(&self) -> Vec<PathBuf> {
        entries(&self.0.join("snapshots"))
    }

    /// The file of each ref, and the commit that it stands for.
    pub(super) fn refs(&self) -> Vec<(PathBuf, String)> {
        let files = walk(&self.0.join("refs")).into_iter();
        files
            .filter_map(|path| Some((read_commit(&path)?, path)))
            .map(|(commit, path)| (path, commit))
            .collect()
    }

    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.0.join("snapshots").join(commit)
    }

    /// Records what `revision` stands for. Done last, so that whoever finds
    /// the ref finds the files.
    pub(super) fn set_ref(&self, revision: &str, commit: &str) -> io::Result<()> {
        if is_commit(revision) {
            return Ok(());
        }
        let path = self.0.join("refs").join(revision);
        if read_commit(&path).as_deref() == Some(commit) {
            return Ok(());
        }
        let folder = path.parent().unwrap_or(&self.0);
        fs::create_dir_all(folder)?;
        let fresh = folder.join(format!(".{}.{}", commit, std::process::id()));
        fs::write(&fresh, commit)?;
        fs::rename(&fresh, &path)
    }

    /// Whether it is on record that the repository has no such file.
    pub(super) fn known_absent(&self, commit: &str, file: &str) -> bool {
        self.0.join(".no_exist").join(commit).join(file).exists()
    }

    /// Records that the repository has no such file, as Python does.
    pub(super) fn mark_absent(&self, commit: &str, file: &str) -> io::Result<()> {
        let path = self.0.join(".no_exist").join(commit).join(file);
        fs::create_dir_all(path.parent().unwrap_or(&self.0))?;
        fs::write(path, b"")
    }

    /// Removes the half files of a download that began at `since` and broke
    /// off. hf-hub never resumes one, so they are only a waste of space.
    pub(super) fn sweep(&self, since: SystemTime) {
        for path in entries(&self.0.join("blobs")) {
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
            let Some(etag) = name.as_deref().and_then(|n| n.strip_suffix(".incomplete")) else {
                continue;
            };
            let ours = fs::metadata(&path)
                .and_then(|m| m.modified())
                .is_ok_and(|time| time >= since);
            // Whoever still downloads this blob holds its lock.
            if ours && self.is_unlocked(etag) {
                let _ = fs::remove_file(&path);
            }
        }
    }

    /// The right to download this model, for as long as the file lives; `None`
    /// while somebody else has it. hf-hub locks single files and replaces
    /// links that others may be reading, which is not enough for two at once.
    pub(super) fn try_turn(&self) -> io::Result<Option<File>> {
        let path = self.locks().join("embedscope.lock");
        fs::create_dir_all(self.locks())?;
        let file = File::create(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }

    fn is_unlocked(&self, etag: &str) -> bool {
        match File::open(self.locks().join(format!("{etag}.lock"))) {
            Ok(file) => file.try_lock().is_ok(),
            Err(e) => e.kind() == io::ErrorKind::NotFound,
        }
    }

    fn locks(&self) -> PathBuf {
        let cache = self.0.parent().unwrap_or(&self.0);
        cache
            .join(".locks")
            .join(self.0.file_name().unwrap_or_default())
    }
}

pub(super) fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The commit in a ref file. It becomes part of a path, so only a plain name
/// will do.
fn read_commit(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let commit = text.trim();
    let plain = !commit.is_empty()
        && commit.len() <= 64
        && commit.bytes().all(|b| b.is_ascii_alphanumeric());
    plain.then(|| commit.to_string())
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(folder).into_iter().flatten();
    read.filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect()
}

/// Every file below `folder`. Links to folders are not followed.
pub(super) fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in entries(folder) {
        let is_folder = fs::symlink_metadata(&path).is_ok_and(|m| m.is_dir());
        if is_folder {
            files.extend(walk(&path));
        } else {
            files.push(path);
        }
    }
    files
}
