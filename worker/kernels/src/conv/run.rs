//! The inner loops of the backward pass: registers of sums over a list of gradients.

use super::entries::Entries;
use crate::vector::Vector;

/// A weighted sum of runs. For each entry, `ROWS` runs of `COLUMNS` registers start at `from + index × stride`, `row` apart;
/// they are added, times the entry's value, to the same number of registers at `to`, `to_row` apart.
///
/// The weights' gradient of an output is the sum over its windows of the input there; the inputs' gradient at a window is the
/// sum over outputs of their weights. `SETS` sums are kept for entries in turn where one would leave the multipliers waiting.
///
/// # Safety
/// All that the indices reach is readable, all registers at `to` are writable, and there are as many values as indices.
#[inline(always)]
unsafe fn add_runs<V: Vector, const ROWS: usize, const COLUMNS: usize, const SETS: usize>(
    entries: Entries<'_, V::Element>,
    from: *const V::Element,
    stride: usize,
    row: usize,
    to: *mut V::Element,
    to_row: usize,
) {
    // SAFETY: the caller's contract.
    unsafe {
        let zero = V::splat(V::Element::default());
        let mut sums = [[[zero; COLUMNS]; ROWS]; SETS];
        let count = entries.indices.len();
        let whole = count - count % SETS;
        for first in (0..whole).step_by(SETS) {
            for (set, sums) in sums.iter_mut().enumerate() {
                let index = *entries.indices.get_unchecked(first + set);
                add_run(
                    from.add(index as usize * stride),
                    row,
                    *entries.values.get_unchecked(first + set),
                    sums,
                );
            }
        }
        for (set, sums) in sums.iter_mut().enumerate().take(count - whole) {
            let index = *entries.indices.get_unchecked(whole + set);
            add_run(from.add(index as usize * stride), row, *entries.values.get_unchecked(whole + set), sums);
        }
        for y in 0..ROWS {
            for x in 0..COLUMNS {
                let to = to.add(y * to_row + x * V::WIDTH);
                let mut sum = V::load(to);
                for set in &sums {
                    sum = sum.add(set[y][x]);
                }
                sum.store(to);
            }
        }
    }
}

/// # Safety
/// As for [`add_runs`].
#[inline(always)]
unsafe fn add_run<V: Vector, const ROWS: usize, const COLUMNS: usize>(
    from: *const V::Element,
    row: usize,
    value: V::Element,
    sums: &mut [[V; COLUMNS]; ROWS],
) {
    // SAFETY: the caller's contract.
    unsafe {
        let value = V::splat(value);
        for (y, sums) in sums.iter_mut().enumerate() {
            for (x, sum) in sums.iter_mut().enumerate() {
                *sum = V::load(from.add(y * row + x * V::WIDTH)).mul_add(value, *sum);
            }
        }
    }
}

/// The runs of a whole kernel: `rows` of `columns` registers, in pieces that fit the registers.
///
/// # Safety
/// As for [`add_runs`].
#[inline(always)]
pub(crate) unsafe fn add_kernel_runs<V: Vector>(
    entries: Entries<'_, V::Element>,
    (rows, columns): (usize, usize),
    from: *const V::Element,
    stride: usize,
    row: usize,
    to: *mut V::Element,
    to_row: usize,
) {
    // SAFETY: the caller's contract; the pieces are within the kernel's rows and columns.
    unsafe {
        match (rows, columns) {
            (3, 1) => add_runs::<V, 3, 1, 4>(entries, from, stride, row, to, to_row),
            (3, 2) => add_runs::<V, 3, 2, 2>(entries, from, stride, row, to, to_row),
            (3, 3) => add_runs::<V, 3, 3, 1>(entries, from, stride, row, to, to_row),
            _ => {
                for y in 0..rows {
                    let (from, to) = (from.add(y * row), to.add(y * to_row));
                    let mut x = 0;
                    while x < columns {
                        let (from, to) = (from.add(x * V::WIDTH), to.add(x * V::WIDTH));
                        match columns - x {
                            1 => add_runs::<V, 1, 1, 4>(entries, from, stride, row, to, to_row),
                            2 => add_runs::<V, 1, 2, 4>(entries, from, stride, row, to, to_row),
                            3 => add_runs::<V, 1, 3, 2>(entries, from, stride, row, to, to_row),
                            4 => add_runs::<V, 1, 4, 2>(entries, from, stride, row, to, to_row),
                            _ => add_runs::<V, 1, 5, 2>(entries, from, stride, row, to, to_row),
                        }
                        x += 5;
                    }
                }
            }
        }
    }
}
