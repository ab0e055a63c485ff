//! Products of two matrices, and the threads that compute them.

use std::ops::Range;

use rayon::prelude::*;

use super::matrix::Matrix;
use super::operands::{Bias, ProductOperands};
use super::panel::Panel;
use super::row_block::{RowBlock, SharedOutput};
use crate::activity;
use crate::aligned_buffer::AlignedBuffer;
use crate::vector::Dispatch;

/// Rows of a block, if there are enough blocks.
const ROWS: usize = 64;
/// Below so many products the work is done on the thread where it is: handing it out would take longer.
const PARALLEL_FROM: usize = 1 << 21;

/// `a · b`, with a bias before and an activation behind it: out = relu(bias + a · b).
pub(crate) struct Product<'a, T> {
    /// Rows of `a`, columns of `b`, and the length of the sums.
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
        let operands = if columns == 1 && rows > 1 {
            let bias = self.bias.map_or(Bias::None, |bias| Bias::One(bias[0]));
            ProductOperands { sizes: [1, rows, depth], a: b.transposed(), b: a.transposed(), bias, relu }
        } else {
            let bias = self.bias.map_or(Bias::None, Bias::Each);
            ProductOperands { sizes: [rows, columns, depth], a, b, bias, relu }
        };
        // All that blocks of rows read of `a` is in bounds because of this; `b` is looked at where it is packed or read.
        let a_end = (operands.sizes[0] - 1) * operands.a.row + depth.saturating_sub(1) * operands.a.column;
        assert!(depth == 0 || operands.a.elements.len() > a_end, "a matrix is as large as its sizes say");
        if rows * columns * depth < PARALLEL_FROM {
            operands.compute_here(out)
        } else {
            operands.compute_in_parallel(out)
        }
    }
}

impl<T: Dispatch> ProductOperands<'_, T> {
    /// Computes the product on this thread.
    pub(super) fn compute_here(&self, out: &mut [T]) {
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
            T::dispatch(RowBlock { operands: self, panel: &panel, b, b_row, rows: 0..rows, out });
        }
    }

    /// Computes the product on all threads.
    pub(super) fn compute_in_parallel(&self, out: &mut [T]) {
        let [rows, _, depth] = self.sizes;
        let count = self.panels();
        let panels: Vec<Panel> = (0..count).map(|index| self.panel(index, count)).collect();
        let mut block_rows = ROWS;
        while panels.len() * rows.div_ceil(block_rows) < 16 && block_rows > 16 {
            block_rows /= 2;
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
        let row_blocks: Vec<Range<usize>> =
            (0..rows).step_by(block_rows).map(|row| row..rows.min(row + block_rows)).collect();
        packs.into_par_iter().for_each(|(panel, pack)| {
            self.pack(panel, pack);
            let b = &*pack;
            row_blocks.par_iter().for_each(|rows| {
                T::dispatch(RowBlock {
                    operands: self,
                    panel,
                    b,
                    b_row: panel.width,
                    rows: rows.clone(),
                    out,
                });
                activity::tick();
            });
        });
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
