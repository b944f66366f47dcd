//! Attention with its maps kept: scores, softmax and mixing of a few rows at a time, while they are in
//! the cache.

use std::cell::RefCell;

use candle_core::{Device, Result, Tensor};

use super::heads::Factor;
use super::kernels;
use super::raw::{Matrix, PARALLEL_FROM, Target, plane, with_buffer};
use super::team;

/// Scores that one step holds, besides their softmax: 64 KiB.
const STEP: usize = 1 << 14;

thread_local! {
    /// A head's keys and values as the products read them.
    static SCRATCH: RefCell<[Vec<f32>; 2]> = const { RefCell::new([const { Vec::new() }; 2]) };
}

/// What became of one text's queries, keys and values where nothing but content counts.
pub struct Kept {
    /// scale·q·kᵀ, [H, T, T].
    pub scores: Tensor,
    /// [H, T, T]
    pub pattern: Tensor,
    /// pattern·v, [T, H, d].
    pub mixed: Tensor,
}

/// q [H, T, d], k and v [K, T, d], any strides.
///
/// # Errors
/// When a tensor is not f32 on the CPU.
pub fn attention(q: &Tensor, k: &Tensor, v: &Tensor, scale: f64) -> Result<Kept> {
    let (heads, tokens, size) = q.dims3()?;
    // What a hook put in its place may lie otherwise.
    let q = &if q.stride()[2] == 1 {
        q.clone()
    } else {
        q.contiguous()?
    };
    let shared = k.dim(0)?;
    let (cells, width) = (tokens * tokens, heads * size);
    let mut scores: Vec<f32> = Vec::with_capacity(heads * cells);
    let mut pattern: Vec<f32> = Vec::with_capacity(heads * cells);
    let mut mixed: Vec<f32> = Vec::with_capacity(tokens * width);
    let to = [&mut scores, &mut pattern, &mut mixed].map(|out| Target(out.as_mut_ptr()));
    let step = (STEP / tokens.max(1)).max(12).next_multiple_of(12);
    with_buffer(q, |qs| {
        with_buffer(k, |ks| {
            with_buffer(v, |vs| {
                let one = |h: usize, [keys, values]: &mut [Vec<f32>; 2]| {
                    let group = h * shared / heads;
                    let queries = plane(q, qs, h);
                    let right = (plane(k, ks, group).transposed(), plane(v, vs, group));
                    // SAFETY: k and v hold `tokens` rows of `size` in each plane.
                    let (keys, values) = unsafe {
                        (
                            Factor::new(right.0, (size, tokens), scale as f32, keys),
                            Factor::new(right.1, (tokens, size), 1., values),
                        )
                    };
                    for first in (0..tokens).step_by(step) {
                        let rows = step.min(tokens - first);
                        let cell = h * cells + first * tokens;
                        let [scores, pattern] = [to[0].at(cell), to[1].at(cell)];
                        let mixed = to[2].at(first * width + h * size);
                        let left = (queries.skip_rows(first), rows);
                        // SAFETY: these rows of head h's maps, and its columns of these rows of what
                        // is mixed, are this step's own; the scores are written before they are read.
                        unsafe {
                            keys.times(left, scores, tokens);
                            let scores = std::slice::from_raw_parts(scores, rows * tokens);
                            let pattern = std::slice::from_raw_parts_mut(pattern, rows * tokens);
                            kernels::softmax_into(scores, tokens, pattern);
                            let left = (Matrix::dense(pattern, tokens), rows);
                            values.times(left, mixed, width);
                        }
                    }
                };
                match heads * cells * size >= PARALLEL_FROM * 16 {
                    true => team::each(heads, |h| SCRATCH.with_borrow_mut(|own| one(h, own))),
                    false => SCRATCH.with_borrow_mut(|own| (0..heads).for_each(|h| one(h, own))),
                }
            })
        })
    })???;
    // SAFETY: every row of every head was written.
    unsafe {
        scores.set_len(heads * cells);
        pattern.set_len(heads * cells);
        mixed.set_len(tokens * width);
    }
    let maps = (heads, tokens, tokens);
    Ok(Kept {
        scores: Tensor::from_vec(scores, maps, &Device::Cpu)?,
        pattern: Tensor::from_vec(pattern, maps, &Device::Cpu)?,
        mixed: Tensor::from_vec(mixed, (tokens, heads, size), &Device::Cpu)?,
    })
}
