//! Does an explanation predict what happens when its tokens are really taken away?

use super::reruns::encode;
use crate::analysis::job::Job;
use crate::analysis::pooling::sentence;
use crate::analysis::vectors::{cosine, to_f64};
use crate::model::{HeadOptions, Model, ModelError, Part};
use crate::trace::Trace;
use crate::training::rng::Rng;

/// What happens to the cosine as more and more of a text's content tokens are masked.
#[derive(Clone, Debug, PartialEq)]
pub struct Deletion {
    /// |cos − cos without the first k tokens by rank|, [n + 1], n content tokens; the first is 0.
    pub by_rank: Vec<f64>,
    /// The same with the tokens in random orders, averaged over orders, [n + 1].
    pub random: Vec<f64>,
    /// The mean of `by_rank` less that of `random`: above 0 where the ranking finds the tokens that
    /// matter sooner than chance does.
    pub advantage: f64,
}

/// Masks text a's content tokens (out of attention and pool) one after the other, the largest
/// |`scores`| first; `scores` is [T_a], and NaN goes last. Special tokens stay. `orders` random orders
/// from `seed` stand beside it (after Petsiuk et al. 2018). One step of `job` is one encoding.
///
/// # Errors
/// [`ModelError::Stopped`] within a batch once the job's flag is up; when `scores` is not [T_a]; when
/// the head does not take this pooling.
pub fn deletion(
    model: &Model,
    a: &Trace,
    b: &Trace,
    options: HeadOptions,
    scores: &[f64],
    (orders, seed): (usize, u64),
    job: &mut Job<'_>,
) -> Result<Deletion, ModelError> {
    let tokens = &*a.tokens;
    if scores.len() != tokens.len() {
        return Err(ModelError::Input {
            what: "scores".to_owned(),
            problem: format!("are {}, for {} tokens", scores.len(), tokens.len()),
        });
    }
    let e_a = to_f64(&sentence(&model.head, a, options)?);
    let e_b = to_f64(&sentence(&model.head, b, options)?);
    let cos = cosine(&e_a, &e_b);
    let content: Vec<usize> = (0..tokens.len()).filter(|&t| !tokens.special[t]).collect();
    let mut ranked = content.clone();
    let size = |t: usize| {
        if scores[t].is_nan() {
            -1.
        } else {
            scores[t].abs()
        }
    };
    ranked.sort_by(|&i, &j| size(j).total_cmp(&size(i)));
    let mut rng = Rng::new(seed);
    let shuffled = (0..orders.max(1)).map(|_| rng.permutation(content.len()));
    let shuffled = shuffled.map(|order| order.into_iter().map(|i| content[i]).collect());
    let orders: Vec<Vec<usize>> = std::iter::once(ranked).chain(shuffled).collect();

    let kept: Vec<Vec<usize>> = orders
        .iter()
        .flat_map(|order| (1..=order.len()).map(|k| without(tokens.len(), &order[..k])))
        .collect();
    let parts = kept.iter().map(|kept| Part::of(tokens, kept));
    let parts: Vec<Part<'_>> = parts.collect::<Result<_, _>>()?;
    job.expect(parts.len());
    let vectors = encode(model, &model.head, &parts, options, job)?;
    let changes = vectors
        .iter()
        .map(|vector| (cos - cosine(vector, &e_b)).abs());
    let changes: Vec<f64> = changes.collect();
    let n = content.len();
    let curve = |order: usize, k: usize| match k {
        0 => 0.,
        k => changes[order * n + k - 1],
    };
    let by_rank: Vec<f64> = (0..=n).map(|k| curve(0, k)).collect();
    let chance = (orders.len() - 1) as f64;
    let random = (0..=n).map(|k| (1..orders.len()).map(|o| curve(o, k)).sum::<f64>() / chance);
    let random: Vec<f64> = random.collect();
    let mean = |curve: &[f64]| curve.iter().sum::<f64>() / curve.len() as f64;
    Ok(Deletion {
        advantage: mean(&by_rank) - mean(&random),
        by_rank,
        random,
    })
}

fn without(tokens: usize, gone: &[usize]) -> Vec<usize> {
    (0..tokens).filter(|token| !gone.contains(token)).collect()
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
