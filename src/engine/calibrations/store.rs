//! Calibrations on disk: one file each, made again whenever it cannot be used.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::CalibrationKey;
use crate::analysis::calibration::Calibration;
use crate::analysis::similarity::layer_bands::LayerBands;
use crate::engine::BandsKey;

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

    /// None where there is no such file, or one that cannot be read.
    pub fn load_bands(&self, key: &BandsKey) -> Option<LayerBands> {
        let text = std::fs::read(self.bands_path(key)?).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// As [`Self::save`].
    pub fn save_bands(&self, key: &BandsKey, bands: &LayerBands) {
        let Some(path) = self.bands_path(key) else {
            return;
        };
        if let Err(error) = write(&path, bands) {
            log::info!("{}: cannot be written: {error}", path.display());
        }
    }

    fn bands_path(&self, key: &BandsKey) -> Option<PathBuf> {
        let name = digest(
            &[VERSION, "layers", &key.model, &key.prompt],
            crate::analysis::background::Background::own().digest(),
        );
        Some(self.0.as_ref()?.join(format!("{name}-layers.json")))
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
fn write(path: &Path, value: &impl serde::Serialize) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let partial = path.with_extension(format!("partial{}", std::process::id()));
    let written = serde_json::to_vec(value)
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
    let name = digest(
        &[VERSION, &key.model, pooling, &key.prompt],
        key.background.digest(),
    );
    match key.truncate {
        None => format!("{name}-{pooling}.json"),
        Some(size) => format!("{name}-{pooling}-{size}.json"),
    }
}

/// Of some words and of a background set.
fn digest(words: &[&str], background: &[u8]) -> String {
    let mut hasher = Sha256::new();
    let words = words.iter().map(|word| word.as_bytes());
    for part in words.chain([background]) {
        hasher.update(part.len().to_le_bytes());
        hasher.update(part);
    }
    let mut name = String::new();
    for byte in &hasher.finalize()[..16] {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}
