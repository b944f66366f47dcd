//! Forward mode: a value and, behind it, its tangents. Rows 0..n of every argument are the value, and
//! each further block of n rows is one tangent: the derivative of the value along one direction.
//!
//! T tangents cost as much as T texts. Backward mode would take one pass for each dimension of the
//! sentence vector, and differences of forward passes two texts for each tangent and half the digits.

use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;

use super::super::spec::Activation;
use super::super::weights::{Linear, Norm};
use super::attend::{Attend, Rows};
use super::raw::{Matrix, PARALLEL_FROM, Target, product, with_slice};
use super::{fused, graph, kernels, slopes};

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
        packed: layer.packed.clone(),
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
                        slopes::norm_along(value, tangent, weight, eps, norm.kind, out)
                    });
                out
            })
        })
    })???;
    Tensor::cat(&[normed, Tensor::from_vec(out, shape, &Device::Cpu)?], 0)
}

/// x ⊙ y, and ẋ ⊙ y + x ⊙ ẏ.
pub fn times(rows: usize, x: &Tensor, y: &Tensor) -> Result<Tensor> {
    let ((x, dx), (y, dy)) = (split(rows, x)?, split(rows, y)?);
    let value = (&x * &y)?;
    if dx.dim(0)? == 0 {
        return Ok(value);
    }
    let columns = x.dim(1)?;
    let blocks = dx.dim(0)? / rows;
    let by_block = |tangents: &Tensor| tangents.reshape((blocks, rows, columns));
    let change = by_block(&dx)?.broadcast_mul(&y.unsqueeze(0)?)?;
    let change = (change + by_block(&dy)?.broadcast_mul(&x.unsqueeze(0)?)?)?;
    Tensor::cat(&[value, change.reshape((blocks * rows, columns))?], 0)
}

/// p at the largest, and p ⊙ (ṡ − Σ p ⊙ ṡ) there: which are taken does not change.
pub fn choose(rows: usize, logits: &Tensor, count: usize) -> Result<Tensor> {
    let (value, tangents) = split(rows, logits)?;
    let (taken, experts) = (graph::largest(&value, count)?, value.dim(1)?);
    let p = graph::softmax(&value)?;
    let chosen = (&p * &taken)?;
    if tangents.dim(0)? == 0 {
        return Ok(chosen);
    }
    let blocks = tangents.dim(0)? / rows;
    let change = tangents.reshape((blocks, rows, experts))?;
    let along = change.broadcast_mul(&p.unsqueeze(0)?)?.sum_keepdim(2)?;
    let change = change
        .broadcast_sub(&along)?
        .broadcast_mul(&chosen.unsqueeze(0)?)?;
    Tensor::cat(&[chosen, change.reshape((blocks * rows, experts))?], 0)
}

/// One head of one text of qkv [rows, H + 2·K, d].
#[derive(Clone, Copy)]
struct Head<'a> {
    qkv: &'a [f32],
    attend: &'a Attend,
    places: &'a [usize],
    h: usize,
}

impl Head<'_> {
    /// q, k and v, each [T, d], of the text that starts at row `start`.
    fn parts(self, start: usize) -> [Matrix; 3] {
        let (attend, h) = (self.attend, self.h);
        [attend.query(h), attend.key(h), attend.value(h)]
            .map(|offset| attend.part(self.qkv, start, offset))
    }
}

/// P·v with P = softmax(S), S = scale·q·kᵀ + bias, and Ṗ·v + P·v̇ with
/// Ṡ = scale·(q̇·kᵀ + q·k̇ᵀ) and Ṗ = P ⊙ (Ṡ − Σ P ⊙ Ṡ). qkv [(1 + k)·n, H + 2·K, d] to
/// [(1 + k)·n, H·d].
pub fn attention(block: usize, qkv: &Tensor, attend: &Attend, rows: &Rows) -> Result<Tensor> {
    let all = qkv.dim(0)?;
    split(block, qkv)?;
    let (width, size) = (attend.width(), attend.size);
    let mut out = vec![0.; all * width];
    let target = Target(out.as_mut_ptr());
    let values = rows.texts.iter().filter(|text| text.end <= block);
    let tasks: Vec<_> = values
        .flat_map(|text| (0..attend.heads).map(move |h| (text, h)))
        .collect();
    with_slice(qkv, |qkv| {
        let one = |scratch: &mut [Vec<f32>; 2], &(text, h): &(&std::ops::Range<usize>, usize)| {
            let places = &rows.places[text.clone()];
            let head = Head {
                qkv,
                attend,
                places,
                h,
            };
            let to = |start: usize| target.at(start * width + h * size);
            let starts = (0..all / block).map(|i| i * block + text.start);
            along(head, starts, to, scratch);
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

/// One head of one text: the value at the first of `starts`, the tangents at the others.
fn along(
    head: Head<'_>,
    mut starts: impl Iterator<Item = usize>,
    to: impl Fn(usize) -> *mut f32,
    [pattern, slope]: &mut [Vec<f32>; 2],
) {
    let (t, attend) = (head.places.len(), head.attend);
    pattern.resize(t * t, 0.);
    slope.resize(t * t, 0.);
    let (square, narrow) = ((t, t, attend.size), (t, attend.size, t));
    let (width, scale) = (attend.width(), attend.scale as f32);
    let Some(value) = starts.next() else {
        return;
    };
    let [q, k, v] = head.parts(value);
    let pair = (q, k.transposed());
    // SAFETY: the scratch buffers hold t × t elements and are this task's own; q, k and v are [t, d]
    // inside of `qkv`.
    unsafe { product(square, pattern.as_mut_ptr(), t, false, pair, scale, false) };
    attend.finish(head.h, head.places, pattern);
    kernels::softmax(pattern, t);
    let p = Matrix::dense(pattern, t);
    // SAFETY: only this task writes head h's columns of this text's rows.
    unsafe { product(narrow, to(value), width, false, (p, v), 1., false) };
    for start in starts {
        let [dq, dk, dv] = head.parts(start);
        let changes = slope.as_mut_ptr();
        let (left, right) = ((dq, k.transposed()), (q, dk.transposed()));
        // SAFETY: as above.
        unsafe {
            product(square, changes, t, false, left, scale, false);
            product(square, changes, t, true, right, scale, false);
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
    use super::super::super::spec::NormKind;
    use super::super::Ops;
    use super::super::attend;
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
            let layer = Linear::new(random(&[f, d], 0.2), random(&[f], 1.));
            let norm = Norm {
                weight: random(&[d], 1.),
                bias: random(&[d], 1.),
                eps: 1e-12,
                kind: NormKind::Layer,
            };
            let x = random(&[t, d], 1.);
            agrees(&x, |ops, x| ops.linear(x, &layer).unwrap());
            for kind in [NormKind::Layer, NormKind::Rms] {
                let norm = Norm {
                    kind,
                    ..norm.clone()
                };
                agrees(&x, |ops, x| ops.add_norm(x, Some(x), &norm).unwrap());
            }
            let smooth = [Activation::Gelu, Activation::GeluTanh, Activation::Silu];
            for f in smooth.into_iter().chain([Activation::Tanh]) {
                agrees(&x, |ops, x| ops.activate(x, f).unwrap());
            }
        }
    }

    #[test]
    fn attention_of_packed_texts_has_the_tangents_of_differences() {
        let texts = [1, 7, 12];
        for attend in attend::every_kind(12) {
            let qkv = random(&[20, attend.row() / attend.size, attend.size], 1.);
            agrees(&qkv, |ops, qkv| {
                let blocks = qkv.dim(0).unwrap() / 20;
                let rows = Rows::whole((0..blocks).flat_map(|_| texts));
                ops.attention(qkv, &attend, &rows, None).unwrap()
            });
        }
    }

    #[test]
    fn products_of_two_values_have_the_tangents_of_differences() {
        let other = random(&[7, 33], 1.);
        let x = random(&[7, 33], 1.);
        agrees(&x, |ops, x| {
            // Of x·f(x) ⊙ a constant, so that both factors move.
            let blocks = x.dim(0).unwrap() / 7;
            let zeros = other.zeros_like().unwrap();
            let mut constant = vec![other.clone()];
            constant.extend(vec![zeros; blocks - 1]);
            let constant = Tensor::cat(&constant, 0).unwrap();
            let moved = ops.activate(x, Activation::Silu).unwrap();
            ops.times(&ops.times(&moved, x).unwrap(), &constant)
                .unwrap()
        });
    }

    #[test]
    fn choices_have_the_tangents_of_differences() {
        // Far enough apart that no step changes which are taken.
        let spread: Vec<f32> = (0..54).map(|i| (i * 5 % 6) as f32 * 0.6).collect();
        let logits = Tensor::from_vec(spread, (9, 6), &Device::Cpu).unwrap();
        agrees(&logits, |ops, x| ops.choose(x, 2).unwrap());
    }

    #[test]
    fn rows_that_are_no_whole_blocks_are_refused() {
        let x = random(&[7, 4], 1.);
        assert!(activate(3, &x, Activation::Relu).is_err());
        assert!(activate(0, &x, Activation::Relu).is_err());
        assert!(staged().is_err());
    }
}
