//! The same maths in candle's own operations: differentiable, and at home on every device. The fused
//! operations of candle-nn have no backward pass and drop gradients silently, so none is used here.

use candle_core::{D, Result, Tensor};

use super::super::rotary::Turns;
use super::super::spec::{Activation, NormKind};
use super::super::weights::{Linear, Norm};

/// x·Wᵀ + b. x [n, in] to [n, out].
pub fn linear(x: &Tensor, layer: &Linear) -> Result<Tensor> {
    x.matmul(&layer.weight.t()?)?.broadcast_add(&layer.bias)
}

/// activation(x), same shape.
pub fn activate(x: &Tensor, activation: Activation) -> Result<Tensor> {
    match activation {
        Activation::Gelu => x.gelu_erf(),
        Activation::GeluTanh => x.gelu(),
        Activation::Relu => x.relu(),
        Activation::Silu => x.silu(),
        Activation::Tanh => x.tanh(),
    }
}

/// norm(x + residual). x, residual [n, D] to [n, D].
pub fn add_norm(x: &Tensor, residual: Option<&Tensor>, norm: &Norm) -> Result<Tensor> {
    let x = match residual {
        None => x.clone(),
        Some(residual) => (x + residual)?,
    };
    match norm.kind {
        NormKind::Layer => {
            candle_nn::ops::layer_norm_slow(&x, &norm.weight, &norm.bias, norm.eps as f32)
        }
        NormKind::Rms => {
            let square = (x.sqr()?.mean_keepdim(D::Minus1)? + norm.eps)?;
            let normed = x.broadcast_div(&square.sqrt()?)?;
            normed
                .broadcast_mul(&norm.weight)?
                .broadcast_add(&norm.bias)
        }
    }
}

/// Turns the first `count` heads of every row. x [n, m, d] to the same.
pub fn rotate(x: &Tensor, count: usize, turns: &Turns) -> Result<Tensor> {
    let (rows, all, size) = x.dims3()?;
    let half = turns.half;
    let table =
        |values: &[f32]| Tensor::from_slice(&values[..rows * half], (rows, 1, half), x.device());
    let (cos, sin) = (table(&turns.cos)?, table(&turns.sin)?);
    let turned = x.narrow(1, 0, count)?;
    let (first, second) = (turned.narrow(2, 0, half)?, turned.narrow(2, half, half)?);
    let new_first = (first.broadcast_mul(&cos)? - second.broadcast_mul(&sin)?)?;
    let new_second = (second.broadcast_mul(&cos)? + first.broadcast_mul(&sin)?)?;
    let mut parts = vec![new_first, new_second];
    if 2 * half < size {
        parts.push(turned.narrow(2, 2 * half, size - 2 * half)?);
    }
    let turned = Tensor::cat(&parts, 2)?;
    match count < all {
        true => Tensor::cat(&[turned, x.narrow(1, count, all - count)?], 1),
        false => Ok(turned),
    }
}

/// scale·q·kᵀ. q [H, T, d], k [K, T, d] to [H, T, T].
pub fn scores(q: &Tensor, k: &Tensor, scale: f64) -> Result<Tensor> {
    let k = each_query_head(k, q.dim(0)?)?
        .transpose(1, 2)?
        .contiguous()?;
    q.contiguous()?.matmul(&k)? * scale
}

/// Keys or values as every query head sees them: [K, T, d] to [H, T, d].
fn each_query_head(x: &Tensor, heads: usize) -> Result<Tensor> {
    let (shared, tokens, size) = x.dims3()?;
    if shared == heads {
        return Ok(x.clone());
    }
    let group = heads / shared;
    let each = x.unsqueeze(1)?.expand((shared, group, tokens, size))?;
    each.contiguous()?.reshape((heads, tokens, size))
}

/// Softmax over the last axis.
pub fn softmax(scores: &Tensor) -> Result<Tensor> {
    candle_nn::ops::softmax(scores, D::Minus1)
}

/// pattern·v. [H, T, T] and [K, T, d] to [T, H, d].
pub fn mix(pattern: &Tensor, v: &Tensor) -> Result<Tensor> {
    let v = each_query_head(v, pattern.dim(0)?)?;
    let out = pattern.contiguous()?.matmul(&v.contiguous()?)?; // [H, T, d]
    out.transpose(0, 1)?.contiguous()
}

/// The `count` largest of each row's softmax, 0 for the others. [n, experts] to the same.
pub fn choose(logits: &Tensor, count: usize) -> Result<Tensor> {
    softmax(logits)? * largest(logits, count)?
}

/// 1 at the `count` largest of each row, the first of equals, and 0 elsewhere.
pub fn largest(x: &Tensor, count: usize) -> Result<Tensor> {
    let rows: Vec<Vec<f32>> = x.to_device(&candle_core::Device::Cpu)?.to_vec2()?;
    let mut taken = Vec::with_capacity(x.elem_count());
    for row in &rows {
        let mut order: Vec<usize> = (0..row.len()).collect();
        order.sort_by(|&i, &j| row[j].total_cmp(&row[i]));
        let start = taken.len();
        taken.resize(start + row.len(), 0f32);
        order
            .iter()
            .take(count)
            .for_each(|&i| taken[start + i] = 1.);
    }
    Tensor::from_vec(taken, x.shape(), x.device())
}
