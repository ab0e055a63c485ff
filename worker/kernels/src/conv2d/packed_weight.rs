//! Weights in the order in which tiles read them.

use rayon::prelude::*;

use super::columns::{ColumnBlock, row_width};
use crate::element::Element;
use crate::vector::{Dispatch, Kernel, Vector, transpose};

/// Below so many weights they are packed on one thread.
const PACK_IN_PARALLEL_FROM: usize = 1 << 15;
/// Steps that are packed at a time.
const PACKED_STEPS: usize = 64;

/// Where a column's weights lie, step by step: runs of weights that follow on each other.
pub(super) struct Runs {
    /// The first weight of each run.
    pub(super) starts: Vec<usize>,
    /// Weights of a run.
    pub(super) length: usize,
}

impl Runs {
    /// So many steps.
    fn steps(&self) -> usize {
        self.starts.len() * self.length
    }
}

/// Weights as `[group, block, step, column]`; from one column's to the next's are `column` elements.
pub(super) fn pack<T: Dispatch>(
    weight: &[T],
    groups: usize,
    blocks: &[ColumnBlock],
    column: usize,
    runs: &Runs,
) -> Vec<T> {
    let mut packed = vec![T::default(); groups * runs.steps() * row_width(blocks)];
    if packed.is_empty() {
        return packed;
    }
    let runs_at_once = PACKED_STEPS.div_ceil(runs.length);
    let mut rest = packed.as_mut_slice();
    let mut work = Vec::new();
    for weight in weight.chunks_exact(weight.len() / groups) {
        for block in blocks {
            let (packed, after) = std::mem::take(&mut rest).split_at_mut(runs.steps() * block.width);
            rest = after;
            let parts = packed.chunks_mut(runs_at_once * runs.length * block.width);
            work.extend(parts.zip(runs.starts.chunks(runs_at_once)).map(|(packed, starts)| PackRuns {
                weight: &weight[block.columns.start * column..],
                column,
                block,
                starts,
                length: runs.length,
                packed,
            }));
        }
    }
    if weight.len() < PACK_IN_PARALLEL_FROM {
        work.into_iter().for_each(T::dispatch);
    } else {
        work.into_par_iter().for_each(T::dispatch);
    }
    packed
}

/// Packs some runs of a block.
struct PackRuns<'a, T> {
    /// From the block's first column on.
    weight: &'a [T],
    column: usize,
    block: &'a ColumnBlock,
    starts: &'a [usize],
    length: usize,
    packed: &'a mut [T],
}

impl<T: Element> Kernel<T> for PackRuns<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let Self { weight, column, block, starts, length, packed } = self;
        let columns = block.columns.len();
        for (start, packed) in starts.iter().zip(packed.chunks_exact_mut(length * block.width)) {
            let weight = &weight[*start..];
            if length == 1 {
                for (packed, weight) in packed.iter_mut().zip(weight.iter().step_by(column)).take(columns) {
                    *packed = *weight;
                }
                continue;
            }
            assert!(weight.len() >= (columns - 1) * column + length && columns <= block.width);
            // SAFETY: the CPU has V's instructions (the caller's contract); each column has a run of `length` weights (asserted),
            // which go to as many rows of `width`.
            unsafe {
                transpose::<V>((columns, length), weight.as_ptr(), column, packed.as_mut_ptr(), block.width);
            }
        }
    }
}
