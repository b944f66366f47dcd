//! One head in a few numbers, and the kind that they suggest.
//!
//! The kinds are those that Clark et al. 2019 ("What does BERT look at?") and Voita et al. 2019
//! ("Analyzing multi-head self-attention") describe.

use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::tally::Tally;
use crate::analysis::pooling::values;
use crate::cancel::Cancel;
use crate::model::{Model, ModelError};
use crate::trace::{LayerSite, Site, Trace};

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
        let mut tally = Tally::new(special.into());
        tally.add(0, pattern, scores);
        tally.finish()
    }
}

/// The kind whose excess over chance is largest among those that reach [`EXCESS`]; broad only
/// where none does.
pub(super) fn kind(shares: &Shares, entropy_share: Option<f64>) -> Kind {
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

/// Every head of a trace, `[L, H]` row-major; layers whose inside it lacks run again, one at a time.
///
/// # Errors
/// [`ModelError::Stopped`] once `cancel` is up.
pub fn summaries(
    model: &Model,
    trace: &Trace,
    cancel: &Cancel,
) -> Result<Vec<HeadSummary>, ModelError> {
    if let Some(digest) = trace.watched::<Digest>() {
        return Ok(digest.summaries());
    }
    let special: Arc<[bool]> = trace.tokens.special.as_slice().into();
    let mut out = Vec::new();
    for layer in 0..trace.layers {
        let here = model.recall(trace, layer, cancel)?;
        let at = |site| values(&here, Site::Layer(layer, site));
        let (pattern, scores) = (at(LayerSite::Pattern)?, at(LayerSite::Scores)?); // [H, T, T]
        let heads = (0..pattern.size(0)).into_par_iter().map(|head| {
            let mut tally = Tally::new(special.clone());
            for start in (0..special.len()).step_by(pattern.step()) {
                if cancel.is_cancelled() {
                    return Err(ModelError::Stopped);
                }
                let rows = start..(start + pattern.step()).min(special.len());
                let both = [&pattern, &scores].map(|map| map.rows(head, rows.clone()));
                tally.add(start, &both[0], &both[1]);
            }
            Ok(tally.finish())
        });
        out.extend(heads.collect::<Result<Vec<_>, _>>()?);
    }
    Ok(out)
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
