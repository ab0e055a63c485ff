//! Columns of a product, in blocks as wide as a tile.

use std::ops::Range;

use crate::partition;
use crate::vector::Dispatch;

/// The most positions whose sums are taken at a time.
pub(super) const POSITIONS: usize = 144;

/// Some columns, which a tile takes side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ColumnBlock {
    /// The columns in it.
    pub(super) columns: Range<usize>,
    /// Elements of a row: the columns, filled up where they lie in registers.
    pub(super) width: usize,
    /// Elements of a row of all blocks before it.
    pub(super) start: usize,
}

/// As few blocks of whole registers as there can be; their widths differ by a register at most.
pub(super) fn register_blocks<T: Dispatch>(columns: usize) -> Vec<ColumnBlock> {
    let registers = T::registers();
    let vectors = columns.div_ceil(registers.width);
    let count = vectors.div_ceil(registers.tile_vectors);
    let block = |index| {
        let Range { start, end } = partition::nth(vectors, count, index);
        ColumnBlock {
            columns: start * registers.width..columns.min(end * registers.width),
            width: (end - start) * registers.width,
            start: start * registers.width,
        }
    };
    (0..count).map(block).collect()
}

/// As few blocks as there can be of as many columns as a tile has rows.
pub(super) fn row_blocks<T: Dispatch>(columns: usize) -> Vec<ColumnBlock> {
    let count = columns.div_ceil(T::registers().tile_rows);
    let block = |index| {
        let columns = partition::nth(columns, count, index);
        ColumnBlock { width: columns.len(), start: columns.start, columns }
    };
    (0..count).map(block).collect()
}

/// Elements of a row of all blocks.
pub(super) fn row_width(blocks: &[ColumnBlock]) -> usize {
    blocks.iter().map(|block| block.width).sum()
}
