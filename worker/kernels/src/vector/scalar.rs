//! Operations that have no instructions of their own on a code path: loops for the compiler.

use crate::element::Element;

/// A window's entry in an argmax (else 2 × row + column of its maximum) if ReLU made all of it zero: there is no gradient.
pub(crate) const NO_ARGMAX: u8 = 4;

/// Sums of squares that are taken beside one another.
pub(crate) const SQUARE_SUMS: usize = 16;

/// Σ x² in `f64` over each [`SQUARE_SUMS`]th element, of `groups` as many.
///
/// # Safety
/// So many elements are readable.
#[inline(always)]
pub(super) unsafe fn squares<T: Element>(from: *const T, groups: usize) -> [f64; SQUARE_SUMS] {
    let mut sums = [0.0; SQUARE_SUMS];
    for group in 0..groups {
        for (place, sum) in sums.iter_mut().enumerate() {
            // SAFETY: the caller's contract.
            let value = unsafe { *from.add(group * SQUARE_SUMS + place) }.to_f64();
            *sum += value * value;
        }
    }
    sums
}

/// # Safety
/// As for [`super::Vector::pool`].
#[inline(always)]
pub(super) unsafe fn pool<T: Element>(
    count: usize,
    top: *const T,
    bottom: *const T,
    pooled: *mut T,
    argmax: *mut u8,
) {
    for window in 0..count {
        // SAFETY: the caller's contract.
        unsafe {
            let (top, bottom) = (top.add(2 * window), bottom.add(2 * window));
            let (mut best, mut max_index) = (*top, 0);
            for (place, value) in [(1, *top.add(1)), (2, *bottom), (3, *bottom.add(1))] {
                let wins = value > best || value.is_nan();
                best = if wins { value } else { best };
                max_index = if wins { place } else { max_index };
            }
            let dead = best <= T::default();
            *pooled.add(window) = if dead { T::default() } else { best };
            *argmax.add(window) = if dead { NO_ARGMAX } else { max_index };
        }
    }
}

/// # Safety
/// As for [`super::Vector::compact`].
#[inline(always)]
pub(super) unsafe fn compact<T: Element>(
    count: usize,
    gradient: *const T,
    argmax: *const u8,
    corners: *const u32,
    offsets: &[u32; 4],
    indices: *mut u32,
    values: *mut T,
) -> usize {
    let mut listed = 0;
    for window in 0..count {
        // SAFETY: the caller's contract; at most `window` entries are listed before.
        unsafe {
            let (value, max_index) = (*gradient.add(window), *argmax.add(window));
            // Written always and kept if it counts: no branch to predict.
            *indices.add(listed) = *corners.add(window) + offsets[usize::from(max_index & 3)];
            *values.add(listed) = value;
            listed += usize::from(max_index != NO_ARGMAX && value != T::default());
        }
    }
    listed
}

/// # Safety
/// As for [`super::Vector::transpose`].
#[inline(always)]
pub(super) unsafe fn transpose<T: Element>(
    rows: usize,
    columns: usize,
    from: *const T,
    row: usize,
    to: *mut T,
    column: usize,
) {
    for j in 0..columns {
        for i in 0..rows {
            // SAFETY: the caller's contract.
            unsafe { *to.add(j * column + i) = *from.add(i * row + j) };
        }
    }
}
