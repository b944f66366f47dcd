//! The immutable record of one forward pass, and the hook that makes it.

pub mod hook;
pub mod site;
mod values;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use candle_core::{Device, Tensor};
use thiserror::Error;

pub use site::{Axis, EmbedSite, LayerSite, PoolingMode, Site, SiteFilter};
pub use values::Values;

use crate::tokens::Tokens;

/// One text through one model. Shared by `Arc`; never changed once made.
pub struct Trace {
    pub tokens: Arc<Tokens>,
    /// Hash of the model's weights and configuration.
    pub model: Arc<str>,
    /// Wall time of tokenization, forward pass and head.
    pub elapsed: Duration,
    /// Number of layers of the encoder.
    pub layers: usize,
    /// True where `final.out` is a mix of several layers' states, not the last one's alone.
    pub mixes_layers: bool,
    sites: BTreeMap<Site, Tensor>,
}

#[derive(Debug, Error)]
pub enum TraceError {
    #[error("{path}: cannot be written: {problem}")]
    Write { path: String, problem: String },
    #[error(transparent)]
    Device(#[from] candle_core::Error),
}

impl Trace {
    /// Takes values as the hook saw them; those on another device are brought over.
    pub fn new(
        tokens: Arc<Tokens>,
        model: Arc<str>,
        layers: usize,
        elapsed: Duration,
        values: Vec<(Site, Tensor)>,
    ) -> Result<Self, TraceError> {
        let mut sites = BTreeMap::new();
        for (site, value) in values {
            sites.insert(site, value.to_device(&Device::Cpu)?);
        }
        Ok(Self {
            tokens,
            model,
            elapsed,
            layers,
            mixes_layers: false,
            sites,
        })
    }

    /// The values of one f32 site; none where this trace does not hold it.
    pub fn values(&self, site: Site) -> Option<Values<'_>> {
        self.sites.get(&site).and_then(Values::new)
    }

    /// The values inside one layer.
    pub fn layer(&self, layer: usize, site: LayerSite) -> Option<Values<'_>> {
        self.values(Site::Layer(layer, site))
    }

    /// The final token vectors, [T, D].
    pub fn final_out(&self) -> Option<Values<'_>> {
        self.values(Site::FinalOut)
    }

    pub fn sites(&self) -> impl Iterator<Item = Site> + '_ {
        self.sites.keys().copied()
    }

    /// The value as the encoder made it, for running the model again from here.
    pub fn tensor(&self, site: Site) -> Option<&Tensor> {
        self.sites.get(&site)
    }

    /// True when every layer's inside is held, not the residual stream alone.
    pub fn is_full(&self) -> bool {
        let inside = Site::Layer(self.layers.saturating_sub(1), LayerSite::Pattern);
        self.layers == 0 || self.sites.contains_key(&inside)
    }

    /// Bytes held, values that share storage counted once.
    pub fn bytes(&self) -> usize {
        let mut seen = HashMap::new();
        for tensor in self.sites.values() {
            let (storage, _) = tensor.storage_and_layout();
            if let candle_core::Storage::Cpu(candle_core::CpuStorage::F32(data)) = &*storage {
                seen.insert(data.as_ptr(), data.len() * size_of::<f32>());
            }
        }
        seen.values().sum()
    }

    /// Writes the wanted sites under their own names: f32, `tokens.ids` as i64.
    pub fn save(&self, path: &Path, filter: &SiteFilter) -> Result<(), TraceError> {
        let failed = |problem: String| TraceError::Write {
            path: path.display().to_string(),
            problem,
        };
        let ids: Vec<i64> = self.tokens.ids.iter().map(|&id| id.into()).collect();
        let ids = Tensor::from_vec(ids, self.tokens.len(), &Device::Cpu)?;
        let mut out: Vec<(String, Written<'_>)> = Vec::new();
        for site in std::iter::once(Site::TokenIds).chain(self.sites()) {
            if filter.matches(site) {
                let tensor = self.tensor(site).unwrap_or(&ids);
                out.push((site.to_string(), Written(tensor)));
            }
        }
        let about = HashMap::from([
            ("text".to_owned(), self.tokens.text.to_string()),
            ("model".to_owned(), self.model.to_string()),
        ]);
        // Written beside and moved over, so that a full disk leaves no half file behind.
        let partial = path.with_extension("partial");
        // `serialize_to_file` would make a file that nobody but its owner can read.
        let written = safetensors::serialize(out, Some(about))
            .map_err(|e| failed(e.to_string()))
            .and_then(|bytes| std::fs::write(&partial, bytes).map_err(|e| failed(e.to_string())))
            .and_then(|()| std::fs::rename(&partial, path).map_err(|e| failed(e.to_string())));
        if written.is_err() {
            // Nothing useful can be done when the clean-up fails as well.
            let _ = std::fs::remove_file(&partial);
        }
        written
    }
}

/// One tensor on its way into a file.
struct Written<'a>(&'a Tensor);

impl safetensors::View for Written<'_> {
    fn dtype(&self) -> safetensors::Dtype {
        match self.0.dtype() {
            candle_core::DType::I64 => safetensors::Dtype::I64,
            _ => safetensors::Dtype::F32,
        }
    }

    fn shape(&self) -> &[usize] {
        self.0.dims()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        // A CPU tensor of one of these two types always reads back as its own type.
        let flat = self.0.flatten_all();
        let bytes = match self.0.dtype() {
            candle_core::DType::I64 => flat.and_then(|t| t.to_vec1::<i64>()).map(|v| {
                let bytes = v.iter().flat_map(|x| x.to_le_bytes());
                bytes.collect::<Vec<u8>>()
            }),
            _ => flat.and_then(|t| t.to_vec1::<f32>()).map(|v| {
                let bytes = v.iter().flat_map(|x| x.to_le_bytes());
                bytes.collect()
            }),
        };
        Cow::Owned(bytes.unwrap_or_default())
    }

    fn data_len(&self) -> usize {
        self.0.elem_count() * self.0.dtype().size_in_bytes()
    }
}
