//! Vector registers, as far as the kernels need them, and the choice of them at run time.
//!
//! A kernel is written once, generic over [`Vector`], and compiled for each code path: [`Kernel::run`] and everything below
//! it is `#[inline(always)]`, so that it ends up inside one function a path that has the path's target features.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use crate::element::Element;
use crate::path::CodePath;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
pub(crate) use portable::Portable;

/// A register of floats.
///
/// # Safety
/// All functions may be called only where the CPU has the register's instructions; [`dispatch`] sees to that. Pointers must be
/// valid for `WIDTH` elements and need no alignment.
pub(crate) trait Vector: Copy {
    type Element: Element;
    /// Elements in a register.
    const WIDTH: usize;
    /// The widest tile in registers: `TILE_VECTORS` × [`TILE_ROWS`] accumulators and what feeds them fit the register file.
    const TILE_VECTORS: usize;

    unsafe fn splat(value: Self::Element) -> Self;
    unsafe fn load(from: *const Self::Element) -> Self;
    unsafe fn store(self, to: *mut Self::Element);
    unsafe fn add(self, other: Self) -> Self;
    /// self × factor + sum, fused where the path has it.
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self;
}

/// Rows of the widest tile.
pub(crate) const TILE_ROWS: usize = 4;

/// Work that is compiled for each code path.
pub(crate) trait Kernel<T: Element> {
    /// # Safety
    /// The CPU has the instructions of `V`. Implementations are `#[inline(always)]`.
    unsafe fn run<V: Vector<Element = T>>(self);
}

/// An element with the code paths that work on it.
pub(crate) trait Dispatch: Element {
    /// Runs the kernel on the code path in use.
    fn dispatch<K: Kernel<Self>>(kernel: K);
    /// [`Vector::WIDTH`] of the code path in use.
    fn vector_width() -> usize;
    /// [`Vector::TILE_VECTORS`] of the code path in use.
    fn tile_vectors() -> usize;
}

impl Dispatch for f32 {
    fn dispatch<K: Kernel<Self>>(kernel: K) {
        match CodePath::current() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a path is current only if it was found to be available.
            CodePath::Avx512 => unsafe { avx512::run(kernel) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            CodePath::Avx2 => unsafe { avx2::run(kernel) },
            // SAFETY: the portable registers need no special instructions.
            _ => unsafe { kernel.run::<Portable<f32, 4>>() },
        }
    }

    fn vector_width() -> usize {
        match CodePath::current() {
            #[cfg(target_arch = "x86_64")]
            CodePath::Avx512 => Avx512::WIDTH,
            #[cfg(target_arch = "x86_64")]
            CodePath::Avx2 => Avx2::WIDTH,
            _ => Portable::<f32, 4>::WIDTH,
        }
    }

    fn tile_vectors() -> usize {
        match CodePath::current() {
            #[cfg(target_arch = "x86_64")]
            CodePath::Avx512 => Avx512::TILE_VECTORS,
            #[cfg(target_arch = "x86_64")]
            CodePath::Avx2 => Avx2::TILE_VECTORS,
            _ => Portable::<f32, 4>::TILE_VECTORS,
        }
    }
}

impl Dispatch for f64 {
    fn dispatch<K: Kernel<Self>>(kernel: K) {
        // SAFETY: the portable registers need no special instructions.
        unsafe { kernel.run::<Portable<f64, 2>>() }
    }

    fn vector_width() -> usize {
        Portable::<f64, 2>::WIDTH
    }

    fn tile_vectors() -> usize {
        Portable::<f64, 2>::TILE_VECTORS
    }
}
