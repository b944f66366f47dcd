//! A head that is summed up row by row, so that its map need not be held.

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

/// A head that is summed up row by row.
pub struct Tally<'a> {
    special: &'a [bool],
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

impl<'a> Tally<'a> {
    /// `special` says which of the T tokens are special.
    pub fn new(special: &'a [bool]) -> Self {
        let opening = special.iter().take_while(|&&s| s).count();
        let behind = special[opening..].iter().rev().take_while(|&&s| s).count();
        Self {
            special,
            opening,
            closing: special.len() - behind,
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
        let tokens = row.len();
        let sees = |key: usize| scores.get(key) != Some(&f32::NEG_INFINITY);
        let seen = (0..tokens).filter(|&key| sees(key)).count();
        // What uniform attention over what is seen would put there.
        let chance = |key: usize| f64::from(u8::from(sees(key))) / seen.max(1) as f64;
        let mut share = |which: usize, keys: std::ops::Range<usize>| {
            let value = keys.clone().map(|key| f64::from(row[key])).sum::<f64>();
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
        self.entropy += entropy(row);
        self.most += (seen as f64).ln();
        self.masked |= seen < tokens;
        self.deviation = self.deviation.max((row_sum(row) - 1.0).abs());
        self.largest = row.iter().copied().fold(self.largest, f32::max);
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
