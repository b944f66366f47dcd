//! All heads of a long text, summed up while the forward pass makes their maps: none of them is kept.

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::summary::HeadSummary;
use super::tally::{RowSums, Tally};
use crate::tokens::Tokens;
use crate::trace::hook::{HeadWatch, MapTile};

/// Cells along the side of a thumbnail.
const CELLS: usize = 96;

/// Thumbnails and numbers of every head of one pass.
pub struct Digest {
    heads: usize,
    /// Cells along one side of a thumbnail.
    pub side: usize,
    tokens: usize,
    /// [L, H]
    seen: Vec<Mutex<Seen>>,
}

struct Seen {
    /// The pattern pooled as [`super::pool::Pool`] does, [side, side].
    pooled: Vec<f32>,
    tally: Tally,
}

impl Digest {
    pub fn new(tokens: &Tokens, layers: usize, heads: usize) -> Self {
        let side = tokens.len().min(CELLS);
        let special: Arc<[bool]> = tokens.special.as_slice().into();
        let seen = || Seen {
            pooled: vec![f32::NEG_INFINITY; side * side],
            tally: Tally::new(special.clone()),
        };
        Self {
            heads,
            side,
            tokens: tokens.len(),
            seen: (0..layers * heads).map(|_| Mutex::new(seen())).collect(),
        }
    }

    /// The pooled pattern of one head, [side, side]; −∞ where the mask hides all that a cell stands for.
    pub fn pooled(&self, layer: usize, head: usize) -> Vec<f32> {
        self.lock(layer * self.heads + head).pooled.clone()
    }

    /// [L, H]
    pub fn summaries(&self) -> Vec<HeadSummary> {
        let heads = 0..self.seen.len();
        heads.map(|i| self.lock(i).tally.clone().finish()).collect()
    }

    fn lock(&self, index: usize) -> MutexGuard<'_, Seen> {
        let seen = &self.seen[index];
        seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HeadWatch for Digest {
    fn tile(&self, tile: &MapTile<'_>) {
        let (width, first) = (tile.keys.len().max(1), tile.keys.start);
        // Cell c stands for the keys k with ⌊k·side/T⌋ = c.
        let edge = |cell: usize| (cell * self.tokens).div_ceil(self.side.max(1));
        let columns: Vec<_> = (0..self.side)
            .map(|cell| {
                (
                    cell,
                    edge(cell).max(first)..edge(cell + 1).min(tile.keys.end),
                )
            })
            .filter(|(_, keys)| !keys.is_empty())
            .collect();
        let mut seen = self.lock(tile.layer * self.heads + tile.head);
        let rows = tile.pattern.chunks_exact(width);
        for (i, (pattern, scores)) in rows.zip(tile.scores.chunks_exact(width)).enumerate() {
            let query = tile.queries.start + i;
            let start = query * self.side / self.tokens.max(1) * self.side;
            for (cell, keys) in &columns {
                let keys = keys.start - first..keys.end - first;
                let most = most_seen(&pattern[keys.clone()], &scores[keys]);
                let pooled = &mut seen.pooled[start + cell];
                *pooled = pooled.max(most);
            }
            let at = |key: usize| key.checked_sub(first).filter(|&key| key < width);
            let weight = |key| at(key).map_or(0.0, |key| pattern[key]);
            let sees = |key| at(key).is_some_and(|key| scores[key] != f32::NEG_INFINITY);
            let sums = row_sums(pattern, scores);
            seen.tally.push(query, sums, weight, sees);
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The largest weight that is seen; −∞ where all are hidden.
fn most_seen(pattern: &[f32], scores: &[f32]) -> f32 {
    let cells = pattern.iter().zip(scores);
    cells.fold(f32::NEG_INFINITY, |most, (&p, &s)| {
        let p = if s == f32::NEG_INFINITY { s } else { p };
        if p > most { p } else { most }
    })
}

/// As many sums side by side as a processor adds at once.
const LANES: usize = 16;

/// Running sums of every sixteenth cell.
#[derive(Clone, Copy)]
struct Lanes {
    sum: [f32; LANES],
    /// Σ p·s
    moment: [f32; LANES],
    seen: [u32; LANES],
    largest: [f32; LANES],
    /// Largest score.
    top: [f32; LANES],
    /// Largest magnitude of a score.
    size: [f32; LANES],
}

impl Lanes {
    #[inline(always)]
    fn add(&mut self, lane: usize, p: f32, s: f32) {
        let is_seen = s != f32::NEG_INFINITY;
        let score = if is_seen { s } else { 0.0 };
        let larger = |a: f32, b: f32| if a > b { a } else { b };
        self.sum[lane] += p;
        self.moment[lane] += p * score;
        self.seen[lane] += u32::from(is_seen);
        self.largest[lane] = larger(p, self.largest[lane]);
        self.top[lane] = larger(s, self.top[lane]);
        self.size[lane] = larger(score.abs(), self.size[lane]);
    }
}

/// A row's sums. Since ln p = s − ln Z, its entropy is ln Z − Σ p·s, which needs one logarithm.
fn row_sums(pattern: &[f32], scores: &[f32]) -> RowSums {
    let mut lanes = Lanes {
        sum: [0.0; LANES],
        moment: [0.0; LANES],
        seen: [0; LANES],
        largest: [0.0; LANES],
        top: [f32::NEG_INFINITY; LANES],
        size: [0.0; LANES],
    };
    let (patterns, scores_left) = (pattern.chunks_exact(LANES), scores.chunks_exact(LANES));
    let rest = patterns.remainder().iter().zip(scores_left.remainder());
    for (p, s) in patterns.zip(scores_left) {
        (0..LANES).for_each(|lane| lanes.add(lane, p[lane], s[lane]));
    }
    rest.for_each(|(&p, &s)| lanes.add(0, p, s));
    let total = |lanes: [f32; LANES]| lanes.iter().map(|&x| f64::from(x)).sum::<f64>();
    let most = |lanes: [f32; LANES]| lanes.into_iter().fold(f32::NEG_INFINITY, f32::max);
    let (largest, top) = (most(lanes.largest), most(lanes.top));
    // ln Z from the largest weight, which is the least rounded.
    let entropy = f64::from(top) - f64::from(largest).ln() - total(lanes.moment);
    RowSums {
        seen: lanes.seen.iter().sum::<u32>() as usize,
        entropy: if entropy.is_finite() {
            entropy.max(0.0)
        } else {
            0.0
        },
        sum: total(lanes.sum),
        largest,
        largest_score: most(lanes.size),
    }
}

#[cfg(test)]
mod tests {
    use super::super::pool::Pool;
    use super::*;

    /// Tiles under a window, over more tokens than a thumbnail has cells.
    #[test]
    fn tiles_sum_up_to_what_the_whole_map_gives() {
        let (tokens, reach) = (250, 60);
        let sees = |q: usize, k: usize| q.abs_diff(k) <= reach;
        let score = |q: usize, k: usize| ((q * 31 + k * 17) % 97) as f32 / 20.0 - 2.0;
        let (mut scores, mut pattern) = (Vec::new(), Vec::new());
        for q in 0..tokens {
            let row: Vec<f32> = (0..tokens)
                .map(|k| {
                    if sees(q, k) {
                        score(q, k)
                    } else {
                        f32::NEG_INFINITY
                    }
                })
                .collect();
            let total: f32 = row.iter().map(|s| s.exp()).sum();
            pattern.extend(row.iter().map(|s| s.exp() / total));
            scores.extend(row);
        }
        let special: Vec<bool> = (0..tokens).map(|t| t == 0 || t == tokens - 1).collect();
        let digest = Digest {
            heads: 1,
            side: CELLS,
            tokens,
            seen: vec![Mutex::new(Seen {
                pooled: vec![f32::NEG_INFINITY; CELLS * CELLS],
                tally: Tally::new(special.as_slice().into()),
            })],
        };
        for start in (0..tokens).step_by(64) {
            let queries = start..(start + 64).min(tokens);
            let keys = start.saturating_sub(reach)..(queries.end + reach).min(tokens);
            let part = |map: &[f32]| -> Vec<f32> {
                let rows = queries.clone().map(|q| &map[q * tokens..][keys.clone()]);
                rows.flatten().copied().collect()
            };
            digest.tile(&MapTile {
                layer: 0,
                head: 0,
                queries: queries.clone(),
                keys: keys.clone(),
                scores: &part(&scores),
                pattern: &part(&pattern),
            });
        }
        let mut pool = Pool::new([tokens; 2], [CELLS; 2]);
        for (q, row) in pattern.chunks_exact(tokens).enumerate() {
            let seen = |k: usize| {
                if sees(q, k) {
                    row[k]
                } else {
                    f32::NEG_INFINITY
                }
            };
            pool.add(q, &(0..tokens).map(seen).collect::<Vec<_>>());
        }
        assert_eq!(digest.pooled(0, 0), pool.values);
        let (whole, summed) = (
            HeadSummary::new(&pattern, &scores, &special),
            digest.summaries()[0],
        );
        assert!((whole.entropy - summed.entropy).abs() < 1e-5);
        assert!((whole.shares.own.value - summed.shares.own.value).abs() < 1e-9);
        assert_eq!(
            whole.shares.previous.uniform,
            summed.shares.previous.uniform
        );
        assert_eq!((whole.kind, whole.masked), (summed.kind, true));
        assert!(whole.deviation < 1e-5 && summed.deviation < 1e-5);
        assert_eq!(whole.largest_score, summed.largest_score);
    }
}
