//! The inner loop of a product for processors with AVX-512, whose 32 registers hold a tile of 12 rows by
//! 32 outputs.

/// Σᵢ x[m][i]·panel[i] for M rows: the panel holds 32 weights for each of k inputs. To M × 32.
pub type Sums<const M: usize> = [[f32; 32]; M];

/// Whether this processor has them.
pub fn is_here() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx512f");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Adds nothing where the processor has no such registers: ask [`is_here`] first.
pub fn tile<const M: usize>(x: [&[f32]; M], panel: &[f32], sums: &mut Sums<M>) {
    #[cfg(target_arch = "x86_64")]
    if is_here() {
        // SAFETY: the feature was just detected.
        unsafe { x86::tile(x, panel, sums) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (x, panel, sums);
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    };

    use super::Sums;

    #[target_feature(enable = "avx512f")]
    pub fn tile<const M: usize>(x: [&[f32]; M], panel: &[f32], sums: &mut Sums<M>) {
        let inputs = panel.len() / 32;
        assert!(x.iter().all(|row| row.len() >= inputs));
        let rows: [*const f32; M] = x.map(<[f32]>::as_ptr);
        let mut own = [[_mm512_setzero_ps(); 2]; M];
        for i in 0..inputs {
            // SAFETY: the panel holds 32 weights for each input, and every row at least `inputs` values.
            let weights = unsafe {
                let at = panel.as_ptr().add(32 * i);
                [_mm512_loadu_ps(at), _mm512_loadu_ps(at.add(16))]
            };
            for m in 0..M {
                // SAFETY: as above.
                let x = _mm512_set1_ps(unsafe { *rows[m].add(i) });
                own[m][0] = _mm512_fmadd_ps(x, weights[0], own[m][0]);
                own[m][1] = _mm512_fmadd_ps(x, weights[1], own[m][1]);
            }
        }
        for (sums, own) in sums.iter_mut().zip(own) {
            // SAFETY: a row of sums holds 32 values.
            unsafe {
                _mm512_storeu_ps(sums.as_mut_ptr(), own[0]);
                _mm512_storeu_ps(sums.as_mut_ptr().add(16), own[1]);
            }
        }
    }
}
