//! A product for short texts. There the time goes into reading the weights, so each is read once,
//! straight from where it lies, and serves every row; a general product would first copy them into
//! an order of its own.

use pulp::{Arch, Simd, WithSimd};

/// Rows of x that one load of a weight serves, and weight rows that one load of x serves: as many
/// running sums as leave registers for the operands.
const ROWS: usize = 4;
const OUTPUTS: usize = 2;

/// outᵀ = W·xᵀ + b. x [m, k], weight [n, k], bias [n], to out [n, m].
pub struct FewRows<'a> {
    pub x: &'a [f32],
    pub weight: &'a [f32],
    pub bias: &'a [f32],
    pub out: &'a mut [f32],
}

impl FewRows<'_> {
    /// Runs with the widest registers of this processor.
    pub fn run(self, arch: Arch) {
        arch.dispatch(self);
    }
}

impl WithSimd for FewRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let k = self.weight.len() / self.bias.len();
        let m = self.x.len() / k;
        let mut n = 0;
        while n + OUTPUTS <= self.bias.len() {
            self::outputs::<S, OUTPUTS>(simd, self.x, self.weight, self.bias, self.out, n, (k, m));
            n += OUTPUTS;
        }
        while n < self.bias.len() {
            self::outputs::<S, 1>(simd, self.x, self.weight, self.bias, self.out, n, (k, m));
            n += 1;
        }
    }
}

/// N outputs from `n` on, for every row of x.
#[inline(always)]
fn outputs<S: Simd, const N: usize>(
    simd: S,
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    out: &mut [f32],
    n: usize,
    (k, m): (usize, usize),
) {
    let weights: [&[f32]; N] = rows(weight, k, n);
    let mut row = 0;
    while row + ROWS <= m {
        store::<S, ROWS, N>(
            simd,
            rows(x, k, row),
            weights,
            &bias[n..],
            &mut out[n * m + row..],
            m,
        );
        row += ROWS;
    }
    while row < m {
        store::<S, 1, N>(
            simd,
            rows(x, k, row),
            weights,
            &bias[n..],
            &mut out[n * m + row..],
            m,
        );
        row += 1;
    }
}

#[inline(always)]
fn rows<const N: usize>(data: &[f32], k: usize, first: usize) -> [&[f32]; N] {
    std::array::from_fn(|i| &data[(first + i) * k..(first + i + 1) * k])
}

/// M × N dot products of length k, written to N rows of `out`, `stride` apart.
#[inline(always)]
fn store<S: Simd, const M: usize, const N: usize>(
    simd: S,
    x: [&[f32]; M],
    weights: [&[f32]; N],
    bias: &[f32],
    out: &mut [f32],
    stride: usize,
) {
    let split_x = x.map(|row| S::as_simd_f32s(row));
    let split_w = weights.map(|row| S::as_simd_f32s(row));
    let steps = split_w[0].0.len();
    // Equal lengths said outright, so that the loop needs no bounds checks.
    let xs: [&[S::f32s]; M] = std::array::from_fn(|m| &split_x[m].0[..steps]);
    let ws: [&[S::f32s]; N] = std::array::from_fn(|n| &split_w[n].0[..steps]);
    let mut sums = [[simd.splat_f32s(0.); M]; N];
    for step in 0..steps {
        let x: [S::f32s; M] = std::array::from_fn(|m| xs[m][step]);
        for n in 0..N {
            let w = ws[n][step];
            for m in 0..M {
                sums[n][m] = simd.mul_add_e_f32s(x[m], w, sums[n][m]);
            }
        }
    }
    for n in 0..N {
        for m in 0..M {
            let tail = split_x[m].1.iter().zip(split_w[n].1);
            let tail: f32 = tail.map(|(x, w)| x * w).sum();
            out[n * stride + m] = simd.reduce_sum_f32s(sums[n][m]) + tail + bias[n];
        }
    }
}
