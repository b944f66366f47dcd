//! A head that is summed up row by row, so that its map need not be held.

use std::ops::Range;
use std::sync::Arc;

use super::pool::largest;
use super::summary::{HeadSummary, Share, Shares, kind};

/// Σ of one row, in f64: 1 for a pattern.
pub fn row_sum(row: &[f32]) -> f64 {
    row.iter().map(|&p| f64::from(p)).sum()
}

/// −Σ p ln p of one row, in nats; 0 ln 0 is 0.
fn entropy(row: &[f32]) -> f64 {
    let terms = row.iter().filter(|&&p| p > 0.0).map(|&p| {
        let p = f64::from(p);
        -p * p.ln()
    });
    terms.sum::<f64>()
}

/// Sums over the rows that have some keys.
#[derive(Clone, Copy, Default)]
struct Sums {
    value: f64,
    uniform: f64,
    rows: usize,
}

impl Sums {
    fn add(&mut self, value: f64, uniform: f64) {
        self.value += value;
        self.uniform += uniform;
        self.rows += 1;
    }

    fn mean(self) -> Share {
        let rows = self.rows.max(1) as f64;
        Share {
            value: self.value / rows,
            uniform: self.uniform / rows,
        }
    }
}

/// One row of a pattern in a few numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct RowSums {
    /// Keys that the mask lets through.
    pub seen: usize,
    /// −Σ p ln p, in nats.
    pub entropy: f64,
    /// Σ p
    pub sum: f64,
    pub largest: f32,
    /// Largest magnitude of a score that is seen.
    pub largest_score: f32,
}

/// A head that is summed up row by row.
#[derive(Clone)]
pub struct Tally {
    special: Arc<[bool]>,
    /// Special tokens in front, and where those behind begin.
    opening: usize,
    closing: usize,
    /// Own, previous, next, opening, closing.
    shares: [Sums; 5],
    entropy: f64,
    /// Σ ln of how many keys a row sees.
    most: f64,
    masked: bool,
    deviation: f64,
    largest: f32,
    largest_score: f32,
}

impl Tally {
    /// `special` says which of the T tokens are special.
    pub fn new(special: Arc<[bool]>) -> Self {
        let opening = special.iter().take_while(|&&s| s).count();
        let behind = special[opening..].iter().rev().take_while(|&&s| s).count();
        Self {
            closing: special.len() - behind,
            special,
            opening,
            shares: Default::default(),
            entropy: 0.0,
            most: 0.0,
            masked: false,
            deviation: 0.0,
            largest: 0.0,
            largest_score: 0.0,
        }
    }

    /// Rows of the pattern from `first` on, [n, T], and the scores of the same cells; without those
    /// every key counts as seen.
    pub fn add(&mut self, first: usize, pattern: &[f32], scores: &[f32]) {
        let tokens = self.special.len().max(1);
        for (i, row) in pattern.chunks_exact(tokens).enumerate() {
            let scores = scores.get(i * tokens..(i + 1) * tokens).unwrap_or_default();
            self.row(first + i, row, scores);
        }
        self.largest_score = self.largest_score.max(largest(scores));
    }

    fn row(&mut self, query: usize, row: &[f32], scores: &[f32]) {
        let sees = |key: usize| scores.get(key) != Some(&f32::NEG_INFINITY);
        let sums = RowSums {
            seen: (0..row.len()).filter(|&key| sees(key)).count(),
            entropy: entropy(row),
            sum: row_sum(row),
            largest: row.iter().copied().fold(0.0, f32::max),
            largest_score: 0.0,
        };
        self.push(query, sums, |key| row[key], sees);
    }

    /// One row by its sums; `weight` and `sees` tell of single keys.
    pub fn push(
        &mut self,
        query: usize,
        sums: RowSums,
        weight: impl Fn(usize) -> f32,
        sees: impl Fn(usize) -> bool,
    ) {
        let (tokens, seen) = (self.special.len(), sums.seen);
        // What uniform attention over what is seen would put there.
        let chance = |key: usize| f64::from(u8::from(sees(key))) / seen.max(1) as f64;
        let mut share = |which: usize, keys: Range<usize>| {
            let value = keys.clone().map(|key| f64::from(weight(key))).sum::<f64>();
            // The sum of nothing is −0.
            self.shares[which].add(value + 0.0, keys.map(chance).sum::<f64>() + 0.0);
        };
        share(0, query..query + 1);
        if query > 0 {
            share(1, query - 1..query);
        }
        if query + 1 < tokens {
            share(2, query + 1..query + 2);
        }
        if !self.special[query] {
            share(3, 0..self.opening);
            share(4, self.closing..tokens);
        }
        self.entropy += sums.entropy;
        self.most += (seen as f64).ln();
        self.masked |= seen < tokens;
        self.deviation = self.deviation.max((sums.sum - 1.0).abs());
        self.largest = self.largest.max(sums.largest);
        self.largest_score = self.largest_score.max(sums.largest_score);
    }

    pub fn finish(self) -> HeadSummary {
        let tokens = self.special.len().max(1) as f64;
        let [own, previous, next, opening, closing] = self.shares.map(Sums::mean);
        let shares = Shares {
            own,
            previous,
            next,
            opening,
            closing,
        };
        let (entropy, most) = (self.entropy / tokens, self.most / tokens);
        let entropy_share = (most > 0.0).then(|| entropy / most);
        HeadSummary {
            entropy,
            entropy_share,
            shares,
            deviation: self.deviation,
            largest: self.largest,
            largest_score: self.largest_score,
            masked: self.masked,
            kind: kind(&shares, entropy_share),
        }
    }
}
