//! The kernels' derivatives.

use super::super::spec::{Activation, NormKind};
use super::kernels::{centre_and_scale, erf, exp, kernel, sigmoid, sum_by};

/// Φ(x) + x·φ(x).
#[inline(always)]
fn gelu_slope<const FUSED: bool>(x: f32) -> f32 {
    const FRAC_1_SQRT_TAU: f32 = 0.398_942_3;
    let cumulative = 0.5 * (1. + erf::<FUSED>(x * std::f32::consts::FRAC_1_SQRT_2));
    cumulative + x * FRAC_1_SQRT_TAU * exp::<FUSED>(-0.5 * x * x)
}

/// With s = sigmoid(u), u = c(x + a·x³): s + x·s(1 − s)·c(1 + 3a·x²).
#[inline(always)]
fn gelu_tanh_slope<const FUSED: bool>(x: f32) -> f32 {
    const A: f32 = 0.044_715;
    const C: f32 = 1.595_769; // 2·√(2/π)
    let s = sigmoid::<FUSED>(C * (x + A * x * x * x));
    s + x * s * (1. - s) * C * (1. + 3. * A * x * x)
}

#[inline(always)]
fn silu_slope<const FUSED: bool>(x: f32) -> f32 {
    let s = sigmoid::<FUSED>(x);
    s * (1. + x * (1. - s))
}

#[inline(always)]
fn tanh_slope<const FUSED: bool>(x: f32) -> f32 {
    let s = sigmoid::<FUSED>(2. * x);
    4. * s * (1. - s)
}

kernel! {
    /// out = gradient·activation′(x), element by element.
    pub fn activate(x: &[f32], gradient: &[f32], out: &mut [f32], activation: Activation) {
        #[inline(always)]
        fn map(x: &[f32], gradient: &[f32], out: &mut [f32], f: impl Fn(f32) -> f32) {
            for ((out, &x), &g) in out.iter_mut().zip(x).zip(gradient) {
                *out = g * f(x);
            }
        }
        match activation {
            Activation::Gelu => map(x, gradient, out, gelu_slope::<FUSED>),
            Activation::GeluTanh => map(x, gradient, out, gelu_tanh_slope::<FUSED>),
            Activation::Relu => map(x, gradient, out, |x| if x > 0. { 1. } else { 0. }),
            Activation::Silu => map(x, gradient, out, silu_slope::<FUSED>),
            Activation::Tanh => map(x, gradient, out, tanh_slope::<FUSED>),
        }
    }
}

kernel! {
    /// The gradient of a norm by its input, into `out`; those by weight and bias are added to
    /// `by_weight` and `by_bias`. With x̂ the normed row and h = g ⊙ w:
    /// (h − mean h − x̂·mean(h ⊙ x̂))/σ, without mean h for an RMS norm.
    pub fn norm(
        x: &[f32], gradient: &[f32], weight: &[f32], rule: (f32, NormKind),
        out: &mut [f32], by_weight: &mut [f32], by_bias: &mut [f32],
    ) {
        let (columns, (eps, kind)) = (weight.len(), rule);
        let count = columns as f32;
        let mut normed = vec![0.; columns];
        let rows = x.chunks_exact(columns).zip(gradient.chunks_exact(columns));
        for ((x, g), out) in rows.zip(out.chunks_exact_mut(columns)) {
            let (mean, scale) = centre_and_scale(x, eps, kind);
            for (normed, &x) in normed.iter_mut().zip(x) {
                *normed = (x - mean) * scale;
            }
            for ((out, &g), &w) in out.iter_mut().zip(g).zip(weight) {
                *out = g * w;
            }
            for ((by_weight, &g), &normed) in by_weight.iter_mut().zip(g).zip(&normed) {
                *by_weight += g * normed;
            }
            for (by_bias, &g) in by_bias.iter_mut().zip(g) {
                *by_bias += g;
            }
            let mean = match kind {
                NormKind::Layer => sum_by(out, |h| h) / count,
                NormKind::Rms => 0.,
            };
            // x̂ takes h's place in the lanes only through this product.
            let mut along = 0.;
            for (&h, &normed) in out.iter().zip(&normed) {
                along += h * normed;
            }
            let along = along / count;
            for (out, &normed) in out.iter_mut().zip(&normed) {
                *out = (*out - mean - normed * along) * scale;
            }
        }
    }
}

kernel! {
    /// How a norm's result changes when its input changes by `change`, by rows of the weight's
    /// length. With x̂ the normed row: w ⊙ (ẋ − mean ẋ − x̂·mean(ẋ ⊙ x̂))/σ, without mean ẋ for an RMS
    /// norm.
    pub fn norm_along(
        x: &[f32], change: &[f32], weight: &[f32], eps: f32, kind: NormKind, out: &mut [f32],
    ) {
        let columns = weight.len();
        let count = columns as f32;
        let rows = x.chunks_exact(columns).zip(change.chunks_exact(columns));
        for ((x, change), out) in rows.zip(out.chunks_exact_mut(columns)) {
            let (mean, scale) = centre_and_scale(x, eps, kind);
            let drift = match kind {
                NormKind::Layer => sum_by(change, |c| c) / count,
                NormKind::Rms => 0.,
            };
            for ((out, &x), &c) in out.iter_mut().zip(x).zip(change) {
                *out = (x - mean) * scale * c;
            }
            let along = sum_by(out, |product| product) / count;
            for (((out, &x), &c), &w) in out.iter_mut().zip(x).zip(change).zip(weight) {
                *out = w * scale * (c - drift - (x - mean) * scale * along);
            }
        }
    }
}

kernel! {
    /// The gradient of a softmax by its scores, in place of the gradient by its pattern:
    /// p ⊙ (g − Σ p·g) by rows of `columns`.
    pub fn softmax(pattern: &[f32], gradient: &mut [f32], columns: usize) {
        for (p, g) in pattern.chunks_exact(columns).zip(gradient.chunks_exact_mut(columns)) {
            let mut along = 0.;
            for (&p, &g) in p.iter().zip(g.iter()) {
                along += p * g;
            }
            for (g, &p) in g.iter_mut().zip(p) {
                *g = p * (*g - along);
            }
        }
    }
}
