//! Each path's operations on registers against the plain loops.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::scalar;
use super::*;
use crate::code_path::{CodePath, force_code_path};
use crate::element::Element;

/// The code path belongs to the process: tests that choose one, or whose operations must not see it change, take turns.
static TURN: Mutex<()> = Mutex::new(());

/// The right to compute on the fastest code path, which no other test changes meanwhile.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `work` on a code path, if this machine has it; then the fastest is in use again.
pub(crate) fn on_path(path: CodePath, work: impl FnOnce()) {
    let _turn = turn();
    if force_code_path(path) {
        work();
    }
    assert!(CodePath::ALL.into_iter().find(|path| path.is_available()).is_some_and(force_code_path));
}

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

/// The same with the registers of double precision.
fn on_each_path_in_double<K: Kernel<f64>>(kernel: impl Fn() -> K) {
    // SAFETY: as above.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        {
            if CodePath::Avx512.is_available() {
                avx512_double::run(kernel());
            }
            if CodePath::Avx2.is_available() {
                avx2_double::run(kernel());
            }
        }
        kernel().run::<Portable<f64, 2>>();
    }
}

/// Numbers as they may be in memory: numbers in no order, ties, zeros of both signs, infinities and NaN.
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

struct TransposesWhole;

impl Kernel<f32> for TransposesWhole {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = f32>>(self) {
        for (rows, columns) in [(1, 40), (40, 1), (17, 9), (33, 35), (8, 64), (3, 32), (31, 3)] {
            let from = values(rows * columns);
            let mut to = vec![UNTOUCHED; rows * columns];
            // SAFETY: the CPU has V's instructions (the caller's contract); both hold the whole matrix.
            unsafe { transpose::<V>((rows, columns), from.as_ptr(), columns, to.as_mut_ptr(), rows) };
            for (at, found) in to.into_iter().enumerate() {
                let expected = from[at % rows * columns + at / rows];
                assert_eq!(found.to_bits(), expected.to_bits(), "{rows} × {columns}");
            }
        }
    }
}

#[test]
fn a_matrix_of_any_size_is_transposed_register_by_register_on_each_path() {
    on_each_path(|| TransposesWhole);
}

struct Arithmetic;

impl Kernel<f32> for Arithmetic {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = f32>>(self) {
        let (a, b, c) = (values(V::WIDTH), values(V::WIDTH + 3), values(V::WIDTH + 7));
        let mut out = vec![0.0; V::WIDTH];
        // SAFETY: the CPU has V's instructions (the caller's contract); all have a register's elements.
        unsafe {
            let [a_, b_, c_] = [a.as_ptr(), b.as_ptr().add(3), c.as_ptr().add(7)].map(|from| V::load(from));
            a_.add(b_).store(out.as_mut_ptr());
            for (lane, out) in out.iter().enumerate() {
                let expected = a[lane] + b[lane + 3];
                assert!(out.to_bits() == expected.to_bits() || out.is_nan() && expected.is_nan());
            }
            a_.mul_add(b_, c_).store(out.as_mut_ptr());
            for (lane, out) in out.iter().enumerate() {
                let expected = crate::fma::multiply_add(a[lane], b[lane + 3], c[lane + 7]);
                assert!(out.to_bits() == expected.to_bits() || out.is_nan() && expected.is_nan());
            }
            V::splat(-0.0).store(out.as_mut_ptr());
            assert!(out.iter().all(|value| value.to_bits() == (-0.0_f32).to_bits()));
        }
    }
}

#[test]
fn sums_and_fused_products_are_those_of_single_floats_on_each_path() {
    on_each_path(|| Arithmetic);
}

struct ArithmeticInDouble;

impl Kernel<f64> for ArithmeticInDouble {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = f64>>(self) {
        // Thirds: products and sums that are rounded once and twice differ.
        let thirds = |count: usize| values(count).into_iter().map(|value| f64::from(value) / 3.0);
        let (a, b, c): (Vec<f64>, Vec<f64>, Vec<f64>) =
            (thirds(V::WIDTH).collect(), thirds(V::WIDTH + 3).collect(), thirds(V::WIDTH + 7).collect());
        let mut out = vec![0.0; V::WIDTH];
        let same = |found: f64, expected: f64| {
            found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan()
        };
        // SAFETY: the CPU has V's instructions (the caller's contract); all have a register's elements.
        unsafe {
            let [a_, b_, c_] = [a.as_ptr(), b.as_ptr().add(3), c.as_ptr().add(7)].map(|from| V::load(from));
            a_.add(b_).store(out.as_mut_ptr());
            for (lane, out) in out.iter().enumerate() {
                assert!(same(*out, a[lane] + b[lane + 3]));
            }
            a_.mul_add(b_, c_).store(out.as_mut_ptr());
            for (lane, out) in out.iter().enumerate() {
                let product = a[lane] * b[lane + 3];
                assert!(same(*out, product + c[lane + 7]));
            }
            V::splat(-0.0).store(out.as_mut_ptr());
            assert!(out.iter().all(|value| value.to_bits() == (-0.0_f64).to_bits()));
        }
    }
}

#[test]
fn sums_and_products_in_double_precision_are_each_rounded_on_each_path() {
    on_each_path_in_double(|| ArithmeticInDouble);
}

/// What ReLU leaves, and sums of squares.
struct ReluAndSquares;

impl<T: Element> Kernel<T> for ReluAndSquares {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let of = |count: usize| values(count).into_iter().map(|value| T::from_f64(f64::from(value) / 3.0));
        // Every value meets every other one, in every place of a register.
        for shift in 0..23 {
            let (gradient, result): (Vec<T>, Vec<T>) =
                (of(V::WIDTH).collect(), of(V::WIDTH + shift).skip(shift).collect());
            let mut out = vec![T::from_f64(1.0); V::WIDTH];
            // SAFETY: the CPU has V's instructions (the caller's contract); all have a register's elements.
            unsafe {
                let result = V::load(result.as_ptr());
                V::load(gradient.as_ptr()).where_above_zero(result).store(out.as_mut_ptr());
            }
            for ((out, gradient), result) in out.iter().zip(&gradient).zip(&result) {
                let expected = if result.to_f64() <= 0.0 { 0.0 } else { gradient.to_f64() };
                assert!(out.to_f64().to_bits() == expected.to_bits() || expected.is_nan());
                assert_eq!(out.to_f64().is_nan(), expected.is_nan());
            }
        }
        // Sums of many sizes, so that each addition is rounded; a NaN is one in any order.
        for groups in [0, 1, 2, 9, 100] {
            let elements: Vec<T> = (0..groups * SQUARE_SUMS)
                .map(|place| T::from_f64(f64::from(1_u32 << (place % 31)) / (place as f64 - 70.3)))
                .collect();
            // SAFETY: the CPU has V's instructions (the caller's contract); there are so many groups.
            let (found, expected) = unsafe {
                (V::squares(elements.as_ptr(), groups), scalar::squares(elements.as_ptr(), groups))
            };
            assert_eq!(found.map(f64::to_bits), expected.map(f64::to_bits), "{groups} groups");
        }
    }
}

#[test]
fn relu_and_sums_of_squares_are_those_of_single_floats_on_each_path() {
    on_each_path(|| ReluAndSquares);
    on_each_path_in_double(|| ReluAndSquares);
}

#[test]
fn a_paths_registers_hold_its_largest_tile_and_what_it_reads() {
    fn check<V: Vector>() {
        let tile = V::TILE_ROWS * V::TILE_VECTORS;
        assert!(tile + V::TILE_VECTORS < V::REGISTERS, "{tile} sums of {} registers", V::REGISTERS);
        assert!(16_usize.is_multiple_of(V::WIDTH), "the widest register is some whole ones");
    }
    #[cfg(target_arch = "x86_64")]
    {
        check::<avx512::Avx512>();
        check::<avx2::Avx2>();
        check::<avx512_double::Avx512Double>();
        check::<avx2_double::Avx2Double>();
    }
    check::<Portable<f32, 4>>();
    check::<Portable<f64, 2>>();
}
