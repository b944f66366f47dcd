//! The inner loop of a product for processors of x86: a tile of sums that fills the registers beside the
//! operands, 8 rows by 48 outputs or 12 by 32 with AVX-512, 6 by 16 with AVX2.

/// Rows of a matrix: where the first one begins, and how many elements further each next one does.
#[derive(Clone, Copy)]
pub struct Rows<P> {
    pub start: P,
    pub stride: usize,
}

/// The registers that a processor computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registers {
    /// AVX-512: 32 of sixteen values.
    Sixteen,
    /// AVX2 with fused multiply-add: 16 of eight values.
    Eight,
}

impl Registers {
    /// The widest of this processor. None on other architectures, and on processors without either.
    pub fn here() -> Option<Self> {
        Self::all().next()
    }

    /// Those of this processor, the widest first.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Sixteen, Self::Eight]
            .into_iter()
            .filter(|registers| registers.are_here())
    }

    fn are_here(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return match self {
            Self::Sixteen => is_x86_feature_detected!("avx512f"),
            Self::Eight => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
        };
        #[cfg(not(target_arch = "x86_64"))]
        false
    }

    /// Values of one register.
    pub const fn lanes(self) -> usize {
        match self {
            Self::Sixteen => 16,
            Self::Eight => 8,
        }
    }

    /// to[m] = from[m] + Σᵢ x[m][i]·panel[i] for M rows and the first `outputs` of V registers; `from` is
    /// zero where there is none. The panel holds V registers of weights for each input, zeros beyond
    /// `outputs`.
    ///
    /// # Safety
    /// The registers must be of [`Self::all`]. x must hold M rows of as many values as the panel has
    /// inputs, and `from` and `to` M rows of `outputs`; nobody else may use those of `to`.
    #[inline(always)]
    pub unsafe fn add<const M: usize, const V: usize>(
        self,
        x: Rows<*const f32>,
        panel: &[f32],
        from: Option<Rows<*const f32>>,
        to: Rows<*mut f32>,
        outputs: usize,
    ) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: by this function's own contract.
        unsafe {
            match self {
                Self::Sixteen => x86::sixteen::<M, V>(x, panel, from, to, outputs),
                Self::Eight => x86::eight::<M, V>(x, panel, from, to, outputs),
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (x.start, x.stride, panel, from, to, outputs);
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256i, __mmask16, _mm256_cmpgt_epi32, _mm256_fmadd_ps, _mm256_loadu_ps,
        _mm256_maskload_ps, _mm256_maskstore_ps, _mm256_set1_epi32, _mm256_set1_ps,
        _mm256_setr_epi32, _mm256_setzero_ps, _mm256_storeu_ps, _mm512_fmadd_ps, _mm512_loadu_ps,
        _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps,
    };

    use super::Rows;

    /// # Safety
    /// As [`super::Registers::add`], with AVX-512.
    #[allow(
        clippy::needless_range_loop,
        reason = "registers are named by their row and place"
    )]
    #[target_feature(enable = "avx512f")]
    pub unsafe fn sixteen<const M: usize, const V: usize>(
        x: Rows<*const f32>,
        panel: &[f32],
        from: Option<Rows<*const f32>>,
        to: Rows<*mut f32>,
        outputs: usize,
    ) {
        const LANES: usize = 16;
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

    /// # Safety
    /// As [`super::Registers::add`], with AVX2 and FMA.
    #[allow(
        clippy::needless_range_loop,
        reason = "registers are named by their row and place"
    )]
    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn eight<const M: usize, const V: usize>(
        x: Rows<*const f32>,
        panel: &[f32],
        from: Option<Rows<*const f32>>,
        to: Rows<*mut f32>,
        outputs: usize,
    ) {
        const LANES: usize = 8;
        // A masked store is slow on some of these processors, and the last panel alone needs one.
        let here = |v: usize| outputs.saturating_sub(v * LANES).min(LANES);
        let mask = |v: usize| -> __m256i {
            let places = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            _mm256_cmpgt_epi32(_mm256_set1_epi32(here(v) as i32), places)
        };
        let mut sums = [[_mm256_setzero_ps(); V]; M];
        if let Some(from) = from {
            for m in 0..M {
                for v in 0..V {
                    let at = from.start.wrapping_add(m * from.stride + v * LANES);
                    // SAFETY: these are of the first `outputs` of the row, which it holds.
                    sums[m][v] = unsafe {
                        match here(v) == LANES {
                            true => _mm256_loadu_ps(at),
                            false => _mm256_maskload_ps(at, mask(v)),
                        }
                    };
                }
            }
        }
        let rows: [*const f32; M] = std::array::from_fn(|m| x.start.wrapping_add(m * x.stride));
        for (i, weights) in panel.chunks_exact(V * LANES).enumerate() {
            // SAFETY: a chunk holds V registers.
            let weights: [_; V] = std::array::from_fn(|v| unsafe {
                _mm256_loadu_ps(weights.as_ptr().add(v * LANES))
            });
            for m in 0..M {
                // SAFETY: every row holds a value for each of the panel's inputs.
                let x = _mm256_set1_ps(unsafe { *rows[m].add(i) });
                for v in 0..V {
                    sums[m][v] = _mm256_fmadd_ps(x, weights[v], sums[m][v]);
                }
            }
        }
        for m in 0..M {
            for v in 0..V {
                let at = to.start.wrapping_add(m * to.stride + v * LANES);
                // SAFETY: these are of the first `outputs` of the row, which is the caller's own.
                unsafe {
                    match here(v) == LANES {
                        true => _mm256_storeu_ps(at, sums[m][v]),
                        false => _mm256_maskstore_ps(at, mask(v), sums[m][v]),
                    }
                }
            }
        }
    }
}
