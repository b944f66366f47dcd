//! Principal component analysis of a few vectors.

use super::vectors::dot;

/// n points in the plane of their largest variance, and the plane.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    /// One point for each vector, around the origin; NaN for a vector that is not finite.
    pub points: Vec<[f64; 2]>,
    /// The share of the whole variance along each axis; 0 where there is no variance.
    pub shares: [f64; 2],
    /// The middle of the points, [D].
    pub mean: Vec<f64>,
    /// The plane's axes, [D] each and of length 1; zeros where there is no variance.
    pub axes: [Vec<f64>; 2],
}

impl Projection {
    /// Where a vector [D] lies in the plane, which for the vectors that made it is their point.
    pub fn point(&self, vector: &[f64]) -> [f64; 2] {
        let mean = self.direction(&self.mean);
        let at = self.direction(vector);
        [at[0] - mean[0], at[1] - mean[1]]
    }

    /// What of a change [D] is seen in the plane: how its points move, without the plane's moving.
    pub fn direction(&self, change: &[f64]) -> [f64; 2] {
        [dot(&self.axes[0], change), dot(&self.axes[1], change)]
    }
}

/// Sweeps of the eigenvalue iteration; it converges quadratically, and eight are plenty.
const SWEEPS: usize = 30;

/// The first two principal components of n vectors of one length, by the eigenvectors of the n × n
/// Gram matrix of the centred vectors: with G = U·Λ·Uᵀ the coordinates are U·√Λ (classical scaling,
/// Torgerson 1952), and the axes are Xᵀ·U/√Λ. Each axis points where its farthest point is, so the signs do not depend on
/// rounding. O(n²·D + n³). Vectors that are not finite have no place, and take none from the others.
pub fn pca(vectors: &[Vec<f64>]) -> Projection {
    let mut projection = components(&placed(vectors));
    projection.points = spread(vectors, projection.points);
    projection
}

/// The vectors that have a place.
pub(super) fn placed(vectors: &[Vec<f64>]) -> Vec<Vec<f64>> {
    vectors.iter().filter(|v| is_finite(v)).cloned().collect()
}

/// A point for every vector from those of the [`placed`] ones; NaN for the others.
pub(super) fn spread(vectors: &[Vec<f64>], points: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    let mut points = points.into_iter();
    let point = |vector: &Vec<f64>| is_finite(vector).then(|| points.next()).flatten();
    let all = vectors.iter().map(point);
    all.map(|point| point.unwrap_or([f64::NAN; 2])).collect()
}

fn is_finite(vector: &[f64]) -> bool {
    vector.iter().all(|x| x.is_finite())
}

fn components(vectors: &[Vec<f64>]) -> Projection {
    let n = vectors.len();
    let mean = mean(vectors);
    let centred: Vec<Vec<f64>> = vectors
        .iter()
        .map(|vector| vector.iter().zip(&mean).map(|(x, m)| x - m).collect())
        .collect();
    let (values, columns) = eigen(gram(vectors, &centred), n);
    let total: f64 = values.iter().sum();
    let mut points = vec![[0.; 2]; n];
    let mut shares = [0.; 2];
    let mut axes = [vec![0.; mean.len()], vec![0.; mean.len()]];
    for axis in 0..n.min(2) {
        // What rounding leaves of identical points is no direction.
        if values[axis] <= 1e-12 * total || total <= 0. {
            continue;
        }
        shares[axis] = values[axis] / total;
        let length = values[axis].sqrt();
        let coordinates: Vec<f64> = columns[axis].iter().map(|u| u * length).collect();
        let sign = farthest(&coordinates).signum();
        for (point, x) in points.iter_mut().zip(coordinates) {
            point[axis] = sign * x;
        }
        for (vector, u) in centred.iter().zip(&columns[axis]) {
            let weight = sign * u / length;
            let sums = axes[axis].iter_mut().zip(vector);
            sums.for_each(|(sum, x)| *sum += weight * x);
        }
    }
    Projection {
        points,
        shares,
        mean,
        axes,
    }
}

/// The coordinate of the largest magnitude, the first of those that are equal but for rounding.
fn farthest(coordinates: &[f64]) -> f64 {
    let largest = coordinates
        .iter()
        .fold(0_f64, |largest, x| largest.max(x.abs()));
    let far = |x: &&f64| x.abs() >= largest * (1. - 1e-9);
    coordinates.iter().find(far).copied().unwrap_or(1.)
}

fn mean(vectors: &[Vec<f64>]) -> Vec<f64> {
    let n = vectors.len();
    let mut mean = vec![0.; vectors.first().map_or(0, Vec::len)];
    for vector in vectors {
        let sums = mean.iter_mut().zip(vector);
        sums.for_each(|(m, x)| *m += x / n as f64);
    }
    mean
}

/// Dot products of the centred vectors, [n, n].
fn gram(vectors: &[Vec<f64>], centred: &[Vec<f64>]) -> Vec<f64> {
    // Rounding leaves a little of identical vectors; relative to their length it is nothing.
    let scale = vectors.iter().map(|v| dot(v, v)).fold(0., f64::max);
    let keep = |value: f64| {
        if value.abs() <= 1e-24 * scale {
            0.
        } else {
            value
        }
    };
    let pairs = centred
        .iter()
        .flat_map(|a| centred.iter().map(move |b| dot(a, b)));
    pairs.map(keep).collect()
}

/// Eigenvalues, largest first, and eigenvectors of a symmetric matrix [n, n] by cyclic Jacobi
/// rotations (Golub & Van Loan, Matrix Computations, 8.5).
pub(crate) fn eigen(mut matrix: Vec<f64>, n: usize) -> (Vec<f64>, Vec<Vec<f64>>) {
    let mut vectors = vec![0.; n * n]; // row i is eigenvector i
    (0..n).for_each(|i| vectors[i * n + i] = 1.);
    for _ in 0..SWEEPS {
        let off: f64 = (0..n * n)
            .filter(|i| i / n != i % n)
            .map(|i| matrix[i].powi(2))
            .sum();
        let all: f64 = matrix.iter().map(|x| x * x).sum();
        if off <= 1e-30 * all {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut matrix, &mut vectors, n, p, q);
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| matrix[j * n + j].total_cmp(&matrix[i * n + i]));
    let values = order.iter().map(|&i| matrix[i * n + i].max(0.)).collect();
    let rows = order.iter().map(|&i| vectors[i * n..(i + 1) * n].to_vec());
    (values, rows.collect())
}

/// Turns the plane of p and q so that `matrix[p, q]` becomes 0.
fn rotate(matrix: &mut [f64], vectors: &mut [f64], n: usize, p: usize, q: usize) {
    let off = matrix[p * n + q];
    if off == 0. {
        return;
    }
    let theta = (matrix[q * n + q] - matrix[p * n + p]) / (2. * off);
    let sign = if theta < 0. { -1. } else { 1. };
    let t = sign / (theta.abs() + (theta * theta + 1.).sqrt());
    let c = 1. / (t * t + 1.).sqrt();
    let s = t * c;
    let turn = |data: &mut [f64], first: usize, second: usize| {
        let (x, y) = (data[first], data[second]);
        (data[first], data[second]) = (c * x - s * y, s * x + c * y);
    };
    for k in 0..n {
        turn(matrix, k * n + p, k * n + q);
    }
    for k in 0..n {
        turn(matrix, p * n + k, q * n + k);
        turn(vectors, p * n + k, q * n + k);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
        (a[0] - b[0]).hypot(a[1] - b[1])
    }

    #[test]
    fn points_in_a_plane_keep_their_distances_and_the_shares_are_their_variances() {
        // (2, 0), (−2, 0), (0, 1), (0, −1) in a turned plane of five dimensions, off the origin.
        let (u, v) = ([0.6, 0., 0.8, 0., 0.], [0., 0., 0., -1., 0.]);
        let flat = [[2., 0.], [-2., 0.], [0., 1.], [0., -1.]];
        let vectors: Vec<Vec<f64>> = flat
            .iter()
            .map(|p| (0..5).map(|k| 7. + p[0] * u[k] + p[1] * v[k]).collect())
            .collect();
        let projection = pca(&vectors);
        for i in 0..4 {
            for j in 0..4 {
                let seen = distance(projection.points[i], projection.points[j]);
                assert!((seen - distance(flat[i], flat[j])).abs() < 1e-12);
            }
        }
        assert!(
            (projection.shares[0] - 0.8).abs() < 1e-12,
            "8 of 10 squared lengths"
        );
        assert!((projection.shares[1] - 0.2).abs() < 1e-12);
        assert!(
            projection.points[0][0] > 0.,
            "the first of the two farthest points is on the right"
        );
    }

    #[test]
    fn the_order_of_the_points_does_not_turn_the_picture() {
        let vectors: Vec<Vec<f64>> = (0..7)
            .map(|i| (0..9).map(|k| ((i * 31 + k * 17) % 13) as f64).collect())
            .collect();
        let there = pca(&vectors);
        let back = pca(&vectors.iter().rev().cloned().collect::<Vec<_>>());
        for (a, b) in there.points.iter().zip(back.points.iter().rev()) {
            assert!(distance(*a, *b) < 1e-9, "{a:?} {b:?}");
        }
        assert!(there.shares[0] >= there.shares[1] && there.shares[0] + there.shares[1] <= 1.);
    }

    #[test]
    fn the_vectors_themselves_project_onto_their_points() {
        let vectors: Vec<Vec<f64>> = (0..6)
            .map(|i| (0..9).map(|k| ((i * 31 + k * 17) % 13) as f64).collect())
            .collect();
        let projection = pca(&vectors);
        for (vector, point) in vectors.iter().zip(&projection.points) {
            assert!(distance(projection.point(vector), *point) < 1e-12);
        }
        let [x, y] = &projection.axes;
        assert!((dot(x, x) - 1.).abs() < 1e-12 && (dot(y, y) - 1.).abs() < 1e-12);
        assert!(dot(x, y).abs() < 1e-12);
        let moved: Vec<f64> = vectors[2]
            .iter()
            .zip(&vectors[4])
            .map(|(a, b)| a + b)
            .collect();
        let (by, at) = (projection.direction(&vectors[4]), projection.points[2]);
        let expected = [at[0] + by[0], at[1] + by[1]];
        assert!(distance(projection.point(&moved), expected) < 1e-12);
    }

    #[test]
    fn a_vector_that_is_not_finite_has_no_place_and_moves_no_other() {
        let all = [vec![1., 2., 0.], vec![-1., 0., 3.], vec![4., 1., 1.]];
        let mut with = all.to_vec();
        with.insert(1, vec![f64::NAN, 0., 0.]);
        let mut found = pca(&with);
        assert!(found.points.remove(1).iter().all(|x| x.is_nan()));
        assert_eq!(found, pca(&all));
    }

    #[test]
    fn one_point_identical_points_and_none_have_no_direction() {
        let one = vec![0.1, 0.2, 0.3];
        for n in [0, 1, 3, 7] {
            let projection = pca(&vec![one.clone(); n]);
            assert_eq!(projection.points, vec![[0.; 2]; n]);
            assert_eq!(projection.shares, [0.; 2]);
        }
        let two = pca(&[one, vec![0.1, 0.2, 1.3]]);
        assert!((two.points[0][0].abs() - 0.5).abs() < 1e-12);
        assert_eq!(two.points[0][1], 0., "two points lie on a line");
        assert!((two.shares[0] - 1.).abs() < 1e-12);
    }
}
