//! Patching: one token's state from the other text's run put into this one's.

use std::time::Instant;

use candle_core::Tensor;

use super::reruns::{ROWS, Restart, batches, held, restart};
use crate::analysis::job::Job;
use crate::analysis::pooling::sentence;
use crate::analysis::vectors::{cosine, to_f64};
use crate::model::{HeadOptions, Model, ModelError};
use crate::trace::hook::NoHook;
use crate::trace::{LayerSite, Site, Trace};

/// What the cosine gains from each patch.
#[derive(Clone, Debug, PartialEq)]
pub struct Patching {
    pub cos: f64,
    pub layers: usize,
    /// f(a with the patch, b) − f(a, b), [L, T_a] row-major: above 0 where the other text's state
    /// makes a more similar to b. NaN for tokens without a counterpart.
    pub change: Vec<f64>,
    /// Wall time.
    pub seconds: f64,
}

/// Token i of a with token i of b, as far as both go.
pub fn same_index(a: &Trace, b: &Trace) -> Vec<Option<usize>> {
    let both = b.tokens.len();
    (0..a.tokens.len())
        .map(|i| (i < both).then_some(i))
        .collect()
}

/// For each layer l and token i: runs a again from layer l + 1 on with `resid_out` of token i taken
/// from b's token `alignment[i]` (Meng et al. 2022, Zhang & Nanda 2024: interchange of activations).
/// `alignment` is [T_a]. One step of `job` is one patch.
///
/// # Errors
/// [`ModelError::Stopped`] within a batch once the job's flag is up; when a trace does not hold the
/// residual stream, or the alignment does not fit the texts.
pub fn patching(
    model: &Model,
    a: &Trace,
    b: &Trace,
    options: HeadOptions,
    alignment: &[Option<usize>],
    job: &mut Job<'_>,
) -> Result<Patching, ModelError> {
    let started = Instant::now();
    let (count, other) = (a.tokens.len(), b.tokens.len());
    if alignment.len() != count || alignment.iter().flatten().any(|&j| j >= other) {
        return Err(ModelError::Input {
            what: "alignment".to_owned(),
            problem: format!("must name one of {other} tokens, or none, for each of {count}"),
        });
    }
    let e_a = to_f64(&sentence(&model.head, a, options)?);
    let e_b = to_f64(&sentence(&model.head, b, options)?);
    let cos = cosine(&e_a, &e_b);
    let layers = model.spec().layers();
    let pairs: Vec<(usize, usize)> = (0..count)
        .filter_map(|i| alignment[i].map(|j| (i, j)))
        .collect();
    job.expect(layers * pairs.len());
    let mut change = vec![f64::NAN; layers * count];
    for layer in 0..layers {
        for batch in batches(model.at_once(ROWS), pairs.iter().map(|_| count)) {
            let pairs = &pairs[batch];
            let patch = |&(i, j): &(usize, usize)| {
                let states = patched(a, b, layer, i, j)?;
                Ok(Restart { trace: a, states })
            };
            let texts: Vec<Restart<'_>> =
                pairs.iter().map(patch).collect::<Result<_, ModelError>>()?;
            let (head, next) = (&model.head, layer + 1);
            let vectors = restart(model, head, next, &texts, options, &mut NoHook, job)?;
            for (&(i, _), vector) in pairs.iter().zip(vectors) {
                change[layer * count + i] = cosine(&vector, &e_b) - cos;
            }
            job.did(pairs.len());
        }
    }
    Ok(Patching {
        cos,
        layers,
        change,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// a's `resid_out` of one layer with row i from b's row j, [T_a, D].
fn patched(a: &Trace, b: &Trace, layer: usize, i: usize, j: usize) -> Result<Tensor, ModelError> {
    let site = Site::Layer(layer, LayerSite::ResidOut);
    let (own, other) = (held(a, site)?, held(b, site)?);
    let rows = own.dim(0)?;
    let parts = [
        own.narrow(0, 0, i)?,
        other.narrow(0, j, 1)?,
        own.narrow(0, i + 1, rows - i - 1)?,
    ];
    let parts: Vec<&Tensor> = parts.iter().filter(|part| part.elem_count() > 0).collect();
    Ok(Tensor::cat(&parts, 0)?)
}
