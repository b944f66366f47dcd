//! What a model gives to texts that have nothing to do with each other: the scale for every cosine.

use super::projection::eigen;
use super::vectors::{dot, norm, quotient};
use crate::training::rng::Rng;

/// How much of a background is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The most pairs: all of them where there are no more, else a sample of so many.
    pub pairs: usize,
    /// Principal axes to keep.
    pub axes: usize,
    pub seed: u64,
}

impl Default for Extent {
    fn default() -> Self {
        Self {
            pairs: 50_000,
            axes: 8,
            seed: 1,
        }
    }
}

/// Statistics of the sentence vectors of a background of n unrelated texts.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Calibration {
    /// Cosines of pairs of different texts, ascending.
    cosines: Vec<f64>,
    /// [E].
    pub mean: Vec<f64>,
    /// The directions of largest variance around the mean, [axes] of [E] and of length 1. Each points
    /// where its component of the largest magnitude is positive.
    pub axes: Vec<Vec<f64>>,
    /// The share of the whole variance along each axis.
    pub shares: Vec<f64>,
    /// The mean of |c_k| over the same pairs, c_k = a_k·b_k/(|a||b|), [E]: how much of an unrelated
    /// pair's cosine one dimension moves (rogue dimensions: Timkey & van Schijndel 2021).
    pub dimensions: Vec<f64>,
}

impl Calibration {
    /// O(pairs·E + min(n, E)³). The vectors have one length; fewer than two have no pairs, and then
    /// every quantile is NaN.
    pub fn new(vectors: &[Vec<f64>], extent: Extent) -> Self {
        let size = vectors.first().map_or(0, Vec::len);
        let norms: Vec<f64> = vectors.iter().map(|v| norm(v)).collect();
        let mut cosines = Vec::new();
        let mut dimensions = vec![0.; size];
        for (i, j) in pairs(vectors.len(), extent) {
            let lengths = norms[i] * norms[j];
            let mut sum = 0.;
            for ((mean, a), b) in dimensions.iter_mut().zip(&vectors[i]).zip(&vectors[j]) {
                let part = quotient(a * b, lengths);
                sum += part;
                *mean += part.abs();
            }
            cosines.push(sum);
        }
        let count = cosines.len().max(1) as f64;
        dimensions.iter_mut().for_each(|sum| *sum /= count);
        cosines.sort_by(f64::total_cmp);
        let mean = mean(vectors, size);
        let (axes, shares) = principal(vectors, &mean, extent.axes);
        Self {
            cosines,
            mean,
            axes,
            shares,
            dimensions,
        }
    }

    /// False where it cannot have been made by [`Calibration::new`]: read from a damaged file.
    pub fn is_whole(&self) -> bool {
        let (size, real) = (self.mean.len(), |x: &f64| x.is_finite());
        let vectors = [&self.mean, &self.dimensions].into_iter().chain(&self.axes);
        let mut vectors = vectors.map(|v| v.len() == size && v.iter().all(real));
        size > 0
            && vectors.all(|whole| whole)
            && self.shares.len() == self.axes.len()
            && !self.cosines.is_empty()
            && self.cosines.iter().all(real)
            && self.cosines.is_sorted()
    }

    /// How many pairs were looked at.
    pub fn pairs(&self) -> usize {
        self.cosines.len()
    }

    /// The mean cosine of unrelated pairs; NaN without pairs.
    pub fn floor(&self) -> f64 {
        self.cosines.iter().sum::<f64>() / self.cosines.len() as f64
    }

    /// The cosine below which a share `q` of unrelated pairs lies, 0 ≤ q ≤ 1, between neighbours in
    /// proportion; NaN without pairs.
    pub fn quantile(&self, q: f64) -> f64 {
        let Some(last) = self.cosines.len().checked_sub(1) else {
            return f64::NAN;
        };
        let place = q.clamp(0., 1.) * last as f64;
        let low = place.floor() as usize;
        let (low, high) = (self.cosines[low], self.cosines[(low + 1).min(last)]);
        low + (high - low) * place.fract()
    }

    /// The percentage of unrelated pairs below a cosine, equal ones counting half; NaN without pairs.
    pub fn percentile(&self, cos: f64) -> f64 {
        let below = self.cosines.partition_point(|&x| x < cos);
        let up_to = self.cosines.partition_point(|&x| x <= cos);
        100. * (below + up_to) as f64 / (2. * self.cosines.len() as f64)
    }
}

/// Every pair i < j of n, or a seeded sample with repetition where there are more than wanted.
pub(super) fn pairs(n: usize, extent: Extent) -> Vec<(usize, usize)> {
    if n < 2 {
        return Vec::new();
    }
    if n * (n - 1) / 2 <= extent.pairs {
        return (0..n)
            .flat_map(|i| (i + 1..n).map(move |j| (i, j)))
            .collect();
    }
    let mut rng = Rng::new(extent.seed);
    let mut draw = || {
        let (i, j) = (rng.below(n), rng.below(n - 1));
        (i, if j >= i { j + 1 } else { j })
    };
    (0..extent.pairs).map(|_| draw()).collect()
}

fn mean(vectors: &[Vec<f64>], size: usize) -> Vec<f64> {
    let mut mean = vec![0.; size];
    for vector in vectors {
        let sums = mean.iter_mut().zip(vector);
        sums.for_each(|(m, x)| *m += x / vectors.len() as f64);
    }
    mean
}

/// Axes and shares of variance, by the smaller of the covariance and the Gram matrix.
fn principal(vectors: &[Vec<f64>], mean: &[f64], axes: usize) -> (Vec<Vec<f64>>, Vec<f64>) {
    let centred = |v: &Vec<f64>| v.iter().zip(mean).map(|(x, m)| x - m).collect();
    let centred: Vec<Vec<f64>> = vectors.iter().map(centred).collect();
    let (n, size) = (centred.len(), mean.len());
    let by_texts = n < size;
    let columns: Vec<Vec<f64>> = match by_texts {
        true => centred.clone(),
        false => (0..size)
            .map(|k| centred.iter().map(|v| v[k]).collect())
            .collect(),
    };
    let matrix = columns
        .iter()
        .flat_map(|a| columns.iter().map(move |b| dot(a, b)));
    let (values, rows) = eigen(matrix.collect(), columns.len());
    let total: f64 = values.iter().sum();
    let kept = values.iter().take_while(|&&value| value > 1e-12 * total);
    let kept = kept.count().min(axes);
    let axis = |row: &Vec<f64>| {
        let mut axis = match by_texts {
            true => combination(&centred, row, size),
            false => row.clone(),
        };
        let largest = axis
            .iter()
            .copied()
            .fold(0_f64, |most, x| if x.abs() > most.abs() { x } else { most });
        let length = norm(&axis).copysign(largest);
        axis.iter_mut().for_each(|x| *x /= length);
        axis
    };
    let shares = values[..kept].iter().map(|value| value / total).collect();
    (rows[..kept].iter().map(axis).collect(), shares)
}

/// Σ_i u_i·v_i, [E].
fn combination(vectors: &[Vec<f64>], weights: &[f64], size: usize) -> Vec<f64> {
    let mut out = vec![0.; size];
    for (vector, weight) in vectors.iter().zip(weights) {
        let sums = out.iter_mut().zip(vector);
        sums.for_each(|(sum, x)| *sum += weight * x);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(n: usize, size: usize) -> Vec<Vec<f64>> {
        let mut rng = Rng::new(3);
        (0..n)
            .map(|_| (0..size).map(|_| rng.normal()).collect())
            .collect()
    }

    #[test]
    fn quantiles_and_percentiles_are_each_others_inverse() {
        // Cosines of three vectors in the plane: 0, 1/√2, 1/√2.
        let vectors = [vec![2., 0.], vec![0., 3.], vec![1., 1.]];
        let found = Calibration::new(&vectors, Extent::default());
        let half = 0.5_f64.sqrt();
        assert_eq!(found.pairs(), 3);
        assert_eq!(found.quantile(0.), 0.);
        assert!((found.quantile(0.25) - half / 2.).abs() < 1e-12);
        assert!((found.quantile(1.) - half).abs() < 1e-12);
        assert!((found.floor() - 2. * half / 3.).abs() < 1e-12);
        assert_eq!(found.percentile(-1.), 0.);
        assert!((found.percentile(0.) - 100. / 6.).abs() < 1e-12);
        assert!((found.percentile(0.5) - 100. / 3.).abs() < 1e-12);
        assert_eq!(found.percentile(1.), 100.);
        // c is (0, 0), (half, 0) and (0, half).
        assert!(
            found
                .dimensions
                .iter()
                .all(|c| (c - half / 3.).abs() < 1e-12)
        );
    }

    #[test]
    fn a_planted_axis_and_a_rogue_dimension_are_found_either_way() {
        for (n, size) in [(200, 12), (12, 40)] {
            let mut vectors = random(n, size);
            for (i, vector) in vectors.iter_mut().enumerate() {
                vector[5] += 30. * if i % 2 == 0 { 1. } else { -1. };
                vector[3] += 100.;
            }
            let found = Calibration::new(&vectors, Extent::default());
            assert!(found.axes[0][5] > 0.98, "{:?}", found.axes[0]);
            assert!(found.shares[0] > 0.9 && found.shares[0] < 1.);
            assert!((found.mean[3] - 100.).abs() < 1.5);
            for (i, a) in found.axes.iter().enumerate() {
                for (j, b) in found.axes.iter().enumerate() {
                    let truth = f64::from(u8::from(i == j));
                    assert!((dot(a, b) - truth).abs() < 1e-9);
                }
            }
            let rogue = found.dimensions.iter().copied().fold(0., f64::max);
            assert_eq!(rogue, found.dimensions[3]);
        }
    }

    #[test]
    fn a_sample_of_pairs_follows_its_seed_and_comes_near_all_pairs() {
        let vectors = random(300, 6);
        let few = Extent {
            pairs: 20_000,
            ..Extent::default()
        };
        let (all, sample) = (
            Calibration::new(&vectors, Extent::default()),
            Calibration::new(&vectors, few),
        );
        assert_eq!((all.pairs(), sample.pairs()), (300 * 299 / 2, 20_000));
        assert_eq!(sample, Calibration::new(&vectors, few));
        for q in [0.1, 0.5, 0.9] {
            assert!((all.quantile(q) - sample.quantile(q)).abs() < 0.02);
        }
    }

    #[test]
    fn one_text_or_none_has_no_scale() {
        for vectors in [vec![], vec![vec![1., 2.]], vec![vec![0., 0.]; 3]] {
            let found = Calibration::new(&vectors, Extent::default());
            assert!(found.axes.is_empty() && found.shares.is_empty());
            assert_eq!(found.quantile(0.5).is_nan(), vectors.len() < 2);
        }
    }
}
