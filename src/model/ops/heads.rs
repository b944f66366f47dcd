//! The products of one head, queries with keys and a pattern with values: small ones, which packing for
//! the registers at hand serves better than a general product.

use super::raw::{Matrix, product};
use super::wide::{Registers, Rows};

/// Registers of one panel.
const PANEL: usize = 2;

/// The right factor of a product, [inputs, outputs], for many rows of the left one.
pub struct Factor<'a> {
    inputs: usize,
    outputs: usize,
    plain: Matrix,
    alpha: f32,
    /// alpha·plain, [⌈outputs/width⌉, inputs, width], where the processor has registers for it.
    panels: Option<(Registers, &'a [f32])>,
}

impl<'a> Factor<'a> {
    /// alpha·plain, packed into `scratch` where that pays.
    ///
    /// # Safety
    /// `plain` must hold inputs × outputs elements for as long as the factor is in use.
    pub unsafe fn new(
        plain: Matrix,
        (inputs, outputs): (usize, usize),
        alpha: f32,
        scratch: &'a mut Vec<f32>,
    ) -> Self {
        let panels = Registers::here().map(|registers| {
            let width = PANEL * registers.lanes();
            let size = outputs.div_ceil(width) * inputs * width;
            // Grows once and then holds what the last head left, all of which is written over.
            if scratch.len() < size {
                scratch.resize(size, 0.);
            }
            let panels = &mut scratch[..size];
            // SAFETY: by this function's own contract.
            unsafe { pack(plain, (inputs, outputs), alpha, (panels, width)) };
            (registers, &*panels)
        });
        Self {
            inputs,
            outputs,
            plain,
            alpha,
            panels,
        }
    }

    /// dst (rows of stride `dst_row`) = lhs·factor, lhs [rows, inputs] with rows in one piece.
    ///
    /// # Safety
    /// `lhs` must hold its rows, and `dst` as many of `outputs` elements, which nobody else uses.
    pub unsafe fn times(&self, (lhs, rows): (Matrix, usize), dst: *mut f32, dst_row: usize) {
        let Some(panels) = self.panels else {
            let (size, pair) = ((rows, self.outputs, self.inputs), (lhs, self.plain));
            // SAFETY: by this function's own contract and that of `new`.
            return unsafe { product(size, dst, dst_row, false, pair, self.alpha, false) };
        };
        let mut row = 0;
        while row < rows {
            let here = (lhs.skip_rows(row), dst.wrapping_add(row * dst_row), dst_row);
            // SAFETY: by this function's own contract, as `row` stays below `rows`.
            row += unsafe {
                match (panels.0, rows - row) {
                    (Registers::Sixteen, 12..) => self.block::<12>(panels, here),
                    (Registers::Sixteen, 8..) => self.block::<8>(panels, here),
                    (Registers::Eight, 6..) => self.block::<6>(panels, here),
                    (_, 4..) => self.block::<4>(panels, here),
                    (_, 2..) => self.block::<2>(panels, here),
                    _ => self.block::<1>(panels, here),
                }
            };
        }
    }

    /// M rows; returns M.
    ///
    /// # Safety
    /// As [`Self::times`].
    unsafe fn block<const M: usize>(
        &self,
        (registers, panels): (Registers, &[f32]),
        (lhs, dst, stride): (Matrix, *mut f32, usize),
    ) -> usize {
        let x = Rows {
            start: lhs.start,
            stride: lhs.row.unsigned_abs(),
        };
        let width = PANEL * registers.lanes();
        let size = (self.inputs * width).max(1);
        for (panel, output) in panels.chunks_exact(size).zip((0..).step_by(width)) {
            let start = dst.wrapping_add(output);
            let here = (self.outputs - output).min(width);
            // SAFETY: the registers are this processor's. A row of `lhs` holds `inputs` elements in one
            // piece, and of each row of `dst` these elements are the caller's own.
            unsafe { registers.add::<M, PANEL>(x, panel, None, Rows { start, stride }, here) };
        }
        M
    }
}

/// Zeros stand for what the last panel lacks.
///
/// # Safety
/// `plain` must hold inputs × outputs elements.
unsafe fn pack(
    plain: Matrix,
    (inputs, outputs): (usize, usize),
    alpha: f32,
    (panels, width): (&mut [f32], usize),
) {
    // SAFETY: by this function's own contract.
    let at = |input: usize, output: usize| unsafe {
        *plain
            .start
            .offset(input as isize * plain.row + output as isize * plain.column)
    };
    let size = (inputs * width).max(1);
    for (panel, start) in panels.chunks_exact_mut(size).zip((0..).step_by(width)) {
        let here = (outputs - start).min(width);
        for (input, row) in panel.chunks_exact_mut(width).enumerate() {
            let (full, rest) = row.split_at_mut(here);
            let cells = full.iter_mut().enumerate();
            cells.for_each(|(o, to)| *to = alpha * at(input, start + o));
            rest.fill(0.);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_the_plain_factor_whatever_the_sizes_and_strides() {
        let value = |i: usize| ((i * 37 % 101) as f32 - 50.) / 50.;
        for (rows, inputs, outputs) in [(1, 1, 1), (13, 32, 33), (30, 7, 64), (5, 70, 31)] {
            let lhs: Vec<f32> = (0..rows * inputs).map(value).collect();
            let rhs: Vec<f32> = (0..inputs * outputs).map(|i| value(i + 3)).collect();
            for turned in [false, true] {
                let plain = match turned {
                    false => Matrix::dense(&rhs, outputs),
                    true => Matrix::dense(&rhs, inputs).transposed(),
                };
                let mut scratch = vec![f32::NAN; 3];
                let stride = outputs + 2;
                let mut out = vec![f32::NAN; rows * stride];
                // SAFETY: the slices hold what the sizes say.
                unsafe {
                    let factor = Factor::new(plain, (inputs, outputs), 0.5, &mut scratch);
                    let left = (Matrix::dense(&lhs, inputs), rows);
                    factor.times(left, out.as_mut_ptr(), stride);
                }
                for (row, out) in out.chunks_exact(stride).enumerate() {
                    for (o, &y) in out[..outputs].iter().enumerate() {
                        let right = |i: usize| match turned {
                            false => rhs[i * outputs + o],
                            true => rhs[o * inputs + i],
                        };
                        let terms = (0..inputs).map(|i| lhs[row * inputs + i] * right(i));
                        let exact = 0.5 * terms.sum::<f32>();
                        assert!((y - exact).abs() < 1e-4, "{y} is not {exact}");
                    }
                    assert!(out[outputs].is_nan(), "written past a row's end");
                }
            }
        }
    }
}
