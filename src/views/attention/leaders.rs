//! Which head dominates each cell of a mean: a mean alone would hide it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

use super::average::{Large, Over};
use crate::analysis::attention::{Map, Window, finite_reach, leaders};
use crate::cancel::Cancel;
use crate::widgets::grouped;

/// Cells paler than this share of the colours' reach say no head: hardly anything is read there.
const PALE: f32 = 0.25;
/// The most cells down in which a note can be read: more are lower than a line of text.
const READABLE: usize = 64;
/// How many heads the line below names.
const NAMED: usize = 4;

pub(super) struct Leaders {
    queries: Range<usize>,
    keys: Range<usize>,
    /// [queries, keys]
    heads: Vec<Option<(usize, usize)>>,
    /// What is written into the cells, [queries, keys], empty for the pale ones; none where no cell has
    /// the room.
    pub notes: Vec<String>,
    /// What the notes are, and which heads lead most cells.
    pub told: String,
}

impl Leaders {
    /// None for one head, and where cells stand for several weights.
    pub fn new(large: &Large, map: Map, window: &Window, cancel: &Cancel) -> Option<Self> {
        if large.over == Over::One || !window.is_exact() {
            return None;
        }
        let (queries, keys) = (window.queries.clone(), window.keys.clone());
        let ranges = [queries.clone(), keys.clone()];
        let heads = leaders(&large.text.trace, &large.who, map, ranges, cancel)?;
        let least = PALE * finite_reach(&window.values);
        let note = |(head, value): (&Option<(usize, usize)>, &f32)| match head {
            Some(head) if value.is_finite() && value.abs() >= least => large.short(*head),
            _ => String::new(),
        };
        // Cells of higher maps have no room for any, and each frame goes through all notes.
        let fits = window.cells[0] <= READABLE;
        let noted = heads.iter().zip(&window.values).filter(|_| fits);
        Some(Self {
            notes: noted.map(note).collect(),
            told: told(large, map, &heads),
            heads,
            queries,
            keys,
        })
    }

    /// The head that leads the cell of a query and a key.
    pub fn of(&self, query: usize, key: usize) -> Option<(usize, usize)> {
        if !self.queries.contains(&query) || !self.keys.contains(&key) {
            return None;
        }
        let row = query - self.queries.start;
        self.heads[row * self.keys.len() + key - self.keys.start]
    }
}

fn told(large: &Large, map: Map, heads: &[Option<(usize, usize)>]) -> String {
    let mut counts: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for head in heads.iter().flatten() {
        *counts.entry(*head).or_default() += 1;
    }
    let cells: usize = counts.values().sum();
    let mut order: Vec<_> = counts.into_iter().collect();
    order.sort_by_key(|(head, count)| (Reverse(*count), *head));
    let named = order
        .iter()
        .take(NAMED)
        .map(|(head, count)| format!("{} in {}", large.short(*head), grouped(*count)));
    let named: Vec<String> = named.collect();
    let (what, form) = match (map, large.over) {
        (Map::Pattern, Over::Layers) => ("weight", "layer.head"),
        (Map::Pattern, _) => ("weight", "head"),
        (_, Over::Layers) => ("magnitude", "layer.head"),
        _ => ("magnitude", "head"),
    };
    format!(
        "In a cell: the {form} with the largest {what} there. Of {} cells most are led by {}.",
        grouped(cells),
        named.join(", ")
    )
}
