//! Norms over many tensors.

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use crate::element::{Element, Elements, with_float};
use crate::vector::{Dispatch, Kernel, SQUARE_SUMS, Vector};

/// Elements summed on one thread; a constant, so that the order of the sum is one.
const CHUNK: usize = 1 << 15;

/// ‖·‖₂² over all elements of all tensors, in `f64`, added in an order that depends on the shapes alone.
pub fn squared_norm<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) -> Result<f64> {
    let mut sum = 0.0;
    for tensor in tensors {
        let tensor = tensor.contiguous()?;
        let elements = Elements::of(&tensor);
        sum += with_float!(tensor.dtype(), "squared_norm", T => Ok(squares::<T>(elements.as_slice()?)))?;
    }
    Ok(sum)
}

/// ‖·‖₂² over all elements of a slice, as [`squared_norm`] adds them.
pub fn squared_norm_of(elements: &[f32]) -> f64 {
    squares(elements)
}

/// ‖·‖₂² over all elements of a slice, as [`squared_norm`] adds them.
pub(crate) fn squares<T: Dispatch>(elements: &[T]) -> f64 {
    if elements.len() <= CHUNK {
        return squares_of_chunk(elements);
    }
    let partial: Vec<f64> = elements.par_chunks(CHUNK).map(squares_of_chunk).collect();
    partial.into_iter().sum()
}

fn squares_of_chunk<T: Dispatch>(elements: &[T]) -> f64 {
    let mut sum = 0.0;
    T::dispatch(Squares { elements, sum: &mut sum });
    sum
}

struct Squares<'a, T> {
    elements: &'a [T],
    sum: &'a mut f64,
}

impl<T: Element> Kernel<T> for Squares<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let (groups, rest) = self.elements.as_chunks::<SQUARE_SUMS>();
        // SAFETY: the CPU has V's instructions (the caller's contract); all of the groups are readable.
        let sums = unsafe { V::squares(groups.as_ptr().cast(), groups.len()) };
        // Loops and no folds: a closure would not be compiled for the path.
        let mut of_rest = 0.0;
        for element in rest {
            let value = element.to_f64();
            of_rest += value * value;
        }
        let mut total = 0.0;
        for sum in sums {
            total += sum;
        }
        *self.sum = total + of_rest;
    }
}
