//! Matrix products for dense layers.

use std::ops::Range;

use rayon::prelude::*;

use crate::activity;
use crate::aligned_buffer::AlignedBuffer;
use crate::element::Element;
use crate::partition;
use crate::tile::{Operands, accumulate, with_tile};
use crate::vector::{Dispatch, Kernel, TILE_ROWS, Vector, transpose};

/// Bytes of a panel that are read again and again before the sums leave their registers: they fit the first cache.
const PANEL_BYTES: usize = 24 << 10;
/// Rows of a piece, if there are enough pieces.
const ROWS: usize = 64;
/// Below so many products the work is done where it is: handing it out would take longer.
const WORTH_SHARING: usize = 1 << 21;
/// The widest panel: as many registers as a tile has, of any code path.
const WIDEST: usize = 6 * 16;

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
        let Self { sizes: [rows, columns, depth], a, b, relu, .. } = *self;
        assert_eq!(out.len(), rows * columns, "the product's memory has its size");
        if rows == 0 || columns == 0 {
            return;
        }
        // One column would leave registers empty; the transposed product has the same sums, and lies the same way.
        let job = if columns == 1 && rows > 1 {
            let bias = self.bias.map_or(Bias::None, |bias| Bias::One(bias[0]));
            Job { sizes: [1, rows, depth], a: b.transposed(), b: a.transposed(), bias, relu }
        } else {
            let bias = self.bias.map_or(Bias::None, Bias::Each);
            Job { sizes: [rows, columns, depth], a, b, bias, relu }
        };
        // What pieces read of `a` is in bounds because of this; `b` is looked at where it is packed or read.
        let a_end = (job.sizes[0] - 1) * job.a.row + depth.saturating_sub(1) * job.a.column;
        assert!(depth == 0 || job.a.elements.len() > a_end, "a matrix is as large as its sizes say");
        if rows * columns * depth < WORTH_SHARING { job.alone(out) } else { job.shared(out) }
    }
}

/// What the sums begin with.
#[derive(Clone, Copy)]
enum Bias<'a, T> {
    None,
    /// A value for each column.
    Each(&'a [T]),
    /// One for all.
    One(T),
}

/// A product as it is computed.
struct Job<'a, T> {
    sizes: [usize; 3],
    a: Matrix<'a, T>,
    b: Matrix<'a, T>,
    bias: Bias<'a, T>,
    relu: bool,
}

impl<T: Dispatch> Job<'_, T> {
    /// On this thread.
    fn alone(&self, out: &mut [T]) {
        let [rows, _, depth] = self.sizes;
        let mut packed: Option<AlignedBuffer<T>> = None;
        let out = SharedOutput(out.as_mut_ptr());
        let count = self.panels();
        for index in 0..count {
            let panel = self.panel(index, count);
            let (b, b_row) = if self.lies_packed(&panel) {
                (self.b.elements, self.b.row)
            } else {
                let packed = packed.get_or_insert_with(|| AlignedBuffer::zeros(self.widest(count) * depth));
                let packed = &mut packed[..panel.width * depth];
                if index > 0 && panel.width > panel.columns.len() {
                    packed.fill(T::default());
                }
                self.pack(&panel, packed);
                (&*packed, panel.width)
            };
            T::dispatch(RowBlock { job: self, panel: &panel, b, b_row, rows: 0..rows, out });
        }
    }

    /// On all threads.
    fn shared(&self, out: &mut [T]) {
        let [rows, _, depth] = self.sizes;
        let count = self.panels();
        let panels: Vec<Panel> = (0..count).map(|index| self.panel(index, count)).collect();
        let mut piece_rows = ROWS;
        while panels.len() * rows.div_ceil(piece_rows) < 16 && piece_rows > 16 {
            piece_rows /= 2;
        }
        let mut packed = AlignedBuffer::zeros(panels.iter().map(|panel| panel.width).sum::<usize>() * depth);
        let mut packs: Vec<(&Panel, &mut [T])> = Vec::with_capacity(panels.len());
        let mut rest = &mut *packed;
        for panel in &panels {
            let (pack, after) = rest.split_at_mut(panel.width * depth);
            packs.push((panel, pack));
            rest = after;
        }
        let out = SharedOutput(out.as_mut_ptr());
        let row_pieces: Vec<Range<usize>> =
            (0..rows).step_by(piece_rows).map(|row| row..rows.min(row + piece_rows)).collect();
        packs.into_par_iter().for_each(|(panel, pack)| {
            self.pack(panel, pack);
            let b = &*pack;
            row_pieces.par_iter().for_each(|rows| {
                T::dispatch(RowBlock { job: self, panel, b, b_row: panel.width, rows: rows.clone(), out });
                activity::tick();
            });
        });
    }

    /// Registers in a row of the product.
    fn vectors(&self) -> usize {
        self.sizes[1].div_ceil(T::vector_width())
    }

    /// How many panels the columns are cut into.
    fn panels(&self) -> usize {
        self.vectors().div_ceil(T::tile_vectors())
    }

    /// The width of the widest of so many panels.
    fn widest(&self, count: usize) -> usize {
        self.vectors().div_ceil(count) * T::vector_width()
    }

    /// One of so many panels; their widths differ by a register at most.
    fn panel(&self, index: usize, count: usize) -> Panel {
        let width = T::vector_width();
        let vectors = partition::nth(self.vectors(), count, index);
        Panel {
            columns: vectors.start * width..self.sizes[1].min(vectors.end * width),
            width: vectors.len() * width,
        }
    }

    /// Whether `b` lies in memory as it would be packed: all of it is one panel, filled up to whole registers.
    fn lies_packed(&self, panel: &Panel) -> bool {
        let Matrix { row, column, .. } = self.b;
        column == 1 && row == panel.width && panel.columns == (0..panel.width)
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
struct SharedOutput<T>(*mut T);

// SAFETY: pieces write through the pointer only within their own rows and columns, which no other piece has, and the memory is
// borrowed mutably until all of them are done.
unsafe impl<T: Send> Send for SharedOutput<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for SharedOutput<T> {}

/// Some rows of a panel, on one thread.
struct RowBlock<'a, T> {
    job: &'a Job<'a, T>,
    panel: &'a Panel,
    /// The panel's columns of `b`, whole registers wide, and the distance of its rows.
    b: &'a [T],
    b_row: usize,
    rows: Range<usize>,
    out: SharedOutput<T>,
}

impl<T: Element> Kernel<T> for RowBlock<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let Panel { columns, width } = self.panel;
        let all_columns = self.job.sizes[1];
        if columns.len() == *width {
            // SAFETY: the rows and the panel's columns are within the product and belong to this piece alone; the rest is the
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
    /// Writes the piece's rows, as wide as the panel, to `to`; they are `to_row` apart.
    ///
    /// # Safety
    /// The CPU has V's instructions, and all of the rows are writable and this thread's alone.
    #[inline(always)]
    unsafe fn fill<V: Vector<Element = T>>(&self, to: *mut T, to_row: usize) {
        let Job { sizes: [_, _, depth], a, bias, relu, .. } = *self.job;
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
            for first in (0..self.rows.len()).step_by(TILE_ROWS) {
                let rows = TILE_ROWS.min(self.rows.len() - first);
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
                    let from = if start == 0 { (initial.as_ptr(), 0) } else { (to.cast_const(), to_row) };
                    with_tile!(V, rows, width / V::WIDTH, |R, N| tile::<V, R, N>(
                        operands,
                        from,
                        (to, to_row)
                    ));
                    if relu && is_last {
                        for row in 0..rows {
                            let sums = std::slice::from_raw_parts_mut(to.add(row * to_row), *width);
                            for sum in sums {
                                *sum = if *sum <= T::default() { T::default() } else { *sum };
                            }
                        }
                    }
                }
            }
            start += steps;
            if is_last {
                return;
            }
        }
    }
}

/// Adds products to R rows of N registers `from` somewhere and writes the sums; rows are so far apart as is said beside the pointers.
///
/// # Safety
/// The CPU has V's instructions; `operands` reach only what is readable, the tile is readable and writable where it is said to be.
#[inline(always)]
unsafe fn tile<V: Vector, const R: usize, const N: usize>(
    operands: Operands<V::Element>,
    (from, from_row): (*const V::Element, usize),
    (to, to_row): (*mut V::Element, usize),
) {
    // SAFETY: the caller's contract.
    unsafe {
        let mut sums = [[V::splat(V::Element::default()); N]; R];
        for (index, sums) in sums.iter_mut().enumerate() {
            for (vector, sum) in sums.iter_mut().enumerate() {
                *sum = V::load(from.add(index * from_row + vector * V::WIDTH));
            }
        }
        accumulate::<V, R, N>(operands, &mut sums);
        for (index, sums) in sums.into_iter().enumerate() {
            for (vector, sum) in sums.into_iter().enumerate() {
                sum.store(to.add(index * to_row + vector * V::WIDTH));
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
