//! A register of floats, and the operations on it that kernels need.

use super::scalar;
use crate::element::Element;

/// A register of floats.
///
/// # Safety
/// All functions may be called only where the CPU has the register's instructions; [`Dispatch`](super::Dispatch) sees to that. Pointers must be
/// valid for `WIDTH` elements and need no alignment.
pub(crate) trait Vector: Copy {
    type Element: Element;
    /// Elements in a register.
    const WIDTH: usize;
    /// Registers of the processor.
    const REGISTERS: usize;
    /// The largest tile in registers: `TILE_ROWS` × `TILE_VECTORS` accumulators and their operands fit the register file.
    const TILE_ROWS: usize;
    const TILE_VECTORS: usize;

    unsafe fn splat(value: Self::Element) -> Self;
    unsafe fn load(from: *const Self::Element) -> Self;
    unsafe fn store(self, to: *mut Self::Element);
    unsafe fn add(self, other: Self) -> Self;
    /// self × factor + sum, each as [`Element::multiply_add`] says.
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self;
    /// self where `result` is above zero or no number, else zero: ReLU, of a result by itself, and of a gradient behind it.
    unsafe fn where_above_zero(self, result: Self) -> Self;

    /// The sums of squares of `groups` × [`SQUARE_SUMS`](scalar::SQUARE_SUMS) elements at `from`, as [`scalar::squares`] adds them.
    #[inline(always)]
    unsafe fn squares(from: *const Self::Element, groups: usize) -> [f64; scalar::SQUARE_SUMS] {
        // SAFETY: the trait's contract, for the elements that the description names.
        unsafe { scalar::squares(from, groups) }
    }

    /// ReLU and 2×2 max pooling of `count` ≤ `WIDTH` windows that follow on each other: 2 × `count` sums at `top` and at `bottom`
    /// give as many results and their argmax.
    #[inline(always)]
    unsafe fn pool(
        count: usize,
        top: *const Self::Element,
        bottom: *const Self::Element,
        pooled: *mut Self::Element,
        argmax: *mut u8,
    ) {
        // SAFETY: the trait's contract, for the elements that the description names.
        unsafe { scalar::pool(count, top, bottom, pooled, argmax) }
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
        unsafe { scalar::transpose(rows, columns, from, row, to, column) }
    }

    /// Lists those of `count` ≤ `WIDTH` windows whose gradient isn't zero and that have an argmax: `corners` + `offsets[argmax]`
    /// go to `indices` and the gradients to `values`, which have room for a register each. Returns how many there are.
    #[inline(always)]
    unsafe fn compact(
        count: usize,
        gradient: *const Self::Element,
        argmax: *const u8,
        corners: *const u32,
        offsets: &[u32; 4],
        indices: *mut u32,
        values: *mut Self::Element,
    ) -> usize {
        // SAFETY: the trait's contract, for the elements that the description names.
        unsafe { scalar::compact(count, gradient, argmax, corners, offsets, indices, values) }
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
