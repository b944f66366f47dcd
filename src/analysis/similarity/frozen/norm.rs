//! A norm with the σ that it had for one text.

use candle_core::Device;

use crate::model::ModelError;
use crate::model::spec::NormKind;
use crate::model::weights::{Norm, Norms};

/// c ↦ g ⊙ (c − mean c)/σ_t for the part c of token t's state, or g ⊙ c/σ_t for an RMS norm; the norm's
/// own β is added once, to the biases. Linear, and exact for the sum of all parts (Kobayashi et al.
/// 2021).
pub struct FrozenNorm {
    pub kind: NormKind,
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
        let kind = norm.kind;
        let scale = |row: &[f64]| {
            let mean = centre(kind, row);
            let square = |x: &f64| (x - mean) * (x - mean);
            let variance = row.iter().map(square).sum::<f64>() / hidden as f64;
            1. / (variance + norm.eps).sqrt()
        };
        Ok(Self {
            kind,
            weight: on_cpu(&norm.weight)?,
            bias: on_cpu(&norm.bias)?,
            scale: before.chunks_exact(hidden.max(1)).map(scale).collect(),
        })
    }

    /// Adds β to every row of [T, D].
    pub fn add_bias(&self, part: &mut [f64]) {
        for row in part.chunks_exact_mut(self.bias.len().max(1)) {
            row.iter_mut().zip(&self.bias).for_each(|(x, b)| *x += b);
        }
    }

    /// One part of every token's state, [T, D], in place. Without β.
    pub fn apply(&self, part: &mut [f64]) {
        let rows = part.chunks_exact_mut(self.weight.len()).zip(&self.scale);
        for (row, scale) in rows {
            let mean = centre(self.kind, row);
            for (x, weight) in row.iter_mut().zip(&self.weight) {
                *x = weight * (*x - mean) * scale;
            }
        }
    }

    /// The same on f32 parts. The arithmetic is in f64.
    pub fn apply_single(&self, part: &mut [f32]) {
        let rows = part.chunks_exact_mut(self.weight.len()).zip(&self.scale);
        let mut row_wide = vec![0.; self.weight.len()];
        for (row, scale) in rows {
            let cells = row_wide.iter_mut().zip(row.iter());
            cells.for_each(|(wide, &x)| *wide = x.into());
            let mean = centre(self.kind, &row_wide);
            for ((x, wide), weight) in row.iter_mut().zip(&row_wide).zip(&self.weight) {
                *x = (weight * (wide - mean) * scale) as f32;
            }
        }
    }
}

/// What the norm takes off each value of a row.
fn centre(kind: NormKind, row: &[f64]) -> f64 {
    match kind {
        NormKind::Layer => row.iter().sum::<f64>() / row.len().max(1) as f64,
        NormKind::Rms => 0.,
    }
}

/// The norms around attention or a feed-forward block.
pub struct FrozenNorms {
    pub before: Option<FrozenNorm>,
    pub written: Option<FrozenNorm>,
    pub joined: Option<FrozenNorm>,
    pub after: Option<FrozenNorm>,
}

impl FrozenNorms {
    /// For the residual stream `x` that the block reads and what it writes, both [T, D].
    ///
    /// # Errors
    /// When the norms' weights cannot be read.
    pub fn new(
        norms: &Norms,
        x: &[f64],
        written: &[f64],
        hidden: usize,
    ) -> Result<Self, ModelError> {
        let frozen = |norm: &Option<Norm>, before: &[f64]| {
            let frozen = norm.as_ref().map(|n| FrozenNorm::new(n, before, hidden));
            frozen.transpose()
        };
        let through = frozen(&norms.written, written)?;
        let mut added = written.to_vec();
        if let Some(norm) = &through {
            norm.apply(&mut added);
            norm.add_bias(&mut added);
        }
        let onto_x = |added: &[f64]| -> Vec<f64> {
            let cells = x.iter().zip(added);
            cells.map(|(x, y)| x + y).collect()
        };
        let mut sum = onto_x(&added);
        let joined = frozen(&norms.joined, &sum)?;
        if let Some(norm) = &joined {
            norm.apply(&mut sum);
            norm.add_bias(&mut sum);
            sum = onto_x(&sum);
        }
        Ok(Self {
            before: frozen(&norms.before, x)?,
            after: frozen(&norms.after, &sum)?,
            written: through,
            joined,
        })
    }

    /// A part of the stream that the block read, or a part of what it wrote (behind the norm of that),
    /// through the norms of their sum: [T, D], in place. Without β.
    pub fn carry(&self, part: &mut [f64], was_written: bool) {
        if let Some(norm) = &self.joined {
            let read = part.to_vec();
            norm.apply(part);
            if !was_written {
                part.iter_mut().zip(read).for_each(|(x, read)| *x += read);
            }
        }
        if let Some(after) = &self.after {
            after.apply(part);
        }
    }

    /// The constants of a block through its norms: those of the stream that it read, [T, D], become
    /// those of what it leaves; `written` are the block's own, [T, D].
    pub fn join_constants(&self, part: &mut Vec<f64>, mut written: Vec<f64>) {
        let through = |norm: &Option<FrozenNorm>, part: &mut Vec<f64>| {
            if let Some(norm) = norm {
                norm.apply(part);
                norm.add_bias(part);
            }
        };
        through(&self.written, &mut written);
        if self.joined.is_some() {
            written.iter_mut().zip(&*part).for_each(|(w, x)| *w += x);
            through(&self.joined, &mut written);
        }
        part.iter_mut().zip(&written).for_each(|(x, w)| *x += w);
        through(&self.after, part);
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
            kind: NormKind::Layer,
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
        let mut x: Vec<f32> = whole.iter().map(|&x| x as f32).collect();
        frozen.apply_single(&mut x);
        for (k, x) in x.iter().enumerate() {
            assert!((f64::from(*x) + frozen.bias[k] - sum[k]).abs() < 1e-6);
        }
    }
}
