//! Vector registers, as far as the kernels need them, and the choice of them at run time.
//!
//! A kernel is written once, generic over [`Vector`], and compiled for each code path: [`Kernel::run`] and everything below
//! it is `#[inline(always)]`, so that it ends up inside one function a path that has the path's target features. Closures in it
//! must not touch registers: they would be compiled without those features.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;
mod scalar;

use crate::code_path::CodePath;
use crate::element::Element;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
pub(crate) use portable::Portable;

/// A register of floats.
///
/// # Safety
/// All functions may be called only where the CPU has the register's instructions; [`dispatch`] sees to that. Pointers must be
/// valid for `WIDTH` elements and need no alignment.
pub(crate) trait Vector: Copy {
    type Element: Element;
    /// Elements in a register.
    const WIDTH: usize;
    /// The widest tile in registers: `TILE_VECTORS` × [`TILE_ROWS`] accumulators and what feeds them fit the register file.
    const TILE_VECTORS: usize;

    unsafe fn splat(value: Self::Element) -> Self;
    unsafe fn load(from: *const Self::Element) -> Self;
    unsafe fn store(self, to: *mut Self::Element);
    unsafe fn add(self, other: Self) -> Self;
    /// self × factor + sum, each as [`Element::multiply_add`] says.
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self;

    /// ReLU and 2×2 max pooling of `count` ≤ `WIDTH` windows that follow on each other: 2 × `count` sums at `top` and at `bottom`
    /// give as many results and winners.
    #[inline(always)]
    unsafe fn pool(
        count: usize,
        top: *const Self::Element,
        bottom: *const Self::Element,
        pooled: *mut Self::Element,
        argmax: *mut u8,
    ) {
        // SAFETY: the trait's contract, for the elements that the description names.
        unsafe { scalar::pool(count, top, bottom, pooled, argmax) }
    }

    /// Writes a matrix of `rows` × `columns`, both from 1 to `WIDTH`, transposed: element (i, j) goes from `from` + i × `row` + j
    /// to `to` + j × `column` + i.
    #[inline(always)]
    unsafe fn transpose(
        rows: usize,
        columns: usize,
        from: *const Self::Element,
        row: usize,
        to: *mut Self::Element,
        column: usize,
    ) {
        // SAFETY: the trait's contract, for the elements that the description names.
        unsafe { scalar::transpose(rows, columns, from, row, to, column) }
    }

    /// Lists those of `count` ≤ `WIDTH` windows whose gradient isn't zero and that have a winner: `corners` + `offsets[winner]`
    /// go to `indices` and the gradients to `values`, which have room for a register each. Returns how many there are.
    #[inline(always)]
    unsafe fn compact(
        count: usize,
        gradient: *const Self::Element,
        argmax: *const u8,
        corners: *const u32,
        offsets: &[u32; 4],
        indices: *mut u32,
        values: *mut Self::Element,
    ) -> usize {
        // SAFETY: the trait's contract, for the elements that the description names.
        unsafe { scalar::compact(count, gradient, argmax, corners, offsets, indices, values) }
    }
}

/// Writes `from`, a matrix of any size, transposed; strides as for [`Vector::transpose`].
///
/// # Safety
/// The CPU has V's instructions, all of `from` is readable and all of `to` writable.
#[inline(always)]
pub(crate) unsafe fn transpose<V: Vector>(
    (rows, columns): (usize, usize),
    from: *const V::Element,
    row: usize,
    to: *mut V::Element,
    column: usize,
) {
    for i in (0..rows).step_by(V::WIDTH) {
        for j in (0..columns).step_by(V::WIDTH) {
            let (rows, columns) = (V::WIDTH.min(rows - i), V::WIDTH.min(columns - j));
            // SAFETY: the part is within the whole, which is the caller's contract.
            unsafe {
                V::transpose(rows, columns, from.add(i * row + j), row, to.add(j * column + i), column)
            };
        }
    }
}

/// What stands in place of a window's winner (2 × row + column) if ReLU made all of it zero: there is no gradient.
pub(crate) const NO_ARGMAX: u8 = 4;

/// Rows of the widest tile.
pub(crate) const TILE_ROWS: usize = 4;

/// Work that is compiled for each code path.
pub(crate) trait Kernel<T: Element> {
    /// # Safety
    /// The CPU has the instructions of `V`. Implementations are `#[inline(always)]`.
    unsafe fn run<V: Vector<Element = T>>(self);
}

/// An element with the code paths that work on it.
pub(crate) trait Dispatch: Element {
    /// Runs the kernel on the code path in use.
    fn dispatch<K: Kernel<Self>>(kernel: K);
    /// [`Vector::WIDTH`] of the code path in use.
    fn vector_width() -> usize;
    /// [`Vector::TILE_VECTORS`] of the code path in use.
    fn tile_vectors() -> usize;
}

impl Dispatch for f32 {
    fn dispatch<K: Kernel<Self>>(kernel: K) {
        match CodePath::current() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a path is current only if it was found to be available.
            CodePath::Avx512 => unsafe { avx512::run(kernel) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            CodePath::Avx2 => unsafe { avx2::run(kernel) },
            // SAFETY: the portable registers need no special instructions.
            _ => unsafe { kernel.run::<Portable<f32, 4>>() },
        }
    }

    fn vector_width() -> usize {
        match CodePath::current() {
            #[cfg(target_arch = "x86_64")]
            CodePath::Avx512 => Avx512::WIDTH,
            #[cfg(target_arch = "x86_64")]
            CodePath::Avx2 => Avx2::WIDTH,
            _ => Portable::<f32, 4>::WIDTH,
        }
    }

    fn tile_vectors() -> usize {
        match CodePath::current() {
            #[cfg(target_arch = "x86_64")]
            CodePath::Avx512 => Avx512::TILE_VECTORS,
            #[cfg(target_arch = "x86_64")]
            CodePath::Avx2 => Avx2::TILE_VECTORS,
            _ => Portable::<f32, 4>::TILE_VECTORS,
        }
    }
}

impl Dispatch for f64 {
    fn dispatch<K: Kernel<Self>>(kernel: K) {
        // SAFETY: the portable registers need no special instructions.
        unsafe { kernel.run::<Portable<f64, 2>>() }
    }

    fn vector_width() -> usize {
        Portable::<f64, 2>::WIDTH
    }

    fn tile_vectors() -> usize {
        Portable::<f64, 2>::TILE_VECTORS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a kernel with the registers of every path that this machine has, whichever the process uses.
    fn on_each_path<K: Kernel<f32>>(kernel: impl Fn() -> K) {
        // SAFETY: a path's registers are used only where it is available; the portable ones need nothing.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            {
                if CodePath::Avx512.is_available() {
                    avx512::run(kernel());
                }
                if CodePath::Avx2.is_available() {
                    avx2::run(kernel());
                }
            }
            kernel().run::<Portable<f32, 4>>();
        }
    }

    /// What may be in memory: numbers in no order, ties, zeros of both signs, infinities and NaN.
    fn values(count: usize) -> Vec<f32> {
        let odd = [0.0, -0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.0, 1.0, -1.0];
        (0..count)
            .map(|index| {
                let mixed = index * 7919 % 23;
                if mixed < odd.len() { odd[mixed] } else { mixed as f32 - 15.0 }
            })
            .collect()
    }

    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    /// Memory that nobody may write to.
    const UNTOUCHED: f32 = 1234.5;

    struct Pools;

    impl Kernel<f32> for Pools {
        #[inline(always)]
        unsafe fn run<V: Vector<Element = f32>>(self) {
            for (count, shift) in (0..=V::WIDTH).flat_map(|count| (0..23).map(move |shift| (count, shift))) {
                // No longer than what may be read: an interpreter sees what reads or writes beyond.
                let (top, bottom) =
                    (&values(shift + 2 * count)[shift..], &values(4 * count + 9)[9 + 2 * count..]);
                let [mut found, mut expected] =
                    [(vec![UNTOUCHED; count], vec![9; count]), (vec![UNTOUCHED; count], vec![9; count])];
                // SAFETY: the CPU has V's instructions (the caller's contract); there are 2 × `count` sums in each row and as many
                // results as windows.
                unsafe {
                    V::pool(count, top.as_ptr(), bottom.as_ptr(), found.0.as_mut_ptr(), found.1.as_mut_ptr());
                    scalar::pool(
                        count,
                        top.as_ptr(),
                        bottom.as_ptr(),
                        expected.0.as_mut_ptr(),
                        expected.1.as_mut_ptr(),
                    );
                }
                assert_eq!(
                    (bits(&found.0), found.1),
                    (bits(&expected.0), expected.1),
                    "{count} windows from {shift}"
                );
            }
        }
    }

    #[test]
    fn pooling_is_the_same_on_each_path_also_of_ties_zeros_and_nan() {
        on_each_path(|| Pools);
    }

    struct Lists;

    impl Kernel<f32> for Lists {
        #[inline(always)]
        unsafe fn run<V: Vector<Element = f32>>(self) {
            for (count, shift) in (0..=V::WIDTH).flat_map(|count| (0..23).map(move |shift| (count, shift))) {
                let gradient = &values(shift + count)[shift..];
                let argmax: Vec<u8> = (0..count).map(|window| ((window * 7 + shift) % 5) as u8).collect();
                let corners: Vec<u32> = (0..count as u32).map(|window| 3 * window + 1).collect();
                let offsets = [0, 1, 50, 51];
                let lists = || (vec![0; V::WIDTH], vec![0.0; V::WIDTH]);
                let (mut found, mut expected) = (lists(), lists());
                // SAFETY: the CPU has V's instructions (the caller's contract); there are `count` windows, and room for a register.
                let counts = unsafe {
                    [
                        V::compact(
                            count,
                            gradient.as_ptr(),
                            argmax.as_ptr(),
                            corners.as_ptr(),
                            &offsets,
                            found.0.as_mut_ptr(),
                            found.1.as_mut_ptr(),
                        ),
                        scalar::compact(
                            count,
                            gradient.as_ptr(),
                            argmax.as_ptr(),
                            corners.as_ptr(),
                            &offsets,
                            expected.0.as_mut_ptr(),
                            expected.1.as_mut_ptr(),
                        ),
                    ]
                };
                assert_eq!(counts[0], counts[1], "{count} windows from {shift}");
                assert_eq!(found.0[..counts[0]], expected.0[..counts[0]], "{count} windows from {shift}");
                assert_eq!(
                    bits(&found.1[..counts[0]]),
                    bits(&expected.1[..counts[0]]),
                    "{count} windows from {shift}"
                );
            }
        }
    }

    #[test]
    fn the_same_windows_are_listed_on_each_path() {
        on_each_path(|| Lists);
    }

    struct Transposes;

    impl Kernel<f32> for Transposes {
        #[inline(always)]
        unsafe fn run<V: Vector<Element = f32>>(self) {
            for (rows, columns) in
                (1..=V::WIDTH).flat_map(|rows| (1..=V::WIDTH).map(move |columns| (rows, columns)))
            {
                for (row, column) in
                    [(columns, rows), (columns + 3, rows), (columns, rows + 1), (columns + 1, rows + 5)]
                {
                    let from = values((rows - 1) * row + columns);
                    let mut to = vec![UNTOUCHED; (columns - 1) * column + rows];
                    // SAFETY: the CPU has V's instructions (the caller's contract); both end with the last element of the matrix.
                    unsafe { V::transpose(rows, columns, from.as_ptr(), row, to.as_mut_ptr(), column) };
                    for (at, found) in to.into_iter().enumerate() {
                        let (j, i) = (at / column, at % column);
                        let expected = if i < rows { from[i * row + j] } else { UNTOUCHED };
                        assert_eq!(found.to_bits(), expected.to_bits(), "{rows} × {columns} at {i}, {j}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_transposed_matrix_has_all_elements_and_nothing_between_them_is_written_on_each_path() {
        on_each_path(|| Transposes);
    }
}
