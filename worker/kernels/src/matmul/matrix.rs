//! Matrices in memory that others own.

/// A matrix in somebody's memory: element (i, j) is `elements[i × row + j × column]`.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a, T> {
    pub(crate) elements: &'a [T],
    pub(crate) row: usize,
    pub(crate) column: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// A row-major matrix of `columns` columns.
    pub(crate) const fn new(elements: &'a [T], columns: usize) -> Self {
        Self { elements, row: columns, column: 1 }
    }

    pub(crate) const fn transposed(self) -> Self {
        Self { elements: self.elements, row: self.column, column: self.row }
    }
}
