//! What unrelated texts have after each layer: measured away from the window, kept on disk.

use std::sync::Arc;

use super::{CalibrationStore, Engine};
use crate::analysis::background;
use crate::analysis::similarity::layer_bands::{Background, LayerBands};
use crate::cancel::Cancel;
use crate::model::{Detail, Model, ModelError, Prompt};

/// The pooled layers of all background texts are kept where they take no more bytes than this.
const BUDGET: usize = 128 << 20;

/// Texts that are taken where all would be too many.
const SAMPLE: usize = 300;

/// What bands are of: all poolings of a model behind one prompt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BandsKey {
    /// The model's hash.
    pub model: Arc<str>,
    /// The words in front of every text.
    pub prompt: Arc<str>,
}

impl BandsKey {
    /// # Errors
    /// When the model has no prompt of that name.
    pub fn new(model: &Model, prompt: &Prompt) -> Result<Self, ModelError> {
        Ok(Self {
            model: model.hash.clone(),
            prompt: model.prompt(prompt)?.into(),
        })
    }
}

impl Engine {
    /// Where calibrations and bands are kept.
    pub fn calibration_store(&self) -> CalibrationStore {
        self.store.clone()
    }
}

/// The bands on disk; measures them where there are none and `measure` says so. `progress` hears how
/// many texts are encoded, of how many.
///
/// # Errors
/// [`ModelError::Stopped`] once the flag is up.
pub fn layer_bands(
    store: &CalibrationStore,
    model: &Model,
    key: &BandsKey,
    measure: bool,
    cancel: &Cancel,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Option<LayerBands>, ModelError> {
    let (layers, hidden) = (model.spec().layers(), model.spec().hidden);
    let kept = store.load_bands(key).filter(|kept| kept.is_whole(layers));
    if kept.is_some() || !measure {
        return Ok(kept);
    }
    let mut found = Background::new(&model.head, layers, hidden);
    let unrelated = background::Background::own();
    let count = unrelated.texts().len();
    let step = match found.bytes(count, hidden) > BUDGET {
        true => count.div_ceil(SAMPLE),
        false => 1,
    };
    let texts: Vec<&String> = unrelated.texts().iter().step_by(step).collect();
    let prompt = Prompt::Text(key.prompt.to_string());
    for (done, text) in texts.iter().enumerate() {
        progress(done, texts.len());
        found.add(&model.trace(text, &prompt, Detail::Outline, cancel)?);
    }
    let bands = found.bands();
    if let Some(bands) = &bands {
        store.save_bands(key, bands);
    }
    Ok(bands)
}
