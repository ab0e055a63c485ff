//! 4 double-precision floats: AVX2.

use std::arch::x86_64::{
    __m256d, _CMP_LE_OQ, _mm256_add_pd, _mm256_andnot_pd, _mm256_cmp_pd, _mm256_loadu_pd, _mm256_mul_pd,
    _mm256_set1_pd, _mm256_setzero_pd, _mm256_storeu_pd,
};

use super::kernel::Kernel;
use super::register::Vector;

/// 256 bits of doubles.
#[derive(Clone, Copy)]
pub(crate) struct Avx2Double(__m256d);

/// # Safety
/// The CPU has the features named.
#[target_feature(enable = "avx2,fma,popcnt")]
pub(super) unsafe fn run<K: Kernel<f64>>(kernel: K) {
    // SAFETY: this function has the features of the register.
    unsafe { kernel.run::<Avx2Double>() }
}

impl Vector for Avx2Double {
    type Element = f64;
    const WIDTH: usize = 4;
    const REGISTERS: usize = 16;
    // A product needs a register of its own before it is added: fewer sums fit than in single precision.
    const TILE_ROWS: usize = 4;
    const TILE_VECTORS: usize = 2;

    #[inline(always)]
    unsafe fn splat(value: f64) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm256_set1_pd(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm256_loadu_pd(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        // SAFETY: the trait's contract.
        unsafe { _mm256_storeu_pd(to, self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm256_add_pd(self.0, other.0) })
    }

    /// Rounded twice, as everywhere in double precision.
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm256_add_pd(sum.0, _mm256_mul_pd(self.0, factor.0)) })
    }

    #[inline(always)]
    unsafe fn where_above_zero(self, result: Self) -> Self {
        // SAFETY: the trait's contract.
        unsafe {
            let dead = _mm256_cmp_pd::<_CMP_LE_OQ>(result.0, _mm256_setzero_pd());
            Self(_mm256_andnot_pd(dead, self.0))
        }
    }
}
