//! 8 single-precision floats: AVX2 with fused multiply-add.

use std::arch::x86_64::{
    __m256, _mm256_add_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_storeu_ps,
};

use super::kernel::Kernel;
use super::register::Vector;

/// 256 bits of floats.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(__m256);

/// # Safety
/// The CPU has the features named.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run<K: Kernel<f32>>(kernel: K) {
    // SAFETY: this function has the features of the register.
    unsafe { kernel.run::<Avx2>() }
}

impl Vector for Avx2 {
    type Element = f32;
    const WIDTH: usize = 8;
    const REGISTERS: usize = 16;
    const TILE_ROWS: usize = 4;
    const TILE_VECTORS: usize = 2;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm256_set1_ps(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm256_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the trait's contract.
        unsafe { _mm256_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm256_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm256_fmadd_ps(self.0, factor.0, sum.0) })
    }
}
