//! Norms over many tensors.

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use crate::element::{Element, Elements, with_float};

/// Elements summed on one thread; a constant, so that the order of the sum is one.
const CHUNK: usize = 1 << 15;
const LANES: usize = 16;

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

fn squares<T: Element>(elements: &[T]) -> f64 {
    if elements.len() <= CHUNK {
        return squares_of_chunk(elements);
    }
    let partial: Vec<f64> = elements.par_chunks(CHUNK).map(squares_of_chunk).collect();
    partial.into_iter().sum()
}

/// Adds into separate lanes, so that the compiler may keep them in a vector register without reordering the sum.
fn squares_of_chunk<T: Element>(chunk: &[T]) -> f64 {
    let mut lanes = [0.0; LANES];
    let whole = chunk.chunks_exact(LANES);
    let rest = whole.remainder().iter().map(|element| element.to_f64());
    let rest: f64 = rest.map(|value| value * value).sum();
    for elements in whole {
        for (lane, element) in lanes.iter_mut().zip(elements) {
            let value = element.to_f64();
            *lane += value * value;
        }
    }
    lanes.into_iter().sum::<f64>() + rest
}
