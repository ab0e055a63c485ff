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
            let (b, b_row) = if self.is_read_in_place(&panel) {
                // Sums of nothing have no second operand.
                (self.b.elements.get(panel.columns.start..).unwrap_or_default(), self.b.row)
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
    use crate::code_path::CodePath;
    use crate::vector::on_path;

    /// Whole numbers: sums are exact in any order.
    fn value(index: usize) -> f64 {
        ((index * 7919) % 23) as f64 - 11.0
    }

    /// All four orientations of a product of this size against its definition, on this thread and on all of them.
    fn check<T: Dispatch>([m, n, k]: [usize; 3], name: &str) {
        let floats = |count: usize, shift: usize| -> Vec<T> {
            (0..count).map(|index| T::from_f64(value(index + shift))).collect()
        };
        let (a, b, bias) = (floats(m * k, 0), floats(k * n, 5), floats(n, 0));
        for transposed in 0..4 {
            let (at, bt) = (transposed & 1 == 1, transposed & 2 == 2);
            let a_view = if at { Matrix::new(&a, m).transposed() } else { Matrix::new(&a, k) };
            let b_view = if bt { Matrix::new(&b, k).transposed() } else { Matrix::new(&b, n) };
            let element = |matrix: Matrix<'_, T>, i: usize, j: usize| {
                matrix.elements[i * matrix.row + j * matrix.column].to_f64()
            };
            for (with_bias, relu) in [(true, true), (false, false)] {
                let mut expected = Vec::with_capacity(m * n);
                for i in 0..m {
                    for (j, bias) in bias.iter().enumerate() {
                        let sum: f64 =
                            (0..k).map(|step| element(a_view, i, step) * element(b_view, step, j)).sum();
                        let sum = if with_bias { bias.to_f64() + sum } else { sum };
                        expected.push(if relu { sum.max(0.0) } else { sum });
                    }
                }
                let mut out = vec![T::from_f64(f64::NAN); m * n];
                let product = Product {
                    sizes: [m, n, k],
                    a: a_view,
                    b: b_view,
                    bias: with_bias.then_some(&bias),
                    relu,
                };
                product.compute(&mut out);
                let found: Vec<f64> = out.iter().map(|value| value.to_f64()).collect();
                assert_eq!(found, expected, "{m} × {n} × {k}, transposed {at} {bt}, {name}");
            }
        }
    }

    #[test]
    fn products_of_all_orientations_are_those_of_the_definition() {
        for sizes in
            [[1, 1, 1], [4, 16, 8], [5, 17, 3], [64, 10, 130], [33, 200, 65], [7, 97, 1], [128, 64, 300]]
        {
            for path in CodePath::ALL {
                on_path(path, || check::<f64>(sizes, path.name()));
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "it takes too long in an interpreter")]
    fn rows_and_columns_around_a_tiles_edges_are_those_of_the_definition_on_each_path() {
        for path in CodePath::ALL {
            on_path(path, || {
                for rows in 1..=13 {
                    for columns in [1, 2, 7, 8, 9, 15, 16, 17, 24, 31, 33, 48, 95, 96, 97, 130] {
                        check::<f32>([rows, columns, 5], path.name());
                        check::<f64>([rows, columns, 5], path.name());
                    }
                }
            });
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "it takes too long in an interpreter")]
    fn sums_that_are_longer_than_a_panel_go_on_where_they_were_on_each_path() {
        for path in CodePath::ALL {
            on_path(path, || {
                for depth in [0, 1, 63, 64, 65, 383, 384, 385, 1000] {
                    check::<f32>([5, 20, depth], path.name());
                    check::<f64>([5, 20, depth], path.name());
                }
                // Enough products to be shared among threads.
                check::<f32>([70, 100, 400], path.name());
                check::<f64>([70, 100, 400], path.name());
            });
        }
    }

    #[test]
    fn a_product_without_rows_or_columns_writes_nothing() {
        let none: [f32; 0] = [];
        for [m, n, k] in [[0, 3, 2], [3, 0, 2], [0, 0, 0]] {
            let (a, b) = (vec![1.0; m * k], vec![1.0; k * n]);
            let product = Product {
                sizes: [m, n, k],
                a: Matrix::new(&a, k),
                b: Matrix::new(&b, n),
                bias: None,
                relu: false,
            };
            let mut out = none;
            product.compute(&mut out);
        }
    }

    #[test]
    #[should_panic(expected = "a matrix is as large as its sizes say")]
    fn a_matrix_that_is_too_short_is_never_read() {
        let (a, b, mut out) = ([1.0_f32; 5], [1.0_f32; 6], [0.0; 4]);
        Product { sizes: [2, 2, 3], a: Matrix::new(&a, 3), b: Matrix::new(&b, 2), bias: None, relu: false }
            .compute(&mut out);
    }
}
