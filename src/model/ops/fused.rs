//! The fast path: fused kernels and plain matrix products on the CPU. No gradients.

use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;

use super::super::rotary::Turns;
use super::super::spec::Activation;
use super::super::weights::{Linear, Norm};
use super::few_rows::FewRows;
use super::kernels;
use super::panels::{Panels, Places};
use super::raw::{Matrix, PARALLEL_FROM, Target, by_rows, plane, product, with_buffer, with_slice};
use super::team;

/// Up to this many rows, reading the weights once in place beats the packed product.
const FEW_ROWS: usize = 16;

/// x·Wᵀ + b. x [n, in] to [n, out].
pub fn linear(x: &Tensor, layer: &Linear) -> Result<Tensor> {
    match panels_of(layer, x.dim(0)?) {
        Some(panels) => by_panels(x, layer, panels, None, false).map(|(out, _)| out),
        None => unpacked(x, layer),
    }
}

/// The packed weights where they are the faster way. With fewer registers the general product, which
/// packs for itself, overtakes them as soon as there are rows enough to pay for that.
fn panels_of(layer: &Linear, rows: usize) -> Option<&Panels> {
    const FEW: usize = 24;
    let panels = layer.packed.as_deref()?;
    (rows <= FEW || panels.serve_any_rows()).then_some(panels)
}

/// The activation of x·Wᵀ + b and, where `kept`, that itself before it. x [n, in] to [n, out].
pub fn activated(
    x: &Tensor,
    layer: &Linear,
    activation: Activation,
    kept: bool,
) -> Result<(Option<Tensor>, Tensor)> {
    let Some(panels) = panels_of(layer, x.dim(0)?) else {
        let out = unpacked(x, layer)?;
        let active = activate(&out, activation)?;
        return Ok((kept.then_some(out), active));
    };
    Ok(match by_panels(x, layer, panels, Some(activation), kept)? {
        (out, Some(active)) => (Some(out), active),
        (active, None) => (None, active),
    })
}

/// x·Wᵀ + b or, with an activation, that in its place or `beside` it. x [n, in] to [n, out].
fn by_panels(
    x: &Tensor,
    layer: &Linear,
    panels: &Panels,
    activation: Option<Activation>,
    beside: bool,
) -> Result<(Tensor, Option<Tensor>)> {
    let shape = (x.dim(0)?, layer.bias.dim(0)?);
    let count = shape.0 * shape.1;
    let mut out: Vec<f32> = Vec::with_capacity(count);
    let mut active: Vec<f32> = Vec::with_capacity(if beside { count } else { 0 });
    let over = Target(out.as_mut_ptr());
    let to = if beside {
        Target(active.as_mut_ptr())
    } else {
        over
    };
    let places = Places {
        out: over,
        active: activation.map(|activation| (to, activation)),
    };
    with_slice(x, |x| {
        with_slice(&layer.bias, |bias| {
            // SAFETY: each place holds n × out elements and is ours alone.
            unsafe { panels.product(x, bias, places) }
        })
    })??;
    // SAFETY: every output of every row was written.
    unsafe { out.set_len(count) };
    let out = Tensor::from_vec(out, shape, &Device::Cpu)?;
    if !beside {
        return Ok((out, None));
    }
    // SAFETY: as above.
    unsafe { active.set_len(count) };
    Ok((out, Some(Tensor::from_vec(active, shape, &Device::Cpu)?)))
}

/// The product with weights as a checkpoint holds them.
fn unpacked(x: &Tensor, layer: &Linear) -> Result<Tensor> {
    let (rows, input) = x.dims2()?;
    let output = layer.bias.dim(0)?;
    if rows <= FEW_ROWS {
        return few_rows(x, layer);
    }
    let mut out = Vec::with_capacity(rows * output);
    with_slice(&layer.bias, |bias| {
        // The product adds to the bias, which saves a pass over the result.
        for _ in 0..rows {
            out.extend_from_slice(bias);
        }
    })?;
    with_slice(x, |x| {
        with_slice(&layer.weight, |weight| {
            let lhs = Matrix {
                start: x.as_ptr(),
                row: input as isize,
                column: 1,
            };
            let rhs = Matrix {
                start: weight.as_ptr(),
                row: 1,
                column: input as isize,
            };
            // SAFETY: `out` holds rows × output initialised elements and is ours alone; x and weight
            // hold rows × input and output × input, as their shapes say.
            unsafe {
                product(
                    (rows, output, input),
                    out.as_mut_ptr(),
                    output,
                    true,
                    (lhs, rhs),
                    1.,
                    true,
                );
            }
        })
    })??;
    Tensor::from_vec(out, (rows, output), &Device::Cpu)
}

fn few_rows(x: &Tensor, layer: &Linear) -> Result<Tensor> {
    let (rows, input) = x.dims2()?;
    let output = layer.bias.dim(0)?;
    let mut turned = vec![0.; rows * output]; // [out, n]
    with_slice(x, |x| {
        with_slice(&layer.weight, |weight| {
            with_slice(&layer.bias, |bias| {
                let threads = rayon::current_num_threads();
                let arch = pulp::Arch::new();
                let part = match threads > 1 && output * input >= PARALLEL_FROM {
                    true => output.div_ceil(threads).next_multiple_of(2),
                    false => output,
                };
                let parts = turned
                    .par_chunks_mut(part * rows)
                    .zip(weight.par_chunks(part * input));
                parts
                    .zip(bias.par_chunks(part))
                    .for_each(|((out, weight), bias)| {
                        FewRows {
                            x,
                            weight,
                            bias,
                            out,
                        }
                        .run(arch);
                    });
            })
        })
    })???;
    let mut out: Vec<f32> = Vec::with_capacity(rows * output);
    for row in 0..rows {
        out.extend(turned.iter().skip(row).step_by(rows));
    }
    Tensor::from_vec(out, (rows, output), &Device::Cpu)
}

/// x + y, both of one shape.
pub fn add(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    each_pair(x, y, |x, y| x + y)
}

/// x ⊙ y, both of one shape.
pub fn times(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    each_pair(x, y, |x, y| x * y)
}

/// Candle shares large ones out over threads of its own, which then wait awake for more in the way of
/// ours.
fn each_pair(x: &Tensor, y: &Tensor, f: impl Fn(f32, f32) -> f32 + Sync) -> Result<Tensor> {
    if x.dims() != y.dims() {
        candle_core::bail!("{:?} and {:?} are not of one shape", x.dims(), y.dims());
    }
    let out = with_slice(x, |x| {
        with_slice(y, |y| {
            let mut out = vec![0.; x.len()];
            by_rows(x, &mut out, 1, |start, x, out| {
                let y = &y[start..start + x.len()];
                let pairs = x.iter().zip(y).zip(out);
                pairs.for_each(|((&x, &y), out)| *out = f(x, y));
            });
            out
        })
    })??;
    Tensor::from_vec(out, x.shape(), &Device::Cpu)
}

/// activation(x), same shape.
pub fn activate(x: &Tensor, activation: Activation) -> Result<Tensor> {
    let columns = x.dims().last().copied().unwrap_or(1);
    let out = with_slice(x, |x| {
        let mut out = vec![0.; x.len()];
        by_rows(x, &mut out, columns, |_, x, out| {
            kernels::activate(x, out, activation)
        });
        out
    })?;
    Tensor::from_vec(out, x.shape(), &Device::Cpu)
}

/// norm(x + residual). x, residual [n, D] to [n, D].
pub fn add_norm(x: &Tensor, residual: Option<&Tensor>, norm: &Norm) -> Result<Tensor> {
    let columns = norm.weight.dim(0)?;
    let run = |x: &[f32], residual: &[f32]| -> Result<Vec<f32>> {
        with_slice(&norm.weight, |weight| {
            with_slice(&norm.bias, |bias| {
                let mut out = vec![0.; x.len()];
                by_rows(x, &mut out, columns, |start, x, out| {
                    let residual = residual.get(start..start + x.len()).unwrap_or(&[]);
                    kernels::norm(x, residual, weight, bias, norm.eps as f32, norm.kind, out);
                });
                out
            })
        })?
    };
    let out = with_slice(x, |x| match residual {
        None => run(x, &[]),
        Some(residual) => with_slice(residual, |residual| run(x, residual))?,
    })??;
    Tensor::from_vec(out, x.shape(), &Device::Cpu)
}

/// Turns the first `count` heads of every row. x [n, m, d] to the same.
pub fn rotate(x: &Tensor, count: usize, turns: &Turns) -> Result<Tensor> {
    let (_, all, size) = x.dims3()?;
    let columns = all * size;
    let out = with_slice(x, |x| {
        let mut out = vec![0.; x.len()];
        by_rows(x, &mut out, columns, |start, x, out| {
            out.copy_from_slice(x);
            for (i, row) in out.chunks_exact_mut(columns).enumerate() {
                let heads = row.chunks_exact_mut(size).take(count);
                heads.for_each(|head| turns.turn(start / columns + i, head));
            }
        });
        out
    })?;
    Tensor::from_vec(out, x.shape(), &Device::Cpu)
}

/// scale·q·kᵀ for every head. q [H, T, d], k [K, T, d] (any strides) to [H, T, T].
pub fn scores(q: &Tensor, k: &Tensor, scale: f64) -> Result<Tensor> {
    let (heads, queries, size) = q.dims3()?;
    let (shared, keys, _) = k.dims3()?;
    let cells = queries * keys;
    let mut out: Vec<f32> = Vec::with_capacity(heads * cells);
    let target = Target(out.as_mut_ptr());
    with_buffer(q, |qs| {
        with_buffer(k, |ks| {
            each_head(heads, cells * size, |h| {
                let pair = (
                    plane(q, qs, h),
                    plane(k, ks, h * shared / heads).transposed(),
                );
                let (m, n, scale) = (queries, keys, scale as f32);
                // SAFETY: head h writes plane h of the reserved buffer and no other.
                unsafe {
                    product(
                        (m, n, size),
                        target.at(h * cells),
                        n,
                        false,
                        pair,
                        scale,
                        false,
                    )
                };
            });
        })
    })??;
    // SAFETY: every element of every plane was written just above.
    unsafe { out.set_len(heads * cells) };
    Tensor::from_vec(out, (heads, queries, keys), &Device::Cpu)
}

/// Runs `f` once per head, in parallel where the work of one head is worth a wake-up.
fn each_head(heads: usize, work: usize, f: impl Fn(usize) + Sync + Send) {
    match heads * work >= PARALLEL_FROM * 16 {
        true => team::each(heads, f),
        false => (0..heads).for_each(f),
    }
}

/// Softmax over the last axis, [H, T, T] to the same.
pub fn softmax(scores: &Tensor) -> Result<Tensor> {
    let columns = scores.dims().last().copied().unwrap_or(1);
    let out = with_slice(scores, |x| {
        let mut out = vec![0.; x.len()];
        by_rows(x, &mut out, columns, |_, x, out| {
            kernels::softmax_into(x, columns, out);
        });
        out
    })?;
    Tensor::from_vec(out, scores.shape(), &Device::Cpu)
}

/// pattern·v for every head, laid out so that the output projection reads it without a copy.
/// pattern [H, T, T], v [K, T, d] (any strides) to [T, H, d].
pub fn mix(pattern: &Tensor, v: &Tensor) -> Result<Tensor> {
    let (heads, queries, keys) = pattern.dims3()?;
    let (shared, _, size) = v.dims3()?;
    let mut out: Vec<f32> = Vec::with_capacity(queries * heads * size);
    let target = Target(out.as_mut_ptr());
    with_buffer(pattern, |ps| {
        with_buffer(v, |vs| {
            each_head(heads, queries * keys * size, |h| {
                let pair = (plane(pattern, ps, h), plane(v, vs, h * shared / heads));
                let (dst, row) = (target.at(h * size), heads * size);
                // SAFETY: head h writes columns h·d to (h+1)·d of each row, and no other.
                unsafe { product((queries, size, keys), dst, row, false, pair, 1., false) };
            });
        })
    })??;
    // SAFETY: the heads' columns together are all of every row.
    unsafe { out.set_len(queries * heads * size) };
    Tensor::from_vec(out, (queries, heads, size), &Device::Cpu)
}
