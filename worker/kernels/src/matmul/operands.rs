//! The operands of a product, and how its columns are cut into panels.

use super::matrix::Matrix;
use super::panel::{PackTransposed, Panel};
use crate::partition;
use crate::vector::Dispatch;

/// Rows of a panel that are so far from one another are read in place.
const NEAR_BYTES: usize = 512;

/// The value with which a sum begins.
#[derive(Clone, Copy)]
pub(super) enum Bias<'a, T> {
    None,
    /// A value for each column.
    Each(&'a [T]),
    /// One for all.
    One(T),
}

/// A product as it is computed: no column of it stands alone.
pub(super) struct ProductOperands<'a, T> {
    /// Rows, columns, and the length of the sums.
    pub(super) sizes: [usize; 3],
    pub(super) a: Matrix<'a, T>,
    pub(super) b: Matrix<'a, T>,
    pub(super) bias: Bias<'a, T>,
    pub(super) relu: bool,
}

impl<T: Dispatch> ProductOperands<'_, T> {
    /// Registers in a row of the product.
    fn vectors(&self) -> usize {
        self.sizes[1].div_ceil(T::registers().width)
    }

    /// How many panels the columns are cut into.
    pub(super) fn panels(&self) -> usize {
        self.vectors().div_ceil(T::registers().tile_vectors)
    }

    /// The width of the widest of so many panels.
    pub(super) fn widest(&self, count: usize) -> usize {
        self.vectors().div_ceil(count) * T::registers().width
    }

    /// One of so many panels; their widths differ by a register at most.
    pub(super) fn panel(&self, index: usize, count: usize) -> Panel {
        let width = T::registers().width;
        let vectors = partition::nth(self.vectors(), count, index);
        Panel {
            columns: vectors.start * width..self.sizes[1].min(vectors.end * width),
            width: vectors.len() * width,
        }
    }

    /// Whether the panel's columns of `b` are as well read where they lie: whole registers of rows that are so near to one another
    /// that they don't take each other's places in a cache, or that are read once.
    pub(super) fn is_read_in_place(&self, panel: &Panel) -> bool {
        let Matrix { row, column, .. } = self.b;
        let is_read_once = self.sizes[0] <= T::registers().tile_rows;
        let is_near = row * size_of::<T>() <= NEAR_BYTES || is_read_once;
        column == 1 && panel.columns.len() == panel.width && is_near
    }

    /// The panel's columns of `b`, one row after another.
    pub(super) fn pack(&self, panel: &Panel, packed: &mut [T]) {
        let b = self.b;
        if b.column == 1 {
            for (row, packed) in packed.chunks_exact_mut(panel.width).enumerate() {
                packed[..panel.columns.len()]
                    .copy_from_slice(&b.elements[row * b.row..][panel.columns.clone()]);
            }
        } else {
            debug_assert!(b.row == 1, "one of a matrix' strides is one");
            T::dispatch(PackTransposed {
                from: &b.elements[panel.columns.start * b.column..],
                column: b.column,
                panel,
                packed,
            });
        }
    }
}
