//! The fused kernels with gradients, as candle's custom operations: f32 on the CPU. Candle keeps the
//! tape; each operation here says how its gradient flows back.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp1, CustomOp3, Device, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::super::spec::Activation;
use super::super::weights::{Linear, Norm};
use super::raw::{Matrix, PARALLEL_FROM, Target, by_rows, product, with_slice};
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
    let eps = norm.eps as f32;
    x.contiguous()?
        .apply_op3(&norm.weight, &norm.bias, NormOp { eps })
}

/// All of attention, for texts packed one behind the other. qkv [ΣT, 3, H, d] to [ΣT, H·d].
pub fn attention(qkv: &Tensor, texts: &[Range<usize>], scale: f64) -> Result<Tensor> {
    let op = AttentionOp {
        texts: texts.to_vec(),
        scale: scale as f32,
    };
    qkv.contiguous()?.apply_op1(op)
}

/// The values of an argument, which must lie in one piece.
fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(data), Some((start, end))) => Ok(&data[start..end]),
        _ => candle_core::bail!("the differentiable fast path takes f32 in one piece on the CPU"),
    }
}

fn tensor(values: Vec<f32>, shape: &Shape) -> Result<Tensor> {
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
}

impl CustomOp3 for NormOp {
    fn name(&self) -> &'static str {
        "layer_norm"
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
            kernels::layer_norm(x, &[], weight, bias, self.eps, out);
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
                        slopes::layer_norm(x, g, weight, self.eps, out, by_weight, by_bias);
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

struct AttentionOp {
    texts: Vec<Range<usize>>,
    scale: f32,
}

/// Where head `h` of one text lies in a packed [ΣT, 3, H, d].
#[derive(Clone, Copy)]
struct Packed {
    heads: usize,
    size: usize,
}

impl Packed {
    /// Elements of one row of qkv.
    fn row(self) -> usize {
        3 * self.heads * self.size
    }

    fn offset(self, start: usize, which: usize, h: usize) -> usize {
        start * self.row() + (which * self.heads + h) * self.size
    }

    /// [T, d] of q (0), k (1) or v (2).
    fn part(self, qkv: &[f32], start: usize, which: usize, h: usize) -> Matrix {
        Matrix {
            start: qkv[self.offset(start, which, h)..].as_ptr(),
            row: self.row() as isize,
            column: 1,
        }
    }
}

impl AttentionOp {
    /// Runs `one(text, head, scratch)` for every head of every text.
    fn each(
        &self,
        packed: Packed,
        one: impl Fn(&Range<usize>, usize, &mut [Vec<f32>; 2]) + Sync + Send,
    ) {
        let texts = self.texts.iter().filter(|text| !text.is_empty());
        let tasks: Vec<_> = texts
            .flat_map(|text| (0..packed.heads).map(move |h| (text, h)))
            .collect();
        let work: usize = self.texts.iter().map(|t| t.len() * t.len()).sum();
        let work = work * packed.heads * packed.size;
        match work >= 4 * PARALLEL_FROM && rayon::current_num_threads() > 1 {
            true => tasks
                .par_iter()
                .for_each_init(Default::default, |scratch, (text, h)| {
                    one(text, *h, scratch);
                }),
            false => {
                let mut scratch = Default::default();
                tasks
                    .iter()
                    .for_each(|(text, h)| one(text, *h, &mut scratch));
            }
        }
    }

    /// softmax(scale·q·kᵀ) of one head, [T, T], into `pattern`.
    fn pattern(
        &self,
        packed: Packed,
        qkv: &[f32],
        text: &Range<usize>,
        h: usize,
        pattern: &mut Vec<f32>,
    ) {
        let t = text.len();
        pattern.resize(t * t, 0.);
        let q = packed.part(qkv, text.start, 0, h);
        let k = packed.part(qkv, text.start, 1, h).transposed();
        let to = pattern.as_mut_ptr();
        // SAFETY: `pattern` holds t × t elements; q and k are [t, d] inside of `qkv`.
        unsafe { product((t, t, packed.size), to, t, false, (q, k), self.scale, false) };
        kernels::softmax(pattern, t);
    }
}

impl CustomOp1 for AttentionOp {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(&self, qkv: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, _, heads, size) = layout.shape().dims4()?;
        let (packed, width) = (Packed { heads, size }, heads * size);
        let qkv = slice(qkv, layout)?;
        let mut out = vec![0.; rows * width];
        let target = Target(out.as_mut_ptr());
        self.each(packed, |text, h, [pattern, _]| {
            self.pattern(packed, qkv, text, h, pattern);
            let t = text.len();
            let pair = (
                Matrix::dense(pattern, t),
                packed.part(qkv, text.start, 2, h),
            );
            let to = target.at(text.start * width + h * size);
            // SAFETY: this task writes head h's columns of this text's rows, and no other does.
            unsafe { product((t, size, t), to, width, false, pair, 1., false) };
        });
        Ok((CpuStorage::F32(out), Shape::from((rows, width))))
    }

    /// With P the pattern and g the gradient by P·v: ∂v = Pᵀ·g; ∂P = g·vᵀ; ∂S its softmax gradient;
    /// ∂q = scale·∂S·k; ∂k = scale·∂Sᵀ·q.
    fn bwd(&self, qkv: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (_, _, heads, size) = qkv.dims4()?;
        let (packed, width) = (Packed { heads, size }, heads * size);
        let mut out = vec![0.; qkv.elem_count()];
        let target = Target(out.as_mut_ptr());
        with_slice(qkv, |qkv| {
            with_slice(gradient, |gradient| {
                self.each(packed, |text, h, [pattern, slope]| {
                    self.pattern(packed, qkv, text, h, pattern);
                    let (t, start) = (text.len(), text.start);
                    let part = |which| packed.part(qkv, start, which, h);
                    let to = |which| target.at(packed.offset(start, which, h));
                    let g = Matrix {
                        start: gradient[start * width + h * size..].as_ptr(),
                        row: width as isize,
                        column: 1,
                    };
                    let p = Matrix::dense(pattern, t).transposed();
                    slope.resize(t * t, 0.);
                    let (narrow, square) = ((t, size, t), (t, t, size));
                    let (row, scale) = (packed.row(), self.scale);
                    // SAFETY: the scratch buffers hold t × t elements and are this task's own; the
                    // three targets are head h's columns of this text's rows, which no other task
                    // writes; every operand lies inside of `qkv`, `gradient` or a scratch buffer.
                    unsafe {
                        product(narrow, to(2), row, false, (p, g), 1., false);
                        let pair = (g, part(2).transposed());
                        product(square, slope.as_mut_ptr(), t, false, pair, 1., false);
                        slopes::softmax(pattern, slope, t);
                        let s = Matrix::dense(slope, t);
                        product(narrow, to(0), row, false, (s, part(1)), scale, false);
                        let pair = (s.transposed(), part(0));
                        product(narrow, to(1), row, false, pair, scale, false);
                    }
                });
            })
        })??;
        Ok(Some(tensor(out, qkv.shape())?))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::super::Ops;
    use super::*;

    fn random(shape: &[usize], scale: f32) -> Var {
        Var::from_tensor(&Tensor::randn(0f32, scale, shape, &Device::Cpu).unwrap()).unwrap()
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
            let (weight, bias) = (random(&[output, input], 0.1), random(&[output], 1.));
            let layer = Linear {
                weight: weight.as_tensor().clone(),
                bias: bias.as_tensor().clone(),
            };
            same(&[&x, &weight, &bias], |ops| ops.linear(&x, &layer).unwrap());

            let (residual, gain) = (random(&[rows, input], 1.), random(&[input], 1.));
            let shift = random(&[input], 1.);
            let norm = Norm {
                weight: gain.as_tensor().clone(),
                bias: shift.as_tensor().clone(),
                eps: 1e-5,
            };
            same(&[&x, &residual, &gain, &shift], |ops| {
                ops.add_norm(&x, Some(&residual), &norm).unwrap()
            });
            for activation in [
                Activation::Gelu,
                Activation::GeluTanh,
                Activation::Relu,
                Activation::Silu,
            ] {
                same(&[&x], |ops| ops.activate(&x, activation).unwrap());
            }
        }
    }

    #[test]
    fn attention_in_one_piece_has_the_gradient_of_its_stages() {
        let (heads, size) = (3, 16);
        let texts = [0..1, 1..8, 8..70];
        let qkv = random(&[70, 3, heads, size], 1.2);
        same(&[&qkv], |ops| {
            if let Some(out) = ops.attention(&qkv, &texts, 0.25) {
                return out.unwrap();
            }
            let of = |text: &Range<usize>| {
                let rows = qkv.narrow(0, text.start, text.len()).unwrap();
                let part = |i| {
                    let part = rows.narrow(1, i, 1).unwrap().squeeze(1).unwrap();
                    part.transpose(0, 1).unwrap()
                };
                let scores = ops.scores(&part(0), &part(1), 0.25).unwrap();
                let out = ops.mix(&ops.softmax(&scores).unwrap(), &part(2)).unwrap();
                out.reshape((text.len(), heads * size)).unwrap()
            };
            Tensor::cat(&texts.iter().map(of).collect::<Vec<_>>(), 0).unwrap()
        });
    }

    #[test]
    fn weights_that_nobody_trains_get_no_gradient() {
        let x = random(&[5, 8], 1.);
        let plain = |shape: &[usize]| Tensor::randn(0f32, 1., shape, &Device::Cpu).unwrap();
        let layer = Linear {
            weight: plain(&[4, 8]),
            bias: plain(&[4]),
        };
        let out = Ops::Tape.linear(&x, &layer).unwrap().sum_all().unwrap();
        let gradients = out.backward().unwrap();
        assert!(gradients.get(x.as_tensor()).is_some());
        assert!(gradients.get(&layer.weight).is_none());
    }
}
