//! Does an explanation predict what happens when its tokens are really taken away?

use super::changed;
use super::reruns::encode;
use crate::analysis::job::Job;
use crate::analysis::pooling::sentence;
use crate::analysis::vectors::{cosine, to_f64};
use crate::model::{HeadOptions, Model, ModelError, Part};
use crate::trace::Trace;
use crate::training::rng::Rng;

/// Which way a curve goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// From the whole text to its special tokens alone.
    Deletion,
    /// From the special tokens alone to the whole text.
    Insertion,
}

/// The order in which tokens go or come, and the orders that chance gives.
#[derive(Clone, Copy, Debug)]
pub struct Ranking<'a> {
    /// [T]: the token of the largest magnitude first, NaN last. Special tokens do not take part.
    pub scores: &'a [f64],
    /// How many random orders stand beside it.
    pub orders: usize,
    pub seed: u64,
}

/// What happens to the cosine as a text loses or gains its content tokens one by one.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// |cos − cos after k tokens by rank|, [n + 1], n content tokens. A deletion starts at 0, an
    /// insertion ends there.
    pub by_rank: Vec<f64>,
    /// The same with the tokens in random orders, averaged over orders, [n + 1].
    pub random: Vec<f64>,
    /// How much better the ranking is than chance, as a mean over the curve: above 0 where deleting by
    /// rank changes the cosine sooner, or inserting by rank brings it back sooner.
    pub advantage: f64,
}

/// Masks text a's content tokens (out of attention and pool) one after the other, or brings them in
/// (after Petsiuk et al. 2018). One step of `job` is one encoding.
///
/// # Errors
/// [`ModelError::Stopped`] within a batch once the job's flag is up; when the scores are not [T_a]; when
/// the head does not take this pooling.
pub fn curve(
    model: &Model,
    a: &Trace,
    b: &Trace,
    options: HeadOptions,
    ranking: Ranking<'_>,
    way: Way,
    job: &mut Job<'_>,
) -> Result<Curve, ModelError> {
    changed::untouched("the curve of removed tokens", [a, b])?;
    let tokens = &*a.tokens;
    if ranking.scores.len() != tokens.len() {
        return Err(ModelError::Input {
            what: "scores".to_owned(),
            problem: format!("are {}, for {} tokens", ranking.scores.len(), tokens.len()),
        });
    }
    let e_a = to_f64(&sentence(&model.head, a, options)?);
    let e_b = to_f64(&sentence(&model.head, b, options)?);
    let cos = cosine(&e_a, &e_b);
    let orders = orders(&tokens.special, ranking);
    let kept: Vec<Vec<usize>> = orders
        .iter()
        .flat_map(|order| (0..=order.len()).map(|k| kept(&tokens.special, order, k, way)))
        .collect();
    let parts = kept.iter().map(|kept| Part::of(tokens, kept));
    let parts: Vec<Part<'_>> = parts.collect::<Result<_, _>>()?;
    job.expect(parts.len());
    let vectors = encode(model, &model.head, &parts, options, job)?;
    let change = |(vector, part): (&Vec<f64>, &Part<'_>)| match part.len() == tokens.len() {
        // Nothing is gone, and rounding is no change.
        true => 0.,
        false => (cos - cosine(vector, &e_b)).abs(),
    };
    let changes: Vec<f64> = vectors.iter().zip(&parts).map(change).collect();
    let mut curves = changes.chunks(changes.len() / orders.len());
    let by_rank = curves.next().unwrap_or_default().to_vec();
    let mut random = vec![0.; by_rank.len()];
    for curve in curves {
        let sums = random.iter_mut().zip(curve);
        sums.for_each(|(sum, change)| *sum += change / (orders.len() - 1) as f64);
    }
    let mean = |curve: &[f64]| curve.iter().sum::<f64>() / curve.len() as f64;
    let above = mean(&by_rank) - mean(&random);
    Ok(Curve {
        advantage: match way {
            Way::Deletion => above,
            Way::Insertion => -above,
        },
        by_rank,
        random,
    })
}

/// The content tokens by rank, then in each random order.
fn orders(special: &[bool], ranking: Ranking<'_>) -> Vec<Vec<usize>> {
    let content: Vec<usize> = (0..special.len()).filter(|&t| !special[t]).collect();
    let size = |t: usize| match ranking.scores[t].abs() {
        size if size.is_nan() => -1.,
        size => size,
    };
    let mut ranked = content.clone();
    ranked.sort_by(|&i, &j| size(j).total_cmp(&size(i)));
    let mut rng = Rng::new(ranking.seed);
    let shuffled = (0..ranking.orders.max(1)).map(|_| {
        let order = rng.permutation(content.len());
        order.into_iter().map(|i| content[i]).collect()
    });
    std::iter::once(ranked).chain(shuffled).collect()
}

/// The tokens that are there after k of `order` have gone or come, special ones included.
fn kept(special: &[bool], order: &[usize], k: usize, way: Way) -> Vec<usize> {
    let moved = &order[..k];
    let there = |token: &usize| match way {
        _ if special[*token] => true,
        Way::Deletion => !moved.contains(token),
        Way::Insertion => moved.contains(token),
    };
    (0..special.len()).filter(there).collect()
}

/// Below this rank correlation with leave-one-out an explanation and an intervention disagree.
pub const AGREES: f64 = 0.5;

/// Spearman's rank correlation over the places where both are numbers: Pearson's of the ranks, equal
/// values sharing their mean rank. NaN for fewer than two places or where one side is all equal.
pub fn spearman(x: &[f64], y: &[f64]) -> f64 {
    let both = |(x, y): &(&f64, &f64)| x.is_finite() && y.is_finite();
    let (x, y): (Vec<f64>, Vec<f64>) = x.iter().zip(y).filter(both).unzip();
    let centred = |values: &[f64]| {
        let ranks = ranks(values);
        let mean = ranks.iter().sum::<f64>() / ranks.len() as f64;
        ranks.iter().map(|rank| rank - mean).collect::<Vec<f64>>()
    };
    let (x, y) = (centred(&x), centred(&y));
    let along = crate::analysis::vectors::dot(&x, &y);
    let spread = crate::analysis::vectors::norm(&x) * crate::analysis::vectors::norm(&y);
    along / spread
}

/// Ranks from 0, equal values sharing their mean rank.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let mut ranks = vec![0.; values.len()];
    let mut start = 0;
    for same in order.chunk_by(|&i, &j| values[i] == values[j]) {
        let rank = start as f64 + (same.len() - 1) as f64 / 2.;
        same.iter().for_each(|&i| ranks[i] = rank);
        start += same.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rank_correlation_sees_order_alone_and_shares_ties() {
        let x = [1., 2., 3., 4.];
        assert!((spearman(&x, &[10., 20., 40., 1000.]) - 1.).abs() < 1e-12);
        assert!((spearman(&x, &[4., 3., 2., -9.]) + 1.).abs() < 1e-12);
        // Ranks 0, 1.5, 1.5, 3: covariance 4.5, squares 5 and 4.5.
        let tied = spearman(&x, &[1., 2., 2., 3.]);
        assert!((tied - 4.5 / (5f64 * 4.5).sqrt()).abs() < 1e-12);
        assert!((spearman(&[1., f64::NAN, 2.], &[5., 0., 7.]) - 1.).abs() < 1e-12);
        assert!(spearman(&x, &[1.; 4]).is_nan());
        assert!(spearman(&[1.], &[1.]).is_nan());
    }
}
