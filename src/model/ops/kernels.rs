//! Fused element-wise kernels over slices. Each is written once as plain code that the compiler
//! vectorises, and compiled again for the wider registers that the processor turns out to have.

use super::super::spec::{Activation, NormKind};

/// Defines a kernel: the body, and its copies for AVX2 and AVX-512, chosen when it is called. In the body
/// `FUSED` says whether the copy has an instruction that multiplies and adds.
macro_rules! kernel {
    ($(#[$doc:meta])* pub fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $body:block) => {
        $(#[$doc])*
        pub fn $name($($arg: $ty),*) {
            #[inline(always)]
            fn plain<const FUSED: bool>($($arg: $ty),*) $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $ty),*) { plain::<true>($($arg),*) }
                #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
                fn avx512($($arg: $ty),*) { plain::<true>($($arg),*) }

                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
                {
                    // SAFETY: the features that `avx512` was compiled for were just detected.
                    return unsafe { avx512($($arg),*) };
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    // SAFETY: as above, for `avx2`.
                    return unsafe { avx2($($arg),*) };
                }
            }
            plain::<{ cfg!(target_arch = "aarch64") }>($($arg),*)
        }
    };
}

pub(super) use kernel;

/// As many sums as fit the widest register twice; a single running sum would not vectorise, because
/// the order of float additions may not be changed by the compiler.
const LANES: usize = 32;

/// The lanes as one, by halves: one by one each would wait for the last.
#[inline(always)]
fn gather(lanes: [f32; LANES], join: impl Fn(f32, f32) -> f32) -> f32 {
    let a: [f32; LANES / 2] = std::array::from_fn(|i| join(lanes[i], lanes[LANES / 2 + i]));
    let b: [f32; LANES / 4] = std::array::from_fn(|i| join(a[i], a[LANES / 4 + i]));
    let c: [f32; LANES / 8] = std::array::from_fn(|i| join(b[i], b[LANES / 8 + i]));
    join(join(c[0], c[1]), join(c[2], c[3]))
}

#[inline(always)]
pub(super) fn sum_by(row: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0f32; LANES];
    let mut chunks = row.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += term(x);
        }
    }
    let rest: f32 = chunks.remainder().iter().map(|&x| term(x)).sum();
    lanes.iter().sum::<f32>() + rest
}

/// What a norm takes off each value of a row, and then multiplies it by.
#[inline(always)]
pub(super) fn centre_and_scale(row: &[f32], eps: f32, kind: NormKind) -> (f32, f32) {
    let count = row.len() as f32;
    let mean = match kind {
        NormKind::Layer => sum_by(row, |x| x) / count,
        NormKind::Rms => 0.,
    };
    let variance = sum_by(row, |x| (x - mean) * (x - mean)) / count;
    (mean, 1. / (variance + eps).sqrt())
}

#[inline(always)]
fn max_of(row: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let mut chunks = row.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, x);
        }
    }
    let rest = chunks.remainder().iter().copied();
    rest.fold(gather(lanes, larger), larger)
}

/// a·b + c, at once where the processor can: without its instruction `mul_add` is a slow function.
#[inline(always)]
fn fused<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// c₀·xⁿ + c₁·xⁿ⁻¹ + … + cₙ (Horner's rule).
#[inline(always)]
fn polynomial<const FUSED: bool, const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let [first, rest @ ..] = coefficients.as_slice() else {
        return 0.;
    };
    let step = |sum, &next: &f32| fused::<FUSED>(sum, x, next);
    rest.iter().fold(*first, step)
}

/// eˣ within 2 ulp for −87 ≤ x ≤ 88, clamped outside (Cody-Waite reduction to |r| ≤ ln2/2, then a
/// degree-6 polynomial; coefficients of the Cephes library's `expf`).
#[inline(always)]
pub(super) fn exp<const FUSED: bool>(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.; // 1.5·2²³: adding it rounds to a whole number
    const TERMS: [f32; 6] = [
        1.987_569_1e-4,
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        5e-1,
    ];
    let x = x.clamp(-87., 88.);
    let shifted = fused::<FUSED>(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = fused::<FUSED>(n, -0.693_359_4, x);
    let r = fused::<FUSED>(n, 2.121_944_4e-4, r);
    let y = fused::<FUSED>(polynomial::<FUSED, _>(r, TERMS), r * r, r + 1.);
    let power = shifted
        .to_bits()
        .wrapping_sub(ROUND.to_bits())
        .wrapping_add(127)
        << 23;
    y * f32::from_bits(power)
}

/// erf(x) within 5e-7 in f32, and in the same proportion near 0: x·p(x²)/q(x²), with p and q fitted
/// for the least largest error, 1.6e-8, over |x| ≤ 3.9. It is above 1 where the clamp begins, so ±1
/// exactly from there on: a GELU of −1000 is 0.
#[inline(always)]
pub(super) fn erf<const FUSED: bool>(x: f32) -> f32 {
    const OVER: [f32; 6] = [
        2.058_932_3e-6,
        2.858_317_5e-4,
        3.775_34e-3,
        5.278_191e-2,
        1.905_350_8e-1,
        std::f32::consts::FRAC_2_SQRT_PI,
    ];
    const UNDER: [f32; 6] = [
        3.823_227e-5,
        1.166_232_7e-3,
        1.498_839e-2,
        1.141_768_84e-1,
        5.021_9e-1,
        1.,
    ];
    let x = x.clamp(-4.05, 4.05);
    let square = x * x;
    let over = x * polynomial::<FUSED, _>(square, OVER);
    (over / polynomial::<FUSED, _>(square, UNDER)).clamp(-1., 1.)
}

#[inline(always)]
fn gelu<const FUSED: bool>(x: f32) -> f32 {
    let half = 0.5 * x;
    fused::<FUSED>(
        half,
        erf::<FUSED>(x * std::f32::consts::FRAC_1_SQRT_2),
        half,
    )
}

#[inline(always)]
pub(super) fn sigmoid<const FUSED: bool>(x: f32) -> f32 {
    1. / (1. + exp::<FUSED>(-x))
}

/// tanh(u) = 2·sigmoid(2u) − 1, so 0.5·x·(1 + tanh u) = x·sigmoid(2u).
#[inline(always)]
fn gelu_tanh<const FUSED: bool>(x: f32) -> f32 {
    const SQRT_2_OVER_PI: f32 = 0.797_884_6;
    x * sigmoid::<FUSED>(2. * SQRT_2_OVER_PI * (x + 0.044_715 * x * x * x))
}

kernel! {
    /// out = activation(x), element by element.
    pub fn activate(x: &[f32], out: &mut [f32], activation: Activation) {
        #[inline(always)]
        fn map(x: &[f32], out: &mut [f32], f: impl Fn(f32) -> f32) {
            for (out, &x) in out.iter_mut().zip(x) {
                *out = f(x);
            }
        }
        match activation {
            Activation::Gelu => map(x, out, gelu::<FUSED>),
            Activation::GeluTanh => map(x, out, gelu_tanh::<FUSED>),
            Activation::Relu => map(x, out, |x| if x > 0. { x } else { 0. }),
            Activation::Silu => map(x, out, |x| x * sigmoid::<FUSED>(x)),
            Activation::Tanh => map(x, out, |x| 2. * sigmoid::<FUSED>(2. * x) - 1.),
        }
    }
}

/// e^(x−max) for a score; what is hidden weighs nothing at all, where `exp` alone would stop at 10⁻³⁸.
#[inline(always)]
fn weight<const FUSED: bool>(x: f32, max: f32) -> f32 {
    let e = exp::<FUSED>(x - max);
    if x == f32::NEG_INFINITY { 0. } else { e }
}

kernel! {
    /// Each row of `columns` becomes its softmax: e^(x−max)/Σe^(x−max).
    pub fn softmax(rows: &mut [f32], columns: usize) {
        for row in rows.chunks_exact_mut(columns) {
            let max = max_of(row);
            let mut lanes = [0f32; LANES];
            let mut chunks = row.chunks_exact_mut(LANES);
            for chunk in &mut chunks {
                for (lane, x) in lanes.iter_mut().zip(chunk) {
                    *x = weight::<FUSED>(*x, max);
                    *lane += *x;
                }
            }
            let rest = chunks.into_remainder();
            rest.iter_mut().for_each(|x| *x = weight::<FUSED>(*x, max));
            let sum = gather(lanes, |a, b| a + b) + rest.iter().sum::<f32>();
            let scale = 1. / sum;
            row.iter_mut().for_each(|x| *x *= scale);
        }
    }
}

kernel! {
    /// out = softmax of each row of `columns`, as [`softmax`].
    pub fn softmax_into(rows: &[f32], columns: usize, out: &mut [f32]) {
        for (row, out) in rows.chunks_exact(columns).zip(out.chunks_exact_mut(columns)) {
            let max = max_of(row);
            let mut lanes = [0f32; LANES];
            let (mut from, mut to) = (row.chunks_exact(LANES), out.chunks_exact_mut(LANES));
            for (from, to) in (&mut from).zip(&mut to) {
                for ((lane, &x), to) in lanes.iter_mut().zip(from).zip(to) {
                    *to = weight::<FUSED>(x, max);
                    *lane += *to;
                }
            }
            let (from, rest) = (from.remainder(), to.into_remainder());
            for (&x, to) in from.iter().zip(&mut *rest) {
                *to = weight::<FUSED>(x, max);
            }
            let sum = gather(lanes, |a, b| a + b) + rest.iter().sum::<f32>();
            let scale = 1. / sum;
            out.iter_mut().for_each(|x| *x *= scale);
        }
    }
}

kernel! {
    /// out = norm(x + residual) by rows of the weight's length; an empty `residual` stands for 0.
    pub fn norm(
        x: &[f32], residual: &[f32], weight: &[f32], bias: &[f32], eps: f32, kind: NormKind,
        out: &mut [f32],
    ) {
        let columns = weight.len();
        for (i, out) in out.chunks_exact_mut(columns).enumerate() {
            let row = &x[i * columns..(i + 1) * columns];
            if residual.is_empty() {
                out.copy_from_slice(row);
            } else {
                let residual = &residual[i * columns..(i + 1) * columns];
                for ((out, &x), &r) in out.iter_mut().zip(row).zip(residual) {
                    *out = x + r;
                }
            }
            let (mean, scale) = centre_and_scale(out, eps, kind);
            for ((out, &w), &b) in out.iter_mut().zip(weight).zip(bias) {
                *out = (*out - mean) * scale * w + b;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> impl Iterator<Item = f32> {
        (-90_000..90_000).map(|i| i as f32 / 1000.)
    }

    #[test]
    fn exp_follows_the_library() {
        for exp in [exp::<false>, exp::<true>] {
            for x in grid().filter(|x| x.abs() < 87.) {
                let (ours, exact) = (f64::from(exp(x)), f64::from(x).exp());
                assert!(
                    (ours / exact - 1.).abs() < 3e-7,
                    "exp({x}) = {ours}, not {exact}"
                );
            }
            assert!(exp(f32::NEG_INFINITY) < 1e-37);
        }
    }

    /// erf by its Taylor series in f64, which converges everywhere we look.
    fn exact_erf(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * 2. / std::f64::consts::PI.sqrt()
    }

    #[test]
    fn erf_follows_its_series() {
        for erf in [erf::<false>, erf::<true>] {
            for x in grid().filter(|x| x.abs() < 5.) {
                let exact = exact_erf(x.into());
                let difference = f64::from(erf(x)) - exact;
                assert!(difference.abs() < 5e-7, "erf({x}) is off by {difference}");
                assert!(
                    difference.abs() <= 5e-7 * exact.abs(),
                    "erf({x}) by {difference}"
                );
            }
            assert_eq!(erf(30.), 1.);
            assert_eq!(erf(-30.), -1.);
        }
    }

    #[test]
    fn activations_follow_their_formulas() {
        let x: Vec<f32> = grid().filter(|x| x.abs() < 12.).collect();
        let exact = |activation, x: f64| match activation {
            Activation::Gelu => 0.5 * x * (1. + exact_erf((x / 2f64.sqrt()).clamp(-4.5, 4.5))),
            Activation::GeluTanh => {
                let u = (2. / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
                0.5 * x * (1. + u.tanh())
            }
            Activation::Relu => x.max(0.),
            Activation::Silu => x / (1. + (-x).exp()),
            Activation::Tanh => x.tanh(),
        };
        for activation in [
            Activation::Gelu,
            Activation::GeluTanh,
            Activation::Relu,
            Activation::Silu,
            Activation::Tanh,
        ] {
            let mut out = vec![0.; x.len()];
            activate(&x, &mut out, activation);
            for (&x, &y) in x.iter().zip(&out) {
                let difference = f64::from(y) - exact(activation, x.into());
                assert!(
                    difference.abs() < 3e-6,
                    "{activation:?}({x}) is off by {difference}"
                );
            }
        }
    }

    #[test]
    fn hidden_scores_weigh_exactly_nothing() {
        let mut row = vec![f32::NEG_INFINITY, 2., f32::NEG_INFINITY, 2.];
        softmax(&mut row, 4);
        assert_eq!((row[0], row[2]), (0., 0.));
        assert!((row[1] - 0.5).abs() < 1e-6 && row[1] == row[3]);
    }

    #[test]
    fn softmax_of_far_apart_scores_neither_overflows_nor_loses_mass() {
        let mut rows = vec![1000., -1000., 999., 3., 3., 3.];
        softmax(&mut rows, 3);
        assert!((rows[0] - 0.731_058_6).abs() < 1e-6);
        assert!(rows[1] < 1e-30);
        assert!(rows[3..].iter().all(|x| (x - 1. / 3.).abs() < 1e-7));
    }
}
