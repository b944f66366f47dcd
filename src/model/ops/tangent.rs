//! Forward mode: a value and, behind it, its tangents. Rows 0..n of every argument are the value, and
//! each further block of n rows is one tangent: the derivative of the value along one direction.
//!
//! T tangents cost as much as T texts. Backward mode would take one pass for each dimension of the
//! sentence vector, and differences of forward passes two texts for each tangent and half the digits.

use std::ops::Range;

use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;

use super::super::spec::Activation;
use super::super::weights::{Linear, Norm};
use super::raw::{Matrix, PARALLEL_FROM, Target, product, with_slice};
use super::{fused, kernels, slopes};

/// The value, [n, …], and its tangents, [k·n, …].
fn split(rows: usize, x: &Tensor) -> Result<(Tensor, Tensor)> {
    let all = x.dim(0)?;
    if rows == 0 || all < rows || !all.is_multiple_of(rows) {
        candle_core::bail!("{all} rows are no value of {rows} rows with tangents of as many");
    }
    Ok((x.narrow(0, 0, rows)?, x.narrow(0, rows, all - rows)?))
}

/// W·x + b, and W·ẋ. [(1 + k)·n, in] to [(1 + k)·n, out].
pub fn linear(rows: usize, x: &Tensor, layer: &Linear) -> Result<Tensor> {
    let (value, tangents) = split(rows, x)?;
    let value = fused::linear(&value, layer)?;
    if tangents.dim(0)? == 0 {
        return Ok(value);
    }
    let slope = Linear {
        weight: layer.weight.clone(),
        bias: layer.bias.zeros_like()?,
    };
    Tensor::cat(&[value, fused::linear(&tangents, &slope)?], 0)
}

/// f(x), and f′(x)·ẋ.
pub fn activate(rows: usize, x: &Tensor, activation: Activation) -> Result<Tensor> {
    let (value, _) = split(rows, x)?;
    let block = value.elem_count();
    let out = with_slice(x, |x| {
        let mut out = vec![0.; x.len()];
        let (value, tangents) = x.split_at(block);
        let (to, rest) = out.split_at_mut(block);
        kernels::activate(value, to, activation);
        tangents
            .par_chunks(block.max(1))
            .zip(rest.par_chunks_mut(block.max(1)))
            .for_each(|(tangent, out)| slopes::activate(value, tangent, out, activation));
        out
    })?;
    Tensor::from_vec(out, x.shape(), &Device::Cpu)
}

/// norm(z) with z = x + residual, and w ⊙ (ż − mean ż − ẑ·mean(ż ⊙ ẑ))/σ.
pub fn add_norm(rows: usize, x: &Tensor, residual: Option<&Tensor>, norm: &Norm) -> Result<Tensor> {
    let z = match residual {
        None => x.clone(),
        Some(residual) => (x + residual)?,
    };
    let (value, tangents) = split(rows, &z)?;
    let (block, eps) = (value.elem_count(), norm.eps as f32);
    let normed = fused::add_norm(&value, None, norm)?;
    if tangents.dim(0)? == 0 {
        return Ok(normed);
    }
    let shape = tangents.dims().to_vec();
    let out = with_slice(&value, |value| {
        with_slice(&tangents, |tangents| {
            with_slice(&norm.weight, |weight| {
                let mut out = vec![0.; tangents.len()];
                tangents
                    .par_chunks(block)
                    .zip(out.par_chunks_mut(block))
                    .for_each(|(tangent, out)| {
                        slopes::layer_norm_along(value, tangent, weight, eps, out)
                    });
                out
            })
        })
    })???;
    Tensor::cat(&[normed, Tensor::from_vec(out, shape, &Device::Cpu)?], 0)
}

/// One head of one text of qkv [rows, 3, H, d].
#[derive(Clone, Copy)]
struct Head<'a> {
    qkv: &'a [f32],
    /// Elements of one token's q, k and v: H·d.
    width: usize,
    size: usize,
    h: usize,
}

impl Head<'_> {
    /// [T, d] of q (0), k (1) or v (2), for the text that starts at row `start`.
    fn part(self, start: usize, which: usize) -> Matrix {
        Matrix {
            start: self.qkv[(3 * start + which) * self.width + self.h * self.size..].as_ptr(),
            row: 3 * self.width as isize,
            column: 1,
        }
    }
}

/// P·v with P = softmax(S), S = scale·q·kᵀ, and Ṗ·v + P·v̇ with
/// Ṡ = scale·(q̇·kᵀ + q·k̇ᵀ) and Ṗ = P ⊙ (Ṡ − Σ P ⊙ Ṡ). qkv [(1 + k)·n, 3, H, d] to [(1 + k)·n, H·d].
pub fn attention(rows: usize, qkv: &Tensor, texts: &[Range<usize>], scale: f64) -> Result<Tensor> {
    let (all, _, heads, size) = qkv.dims4()?;
    split(rows, qkv)?;
    let width = heads * size;
    let mut out = vec![0.; all * width];
    let target = Target(out.as_mut_ptr());
    let values: Vec<_> = texts.iter().filter(|text| text.end <= rows).collect();
    let tasks: Vec<_> = values
        .iter()
        .flat_map(|text| (0..heads).map(move |h| (*text, h)))
        .collect();
    with_slice(qkv, |qkv| {
        let one = |scratch: &mut [Vec<f32>; 2], &(text, h): &(&Range<usize>, usize)| {
            let head = Head {
                qkv,
                width,
                size,
                h,
            };
            let to = |start: usize| target.at(start * width + h * size);
            let starts = (0..all / rows).map(|block| block * rows + text.start);
            along(head, text.len(), scale as f32, starts, to, scratch);
        };
        match all * width >= PARALLEL_FROM && rayon::current_num_threads() > 1 {
            true => tasks.par_iter().for_each_init(Default::default, one),
            false => {
                let mut scratch = Default::default();
                tasks.iter().for_each(|task| one(&mut scratch, task));
            }
        }
    })?;
    Tensor::from_vec(out, (all, width), &Device::Cpu)
}

/// One head of one text of `t` tokens: the value at the first of `starts`, the tangents at the others.
fn along(
    head: Head<'_>,
    t: usize,
    scale: f32,
    starts: impl Iterator<Item = usize>,
    to: impl Fn(usize) -> *mut f32,
    [pattern, slope]: &mut [Vec<f32>; 2],
) {
    pattern.resize(t * t, 0.);
    slope.resize(t * t, 0.);
    let (square, narrow) = ((t, t, head.size), (t, head.size, t));
    let width = head.width;
    let mut starts = starts;
    let Some(value) = starts.next() else {
        return;
    };
    let [q, k, v] = [0, 1, 2].map(|which| head.part(value, which));
    let pair = (q, k.transposed());
    // SAFETY: the scratch buffers hold t × t elements and are this task's own; q, k and v are [t, d]
    // inside of `qkv`.
    unsafe { product(square, pattern.as_mut_ptr(), t, false, pair, scale, false) };
    kernels::softmax(pattern, t);
    let p = Matrix::dense(pattern, t);
    // SAFETY: only this task writes head h's columns of this text's rows.
    unsafe { product(narrow, to(value), width, false, (p, v), 1., false) };
    for start in starts {
        let [dq, dk, dv] = [0, 1, 2].map(|which| head.part(start, which));
        let changes = slope.as_mut_ptr();
        // SAFETY: as above.
        unsafe {
            product(
                square,
                changes,
                t,
                false,
                (dq, k.transposed()),
                scale,
                false,
            );
            product(square, changes, t, true, (q, dk.transposed()), scale, false);
        }
        // The softmax's Jacobian is symmetric, so forward and backward are the same product.
        slopes::softmax(pattern, slope, t);
        let s = Matrix::dense(slope, t);
        // SAFETY: only this task writes head h's columns of this text's rows of this tangent.
        unsafe {
            product(narrow, to(start), width, false, (s, v), 1., false);
            product(narrow, to(start), width, true, (p, dv), 1., false);
        }
    }
}

/// Attention's inside has no tangents to show.
pub fn staged() -> Result<Tensor> {
    candle_core::bail!("forward mode keeps nothing inside attention; no hook can look there")
}

#[cfg(test)]
mod tests {
    use super::super::Ops;
    use super::*;

    fn random(shape: &[usize], scale: f32) -> Tensor {
        Tensor::randn(0f32, scale, shape, &Device::Cpu).unwrap()
    }

    fn values(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    /// The tangents of `run` at x are those of central differences of the plain path, x's own rows
    /// are its plain values, and two tangents do not mix.
    fn agrees(x: &Tensor, run: impl Fn(Ops, &Tensor) -> Tensor) {
        const STEP: f64 = 1e-2;
        let rows = x.dim(0).unwrap();
        let directions = [random(x.dims(), 1.), random(x.dims(), 1.)];
        let [d, e] = &directions;
        let packed = Tensor::cat(&[x, d, e], 0).unwrap();
        let out = run(Ops::Tangent { rows }, &packed);
        let plain = run(Ops::Fused, x);
        let close = |ours: &Tensor, truth: &Tensor, most: f32| {
            let (ours, truth) = (values(ours), values(truth));
            let scale = truth.iter().fold(1e-3f32, |m, x| m.max(x.abs()));
            for (x, y) in ours.iter().zip(&truth) {
                assert!((x - y).abs() < most * scale, "{x} is not {y}");
            }
        };
        close(&out.narrow(0, 0, rows).unwrap(), &plain, 1e-5);
        for (i, direction) in directions.iter().enumerate() {
            // Fourth order, so that a step can be long enough for f32.
            let at = |steps: f64| {
                let moved = (x + (direction * (steps * STEP)).unwrap()).unwrap();
                run(Ops::Fused, &moved)
            };
            let near = ((at(1.) - at(-1.)).unwrap() * (8. / (12. * STEP))).unwrap();
            let far = ((at(2.) - at(-2.)).unwrap() * (1. / (12. * STEP))).unwrap();
            let truth = (near - far).unwrap();
            let ours = out.narrow(0, (i + 1) * rows, rows).unwrap();
            close(&ours, &truth, 1e-3);
        }
    }

    #[test]
    fn linear_activation_and_norm_have_the_tangents_of_differences() {
        for (t, d, f) in [(1, 8, 3), (7, 33, 65), (20, 48, 96)] {
            let layer = Linear {
                weight: random(&[f, d], 0.2),
                bias: random(&[f], 1.),
            };
            let norm = Norm {
                weight: random(&[d], 1.),
                bias: random(&[d], 1.),
                eps: 1e-12,
            };
            let x = random(&[t, d], 1.);
            agrees(&x, |ops, x| ops.linear(x, &layer).unwrap());
            agrees(&x, |ops, x| ops.add_norm(x, Some(x), &norm).unwrap());
            for f in [Activation::Gelu, Activation::GeluTanh, Activation::Silu] {
                agrees(&x, |ops, x| ops.activate(x, f).unwrap());
            }
        }
    }

    #[test]
    fn attention_of_packed_texts_has_the_tangents_of_differences() {
        let texts = [0..1, 1..8, 8..20];
        let qkv = random(&[20, 3, 4, 8], 1.);
        agrees(&qkv, |ops, qkv| {
            let blocks = qkv.dim(0).unwrap() / 20;
            let shift = |block: usize| {
                texts
                    .clone()
                    .map(|t| t.start + block * 20..t.end + block * 20)
            };
            let texts: Vec<_> = (0..blocks).flat_map(shift).collect();
            ops.attention(qkv, &texts, 0.35).unwrap().unwrap()
        });
    }

    #[test]
    fn rows_that_are_no_whole_blocks_are_refused() {
        let x = random(&[7, 4], 1.);
        assert!(activate(3, &x, Activation::Relu).is_err());
        assert!(activate(0, &x, Activation::Relu).is_err());
        assert!(staged().is_err());
    }
}
