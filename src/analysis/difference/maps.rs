//! Differences of attention maps and of [T, n] values, over pairs of tokens.

use std::ops::Range;

use rayon::prelude::*;

use super::Pairing;
use crate::analysis::attention::{Atlas, Map, Pool, Who, Window, rows_at_once, seen_rows};
use crate::cancel::Cancel;
use crate::model::{Model, ModelError};
use crate::trace::{Site, Trace, Values};

/// A's map less B's, pairs by pairs, in at most `most` cells a side; the window's queries and keys
/// count pairs. −∞ where either text's mask hides the key. None where a trace does not have the map,
/// or once `cancel` is up.
pub fn window(
    traces: [&Trace; 2],
    (who, map): (&Who, Map),
    pairing: &Pairing,
    [queries, keys]: [Range<usize>; 2],
    most: usize,
    cancel: &Cancel,
) -> Option<Window> {
    let inside = |range: Range<usize>| range.start.min(pairing.len())..range.end.min(pairing.len());
    let (queries, keys) = (inside(queries), inside(keys));
    let mut pool = Pool::new([queries.len(), keys.len()], [most, most]);
    let columns = &pairing.pairs[keys.clone()];
    let mut line = Vec::with_capacity(columns.len());
    let mut next = queries.start;
    while next < queries.end {
        if cancel.is_cancelled() {
            return None;
        }
        let count = run(&pairing.pairs[next..queries.end], step(traces, who, map)?);
        let rows = |side: usize| {
            let first = pairing.pairs[next][side];
            let run = first..first + count;
            seen_rows(traces[side], who, map, run, cancel)
        };
        let (a, b) = (rows(0)?, rows(1)?); // [count, T]
        let rows = a
            .chunks_exact(pairing.tokens[0])
            .zip(b.chunks_exact(pairing.tokens[1]));
        for (row, (a, b)) in rows.enumerate() {
            line.clear();
            line.extend(columns.iter().map(|&[i, j]| less(a[i], b[j])));
            pool.add(next + row - queries.start, &line);
        }
        next += count;
    }
    Some(Window {
        queries,
        keys,
        cells: pool.cells,
        values: pool.values,
    })
}

/// How many rows of both maps are read at a time.
fn step(traces: [&Trace; 2], who: &Who, map: Map) -> Option<usize> {
    let [a, b] = traces.map(|trace| rows_at_once(trace, who, map));
    Some(a?.min(b?))
}

/// How many pairs from the first on follow each other in both texts; at most `most`, at least 1.
fn run(pairs: &[[usize; 2]], most: usize) -> usize {
    let next = |two: &&[[usize; 2]]| two[1] == [two[0][0] + 1, two[0][1] + 1];
    let follow = pairs.windows(2).take(most.max(1) - 1).take_while(next);
    1 + follow.count()
}

/// What is hidden in one of the texts has no difference.
fn less(a: f32, b: f32) -> f32 {
    match a == f32::NEG_INFINITY || b == f32::NEG_INFINITY {
        true => f32::NEG_INFINITY,
        false => a - b,
    }
}

/// Every head's difference as one picture, as [`Atlas::new`] makes it of one text. None where the model
/// has no such map.
///
/// # Errors
/// [`ModelError::Stopped`] once `cancel` is up.
pub fn atlas(
    model: &Model,
    [a, b]: [&Trace; 2],
    map: Map,
    pairing: &Pairing,
    (most, relative): (usize, bool),
    cancel: &Cancel,
) -> Result<Option<Atlas>, ModelError> {
    let (heads, count) = (model.spec().heads, pairing.len());
    let sizes = [a.layers, heads, count.min(most)];
    Atlas::assemble(sizes, relative, |layer| {
        let a = model.recall(a, layer, cancel)?;
        let b = model.recall(b, layer, cancel)?;
        if !a.has(Site::Layer(layer, map.site())) {
            return Ok(None);
        }
        let tiles = (0..heads).into_par_iter().map(|head| {
            let who = Who::head(layer, head);
            let all = [0..count, 0..count];
            let tile = window([&a, &b], (&who, map), pairing, all, most, cancel);
            Ok(tile.ok_or(ModelError::Stopped)?.values)
        });
        tiles.collect::<Result<Vec<_>, ModelError>>().map(Some)
    })
}

/// Rows of A's [T, n] less those of B's, [P, n]. None where they are not equally wide.
pub fn rows(a: &Values<'_>, b: &Values<'_>, pairing: &Pairing) -> Option<Vec<f32>> {
    let width = a.size(1);
    if b.size(1) != width {
        return None;
    }
    let mut out = Vec::with_capacity(pairing.len() * width);
    for &[i, j] in &pairing.pairs {
        let (a, b) = (a.row(&[i]), b.row(&[j]));
        out.extend(a.iter().zip(b.iter()).map(|(a, b)| a - b));
    }
    (out.len() == pairing.len() * width).then_some(out)
}
