//! Attribution to the input's tokens: the cosine as a sum over pairs of tokens as they were read,
//! before attention mixed them, exact with the network's non-linearities held.

use std::time::Instant;

use super::frozen::{FrozenEncoder, Stack};
use super::parts::{BIAS, Parts};
use super::pool::FrozenPool;
use super::{Method, PairMatrix, changed};
use crate::analysis::pooling::{sentence, values};
use crate::cancel::Cancel;
use crate::model::{HeadOptions, Model, ModelError};
use crate::trace::{LayerSite, Site, Trace};

/// Rows of one product: parts go through so many at a time, so that memory stays bounded.
const ROWS: usize = 4096;

/// One text's sentence vector by input tokens: Σ_i u_i + u_bias = e.
pub struct InputParts {
    pub parts: Parts,
    /// How far the parts' sum is from the recorded `embed.out` and each `resid_out`: the largest
    /// |Σ − recorded| over the largest |recorded|, [1 + L].
    pub drift: Vec<f64>,
}

impl InputParts {
    /// Takes T + 1 parts (each token's embedding, and everything that the network adds by itself)
    /// through the encoder with its attention patterns, norms' σ and activation slopes held at their
    /// recorded values, then pools them and takes them through the head. As much work as T + 1
    /// forward passes without attention scores. `trace` is one of this model.
    ///
    /// What it explains: how much of the vector each token's *content* supplied along the paths
    /// that the text opened; not how tokens opened them (patterns are held).
    ///
    /// # Errors
    /// When the trace lacks a site or a module does not take this pooling's vector;
    /// [`ModelError::Stopped`] once `cancel` is up.
    pub fn new(
        model: &Model,
        trace: &Trace,
        options: HeadOptions,
        cancel: &Cancel,
    ) -> Result<Self, ModelError> {
        changed::check(Method::Input, [trace, trace])?;
        let trace = &*model.whole(trace, cancel)?;
        let encoder = FrozenEncoder::new(&model.encoder, trace)?;
        let pool = FrozenPool::new(&model.head, trace, options.pooling)?;
        let (tokens, layers) = (encoder.tokens, encoder.blocks.len());
        let mut pooled = Vec::with_capacity((tokens + 1) * pool.size());
        let mut sums = vec![vec![0.; tokens * encoder.hidden]; 1 + layers];
        let at_once = (ROWS / tokens.max(1)).max(1);
        for start in (0..=tokens).step_by(at_once) {
            let parts = start..(start + at_once).min(tokens + 1);
            let mut stack = Stack::of_tokens(&encoder, parts)?;
            stack.add_to(&mut sums[0]);
            for l in 0..layers {
                if cancel.is_cancelled() {
                    return Err(ModelError::Stopped);
                }
                stack.through(l)?;
                stack.add_to(&mut sums[l + 1]);
            }
            stack.finish();
            let each = (0..stack.parts()).flat_map(|c| pool.apply(stack.part(c)));
            pooled.extend(each);
        }
        let bias = pooled.split_off(tokens * pool.size());
        let names = trace.tokens.pieces.clone();
        Ok(Self {
            parts: Parts::of_pooled(&model.head, options, (names, pooled), (BIAS, bias))?,
            drift: drift(trace, &sums)?,
        })
    }
}

/// See [`InputParts::drift`]; `sums` are [1 + L] of [T, D].
fn drift(trace: &Trace, sums: &[Vec<f64>]) -> Result<Vec<f64>, ModelError> {
    let embed = std::iter::once(Site::Embed(crate::trace::EmbedSite::Out));
    let layers = (0..trace.layers).map(|l| Site::Layer(l, LayerSite::ResidOut));
    let one = |(site, sum): (Site, &Vec<f64>)| {
        let recorded = values(trace, site)?;
        let recorded = recorded.flat();
        let largest = recorded.iter().fold(0_f32, |most, x| most.max(x.abs()));
        let pairs = sum.iter().zip(recorded.iter());
        let off = pairs.map(|(sum, &x)| (sum - f64::from(x)).abs());
        Ok(off.fold(0., f64::max) / f64::from(largest.max(f32::MIN_POSITIVE)))
    };
    embed.chain(layers).zip(sums).map(one).collect()
}

/// A matrix over input tokens, and what was checked on the way to it.
pub struct InputPairs {
    pub matrix: PairMatrix,
    /// [`InputParts::drift`] of a and of b.
    pub drift: [Vec<f64>; 2],
}

/// B_ij = ⟨u_i, v_j⟩/(|e_a||e_b|) over [`InputParts`] u of a and v of b, the biases last; ΣB is the
/// cosine. [T_a + 1, T_b + 1]. In the family of BiLRP (Eberle et al. 2020; Vasileiou & Eberle 2024)
/// and DecompX (Modarressi et al. 2023).
///
/// # Errors
/// As [`InputParts::new`].
pub fn input_pairs(
    model: &Model,
    a: &Trace,
    b: &Trace,
    options: HeadOptions,
    cancel: &Cancel,
) -> Result<InputPairs, ModelError> {
    let started = Instant::now();
    let e_a = sentence(&model.head, a, options)?;
    let e_b = sentence(&model.head, b, options)?;
    let of_a = InputParts::new(model, a, options, cancel)?;
    let of_b = InputParts::new(model, b, options, cancel)?;
    let matrix = of_a.parts.pairs(&of_b.parts, &e_a, &e_b)?;
    Ok(InputPairs {
        matrix: PairMatrix {
            seconds: started.elapsed().as_secs_f64(),
            ..matrix
        },
        drift: [of_a.drift, of_b.drift],
    })
}
