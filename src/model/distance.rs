//! What the distance between two tokens adds to a score, without looking at their content.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};

use super::ops::ByDistance;
use super::spec::{Disentangled, DistanceBias};

impl DistanceBias {
    /// The numbers for distances up to `farthest`; `table` [buckets, H] are the learned ones.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub fn by_distance(
        self,
        table: Option<&Tensor>,
        heads: usize,
        farthest: usize,
    ) -> candle_core::Result<ByDistance> {
        let distances = -(farthest as isize)..=farthest as isize;
        let values = match (self, table) {
            (Self::Buckets { buckets, farthest }, Some(table)) => {
                let table = table.to_device(&Device::Cpu)?.to_dtype(DType::F32)?;
                let table: Vec<Vec<f32>> = table.to_vec2()?;
                let of_head = |h: usize| {
                    let distances = distances.clone();
                    let row = |distance| bucket(distance, buckets, farthest);
                    distances.map(move |distance| (row(distance), h))
                };
                let cells = (0..heads).flat_map(of_head);
                cells.map(|(row, h)| table[row][h]).collect()
            }
            (Self::Buckets { .. }, None) => {
                candle_core::bail!("the table of relative positions is missing")
            }
            (Self::Alibi, _) => {
                let slopes = alibi_slopes(heads);
                let of_head = |slope: f32| {
                    distances
                        .clone()
                        .map(move |d| -slope * d.unsigned_abs() as f32)
                };
                slopes.into_iter().flat_map(of_head).collect()
            }
        };
        Ok(ByDistance {
            farthest,
            table: Arc::new(values),
        })
    }
}

/// The bucket of key − query (Raffel et al. 2020, §2.1; both directions).
pub fn bucket(distance: isize, buckets: usize, farthest: usize) -> usize {
    let half = buckets / 2;
    let behind = if distance > 0 { half } else { 0 };
    let (n, single) = (distance.unsigned_abs(), half / 2);
    if n < single {
        return behind + n;
    }
    // In f32 and in this order, as the reference does: at the edges of buckets rounding decides.
    let wide = (n as f32 / single as f32).ln() / (farthest as f32 / single as f32).ln();
    let wide = single + (wide * (half - single) as f32) as usize;
    behind + wide.min(half - 1)
}

/// A slope for each head: 2^(−8i/n) for a power of two, and every other slope of the next power for
/// the rest (Press et al. 2022).
pub fn alibi_slopes(heads: usize) -> Vec<f32> {
    let of_power = |n: usize| {
        let start = 2f64.powf(-8. / n as f64);
        (1..=n).map(move |i| start.powi(i as i32) as f32)
    };
    let power = match heads.is_power_of_two() {
        true => heads,
        false => heads.next_power_of_two() / 2,
    };
    let rest = of_power(2 * power.max(1)).step_by(2);
    of_power(power.max(1)).chain(rest).take(heads).collect()
}

impl Disentangled {
    /// The row of the relative table for query − key.
    pub fn row(self, distance: isize) -> usize {
        let span = self.buckets as isize;
        let distance = match self.farthest {
            Some(farthest) => log_bucket(distance, self.buckets, farthest),
            None => distance,
        };
        (distance + span).clamp(0, 2 * span - 1) as usize
    }

    /// [`Self::row`] of every query and key: [H, T, T].
    ///
    /// # Errors
    /// Those of allocating a tensor.
    pub fn rows(
        self,
        heads: usize,
        places: &[usize],
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        let row = |query: usize, key: usize| self.row(query as isize - key as isize) as u32;
        let rows = places.iter();
        let cells = rows.flat_map(|&query| places.iter().map(move |&key| row(query, key)));
        let (cells, t) = (cells.collect::<Vec<u32>>(), places.len());
        let one = Tensor::from_vec(cells, (1, t, t), device)?;
        one.expand((heads, t, t))?.contiguous()
    }
}

/// Single distances up to half of the buckets, then logarithmic ones up to `farthest`.
fn log_bucket(distance: isize, buckets: usize, farthest: usize) -> isize {
    let middle = buckets / 2;
    let n = distance.unsigned_abs();
    if n <= middle {
        return distance;
    }
    let wide = (n as f32 / middle as f32).ln() / ((farthest - 1) as f32 / middle as f32).ln();
    let wide = (wide * (middle - 1) as f32).ceil() as isize + middle as isize;
    wide * distance.signum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_single_then_wide_and_apart_by_direction() {
        let near: Vec<usize> = (0..8).map(|n| bucket(-n, 32, 128)).collect();
        assert_eq!(near, [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(bucket(1, 32, 128), 17);
        assert_eq!(bucket(-8, 32, 128), 8);
        assert_eq!(bucket(-127, 32, 128), 15);
        assert_eq!(bucket(9_999, 32, 128), 31);
        let rising = (1..500).map(|n| bucket(n, 32, 128)).collect::<Vec<_>>();
        assert!(rising.is_sorted());
    }

    #[test]
    fn slopes_of_twelve_heads_are_those_of_eight_and_every_other_of_sixteen() {
        let slopes = alibi_slopes(12);
        assert_eq!(slopes.len(), 12);
        assert_eq!(&slopes[..3], &[0.5, 0.25, 0.125]);
        assert!((slopes[8] - 2f32.powf(-0.5)).abs() < 1e-6);
        assert!((slopes[9] - 2f32.powf(-1.5)).abs() < 1e-6);
    }

    #[test]
    fn relative_rows_are_odd_around_the_middle() {
        let spec = Disentangled {
            buckets: 8,
            farthest: Some(64),
            content_to_position: true,
            position_to_content: true,
            normed: true,
            shares_products: true,
        };
        assert_eq!(spec.row(0), 8);
        assert_eq!((spec.row(3), spec.row(-3)), (11, 5));
        assert_eq!((spec.row(400), spec.row(-400)), (15, 0));
    }
}
