//! x·Wᵀ + b with the weights in the order in which a product reads them: panels of 32 outputs, and
//! in each, for every input, the 32 weights side by side. A general product would bring them into
//! such an order each time, which for short texts takes longer than the product itself.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::super::spec::Activation;
use super::kernels;
use super::raw::{PARALLEL_FROM, Target};
use super::team;

/// Outputs of one panel: two of the widest registers.
const WIDTH: usize = 32;

/// Outputs of one task: few enough that nobody waits long for another's last task.
const OUTPUTS: usize = 3 * WIDTH;

/// Elements of x that stay in a core's own cache beside a panel: 512 KiB.
const BLOCK: usize = 1 << 17;

/// The weights of one layer, once more.
#[derive(Debug)]
pub struct Panels {
    /// k
    inputs: usize,
    /// n
    outputs: usize,
    /// Zeros stand for what the last panel lacks. [⌈n/32⌉, k, 32]
    values: Vec<f32>,
}

/// What becomes of the product.
#[derive(Clone, Copy)]
pub struct Places {
    /// Where x·Wᵀ + b goes. [m, n]
    pub out: Target,
    /// Where its activation goes, which may be the same place. [m, n]
    pub active: Option<(Target, Activation)>,
}

impl Panels {
    /// weight [n, k].
    pub fn new(weight: &[f32], outputs: usize) -> Self {
        let inputs = weight.len() / outputs.max(1);
        let mut values = vec![0.; outputs.div_ceil(WIDTH) * inputs * WIDTH];
        let size = (inputs * WIDTH).max(1);
        let panels = values.par_chunks_mut(size).zip(weight.par_chunks(size));
        panels.for_each(|(panel, rows)| {
            for (i, row) in rows.chunks_exact(inputs).enumerate() {
                let column = panel.iter_mut().skip(i).step_by(WIDTH);
                column.zip(row).for_each(|(to, from)| *to = *from);
            }
        });
        Self {
            inputs,
            outputs,
            values,
        }
    }

    /// x [m, k], bias [n] to m × n.
    ///
    /// # Safety
    /// Each place must hold m × n elements that nobody else uses.
    pub unsafe fn product(&self, x: &[f32], bias: &[f32], places: Places) {
        let rows = x.len() / self.inputs.max(1);
        let arch = Arch::new();
        let task = |i: usize| {
            arch.dispatch(Task {
                panels: self,
                x,
                bias: &bias[..self.outputs],
                rows,
                outputs: i * OUTPUTS..((i + 1) * OUTPUTS).min(self.outputs),
                places,
            });
        };
        let tasks = self.outputs.div_ceil(OUTPUTS);
        match rows * self.values.len() >= PARALLEL_FROM * 8 {
            true => team::each(tasks, task),
            false => (0..tasks).for_each(task),
        }
    }
}

/// Some outputs of every row.
struct Task<'a> {
    panels: &'a Panels,
    x: &'a [f32],
    bias: &'a [f32],
    rows: usize,
    outputs: Range<usize>,
    places: Places,
}

impl WithSimd for Task<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // Registers of a panel's width, and as many rows as leave some for the operands: there are
        // 32 with AVX-512 and NEON, 16 with AVX2.
        match size_of::<S::f32s>() / size_of::<f32>() {
            16 => self.blocks::<S, 12, 2>(simd),
            8 => self.blocks::<S, 3, 4>(simd),
            4 => self.blocks::<S, 3, 8>(simd),
            _ => self.blocks::<S, 1, WIDTH>(simd),
        }
    }
}

impl Task<'_> {
    /// Tiles of M rows and V registers.
    #[inline(always)]
    fn blocks<S: Simd, const M: usize, const V: usize>(&self, simd: S) {
        let block = (BLOCK / self.panels.inputs.max(1)).next_multiple_of(M);
        for first in (0..self.rows).step_by(block) {
            let rows = first..(first + block).min(self.rows);
            for output in self.outputs.clone().step_by(WIDTH) {
                let mut row = rows.start;
                while row + M <= rows.end {
                    self.tile::<S, M, V>(simd, row, output);
                    row += M;
                }
                while M > 8 && row + 8 <= rows.end {
                    self.tile::<S, 8, V>(simd, row, output);
                    row += 8;
                }
                while M > 4 && row + 4 <= rows.end {
                    self.tile::<S, 4, V>(simd, row, output);
                    row += 4;
                }
                while M > 2 && row + 2 <= rows.end {
                    self.tile::<S, 2, V>(simd, row, output);
                    row += 2;
                }
                while row < rows.end {
                    self.tile::<S, 1, V>(simd, row, output);
                    row += 1;
                }
            }
            self.activate(rows);
        }
    }

    /// M rows of one panel's outputs, from `output` on.
    #[inline(always)]
    fn tile<S: Simd, const M: usize, const V: usize>(&self, simd: S, row: usize, output: usize) {
        let k = self.panels.inputs;
        let x: [&[f32]; M] = std::array::from_fn(|m| &self.x[(row + m) * k..][..k]);
        let panel = &self.panels.values[output * k..][..WIDTH * k];
        let (panel, _) = S::as_simd_f32s(panel);
        let panel = &panel[..k * V];
        let mut sums = [[simd.splat_f32s(0.); V]; M];
        for i in 0..k {
            let weights: [S::f32s; V] = std::array::from_fn(|v| panel[i * V + v]);
            for m in 0..M {
                let x = simd.splat_f32s(x[m][i]);
                for v in 0..V {
                    sums[m][v] = simd.mul_add_e_f32s(x, weights[v], sums[m][v]);
                }
            }
        }
        let here = (self.outputs.end - output).min(WIDTH);
        let bias = &self.bias[output..output + here];
        for (m, sums) in sums.iter().enumerate() {
            let mut own = [0.; WIDTH];
            let (registers, _) = S::as_mut_simd_f32s(&mut own);
            registers.copy_from_slice(sums);
            let to = self.places.out.at((row + m) * self.panels.outputs + output);
            // SAFETY: these `here` of the m × n elements are this task's own.
            let to = unsafe { std::slice::from_raw_parts_mut(to, here) };
            for ((to, sum), bias) in to.iter_mut().zip(&own).zip(bias) {
                *to = sum + bias;
            }
        }
    }

    /// While what these rows became is still in the cache.
    #[inline(always)]
    fn activate(&self, rows: Range<usize>) {
        let Some((active, activation)) = self.places.active else {
            return;
        };
        let (width, mut own) = (self.outputs.len(), [0.; OUTPUTS]);
        let own = &mut own[..width];
        for row in rows {
            let offset = row * self.panels.outputs + self.outputs.start;
            // SAFETY: as in `tile`. The two may be one place, so that the values are copied, and
            // their slice is gone, before the other is written.
            let to = unsafe {
                own.copy_from_slice(std::slice::from_raw_parts(
                    self.places.out.at(offset),
                    width,
                ));
                std::slice::from_raw_parts_mut(active.at(offset), width)
            };
            kernels::activate(own, to, activation);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_is_that_of_the_weights_whatever_the_sizes() {
        let value = |i: usize| ((i * 37 % 101) as f32 - 50.) / 50.;
        for (m, n, k) in [
            (1, 1, 1),
            (2, 31, 3),
            (13, 33, 40),
            (27, 130, 65),
            (4, 96, 7),
        ] {
            let x: Vec<f32> = (0..m * k).map(value).collect();
            let weight: Vec<f32> = (0..n * k).map(|i| value(i + 5)).collect();
            let bias: Vec<f32> = (0..n).map(|i| value(i + 9)).collect();
            let (mut out, mut active) = (vec![f32::NAN; m * n], vec![f32::NAN; m * n]);
            let panels = Panels::new(&weight, n);
            let beside = (Target(active.as_mut_ptr()), Activation::Relu);
            let places = Places {
                out: Target(out.as_mut_ptr()),
                active: Some(beside),
            };
            // SAFETY: both vectors hold m × n elements.
            unsafe { panels.product(&x, &bias, places) };
            for (i, (&y, &active)) in out.iter().zip(&active).enumerate() {
                let (row, output) = (i / n, i % n);
                let terms = (0..k).map(|j| x[row * k + j] * weight[output * k + j]);
                let exact = terms.sum::<f32>() + bias[output];
                assert!((y - exact).abs() < 1e-4, "{m}×{n}×{k}: {y} is not {exact}");
                assert_eq!(active, y.max(0.));
            }
        }
    }
}
