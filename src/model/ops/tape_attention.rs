//! Attention with a gradient, as one custom operation: f32 on the CPU.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::attend::{Attend, Rows};
use super::raw::{Matrix, PARALLEL_FROM, Target, product, with_slice};
use super::tape::{slice, tensor};
use super::{kernels, slopes};

/// All of attention, for texts packed one behind the other. qkv [ΣT, H + 2·K, d] to [ΣT, H·d].
pub fn attention(qkv: &Tensor, attend: &Attend, rows: &Rows) -> Result<Tensor> {
    let (attend, rows) = (attend.clone(), rows.clone());
    qkv.contiguous()?.apply_op1(AttentionOp { attend, rows })
}

struct AttentionOp {
    attend: Attend,
    rows: Rows,
}

impl AttentionOp {
    /// Runs `one(text, head, scratch)` for every head of every text; the heads that share keys in
    /// one task, so that a task may add to their gradients.
    fn each(&self, one: impl Fn(&Range<usize>, usize, &mut [Vec<f32>; 2]) + Sync + Send) {
        let Attend {
            heads, kv_heads, ..
        } = self.attend;
        let group = heads / kv_heads;
        let texts = self.rows.texts.iter().filter(|text| !text.is_empty());
        let work: usize = texts.clone().map(|t| t.len() * t.len()).sum();
        let tasks: Vec<_> = texts
            .flat_map(|text| (0..kv_heads).map(move |h| (text, h * group)))
            .collect();
        let run = |scratch: &mut [Vec<f32>; 2], &(text, first): &(&Range<usize>, usize)| {
            (first..first + group).for_each(|h| one(text, h, scratch));
        };
        match work * self.attend.width() >= 4 * PARALLEL_FROM && rayon::current_num_threads() > 1 {
            true => tasks.par_iter().for_each_init(Default::default, run),
            false => {
                let mut scratch = Default::default();
                tasks.iter().for_each(|task| run(&mut scratch, task));
            }
        }
    }

    /// softmax(scale·q·kᵀ + bias) of one head, [T, T], into `pattern`.
    fn pattern(&self, qkv: &[f32], text: &Range<usize>, h: usize, pattern: &mut Vec<f32>) {
        let (t, attend) = (text.len(), &self.attend);
        pattern.resize(t * t, 0.);
        let q = attend.part(qkv, text.start, attend.query(h));
        let k = attend.part(qkv, text.start, attend.key(h)).transposed();
        let (to, scale) = (pattern.as_mut_ptr(), attend.scale as f32);
        // SAFETY: `pattern` holds t × t elements; q and k are [t, d] inside of `qkv`.
        unsafe { product((t, t, attend.size), to, t, false, (q, k), scale, false) };
        attend.finish(h, &self.rows.places[text.clone()], pattern);
        kernels::softmax(pattern, t);
    }
}

impl CustomOp1 for AttentionOp {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(&self, qkv: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let attend = &self.attend;
        let (rows, width) = (layout.shape().dims3()?.0, attend.width());
        let qkv = slice(qkv, layout)?;
        let mut out = vec![0.; rows * width];
        let target = Target(out.as_mut_ptr());
        self.each(|text, h, [pattern, _]| {
            self.pattern(qkv, text, h, pattern);
            let (t, size) = (text.len(), attend.size);
            let v = attend.part(qkv, text.start, attend.value(h));
            let to = target.at(text.start * width + h * size);
            let pair = (Matrix::dense(pattern, t), v);
            // SAFETY: this task writes head h's columns of this text's rows, and no other does.
            unsafe { product((t, size, t), to, width, false, pair, 1., false) };
        });
        Ok((CpuStorage::F32(out), Shape::from((rows, width))))
    }

    /// With P the pattern and g the gradient by P·v: ∂v = Pᵀ·g; ∂P = g·vᵀ; ∂S its softmax gradient;
    /// ∂q = scale·∂S·k; ∂k = scale·∂Sᵀ·q. Keys and values sum over the heads that share them.
    fn bwd(&self, qkv: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let attend = &self.attend;
        let (width, size) = (attend.width(), attend.size);
        let mut out = vec![0.; qkv.elem_count()];
        let target = Target(out.as_mut_ptr());
        with_slice(qkv, |qkv| {
            with_slice(gradient, |gradient| {
                self.each(|text, h, [pattern, slope]| {
                    self.pattern(qkv, text, h, pattern);
                    let (t, start) = (text.len(), text.start);
                    let offsets = [attend.query(h), attend.key(h), attend.value(h)];
                    let [q, k, v] = offsets.map(|offset| attend.part(qkv, start, offset));
                    let to = offsets.map(|offset| target.at(start * attend.row() + offset));
                    let g = Matrix {
                        start: gradient[start * width + h * size..].as_ptr(),
                        row: width as isize,
                        column: 1,
                    };
                    let p = Matrix::dense(pattern, t).transposed();
                    slope.resize(t * t, 0.);
                    let (narrow, square) = ((t, size, t), (t, t, size));
                    let (row, scale) = (attend.row(), attend.scale as f32);
                    // SAFETY: the scratch buffers hold t × t elements and are this task's own; the
                    // three targets are columns of this text's rows that belong to this task's heads
                    // alone; every operand lies inside of `qkv`, `gradient` or a scratch buffer.
                    unsafe {
                        product(narrow, to[2], row, true, (p, g), 1., false);
                        let pair = (g, v.transposed());
                        product(square, slope.as_mut_ptr(), t, false, pair, 1., false);
                        slopes::softmax(pattern, slope, t);
                        let s = Matrix::dense(slope, t);
                        product(narrow, to[0], row, false, (s, k), scale, false);
                        product(narrow, to[1], row, true, (s.transposed(), q), scale, false);
                    }
                });
            })
        })??;
        Ok(Some(tensor(out, qkv.shape())?))
    }
}
