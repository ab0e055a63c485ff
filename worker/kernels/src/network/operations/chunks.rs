//! Loops over elements, on all threads where there are enough of them.

use rayon::prelude::*;

/// Elements that one thread takes at a time.
pub(super) const CHUNK: usize = 1 << 14;
/// Below so many elements the work is done on the thread where it is: handing it out would take longer.
pub(super) const PARALLEL_FROM: usize = 1 << 16;

/// Runs `work` over parts of both slices, which have one length. What it does to an element must not depend on the part.
pub(in crate::network) fn for_each_two<T: Send + Sync>(
    first: &mut [T],
    second: &[T],
    work: impl Fn(&mut [T], &[T]) + Sync,
) {
    if first.len() < PARALLEL_FROM {
        return work(first, second);
    }
    first.par_chunks_mut(CHUNK).zip(second.par_chunks(CHUNK)).for_each(|(first, second)| work(first, second));
}

/// [`for_each_two`] over three slices.
pub(super) fn for_each_three<T: Send + Sync>(
    first: &mut [T],
    second: &[T],
    third: &[T],
    work: impl Fn(&mut [T], &[T], &[T]) + Sync,
) {
    if first.len() < PARALLEL_FROM {
        return work(first, second, third);
    }
    let others = second.par_chunks(CHUNK).zip(third.par_chunks(CHUNK));
    first.par_chunks_mut(CHUNK).zip(others).for_each(|(first, (second, third))| work(first, second, third));
}

/// Runs `work` over groups of the items of a slice, `size` elements each, with the number of a group's first item.
pub(super) fn for_each_group<T: Send>(
    elements: &mut [T],
    size: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) {
    if elements.len() < PARALLEL_FROM {
        return work(0, elements);
    }
    let items = (CHUNK / size).max(1);
    elements
        .par_chunks_mut(items * size)
        .enumerate()
        .for_each(|(group, elements)| work(group * items, elements));
}
