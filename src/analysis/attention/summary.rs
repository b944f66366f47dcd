//! One head in a few numbers, and the kind that they suggest.
//!
//! The kinds are those that Clark et al. 2019 ("What does BERT look at?") and Voita et al. 2019
//! ("Analyzing multi-head self-attention") describe.

use serde::{Deserialize, Serialize};

use super::pool::largest;
use crate::cancel::Cancel;
use crate::trace::{LayerSite, Trace};

/// Excess over chance from which a head counts as previous, next, self or sink.
pub const EXCESS: f64 = 0.4;
/// Share of the largest possible entropy from which a head counts as broad.
pub const BROAD: f64 = 0.8;

/// What a head mostly does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Each token reads the one before it.
    Previous,
    /// Each token reads the one after it.
    Next,
    /// Each token reads itself.
    Own,
    /// Ordinary tokens read special ones ([CLS], [SEP]): often a way to do nothing.
    Sink,
    /// Each token reads nearly all tokens.
    Broad,
    /// None of these.
    Mixed,
}

impl Kind {
    pub const ALL: [Self; 6] = [
        Self::Previous,
        Self::Next,
        Self::Own,
        Self::Sink,
        Self::Broad,
        Self::Mixed,
    ];

    /// The name for a person.
    pub fn title(self) -> &'static str {
        match self {
            Self::Previous => "previous",
            Self::Next => "next",
            Self::Own => "self",
            Self::Sink => "separator/sink",
            Self::Broad => "broad",
            Self::Mixed => "mixed",
        }
    }
}

/// Part of the attention that goes to some keys, 0 to 1, beside what uniform attention would put
/// there: in a text of four tokens a quarter goes to the previous token by chance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Share {
    pub value: f64,
    pub uniform: f64,
}

impl Share {
    /// How far from chance towards everything: 0 for uniform attention, 1 where all goes there,
    /// negative for less than chance. 0 where chance is everything.
    pub fn excess(self) -> f64 {
        match self.uniform < 1.0 {
            true => (self.value - self.uniform) / (1.0 - self.uniform),
            false => 0.0,
        }
    }
}

/// Where one head's attention goes. Shares of neighbours are means over the rows that have such a
/// neighbour; those of special tokens are means over the rows of ordinary tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shares {
    pub own: Share,
    pub previous: Share,
    pub next: Share,
    /// Special tokens in front of the text: [CLS].
    pub opening: Share,
    /// Special tokens behind it: [SEP].
    pub closing: Share,
}

impl Shares {
    /// On special tokens of either end.
    pub fn sink(&self) -> Share {
        Share {
            value: self.opening.value + self.closing.value,
            uniform: self.opening.uniform + self.closing.uniform,
        }
    }
}

/// One head over one text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeadSummary {
    /// Mean over rows of −Σ p ln p, in nats.
    pub entropy: f64,
    /// That as a share of what uniform attention over the keys that each row sees would have, ln T
    /// without a mask; none where no row has a choice.
    pub entropy_share: Option<f64>,
    /// True where the mask hides some keys.
    pub masked: bool,
    pub shares: Shares,
    /// Largest |Σ row − 1|: how far the recorded rows are from being distributions.
    pub deviation: f64,
    /// Largest weight.
    pub largest: f32,
    /// Largest magnitude before the softmax.
    pub largest_score: f32,
    pub kind: Kind,
}

impl HeadSummary {
    /// From a pattern `[T, T]` (row-major, queries by keys) and the special tokens `[T]`. Without
    /// `scores` of the same shape, `largest_score` is 0 and every key counts as seen.
    pub fn new(pattern: &[f32], scores: &[f32], special: &[bool]) -> Self {
        let tokens = special.len();
        let sight = Sight::new(scores, tokens);
        let shares = shares(pattern, special, &sight);
        let entropy = entropy(pattern, tokens);
        let most = sight.seen.iter().map(|&n| (n as f64).ln()).sum::<f64>() / tokens.max(1) as f64;
        let entropy_share = (most > 0.0).then(|| entropy / most);
        let rows = pattern.chunks_exact(tokens.max(1));
        Self {
            entropy,
            entropy_share,
            shares,
            deviation: rows
                .map(|row| (row_sum(row) - 1.0).abs())
                .fold(0.0, f64::max),
            largest: pattern.iter().copied().fold(0.0, f32::max),
            largest_score: largest(scores),
            masked: sight.seen.iter().any(|&n| n < tokens),
            kind: kind(&shares, entropy_share),
        }
    }
}

/// The kind whose excess over chance is largest among those that reach [`EXCESS`]; broad only
/// where none does.
fn kind(shares: &Shares, entropy_share: Option<f64>) -> Kind {
    let candidates = [
        (Kind::Previous, shares.previous.excess()),
        (Kind::Next, shares.next.excess()),
        (Kind::Own, shares.own.excess()),
        (Kind::Sink, shares.sink().excess()),
    ];
    let reached = candidates
        .into_iter()
        .filter(|(_, excess)| *excess >= EXCESS);
    match reached.max_by(|a, b| a.1.total_cmp(&b.1)) {
        Some((kind, ..)) => kind,
        None if entropy_share.is_some_and(|share| share >= BROAD) => Kind::Broad,
        None => Kind::Mixed,
    }
}

/// Σ of one row, in f64: 1 for a pattern.
pub fn row_sum(row: &[f32]) -> f64 {
    row.iter().map(|&p| f64::from(p)).sum()
}

/// Mean over the rows of a pattern `[T, T]` of −Σ p ln p, in nats; 0 ln 0 is 0.
pub fn entropy(pattern: &[f32], tokens: usize) -> f64 {
    if tokens == 0 {
        return 0.0;
    }
    let terms = pattern.iter().filter(|&&p| p > 0.0).map(|&p| {
        let p = f64::from(p);
        -p * p.ln()
    });
    terms.sum::<f64>() / tokens as f64
}

/// Which keys each query sees.
struct Sight<'a> {
    scores: &'a [f32],
    tokens: usize,
    /// How many keys each row sees, `[T]`.
    seen: Vec<usize>,
}

impl<'a> Sight<'a> {
    fn new(scores: &'a [f32], tokens: usize) -> Self {
        let mut this = Self {
            scores,
            tokens,
            seen: Vec::new(),
        };
        let count = |query| (0..tokens).filter(|&key| this.sees(query, key)).count();
        this.seen = (0..tokens).map(count).collect();
        this
    }

    fn sees(&self, query: usize, key: usize) -> bool {
        let score = self.scores.get(query * self.tokens + key);
        score.is_none_or(|s| *s != f32::NEG_INFINITY)
    }

    /// What uniform attention over what is seen would put there.
    fn chance(&self, query: usize, key: usize) -> f64 {
        match self.sees(query, key) {
            true => 1.0 / self.seen[query].max(1) as f64,
            false => 0.0,
        }
    }
}

fn shares(pattern: &[f32], special: &[bool], sight: &Sight<'_>) -> Shares {
    let tokens = special.len();
    let at =
        |query: usize, key: usize| pattern.get(query * tokens + key).map_or(0.0, |&p| p.into());
    // The mean over rows, each with the keys that count in it.
    let share = |rows: Vec<(usize, std::ops::Range<usize>)>| {
        let mean = |of: &dyn Fn(usize, usize) -> f64| {
            let sums = rows.iter().map(|(query, keys)| {
                let keys = keys.clone();
                keys.map(|key| of(*query, key)).sum::<f64>() + 0.0
            });
            // The sum of nothing is −0.
            (sums.sum::<f64>() + 0.0) / rows.len().max(1) as f64
        };
        Share {
            value: mean(&at),
            uniform: mean(&|query, key| sight.chance(query, key)),
        }
    };
    let opening = special.iter().take_while(|&&s| s).count();
    let closing = special[opening..].iter().rev().take_while(|&&s| s).count();
    let to = |keys: std::ops::Range<usize>| {
        let ordinary = (0..tokens).filter(|&query| !special[query]);
        share(ordinary.map(|query| (query, keys.clone())).collect())
    };
    let one = |query: usize, key: usize| (query, key..key + 1);
    Shares {
        own: share((0..tokens).map(|t| one(t, t)).collect()),
        previous: share((1..tokens).map(|t| one(t, t - 1)).collect()),
        next: share((1..tokens).map(|t| one(t - 1, t)).collect()),
        opening: to(0..opening),
        closing: to(tokens - closing..tokens),
    }
}

/// Every head of a trace, `[L, H]` row-major; none where the trace does not keep its patterns, or
/// once `cancel` is up.
pub fn summaries(trace: &Trace, cancel: &Cancel) -> Option<Vec<HeadSummary>> {
    let special = &trace.tokens.special;
    let mut out = Vec::new();
    for layer in 0..trace.layers {
        let pattern = trace.layer(layer, LayerSite::Pattern)?; // [H, T, T]
        let scores = trace.layer(layer, LayerSite::Scores)?; // [H, T, T]
        for head in 0..pattern.size(0) {
            if cancel.is_cancelled() {
                return None;
            }
            let (pattern, scores) = (pattern.plane(head), scores.plane(head));
            out.push(HeadSummary::new(&pattern, &scores, special));
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [CLS], ordinary tokens, [SEP].
    fn special(tokens: usize) -> Vec<bool> {
        (0..tokens).map(|t| t == 0 || t == tokens - 1).collect()
    }

    /// A pattern in which the row of `query` puts everything on `key(query)`.
    fn pointing(tokens: usize, key: impl Fn(usize) -> usize) -> Vec<f32> {
        let mut pattern = vec![0.0; tokens * tokens];
        for query in 0..tokens {
            pattern[query * tokens + key(query)] = 1.0;
        }
        pattern
    }

    fn summary(pattern: &[f32], tokens: usize) -> HeadSummary {
        HeadSummary::new(pattern, &[], &special(tokens))
    }

    #[test]
    fn uniform_attention_has_the_largest_entropy_and_is_broad() {
        for tokens in [3, 4, 5, 9, 100] {
            let uniform = vec![1.0 / tokens as f32; tokens * tokens];
            let summary = summary(&uniform, tokens);
            let expected = (tokens as f64).ln();
            assert!((summary.entropy - expected).abs() < 1e-6 * expected);
            assert!((summary.entropy_share.unwrap() - 1.0).abs() < 1e-6);
            assert_eq!(summary.kind, Kind::Broad, "{tokens} tokens");
            for share in [
                summary.shares.own,
                summary.shares.previous,
                summary.shares.sink(),
            ] {
                assert!(
                    share.excess().abs() < 1e-6,
                    "nothing exceeds chance: {share:?}"
                );
            }
            assert!(summary.deviation < 1e-5);
        }
    }

    #[test]
    fn planted_heads_are_found() {
        for tokens in [4, 9, 64] {
            let last = tokens - 1;
            let planted = [
                (pointing(tokens, |t| t), Kind::Own),
                (pointing(tokens, |t| t.saturating_sub(1)), Kind::Previous),
                (pointing(tokens, |t| (t + 1).min(last)), Kind::Next),
                (pointing(tokens, |_| 0), Kind::Sink),
                (pointing(tokens, |_| last), Kind::Sink),
            ];
            for (pattern, kind) in planted {
                let summary = summary(&pattern, tokens);
                assert_eq!(summary.kind, kind, "{tokens} tokens");
                assert_eq!(summary.entropy, 0.0);
            }
        }
        let reversed = summary(&pointing(64, |t| 63 - t), 64);
        assert_eq!(
            reversed.kind,
            Kind::Mixed,
            "one key a row, but none of the known ones"
        );
    }

    #[test]
    fn the_two_ends_are_told_apart_by_the_rows_of_ordinary_tokens() {
        let mut pattern = pointing(6, |_| 5);
        // What [CLS] itself looks at is no reading of the text.
        pattern[..6].copy_from_slice(&[1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let shares = summary(&pattern, 6).shares;
        assert_eq!((shares.opening.value, shares.closing.value), (0.0, 1.0));
        assert_eq!(shares.sink().value, 1.0);
    }

    #[test]
    fn chance_is_what_a_causal_mask_leaves() {
        let tokens = 6;
        let (mut pattern, mut scores) = (vec![0.0; 36], vec![f32::NEG_INFINITY; 36]);
        for query in 0..tokens {
            for key in 0..=query {
                pattern[query * tokens + key] = 1.0 / (query + 1) as f32;
                scores[query * tokens + key] = 0.5;
            }
        }
        let summary = HeadSummary::new(&pattern, &scores, &special(tokens));
        assert!(summary.masked && summary.largest_score == 0.5);
        assert!((summary.entropy_share.unwrap() - 1.0).abs() < 1e-6);
        let shares = summary.shares;
        for share in [shares.own, shares.previous, shares.next, shares.sink()] {
            assert!(share.excess().abs() < 1e-6, "{share:?}");
        }
        assert_eq!(summary.kind, Kind::Broad);
    }

    #[test]
    fn rows_that_do_not_sum_to_one_are_reported() {
        let mut pattern = pointing(5, |t| t);
        pattern[12] = 0.75;
        assert_eq!(summary(&pattern, 5).deviation, 0.25);
    }

    #[test]
    fn the_smallest_texts_have_no_kind_of_their_own() {
        let one = HeadSummary::new(&[1.0], &[2.0], &[false]);
        assert_eq!((one.entropy_share, one.kind), (None, Kind::Mixed));
        assert_eq!(one.largest_score, 2.0);
        let none = HeadSummary::new(&[], &[], &[]);
        assert_eq!(none.entropy, 0.0);
        let empty_text = HeadSummary::new(&[0.5; 4], &[], &[true, true]);
        assert_eq!(
            empty_text.shares.sink().value,
            0.0,
            "no ordinary token asks"
        );
    }
}
