//! The common share: how much of a score any two texts would get.

use super::{EXACT, PairMatrix};
use crate::analysis::vectors::{cosine, dot, norm, quotient};

/// With μ the mean of background vectors, a = μ + a′ and b = μ + b′:
/// cos = (μ·μ + μ·b′ + a′·μ + a′·b′)/(|a||b|). The first term is what the model gives to everything
/// (anisotropy: Ethayarajh 2019), the last what is particular to the two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CommonShare {
    /// μ·μ/(|a||b|)
    pub common: f64,
    /// μ·b′/(|a||b|)
    pub common_b: f64,
    /// a′·μ/(|a||b|)
    pub a_common: f64,
    /// a′·b′/(|a||b|)
    pub own: f64,
    /// cos(a, b)
    pub cos: f64,
    /// cos(a′, b′): the score that centring would give.
    pub centred: f64,
}

impl CommonShare {
    /// a, b and the background's `mean` are [E], before or after Normalize alike.
    pub fn new(a: &[f64], b: &[f64], mean: &[f64]) -> Self {
        let rest =
            |vector: &[f64]| -> Vec<f64> { vector.iter().zip(mean).map(|(x, m)| x - m).collect() };
        let (rest_a, rest_b) = (rest(a), rest(b));
        let lengths = norm(a) * norm(b);
        let part = |x: &[f64], y: &[f64]| quotient(dot(x, y), lengths);
        Self {
            common: part(mean, mean),
            common_b: part(mean, &rest_b),
            a_common: part(&rest_a, mean),
            own: part(&rest_a, &rest_b),
            cos: cosine(a, b),
            centred: cosine(&rest_a, &rest_b),
        }
    }

    /// The four terms, rows `common` and `own` of a, columns those of b: [2, 2].
    pub fn matrix(&self) -> PairMatrix {
        let names = || vec!["common".to_owned(), "own".to_owned()];
        PairMatrix {
            values: vec![self.common, self.common_b, self.a_common, self.own],
            rows: names(),
            columns: names(),
            explains: self.cos,
            tolerance: EXACT,
            seconds: 0.,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_terms_sum_to_the_cosine() {
        let (mean, a, b) = ([10., 0., 0.], [11., 2., 0.], [9., 0., 3.]);
        let share = CommonShare::new(&a, &b, &mean);
        let lengths = norm(&a) * norm(&b);
        let terms = [share.common, share.common_b, share.a_common, share.own];
        for (term, truth) in terms.into_iter().zip([100., -10., 10., -1.]) {
            assert!((term * lengths - truth).abs() < 1e-12);
        }
        assert!(share.matrix().holds());
        assert!((share.centred - -1. / 50_f64.sqrt()).abs() < 1e-12);
        let nothing = CommonShare::new(&a, &b, &[0.; 3]);
        assert_eq!((nothing.own, nothing.common), (nothing.cos, 0.));
    }
}
