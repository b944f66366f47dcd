//! The inner loop of a product for processors with AVX-512, whose 32 registers hold a tile of 8 rows by
//! 48 outputs, or of 12 by 32, beside the operands.

/// Values of one register.
pub const LANES: usize = 16;

/// Rows of a matrix: where the first one begins, and how many elements further each next one does.
#[derive(Clone, Copy)]
pub struct Rows<P> {
    pub start: P,
    pub stride: usize,
}

/// Whether this processor has them.
pub fn is_here() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx512f");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// to[m] = from[m] + Σᵢ x[m][i]·panel[i] for M rows and the first `outputs` of V registers; `from` is zero
/// where there is none. The panel holds V registers of weights for each input, zeros beyond `outputs`.
/// Does nothing where the processor has no such registers: ask [`is_here`] first.
///
/// # Safety
/// x must hold M rows of as many values as the panel has inputs, and `from` and `to` M rows of `outputs`;
/// nobody else may use those of `to`.
pub unsafe fn add<const M: usize, const V: usize>(
    x: Rows<*const f32>,
    panel: &[f32],
    from: Option<Rows<*const f32>>,
    to: Rows<*mut f32>,
    outputs: usize,
) {
    #[cfg(target_arch = "x86_64")]
    if is_here() {
        // SAFETY: the feature was just detected; the rest is this function's own contract.
        unsafe { x86::add::<M, V>(x, panel, from, to, outputs) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (x, panel, from, to, outputs);
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __mmask16, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps,
        _mm512_set1_ps, _mm512_setzero_ps,
    };

    use super::{LANES, Rows};

    /// # Safety
    /// As [`super::add`].
    #[allow(
        clippy::needless_range_loop,
        reason = "registers are named by their row and place"
    )]
    #[target_feature(enable = "avx512f")]
    pub unsafe fn add<const M: usize, const V: usize>(
        x: Rows<*const f32>,
        panel: &[f32],
        from: Option<Rows<*const f32>>,
        to: Rows<*mut f32>,
        outputs: usize,
    ) {
        let masks: [__mmask16; V] = std::array::from_fn(|v| {
            let here = outputs.saturating_sub(v * LANES).min(LANES);
            ((1u32 << here) - 1) as __mmask16
        });
        let mut sums = [[_mm512_setzero_ps(); V]; M];
        if let Some(from) = from {
            for m in 0..M {
                for v in 0..V {
                    let at = from.start.wrapping_add(m * from.stride + v * LANES);
                    // SAFETY: the mask takes `outputs` of the row, which it holds.
                    sums[m][v] = unsafe { _mm512_maskz_loadu_ps(masks[v], at) };
                }
            }
        }
        let rows: [*const f32; M] = std::array::from_fn(|m| x.start.wrapping_add(m * x.stride));
        for (i, weights) in panel.chunks_exact(V * LANES).enumerate() {
            // SAFETY: a chunk holds V registers.
            let weights: [_; V] = std::array::from_fn(|v| unsafe {
                _mm512_loadu_ps(weights.as_ptr().add(v * LANES))
            });
            for m in 0..M {
                // SAFETY: every row holds a value for each of the panel's inputs.
                let x = _mm512_set1_ps(unsafe { *rows[m].add(i) });
                for v in 0..V {
                    sums[m][v] = _mm512_fmadd_ps(x, weights[v], sums[m][v]);
                }
            }
        }
        for m in 0..M {
            for v in 0..V {
                let at = to.start.wrapping_add(m * to.stride + v * LANES);
                // SAFETY: the mask takes `outputs` of the row, which is the caller's own.
                unsafe { _mm512_mask_storeu_ps(at, masks[v], sums[m][v]) };
            }
        }
    }
}
