//! The inside of one layer, made again from the residual stream that a trace holds.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use candle_core::Tensor;

use super::intervention::{Applied, Intervening};
use super::ops::{Attend, Ops, score_rows, softmax};
use super::pass::Pass;
use super::{Model, ModelError};
use crate::cancel::Cancel;
use crate::trace::hook::{Chain, Recorder, StopWhen};
use crate::trace::{LayerSite, MapRows, Site, Trace};

/// The maps of one layer are kept where they take no more bytes than this, and otherwise made row by
/// row where they are read.
const MAP_BYTES: usize = 192 << 20;

/// What one analysis may take to hold a trace with every layer's inside.
const WHOLE_BYTES: usize = 2 << 30;

impl Model {
    /// Bytes of the maps [H, T, T] of one layer of a text of so many tokens.
    pub(super) fn map_bytes(&self, tokens: usize) -> usize {
        // Content, what positions add, their sum and the pattern.
        4 * size_of::<f32>() * self.spec().heads * tokens * tokens
    }

    /// About how many bytes a trace of so many tokens takes with every site.
    pub fn full_bytes(&self, tokens: usize) -> usize {
        let spec = self.spec();
        let heads = (2 * spec.heads + 2 * spec.kv_heads) * spec.head_size;
        let gated = usize::from(spec.gated);
        let experts = spec.blocks.iter().filter_map(|block| block.experts);
        let copies = experts.map(|experts| experts.count).max().unwrap_or(1);
        let neurons = (2 + gated) * copies * spec.ffn;
        let row = heads + 5 * spec.hidden + neurons;
        let convolutions = spec
            .blocks
            .iter()
            .filter(|block| block.convolution.is_some());
        let beside = 3 * convolutions.count() * spec.hidden * tokens * size_of::<f32>();
        spec.layers() * (size_of::<f32>() * tokens * row + self.map_bytes(tokens)) + beside
    }

    /// The same pass with the inside of one layer at hand: that layer runs again on its `resid_in`.
    /// Maps too large to keep are made where they are read.
    ///
    /// # Errors
    /// When the trace is of another model; [`ModelError::Stopped`] once `cancel` is up.
    pub fn recall(
        &self,
        trace: &Trace,
        layer: usize,
        cancel: &Cancel,
    ) -> Result<Trace, ModelError> {
        self.recall_within(trace, layer, MAP_BYTES, cancel)
    }

    /// [`Self::recall`] that keeps the layer's maps where they take at most so many bytes.
    ///
    /// # Errors
    /// As [`Self::recall`].
    pub fn recall_within(
        &self,
        trace: &Trace,
        layer: usize,
        most: usize,
        cancel: &Cancel,
    ) -> Result<Trace, ModelError> {
        self.check_own(trace)?;
        if trace.has_inside(layer) || layer >= self.spec().layers() {
            return Ok(trace.clone());
        }
        let keep = self.keeps_maps(trace.tokens.len(), most);
        let wanted = |site| match site {
            Site::Layer(l, inside) if l == layer => {
                !inside.is_stream() && (keep || !inside.is_map())
            }
            _ => false,
        };
        let site = Site::Layer(layer, LayerSite::ResidIn);
        let from = trace.tensor(site).ok_or_else(|| ModelError::Input {
            what: format!("the trace of `{}`", trace.tokens.text),
            problem: format!("lacks {site}, from which the layer would run again"),
        })?;
        let mut recorder = Recorder::new(wanted);
        let mut stop = StopWhen(cancel);
        let mut intervening = Intervening(vec![&trace.interventions]);
        let mut hook = Chain(vec![&mut stop, &mut intervening, &mut recorder]);
        let mut pass = Pass::new(&mut hook, [trace.tokens.len()]);
        let from = from.to_device(self.encoder.device())?;
        self.encoder.one_layer(layer, from, &mut pass)?;
        let more = trace.with(recorder.take(0))?;
        match keep {
            true => Ok(more),
            false => {
                let rows = Rows::new(self, &more, layer)?;
                Ok(more.with_maps(layer, Arc::new(rows)))
            }
        }
    }

    /// The trace itself where it holds every layer's inside whole, and otherwise the same pass that
    /// does: for analyses that read all layers at once.
    ///
    /// # Errors
    /// [`ModelError::Input`] when that would take too much memory; otherwise as [`Self::recall`].
    pub fn whole<'a>(
        &self,
        trace: &'a Trace,
        cancel: &Cancel,
    ) -> Result<Cow<'a, Trace>, ModelError> {
        if trace.is_full() {
            return Ok(Cow::Borrowed(trace));
        }
        let tokens = trace.tokens.len();
        let bytes = self.full_bytes(tokens);
        if bytes > WHOLE_BYTES || !self.keeps_maps(tokens, MAP_BYTES) {
            return Err(ModelError::Input {
                what: format!("a text of {tokens} tokens"),
                problem: format!(
                    "is too long for this method, which would hold about {:.1} GiB of every layer's inside; shorten it",
                    bytes as f64 / f64::from(1 << 30),
                ),
            });
        }
        let mut whole = trace.clone();
        for layer in 0..trace.layers {
            whole = self.recall(&whole, layer, cancel)?;
        }
        Ok(Cow::Owned(whole))
    }

    /// Whether a layer's maps are kept where they may take `most` bytes. Disentangled ones have more
    /// terms than rows can be made from, and other devices do not make rows.
    fn keeps_maps(&self, tokens: usize, most: usize) -> bool {
        let mut layers = self.encoder.weights.layers.iter();
        layers.any(|layer| layer.relative.is_some())
            || self.encoder.ops != Ops::Fused
            || self.map_bytes(tokens) <= most
    }

    fn check_own(&self, trace: &Trace) -> Result<(), ModelError> {
        match trace.model == self.hash {
            true => Ok(()),
            false => Err(ModelError::Input {
                what: "a trace".to_owned(),
                problem: format!("is not one of {}", self.id),
            }),
        }
    }
}

/// One layer's maps from the queries and keys that its heads compared.
struct Rows {
    q: Tensor, // [H, T, d]
    k: Tensor, // [K, T, d]
    attend: Attend,
    layer: usize,
    /// What a person changed.
    applied: Arc<Applied>,
}

impl Rows {
    fn new(model: &Model, trace: &Trace, layer: usize) -> Result<Self, ModelError> {
        let at = |turned, plain| {
            let turned = trace.tensor(Site::Layer(layer, turned));
            let found = turned.or_else(|| trace.tensor(Site::Layer(layer, plain)));
            found.cloned().ok_or_else(|| ModelError::Input {
                what: "a trace".to_owned(),
                problem: format!("lacks {}", Site::Layer(layer, plain)),
            })
        };
        let farthest = trace.tokens.len().saturating_sub(1);
        let mut attend = model.encoder.attend(layer, farthest)?;
        if trace.interventions.is_still()
            && let Some(bias) = &mut attend.bias
        {
            bias.table = Arc::new(vec![0.; bias.table.len()]);
        }
        Ok(Self {
            q: at(LayerSite::QRot, LayerSite::Q)?,
            k: at(LayerSite::KRot, LayerSite::K)?,
            attend,
            layer,
            applied: trace.interventions.clone(),
        })
    }

    /// What distances alone add.
    fn bias(&self, head: usize, queries: Range<usize>, keys: usize) -> Vec<f32> {
        let Some(bias) = &self.attend.bias else {
            return Vec::new();
        };
        let table = bias.head(head);
        let row = |query: usize| (0..keys).map(move |key| table[bias.farthest + key - query]);
        queries.flat_map(row).collect()
    }
}

impl MapRows for Rows {
    fn heads(&self, site: LayerSite) -> Option<usize> {
        let has = match site {
            LayerSite::ScorePosition => self.attend.bias.is_some(),
            other => other.is_map(),
        };
        has.then_some(self.attend.heads)
    }

    fn rows(&self, site: LayerSite, head: usize, queries: Range<usize>) -> Vec<f32> {
        let keys = self.k.dims()[1];
        if site == LayerSite::ScorePosition {
            return self.bias(head, queries, keys);
        }
        let content = site == LayerSite::ScoreContent;
        let first = queries.start;
        let scores = score_rows((&self.q, &self.k), &self.attend, head, queries, content);
        // Both are f32 on the CPU by construction.
        let mut scores = scores.unwrap_or_default();
        if !content {
            self.applied.finish(self.layer, first, keys, &mut scores);
        }
        if site == LayerSite::Pattern {
            softmax(&mut scores, keys);
        }
        scores
    }
}
