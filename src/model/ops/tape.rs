//! The fused kernels with gradients, as candle's custom operations: f32 on the CPU. Candle keeps the
//! tape; each operation here says how its gradient flows back.

use candle_core::{CpuStorage, CustomOp1, CustomOp3, Device, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::super::spec::{Activation, NormKind};
use super::super::weights::{Linear, Norm};
use super::raw::{Matrix, by_rows, product, with_slice};
use super::{kernels, slopes};

/// x·Wᵀ + b. x [n, in] to [n, out].
pub fn linear(x: &Tensor, layer: &Linear) -> Result<Tensor> {
    x.contiguous()?
        .apply_op3(&layer.weight, &layer.bias, LinearOp)
}

/// activation(x), same shape.
pub fn activate(x: &Tensor, activation: Activation) -> Result<Tensor> {
    x.contiguous()?.apply_op1(ActivateOp(activation))
}

/// norm(x + residual). x, residual [n, D] to [n, D].
pub fn add_norm(x: &Tensor, residual: Option<&Tensor>, norm: &Norm) -> Result<Tensor> {
    let x = match residual {
        None => x.clone(),
        Some(residual) => (x + residual)?,
    };
    let (eps, kind) = (norm.eps as f32, norm.kind);
    x.contiguous()?
        .apply_op3(&norm.weight, &norm.bias, NormOp { eps, kind })
}

/// The values of an argument, which must lie in one piece.
pub(super) fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(data), Some((start, end))) => Ok(&data[start..end]),
        _ => candle_core::bail!("the differentiable fast path takes f32 in one piece on the CPU"),
    }
}

pub(super) fn tensor(values: Vec<f32>, shape: &Shape) -> Result<Tensor> {
    Tensor::from_vec(values, shape.clone(), &Device::Cpu)
}

struct LinearOp;

impl CustomOp3 for LinearOp {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (rows, input) = x_layout.shape().dims2()?;
        let (x, weight) = (slice(x, x_layout)?, slice(weight, weight_layout)?);
        let bias = slice(bias, bias_layout)?;
        let output = bias.len();
        let mut out = Vec::with_capacity(rows * output);
        for _ in 0..rows {
            out.extend_from_slice(bias);
        }
        let (x, weight) = (Matrix::dense(x, input), Matrix::dense(weight, input));
        multiply(
            (rows, output, input),
            &mut out,
            true,
            x,
            weight.transposed(),
        );
        Ok((CpuStorage::F32(out), Shape::from((rows, output))))
    }

    /// ∂x = g·W, ∂W = gᵀ·x, ∂b = Σ_rows g.
    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (rows, input) = x.dims2()?;
        let output = bias.dim(0)?;
        let mut by_x = vec![0.; if x.track_op() { rows * input } else { 0 }];
        let mut by_weight = vec![0.; if weight.track_op() { output * input } else { 0 }];
        let mut by_bias = vec![0.; if bias.track_op() { output } else { 0 }];
        with_slice(gradient, |g| {
            for g in g.chunks_exact(output) {
                by_bias.iter_mut().zip(g).for_each(|(sum, g)| *sum += g);
            }
            let g = Matrix::dense(g, output);
            with_slice(weight, |weight| {
                let weight = Matrix::dense(weight, input);
                if !by_x.is_empty() {
                    multiply((rows, input, output), &mut by_x, false, g, weight);
                }
            })?;
            with_slice(x, |x| {
                let x = Matrix::dense(x, input);
                if !by_weight.is_empty() {
                    let size = (output, input, rows);
                    multiply(size, &mut by_weight, false, g.transposed(), x);
                }
            })
        })??;
        let tracked = |values: Vec<f32>, of: &Tensor| {
            let some = !values.is_empty();
            some.then(|| tensor(values, of.shape())).transpose()
        };
        Ok((
            tracked(by_x, x)?,
            tracked(by_weight, weight)?,
            tracked(by_bias, bias)?,
        ))
    }
}

/// out = lhs·rhs, or += with `add`; out is m × n, lhs m × k, rhs k × n.
fn multiply(
    (m, n, k): (usize, usize, usize),
    out: &mut [f32],
    add: bool,
    lhs: Matrix,
    rhs: Matrix,
) {
    debug_assert_eq!(out.len(), m * n);
    // SAFETY: `out` is ours and holds m × n elements; the operands come from slices that hold as many
    // elements as the shapes of their tensors say.
    unsafe { product((m, n, k), out.as_mut_ptr(), n, add, (lhs, rhs), 1., true) };
}

struct ActivateOp(Activation);

impl CustomOp1 for ActivateOp {
    fn name(&self) -> &'static str {
        "activate"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = slice(x, layout)?;
        let mut out = vec![0.; x.len()];
        let columns = layout.dims().last().copied().unwrap_or(1);
        by_rows(x, &mut out, columns, |_, x, out| {
            kernels::activate(x, out, self.0);
        });
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let columns = x.dims().last().copied().unwrap_or(1);
        let out = with_slice(x, |x| {
            with_slice(gradient, |g| {
                let mut out = vec![0.; x.len()];
                by_rows(x, &mut out, columns, |start, x, out| {
                    let g = &g[start..start + x.len()];
                    slopes::activate(x, g, out, self.0);
                });
                out
            })
        })??;
        Ok(Some(tensor(out, x.shape())?))
    }
}

struct NormOp {
    eps: f32,
    kind: NormKind,
}

impl CustomOp3 for NormOp {
    fn name(&self) -> &'static str {
        "norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let x = slice(x, x_layout)?;
        let (weight, bias) = (slice(weight, weight_layout)?, slice(bias, bias_layout)?);
        let mut out = vec![0.; x.len()];
        by_rows(x, &mut out, weight.len(), |_, x, out| {
            kernels::norm(x, &[], weight, bias, self.eps, self.kind, out);
        });
        Ok((CpuStorage::F32(out), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let columns = weight.dim(0)?;
        let rows = x.elem_count() / columns;
        let chunk = rows.div_ceil(2 * rayon::current_num_threads()).max(1) * columns;
        let mut by_x = vec![0.; rows * columns];
        let parts: Vec<[Vec<f32>; 2]> = with_slice(x, |x| {
            with_slice(gradient, |g| {
                with_slice(weight, |weight| {
                    let inputs = x.par_chunks(chunk).zip(g.par_chunks(chunk));
                    let tasks = inputs.zip(by_x.par_chunks_mut(chunk));
                    let run = |((x, g), out): ((&[f32], &[f32]), &mut [f32])| {
                        let mut sums = [vec![0.; columns], vec![0.; columns]];
                        let [by_weight, by_bias] = &mut sums;
                        let rule = (self.eps, self.kind);
                        slopes::norm(x, g, weight, rule, out, by_weight, by_bias);
                        sums
                    };
                    tasks.map(run).collect()
                })
            })
        })???;
        let sum = |which: usize| {
            let mut sum = vec![0.; columns];
            for part in &parts {
                let pairs = sum.iter_mut().zip(&part[which]);
                pairs.for_each(|(sum, part)| *sum += part);
            }
            tensor(sum, weight.shape())
        };
        Ok((
            Some(tensor(by_x, x.shape())?),
            weight.track_op().then(|| sum(0)).transpose()?,
            bias.track_op().then(|| sum(1)).transpose()?,
        ))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::super::super::spec::NormKind;
    use super::super::attend;
    use super::super::{Ops, Rows};
    use super::*;

    /// Of each scale the same in every run: with others a short row may be negative throughout, and a ReLU's
    /// gradient nothing.
    fn random(shape: &[usize], scale: f32) -> Var {
        let mut rng = crate::training::rng::Rng::new(scale.to_bits().into());
        let count = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|_| scale * rng.normal() as f32).collect();
        Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu).unwrap()).unwrap()
    }

    /// Both paths give the same gradients by every input, for an uneven gradient of the output.
    fn same(inputs: &[&Var], run: impl Fn(Ops) -> Tensor) {
        let gradients = |ops| {
            let out = run(ops);
            let ramp = Tensor::arange(0f32, out.elem_count() as f32, &Device::Cpu).unwrap();
            let ramp = (ramp.reshape(out.shape()).unwrap() * 0.7)
                .unwrap()
                .sin()
                .unwrap();
            let gradients = (out * ramp).unwrap().sum_all().unwrap().backward().unwrap();
            let of = |input: &&Var| gradients.get(input.as_tensor()).unwrap().clone();
            inputs.iter().map(of).collect::<Vec<_>>()
        };
        for (ours, candle) in gradients(Ops::Tape).iter().zip(gradients(Ops::Graph)) {
            assert_eq!(ours.dims(), candle.dims());
            let largest = |t: &Tensor| {
                let flat = t.abs().unwrap().flatten_all().unwrap();
                flat.max(0).unwrap().to_scalar::<f32>().unwrap()
            };
            let (difference, size) = (largest(&(ours - &candle).unwrap()), largest(&candle));
            assert!(size > 0., "the gradient is there");
            assert!(difference < 3e-5 * (1. + size), "{difference} of {size}");
        }
    }

    #[test]
    fn gradients_are_those_of_candles_own_operations() {
        for (rows, input, output) in [(1, 8, 3), (7, 33, 65), (70, 192, 384)] {
            let x = random(&[rows, input], 1.5);
            let (weight, bias) = (random(&[output, input], 0.1), random(&[output], 1.1));
            let layer = Linear::new(weight.as_tensor().clone(), bias.as_tensor().clone());
            same(&[&x, &weight, &bias], |ops| ops.linear(&x, &layer).unwrap());

            let (residual, gain) = (random(&[rows, input], 1.2), random(&[input], 1.));
            let shift = random(&[input], 0.9);
            let norm = Norm {
                weight: gain.as_tensor().clone(),
                bias: shift.as_tensor().clone(),
                eps: 1e-5,
                kind: NormKind::Layer,
            };
            same(&[&x, &residual, &gain, &shift], |ops| {
                ops.add_norm(&x, Some(&residual), &norm).unwrap()
            });
            let norm = Norm {
                kind: NormKind::Rms,
                ..norm
            };
            same(&[&x, &residual, &gain], |ops| {
                ops.add_norm(&x, Some(&residual), &norm).unwrap()
            });
            for activation in [
                Activation::Gelu,
                Activation::GeluTanh,
                Activation::Relu,
                Activation::Silu,
                Activation::Tanh,
            ] {
                same(&[&x], |ops| ops.activate(&x, activation).unwrap());
            }
        }
    }

    #[test]
    fn attention_in_one_piece_has_the_gradient_of_its_stages() {
        let texts = [1, 7, 62];
        let rows = Rows::whole(texts);
        for attend in attend::every_kind(62) {
            let qkv = random(&[70, attend.row() / attend.size, attend.size], 1.2);
            same(&[&qkv], |ops| match ops {
                Ops::Graph => attend::staged(ops, &qkv, &attend, &rows),
                _ => ops.attention(&qkv, &attend, &rows, None).unwrap(),
            });
        }
    }

    #[test]
    fn weights_that_nobody_trains_get_no_gradient() {
        let x = random(&[5, 8], 1.);
        let plain = |shape: &[usize]| Tensor::randn(0f32, 1., shape, &Device::Cpu).unwrap();
        let layer = Linear::new(plain(&[4, 8]), plain(&[4]));
        let out = Ops::Tape.linear(&x, &layer).unwrap().sum_all().unwrap();
        let gradients = out.backward().unwrap();
        assert!(gradients.get(x.as_tensor()).is_some());
        assert!(gradients.get(&layer.weight).is_none());
    }
}
