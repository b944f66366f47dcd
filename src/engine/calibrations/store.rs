//! Calibrations on disk: one file each, made again whenever it cannot be used.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::CalibrationKey;
use crate::analysis::calibration::Calibration;

/// Changes when what is written changes.
const VERSION: &str = "1";

/// The folder that calibrations are kept in; none keeps them in memory alone.
#[derive(Clone, Debug, Default)]
pub struct CalibrationStore(Option<PathBuf>);

impl CalibrationStore {
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self(folder)
    }

    /// `embedscope/calibration` in the person's cache: XDG_CACHE_HOME, or ~/.cache.
    pub fn from_env() -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let own = set("XDG_CACHE_HOME").map(PathBuf::from);
        // The specification says to take no notice of a relative one.
        let own = own.filter(|folder| folder.is_absolute());
        let home = || {
            let home = set("HOME").or_else(|| set("USERPROFILE"))?;
            Some(PathBuf::from(home).join(".cache"))
        };
        let cache = own.or_else(home);
        Self(cache.map(|folder| folder.join("embedscope/calibration")))
    }

    /// Where this calibration is, or would be.
    pub fn path(&self, key: &CalibrationKey) -> Option<PathBuf> {
        Some(self.0.as_ref()?.join(name(key)))
    }

    /// None where there is no such file, or one that cannot be used.
    pub fn load(&self, key: &CalibrationKey) -> Option<Calibration> {
        let path = self.path(key)?;
        let text = std::fs::read(&path).ok()?;
        let found = serde_json::from_slice::<Calibration>(&text).ok();
        let found = found.filter(Calibration::is_whole);
        if found.is_none() {
            log::info!("{}: cannot be used; it will be made again", path.display());
        }
        found
    }

    /// Writes a calibration. One that cannot be written is only made again another time.
    pub fn save(&self, key: &CalibrationKey, calibration: &Calibration) {
        let Some(path) = self.path(key) else { return };
        if let Err(error) = write(&path, calibration) {
            log::info!("{}: cannot be written: {error}", path.display());
        }
    }
}

/// Written beside and moved over, so that nobody reads half a file.
fn write(path: &Path, calibration: &Calibration) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let partial = path.with_extension(format!("partial{}", std::process::id()));
    let written = serde_json::to_vec(calibration)
        .map_err(std::io::Error::other)
        .and_then(|text| std::fs::write(&partial, text))
        .and_then(|()| std::fs::rename(&partial, path));
    if written.is_err() {
        // Nothing useful can be done when the clean-up fails as well.
        let _ = std::fs::remove_file(&partial);
    }
    written
}

/// Tells models, recipes, prompts and backgrounds apart.
fn name(key: &CalibrationKey) -> String {
    let pooling = key.pooling.map_or("own", |mode| mode.name());
    let mut hasher = Sha256::new();
    let parts = [VERSION, &key.model, pooling, &key.prompt];
    for part in parts
        .map(str::as_bytes)
        .into_iter()
        .chain([key.background.digest()])
    {
        hasher.update(part.len().to_le_bytes());
        hasher.update(part);
    }
    let mut name = String::new();
    for byte in &hasher.finalize()[..16] {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    format!("{name}-{pooling}.json")
}
