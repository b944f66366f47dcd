//! The maths of a block, four times: a fused fast path, the same with gradients, the same with
//! tangents, and candle's own operations, which run on any device. All are tested equal.

mod few_rows;
mod fused;
mod graph;
mod kernels;
mod raw;
mod slopes;
mod tangent;
mod tape;

use candle_core::{Device, Result, Tensor};

use super::spec::Activation;
use super::weights::{Linear, Norm};

/// Which of the paths runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ops {
    /// Fused kernels: f32 on the CPU, no gradients.
    Fused,
    /// Fused kernels with gradients: f32 on the CPU. What to train with there.
    Tape,
    /// Fused kernels in forward mode: f32 on the CPU. The first `rows` rows of every value are the
    /// value itself, and each further block of as many rows one tangent of it: how it changes along
    /// one direction of the input. The texts of a pass are those of the value, once for each block.
    Tangent { rows: usize },
    /// Candle's operations: any device, with gradients.
    Graph,
}

impl Ops {
    /// The fastest path on a device.
    pub fn fastest(device: &Device) -> Self {
        match device.is_cpu() {
            true => Self::Fused,
            false => Self::Graph,
        }
    }

    /// The fastest path with gradients on a device.
    pub fn differentiable(device: &Device) -> Self {
        match device.is_cpu() {
            true => Self::Tape,
            false => Self::Graph,
        }
    }

    /// x·Wᵀ + b. [n, in] to [n, out].
    pub fn linear(self, x: &Tensor, layer: &Linear) -> Result<Tensor> {
        match self {
            Self::Fused => fused::linear(x, layer),
            Self::Tape => tape::linear(x, layer),
            Self::Tangent { rows } => tangent::linear(rows, x, layer),
            Self::Graph => graph::linear(x, layer),
        }
    }

    /// Element by element.
    pub fn activate(self, x: &Tensor, activation: Activation) -> Result<Tensor> {
        match self {
            Self::Fused => fused::activate(x, activation),
            Self::Tape => tape::activate(x, activation),
            Self::Tangent { rows } => tangent::activate(rows, x, activation),
            Self::Graph => graph::activate(x, activation),
        }
    }

    /// norm(x + residual), [n, D].
    pub fn add_norm(self, x: &Tensor, residual: Option<&Tensor>, norm: &Norm) -> Result<Tensor> {
        match self {
            Self::Fused => fused::add_norm(x, residual, norm),
            Self::Tape => tape::add_norm(x, residual, norm),
            Self::Tangent { rows } => tangent::add_norm(rows, x, residual, norm),
            Self::Graph => graph::add_norm(x, residual, norm),
        }
    }

    /// scale·q·kᵀ, [H, T, T].
    pub fn scores(self, q: &Tensor, k: &Tensor, scale: f64) -> Result<Tensor> {
        match self {
            Self::Fused => fused::scores(q, k, scale),
            Self::Tape | Self::Graph => graph::scores(q, k, scale),
            Self::Tangent { .. } => tangent::staged(),
        }
    }

    /// Over the last axis.
    pub fn softmax(self, scores: &Tensor) -> Result<Tensor> {
        match self {
            Self::Fused => fused::softmax(scores),
            Self::Tape | Self::Graph => graph::softmax(scores),
            Self::Tangent { .. } => tangent::staged(),
        }
    }

    /// pattern·v, [T, H, d].
    pub fn mix(self, pattern: &Tensor, v: &Tensor) -> Result<Tensor> {
        match self {
            Self::Fused => fused::mix(pattern, v),
            Self::Tape | Self::Graph => graph::mix(pattern, v),
            Self::Tangent { .. } => tangent::staged(),
        }
    }

    /// All of attention at once with nothing kept, for texts packed one behind the other; `None`
    /// where this path has no such operation. [ΣT, 3, H, d] to [ΣT, H·d].
    pub fn attention(
        self,
        qkv: &Tensor,
        texts: &[std::ops::Range<usize>],
        scale: f64,
    ) -> Option<Result<Tensor>> {
        match self {
            Self::Fused => Some(fused::attention(qkv, texts, scale)),
            Self::Tape => Some(tape::attention(qkv, texts, scale)),
            Self::Tangent { rows } => Some(tangent::attention(rows, qkv, texts, scale)),
            Self::Graph => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(shape: &[usize]) -> Tensor {
        Tensor::randn(0f32, 1.5, shape, &Device::Cpu).unwrap()
    }

    fn close(a: &Tensor, b: &Tensor) {
        assert_eq!(a.dims(), b.dims());
        let difference = (a - b).unwrap().abs().unwrap().flatten_all().unwrap();
        let largest = difference.max(0).unwrap().to_scalar::<f32>().unwrap();
        assert!(largest < 2e-5, "the paths differ by {largest}");
    }

    #[test]
    fn both_paths_agree_at_sizes_around_every_chunk() {
        for (t, d, f) in [(1, 8, 3), (7, 33, 65), (40, 96, 200), (130, 384, 512)] {
            let x = random(&[t, d]);
            let scaled = |t: Tensor| (t / (d as f64).sqrt()).unwrap();
            let layer = Linear {
                weight: scaled(random(&[f, d])),
                bias: random(&[f]),
            };
            let norm = Norm {
                weight: random(&[d]),
                bias: random(&[d]),
                eps: 1e-12,
            };
            let residual = random(&[t, d]);
            close(
                &Ops::Fused.linear(&x, &layer).unwrap(),
                &Ops::Graph.linear(&x, &layer).unwrap(),
            );
            for residual in [None, Some(&residual)] {
                close(
                    &Ops::Fused.add_norm(&x, residual, &norm).unwrap(),
                    &Ops::Graph.add_norm(&x, residual, &norm).unwrap(),
                );
            }
            for activation in [
                Activation::Gelu,
                Activation::GeluTanh,
                Activation::Relu,
                Activation::Silu,
            ] {
                close(
                    &Ops::Fused.activate(&x, activation).unwrap(),
                    &Ops::Graph.activate(&x, activation).unwrap(),
                );
            }
        }
    }

    #[test]
    fn attention_in_one_piece_and_in_stages_agree() {
        let (heads, size) = (3, 16);
        let texts = [0..1, 1..8, 8..70];
        let qkv = random(&[70, 3, heads, size]);
        let whole = Ops::Fused.attention(&qkv, &texts, 0.25).unwrap().unwrap();
        for text in texts {
            let rows = qkv.narrow(0, text.start, text.len()).unwrap();
            let part = |i| {
                rows.narrow(1, i, 1)
                    .unwrap()
                    .squeeze(1)
                    .unwrap()
                    .transpose(0, 1)
                    .unwrap()
            };
            let (q, k, v) = (part(0), part(1), part(2));
            let expected = whole.narrow(0, text.start, text.len()).unwrap();
            for ops in [Ops::Fused, Ops::Graph] {
                let pattern = ops.softmax(&ops.scores(&q, &k, 0.25).unwrap()).unwrap();
                let out = ops.mix(&pattern, &v).unwrap();
                close(&out.reshape((text.len(), heads * size)).unwrap(), &expected);
            }
        }
    }
}
