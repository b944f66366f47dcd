//! The one hook: capture, ablation, patching and cancellation are the same trait.

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;

use candle_core::Tensor;

use super::site::{LayerSite, Site};
use crate::cancel::Cancel;

/// What becomes of a value after its visit.
pub enum Act {
    Keep,
    /// The forward pass goes on with this value of the same shape.
    Replace(Tensor),
    /// The forward pass ends at once with [`crate::model::ModelError::Stopped`].
    Stop,
}

/// A visitor of a forward pass.
pub trait Hook {
    /// Asked before a value is made ready: a site that no hook wants costs nothing.
    fn wants(&self, site: Site) -> bool;

    /// Called once per wanted site and text of the batch, in the order of the forward pass. `value`
    /// has the site's shape (no batch axis) and may be a strided view.
    fn visit(&mut self, site: Site, text: usize, value: &Tensor) -> candle_core::Result<Act>;

    /// Who looks at maps that pass by without being kept.
    fn heads(&self) -> Option<&dyn HeadWatch> {
        None
    }

    /// False where rotary positions do not turn this text's queries and keys.
    fn turns(&self, _text: usize) -> bool {
        true
    }

    /// False where the other tokens of this text do not see this one in a convolution.
    fn sees(&self, _text: usize, _token: usize) -> bool {
        true
    }
}

/// Some rows of one head's maps, where they are made and before they are gone.
pub struct MapTile<'a> {
    pub layer: usize,
    pub head: usize,
    /// Queries and keys within their text; what lies outside of these keys is hidden from them.
    pub queries: Range<usize>,
    pub keys: Range<usize>,
    /// [queries, keys], masked.
    pub scores: &'a [f32],
    /// [queries, keys]
    pub pattern: &'a [f32],
}

/// Sums maps up as they pass by. Called from several threads, once for each part of each map of a pass
/// over one text.
pub trait HeadWatch: Any + Send + Sync {
    fn tile(&self, tile: &MapTile<'_>);

    fn as_any(&self) -> &dyn Any;
}

/// Looks at maps alone.
pub struct Watching(pub Arc<dyn HeadWatch>);

impl Hook for Watching {
    fn wants(&self, _: Site) -> bool {
        false
    }

    fn visit(&mut self, _: Site, _: usize, _: &Tensor) -> candle_core::Result<Act> {
        Ok(Act::Keep)
    }

    fn heads(&self) -> Option<&dyn HeadWatch> {
        Some(&*self.0)
    }
}

/// Wants nothing.
pub struct NoHook;

impl Hook for NoHook {
    fn wants(&self, _: Site) -> bool {
        false
    }

    fn visit(&mut self, _: Site, _: usize, _: &Tensor) -> candle_core::Result<Act> {
        Ok(Act::Keep)
    }
}

/// Stops the pass at the next layer once its flag is up.
pub struct StopWhen<'a>(pub &'a Cancel);

impl Hook for StopWhen<'_> {
    fn wants(&self, site: Site) -> bool {
        matches!(site, Site::Layer(_, LayerSite::ResidIn))
    }

    fn visit(&mut self, _: Site, _: usize, _: &Tensor) -> candle_core::Result<Act> {
        Ok(match self.0.is_cancelled() {
            true => Act::Stop,
            false => Act::Keep,
        })
    }
}

/// Several hooks as one; each sees what the one before it left.
pub struct Chain<'a>(pub Vec<&'a mut dyn Hook>);

impl Hook for Chain<'_> {
    fn wants(&self, site: Site) -> bool {
        self.0.iter().any(|hook| hook.wants(site))
    }

    fn visit(&mut self, site: Site, text: usize, value: &Tensor) -> candle_core::Result<Act> {
        let mut replaced: Option<Tensor> = None;
        for hook in self.0.iter_mut().filter(|hook| hook.wants(site)) {
            match hook.visit(site, text, replaced.as_ref().unwrap_or(value))? {
                Act::Keep => {}
                Act::Replace(value) => replaced = Some(value),
                Act::Stop => return Ok(Act::Stop),
            }
        }
        Ok(replaced.map_or(Act::Keep, Act::Replace))
    }

    fn heads(&self) -> Option<&dyn HeadWatch> {
        self.0.iter().find_map(|hook| hook.heads())
    }

    fn turns(&self, text: usize) -> bool {
        self.0.iter().all(|hook| hook.turns(text))
    }

    fn sees(&self, text: usize, token: usize) -> bool {
        self.0.iter().all(|hook| hook.sees(text, token))
    }
}

/// Keeps what it is shown. Values are shared with the forward pass, never copied.
pub struct Recorder<F> {
    wanted: F,
    kept: Vec<Vec<(Site, Tensor)>>,
}

impl<F: Fn(Site) -> bool> Recorder<F> {
    pub fn new(wanted: F) -> Self {
        let kept = Vec::new();
        Self { wanted, kept }
    }

    /// What was kept of one text of the batch, in the order of the forward pass.
    pub fn take(&mut self, text: usize) -> Vec<(Site, Tensor)> {
        self.kept
            .get_mut(text)
            .map(std::mem::take)
            .unwrap_or_default()
    }
}

impl<F: Fn(Site) -> bool> Hook for Recorder<F> {
    fn wants(&self, site: Site) -> bool {
        (self.wanted)(site)
    }

    fn visit(&mut self, site: Site, text: usize, value: &Tensor) -> candle_core::Result<Act> {
        if self.kept.len() <= text {
            self.kept.resize_with(text + 1, Vec::new);
        }
        self.kept[text].push((site, value.clone()));
        Ok(Act::Keep)
    }
}
