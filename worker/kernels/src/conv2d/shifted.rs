//! The inner loop of a product whose columns are runs of a padded image: a tile of sums that stays in registers.

use super::gathered::Steps;
use crate::vector::Vector;

/// One tile: each row's sums begin as its element of `bias`, and its factors times the runs at the steps from each of `from` are added;
/// a row's sums go to `to`, each register to its place. The factors of a step follow on those of the step before.
///
/// Each sum is taken in the order of the steps, whatever the tile's size.
///
/// # Safety
/// A register is readable wherever the steps reach from each of `from`, as are `ROWS` elements of `factors` a step and of `bias`; a
/// register is writable at each place from each of `to`.
#[inline(always)]
pub(super) unsafe fn shifted_tile<V: Vector, const ROWS: usize, const VECTORS: usize>(
    mut factors: *const V::Element,
    steps: Steps,
    from: &[*const V::Element; VECTORS],
    bias: &[V::Element; ROWS],
    to: &[*mut V::Element; ROWS],
    places: &[usize; VECTORS],
) {
    let Steps { counts: [outer, middle, inner], strides } = steps;
    // SAFETY: the caller's contract.
    unsafe {
        let mut sums = [[V::splat(V::Element::default()); VECTORS]; ROWS];
        for (sums, bias) in sums.iter_mut().zip(bias) {
            *sums = [V::splat(*bias); VECTORS];
        }
        for i in 0..outer.cast_signed() {
            for j in 0..middle.cast_signed() {
                let mut offset = i * strides[0] + j * strides[1];
                for _ in 0..inner {
                    let mut run = [V::splat(V::Element::default()); VECTORS];
                    for (run, from) in run.iter_mut().zip(from) {
                        *run = V::load(from.offset(offset));
                    }
                    for (row, sums) in sums.iter_mut().enumerate() {
                        let factor = V::splat(*factors.add(row));
                        for (sum, run) in sums.iter_mut().zip(run) {
                            *sum = run.mul_add(factor, *sum);
                        }
                    }
                    factors = factors.add(ROWS);
                    offset += strides[2];
                }
            }
        }
        for (sums, to) in sums.into_iter().zip(to) {
            for (sum, place) in sums.into_iter().zip(places) {
                sum.store(to.add(*place));
            }
        }
    }
}
