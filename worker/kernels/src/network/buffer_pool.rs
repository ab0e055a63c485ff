//! Memory for gradients, which live only until the operation before has taken them.

/// Buffers that are free.
#[derive(Debug, Default)]
pub(super) struct BufferPool<T> {
    free: Vec<Vec<T>>,
}

impl<T: Copy + Default> BufferPool<T> {
    /// A buffer of this length, with anything in it: the smallest free one that is large enough, else a larger or a new one.
    pub(super) fn take(&mut self, length: usize) -> Vec<T> {
        let fits = |buffer: &Vec<T>| buffer.capacity() >= length;
        let smallest = self.free.iter().enumerate().filter(|(_, buffer)| fits(buffer));
        let smallest = smallest.min_by_key(|(_, buffer)| buffer.capacity()).map(|(index, _)| index);
        let mut buffer = match smallest {
            Some(index) => self.free.swap_remove(index),
            None => Vec::with_capacity(length),
        };
        // What is there already is kept as it is: whoever takes a buffer writes all of it.
        buffer.resize(length, T::default());
        buffer
    }

    /// Takes a buffer back.
    pub(super) fn give(&mut self, buffer: Vec<T>) {
        self.free.push(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_free_buffer_that_is_large_enough_is_taken() {
        let mut pool = BufferPool::default();
        for length in [100, 10, 50] {
            let buffer: Vec<f32> = Vec::with_capacity(length);
            pool.give(buffer);
        }
        let taken = pool.take(20);
        assert_eq!((taken.len(), taken.capacity()), (20, 50));
        assert_eq!(pool.take(20).capacity(), 100);
        assert_eq!(pool.take(20).len(), 20, "a new one");
    }
}
