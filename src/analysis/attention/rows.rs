//! Rows of attention maps as a person sees them.

use std::ops::Range;

use super::pool::Map;
use crate::cancel::Cancel;
use crate::trace::{LayerSite, Trace};

/// Whose map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    Head(usize),
    /// The mean over the heads of a layer.
    Mean,
}

/// Rows `queries` of a map, [n, T], with −∞ where the mask hides a key from a query: a weight of 0
/// there, or a product that nobody reads, is no value of the head. A mean is summed in f64. None where
/// the trace does not have the map, or once `cancel` is up.
pub fn seen_rows(
    trace: &Trace,
    layer: usize,
    who: Who,
    map: Map,
    queries: Range<usize>,
    cancel: &Cancel,
) -> Option<Vec<f32>> {
    let scores = trace.layer(layer, LayerSite::Scores)?; // [H, T, T]
    let values = trace.layer(layer, map.site())?; // [H, T, T]
    // Every head of a layer has the same mask.
    let (head, mut rows) = match who {
        Who::Head(head) => (head, values.rows(head, queries.clone()).into_owned()),
        Who::Mean => {
            let heads = values.size(0);
            let mut sums = vec![0.0_f64; queries.len() * values.size(2)];
            for head in 0..heads {
                if cancel.is_cancelled() {
                    return None;
                }
                let rows = values.rows(head, queries.clone());
                let cells = sums.iter_mut().zip(rows.iter());
                cells.for_each(|(sum, &value)| *sum += f64::from(value));
            }
            let mean = |sum: f64| (sum / heads as f64) as f32;
            (0, sums.into_iter().map(mean).collect())
        }
    };
    let scores = scores.rows(head, queries);
    let hidden = rows.iter_mut().zip(scores.iter());
    hidden
        .filter(|(_, score)| **score == f32::NEG_INFINITY)
        .for_each(|(value, _)| *value = f32::NEG_INFINITY);
    Some(rows)
}

/// [`seen_rows`] of all of some queries, as many at a time as are worth holding. `read` gets the first
/// query of each run and its rows. None as there.
pub fn each_row(
    trace: &Trace,
    layer: usize,
    (who, map): (Who, Map),
    queries: Range<usize>,
    cancel: &Cancel,
    mut read: impl FnMut(usize, &[f32]),
) -> Option<()> {
    let step = trace.layer(layer, map.site())?.step();
    for start in queries.clone().step_by(step) {
        if cancel.is_cancelled() {
            return None;
        }
        let run = start..(start + step).min(queries.end);
        read(start, &seen_rows(trace, layer, who, map, run, cancel)?);
    }
    Some(())
}

/// A whole map, [T, T].
pub fn seen(trace: &Trace, layer: usize, who: Who, map: Map, cancel: &Cancel) -> Option<Vec<f32>> {
    seen_rows(trace, layer, who, map, 0..trace.tokens.len(), cancel)
}
