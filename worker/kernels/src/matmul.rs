//! Matrix products for dense layers.

use std::ops::Range;

use rayon::prelude::*;

use crate::element::Element;
use crate::pieces;
use crate::scratch::Scratch;
use crate::tile::{Operands, accumulate, with_tile};
use crate::vector::{Dispatch, Kernel, TILE_ROWS, Vector, transpose};

/// Steps of the inner sum between which the sums leave their registers: the part of a panel that they read fits the first cache.
const DEPTH: usize = 64;
/// Rows of a piece, if there are enough pieces.
const ROWS: usize = 64;
/// Below so many products the work is done where it is: handing it out would take longer.
const WORTH_SHARING: usize = 1 << 21;

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

/// `a · b`, with what comes before and after it: out = relu(bias + a · b).
pub(crate) struct Product<'a, T> {
    /// Rows of `a`, columns of `b`, and what is summed over.
    pub(crate) sizes: [usize; 3],
    pub(crate) a: Matrix<'a, T>,
    pub(crate) b: Matrix<'a, T>,
    /// One for each column, or none.
    pub(crate) bias: Option<&'a [T]>,
    pub(crate) relu: bool,
}

impl<T: Dispatch> Product<'_, T> {
    /// The product, row-major. Each element is one sum in the order of the inner index, whatever the sizes of the rest.
    pub(crate) fn compute(&self, out: &mut [T]) {
        let [rows, columns, depth] = self.sizes;
        debug_assert_eq!(out.len(), rows * columns);
        if rows == 0 || columns == 0 {
            return;
        }
        let width = T::vector_width();
        let vectors = columns.div_ceil(width);
        let panels: Vec<Panel> = pieces::evenly(vectors, vectors.div_ceil(T::tile_vectors()))
            .into_iter()
            .map(|vectors| Panel {
                columns: vectors.start * width..columns.min(vectors.end * width),
                width: vectors.len() * width,
            })
            .collect();
        let mut piece_rows = ROWS;
        while panels.len() * rows.div_ceil(piece_rows) < 16 && piece_rows > 16 {
            piece_rows /= 2;
        }
        let mut packed = Scratch::zeros(vectors * width * depth);
        let mut packs: Vec<(&Panel, &mut [T])> = Vec::with_capacity(panels.len());
        let mut rest = &mut *packed;
        for panel in &panels {
            let (pack, after) = rest.split_at_mut(panel.width * depth);
            packs.push((panel, pack));
            rest = after;
        }
        let out = Shared(out.as_mut_ptr());
        let row_pieces: Vec<Range<usize>> =
            (0..rows).step_by(piece_rows).map(|row| row..rows.min(row + piece_rows)).collect();
        let compute = |panel: &Panel, packed: &[T], rows: Range<usize>| {
            T::dispatch(Piece { product: self, panel, packed, rows, out });
        };
        if rows * columns * depth < WORTH_SHARING {
            for (panel, pack) in packs {
                self.pack(panel, pack);
                row_pieces.iter().for_each(|rows| compute(panel, pack, rows.clone()));
            }
        } else {
            packs.into_par_iter().for_each(|(panel, pack)| {
                self.pack(panel, pack);
                let pack = &*pack;
                row_pieces.par_iter().for_each(|rows| compute(panel, pack, rows.clone()));
            });
        }
    }

    /// The panel's columns of `b`, one row after another.
    fn pack(&self, panel: &Panel, packed: &mut [T]) {
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

/// Packs a panel of columns that lie in memory one after another.
struct PackTransposed<'a, T> {
    from: &'a [T],
    column: usize,
    panel: &'a Panel,
    packed: &'a mut [T],
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

/// Some columns of the product.
struct Panel {
    columns: Range<usize>,
    /// Elements of a packed row: the columns, filled up to whole registers.
    width: usize,
}

/// The product's memory, shared by pieces that write disjoint parts of it.
#[derive(Clone, Copy)]
struct Shared<T>(*mut T);

// SAFETY: pieces write through the pointer only within their own rows and columns, which no other piece has, and the memory is
// borrowed mutably until all of them are done.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<T> {}

/// Some rows of a panel, on one thread.
struct Piece<'a, T> {
    product: &'a Product<'a, T>,
    panel: &'a Panel,
    packed: &'a [T],
    rows: Range<usize>,
    out: Shared<T>,
}

impl<T: Element> Kernel<T> for Piece<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let Product { sizes: [_, columns, depth], a, bias, relu, .. } = *self.product;
        let Panel { columns: panel_columns, width } = self.panel;
        let mut sums = Scratch::zeros(self.rows.len() * width);
        if let Some(bias) = bias {
            for sums in sums.chunks_exact_mut(*width) {
                sums[..panel_columns.len()].copy_from_slice(&bias[panel_columns.clone()]);
            }
        }
        for start in (0..depth).step_by(DEPTH) {
            let steps = DEPTH.min(depth - start);
            for first in (0..self.rows.len()).step_by(TILE_ROWS) {
                let rows = TILE_ROWS.min(self.rows.len() - first);
                let operands = Operands {
                    a: a.elements[(self.rows.start + first) * a.row + start * a.column..].as_ptr(),
                    a_row: a.row,
                    a_step: a.column,
                    b: self.packed[start * width..].as_ptr(),
                    counts: [1, 1, steps],
                    strides: [0, 0, *width],
                };
                let to = sums[first * width..].as_mut_ptr();
                // SAFETY: the CPU has V's instructions (the caller's contract); there are `rows` rows of `a` and of `sums`, and
                // `steps` rows of the packed panel, each `width` elements wide.
                unsafe {
                    with_tile!(V, rows, width / V::WIDTH, |R, N| tile::<V, R, N>(operands, to, *width));
                }
            }
        }
        for (row, sums) in self.rows.clone().zip(sums.chunks_exact(*width)) {
            // SAFETY: the row and the panel's columns are within the product and belong to this piece alone.
            let out = unsafe {
                std::slice::from_raw_parts_mut(
                    self.out.0.add(row * columns + panel_columns.start),
                    panel_columns.len(),
                )
            };
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = if relu && *sum <= T::default() { T::default() } else { *sum };
            }
        }
    }
}

/// Adds R rows of N registers to the sums at `to`, whose rows are `row` elements apart.
///
/// # Safety
/// The CPU has V's instructions; `operands` reach only what is readable, and the tile fits at `to`.
#[inline(always)]
unsafe fn tile<V: Vector, const R: usize, const N: usize>(
    operands: Operands<V::Element>,
    to: *mut V::Element,
    row: usize,
) {
    // SAFETY: the caller's contract.
    unsafe {
        let mut sums = [[V::splat(V::Element::default()); N]; R];
        for (index, sums) in sums.iter_mut().enumerate() {
            for (vector, sum) in sums.iter_mut().enumerate() {
                *sum = V::load(to.add(index * row + vector * V::WIDTH));
            }
        }
        accumulate::<V, R, N>(operands, &mut sums);
        for (index, sums) in sums.into_iter().enumerate() {
            for (vector, sum) in sums.into_iter().enumerate() {
                sum.store(to.add(index * row + vector * V::WIDTH));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_all_orientations_are_those_of_the_definition() {
        for [m, n, k] in
            [[1, 1, 1], [4, 16, 8], [5, 17, 3], [64, 10, 130], [33, 200, 65], [7, 97, 1], [128, 64, 300]]
        {
            let value = |index: usize| ((index * 7919) % 23) as f64 - 11.0;
            let a: Vec<f64> = (0..m * k).map(value).collect();
            let b: Vec<f64> = (0..k * n).map(|index| value(index + 5)).collect();
            let bias: Vec<f64> = (0..n).map(value).collect();
            for transposed in 0..4 {
                let (at, bt) = (transposed & 1 == 1, transposed & 2 == 2);
                let a_view = if at { Matrix::new(&a, m).transposed() } else { Matrix::new(&a, k) };
                let b_view = if bt { Matrix::new(&b, k).transposed() } else { Matrix::new(&b, n) };
                let at_ = |i: usize, j: usize| a[i * a_view.row + j * a_view.column];
                let bt_ = |i: usize, j: usize| b[i * b_view.row + j * b_view.column];
                let mut expected = Vec::with_capacity(m * n);
                for i in 0..m {
                    for (j, bias) in bias.iter().enumerate() {
                        let sum: f64 = (0..k).map(|step| at_(i, step) * bt_(step, j)).sum();
                        expected.push((bias + sum).max(0.0));
                    }
                }
                let mut out = vec![f64::NAN; m * n];
                Product { sizes: [m, n, k], a: a_view, b: b_view, bias: Some(&bias), relu: true }
                    .compute(&mut out);
                // Whole numbers: sums are exact in any order.
                assert_eq!(out, expected, "{m} × {n} × {k}, transposed {at} {bt}");
            }
        }
    }
}
