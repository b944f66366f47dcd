//! InfoNCE over in-batch negatives, and what it pulls on: the loss that makes similar texts land
//! near each other. The trainer minimises exactly what is shown here.

use super::vectors::{dot, norm, quotient};

/// InfoNCE (van den Oord et al. 2018) with cosine similarities, as in SimCLR and
/// sentence-transformers' multiple-negatives ranking loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InfoNce {
    /// τ: the logits are cosines / τ.
    pub temperature: f64,
    /// Also from the positives to the anchors, with the two losses averaged (as in CLIP).
    pub symmetric: bool,
}

/// n pairs (aᵢ, bᵢ) as one batch: what the loss sees and what it wants.
#[derive(Clone, Debug, PartialEq)]
pub struct Contrast {
    /// cos(aᵢ, bⱼ), [n, n] row-major.
    pub cosines: Vec<f64>,
    /// Softmax of cosines/τ along each row, [n, n].
    pub rows: Vec<f64>,
    /// Softmax along each column, [n, n]; only with the symmetric loss.
    pub columns: Option<Vec<f64>>,
    /// −ln of the share that row i gives its own pair (averaged with column i's where symmetric),
    /// [n].
    pub losses: Vec<f64>,
    /// Their mean.
    pub loss: f64,
    /// ∂loss/∂cosine, [n, n]: negative where the loss wants the two nearer.
    pub gradient: Vec<f64>,
}

impl InfoNce {
    /// The loss of n pairs from both sides' vectors, each n of one length; they need not be of
    /// length 1. Row i's positive is column i, and every other column is its negative.
    pub fn contrast(&self, anchors: &[Vec<f64>], positives: &[Vec<f64>]) -> Contrast {
        let n = anchors.len().min(positives.len());
        self.of_cosines(cross(&anchors[..n], &positives[..n]), n)
    }

    /// The same from cos(aᵢ, bⱼ), [n, n] row-major. O(n²): cheap enough to follow a slider.
    pub fn of_cosines(&self, cosines: Vec<f64>, n: usize) -> Contrast {
        let rows = softmax_rows(&cosines, n, self.temperature);
        let columns = self.symmetric.then(|| {
            transposed(
                &softmax_rows(&transposed(&cosines, n), n, self.temperature),
                n,
            )
        });
        let share = |probabilities: &[f64], i: usize| -probabilities[i * n + i].ln();
        let loss_of = |i: usize| match &columns {
            None => share(&rows, i),
            Some(columns) => (share(&rows, i) + share(columns, i)) / 2.,
        };
        let losses: Vec<f64> = (0..n).map(loss_of).collect();
        let scale = 1. / (self.temperature * n.max(1) as f64);
        let at = |i: usize, j: usize| {
            let hit = f64::from(u8::from(i == j));
            let row = rows[i * n + j] - hit;
            match &columns {
                None => row * scale,
                Some(columns) => (row + columns[i * n + j] - hit) / 2. * scale,
            }
        };
        Contrast {
            gradient: (0..n * n).map(|k| at(k / n, k % n)).collect(),
            loss: losses.iter().sum::<f64>() / n.max(1) as f64,
            cosines,
            rows,
            columns,
            losses,
        }
    }
}

/// ∂loss/∂vector of both sides, each [n, D], from ∂loss/∂cosine [n, n].
///
/// With u = a/|a|: ∂L/∂a = (g − (g·u)u)/|a|, g = Σⱼ ∂L/∂cᵢⱼ·vⱼ. A vector of zeros has no direction
/// and gets no gradient.
pub fn vector_gradients(
    gradient: &[f64],
    anchors: &[Vec<f64>],
    positives: &[Vec<f64>],
) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let n = anchors.len().min(positives.len());
    let (u, v) = (units(&anchors[..n]), units(&positives[..n]));
    let towards = |others: &[Vec<f64>], weight: &dyn Fn(usize) -> f64| {
        let mut g = vec![0.; others.first().map_or(0, Vec::len)];
        for (j, other) in others.iter().enumerate() {
            let w = weight(j);
            g.iter_mut().zip(other).for_each(|(g, x)| *g += w * x);
        }
        g
    };
    let of_anchor = |i: usize| {
        let g = towards(&v, &|j| gradient[i * n + j]);
        through_norm(&g, &u[i], norm(&anchors[i]))
    };
    let of_positive = |j: usize| {
        let g = towards(&u, &|i| gradient[i * n + j]);
        through_norm(&g, &v[j], norm(&positives[j]))
    };
    (
        (0..n).map(of_anchor).collect(),
        (0..n).map(of_positive).collect(),
    )
}

/// Mean of 1 − cos(xᵢ, tᵢ), and its gradient by each xᵢ, [n, D]: distillation from a teacher's
/// vectors of the same texts.
pub fn cosine_distance(vectors: &[Vec<f64>], targets: &[Vec<f64>]) -> (f64, Vec<Vec<f64>>) {
    let n = vectors.len().min(targets.len());
    let mut loss = 0.;
    let mut gradients = Vec::with_capacity(n);
    for (x, t) in vectors.iter().zip(targets) {
        let (length, target) = (norm(x), norm(t));
        loss += (1. - quotient(dot(x, t), length * target)) / n as f64;
        let scale = quotient(-1. / n as f64, target);
        let g: Vec<f64> = t.iter().map(|t| t * scale).collect();
        gradients.push(through_norm(&g, &unit(x), length));
    }
    (loss, gradients)
}

/// Chains ∂L/∂u to ∂L/∂a for u = a/|a|.
fn through_norm(g: &[f64], u: &[f64], length: f64) -> Vec<f64> {
    let along = dot(g, u);
    let part = |(g, u): (&f64, &f64)| quotient(g - along * u, length);
    g.iter().zip(u).map(part).collect()
}

fn unit(vector: &[f64]) -> Vec<f64> {
    let length = norm(vector);
    vector.iter().map(|x| quotient(*x, length)).collect()
}

fn units(vectors: &[Vec<f64>]) -> Vec<Vec<f64>> {
    vectors.iter().map(|v| unit(v)).collect()
}

/// cos(aᵢ, bⱼ), [n, n].
fn cross(a: &[Vec<f64>], b: &[Vec<f64>]) -> Vec<f64> {
    let (a, b) = (units(a), units(b));
    let row = |x: &Vec<f64>| b.iter().map(|y| dot(x, y)).collect::<Vec<_>>();
    a.iter().flat_map(row).collect()
}

fn softmax_rows(cosines: &[f64], n: usize, temperature: f64) -> Vec<f64> {
    let mut out = Vec::with_capacity(n * n);
    for row in cosines.chunks(n.max(1)) {
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = row
            .iter()
            .map(|c| ((c - largest) / temperature).exp())
            .collect();
        let sum: f64 = weights.iter().sum();
        out.extend(weights.into_iter().map(|w| w / sum));
    }
    out
}

fn transposed(matrix: &[f64], n: usize) -> Vec<f64> {
    (0..n * n).map(|k| matrix[k % n * n + k / n]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fixed and irregular, so that no two entries are alike.
    fn batch(n: usize, d: usize, shift: f64) -> Vec<Vec<f64>> {
        let value = |i: usize, k: usize| ((i * d + k) as f64 * 0.7 + shift).sin() + 0.1 * k as f64;
        (0..n)
            .map(|i| (0..d).map(|k| value(i, k)).collect())
            .collect()
    }

    fn slope(
        vectors: &[Vec<f64>],
        loss: impl Fn(&[Vec<f64>]) -> f64,
        (i, k): (usize, usize),
    ) -> f64 {
        const STEP: f64 = 1e-5;
        let moved = |by: f64| {
            let mut moved = vectors.to_vec();
            moved[i][k] += by;
            loss(&moved)
        };
        (moved(STEP) - moved(-STEP)) / (2. * STEP)
    }

    #[test]
    fn gradients_are_the_slopes_of_the_losses() {
        let (a, b) = (batch(4, 6, 0.), batch(4, 6, 1.3));
        for symmetric in [false, true] {
            let loss = InfoNce {
                temperature: 0.2,
                symmetric,
            };
            let contrast = loss.contrast(&a, &b);
            let (by_a, by_b) = vector_gradients(&contrast.gradient, &a, &b);
            for at in [(0, 0), (1, 3), (3, 5)] {
                let expected = slope(&a, |a| loss.contrast(a, &b).loss, at);
                assert!((by_a[at.0][at.1] - expected).abs() < 1e-8);
                let expected = slope(&b, |b| loss.contrast(&a, b).loss, at);
                assert!((by_b[at.0][at.1] - expected).abs() < 1e-8);
            }
        }
        let (_, gradient) = cosine_distance(&a, &b);
        for at in [(0, 1), (2, 4)] {
            let expected = slope(&a, |a| cosine_distance(a, &b).0, at);
            assert!((gradient[at.0][at.1] - expected).abs() < 1e-8);
        }
    }

    #[test]
    fn a_batch_of_one_pair_has_nothing_to_learn_and_zeros_do_no_harm() {
        let loss = InfoNce {
            temperature: 0.05,
            symmetric: true,
        };
        let one = loss.contrast(&batch(1, 3, 0.), &batch(1, 3, 2.));
        assert_eq!((one.loss, one.gradient[0]), (0., 0.));
        let empty = loss.contrast(&[], &[]);
        assert_eq!((empty.loss, empty.losses.len()), (0., 0));

        let zeros = vec![vec![0.; 3], vec![1., 0., 0.]];
        let contrast = loss.contrast(&zeros, &batch(2, 3, 1.));
        let (by_zeros, _) = vector_gradients(&contrast.gradient, &zeros, &batch(2, 3, 1.));
        assert!(contrast.loss.is_finite());
        assert_eq!(by_zeros[0], vec![0.; 3]);
    }

    #[test]
    fn a_colder_batch_punishes_the_nearest_negative_most() {
        let (a, b) = (batch(3, 5, 0.), batch(3, 5, 0.4));
        let at = |temperature| {
            InfoNce {
                temperature,
                symmetric: false,
            }
            .contrast(&a, &b)
        };
        let (cold, warm) = (at(0.02), at(1.));
        let spread = |c: &Contrast| {
            let negatives = [c.gradient[1], c.gradient[2]];
            negatives[0].max(negatives[1]) / negatives[0].min(negatives[1])
        };
        assert!(spread(&cold) > 100. * spread(&warm));
    }
}
