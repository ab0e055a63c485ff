//! A few floats in an array: the compiler puts it into whatever registers the target's base has.

use super::register::Vector;
use crate::element::Element;

/// `WIDTH` floats.
#[derive(Clone, Copy)]
pub(crate) struct Portable<T, const WIDTH: usize>([T; WIDTH]);

impl<T: Element, const WIDTH: usize> Vector for Portable<T, WIDTH> {
    type Element = T;
    const WIDTH: usize = WIDTH;
    const REGISTERS: usize = 16;
    const TILE_ROWS: usize = 4;
    const TILE_VECTORS: usize = 2;

    #[inline(always)]
    unsafe fn splat(value: T) -> Self {
        Self([value; WIDTH])
    }

    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: the trait's contract: `WIDTH` elements can be read, at any alignment.
        Self(unsafe { from.cast::<[T; WIDTH]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: the trait's contract: `WIDTH` elements can be written, at any alignment.
        unsafe { to.cast::<[T; WIDTH]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        let mut sum = self.0;
        for (sum, other) in sum.iter_mut().zip(other.0) {
            *sum += other;
        }
        Self(sum)
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
        let mut result = sum.0;
        for ((result, value), factor) in result.iter_mut().zip(self.0).zip(factor.0) {
            *result = value.multiply_add(factor, *result);
        }
        Self(result)
    }

    #[inline(always)]
    unsafe fn where_above_zero(self, result: Self) -> Self {
        let (zero, mut kept) = (T::default(), self.0);
        for (kept, result) in kept.iter_mut().zip(result.0) {
            *kept = if result <= zero { zero } else { *kept };
        }
        Self(kept)
    }
}
