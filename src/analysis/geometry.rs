//! How a batch of pairs lies on the sphere, and how a contrastive loss moves it.

use super::projection::{Projection, pca};
use super::vectors::{dot, norm, quotient};

/// n pairs of unit vectors with everything that does not depend on the temperature.
#[derive(Clone, Debug, PartialEq)]
pub struct PairSpace {
    /// cos(aᵢ, bⱼ), [n, n] row-major.
    pub cosines: Vec<f64>,
    /// The plane of the largest variance of all 2n unit vectors, a₀ … then b₀ …
    pub plane: Projection,
    /// Each unit vector seen as a direction in the plane, without the mean taken off, [2n].
    directions: Vec<[f64; 2]>,
    /// See [`alignment`].
    pub alignment: f64,
    /// See [`uniformity`].
    pub uniformity: f64,
}

impl PairSpace {
    /// From both sides' vectors, each n of one length; they need not be of length 1. O(n²·D + n³).
    pub fn new(anchors: &[Vec<f64>], positives: &[Vec<f64>]) -> Self {
        let n = anchors.len().min(positives.len());
        let both = anchors[..n].iter().chain(&positives[..n]);
        let units: Vec<Vec<f64>> = both.map(|vector| unit(vector)).collect();
        let (a, b) = units.split_at(n);
        let plane = pca(&units);
        Self {
            cosines: a
                .iter()
                .flat_map(|u| b.iter().map(move |v| dot(u, v)))
                .collect(),
            directions: units.iter().map(|unit| plane.direction(unit)).collect(),
            alignment: alignment(a, b),
            uniformity: uniformity(&units),
            plane,
        }
    }

    /// n, pairs.
    pub fn pairs(&self) -> usize {
        self.directions.len() / 2
    }

    /// Where a step along −∂loss/∂vector moves each point, in the plane's units and with the plane
    /// held fixed, [2n]: anchors, then positives.
    ///
    /// The plane's axes P [2, D] turn a change of a vector into one of its point, so with unit
    /// vectors u, v and w = ∂loss/∂cosine [n, n] it is −P·(g − (g·u)u) with g = Σⱼ wᵢⱼvⱼ, that is
    ///
    /// −(Σⱼ wᵢⱼ·Pvⱼ − (Σⱼ wᵢⱼcᵢⱼ)·Puᵢ)
    ///
    /// for an anchor, and the same down a column for a positive: the vector gradient of
    /// [`super::contrastive::vector_gradients`] without ever making it. O(n²).
    pub fn pulls(&self, gradient: &[f64]) -> Vec<[f64; 2]> {
        let n = self.pairs();
        let pull = |own: usize, others: usize, cell: &dyn Fn(usize) -> usize| {
            let (mut along, mut sum) = (0., [0.; 2]);
            for k in 0..n {
                let weight = gradient[cell(k)];
                let other = self.directions[others + k];
                along += weight * self.cosines[cell(k)];
                sum = [sum[0] + weight * other[0], sum[1] + weight * other[1]];
            }
            let own = self.directions[own];
            [along * own[0] - sum[0], along * own[1] - sum[1]]
        };
        let anchors = (0..n).map(|i| pull(i, n, &|j| i * n + j));
        let positives = (0..n).map(|j| pull(n + j, 0, &|i| i * n + j));
        anchors.chain(positives).collect()
    }
}

/// Mean ‖u − v‖² over pairs of unit vectors (Wang & Isola 2020, α = 2): 0 where partners coincide,
/// at most 4.
pub fn alignment(anchors: &[Vec<f64>], positives: &[Vec<f64>]) -> f64 {
    let n = anchors.len().min(positives.len());
    let distances = anchors.iter().zip(positives).map(|(u, v)| apart(u, v));
    quotient(distances.sum(), n as f64)
}

/// ln mean exp(−2‖u − v‖²) over all distinct unordered pairs of unit vectors (Wang & Isola 2020,
/// t = 2): 0 where all coincide, the lower the more evenly they are spread. 0 for fewer than two.
pub fn uniformity(vectors: &[Vec<f64>]) -> f64 {
    let n = vectors.len();
    if n < 2 {
        return 0.;
    }
    let mut sum = 0.;
    for (i, u) in vectors.iter().enumerate() {
        sum += vectors[i + 1..]
            .iter()
            .map(|v| (-2. * apart(u, v)).exp())
            .sum::<f64>();
    }
    (sum / (n * (n - 1) / 2) as f64).ln()
}

/// ‖u − v‖²
fn apart(u: &[f64], v: &[f64]) -> f64 {
    u.iter().zip(v).map(|(x, y)| (x - y) * (x - y)).sum()
}

/// The vector's direction; zeros have none and stay.
fn unit(vector: &[f64]) -> Vec<f64> {
    let length = norm(vector);
    vector.iter().map(|x| quotient(*x, length)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::contrastive::{InfoNce, vector_gradients};

    fn batch(n: usize, d: usize, shift: f64) -> Vec<Vec<f64>> {
        let value = |i: usize, k: usize| ((i * d + k) as f64 * 0.7 + shift).sin() + 0.1 * k as f64;
        (0..n)
            .map(|i| (0..d).map(|k| value(i, k)).collect())
            .collect()
    }

    #[test]
    fn pulls_are_the_vector_gradients_seen_in_the_plane() {
        let (a, b) = (batch(4, 6, 0.), batch(4, 6, 1.3));
        let space = PairSpace::new(&a, &b);
        for symmetric in [false, true] {
            let loss = InfoNce {
                temperature: 0.2,
                symmetric,
            };
            let contrast = loss.of_cosines(space.cosines.clone(), 4);
            assert!((contrast.loss - loss.contrast(&a, &b).loss).abs() < 1e-14);
            let units = |vectors: &[Vec<f64>]| vectors.iter().map(|v| unit(v)).collect::<Vec<_>>();
            let (by_a, by_b) = vector_gradients(&contrast.gradient, &units(&a), &units(&b));
            let pulls = space.pulls(&contrast.gradient);
            for (gradient, pull) in by_a.iter().chain(&by_b).zip(&pulls) {
                let seen = space.plane.direction(gradient);
                assert!((seen[0] + pull[0]).hypot(seen[1] + pull[1]) < 1e-13);
            }
        }
    }

    #[test]
    fn partners_pull_each_other_together() {
        // Two pairs, far from one another; within a pair the two stand 40° apart.
        let at = |degrees: f64| vec![degrees.to_radians().cos(), degrees.to_radians().sin()];
        let (a, b) = (vec![at(0.), at(180.)], vec![at(40.), at(220.)]);
        let space = PairSpace::new(&a, &b);
        let loss = InfoNce {
            temperature: 0.5,
            symmetric: true,
        };
        let contrast = loss.of_cosines(space.cosines.clone(), 2);
        let pulls = space.pulls(&contrast.gradient);
        let points = &space.plane.points;
        for (from, to) in [(0, 2), (2, 0), (1, 3), (3, 1)] {
            let way = [
                points[to][0] - points[from][0],
                points[to][1] - points[from][1],
            ];
            let along = pulls[from][0] * way[0] + pulls[from][1] * way[1];
            assert!(along > 0., "{from} is pulled to {to}");
        }
    }

    #[test]
    fn alignment_and_uniformity_of_known_figures() {
        let square = [[1., 0.], [0., 1.], [-1., 0.], [0., -1.]].map(Vec::from);
        assert_eq!(alignment(&square[..1], &square[2..3]), 4.);
        assert_eq!(alignment(&square[..2], &square[1..3]), 2.);
        assert_eq!(alignment(&square, &square), 0.);
        // Four sides of squared length 2 and two diagonals of 4.
        let expected = ((4. * f64::exp(-4.) + 2. * f64::exp(-8.)) / 6.).ln();
        assert!((uniformity(&square) - expected).abs() < 1e-14);
        assert_eq!(uniformity(&[square[0].clone(), square[0].clone()]), 0.);
        assert_eq!((uniformity(&square[..1]), alignment(&[], &[])), (0., 0.));
    }

    #[test]
    fn vectors_of_zeros_are_no_trouble() {
        let space = PairSpace::new(&vec![vec![0.; 3]; 2], &batch(2, 3, 1.));
        let pulls = space.pulls(&[0.1, -0.1, 0.2, -0.2]);
        assert!(pulls.iter().flatten().all(|x| x.is_finite()));
        assert_eq!(PairSpace::new(&[], &[]).pulls(&[]), Vec::<[f64; 2]>::new());
    }
}
