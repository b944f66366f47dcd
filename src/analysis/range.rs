//! How far the colours of a map should reach.

use super::embedding::magnitude_quantile;

/// The magnitude that `share` (0 to 1) of the values do not exceed: a few extremes, often [CLS], then
/// do not leave the rest dark. More than 40 000 values are sampled evenly, which is what makes this
/// cheap enough for a large map. 0 for none.
pub fn reach(values: &[f32], share: f64) -> f32 {
    const SAMPLED: usize = 40_000;
    // Odd, so as not to fall into step with the rows of a map.
    let step = (values.len() / SAMPLED) | 1;
    magnitude_quantile(values.iter().copied().step_by(step), share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_large_values_do_not_set_the_range() {
        let mut values: Vec<f32> = (0..1000).map(|i| i as f32 / 1000.0).collect();
        values[3] = -50.0;
        let found = reach(&values, 0.995);
        assert!((found - 0.994).abs() < 2e-3, "{found}");
        assert_eq!(reach(&values, 1.0), 50.0);
        assert_eq!(reach(&[], 0.5), 0.0);
        assert_eq!(reach(&[-2.0], 0.5), 2.0);
    }

    #[test]
    fn large_maps_are_sampled_across_their_rows() {
        let map: Vec<f32> = (0..512 * 512).map(|i| (i % 512) as f32).collect();
        let found = reach(&map, 0.995);
        assert!((found - 509.0).abs() <= 2.0, "{found}");
    }
}
