//! Ablation: what the cosine loses without each attention head and each feed-forward block.

use std::time::Instant;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use super::reruns::{ROWS, Restart, batches, held, restart};
use crate::analysis::job::Job;
use crate::analysis::pooling::sentence;
use crate::analysis::vectors::{cosine, to_f64};
use crate::model::{HeadOptions, Model, ModelError};
use crate::trace::hook::{Act, Hook};
use crate::trace::{LayerSite, Site, Trace};

/// What stands in the place of a head's or a block's output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Fill {
    /// Zeros: the part says nothing.
    #[default]
    Zero,
    /// Its mean over the tokens of the same text: the part says the same to every token.
    Mean,
}

impl Fill {
    pub const ALL: [Self; 2] = [Self::Zero, Self::Mean];

    /// As files and the command line call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zero => "zero",
            Self::Mean => "mean",
        }
    }
}

/// The cosine without each part of the encoder. Every map is [L, H + 1] row-major: the heads of a
/// layer, then its feed-forward block. Values are cos − cos without the part: above 0 where the part
/// makes the texts more similar.
#[derive(Clone, Debug, PartialEq)]
pub struct Ablation {
    pub fill: Fill,
    pub cos: f64,
    pub layers: usize,
    pub heads: usize,
    /// The part is taken out of text a alone.
    pub a: Vec<f64>,
    pub b: Vec<f64>,
    /// Out of both texts.
    pub both: Vec<f64>,
    /// Wall time.
    pub seconds: f64,
}

impl Ablation {
    /// `L1`, …, as the parts of the residual stream are called.
    pub fn rows(&self) -> Vec<String> {
        (1..=self.layers).map(|l| format!("L{l}")).collect()
    }

    /// `H1`, …, `FFN`.
    pub fn columns(&self) -> Vec<String> {
        let heads = (1..=self.heads).map(|h| format!("H{h}"));
        heads.chain(std::iter::once("FFN".to_owned())).collect()
    }
}

/// Replaces each head's `head_out` (its columns in front of the output projection, whose bias stays)
/// and each `ffn_out` in turn. Layer l starts from the kept `resid_in` of its layer, so it costs L − l
/// layers, with all its variants in packed batches. One step of `job` is one variant of one text.
///
/// # Errors
/// [`ModelError::Stopped`] within a batch once the job's flag is up; when a trace does not hold the
/// residual stream; when the head does not take this pooling.
pub fn ablation(
    model: &Model,
    a: &Trace,
    b: &Trace,
    options: HeadOptions,
    fill: Fill,
    job: &mut Job<'_>,
) -> Result<Ablation, ModelError> {
    let started = Instant::now();
    let e_a = to_f64(&sentence(&model.head, a, options)?);
    let e_b = to_f64(&sentence(&model.head, b, options)?);
    let (layers, heads) = (model.spec().layers(), model.spec().heads);
    let parts = heads + 1;
    job.expect(2 * layers * parts);
    let cos = cosine(&e_a, &e_b);
    let mut maps = [Vec::new(), Vec::new(), Vec::new()];
    for layer in 0..layers {
        let vectors = variants(model, [a, b], layer, options, fill, job)?;
        let (of_a, of_b) = vectors.split_at(parts);
        for (a, b) in of_a.iter().zip(of_b) {
            let without = [cosine(a, &e_b), cosine(&e_a, b), cosine(a, b)];
            let cells = maps.iter_mut().zip(without);
            cells.for_each(|(map, without)| map.push(cos - without));
        }
    }
    let [a, b, both] = maps;
    Ok(Ablation {
        fill,
        cos,
        layers,
        heads,
        a,
        b,
        both,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// Both texts' sentence vectors without each part of one layer, [2·(H + 1)] of [E].
fn variants(
    model: &Model,
    texts: [&Trace; 2],
    layer: usize,
    options: HeadOptions,
    fill: Fill,
    job: &mut Job<'_>,
) -> Result<Vec<Vec<f64>>, ModelError> {
    let heads = model.spec().heads;
    let site = Site::Layer(layer, LayerSite::ResidIn);
    let mut all = Vec::with_capacity(2 * (heads + 1));
    for trace in texts {
        let states = held(trace, site)?;
        all.extend((0..=heads).map(|_| Restart {
            trace,
            states: states.clone(),
        }));
    }
    let mut vectors = Vec::with_capacity(all.len());
    for batch in batches(
        model.at_once(ROWS),
        all.iter().map(|text| text.trace.tokens.len()),
    ) {
        let mut hook = Ablate {
            layer,
            heads,
            fill,
            first: batch.start,
        };
        let count = batch.len();
        let texts = &all[batch];
        vectors.extend(restart(
            model,
            &model.head,
            layer,
            texts,
            options,
            &mut hook,
            job,
        )?);
        job.did(count);
    }
    Ok(vectors)
}

/// Takes part v mod (H + 1) of one layer out of text v; `first` is the number of the batch's text 0.
struct Ablate {
    layer: usize,
    heads: usize,
    fill: Fill,
    first: usize,
}

impl Hook for Ablate {
    fn wants(&self, site: Site) -> bool {
        site == Site::Layer(self.layer, LayerSite::HeadOut)
            || site == Site::Layer(self.layer, LayerSite::FfnOut)
    }

    fn visit(&mut self, site: Site, text: usize, value: &Tensor) -> candle_core::Result<Act> {
        let part = (self.first + text) % (self.heads + 1);
        let at_heads = site == Site::Layer(self.layer, LayerSite::HeadOut);
        if at_heads != (part < self.heads) {
            return Ok(Act::Keep);
        }
        let fill = match (self.fill, at_heads) {
            (Fill::Zero, _) => value.zeros_like()?,
            (Fill::Mean, true) => value.mean_keepdim(1)?.broadcast_as(value.shape())?, // [H, T, d]
            (Fill::Mean, false) => value.mean_keepdim(0)?.broadcast_as(value.shape())?, // [T, D]
        };
        if !at_heads {
            return Ok(Act::Replace(fill.contiguous()?));
        }
        let mut rows = Vec::with_capacity(self.heads);
        for head in 0..self.heads {
            let from = if head == part { &fill } else { value };
            rows.push(from.narrow(0, head, 1)?.contiguous()?);
        }
        Ok(Act::Replace(Tensor::cat(&rows, 0)?))
    }
}
