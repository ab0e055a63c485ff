//! 8 double-precision floats: AVX-512.

use std::arch::x86_64::{
    __m512d, _CMP_LE_OQ, _mm512_add_pd, _mm512_cmp_pd_mask, _mm512_loadu_pd, _mm512_maskz_mov_pd,
    _mm512_mul_pd, _mm512_set1_pd, _mm512_setzero_pd, _mm512_storeu_pd,
};

use super::kernel::Kernel;
use super::register::Vector;

/// 512 bits of doubles.
#[derive(Clone, Copy)]
pub(crate) struct Avx512Double(__m512d);

/// # Safety
/// The CPU has the features named.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,popcnt")]
pub(super) unsafe fn run<K: Kernel<f64>>(kernel: K) {
    // SAFETY: this function has the features of the register.
    unsafe { kernel.run::<Avx512Double>() }
}

impl Vector for Avx512Double {
    type Element = f64;
    const WIDTH: usize = 8;
    const REGISTERS: usize = 32;
    // A product and a sum are two instructions: eight sums keep both units busy, and larger tiles would only take longer to compile.
    const TILE_ROWS: usize = 4;
    const TILE_VECTORS: usize = 2;

    #[inline(always)]
    unsafe fn splat(value: f64) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm512_set1_pd(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm512_loadu_pd(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        // SAFETY: the trait's contract.
        unsafe { _mm512_storeu_pd(to, self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm512_add_pd(self.0, other.0) })
    }

    /// Rounded twice, as everywhere in double precision.
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm512_add_pd(sum.0, _mm512_mul_pd(self.0, factor.0)) })
    }

    #[inline(always)]
    unsafe fn where_above_zero(self, result: Self) -> Self {
        // SAFETY: the trait's contract.
        unsafe {
            let dead = _mm512_cmp_pd_mask::<_CMP_LE_OQ>(result.0, _mm512_setzero_pd());
            Self(_mm512_maskz_mov_pd(!dead, self.0))
        }
    }
}
