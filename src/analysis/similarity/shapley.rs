//! Shapley token pairs: the pooled vector as a game of tokens, and the cosine as pairs of their shares.

use std::collections::HashMap;
use std::time::Instant;

use super::reruns::encode;
use super::{EXACT, Method, PairMatrix, changed};
use crate::analysis::job::Job;
use crate::analysis::pooling::sentence;
use crate::analysis::vectors::{cosine, dot, norm, quotient, to_f64};
use crate::model::{HeadOptions, Model, ModelError, Part};
use crate::tokens::Tokens;
use crate::trace::Trace;
use crate::training::rng::Rng;

/// The name of the part that no token brings: the text with its special tokens alone.
pub const EMPTY: &str = "empty";

/// How the orders of the tokens are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// How many permutations for each text. Every second one is the one before it backwards
    /// (antithetic), which takes out the part of the noise that is linear in a token's place.
    pub permutations: usize,
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            permutations: 32,
            seed: 1,
        }
    }
}

/// A cosine spread over pairs of tokens by Shapley values.
#[derive(Clone, Debug, PartialEq)]
pub struct Shapley {
    /// φ_i·ψ_j/(|e_a||e_b|), [T_a + 1, T_b + 1]; the last row and column are f(∅). Special tokens are
    /// always there, so their rows are 0 and f(∅) holds what they do.
    pub matrix: PairMatrix,
    /// The standard error of each row's sum, [T_a + 1]; 0 for what does not depend on the sample, NaN
    /// where fewer than two independent samples were taken.
    pub row_errors: Vec<f64>,
    /// The same of each column, [T_b + 1].
    pub column_errors: Vec<f64>,
    /// Coalitions that were encoded for both texts together.
    pub encoded: usize,
}

/// The vector-valued game v(S) ∈ R^E: the sentence vector of the text with the special tokens and the
/// content tokens in S, all others masked from attention and from the pool. Its head is the model's
/// own without a Normalize at the end, so that v is the vector whose length the cosine divides out;
/// a normalised v would share out a direction, and f(∅) would weigh as much as the whole text.
///
/// Along one permutation each token contributes v(S ∪ i) − v(S), which telescopes: for every sample
/// Σφ_i + v(∅) = v(full), exactly but for rounding. The dot product is bilinear, so the pairs
/// φ_i·ψ_j/(|e_a||e_b|), with the row and the column of v(∅), add up to the cosine whatever the
/// sample; only how it is spread carries an error. φ is the mean over permutations (Castro, Gómez &
/// Tejada 2009; antithetic as Mitchell et al. 2022).
///
/// At most permutations·T encodings a side; coalitions that come up again are encoded once. One step
/// of `job` is one coalition.
///
/// # Errors
/// [`ModelError::Stopped`] within a batch once the job's flag is up; when the head does not take
/// this pooling.
pub fn shapley(
    model: &Model,
    a: &Trace,
    b: &Trace,
    options: HeadOptions,
    sampling: Sampling,
    job: &mut Job<'_>,
) -> Result<Shapley, ModelError> {
    changed::check(Method::Shapley, [a, b])?;
    let started = Instant::now();
    let explains = cosine(
        &to_f64(&sentence(&model.head, a, options)?),
        &to_f64(&sentence(&model.head, b, options)?),
    );
    let mut rng = Rng::new(sampling.seed);
    let games = [a, b].map(|trace| Game::new(&trace.tokens, sampling.permutations, &mut rng));
    job.expect(games.iter().map(|game| game.coalitions.len()).sum());
    let [game_a, game_b] = games;
    let encoded = game_a.coalitions.len() + game_b.coalitions.len();
    let side_a = game_a.play(model, &a.tokens, options, job)?;
    let side_b = game_b.play(model, &b.tokens, options, job)?;
    let lengths = norm(&side_a.full) * norm(&side_b.full);
    let mut values = Vec::with_capacity(side_a.parts.len() * side_b.parts.len());
    for phi in &side_a.parts {
        let row = side_b.parts.iter();
        values.extend(row.map(|psi| quotient(dot(phi, psi), lengths)));
    }
    Ok(Shapley {
        row_errors: side_a.errors(&side_b.full, lengths),
        column_errors: side_b.errors(&side_a.full, lengths),
        encoded,
        matrix: PairMatrix {
            values,
            rows: names(&a.tokens),
            columns: names(&b.tokens),
            explains,
            tolerance: EXACT,
            seconds: started.elapsed().as_secs_f64(),
        },
    })
}

fn names(tokens: &Tokens) -> Vec<String> {
    let empty = std::iter::once(EMPTY.to_owned());
    tokens.pieces.iter().cloned().chain(empty).collect()
}

/// The permutations of one text, and every coalition that they pass, once.
struct Game {
    /// Indices of coalitions from ∅ to all, with the token that each step adds; one list a
    /// permutation.
    paths: Vec<Vec<(Option<usize>, usize)>>,
    /// The tokens of each coalition, ascending, special tokens included.
    coalitions: Vec<Vec<usize>>,
}

impl Game {
    fn new(tokens: &Tokens, permutations: usize, rng: &mut Rng) -> Self {
        let players: Vec<usize> = (0..tokens.len()).filter(|&t| !tokens.special[t]).collect();
        let mut game = Self {
            paths: Vec::new(),
            coalitions: Vec::new(),
        };
        let mut known = HashMap::new();
        let mut order = Vec::new();
        for i in 0..permutations.max(1) {
            match i % 2 {
                0 => order = rng.permutation(players.len()),
                _ => order.reverse(),
            }
            let mut present = tokens.special.clone();
            let mut path = vec![(None, game.coalition(&present, &mut known))];
            for &player in &order {
                present[players[player]] = true;
                path.push((Some(players[player]), game.coalition(&present, &mut known)));
            }
            game.paths.push(path);
        }
        game
    }

    fn coalition(&mut self, present: &[bool], known: &mut HashMap<Vec<bool>, usize>) -> usize {
        let next = self.coalitions.len();
        let index = *known.entry(present.to_vec()).or_insert(next);
        if index == next {
            let kept = (0..present.len()).filter(|&t| present[t]);
            self.coalitions.push(kept.collect());
        }
        index
    }

    fn play(
        &self,
        model: &Model,
        tokens: &Tokens,
        options: HeadOptions,
        job: &mut Job<'_>,
    ) -> Result<Side, ModelError> {
        let head = model.head.without_last_normalize();
        let parts = self.coalitions.iter().map(|kept| Part::of(tokens, kept));
        let parts: Vec<Part<'_>> = parts.collect::<Result<_, _>>()?;
        let vectors = encode(model, &head, &parts, options, job)?;
        let of = |step: Option<&(Option<usize>, usize)>| step.map(|&(_, c)| vectors[c].clone());
        let path = self.paths.first();
        let empty = of(path.and_then(|path| path.first())).unwrap_or_default();
        let full = of(path.and_then(|path| path.last())).unwrap_or_default();
        let size = full.len();
        // Permutations in antithetic pairs are one independent sample together.
        let samples: Vec<Vec<Vec<f64>>> = self
            .paths
            .chunks(2)
            .map(|pair| contributions(pair, &vectors, tokens.len(), size))
            .collect();
        let weights = self.paths.chunks(2).map(|pair| pair.len() as f64);
        let weights: Vec<f64> = weights.map(|n| n / self.paths.len() as f64).collect();
        let mut parts = vec![vec![0.; size]; tokens.len()];
        for (sample, weight) in samples.iter().zip(&weights) {
            for (part, sample) in parts.iter_mut().zip(sample) {
                add(part, sample, *weight);
            }
        }
        parts.push(empty);
        Ok(Side {
            parts,
            full,
            samples,
        })
    }
}

/// The mean over permutations of v(S ∪ i) − v(S) for every token i, [T] of [E].
fn contributions(
    paths: &[Vec<(Option<usize>, usize)>],
    vectors: &[Vec<f64>],
    tokens: usize,
    size: usize,
) -> Vec<Vec<f64>> {
    let mut out = vec![vec![0.; size]; tokens];
    for path in paths {
        for step in path.windows(2) {
            let [(_, before), (Some(token), after)] = *step else {
                continue;
            };
            add(&mut out[token], &vectors[after], 1. / paths.len() as f64);
            add(&mut out[token], &vectors[before], -1. / paths.len() as f64);
        }
    }
    out
}

fn add(sum: &mut [f64], vector: &[f64], weight: f64) {
    let pairs = sum.iter_mut().zip(vector);
    pairs.for_each(|(sum, x)| *sum += weight * x);
}

/// One text's shares.
struct Side {
    /// φ of each token, then v(∅): [T + 1] of [E].
    parts: Vec<Vec<f64>>,
    /// v(full), [E].
    full: Vec<f64>,
    /// φ of each token by each independent sample.
    samples: Vec<Vec<Vec<f64>>>,
}

impl Side {
    /// The standard error of φ_i·e/lengths, where e is the other text's vector: sd/√n over samples.
    fn errors(&self, other: &[f64], lengths: f64) -> Vec<f64> {
        let count = self.samples.len() as f64;
        let one = |token: usize| {
            let sums = self.samples.iter();
            let sums: Vec<f64> = sums
                .map(|sample| quotient(dot(&sample[token], other), lengths))
                .collect();
            let mean = sums.iter().sum::<f64>() / count;
            let squares: f64 = sums.iter().map(|sum| (sum - mean).powi(2)).sum();
            // With one sample this is 0/0: nobody knows.
            (squares / (count - 1.) / count).sqrt()
        };
        let tokens = self.parts.len() - 1;
        (0..tokens).map(one).chain(std::iter::once(0.)).collect()
    }
}
