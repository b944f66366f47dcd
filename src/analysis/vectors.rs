//! Dot products and cosines in f64.

/// Σ_k a_k·b_k.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// |a|, the Euclidean length.
pub fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// a·b/(|a||b|); 0 where one of them is all zeros, as sentence-transformers has it.
pub fn cosine(a: &[f64], b: &[f64]) -> f64 {
    quotient(dot(a, b), norm(a) * norm(b))
}

/// dot/lengths; 0 where there is no length.
pub fn quotient(dot: f64, lengths: f64) -> f64 {
    match lengths == 0. {
        true => 0.,
        false => dot / lengths,
    }
}

pub fn to_f64(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

/// The cosine of every vector with every other, [n, n] row-major. The vectors have one length.
pub fn cosines(vectors: &[Vec<f64>]) -> Vec<f64> {
    let norms: Vec<f64> = vectors.iter().map(|v| norm(v)).collect();
    let mut out = Vec::with_capacity(vectors.len() * vectors.len());
    for (a, a_norm) in vectors.iter().zip(&norms) {
        let row = vectors.iter().zip(&norms);
        out.extend(row.map(|(b, b_norm)| quotient(dot(a, b), a_norm * b_norm)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_do_not_depend_on_lengths_and_zeros_have_0() {
        let vectors = [vec![3., 4.], vec![30., 40.], vec![-4., 3.], vec![0., 0.]];
        let cosines = cosines(&vectors);
        let near = |index: usize, value: f64| assert!((cosines[index] - value).abs() < 1e-15);
        near(1, 1.); // row 0, column 1
        near(2, 0.);
        near(5, 1.);
        assert_eq!((cosines[3], cosines[15]), (0., 0.));
        assert_eq!(cosines[1], cosine(&vectors[0], &vectors[1]));
    }
}
