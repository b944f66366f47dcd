//! Attention maps made small (thumbnails) and made one (the mean over heads).

use serde::{Deserialize, Serialize};

use crate::analysis::range::reach;
use crate::cancel::Cancel;
use crate::trace::{LayerSite, Trace};

/// The share of a map's cells that its colours tell apart; the few beyond take the end's colour.
pub const CLIP: f64 = 0.995;

/// Which map of a head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Map {
    /// After the softmax, 0 to 1.
    #[default]
    Pattern,
    /// Before it, signed: content, position and mask together.
    Scores,
    /// The scaled q·k alone.
    Content,
    /// What distances add to it.
    Position,
}

impl Map {
    pub fn site(self) -> LayerSite {
        match self {
            Self::Pattern => LayerSite::Pattern,
            Self::Scores => LayerSite::Scores,
            Self::Content => LayerSite::ScoreContent,
            Self::Position => LayerSite::ScorePosition,
        }
    }
}

/// One head's map `[T, T]` with −∞ where the mask hides a key from a query: a weight of 0 there, or a
/// product that nobody reads, is no value of the head. None where the trace does not keep the map.
pub fn seen(trace: &Trace, layer: usize, head: usize, map: Map) -> Option<Vec<f32>> {
    let scores = trace.layer(layer, LayerSite::Scores)?; // [H, T, T]
    let values = trace.layer(layer, map.site())?; // [H, T, T]
    let (values, scores) = (values.plane(head), scores.plane(head));
    let cell = |(&value, &score): (&f32, &f32)| match score == f32::NEG_INFINITY {
        true => f32::NEG_INFINITY,
        false => value,
    };
    Some(values.iter().zip(scores.iter()).map(cell).collect())
}

/// Every head of a trace as one picture: tile (l, h) stands at rows `l·side..`, columns `h·side..`.
#[derive(Clone, Debug, PartialEq)]
pub struct Atlas {
    /// Cells along one side of a tile: T, or fewer where that is too many.
    pub side: usize,
    pub layers: usize,
    pub heads: usize,
    /// `[L·side, H·side]`, row-major.
    pub values: Vec<f32>,
    /// Largest magnitude in `values`.
    pub largest: f32,
}

impl Atlas {
    /// Pools each head's `[T, T]` to at most `most` cells a side. With `relative`, each tile is
    /// divided by its own [`reach`] at [`CLIP`], so that a broad head of a long text is not all dark.
    /// None where the trace does not keep the map, or once `cancel` is up.
    pub fn new(
        trace: &Trace,
        map: Map,
        most: usize,
        relative: bool,
        cancel: &Cancel,
    ) -> Option<Self> {
        let tokens = trace.tokens.len();
        let side = tokens.min(most);
        let heads = trace.layer(0, map.site())?.size(0);
        let width = heads * side;
        let mut values = vec![0.0; trace.layers * side * width];
        for layer in 0..trace.layers {
            for head in 0..heads {
                if cancel.is_cancelled() {
                    return None;
                }
                let tile = max_pool(&seen(trace, layer, head, map)?, tokens, side);
                let scale = if relative {
                    1.0 / finite_reach(&tile).max(f32::MIN_POSITIVE)
                } else {
                    1.0
                };
                for (row, line) in tile.chunks_exact(side.max(1)).enumerate() {
                    let start = (layer * side + row) * width + head * side;
                    let target = &mut values[start..start + side];
                    for (to, from) in target.iter_mut().zip(line) {
                        *to = from * scale;
                    }
                }
            }
        }
        Some(Self {
            side,
            layers: trace.layers,
            heads,
            largest: largest(&values),
            values,
        })
    }
}

/// [`reach`] at [`CLIP`] of the cells that are seen.
pub fn finite_reach(values: &[f32]) -> f32 {
    match values.contains(&f32::NEG_INFINITY) {
        false => reach(values, CLIP),
        true => {
            let seen = values.iter().copied().filter(|v| *v != f32::NEG_INFINITY);
            reach(&seen.collect::<Vec<_>>(), CLIP)
        }
    }
}

/// The largest magnitude of the cells that are seen.
pub fn largest(values: &[f32]) -> f32 {
    let seen = values.iter().filter(|v| **v != f32::NEG_INFINITY);
    seen.fold(0.0, |most, v| most.max(v.abs()))
}

/// A square map `[T, T]` reduced to `[side, side]` with `side` ≤ T: each cell is the value of
/// largest magnitude among those it stands for, so that no single bright cell gets lost; −∞, a hidden
/// cell, only where all of them are.
pub fn max_pool(map: &[f32], tokens: usize, side: usize) -> Vec<f32> {
    if tokens == 0 || side >= tokens {
        return map.to_vec();
    }
    let mut pooled = vec![f32::NEG_INFINITY; side * side];
    for (query, row) in map.chunks_exact(tokens).enumerate() {
        let line = &mut pooled[query * side / tokens * side..][..side];
        for (key, &value) in row.iter().enumerate() {
            let cell = &mut line[key * side / tokens];
            let hidden = |value: f32| value == f32::NEG_INFINITY;
            let larger = hidden(*cell) || value.abs() > cell.abs();
            if value.is_nan() || (!hidden(value) && larger) {
                *cell = value;
            }
        }
    }
    pooled
}

/// The mean over the heads of one layer, `[T, T]`, summed in f64; −∞ where the mask hides a key.
pub fn mean_over_heads(trace: &Trace, layer: usize, map: Map, cancel: &Cancel) -> Option<Vec<f32>> {
    let maps = trace.layer(layer, map.site())?; // [H, T, T]
    let scores = trace.layer(layer, LayerSite::Scores)?; // [H, T, T]
    let heads = maps.size(0);
    let mut sums = vec![0.0_f64; maps.size(1) * maps.size(2)];
    for head in 0..heads {
        if cancel.is_cancelled() {
            return None;
        }
        for (sum, &value) in sums.iter_mut().zip(maps.plane(head).iter()) {
            *sum += f64::from(value);
        }
    }
    let mean = |(sum, score): (&f64, &f32)| match *score == f32::NEG_INFINITY {
        true => f32::NEG_INFINITY,
        false => (sum / heads as f64) as f32,
    };
    Some(sums.iter().zip(scores.plane(0).iter()).map(mean).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pooling_keeps_a_single_bright_cell_where_it_is() {
        let (tokens, side) = (100, 7);
        for (query, key) in [(0, 0), (3, 99), (50, 42), (99, 14)] {
            let mut map = vec![0.01; tokens * tokens];
            map[query * tokens + key] = -0.9;
            let pooled = max_pool(&map, tokens, side);
            assert_eq!(pooled.len(), side * side);
            let found = pooled.iter().position(|&v| v == -0.9);
            assert_eq!(
                found,
                Some(query * side / tokens * side + key * side / tokens)
            );
            assert_eq!(
                pooled.iter().filter(|&&v| v == 0.01).count(),
                side * side - 1
            );
        }
    }

    #[test]
    fn a_small_map_is_left_alone_and_a_nan_is_not_hidden() {
        let map = [0.25, 0.75, 1.0, 0.0];
        assert_eq!(max_pool(&map, 2, 10), map);
        let mut large = vec![9.0; 16];
        large[5] = f32::NAN;
        let pooled = max_pool(&large, 4, 2);
        assert!(pooled[0].is_nan() && !pooled[3].is_nan());
    }

    #[test]
    fn a_hidden_cell_gives_way_to_any_that_is_seen() {
        let mut map = vec![f32::NEG_INFINITY; 16];
        (map[0], map[10]) = (0.0, -0.5);
        let pooled = max_pool(&map, 4, 2);
        assert_eq!(pooled, [0.0, f32::NEG_INFINITY, f32::NEG_INFINITY, -0.5]);
        assert_eq!((largest(&pooled), finite_reach(&pooled)), (0.5, 0.5));
        let hidden = [f32::NEG_INFINITY; 4];
        assert_eq!((largest(&hidden), finite_reach(&hidden)), (0.0, 0.0));
    }
}
