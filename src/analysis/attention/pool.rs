//! Attention maps made small: thumbnails.

use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::who::Who;
use super::window::Window;
use crate::analysis::range::reach;
use crate::cancel::Cancel;
use crate::model::{Model, ModelError};
use crate::trace::{LayerSite, Site, Trace};

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
    /// What each tile was divided by, `[L·H]`; empty where none was.
    pub reaches: Arc<[f32]>,
}

impl Atlas {
    /// Pools each head's `[T, T]` to at most `most` cells a side. With `relative`, each tile is
    /// divided by its own [`reach`] at [`CLIP`], so that a broad head of a long text is not all dark.
    /// Layers whose inside the trace lacks run again, one at a time. None where the model has no such
    /// map.
    ///
    /// # Errors
    /// [`ModelError::Stopped`] once `cancel` is up.
    pub fn new(
        model: &Model,
        trace: &Trace,
        map: Map,
        most: usize,
        relative: bool,
        cancel: &Cancel,
    ) -> Result<Option<Self>, ModelError> {
        let tokens = trace.tokens.len();
        let watched = trace.watched::<Digest>().filter(|_| map == Map::Pattern);
        let side = watched.map_or(tokens.min(most), |digest| digest.side);
        let heads = model.spec().heads;
        Self::assemble(
            [trace.layers, heads, side],
            relative,
            |layer| match watched {
                Some(digest) => {
                    let tiles = (0..heads).map(|head| digest.pooled(layer, head));
                    Ok(Some(tiles.collect()))
                }
                None => tiles(model, trace, (layer, map), most, cancel),
            },
        )
    }

    /// Of the tiles `[H]` of each layer, `[side, side]` each. None where a layer has none.
    ///
    /// # Errors
    /// Those of `tiles`.
    pub fn assemble(
        [layers, heads, side]: [usize; 3],
        relative: bool,
        mut tiles: impl FnMut(usize) -> Result<Option<Vec<Vec<f32>>>, ModelError>,
    ) -> Result<Option<Self>, ModelError> {
        let width = heads * side;
        let mut values = vec![0.0; layers * side * width];
        let mut reaches = Vec::new();
        for layer in 0..layers {
            let Some(tiles) = tiles(layer)? else {
                return Ok(None);
            };
            for (head, tile) in tiles.iter().enumerate() {
                let scale = match relative {
                    true => {
                        let reach = finite_reach(tile).max(f32::MIN_POSITIVE);
                        reaches.push(reach);
                        1.0 / reach
                    }
                    false => 1.0,
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
        Ok(Some(Self {
            side,
            layers,
            heads,
            largest: largest(&values),
            values,
            reaches: reaches.into(),
        }))
    }

    /// The values with each tile divided by another reach, `[L·H]`, than by its own.
    pub fn within(&self, reaches: &[f32]) -> Vec<f32> {
        let side = self.side.max(1);
        let width = (self.heads * side).max(1);
        let mut values = self.values.clone();
        for (row, line) in values.chunks_exact_mut(width).enumerate() {
            let first = row / side * self.heads;
            for (head, cells) in line.chunks_exact_mut(side).enumerate() {
                let (own, other) = (self.reaches.get(first + head), reaches.get(first + head));
                let factor = own.zip(other).map_or(1.0, |(own, other)| own / other);
                cells.iter_mut().for_each(|cell| *cell *= factor);
            }
        }
        values
    }
}

/// The pooled map of each head of one layer; none where the model has no such map.
fn tiles(
    model: &Model,
    trace: &Trace,
    (layer, map): (usize, Map),
    most: usize,
    cancel: &Cancel,
) -> Result<Option<Vec<Vec<f32>>>, ModelError> {
    let here = model.recall(trace, layer, cancel)?;
    if !here.has(Site::Layer(layer, map.site())) {
        return Ok(None);
    }
    let tokens = trace.tokens.len();
    let tiles = (0..model.spec().heads).into_par_iter().map(|head| {
        let who = Who::head(layer, head);
        let tile = Window::new(&here, (&who, map), [0..tokens, 0..tokens], most, cancel);
        Ok(tile.ok_or(ModelError::Stopped)?.values)
    });
    tiles.collect::<Result<Vec<_>, ModelError>>().map(Some)
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

/// A map that is made small row by row: each cell is the value of largest magnitude among those it
/// stands for, so that no single bright cell gets lost; −∞, a hidden cell, only where all of them are.
pub struct Pool {
    size: [usize; 2],
    pub cells: [usize; 2],
    /// `[cells, cells]`, row-major.
    pub values: Vec<f32>,
    /// The column of cells of each column.
    column: Vec<usize>,
}

impl Pool {
    /// From `size` rows and columns to at most `most`.
    pub fn new(size: [usize; 2], most: [usize; 2]) -> Self {
        let cells = [0, 1].map(|axis: usize| size[axis].min(most[axis]));
        let column = |key: usize| key * cells[1] / size[1].max(1);
        Self {
            size,
            cells,
            values: vec![f32::NEG_INFINITY; cells[0] * cells[1]],
            column: (0..size[1]).map(column).collect(),
        }
    }

    pub fn add(&mut self, row: usize, values: &[f32]) {
        let start = row * self.cells[0] / self.size[0].max(1) * self.cells[1];
        let line = &mut self.values[start..start + self.cells[1]];
        for (&value, &column) in values.iter().zip(&self.column) {
            let cell = &mut line[column];
            let hidden = |value: f32| value == f32::NEG_INFINITY;
            let larger = hidden(*cell) || value.abs() > cell.abs();
            if value.is_nan() || (!hidden(value) && larger) {
                *cell = value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A square map `[T, T]` reduced to `[side, side]`, or as it is where that is no less.
    fn max_pool(map: &[f32], tokens: usize, side: usize) -> Vec<f32> {
        let mut pool = Pool::new([tokens, tokens], [side, side]);
        let rows = map.chunks_exact(tokens);
        rows.enumerate().for_each(|(i, row)| pool.add(i, row));
        pool.values
    }

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
