//! Dimensions: the cosine as a sum over the coordinates of the two vectors, and what it would be
//! without some of them.

use super::{EXACT, PairMatrix};
use crate::analysis::vectors::{cosine, dot, norm, quotient};

/// A dimension is rogue where it alone carries more than this share of a score.
pub const ROGUE: f64 = 0.2;

/// c_k = a_k·b_k/(|a||b|) for every dimension k; Σ_k c_k = cos(a, b). For sentence vectors as well
/// as for pooled ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Dims {
    /// c, [E]
    pub parts: Vec<f64>,
    /// cos(a, b)
    pub cos: f64,
    a: Vec<f64>,
    b: Vec<f64>,
}

impl Dims {
    /// a and b are [E].
    pub fn new(a: &[f64], b: &[f64]) -> Self {
        Self {
            parts: contributions(a, b),
            cos: cosine(a, b),
            a: a.to_vec(),
            b: b.to_vec(),
        }
    }

    /// The `count` dimensions of the largest |c_k|, largest first.
    pub fn top(&self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.parts.len()).collect();
        let size = |k: usize| self.parts[k].abs();
        order.sort_by(|&i, &j| size(j).total_cmp(&size(i)));
        order.truncate(count);
        order
    }

    /// The dimensions with |c_k| above [`ROGUE`]·|cos|, largest first (Timkey & van Schijndel 2021).
    /// A cosine near 0 makes many of them: look whether [`rogue_on_average`] agrees.
    pub fn rogue(&self) -> Vec<usize> {
        rogue(&self.parts, self.cos)
    }

    /// The cosine with the `count` largest contributors left out of both vectors, lengths included.
    pub fn without_top(&self, count: usize) -> f64 {
        self.without(&self.top(count))
    }

    /// The cosine without these dimensions, lengths included.
    pub fn without(&self, dims: &[usize]) -> f64 {
        let cut = |vector: &[f64]| {
            let mut vector = vector.to_vec();
            dims.iter().for_each(|&k| {
                if let Some(x) = vector.get_mut(k) {
                    *x = 0.;
                }
            });
            vector
        };
        cosine(&cut(&self.a), &cut(&self.b))
    }

    /// The cosine of (a − mean)/deviation and (b − mean)/deviation, both over the background; a
    /// dimension that does not vary there says nothing and is left out.
    pub fn standardised(&self, mean: &[f64], deviation: &[f64]) -> f64 {
        let standard = |vector: &[f64]| -> Vec<f64> {
            let cells = vector.iter().zip(mean).zip(deviation);
            cells.map(|((x, m), s)| quotient(x - m, *s)).collect()
        };
        cosine(&standard(&self.a), &standard(&self.b))
    }

    /// The cosine of what is left of both without their parts along `direction` (of any length):
    /// a − d·(a·d)/|d|². With the first principal axis of the background this is all-but-the-top
    /// (Mu & Viswanath 2018).
    pub fn without_direction(&self, direction: &[f64]) -> f64 {
        let square = dot(direction, direction);
        let rest = |vector: &[f64]| -> Vec<f64> {
            let along = quotient(dot(vector, direction), square);
            let cells = vector.iter().zip(direction);
            cells.map(|(x, d)| x - along * d).collect()
        };
        cosine(&rest(&self.a), &rest(&self.b))
    }

    /// The contributions along orthonormal `axes` (the background's principal ones), [axes], and of
    /// everything outside them, last: [axes + 1]. They sum to the cosine.
    pub fn along(&self, axes: &[Vec<f64>]) -> Vec<f64> {
        let lengths = norm(&self.a) * norm(&self.b);
        let one = |axis: &Vec<f64>| quotient(dot(&self.a, axis) * dot(&self.b, axis), lengths);
        let mut parts: Vec<f64> = axes.iter().map(one).collect();
        parts.push(self.cos - parts.iter().sum::<f64>());
        parts
    }

    /// One row `cosine`, and a column for each dimension by its index: [1, E].
    pub fn matrix(&self, seconds: f64) -> PairMatrix {
        PairMatrix {
            values: self.parts.clone(),
            rows: vec!["cosine".to_owned()],
            columns: (0..self.parts.len()).map(|k| k.to_string()).collect(),
            explains: self.cos,
            tolerance: EXACT,
            seconds,
        }
    }
}

fn contributions(a: &[f64], b: &[f64]) -> Vec<f64> {
    let lengths = norm(a) * norm(b);
    let products = a.iter().zip(b).map(|(x, y)| x * y);
    products.map(|product| quotient(product, lengths)).collect()
}

fn rogue(parts: &[f64], cos: f64) -> Vec<usize> {
    let above = |&k: &usize| parts[k].abs() > ROGUE * cos.abs();
    let mut found: Vec<usize> = (0..parts.len()).filter(above).collect();
    found.sort_by(|&i, &j| parts[j].abs().total_cmp(&parts[i].abs()));
    found
}

/// The dimensions that are rogue over pairs of unrelated texts: those whose mean c_k is above
/// [`ROGUE`] of the mean cosine of all pairs of `vectors`, [n] of [E]. These lift every score.
pub fn rogue_on_average(vectors: &[Vec<f64>]) -> Vec<usize> {
    let mut mean = vec![0.; vectors.first().map_or(0, Vec::len)];
    for (i, a) in vectors.iter().enumerate() {
        for b in &vectors[i + 1..] {
            let parts = contributions(a, b);
            mean.iter_mut()
                .zip(parts)
                .for_each(|(mean, part)| *mean += part);
        }
    }
    // The count of pairs divides both sides.
    rogue(&mean, mean.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: f64, truth: f64) {
        assert!((value - truth).abs() < 1e-12, "{value} is not {truth}");
    }

    /// Two vectors in which one planted dimension outweighs all others.
    fn planted() -> [Vec<f64>; 2] {
        let mut a: Vec<f64> = (0..32).map(|k| (f64::from(k) * 1.7).sin()).collect();
        let mut b: Vec<f64> = (0..32).map(|k| (f64::from(k) * 2.9 + 1.).sin()).collect();
        (a[7], b[7]) = (30., 25.);
        [a, b]
    }

    #[test]
    fn a_planted_rogue_dimension_is_flagged_and_explains_the_score() {
        let [a, b] = planted();
        let dims = Dims::new(&a, &b);
        near(dims.parts.iter().sum(), dims.cos);
        assert!(dims.matrix(0.).holds());
        assert_eq!((dims.rogue(), dims.top(1)), (vec![7], vec![7]));
        assert!(dims.cos > 0.9 && dims.without_top(1).abs() < 0.5);
        near(dims.without_top(1), dims.without(&[7]));
        let mut axis = vec![0.; 32];
        axis[7] = 4.;
        near(dims.without_direction(&axis), dims.without(&[7]));
        let third: Vec<f64> = a.iter().zip(&b).map(|(x, y)| x - 0.3 * y).collect();
        assert_eq!(rogue_on_average(&[a, b, third]), [7]);
    }

    #[test]
    fn no_dimension_of_an_even_vector_is_rogue() {
        let a: Vec<f64> = (0..32).map(|k| 1. + 0.1 * (f64::from(k)).sin()).collect();
        let b: Vec<f64> = (0..32).map(|k| 1. + 0.1 * (f64::from(k)).cos()).collect();
        let dims = Dims::new(&a, &b);
        assert!(dims.rogue().is_empty());
        assert!(rogue_on_average(&[a, b]).is_empty());
    }

    #[test]
    fn standardising_and_axes_are_what_they_say() {
        let dims = Dims::new(&[3., 5., 9.], &[1., 7., 9.]);
        let expected = cosine(&[1., 0., 0.], &[-1., 2., 0.]);
        near(dims.standardised(&[2., 5., 4.], &[1., 1., 0.]), expected);
        let axes = [vec![0.6, 0.8, 0.], vec![-0.8, 0.6, 0.]];
        let parts = dims.along(&axes);
        near(parts.iter().sum(), dims.cos);
        near(parts[2], dims.parts[2]);
        let zeros = Dims::new(&[0., 0.], &[1., 2.]);
        assert_eq!((zeros.cos, zeros.without_top(2)), (0., 0.));
    }
}
