//! The residual stream from layer to layer.

mod states;
mod writes;

pub use states::{Pooled, States, state_sites};
pub use writes::{Added, Joins, Writes};

use super::vectors::cosine;
use crate::model::head::pool_weights;
use crate::trace::site::{EmbedSite, LayerSite, PoolingMode, Site};
use crate::trace::{Trace, Values};

/// One vector [D] of token vectors [T, D] under a pooling, in f64.
pub fn pool(values: &Values<'_>, taken: &[bool], mode: PoolingMode) -> Vec<f64> {
    let (tokens, size) = (values.size(0), values.size(1));
    let rows = (0..tokens).filter(|&t| taken.get(t) == Some(&true));
    match pool_weights(taken, mode) {
        Some(weights) => {
            let mut sum = vec![0.; size];
            for t in rows {
                for (sum, &x) in sum.iter_mut().zip(values.row(&[t]).iter()) {
                    *sum += weights[t] * f64::from(x);
                }
            }
            sum
        }
        None => {
            let mut max = vec![f64::NEG_INFINITY; size];
            for t in rows {
                for (max, &x) in max.iter_mut().zip(values.row(&[t]).iter()) {
                    *max = max.max(x.into());
                }
            }
            max
        }
    }
}

/// `embed.out` and then each layer's `resid_out`, pooled; for the last layer `final.out`, which is the
/// same but for a final norm, unless it is a mix of layers. Several poolings one behind the other:
/// [1 + layers] of [modes·D]. `taken` says which tokens take part. None where the trace lacks a layer.
pub fn layer_pools(trace: &Trace, taken: &[bool], modes: &[PoolingMode]) -> Option<Vec<Vec<f64>>> {
    let site = |l: usize| match l + 1 == trace.layers && !trace.mixes_layers {
        true => Site::FinalOut,
        false => Site::Layer(l, LayerSite::ResidOut),
    };
    let layers = (0..trace.layers).map(site);
    let sites = std::iter::once(Site::Embed(EmbedSite::Out)).chain(layers);
    let at = |site| {
        let values = trace.values(site)?;
        let pooled = modes.iter().flat_map(|&mode| pool(&values, taken, mode));
        Some(pooled.collect())
    };
    sites.map(at).collect()
}

/// cos(A, B) after each of [`layer_pools`]: [1 + layers]. `taken` says
/// which tokens of each text take part. Empty where a trace lacks a layer.
pub fn layer_cosines(
    (a, taken_a): (&Trace, &[bool]),
    (b, taken_b): (&Trace, &[bool]),
    mode: PoolingMode,
) -> Vec<f64> {
    let a = layer_pools(a, taken_a, &[mode]).unwrap_or_default();
    let b = layer_pools(b, taken_b, &[mode]).unwrap_or_default();
    a.iter().zip(&b).map(|(a, b)| cosine(a, b)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosine_of_known_vectors() {
        assert!((cosine(&[3., 4.], &[4., 3.]) - 24. / 25.).abs() < 1e-15);
        assert_eq!(cosine(&[0., 0.], &[1., 0.]), 0.);
    }
}
