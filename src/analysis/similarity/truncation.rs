//! What a cosine becomes when only the first dimensions of both vectors are kept.

use crate::analysis::vectors::quotient;

/// The cosine of the first n dimensions of `a` and `b` [E], for n = 1 to E; 0 where one of the cut
/// vectors has no length. Running sums in f64.
pub fn curve(a: &[f64], b: &[f64]) -> Vec<f64> {
    let (mut dot, mut a_square, mut b_square) = (0., 0., 0.);
    let step = |(x, y): (&f64, &f64)| {
        dot += x * y;
        a_square += x * x;
        b_square += y * y;
        quotient(dot, f64::sqrt(a_square) * f64::sqrt(b_square))
    };
    a.iter().zip(b).map(step).collect()
}

/// Sizes to which vectors of `size` dimensions are usually cut: powers of two from 8 on, its
/// half and its quarter, and `size` itself; ascending.
pub fn usual_cuts(size: usize) -> Vec<usize> {
    let powers = (3..usize::BITS).map(|k| 1_usize << k);
    let mut cuts: Vec<usize> = powers.take_while(|&power| power < size).collect();
    cuts.extend((0..3).map(|k| size >> k).filter(|&half| half > 8));
    cuts.push(size);
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::vectors::cosine;

    #[test]
    fn the_curve_is_every_cut_computed_anew() {
        let a: Vec<f64> = (0..300).map(|k| f64::from(k * 37 % 101) - 50.).collect();
        let b: Vec<f64> = (0..300).map(|k| f64::from(k * 53 % 97) - 40.).collect();
        let curve = curve(&a, &b);
        assert_eq!(curve.len(), 300);
        for (n, &cos) in (1..).zip(&curve) {
            assert!((cos - cosine(&a[..n], &b[..n])).abs() < 1e-12, "{n}");
        }
    }

    #[test]
    fn a_start_of_zeros_has_no_direction() {
        assert_eq!(
            curve(&[0., 3.], &[2., 4.]),
            [0., 12. / (3. * 20_f64.sqrt())]
        );
        assert!(curve(&[], &[]).is_empty());
    }

    #[test]
    fn usual_cuts_are_halves_and_powers_of_two() {
        let cuts = [8, 16, 32, 64, 128, 192, 256, 384, 512, 768];
        assert_eq!(usual_cuts(768), cuts);
        assert_eq!(usual_cuts(32), [8, 16, 32]);
        assert_eq!(usual_cuts(1), [1]);
    }
}
