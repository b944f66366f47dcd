//! A layer norm with the σ that it had for one text.

use candle_core::Device;

use crate::model::ModelError;
use crate::model::weights::Norm;

/// c ↦ g ⊙ (c − mean c)/σ_t for the part c of token t's state; the norm's own β is added once, to
/// the biases. Linear, and exact for the sum of all parts (Kobayashi et al. 2021).
pub struct FrozenNorm {
    pub weight: Vec<f64>, // g, [D]
    pub bias: Vec<f64>,   // β, [D]
    /// 1/σ_t with σ² = var + ε over the whole state: [T].
    pub scale: Vec<f64>,
}

impl FrozenNorm {
    /// For the states `before` the norm, [T, D].
    ///
    /// # Errors
    /// When the norm's weights cannot be read.
    pub fn new(norm: &Norm, before: &[f64], hidden: usize) -> Result<Self, ModelError> {
        let on_cpu = |tensor: &candle_core::Tensor| -> Result<Vec<f64>, ModelError> {
            let values: Vec<f32> = tensor.to_device(&Device::Cpu)?.to_vec1()?;
            Ok(values.into_iter().map(f64::from).collect())
        };
        let scale = |row: &[f64]| {
            let mean = row.iter().sum::<f64>() / hidden as f64;
            let square = |x: &f64| (x - mean) * (x - mean);
            let variance = row.iter().map(square).sum::<f64>() / hidden as f64;
            1. / (variance + norm.eps).sqrt()
        };
        Ok(Self {
            weight: on_cpu(&norm.weight)?,
            bias: on_cpu(&norm.bias)?,
            scale: before.chunks_exact(hidden.max(1)).map(scale).collect(),
        })
    }

    /// One part of every token's state, [T, D], in place. Without β.
    pub fn apply(&self, part: &mut [f64]) {
        let rows = part.chunks_exact_mut(self.weight.len()).zip(&self.scale);
        for (row, scale) in rows {
            let mean = row.iter().sum::<f64>() / row.len() as f64;
            for (x, weight) in row.iter_mut().zip(&self.weight) {
                *x = weight * (*x - mean) * scale;
            }
        }
    }

    /// The same on f32 parts, with what a block wrote added first: part ← norm(part + written). The
    /// arithmetic is in f64.
    pub fn apply_to_sum(&self, part: &mut [f32], written: &[f32]) {
        let width = self.weight.len();
        let rows = part
            .chunks_exact_mut(width)
            .zip(written.chunks_exact(width));
        let mut sum = vec![0.; width];
        for ((row, written), scale) in rows.zip(&self.scale) {
            let cells = sum.iter_mut().zip(row.iter()).zip(written);
            cells.for_each(|((sum, &x), &y)| *sum = f64::from(x) + f64::from(y));
            let mean = sum.iter().sum::<f64>() / width as f64;
            for ((x, sum), weight) in row.iter_mut().zip(&sum).zip(&self.weight) {
                *x = (weight * (sum - mean) * scale) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Tensor;

    #[test]
    fn parts_sum_to_what_the_norm_makes_of_their_sum() {
        let vector = |values: &[f32]| Tensor::new(values, &Device::Cpu).unwrap();
        let norm = Norm {
            weight: vector(&[1., -2., 0.5]),
            bias: vector(&[0.1, 0.2, 0.3]),
            eps: 1e-5,
        };
        let parts = [vec![1., 2., -4.], vec![0.5, 7., 3.]];
        let whole: Vec<f64> = parts[0].iter().zip(&parts[1]).map(|(a, b)| a + b).collect();
        let frozen = FrozenNorm::new(&norm, &whole, 3).unwrap();
        let mut sum = frozen.bias.clone();
        for mut part in parts.clone() {
            frozen.apply(&mut part);
            sum.iter_mut().zip(part).for_each(|(sum, x)| *sum += x);
        }
        let mean = whole.iter().sum::<f64>() / 3.;
        let variance = whole.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 3.;
        for k in 0..3 {
            let normed = (whole[k] - mean) / (variance + 1e-5).sqrt();
            let expected = frozen.weight[k] * normed + frozen.bias[k];
            assert!((sum[k] - expected).abs() < 1e-12);
        }
        let single = |part: &[f64]| part.iter().map(|&x| x as f32).collect::<Vec<_>>();
        let (mut x, y) = (single(&parts[0]), single(&parts[1]));
        frozen.apply_to_sum(&mut x, &y);
        for (k, x) in x.iter().enumerate() {
            assert!((f64::from(*x) + frozen.bias[k] - sum[k]).abs() < 1e-6);
        }
    }
}
