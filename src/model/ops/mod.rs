//! The maths of a block, four times: a fused fast path, the same with gradients, the same with
//! tangents, and candle's own operations, which run on any device. All are tested equal.

mod attend;
mod few_rows;
mod fused;
mod graph;
mod heads;
mod kept;
mod kernels;
mod padded;
mod panels;
mod raw;
mod slopes;
mod tangent;
mod tape;
mod tape_attention;
mod team;
mod tiled;
mod wide;

use candle_core::{Device, Result, Tensor};

use super::rotary::Turns;
use super::spec::Activation;
use super::weights::{Linear, Norm};
pub use attend::{Attend, ByDistance, Rows};
pub(super) use kept::Kept;
pub(super) use kernels::softmax;
pub(super) use padded::More;
pub use panels::Panels;
pub(super) use raw::with_slice;
pub(super) use tiled::{Watch, score_rows};

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

    /// The same path for values with `heads` rows in the place of each.
    pub fn of_heads(self, heads: usize) -> Self {
        match self {
            Self::Tangent { rows } => Self::Tangent { rows: rows * heads },
            other => other,
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

    /// The activation of x·Wᵀ + b and, where `kept`, that itself before it. [n, in] to [n, out].
    pub fn activated(
        self,
        x: &Tensor,
        layer: &Linear,
        activation: Activation,
        kept: bool,
    ) -> Result<(Option<Tensor>, Tensor)> {
        if self == Self::Fused {
            return fused::activated(x, layer, activation, kept);
        }
        let out = self.linear(x, layer)?;
        let active = self.activate(&out, activation)?;
        Ok((kept.then_some(out), active))
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

    /// norm(x), [n, D].
    pub fn norm(self, x: &Tensor, norm: &Norm) -> Result<Tensor> {
        self.add_norm(x, None, norm)
    }

    /// x + y, both of one shape.
    pub fn add(self, x: &Tensor, y: &Tensor) -> Result<Tensor> {
        match self {
            // Linear, so that tangents add up as values do.
            Self::Fused | Self::Tangent { .. } => fused::add(x, y),
            Self::Tape | Self::Graph => x + y,
        }
    }

    /// x ⊙ y, both of one shape.
    pub fn times(self, x: &Tensor, y: &Tensor) -> Result<Tensor> {
        match self {
            Self::Fused => fused::times(x, y),
            Self::Tangent { rows } => tangent::times(rows, x, y),
            Self::Tape | Self::Graph => x * y,
        }
    }

    /// The `count` largest of each row's softmax, 0 for the others: [n, experts] to the same.
    pub fn choose(self, logits: &Tensor, count: usize) -> Result<Tensor> {
        match self {
            Self::Tangent { rows } => tangent::choose(rows, logits, count),
            Self::Fused | Self::Tape | Self::Graph => graph::choose(logits, count),
        }
    }

    /// Turns the first `count` heads of every row: x [n, m, d] to the same, row i by `turns` i.
    pub fn rotate(self, x: &Tensor, count: usize, turns: &Turns) -> Result<Tensor> {
        match self {
            // Linear in x, so that tangents turn as values do.
            Self::Fused | Self::Tangent { .. } => fused::rotate(x, count, turns),
            Self::Tape | Self::Graph => graph::rotate(x, count, turns),
        }
    }

    /// scale·q·kᵀ: q [H, T, d], k [K, T, d] to [H, T, T].
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

    /// pattern·v: [H, T, T], [K, T, d] to [T, H, d].
    pub fn mix(self, pattern: &Tensor, v: &Tensor) -> Result<Tensor> {
        match self {
            Self::Fused => fused::mix(pattern, v),
            Self::Tape | Self::Graph => graph::mix(pattern, v),
            Self::Tangent { .. } => tangent::staged(),
        }
    }

    /// [`Self::scores`], [`Self::softmax`] and [`Self::mix`] at once, where the path has that.
    ///
    /// # Errors
    /// As theirs.
    pub(super) fn kept_attention(
        self,
        (q, k, v): (&Tensor, &Tensor, &Tensor),
        scale: f64,
    ) -> Option<Result<Kept>> {
        (self == Self::Fused).then(|| kept::attention(q, k, v, scale))
    }

    /// Whether [`Self::attention`] takes something more into the scores.
    pub fn takes_more(self) -> bool {
        self == Self::Graph
    }

    /// [`Self::attention`] with `more` added to the scaled scores.
    ///
    /// # Errors
    /// Where the path has no such thing.
    pub(super) fn attention_with(
        self,
        qkv: &Tensor,
        (attend, more): (&Attend, More<'_>),
        rows: &Rows,
        watch: Option<Watch<'_>>,
    ) -> Result<Tensor> {
        match self.takes_more() {
            true => padded::attention(qkv, attend, rows, Some(more), watch),
            false => candle_core::bail!("the fused paths add to scores stage by stage"),
        }
    }

    /// All of attention at once with no map kept, for texts packed one behind the other.
    /// The paths without gradients and tangents show their maps to `watch` as they pass by.
    /// [ΣT, H + 2·K, d] to [ΣT, H·d].
    pub fn attention(
        self,
        qkv: &Tensor,
        attend: &Attend,
        rows: &Rows,
        watch: Option<Watch<'_>>,
    ) -> Result<Tensor> {
        match self {
            Self::Fused => tiled::attention(qkv, attend, rows, watch),
            Self::Tape => tape_attention::attention(qkv, attend, rows),
            Self::Tangent { rows: block } => tangent::attention(block, qkv, attend, rows),
            Self::Graph => padded::attention(qkv, attend, rows, None, watch),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::spec::NormKind;
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
            let layer = Linear::new(scaled(random(&[f, d])), random(&[f]));
            let norm = Norm {
                weight: random(&[d]),
                bias: random(&[d]),
                eps: 1e-12,
                kind: NormKind::Layer,
            };
            let residual = random(&[t, d]);
            close(
                &Ops::Fused.linear(&x, &layer).unwrap(),
                &Ops::Graph.linear(&x, &layer).unwrap(),
            );
            for (residual, kind) in [
                (None, NormKind::Layer),
                (Some(&residual), NormKind::Layer),
                (Some(&residual), NormKind::Rms),
            ] {
                let norm = Norm {
                    kind,
                    ..norm.clone()
                };
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
                Activation::Tanh,
            ] {
                close(
                    &Ops::Fused.activate(&x, activation).unwrap(),
                    &Ops::Graph.activate(&x, activation).unwrap(),
                );
            }
        }
    }

    /// Also of values that do not lie in one piece.
    #[test]
    fn sums_and_products_are_those_of_each_element() {
        let x = random(&[300, 400]);
        let y = random(&[400, 300]).t().unwrap();
        close(&Ops::Fused.add(&x, &y).unwrap(), &(&x + &y).unwrap());
        close(&Ops::Fused.times(&x, &y).unwrap(), &(&x * &y).unwrap());
        assert!(Ops::Fused.add(&x, &y.t().unwrap()).is_err());
    }

    #[test]
    fn attention_in_one_piece_and_in_stages_agree() {
        let rows = Rows::whole([1, 7, 62]);
        for attend in attend::every_kind(62) {
            let qkv = random(&[70, attend.row() / attend.size, attend.size]);
            let whole = Ops::Fused.attention(&qkv, &attend, &rows, None).unwrap();
            for ops in [Ops::Fused, Ops::Graph] {
                close(&attend::staged(ops, &qkv, &attend, &rows), &whole);
            }
        }
    }

    #[test]
    fn turning_some_heads_leaves_the_others() {
        let rotary = super::super::rotary::Rotary::new(100., 6);
        let turns = rotary.turns(&[0, 3, 17]);
        let x = random(&[3, 5, 8]);
        let turned = Ops::Fused.rotate(&x, 4, &turns).unwrap();
        close(&turned, &Ops::Graph.rotate(&x, 4, &turns).unwrap());
        close(
            &turned.narrow(1, 4, 1).unwrap(),
            &x.narrow(1, 4, 1).unwrap(),
        );
        close(
            &turned.narrow(0, 0, 1).unwrap(),
            &x.narrow(0, 0, 1).unwrap(),
        );
        let change = (&turned - &x).unwrap().abs().unwrap().sum_all().unwrap();
        assert!(change.to_scalar::<f32>().unwrap() > 1.);
    }
}
