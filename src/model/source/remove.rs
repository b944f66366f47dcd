//! Taking a model out of the hub cache.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::cache::{CachedModel, RepoCache, is_commit, walk};
use super::{SourceError, SourceOptions, reference};

/// Removes one snapshot of a model from the hub cache, with the blobs that no other snapshot uses and
/// the refs that name it; the model's whole folder where it was the last. Returns the bytes that it
/// frees. Nothing outside of the model's own folder in the cache is touched.
///
/// # Errors
/// When the model is not in this cache, is being downloaded, or a file cannot be removed.
pub fn remove(model: &CachedModel, options: &SourceOptions) -> Result<u64, SourceError> {
    reference::check_id(&model.id, None)?;
    let cache = options.cache_dir();
    let repo = RepoCache::new(&cache, &model.id);
    let snapshot = repo.snapshot(&model.revision);
    if !is_commit(&model.revision) || !snapshot.is_dir() {
        return Err(SourceError::NoFolder { path: snapshot });
    }
    let turn = repo
        .try_turn()
        .map_err(|e| SourceError::io("lock", repo.folder(), e))?;
    if turn.is_none() {
        let what = format!(
            "{} is being downloaded; try again when that is done",
            model.id
        );
        let path = repo.folder().to_owned();
        return Err(SourceError::Field { path, what });
    }
    let mut freed = 0;
    for (name, commit) in repo.refs() {
        if commit == model.revision {
            freed += unlink(&name)?;
        }
    }
    let blobs = blobs_of(&snapshot);
    delete(&snapshot)?;
    let others = repo.snapshots();
    let used: HashSet<PathBuf> = others.iter().flat_map(|other| blobs_of(other)).collect();
    for blob in blobs.difference(&used) {
        // A link may lead anywhere; only what lies among this model's blobs is its own.
        if blob.parent() == canonical(&repo.folder().join("blobs")).as_deref() {
            freed += unlink(blob)?;
        }
    }
    if others.is_empty() {
        delete(repo.folder())?;
    }
    Ok(freed.max(if blobs.is_empty() { model.bytes } else { 0 }))
}

/// What the links of a snapshot lead to.
fn blobs_of(snapshot: &Path) -> HashSet<PathBuf> {
    let links = walk(snapshot).into_iter();
    let links = links.filter(|path| fs::symlink_metadata(path).is_ok_and(|m| m.is_symlink()));
    links.filter_map(|path| canonical(&path)).collect()
}

fn canonical(path: &Path) -> Option<PathBuf> {
    fs::canonicalize(path).ok()
}

fn unlink(path: &Path) -> Result<u64, SourceError> {
    let bytes = fs::metadata(path).map_or(0, |m| m.len());
    fs::remove_file(path).map_err(|e| SourceError::io("remove", path, e))?;
    Ok(bytes)
}

fn delete(folder: &Path) -> Result<(), SourceError> {
    fs::remove_dir_all(folder).map_err(|e| SourceError::io("remove", folder, e))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::source::cached;

    /// A cache with one model in two snapshots that share a blob.
    fn cache() -> (tempfile::TempDir, SourceOptions) {
        let folder = tempfile::tempdir().unwrap();
        let repo = folder.path().join("models--org--name");
        for (file, text) in [("shared", "123"), ("old", "1234567"), ("new", "12345")] {
            fs::create_dir_all(repo.join("blobs")).unwrap();
            fs::write(repo.join("blobs").join(file), text).unwrap();
        }
        for (commit, own) in [("a", "old"), ("b", "new")] {
            let snapshot = repo.join("snapshots").join(commit.repeat(40));
            fs::create_dir_all(&snapshot).unwrap();
            for (name, blob) in [("config.json", "shared"), ("model.safetensors", own)] {
                let to = Path::new("../../blobs").join(blob);
                std::os::unix::fs::symlink(to, snapshot.join(name)).unwrap();
            }
        }
        fs::create_dir_all(repo.join("refs")).unwrap();
        fs::write(repo.join("refs/main"), "b".repeat(40)).unwrap();
        let options = SourceOptions {
            cache: Some(folder.path().to_owned()),
            ..SourceOptions::from_env()
        };
        (folder, options)
    }

    #[test]
    fn a_snapshot_goes_with_what_is_its_alone_and_the_last_with_everything() {
        let (folder, options) = cache();
        let repo = folder.path().join("models--org--name");
        let all = cached(&options);
        assert_eq!(all.len(), 2);
        assert_eq!(remove(&all[0], &options).unwrap(), 7);
        assert!(repo.join("blobs/shared").exists() && !repo.join("blobs/old").exists());
        assert!(repo.join("refs/main").exists());
        let left = cached(&options);
        assert_eq!(left.len(), 1);
        assert!(remove(&left[0], &options).unwrap() >= 8);
        assert!(!repo.exists());
        assert!(remove(&left[0], &options).is_err(), "it is gone");
    }

    #[test]
    fn what_a_link_leads_to_outside_of_the_cache_stays() {
        let (folder, options) = cache();
        let outside = tempfile::tempdir().unwrap();
        let file = outside.path().join("mine.txt");
        fs::write(&file, "mine").unwrap();
        let snapshot = folder
            .path()
            .join("models--org--name/snapshots")
            .join("a".repeat(40));
        std::os::unix::fs::symlink(&file, snapshot.join("extra.txt")).unwrap();
        let all = cached(&options);
        remove(&all[0], &options).unwrap();
        assert!(file.exists());
        let odd = CachedModel {
            revision: "../../../..".to_owned(),
            ..all[1].clone()
        };
        assert!(remove(&odd, &options).is_err());
        assert!(folder.path().exists());
    }

    #[test]
    fn a_model_on_its_way_is_left_alone() {
        let (folder, options) = cache();
        let repo = RepoCache::new(folder.path(), "org/name");
        let turn = repo.try_turn().unwrap();
        assert!(turn.is_some());
        let all = cached(&options);
        let why = remove(&all[0], &options).unwrap_err().to_string();
        assert!(why.contains("being downloaded"), "{why}");
        assert_eq!(cached(&options).len(), 2);
    }
}
