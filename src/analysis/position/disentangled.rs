//! The terms that distances add to the scores of disentangled attention (He et al. 2021).

use super::dot;
use crate::cancel::Cancel;
use crate::model::Model;
use crate::trace::{LayerSite, Trace};

/// One head's terms, queries by keys; each is scaled as it enters the score.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// T
    pub tokens: usize,
    /// Content asks for a distance (c2p): scale·qᵢ·Kᵣ[i − j], [T, T].
    pub by_content: Option<Vec<f32>>,
    /// A distance asks for content (p2c): scale·kⱼ·Qᵣ[i − j], [T, T].
    pub by_position: Option<Vec<f32>>,
    /// Their sum, [T, T].
    pub sum: Vec<f32>,
    /// The largest |Δ| between the sum and the recorded `score_position`.
    pub residual: f64,
}

impl Terms {
    /// None where the model has no such terms, the trace does not hold the layer's inside, or the
    /// weights are out of reach; also once the flag is up.
    pub fn new(
        model: &Model,
        trace: &Trace,
        layer: usize,
        head: usize,
        cancel: &Cancel,
    ) -> Option<Self> {
        let spec = model.spec();
        let relative = spec.disentangled?;
        let (q, k) = (
            trace.layer(layer, LayerSite::Q)?,
            trace.layer(layer, LayerSite::K)?,
        );
        let recorded = trace.layer(layer, LayerSite::ScorePosition)?;
        let [keys, queries] = model.relative_rows(layer);
        let tokens = q.size(1);
        let row = |i: usize, j: usize| relative.row(i as isize - j as isize);
        let term = |of: &dyn Fn(usize, usize) -> f64| {
            let mut out = Vec::with_capacity(tokens * tokens);
            for i in 0..tokens {
                if cancel.is_cancelled() {
                    return None;
                }
                out.extend((0..tokens).map(|j| (spec.scale * of(i, j)) as f32));
            }
            Some(out)
        };
        let by_content = match &keys {
            Some(keys) => Some(term(&|i, j| {
                dot(&q.row(&[head, i]), &keys.row(&[head, row(i, j)]))
            })?),
            None => None,
        };
        let by_position = match &queries {
            Some(queries) => Some(term(&|i, j| {
                dot(&k.row(&[head, j]), &queries.row(&[head, row(i, j)]))
            })?),
            None => None,
        };
        let at = |term: &Option<Vec<f32>>, cell: usize| term.as_ref().map_or(0., |term| term[cell]);
        let sum: Vec<f32> = (0..tokens * tokens)
            .map(|cell| at(&by_content, cell) + at(&by_position, cell))
            .collect();
        let recorded = recorded.plane(head);
        let off = sum.iter().zip(recorded.iter());
        let residual = off
            .map(|(x, y)| (f64::from(*x) - f64::from(*y)).abs())
            .fold(0., |most: f64, x| if x.is_nan() { x } else { most.max(x) });
        Some(Self {
            tokens,
            by_content,
            by_position,
            sum,
            residual,
        })
    }
}
