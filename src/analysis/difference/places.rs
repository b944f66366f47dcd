//! Where paired tokens stand: what positions tell of the one text and not of the other.

use crate::analysis::position::Bias;
use crate::tokens::Pairing;

/// How much further on each paired token stands in A than in B, [P].
pub fn shifts(pairing: &Pairing) -> Vec<isize> {
    let shift = |&[i, j]: &[usize; 2]| i as isize - j as isize;
    pairing.pairs.iter().map(shift).collect()
}

/// The distance key − query of two paired tokens in A less that in B, [P queries, P keys].
pub fn distances(pairing: &Pairing) -> Vec<f32> {
    let shifts = shifts(pairing);
    let of = |query: &isize| {
        let query = *query;
        shifts.iter().map(move |key| (key - query) as f32)
    };
    shifts.iter().flat_map(of).collect()
}

/// What one head adds to the score of two paired tokens for their distance in A, less what it adds for
/// that in B, [P queries, P keys]. NaN beyond the distances that `bias` knows.
pub fn added(bias: &Bias, head: usize, pairing: &Pairing) -> Vec<f32> {
    let pairs = &pairing.pairs;
    let at = |query: usize, key: usize| bias.at(head, key as isize - query as isize);
    let less = |q: &[usize; 2], k: &[usize; 2]| Some(at(q[0], k[0])? - at(q[1], k[1])?);
    let row = |q| pairs.iter().map(move |k| less(q, k).unwrap_or(f32::NAN));
    pairs.iter().flat_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_distances_differ_by_nothing_wherever_they_stand() {
        let pairing = Pairing {
            pairs: vec![[0, 0], [1, 2], [2, 3], [5, 4]],
            ..Pairing::default()
        };
        assert_eq!(shifts(&pairing), [0, -1, -1, 1]);
        let map = distances(&pairing);
        let row = |q: usize| map[q * 4..(q + 1) * 4].to_vec();
        assert_eq!(row(0), [0., -1., -1., 1.]);
        assert_eq!(row(1), [1., 0., 0., 2.], "both moved alike");
        let bias = Bias {
            farthest: 9,
            heads: 1,
            // Twice the square of the distance.
            values: (-9..=9).map(|d: i32| (2 * d * d) as f32).collect(),
            buckets: None,
        };
        let added = added(&bias, 0, &pairing);
        assert_eq!(added[1], 2. - 8.);
        assert_eq!(added[2 * 4 + 3], 2. * 9. - 2.);
        assert_eq!(added[4 + 2], 0.);
    }
}
