//! Methods held against each other: does the order in which a method ranks the words of a text predict
//! what happens when they are really taken out? After Samek et al. 2017 and Petsiuk et al. 2018.

mod scores;
mod summary;
mod words;

use std::collections::HashMap;
use std::time::Instant;

use super::changed;
use super::faithfulness::spearman;
use super::leave_one_out::Removal;
use super::reruns::encode;
use crate::analysis::job::Job;
use crate::analysis::pooling::sentence;
use crate::analysis::vectors::{cosine, to_f64};
use crate::model::{HeadOptions, Model, ModelError, Part};
use crate::tokens::Tokens;
use crate::trace::Trace;
use crate::training::rng::Rng;
use scores::token_scores;
pub use summary::{Mean, Summary, summaries};
use words::Removable;

/// What puts the words of two texts into an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ranker {
    /// Row and column sums of the token pairs.
    Pairs,
    /// Row and column sums of the pairs of input tokens, the network's non-linearities held.
    Input,
    /// Cosine less the cosine without the word.
    LeaveOneOut,
    /// Row and column sums of the Shapley pairs.
    Shapley,
    /// Row and column sums of the integrated Jacobians.
    Integrated,
    /// The cosine of a token's final vector with the nearest of the other text's (the greedy matching
    /// of BERTScore, Zhang et al. 2020): what one would look at without any of the methods.
    Matching,
    /// The attention that a token gets, over all layers, heads and queries. It knows nothing of the
    /// other text and is no explanation (Jain & Wallace 2019); it stands here to be compared with.
    Attention,
    /// Chance.
    Random,
}

impl Ranker {
    pub const ALL: [Self; 8] = [
        Self::Pairs,
        Self::Input,
        Self::LeaveOneOut,
        Self::Shapley,
        Self::Integrated,
        Self::Matching,
        Self::Attention,
        Self::Random,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Pairs => "pairs",
            Self::Input => "input",
            Self::LeaveOneOut => "loo",
            Self::Shapley => "shapley",
            Self::Integrated => "ij",
            Self::Matching => "matching",
            Self::Attention => "attention",
            Self::Random => "random",
        }
    }
}

/// How the comparison is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// [`Removal::Mask`] takes a word out of attention and pool, the others keep their positions;
    /// [`Removal::Delete`] takes its bytes out of the text, which is tokenized again. (Out of the pool
    /// alone nothing would be run again, so that one is no test.)
    pub removal: Removal,
    /// Orders of chance, averaged over.
    pub orders: usize,
    pub seed: u64,
}

impl Default for Extent {
    fn default() -> Self {
        Self {
            removal: Removal::Mask,
            orders: 5,
            seed: 1,
        }
    }
}

/// How one method did on one pair of texts, the mean of what it did on either of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Areas {
    pub ranker: Ranker,
    /// The mean height of the curve of cosines while words go out, from the one that is said to raise
    /// the cosine most to the one that is said to lower it most: low where the method is right.
    pub deletion: f64,
    /// The same while words come in, in the same order, into a text that starts with its special tokens
    /// alone: high where the method is right.
    pub insertion: f64,
    /// Spearman's correlation of the words' scores with leave-one-out by the same removal; NaN for
    /// fewer than two words.
    pub agreement: f64,
    /// What the scores took.
    pub seconds: f64,
}

/// Holds `rankers` against each other on one pair. Each text in turn loses and gains its words while
/// the other one stays whole; words of the prompt and special tokens stay. Token scores are added up
/// within words. Both traces must be full ones of this model.
///
/// # Errors
/// [`ModelError::Stopped`] once the job's flag is up, and those of the methods.
pub fn compare(
    model: &Model,
    (a, b): (&Trace, &Trace),
    options: HeadOptions,
    rankers: &[Ranker],
    extent: Extent,
    job: &mut Job<'_>,
) -> Result<Vec<Areas>, ModelError> {
    changed::untouched("the comparison of methods", [a, b])?;
    let mut sides = [
        Side::new(model, a, b, options, extent)?,
        Side::new(model, b, a, options, extent)?,
    ];
    let started = Instant::now();
    let single = [sides[0].without_each(job)?, sides[1].without_each(job)?];
    let took = started.elapsed().as_secs_f64();
    let mut scored = Vec::with_capacity(rankers.len());
    for &ranker in rankers {
        let started = Instant::now();
        let scores = match ranker {
            Ranker::LeaveOneOut => single.clone().map(|scores| vec![scores]),
            Ranker::Random => {
                let mut rng = Rng::new(extent.seed);
                [0, 1].map(|side| sides[side].at_random(extent.orders, &mut rng))
            }
            _ => {
                let tokens = token_scores(model, (a, b), options, ranker, job)?;
                [0, 1].map(|side| vec![sides[side].words.sums(&tokens[side])])
            }
        };
        let seconds = match ranker {
            Ranker::LeaveOneOut => took,
            _ => started.elapsed().as_secs_f64(),
        };
        scored.push((ranker, scores, seconds));
    }
    for (index, side) in sides.iter_mut().enumerate() {
        let all = scored.iter().flat_map(|(_, scores, _)| &scores[index]);
        let sets = all.flat_map(|scores| side.words.sets(scores)).collect();
        side.encode(sets, job)?;
    }
    let areas = |(ranker, scores, seconds): (Ranker, [Vec<Vec<f64>>; 2], f64)| {
        let of = |side: usize| sides[side].areas(&scores[side], &single[side]);
        let ((d, i, r), (d_b, i_b, r_b)) = (of(0), of(1));
        let agreements = [r, r_b].into_iter().filter(|r| r.is_finite());
        Areas {
            ranker,
            deletion: (d + d_b) / 2.,
            insertion: (i + i_b) / 2.,
            agreement: mean(agreements),
            seconds,
        }
    };
    Ok(scored.into_iter().map(areas).collect())
}

/// NaN without values.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0., 0.), |(sum, count), x| (sum + x, count + 1.));
    sum / count
}

/// One text that loses its words, against one that does not.
struct Side<'a> {
    model: &'a Model,
    options: HeadOptions,
    removal: Removal,
    words: Removable<'a>,
    /// The other text's sentence vector, [E].
    other: Vec<f64>,
    /// The cosine by which words are there, [n] each.
    cosines: HashMap<Vec<bool>, f64>,
}

impl<'a> Side<'a> {
    fn new(
        model: &'a Model,
        text: &'a Trace,
        other: &Trace,
        options: HeadOptions,
        extent: Extent,
    ) -> Result<Self, ModelError> {
        let words = Removable::new(&text.tokens);
        let own = to_f64(&sentence(&model.head, text, options)?);
        let other = to_f64(&sentence(&model.head, other, options)?);
        let whole = (vec![true; words.len()], cosine(&own, &other));
        Ok(Self {
            model,
            options,
            removal: extent.removal,
            words,
            other,
            cosines: HashMap::from([whole]),
        })
    }

    /// Runs the text again with each of these sets of words, unless it is known.
    fn encode(&mut self, sets: Vec<Vec<bool>>, job: &mut Job<'_>) -> Result<(), ModelError> {
        let mut new = sets;
        new.retain(|set| !self.cosines.contains_key(set));
        new.sort_unstable();
        new.dedup();
        job.expect(new.len());
        let texts: Vec<Tokens>;
        let kept: Vec<Vec<usize>>;
        let parts: Vec<Part<'_>> = match self.removal {
            Removal::Delete => {
                let left = new.iter().map(|set| self.words.left(self.model, set));
                texts = left.collect::<Result<_, _>>()?;
                texts.iter().map(Part::whole).collect()
            }
            Removal::Mask | Removal::Pool => {
                kept = new.iter().map(|set| self.words.kept(set)).collect();
                let part = |kept| Part::of(self.words.tokens, kept);
                kept.iter()
                    .map(|kept| part(kept))
                    .collect::<Result<_, _>>()?
            }
        };
        let vectors = encode(self.model, &self.model.head, &parts, self.options, job)?;
        let cosines = vectors.iter().map(|vector| cosine(vector, &self.other));
        self.cosines.extend(new.into_iter().zip(cosines));
        Ok(())
    }

    fn cos(&self, set: &[bool]) -> f64 {
        self.cosines.get(set).copied().unwrap_or(f64::NAN)
    }

    /// Cosine less the cosine without each word, [n].
    fn without_each(&mut self, job: &mut Job<'_>) -> Result<Vec<f64>, ModelError> {
        let count = self.words.len();
        let without = |left: usize| (0..count).map(|word| word != left).collect();
        let sets: Vec<Vec<bool>> = (0..count).map(without).collect();
        self.encode(sets.clone(), job)?;
        let whole = self.cos(&vec![true; count]);
        Ok(sets.iter().map(|set| whole - self.cos(set)).collect())
    }

    /// Scores of chance, one list for each order.
    fn at_random(&self, orders: usize, rng: &mut Rng) -> Vec<Vec<f64>> {
        let count = self.words.len();
        let place = |i: usize| i as f64;
        let mut order = || rng.permutation(count).into_iter().map(place).collect();
        (0..orders.max(1)).map(|_| order()).collect()
    }

    /// Deletion, insertion and agreement, averaged over lists of scores.
    fn areas(&self, scores: &[Vec<f64>], single: &[f64]) -> (f64, f64, f64) {
        let sets: Vec<Vec<Vec<bool>>> = scores.iter().map(|s| self.words.sets(s)).collect();
        let area = |sets: &[Vec<bool>]| {
            let heights: Vec<f64> = sets.iter().map(|set| self.cos(set)).collect();
            area(&heights)
        };
        let steps = self.words.len() + 1;
        let deletions = sets.iter().map(|sets| area(&sets[..steps]));
        let insertions = sets.iter().map(|sets| area(&sets[steps..]));
        let agreements = scores.iter().map(|scores| spearman(scores, single));
        (mean(deletions), mean(insertions), mean(agreements))
    }
}

/// The mean height of a curve through these points, which stand at even distances (trapezoids).
fn area(heights: &[f64]) -> f64 {
    match heights {
        [only] => *only,
        _ => mean(heights.windows(2).map(|pair| (pair[0] + pair[1]) / 2.)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_is_the_mean_height_between_the_points() {
        assert_eq!(area(&[0.7]), 0.7);
        assert_eq!(area(&[1., 0.]), 0.5);
        assert_eq!(area(&[1., 0., 0., 0., 0.]), 0.125);
    }
}
