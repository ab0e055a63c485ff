//! The inner loops of the backward pass: registers of sums over a list of gradients.

use super::sparse_gradient::Entries;
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

/// Sums that the narrowest register file (16 registers) holds beside what is added to them.
const HELD: usize = 12;

/// The runs of a whole kernel: so many rows of so many registers.
pub(crate) trait AccumulateRuns<V: Vector> {
    /// [`add_runs`] of all of them; `sizes` are rows and registers a row.
    ///
    /// # Safety
    /// As for [`add_runs`].
    unsafe fn add(
        sizes: (usize, usize),
        entries: Entries<'_, V::Element>,
        from: *const V::Element,
        stride: usize,
        row: usize,
        to: *mut V::Element,
        to_row: usize,
    );
}

/// Runs that fit the registers as a whole.
pub(crate) struct InRegisters<const ROWS: usize, const COLUMNS: usize, const SETS: usize>;

impl<V: Vector, const ROWS: usize, const COLUMNS: usize, const SETS: usize> AccumulateRuns<V>
    for InRegisters<ROWS, COLUMNS, SETS>
{
    #[inline(always)]
    unsafe fn add(
        _: (usize, usize),
        entries: Entries<'_, V::Element>,
        from: *const V::Element,
        stride: usize,
        row: usize,
        to: *mut V::Element,
        to_row: usize,
    ) {
        // SAFETY: the caller's contract.
        unsafe { add_runs::<V, ROWS, COLUMNS, SETS>(entries, from, stride, row, to, to_row) };
    }
}

/// Any number of rows, `ROWS` at a time, of any number of registers, as many at a time as there is room for.
pub(crate) struct InPasses<const ROWS: usize, const SETS: usize>;

impl<V: Vector, const ROWS: usize, const SETS: usize> AccumulateRuns<V> for InPasses<ROWS, SETS> {
    #[inline(always)]
    unsafe fn add(
        (rows, columns): (usize, usize),
        entries: Entries<'_, V::Element>,
        from: *const V::Element,
        stride: usize,
        row: usize,
        to: *mut V::Element,
        to_row: usize,
    ) {
        let most = HELD / (ROWS * SETS);
        for y in (0..rows).step_by(ROWS) {
            let mut column = 0;
            while column < columns {
                let left = columns - column;
                let count = if left > most { left.div_ceil(2).min(most) } else { left };
                // SAFETY: the caller's contract; the part is within rows and columns, which are a multiple of `ROWS` rows.
                unsafe {
                    let from = from.add(y * row + column * V::WIDTH);
                    let to = to.add(y * to_row + column * V::WIDTH);
                    match count {
                        1 => add_runs::<V, ROWS, 1, SETS>(entries, from, stride, row, to, to_row),
                        2 => add_runs::<V, ROWS, 2, SETS>(entries, from, stride, row, to, to_row),
                        3 if HELD / (ROWS * SETS) > 2 => {
                            add_runs::<V, ROWS, 3, SETS>(entries, from, stride, row, to, to_row);
                        }
                        4 if HELD / (ROWS * SETS) > 3 => {
                            add_runs::<V, ROWS, 4, SETS>(entries, from, stride, row, to, to_row);
                        }
                        5 if HELD / (ROWS * SETS) > 4 => {
                            add_runs::<V, ROWS, 5, SETS>(entries, from, stride, row, to, to_row);
                        }
                        6 if HELD / (ROWS * SETS) > 5 => {
                            add_runs::<V, ROWS, 6, SETS>(entries, from, stride, row, to, to_row);
                        }
                        _ => unreachable!("a part has as many registers as there is room for"),
                    }
                }
                column += count;
            }
        }
    }
}

/// Calls `$body` with the type `$R` set to the [`AccumulateRuns`] of a kernel of `$rows` rows of `$elements` elements in `$columns` registers.
///
/// How many sums take entries in turn (the last number) follows from rows and elements alone, so that every path adds in one order: few
/// elements would leave the multipliers waiting for each other's sums. A path with narrow registers goes over the entries as often as
/// it takes to have all of them.
macro_rules! with_runs {
    ($V:ty, $rows:expr, $elements:expr, $columns:expr, |$R:ident| $body:expr) => {{
        use crate::conv::blocked_layout::BLOCK_CHANNELS;
        use crate::conv::accumulate_runs::{InPasses, InRegisters};
        macro_rules! runs {
            ($type:ty) => {{
                type $R = $type;
                $body
            }};
        }
        match ($rows, $elements <= 2 * BLOCK_CHANNELS, $columns) {
            (3, true, 1) => runs!(InRegisters<3, 1, 2>),
            (3, true, 2) => runs!(InRegisters<3, 2, 2>),
            (3, true, 3) if <$V>::REGISTERS > 16 => runs!(InRegisters<3, 3, 2>),
            (3, true, _) => runs!(InPasses<3, 2>),
            (3, false, 3) => runs!(InRegisters<3, 3, 1>),
            (3, false, _) => runs!(InPasses<3, 1>),
            _ if $elements <= 2 * BLOCK_CHANNELS => runs!(InPasses<1, 4>),
            _ => runs!(InPasses<1, 2>),
        }
    }};
}
pub(crate) use with_runs;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code_path::CodePath;
    use crate::vector::{Dispatch, Kernel, on_path};

    /// Sums of whole numbers, which are exact in any order, against the definition.
    struct Sums {
        rows: usize,
        elements: usize,
        entries: usize,
    }

    impl<T: Dispatch> Kernel<T> for Sums {
        #[inline(always)]
        unsafe fn run<V: Vector<Element = T>>(self) {
            let Self { rows, elements, entries } = self;
            let columns = elements.div_ceil(V::WIDTH);
            let (row, stride) = (columns * V::WIDTH + 3, 5);
            let positions = entries.max(1) * 3;
            let from: Vec<T> = (0..positions * stride + rows * row + columns * V::WIDTH)
                .map(|at| T::from_f64((at * 31 % 17) as f64 - 8.0))
                .collect();
            let indices: Vec<u32> = (0..entries).map(|entry| (entry * 7 % positions) as u32).collect();
            let values: Vec<T> = (0..entries).map(|entry| T::from_f64((entry % 5) as f64 - 2.0)).collect();
            let to_row = columns * V::WIDTH;
            let before: Vec<T> = (0..rows * to_row).map(|at| T::from_f64(at as f64)).collect();
            let mut to = before.clone();
            let list = Entries { indices: &indices, values: &values };
            // SAFETY: the CPU has V's instructions (the caller's contract); from each index there are `rows` runs of `columns` registers,
            // and as many at `to`.
            unsafe {
                with_runs!(V, rows, elements, columns, |R| <R as AccumulateRuns<V>>::add(
                    (rows, columns),
                    list,
                    from.as_ptr(),
                    stride,
                    row,
                    to.as_mut_ptr(),
                    to_row,
                ));
            }
            for (at, (found, before)) in to.iter().zip(&before).enumerate() {
                let (y, x) = (at / to_row, at % to_row);
                let products = indices.iter().zip(&values).map(|(index, value)| {
                    value.to_f64() * from[*index as usize * stride + y * row + x].to_f64()
                });
                let expected = before.to_f64() + products.sum::<f64>();
                assert!(
                    found.to_f64() == expected,
                    "{rows} rows of {elements}, {entries} entries, at {y}, {x}: {found:?}, not {expected}"
                );
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "it takes too long in an interpreter")]
    fn runs_of_every_length_are_added_for_every_number_of_entries_on_each_path() {
        for path in CodePath::ALL {
            on_path(path, || {
                for rows in [1, 3, 5, 7] {
                    for channels in 1..=16 {
                        for entries in [0, 1, 2, 3, 4, 5, 8, 13] {
                            f32::dispatch(Sums { rows, elements: rows * channels, entries });
                            f64::dispatch(Sums { rows, elements: rows * channels, entries });
                        }
                    }
                }
            });
        }
    }
}
