//! The immutable record of one forward pass, and the hook that makes it.

pub mod hook;
mod maps;
pub mod site;
mod values;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use candle_core::{Device, Tensor};
use thiserror::Error;

use crate::model::intervention::Applied;
use hook::HeadWatch;
pub use maps::MapRows;
pub use site::{Axis, EmbedSite, LayerSite, PoolingMode, Site, SiteFilter};
pub use values::Values;

use crate::tokens::Tokens;

/// One text through one model. Shared by `Arc`; never changed once made.
///
/// Embeddings and the residual stream are always held. A layer's inside may be missing, and then comes
/// back by running that layer again from its `resid_in` ([`crate::model::Model::recall`]).
#[derive(Clone)]
pub struct Trace {
    pub tokens: Arc<Tokens>,
    /// Names the forward pass: equal for traces that hold different parts of the same one.
    pub pass: u64,
    /// Hash of the model's weights and configuration.
    pub model: Arc<str>,
    /// Wall time of tokenization, forward pass and head.
    pub elapsed: Duration,
    /// Number of layers of the encoder.
    pub layers: usize,
    /// True where `final.out` is a mix of several layers' states, not the last one's alone.
    pub mixes_layers: bool,
    /// What a person changed in this pass.
    pub interventions: Arc<Applied>,
    sites: BTreeMap<Site, Tensor>,
    /// Layers of which the maps [H, T, T] are made row by row where they are read.
    maps: BTreeMap<usize, Arc<dyn MapRows>>,
    /// What was summed up of maps that were not kept.
    watched: Option<Arc<dyn HeadWatch>>,
}

#[derive(Debug, Error)]
pub enum TraceError {
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
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let trace = Self {
            tokens,
            pass: NEXT.fetch_add(1, Ordering::Relaxed),
            model,
            elapsed,
            layers,
            mixes_layers: false,
            interventions: Arc::default(),
            sites: BTreeMap::new(),
            maps: BTreeMap::new(),
            watched: None,
        };
        trace.with(values)
    }

    /// The same pass with more of its values; they share storage with this one's.
    ///
    /// # Errors
    /// When a value cannot be brought over from its device.
    pub fn with(&self, values: Vec<(Site, Tensor)>) -> Result<Self, TraceError> {
        let mut more = self.clone();
        for (site, value) in values {
            more.sites.insert(site, value.to_device(&Device::Cpu)?);
        }
        Ok(more)
    }

    /// The same pass with the maps of one layer made where they are read.
    pub fn with_maps(&self, layer: usize, maps: Arc<dyn MapRows>) -> Self {
        let mut more = self.clone();
        more.maps.insert(layer, maps);
        more
    }

    /// The same pass with what was summed up of its maps as they passed by.
    pub fn with_watched(self, watched: Option<Arc<dyn HeadWatch>>) -> Self {
        Self { watched, ..self }
    }

    /// The same pass, which ran with these changes.
    pub fn with_interventions(self, interventions: Arc<Applied>) -> Self {
        Self {
            interventions,
            ..self
        }
    }

    /// What a watch of this kind summed up of maps that were not kept.
    pub fn watched<W: HeadWatch>(&self) -> Option<&W> {
        self.watched.as_ref()?.as_any().downcast_ref()
    }

    /// The same pass without the inside of one layer.
    pub fn without(&self, layer: usize) -> Self {
        let mut less = self.clone();
        less.maps.remove(&layer);
        less.sites.retain(
            |site, _| !matches!(site, Site::Layer(l, inside) if *l == layer && !inside.is_stream()),
        );
        less
    }

    /// The same pass with the embeddings and the residual stream alone.
    pub fn outline(&self) -> Self {
        (0..self.layers).fold(self.clone(), |trace, layer| trace.without(layer))
    }

    /// The values of one f32 site; none where this trace does not hold it.
    pub fn values(&self, site: Site) -> Option<Values<'_>> {
        if let Some(value) = self.sites.get(&site) {
            return Values::new(value);
        }
        let Site::Layer(layer, inside) = site else {
            return None;
        };
        let maps = self.maps.get(&layer)?;
        let heads = maps.heads(inside)?;
        let tokens = self.tokens.len();
        Some(Values::made(&**maps, inside, [heads, tokens, tokens]))
    }

    /// True where the trace has this site, held or made where it is read.
    pub fn has(&self, site: Site) -> bool {
        self.values(site).is_some()
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

    /// True when the inside of this layer is at hand.
    pub fn has_inside(&self, layer: usize) -> bool {
        self.has(Site::Layer(layer, LayerSite::Pattern))
    }

    /// The layers of which the inside is at hand.
    pub fn insides(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.layers).filter(|&layer| self.has_inside(layer))
    }

    /// True when every layer's inside is held whole.
    pub fn is_full(&self) -> bool {
        let pattern = |layer| Site::Layer(layer, LayerSite::Pattern);
        (0..self.layers).all(|layer| self.sites.contains_key(&pattern(layer)))
    }

    /// Bytes held, values that share storage counted once.
    pub fn bytes(&self) -> usize {
        self.bytes_of(|_| true)
    }

    /// Bytes of one layer's inside.
    pub fn inside_bytes(&self, layer: usize) -> usize {
        self.bytes_of(
            |site| matches!(site, Site::Layer(l, inside) if l == layer && !inside.is_stream()),
        )
    }

    fn bytes_of(&self, counts: impl Fn(Site) -> bool) -> usize {
        let mut seen = HashMap::new();
        for (_, tensor) in self.sites.iter().filter(|(site, _)| counts(**site)) {
            let (storage, _) = tensor.storage_and_layout();
            if let candle_core::Storage::Cpu(candle_core::CpuStorage::F32(data)) = &*storage {
                seen.insert(data.as_ptr(), data.len() * size_of::<f32>());
            }
        }
        seen.values().sum()
    }
}
