//! Panels: some columns of a product's second operand, one row after another.

use std::ops::Range;

use crate::element::Element;
use crate::vector::{Kernel, Vector, transpose};

/// Some columns of the product.
pub(super) struct Panel {
    pub(super) columns: Range<usize>,
    /// Elements of a packed row: the columns, filled up to whole registers.
    pub(super) width: usize,
}

/// Packs a panel of columns that lie in memory one after another.
pub(super) struct PackTransposed<'a, T> {
    pub(super) from: &'a [T],
    pub(super) column: usize,
    pub(super) panel: &'a Panel,
    pub(super) packed: &'a mut [T],
}

impl<T: Element> Kernel<T> for PackTransposed<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let (columns, depth) = (self.panel.columns.len(), self.packed.len() / self.panel.width);
        assert!(columns == 0 || depth == 0 || self.from.len() >= (columns - 1) * self.column + depth);
        // SAFETY: the CPU has V's instructions (the caller's contract); each column has `depth` elements, and each packed row has
        // room for all columns.
        unsafe {
            transpose::<V>(
                (columns, depth),
                self.from.as_ptr(),
                self.column,
                self.packed.as_mut_ptr(),
                self.panel.width,
            );
        }
    }
}
