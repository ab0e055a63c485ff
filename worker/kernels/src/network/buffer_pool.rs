//! Memory for gradients, which live only until the operation before has taken them.

use std::ops::{Deref, DerefMut};

/// Buffers that are free.
#[derive(Debug, Default)]
pub(super) struct BufferPool<T> {
    free: Vec<Vec<T>>,
}

/// The beginning of a piece of memory. The rest keeps what it has, so that nothing is written to make a buffer longer again.
#[derive(Debug)]
pub(super) struct Buffer<T> {
    elements: Vec<T>,
    length: usize,
}

impl<T: Copy + Default> BufferPool<T> {
    /// A buffer of this length, with anything in it: the smallest free one that is large enough, else a new one. Whoever takes it writes
    /// all of it.
    pub(super) fn take(&mut self, length: usize) -> Buffer<T> {
        let fitting = self.free.iter().enumerate().filter(|(_, elements)| elements.len() >= length);
        let smallest = fitting.min_by_key(|(_, elements)| elements.len()).map(|(index, _)| index);
        let elements = match smallest {
            Some(index) => self.free.swap_remove(index),
            None => vec![T::default(); length],
        };
        Buffer { elements, length }
    }

    /// Takes a buffer back.
    pub(super) fn give(&mut self, buffer: Buffer<T>) {
        self.free.push(buffer.elements);
    }
}

impl<T> Buffer<T> {
    /// Its elements, for good.
    pub(super) fn into_vec(mut self) -> Vec<T> {
        self.elements.truncate(self.length);
        self.elements
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.elements[..self.length]
    }
}

impl<T> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.elements[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_free_buffer_that_is_large_enough_is_taken() {
        let mut pool = BufferPool::default();
        for length in [100, 10, 50] {
            pool.give(Buffer { elements: vec![1.0_f32; length], length });
        }
        let taken = pool.take(20);
        assert_eq!((taken.len(), taken.elements.len()), (20, 50));
        assert_eq!(pool.take(20).elements.len(), 100);
        assert_eq!(pool.take(20).elements.len(), 20, "a new one");
    }

    #[test]
    fn a_buffer_that_was_given_back_shorter_is_as_long_as_before() {
        let mut pool = BufferPool::default();
        let mut long = pool.take(3);
        long.copy_from_slice(&[1.0_f32, 2.0, 3.0]);
        pool.give(long);
        let short = pool.take(1);
        assert_eq!(*short, [1.0]);
        pool.give(short);
        assert_eq!(pool.take(3).into_vec(), [1.0, 2.0, 3.0], "nothing was written over");
        pool.give(Buffer { elements: vec![7.0; 4], length: 4 });
        assert_eq!(pool.take(2).into_vec(), [7.0, 7.0]);
    }
}
