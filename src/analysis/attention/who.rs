//! Whose map: one head's, or the mean of several with what each of them has in it.

use std::ops::Range;
use std::sync::Arc;

use super::pool::Map;
use super::rows::each_head;
use crate::cancel::Cancel;
use crate::trace::Trace;

/// The heads (layer, head) whose map it is: one, or several of which it is the mean. In order, so that
/// those of a layer stand together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Who(Arc<[(usize, usize)]>);

impl Who {
    pub fn head(layer: usize, head: usize) -> Self {
        Self(Arc::new([(layer, head)]))
    }

    /// The mean over these heads, each once.
    pub fn mean(heads: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut heads: Vec<_> = heads.into_iter().collect();
        heads.sort_unstable();
        heads.dedup();
        Self(heads.into())
    }

    /// The mean over every head of a layer.
    pub fn layer(layer: usize, heads: usize) -> Self {
        Self((0..heads).map(|head| (layer, head)).collect())
    }

    pub fn heads(&self) -> &[(usize, usize)] {
        &self.0
    }
}

/// What one head has in one cell of a mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    pub layer: usize,
    pub head: usize,
    /// None where the mask hides the key.
    pub value: Option<f32>,
    /// What it adds to the mean, so that all parts sum to it; 0 where the key is hidden.
    pub share: f64,
}

/// What each head has in the cell of a query and a key, the largest magnitude first. None where the
/// trace does not have the map.
pub fn parts(trace: &Trace, who: &Who, map: Map, query: usize, key: usize) -> Option<Vec<Part>> {
    let mut values = Vec::with_capacity(who.heads().len());
    let cancel = Cancel::new();
    each_head(trace, who, map, query..query + 1, &cancel, |_, row| {
        values.push(row.get(key).copied().flatten());
    })?;
    let counted = match map {
        Map::Pattern => values.len(),
        _ => values.iter().flatten().count(),
    };
    let part = |(&(layer, head), value): (&(usize, usize), Option<f32>)| Part {
        layer,
        head,
        value,
        share: value.map_or(0.0, |value| f64::from(value) / counted as f64),
    };
    let mut parts: Vec<Part> = who.heads().iter().zip(values).map(part).collect();
    // A stable order: heads that are equal stay as they are counted.
    parts.sort_by(|a, b| b.share.abs().total_cmp(&a.share.abs()));
    Some(parts)
}

/// The head (layer, head) of the largest magnitude in each cell, [queries, keys]: the first of equal
/// ones, none where no head sees the key. None where the trace does not have the map, or once `cancel`
/// is up.
pub fn leaders(
    trace: &Trace,
    who: &Who,
    map: Map,
    [queries, keys]: [Range<usize>; 2],
    cancel: &Cancel,
) -> Option<Vec<Option<(usize, usize)>>> {
    let tokens = trace.tokens.len().max(1);
    let mut most: Vec<Option<(f32, usize)>> = vec![None; queries.len() * keys.len()];
    each_head(trace, who, map, queries, cancel, |place, rows| {
        let inside = rows.chunks_exact(tokens).flat_map(|row| &row[keys.clone()]);
        for (most, value) in most.iter_mut().zip(inside) {
            if let Some(value) = value
                && most.is_none_or(|(before, _)| value.abs() > before)
            {
                *most = Some((value.abs(), place));
            }
        }
    })?;
    let head = |most: Option<(f32, usize)>| most.map(|(_, place)| who.heads()[place]);
    Some(most.into_iter().map(head).collect())
}
