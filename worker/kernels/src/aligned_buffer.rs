//! Memory that vectors are read from: aligned to cache lines.

use std::ops::{Deref, DerefMut};

/// A cache line, and the widest register.
const ALIGNMENT: usize = 64;

/// Zeros, the first of them at the start of a cache line: a register that is loaded from a multiple of its width then lies in
/// one line, not in two.
pub(crate) struct AlignedBuffer<T> {
    elements: Vec<T>,
    start: usize,
    length: usize,
}

impl<T: Copy + Default> AlignedBuffer<T> {
    pub(crate) fn zeros(length: usize) -> Self {
        let spare = ALIGNMENT / size_of::<T>();
        let elements = vec![T::default(); length + spare];
        let offset = elements.as_ptr().align_offset(ALIGNMENT);
        // Where an address can't be aligned (an interpreter may say so), unaligned memory serves as well.
        let start = if offset <= spare { offset } else { 0 };
        Self { elements, start, length }
    }
}

impl<T> Deref for AlignedBuffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.elements[self.start..][..self.length]
    }
}

impl<T> DerefMut for AlignedBuffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.elements[self.start..][..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_zeros_of_its_length_and_begins_with_a_cache_line() {
        for length in [0, 1, 7, 16, 1_000, 4_097] {
            let mut floats = AlignedBuffer::<f32>::zeros(length);
            assert!(floats.len() == length && floats.iter().all(|value| *value == 0.0));
            floats.iter_mut().enumerate().for_each(|(at, value)| *value = at as f32);
            assert!(floats.iter().enumerate().all(|(at, value)| *value == at as f32));
            if !cfg!(miri) {
                assert!(floats.as_ptr().addr().is_multiple_of(ALIGNMENT));
                assert!(AlignedBuffer::<f64>::zeros(length).as_ptr().addr().is_multiple_of(ALIGNMENT));
            }
        }
    }
}
