//! Vector registers, as far as the kernels need them, and the choice of them at run time.
//!
//! A kernel is written once, generic over [`Vector`], and compiled for each code path: [`Kernel::run`] and everything below
//! it is `#[inline(always)]`, so that it ends up inside one function a path that has the path's target features. Closures in it
//! must not touch registers: they would be compiled without those features.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod plain;
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

    /// ReLU and 2×2 max pooling of `count` ≤ `WIDTH` windows that follow on each other: 2 × `count` sums at `top` and at `bottom`
    /// give as many results and winners.
    #[inline(always)]
    unsafe fn pool(
        count: usize,
        top: *const Self::Element,
        bottom: *const Self::Element,
        pooled: *mut Self::Element,
        winners: *mut u8,
    ) {
        // SAFETY: the trait's contract, for the elements that the description names.
        unsafe { plain::pool(count, top, bottom, pooled, winners) }
    }

    /// Writes a matrix of `rows` × `columns`, both from 1 to `WIDTH`, transposed: element (i, j) goes from `from` + i × `row` + j
    /// to `to` + j × `column` + i.
    #[inline(always)]
    unsafe fn transpose(
        rows: usize,
        columns: usize,
        from: *const Self::Element,
        row: usize,
        to: *mut Self::Element,
        column: usize,
    ) {
        // SAFETY: the trait's contract, for the elements that the description names.
        unsafe { plain::transpose(rows, columns, from, row, to, column) }
    }

    /// Lists those of `count` ≤ `WIDTH` windows whose gradient isn't zero and that have a winner: `corners` + `offsets[winner]`
    /// go to `indices` and the gradients to `values`, which have room for a register each. Returns how many there are.
    #[inline(always)]
    unsafe fn compact(
        count: usize,
        gradient: *const Self::Element,
        winners: *const u8,
        corners: *const u32,
        offsets: &[u32; 4],
        indices: *mut u32,
        values: *mut Self::Element,
    ) -> usize {
        // SAFETY: the trait's contract, for the elements that the description names.
        unsafe { plain::compact(count, gradient, winners, corners, offsets, indices, values) }
    }
}

/// Writes `from`, a matrix of any size, transposed; strides as for [`Vector::transpose`].
///
/// # Safety
/// The CPU has V's instructions, all of `from` is readable and all of `to` writable.
#[inline(always)]
pub(crate) unsafe fn transpose<V: Vector>(
    (rows, columns): (usize, usize),
    from: *const V::Element,
    row: usize,
    to: *mut V::Element,
    column: usize,
) {
    for i in (0..rows).step_by(V::WIDTH) {
        for j in (0..columns).step_by(V::WIDTH) {
            let (rows, columns) = (V::WIDTH.min(rows - i), V::WIDTH.min(columns - j));
            // SAFETY: the part is within the whole, which is the caller's contract.
            unsafe {
                V::transpose(rows, columns, from.add(i * row + j), row, to.add(j * column + i), column)
            };
        }
    }
}

/// What stands in place of a window's winner (2 × row + column) if ReLU made all of it zero: there is no gradient.
pub(crate) const NO_WINNER: u8 = 4;

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
