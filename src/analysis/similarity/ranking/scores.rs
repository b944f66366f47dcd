//! What each method says about each token.

use super::Ranker;
use crate::analysis::attention::{Map, Who, each_row};
use crate::analysis::job::Job;
use crate::analysis::pooling::missing;
use crate::analysis::similarity::PairMatrix;
use crate::analysis::similarity::input::input_pairs;
use crate::analysis::similarity::integrated::integrated;
use crate::analysis::similarity::pairs::token_pairs;
use crate::analysis::similarity::shapley::{Sampling, shapley};
use crate::analysis::vectors::{cosine, to_f64};
use crate::model::{HeadOptions, Model, ModelError};
use crate::trace::{Site, Trace};

/// The scores of a's tokens and of b's, [T_a] and [T_b] with extra rows behind them where the method
/// has such: above 0 where a token is said to raise the cosine. NaN for [`Ranker::LeaveOneOut`] and
/// [`Ranker::Random`], which do not score tokens.
///
/// # Errors
/// Those of the methods.
pub fn token_scores(
    model: &Model,
    (a, b): (&Trace, &Trace),
    options: HeadOptions,
    ranker: Ranker,
    job: &mut Job<'_>,
) -> Result<[Vec<f64>; 2], ModelError> {
    let sums = |matrix: PairMatrix| [matrix.row_sums(), matrix.column_sums()];
    Ok(match ranker {
        Ranker::Pairs => sums(token_pairs(&model.head, a, b, options)?),
        Ranker::Input => sums(input_pairs(model, a, b, options, job.cancel)?.matrix),
        Ranker::Shapley => sums(shapley(model, a, b, options, Sampling::default(), job)?.matrix),
        Ranker::Integrated => sums(integrated(model, a, b, options, job)?.matrix),
        Ranker::Matching => [nearest(a, b)?, nearest(b, a)?],
        Ranker::Attention => [received(model, a, job)?, received(model, b, job)?],
        Ranker::LeaveOneOut | Ranker::Random => [a, b].map(|t| vec![f64::NAN; t.tokens.len()]),
    })
}

/// max_j cos(x_i, y_j) over the final vectors y of the other text's own tokens, [T]; 0 where it has
/// none.
fn nearest(text: &Trace, other: &Trace) -> Result<Vec<f64>, ModelError> {
    let rows = |trace: &Trace| -> Result<Vec<Vec<f64>>, ModelError> {
        let out = trace.final_out().ok_or_else(|| missing(Site::FinalOut))?; // [T, D]
        Ok((0..out.size(0)).map(|t| to_f64(&out.row(&[t]))).collect())
    };
    let (own, others) = (rows(text)?, rows(other)?);
    let special = &other.tokens.special;
    let others: Vec<&Vec<f64>> = (0..others.len())
        .filter(|&j| !special[j])
        .map(|j| &others[j])
        .collect();
    let best = |x: &Vec<f64>| {
        let cosines = others.iter().map(|y| cosine(x, y));
        cosines.reduce(f64::max).unwrap_or(0.)
    };
    Ok(own.iter().map(best).collect())
}

/// The attention that each token gets, the mean over layers, heads and queries: [T].
fn received(model: &Model, trace: &Trace, job: &Job<'_>) -> Result<Vec<f64>, ModelError> {
    let tokens = trace.tokens.len();
    let mut sums = vec![0.; tokens];
    for layer in 0..trace.layers {
        let here = model.recall(trace, layer, job.cancel)?;
        let mean = Who::layer(layer, model.spec().heads);
        let add = |_, rows: &[f32]| {
            for (place, weight) in rows.iter().enumerate() {
                // What is hidden weighs nothing.
                sums[place % tokens] += f64::from(weight.max(0.)) / tokens as f64;
            }
        };
        let found = each_row(&here, (&mean, Map::Pattern), 0..tokens, job.cancel, add);
        found.ok_or(ModelError::Stopped)?;
    }
    let layers = trace.layers.max(1) as f64;
    Ok(sums.iter().map(|sum| sum / layers).collect())
}
