//! x·Wᵀ + b with the weights in the order in which a product reads them: panels of 16 to 48 outputs, and
//! in each, for every input, their weights side by side. A general product would bring them into such
//! an order each time, which for short texts takes longer than the product itself.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::super::spec::Activation;
use super::kernels;
use super::raw::{PARALLEL_FROM, Target};
use super::team;
use super::wide::{Registers, Rows};

/// Outputs of one panel where a processor's registers are not known.
const WIDTH: usize = 32;

/// Outputs of one task: whole panels of any width, and few enough that nobody waits long for another's
/// last task.
const OUTPUTS: usize = 96;

/// Inputs of a panel that stay in the nearest cache, at most 36 KiB, while all rows of a block pass by.
const DEPTH: usize = 192;

/// Elements of x that stay in a core's own cache beside a panel: 512 KiB.
const BLOCK: usize = 1 << 17;

/// The weights of one layer, once more.
#[derive(Debug)]
pub struct Panels {
    /// k
    inputs: usize,
    /// n
    outputs: usize,
    /// What the panels are made for.
    registers: Option<Registers>,
    /// Zeros stand for what the last panel lacks. [⌈n/width⌉, k, width]
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
    /// weight [n, k], as this processor reads it best.
    pub fn new(weight: &[f32], outputs: usize) -> Self {
        Self::made_for(Registers::here(), weight, outputs)
    }

    /// Whether a processor's registers are known, so that this is the fastest way for any rows.
    pub fn serve_any_rows(&self) -> bool {
        self.registers.is_some()
    }

    fn made_for(registers: Option<Registers>, weight: &[f32], outputs: usize) -> Self {
        let width = width(registers);
        let inputs = weight.len() / outputs.max(1);
        let mut values = vec![0.; outputs.div_ceil(width) * inputs * width];
        let size = (inputs * width).max(1);
        let panels = values.par_chunks_mut(size).zip(weight.par_chunks(size));
        panels.for_each(|(panel, rows)| {
            for (i, row) in rows.chunks_exact(inputs).enumerate() {
                let column = panel.iter_mut().skip(i).step_by(width);
                column.zip(row).for_each(|(to, from)| *to = *from);
            }
        });
        Self {
            inputs,
            outputs,
            registers,
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
            let task = Task {
                panels: self,
                x,
                bias: &bias[..self.outputs],
                rows,
                outputs: i * OUTPUTS..((i + 1) * OUTPUTS).min(self.outputs),
                places,
            };
            match self.registers {
                Some(registers) => task.run(registers),
                None => arch.dispatch(task),
            }
        };
        let tasks = self.outputs.div_ceil(OUTPUTS);
        match rows * self.values.len() >= PARALLEL_FROM * 8 {
            true => team::each(tasks, task),
            false => (0..tasks).for_each(task),
        }
    }
}

/// Outputs of one panel: three registers of sixteen values, two of eight.
fn width(registers: Option<Registers>) -> usize {
    match registers {
        Some(registers @ Registers::Sixteen) => 3 * registers.lanes(),
        Some(registers @ Registers::Eight) => 2 * registers.lanes(),
        None => WIDTH,
    }
}

/// Rows whose sums fit into the registers beside the operands.
const fn tallest(registers: Registers) -> usize {
    match registers {
        Registers::Sixteen => 8,
        Registers::Eight => 6,
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
    /// Rows that stay in a core's own cache beside a panel.
    fn blocks_of(&self, tile: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let rows = self.rows;
        let block = (BLOCK / self.panels.inputs.max(1)).max(1);
        let block = block.next_multiple_of(tile);
        (0..rows)
            .step_by(block)
            .map(move |first| first..(first + block).min(rows))
    }

    /// With the tile that fills the registers.
    fn run(&self, registers: Registers) {
        let (width, tallest) = (width(Some(registers)), tallest(registers));
        for rows in self.blocks_of(tallest) {
            for output in self.outputs.clone().step_by(width) {
                for first in (0..self.panels.inputs.max(1)).step_by(DEPTH) {
                    let inputs = first..(first + DEPTH).min(self.panels.inputs);
                    let mut row = rows.start;
                    while row < rows.end {
                        // Tiles of about one size: one of few rows would wait for its own sums.
                        let left = rows.end - row;
                        let here = left.div_ceil(left.div_ceil(tallest));
                        self.rows(registers, row..row + here, output, inputs.clone());
                        row += here;
                    }
                }
            }
            self.activate(rows);
        }
    }

    /// Adds what some inputs give to one panel's outputs of these rows, at most [`tallest`].
    fn rows(&self, registers: Registers, rows: Range<usize>, output: usize, inputs: Range<usize>) {
        let row = rows.start;
        match (registers, rows.len()) {
            (Registers::Sixteen, 1) => self.part::<1, 3>(registers, row, output, inputs),
            (Registers::Sixteen, 2) => self.part::<2, 3>(registers, row, output, inputs),
            (Registers::Sixteen, 3) => self.part::<3, 3>(registers, row, output, inputs),
            (Registers::Sixteen, 4) => self.part::<4, 3>(registers, row, output, inputs),
            (Registers::Sixteen, 5) => self.part::<5, 3>(registers, row, output, inputs),
            (Registers::Sixteen, 6) => self.part::<6, 3>(registers, row, output, inputs),
            (Registers::Sixteen, 7) => self.part::<7, 3>(registers, row, output, inputs),
            (Registers::Sixteen, _) => self.part::<8, 3>(registers, row, output, inputs),
            (Registers::Eight, 1) => self.part::<1, 2>(registers, row, output, inputs),
            (Registers::Eight, 2) => self.part::<2, 2>(registers, row, output, inputs),
            (Registers::Eight, 3) => self.part::<3, 2>(registers, row, output, inputs),
            (Registers::Eight, 4) => self.part::<4, 2>(registers, row, output, inputs),
            (Registers::Eight, 5) => self.part::<5, 2>(registers, row, output, inputs),
            (Registers::Eight, _) => self.part::<6, 2>(registers, row, output, inputs),
        }
    }

    /// M rows and V registers.
    fn part<const M: usize, const V: usize>(
        &self,
        registers: Registers,
        row: usize,
        output: usize,
        inputs: Range<usize>,
    ) {
        let (k, n) = (self.panels.inputs, self.panels.outputs);
        let width = V * registers.lanes();
        let panel = &self.panels.values[output * k + inputs.start * width..];
        let panel = &panel[..inputs.len() * width];
        let x = Rows {
            start: self.x[row * k..(row + M) * k][inputs.start..].as_ptr(),
            stride: k,
        };
        let to = Rows {
            start: self.places.out.at(row * n + output),
            stride: n,
        };
        // The bias, and from then on what the inputs before these gave.
        let from = match inputs.start {
            0 => Rows {
                start: self.bias[output..].as_ptr(),
                stride: 0,
            },
            _ => Rows {
                start: to.start.cast_const(),
                stride: n,
            },
        };
        let here = (self.outputs.end - output).min(width);
        // SAFETY: the panels were made for registers that are here. x holds M more rows of k values; the
        // bias has `here` more values, and these of the m × n elements are this task's own.
        unsafe { registers.add::<M, V>(x, panel, Some(from), to, here) };
    }

    /// Tiles of M rows and V registers.
    #[inline(always)]
    fn blocks<S: Simd, const M: usize, const V: usize>(&self, simd: S) {
        for rows in self.blocks_of(M) {
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
        let mut sums = [[0.; WIDTH]; M];
        narrow::<S, M, V>(simd, x, panel, &mut sums);
        let here = (self.outputs.end - output).min(WIDTH);
        let bias = &self.bias[output..output + here];
        for (m, own) in sums.iter().enumerate() {
            let to = self.places.out.at((row + m) * self.panels.outputs + output);
            // SAFETY: these `here` of the m × n elements are this task's own.
            let to = unsafe { std::slice::from_raw_parts_mut(to, here) };
            for ((to, sum), bias) in to.iter_mut().zip(own).zip(bias) {
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

/// Σᵢ x[m][i]·panel[i] for M rows, with the registers of any processor.
#[inline(always)]
fn narrow<S: Simd, const M: usize, const V: usize>(
    simd: S,
    x: [&[f32]; M],
    panel: &[f32],
    out: &mut [[f32; WIDTH]; M],
) {
    let (registers, _) = S::as_simd_f32s(panel);
    let inputs = panel.len() / WIDTH;
    let registers = &registers[..inputs * V];
    let x = x.map(|row| &row[..inputs]);
    let mut sums = [[simd.splat_f32s(0.); V]; M];
    for i in 0..inputs {
        let weights: [S::f32s; V] = std::array::from_fn(|v| registers[i * V + v]);
        for m in 0..M {
            let x = simd.splat_f32s(x[m][i]);
            for v in 0..V {
                sums[m][v] = simd.mul_add_e_f32s(x, weights[v], sums[m][v]);
            }
        }
    }
    for (out, sums) in out.iter_mut().zip(&sums) {
        let (registers, _) = S::as_mut_simd_f32s(out);
        registers.copy_from_slice(sums);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every layout that the processor has the registers for.
    #[test]
    fn the_product_is_that_of_the_weights_whatever_the_sizes() {
        let layouts: Vec<_> = Registers::all().map(Some).chain([None]).collect();
        for (m, n, k) in [
            (1, 1, 1),
            (2, 31, 3),
            (13, 33, 40),
            (27, 130, 65),
            (4, 96, 7),
            (9, 50, 2 * DEPTH + 1),
            (BLOCK / 500 + 7, 49, 500),
        ] {
            layouts.iter().for_each(|&layout| check((m, n, k), layout));
        }
    }

    fn check((m, n, k): (usize, usize, usize), layout: Option<Registers>) {
        let value = |i: usize| ((i * 37 % 101) as f32 - 50.) / 50.;
        let x: Vec<f32> = (0..m * k).map(value).collect();
        let weight: Vec<f32> = (0..n * k).map(|i| value(i + 5)).collect();
        let bias: Vec<f32> = (0..n).map(|i| value(i + 9)).collect();
        let (mut out, mut active) = (vec![f32::NAN; m * n], vec![f32::NAN; m * n]);
        let beside = (Target(active.as_mut_ptr()), Activation::Relu);
        let places = Places {
            out: Target(out.as_mut_ptr()),
            active: Some(beside),
        };
        let panels = Panels::made_for(layout, &weight, n);
        // SAFETY: both vectors hold m × n elements.
        unsafe { panels.product(&x, &bias, places) };
        for (i, (&y, &active)) in out.iter().zip(&active).enumerate() {
            let (row, output) = (i / n, i % n);
            let terms = (0..k).map(|j| x[row * k + j] * weight[output * k + j]);
            let exact = terms.sum::<f32>() + bias[output];
            let off = (y - exact).abs();
            assert!(
                off < 1e-4 * (1. + k as f32 / 100.),
                "{m}×{n}×{k}, {layout:?}: {y} is not {exact}"
            );
            assert_eq!(active, y.max(0.));
        }
    }
}
