//! The kernel of a product: some rows of a panel, tile by tile.

use std::ops::Range;

use super::operands::{Bias, ProductOperands};
use super::panel::Panel;
use crate::aligned_buffer::AlignedBuffer;
use crate::element::Element;
use crate::tile::{Operands, accumulate, with_tile};
use crate::vector::{Kernel, Vector};

/// Bytes of a panel that are read again and again before the sums leave their registers: they fit the first cache.
const PANEL_BYTES: usize = 24 << 10;
/// The widest panel: as many registers as a tile has, of any code path.
const WIDEST: usize = 6 * 16;

/// The product's memory, shared by blocks that write disjoint parts of it.
#[derive(Clone, Copy)]
pub(super) struct SharedOutput<T>(pub(super) *mut T);

// SAFETY: blocks write through the pointer only within their own rows and columns, which no other block has, and the memory is
// borrowed mutably until all of them are done.
unsafe impl<T: Send> Send for SharedOutput<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for SharedOutput<T> {}

/// Some rows of a panel, on one thread.
pub(super) struct RowBlock<'a, T> {
    pub(super) operands: &'a ProductOperands<'a, T>,
    pub(super) panel: &'a Panel,
    /// The panel's columns of `b`, whole registers wide, and the distance of its rows.
    pub(super) b: &'a [T],
    pub(super) b_row: usize,
    pub(super) rows: Range<usize>,
    pub(super) out: SharedOutput<T>,
}

impl<T: Element> Kernel<T> for RowBlock<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let Panel { columns, width } = self.panel;
        let all_columns = self.operands.sizes[1];
        if columns.len() == *width {
            // SAFETY: the rows and the panel's columns are within the product and belong to this block alone; the rest is the
            // caller's contract.
            unsafe {
                let to = self.out.0.add(self.rows.start * all_columns + columns.start);
                self.fill::<V>(to, all_columns);
            }
            return;
        }
        // The last register is wider than the product: the sums are taken beside it.
        let mut sums = AlignedBuffer::zeros(self.rows.len() * width);
        // SAFETY: there is room for all rows, each as wide as the panel; the rest is the caller's contract.
        unsafe { self.fill::<V>(sums.as_mut_ptr(), *width) };
        for (row, sums) in self.rows.clone().zip(sums.chunks_exact(*width)) {
            // SAFETY: as above, as many elements as the panel has columns.
            let out = unsafe {
                std::slice::from_raw_parts_mut(
                    self.out.0.add(row * all_columns + columns.start),
                    columns.len(),
                )
            };
            out.copy_from_slice(&sums[..columns.len()]);
        }
    }
}

impl<T: Element> RowBlock<'_, T> {
    /// Writes the block's rows, as wide as the panel, to `to`; they are `to_row` apart.
    ///
    /// # Safety
    /// The CPU has V's instructions, and all of the rows are writable and this thread's alone.
    #[inline(always)]
    unsafe fn fill<V: Vector<Element = T>>(&self, to: *mut T, to_row: usize) {
        let ProductOperands { sizes: [_, _, depth], a, bias, relu, .. } = *self.operands;
        let Panel { columns, width } = self.panel;
        let mut initial = [T::default(); WIDEST];
        match bias {
            Bias::None => {}
            Bias::Each(bias) => initial[..columns.len()].copy_from_slice(&bias[columns.clone()]),
            Bias::One(bias) => initial[..columns.len()].fill(bias),
        }
        assert!(*width <= WIDEST && (depth == 0 || self.b.len() >= (depth - 1) * self.b_row + width));
        let chunk = (PANEL_BYTES / (width * size_of::<T>())).max(64);
        let mut start = 0;
        loop {
            let steps = chunk.min(depth - start);
            let is_last = start + steps == depth;
            for first in (0..self.rows.len()).step_by(V::TILE_ROWS) {
                let rows = V::TILE_ROWS.min(self.rows.len() - first);
                let operands = Operands {
                    a: a.elements.as_ptr().wrapping_add((self.rows.start + first) * a.row + start * a.column),
                    a_row: a.row,
                    a_step: a.column,
                    b: self.b.as_ptr().wrapping_add(start * self.b_row),
                    counts: [1, 1, steps],
                    strides: [0, 0, self.b_row],
                };
                // SAFETY: the CPU has V's instructions (the caller's contract); there are `rows` rows of `a` and of `to`, and
                // `steps` rows of the panel, each `width` elements wide, and so is `initial`.
                unsafe {
                    let to = to.add(first * to_row);
                    let from = if start == 0 {
                        Rows { start: initial.as_ptr(), distance: 0 }
                    } else {
                        Rows { start: to.cast_const(), distance: to_row }
                    };
                    let to_rows = Rows { start: to, distance: to_row };
                    let relu = relu && is_last;
                    with_tile!(V, rows, width / V::WIDTH, |R, N| tile::<V, R, N>(
                        operands, from, to_rows, relu
                    ));
                }
            }
            start += steps;
            if is_last {
                return;
            }
        }
    }
}

/// Rows in memory, so far apart.
#[derive(Clone, Copy)]
struct Rows<P> {
    start: P,
    distance: usize,
}

/// Adds products to R rows of N registers and writes the sums, or what ReLU leaves of them.
///
/// # Safety
/// The CPU has V's instructions; `operands` reach only what is readable, the tile is readable and writable where it is said to be.
#[inline(always)]
unsafe fn tile<V: Vector, const R: usize, const N: usize>(
    operands: Operands<V::Element>,
    from: Rows<*const V::Element>,
    to: Rows<*mut V::Element>,
    relu: bool,
) {
    // SAFETY: the caller's contract.
    unsafe {
        let mut sums = [[V::splat(V::Element::default()); N]; R];
        for (index, sums) in sums.iter_mut().enumerate() {
            for (vector, sum) in sums.iter_mut().enumerate() {
                *sum = V::load(from.start.add(index * from.distance + vector * V::WIDTH));
            }
        }
        accumulate::<V, R, N>(operands, &mut sums);
        for (index, sums) in sums.into_iter().enumerate() {
            for (vector, sum) in sums.into_iter().enumerate() {
                let sum = if relu { sum.where_above_zero(sum) } else { sum };
                sum.store(to.start.add(index * to.distance + vector * V::WIDTH));
            }
        }
    }
}
