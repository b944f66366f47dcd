//! A part of a map, pooled to few cells: how a map of a long text is looked at.

use std::ops::Range;

use super::pool::{Map, Pool};
use super::rows::each_row;
use super::who::Who;
use crate::cancel::Cancel;
use crate::trace::Trace;

/// Some queries by some keys of one map, in cells that stand for equal runs of tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    pub queries: Range<usize>,
    pub keys: Range<usize>,
    /// Cells down and across.
    pub cells: [usize; 2],
    /// `[cells, cells]`, row-major: each the value of largest magnitude among those it stands for.
    pub values: Vec<f32>,
}

impl Window {
    /// At most `most` cells a side. None where the trace does not have the map, or once `cancel` is up.
    pub fn new(
        trace: &Trace,
        (who, map): (&Who, Map),
        [queries, keys]: [Range<usize>; 2],
        most: usize,
        cancel: &Cancel,
    ) -> Option<Self> {
        let tokens = trace.tokens.len();
        let inside = |range: Range<usize>| range.start.min(tokens)..range.end.min(tokens);
        let (queries, keys) = (inside(queries), inside(keys));
        let mut pool = Pool::new([queries.len(), keys.len()], [most, most]);
        each_row(trace, (who, map), queries.clone(), cancel, |first, rows| {
            for (i, row) in rows.chunks_exact(tokens.max(1)).enumerate() {
                pool.add(first + i - queries.start, &row[keys.clone()]);
            }
        })?;
        Some(Self {
            queries,
            keys,
            cells: pool.cells,
            values: pool.values,
        })
    }

    /// The queries or keys (axis 0 or 1) that a row or column of cells stands for.
    pub fn tokens_of(&self, axis: usize, cell: usize) -> Range<usize> {
        let range = [&self.queries, &self.keys][axis];
        let (count, cells) = (range.len(), self.cells[axis].max(1));
        let edge = |cell: usize| range.start + (cell * count).div_ceil(cells);
        edge(cell)..edge(cell + 1)
    }

    /// The row or column of cells of a token; none where it lies outside.
    pub fn cell_of(&self, axis: usize, token: usize) -> Option<usize> {
        let range = [&self.queries, &self.keys][axis];
        let inside = range.contains(&token);
        inside.then(|| (token - range.start) * self.cells[axis] / range.len())
    }

    /// True where every cell is one weight.
    pub fn is_exact(&self) -> bool {
        self.cells == [self.queries.len(), self.keys.len()]
    }
}
