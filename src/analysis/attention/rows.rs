//! Rows of attention maps as a person sees them.

use std::ops::Range;

use super::pool::Map;
use super::who::Who;
use crate::cancel::Cancel;
use crate::trace::{LayerSite, Trace, Values};

/// Rows `queries` of a map, [n, T], with −∞ where the mask hides a key from a query: a weight of 0
/// there, or a product that nobody reads, is no value of the head. A mean is summed in f64; a key that
/// some of its heads do not see counts as a weight of 0 in theirs, and its other values are the mean of
/// those that do. None where the trace does not have the map, or once `cancel` is up.
pub fn seen_rows(
    trace: &Trace,
    who: &Who,
    map: Map,
    queries: Range<usize>,
    cancel: &Cancel,
) -> Option<Vec<f32>> {
    let [(layer, head)] = *who.heads() else {
        return mean_rows(trace, who, map, queries, cancel);
    };
    let (values, scores) = both(trace, layer, map)?;
    let mut rows = values.rows(head, queries.clone()).into_owned();
    let scores = scores.rows(head, queries);
    let hidden = rows.iter_mut().zip(scores.iter());
    hidden
        .filter(|(_, score)| is_hidden(score))
        .for_each(|(value, _)| *value = f32::NEG_INFINITY);
    Some(rows)
}

/// The values of one layer's map and its scores, each [H, T, T].
fn both(trace: &Trace, layer: usize, map: Map) -> Option<(Values<'_>, Values<'_>)> {
    let scores = trace.layer(layer, LayerSite::Scores)?;
    Some((trace.layer(layer, map.site())?, scores))
}

fn is_hidden(score: &f32) -> bool {
    *score == f32::NEG_INFINITY
}

fn mean_rows(
    trace: &Trace,
    who: &Who,
    map: Map,
    queries: Range<usize>,
    cancel: &Cancel,
) -> Option<Vec<f32>> {
    let mut means = Means::default();
    each_head(trace, who, map, queries, cancel, |_, rows| {
        means.add(rows.iter().copied());
    })?;
    Some(means.finish(map, who.heads().len()))
}

/// Cells of several heads on the way to their mean.
#[derive(Default)]
struct Means {
    sums: Vec<f64>,
    /// How many heads see each key.
    seen: Vec<u32>,
}

impl Means {
    fn add(&mut self, cells: impl ExactSizeIterator<Item = Option<f32>>) {
        self.sums.resize(cells.len(), 0.0);
        self.seen.resize(cells.len(), 0);
        for ((sum, seen), value) in self.sums.iter_mut().zip(&mut self.seen).zip(cells) {
            if let Some(value) = value {
                *sum += f64::from(value);
                *seen += 1;
            }
        }
    }

    fn finish(self, map: Map, heads: usize) -> Vec<f32> {
        let mean = |(sum, seen): (f64, u32)| match (seen, map) {
            (0, _) => f32::NEG_INFINITY,
            (_, Map::Pattern) => (sum / heads as f64) as f32,
            _ => (sum / f64::from(seen)) as f32,
        };
        self.sums.into_iter().zip(self.seen).map(mean).collect()
    }
}

/// What all queries have of one key, [T], as in [`seen_rows`]. For maps that are held: of others every row
/// would be made for it.
pub fn seen_column(trace: &Trace, who: &Who, map: Map, key: usize) -> Option<Vec<f32>> {
    let mut means = Means::default();
    for &(layer, head) in who.heads() {
        let (values, scores) = both(trace, layer, map)?;
        means.add((0..trace.tokens.len()).map(|query| {
            let at = [head, query, key];
            let score = scores.at(&at)?;
            values.at(&at).filter(|_| !is_hidden(&score))
        }));
    }
    Some(means.finish(map, who.heads().len()))
}

/// Rows `queries` of each head in turn, [n, T], with none where the mask hides a key. `read` gets the
/// head's place in `who`. None as in [`seen_rows`].
pub(super) fn each_head(
    trace: &Trace,
    who: &Who,
    map: Map,
    queries: Range<usize>,
    cancel: &Cancel,
    mut read: impl FnMut(usize, &[Option<f32>]),
) -> Option<()> {
    let (mut place, mut line) = (0, Vec::new());
    for heads in who.heads().chunk_by(|a, b| a.0 == b.0) {
        let (values, scores) = both(trace, heads[0].0, map)?;
        // Every head of a layer has the same mask.
        let scores = scores.rows(heads[0].1, queries.clone());
        for (_, head) in heads {
            if cancel.is_cancelled() {
                return None;
            }
            let rows = values.rows(*head, queries.clone());
            let cells = rows.iter().zip(scores.iter());
            line.clear();
            line.extend(cells.map(|(value, score)| (!is_hidden(score)).then_some(*value)));
            read(place, &line);
            place += 1;
        }
    }
    Some(())
}

/// [`seen_rows`] of all of some queries, as many at a time as are worth holding. `read` gets the first
/// query of each run and its rows. None as there.
pub fn each_row(
    trace: &Trace,
    (who, map): (&Who, Map),
    queries: Range<usize>,
    cancel: &Cancel,
    mut read: impl FnMut(usize, &[f32]),
) -> Option<()> {
    let step = rows_at_once(trace, who, map)?;
    for start in queries.clone().step_by(step) {
        if cancel.is_cancelled() {
            return None;
        }
        let run = start..(start + step).min(queries.end);
        read(start, &seen_rows(trace, who, map, run, cancel)?);
    }
    Some(())
}

/// How many rows of a map are worth holding at a time. None where the trace does not have it.
pub fn rows_at_once(trace: &Trace, who: &Who, map: Map) -> Option<usize> {
    let (layer, _) = who.heads().first()?;
    Some(trace.layer(*layer, map.site())?.step())
}

/// A whole map, [T, T].
pub fn seen(trace: &Trace, who: &Who, map: Map, cancel: &Cancel) -> Option<Vec<f32>> {
    seen_rows(trace, who, map, 0..trace.tokens.len(), cancel)
}
