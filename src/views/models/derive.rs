//! What two models make of the same texts, computed away from the window.

use std::sync::Arc;

use crate::analysis::pooling::sentence;
use crate::analysis::projection::{Projection, pca};
use crate::analysis::vectors::{cosines, to_f64};
use crate::app::state::TextId;
use crate::model::Model;
use crate::trace::{PoolingMode, Trace};
use crate::views::subject::{SameTrace, fresh_key};

/// Every text that both models have a trace of, and the chosen pooling.
#[derive(Clone, PartialEq)]
pub struct Key {
    /// The models' hashes: in use, reference.
    pub models: [Arc<str>; 2],
    pub pooling: Option<PoolingMode>,
    /// Dimensions that are kept, instead of as many as the model keeps.
    pub truncate: Option<usize>,
    pub texts: Vec<(TextId, [SameTrace; 2])>,
}

/// n texts under two models.
pub struct Compared {
    pub texts: Vec<TextId>,
    /// In use, reference.
    pub models: [Seen; 2],
    /// Cosines of the model in use less those of the reference, [n, n].
    pub difference: Vec<f32>,
    /// Of the difference's map.
    pub key: u64,
}

/// The texts through one model.
pub struct Seen {
    /// [n, n]
    pub cosines: Vec<f32>,
    pub projection: Projection,
    pub key: u64,
}

impl Compared {
    pub fn new(key: &Key, models: [&Model; 2]) -> Self {
        let seen = [0, 1].map(|side| {
            let traces = key.texts.iter().map(|(_, traces)| &*traces[side].0);
            Seen::new(models[side], traces, (key.pooling, key.truncate))
        });
        let [main, reference] = &seen;
        let pairs = main.cosines.iter().zip(&reference.cosines);
        Self {
            texts: key.texts.iter().map(|(id, _)| *id).collect(),
            difference: pairs.map(|(a, b)| a - b).collect(),
            models: seen,
            key: fresh_key(),
        }
    }

    /// The place of a text among those that are shown.
    pub fn index(&self, id: TextId) -> Option<usize> {
        self.texts.iter().position(|&text| text == id)
    }
}

impl Seen {
    fn new<'a>(
        model: &Model,
        traces: impl Iterator<Item = &'a Trace>,
        (pooling, truncate): (Option<PoolingMode>, Option<usize>),
    ) -> Self {
        let with = |pooling| model.options_with(pooling, truncate);
        let vectors: Vec<Vec<f64>> = traces
            .map(|trace| {
                // The model's own pooling where its modules do not take the chosen one.
                let vector = sentence(&model.head, trace, with(pooling))
                    .or_else(|_| sentence(&model.head, trace, with(None)));
                to_f64(&vector.unwrap_or_else(|_| vec![f32::NAN; model.sentence_size()]))
            })
            .collect();
        Self {
            cosines: cosines(&vectors).iter().map(|&cos| cos as f32).collect(),
            projection: pca(&vectors),
            key: fresh_key(),
        }
    }
}

/// Mean and standard deviation over the pairs of different texts, from [n, n]; pairs without a cosine do
/// not count. None where there are no others.
pub fn mean_and_spread(matrix: &[f32], n: usize) -> Option<(f64, f64)> {
    let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| i * n + j));
    let values = pairs.map(|at| f64::from(matrix[at]));
    let values: Vec<f64> = values.filter(|cos| cos.is_finite()).collect();
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let spread = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    (!values.is_empty()).then(|| (mean, spread.sqrt()))
}

#[cfg(test)]
mod tests {
    use super::mean_and_spread;

    #[test]
    fn the_diagonal_does_not_count() {
        let matrix = [1., 0.2, 0.4, 0.2, 1., 0.6, 0.4, 0.6, 1.];
        let (mean, spread) = mean_and_spread(&matrix, 3).unwrap();
        assert!((mean - 0.4).abs() < 1e-6 && (spread - 0.163_299).abs() < 1e-5);
        assert_eq!(mean_and_spread(&[1.], 1), None);
        let gone = f32::NAN;
        let matrix = [1., 0.2, gone, 0.2, 1., gone, gone, gone, gone];
        let (mean, spread) = mean_and_spread(&matrix, 3).unwrap();
        assert!((mean - 0.2).abs() < 1e-6 && spread < 1e-6);
    }
}
