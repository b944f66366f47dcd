//! The same maths in candle's own operations: differentiable, and at home on every device. The fused
//! operations of candle-nn have no backward pass and drop gradients silently, so none is used here.

use candle_core::{D, Result, Tensor};

use super::super::spec::Activation;
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
    }
}

/// norm(x + residual). x, residual [n, D] to [n, D].
pub fn add_norm(x: &Tensor, residual: Option<&Tensor>, norm: &Norm) -> Result<Tensor> {
    let x = match residual {
        None => x.clone(),
        Some(residual) => (x + residual)?,
    };
    candle_nn::ops::layer_norm_slow(&x, &norm.weight, &norm.bias, norm.eps as f32)
}

/// scale·q·kᵀ. q, k [H, T, d] to [H, T, T].
pub fn scores(q: &Tensor, k: &Tensor, scale: f64) -> Result<Tensor> {
    let k = k.transpose(1, 2)?.contiguous()?;
    q.contiguous()?.matmul(&k)? * scale
}

/// Softmax over the last axis.
pub fn softmax(scores: &Tensor) -> Result<Tensor> {
    candle_nn::ops::softmax(scores, D::Minus1)
}

/// pattern·v. [H, T, T] and [H, T, d] to [T, H, d].
pub fn mix(pattern: &Tensor, v: &Tensor) -> Result<Tensor> {
    let out = pattern.contiguous()?.matmul(&v.contiguous()?)?; // [H, T, d]
    out.transpose(0, 1)?.contiguous()
}
