//! The operands of a product, and how its columns are cut into panels.

use super::matrix::Matrix;
use super::panel::{PackTransposed, Panel};
use crate::partition;
use crate::vector::Dispatch;

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

    /// Whether `b` lies in memory as it would be packed: all of it is one panel, filled up to whole registers.
    pub(super) fn lies_packed(&self, panel: &Panel) -> bool {
        let Matrix { row, column, .. } = self.b;
        column == 1 && row == panel.width && panel.columns == (0..panel.width)
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
