//! The gradient of a pooled output as what it is: sparse.
//!
//! Of each 2×2 window at most one sum receives a gradient, and none where ReLU made it zero. So of the dense gradient of a
//! convolution's outputs at least three quarters are zeros, and the backward pass walks over lists of the rest: a quarter of
//! the arithmetic.

use super::geometry::Geometry;
use super::pool::NO_ARGMAX;
use crate::element::Element;
use crate::vector::Vector;

/// Gradients that aren't zero, each with the position of its window (listed by output) or its output (listed by position).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Entries<'a, T> {
    pub(crate) indices: &'a [u32],
    pub(crate) values: &'a [T],
}

/// Lists of entries, one after another.
struct Lists<T> {
    indices: Vec<u32>,
    values: Vec<T>,
    ends: Vec<u32>,
}

impl<T: Element> Lists<T> {
    /// `spare` entries more than there may be, so that whole registers can be stored at the end.
    fn new(lists: usize, entries: usize, spare: usize) -> Self {
        Self {
            indices: vec![0; entries + spare],
            values: vec![T::default(); entries + spare],
            ends: vec![0; lists],
        }
    }

    #[inline(always)]
    fn get(&self, list: usize) -> Entries<'_, T> {
        let start = if list == 0 { 0 } else { self.ends[list - 1] as usize };
        let range = start..self.ends[list] as usize;
        Entries { indices: &self.indices[range.clone()], values: &self.values[range] }
    }
}

/// One image's gradient as lists.
pub(crate) struct SparseGradient<T> {
    geometry: Geometry,
    /// Position of the top left sum of each window.
    corners: Vec<u32>,
    /// The offset from there of each place in the window.
    offsets: [u32; 4],
    by_output: Lists<T>,
    /// Five lists a window: one for each place of its maximum, and one of gradients that don't count.
    by_position: Lists<T>,
}

/// Lists of a window in [`SparseGradient::by_position`].
const SLOTS: usize = NO_ARGMAX as usize + 1;

impl<T: Element> SparseGradient<T> {
    pub(crate) fn new(geometry: Geometry, vector_width: usize) -> Self {
        let (columns, pitch) = (geometry.width / 2, geometry.pitch() as u32);
        let corner = |window: usize| 2 * (window / columns) as u32 * pitch + 2 * (window % columns) as u32;
        Self {
            geometry,
            corners: (0..geometry.windows()).map(corner).collect(),
            offsets: [0, 1, pitch, pitch + 1],
            by_output: Lists::new(geometry.outputs, geometry.pooled(), vector_width),
            by_position: Lists::new(SLOTS * geometry.windows(), geometry.pooled(), 0),
        }
    }

    /// Lists one image's gradients by output, in the order of windows.
    ///
    /// # Safety
    /// The CPU has V's instructions.
    #[inline(always)]
    pub(crate) unsafe fn list_by_output<V: Vector<Element = T>>(&mut self, gradient: &[T], argmax: &[u8]) {
        let windows = self.geometry.windows();
        debug_assert!(gradient.len() == self.geometry.pooled() && argmax.len() == gradient.len());
        let Lists { indices, values, ends } = &mut self.by_output;
        let mut end = 0;
        for (output, output_end) in ends.iter_mut().enumerate() {
            let mut window = 0;
            while window < windows {
                let count = V::WIDTH.min(windows - window);
                let at = output * windows + window;
                // SAFETY: `count` windows follow from `window` in all three; the lists end with a register to spare beyond the
                // entries that there may be, and at most `at` have been listed before.
                end += unsafe {
                    V::compact(
                        count,
                        gradient.as_ptr().add(at),
                        argmax.as_ptr().add(at),
                        self.corners.as_ptr().add(window),
                        &self.offsets,
                        indices.as_mut_ptr().add(end),
                        values.as_mut_ptr().add(end),
                    )
                };
                window += count;
            }
            *output_end = end as u32;
        }
    }

    /// The gradients of one output, with the positions of their windows.
    #[inline(always)]
    pub(crate) fn of_output(&self, output: usize) -> Entries<'_, T> {
        self.by_output.get(output)
    }

    /// Lists one image's gradients by position, in the order of outputs: a counting sort without branches.
    #[inline(always)]
    pub(crate) fn list_by_position(&mut self, gradient: &[T], argmax: &[u8]) {
        let windows = self.geometry.windows();
        let Lists { indices, values, ends } = &mut self.by_position;
        let slot = |value: &T, max_index: &u8| {
            usize::from(if *value == T::default() { NO_ARGMAX } else { max_index & 7 })
        };
        ends.fill(0);
        for (gradient, argmax) in gradient.chunks_exact(windows).zip(argmax.chunks_exact(windows)) {
            for ((value, max_index), ends) in gradient.iter().zip(argmax).zip(ends.chunks_exact_mut(SLOTS)) {
                ends[slot(value, max_index)] += 1;
            }
        }
        let mut start = 0;
        for end in ends.iter_mut() {
            start += std::mem::replace(end, start);
        }
        for (output, (gradient, argmax)) in
            gradient.chunks_exact(windows).zip(argmax.chunks_exact(windows)).enumerate()
        {
            for ((value, max_index), ends) in gradient.iter().zip(argmax).zip(ends.chunks_exact_mut(SLOTS)) {
                let end = &mut ends[slot(value, max_index)];
                indices[*end as usize] = output as u32;
                values[*end as usize] = *value;
                *end += 1;
            }
        }
    }

    /// The gradients at a window's place `max_index`, with the position; none if there are none.
    #[inline(always)]
    pub(crate) fn at(&self, window: usize, max_index: usize) -> Option<(usize, Entries<'_, T>)> {
        let entries = self.by_position.get(SLOTS * window + max_index);
        if entries.indices.is_empty() {
            return None;
        }
        Some(((self.corners[window] + self.offsets[max_index]) as usize, entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::{Dispatch, Kernel};

    struct List<'a>(&'a mut SparseGradient<f32>, &'a [f32], &'a [u8]);

    impl Kernel<f32> for List<'_> {
        #[inline(always)]
        unsafe fn run<V: Vector<Element = f32>>(self) {
            // SAFETY: the caller's contract.
            unsafe { self.0.list_by_output::<V>(self.1, self.2) };
        }
    }

    #[test]
    fn both_orders_hold_each_gradient_that_counts_once() {
        // 5×4 pixels: 2×2 windows; two outputs. The pitch is 4 + 1.
        let geometry = Geometry { batch: 1, channels: 1, height: 5, width: 4, outputs: 2, kernel: 3 };
        let mut sparse = SparseGradient::new(geometry, 16);
        let gradient = [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0, 0.0, 8.0];
        let argmax = [0_u8, 1, 2, 3, 0, NO_ARGMAX, 1, 3];
        f32::dispatch(List(&mut sparse, &gradient, &argmax));
        sparse.list_by_position(&gradient, &argmax);
        assert_eq!(sparse.of_output(0), Entries { indices: &[0, 3, 15, 18], values: &[1.0, 2.0, 3.0, 4.0] });
        assert_eq!(sparse.of_output(1), Entries { indices: &[0, 18], values: &[5.0, 8.0] });
        let places = (0..4).flat_map(|window| (0..4).map(move |max_index| (window, max_index)));
        assert_eq!(
            places.filter_map(|(window, max_index)| sparse.at(window, max_index)).collect::<Vec<_>>(),
            [
                (0, Entries { indices: &[0, 1], values: &[1.0, 5.0] }),
                (3, Entries { indices: &[0], values: &[2.0] }),
                (15, Entries { indices: &[0], values: &[3.0] }),
                (18, Entries { indices: &[0, 1], values: &[4.0, 8.0] }),
            ]
        );
    }

    /// Every gradient that counts, as (output, position, value), by both orders of listing.
    #[test]
    fn both_orders_hold_the_same_gradients_of_images_of_any_size_on_each_path() {
        let mut state = 1_u64;
        let mut draw = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for (height, width, outputs, kernel) in
            [(2, 2, 1, 1), (5, 9, 3, 3), (8, 14, 4, 5), (6, 35, 2, 3), (16, 16, 19, 3)]
        {
            let g = Geometry { batch: 1, channels: 1, height, width, outputs, kernel };
            let gradient: Vec<f32> = (0..g.pooled()).map(|_| draw(4) as f32 - 1.0).collect();
            let argmax: Vec<u8> = (0..g.pooled()).map(|_| draw(5) as u8).collect();
            let mut expected = Vec::new();
            for (at, (value, max_index)) in gradient.iter().zip(&argmax).enumerate() {
                if *value != 0.0 && *max_index != NO_ARGMAX {
                    let (output, window) = (at / g.windows(), at % g.windows());
                    let row = 2 * (window / (width / 2)) + usize::from(max_index / 2);
                    let column = 2 * (window % (width / 2)) + usize::from(max_index % 2);
                    expected.push((output, row * g.pitch() + column, value.to_bits()));
                }
            }
            for path in crate::code_path::CodePath::ALL {
                crate::vector::on_path(path, || {
                    let mut sparse = SparseGradient::new(g, f32::registers().width);
                    f32::dispatch(List(&mut sparse, &gradient, &argmax));
                    let by_output: Vec<_> = (0..outputs)
                        .flat_map(|output| {
                            let Entries { indices, values } = sparse.of_output(output);
                            let entry =
                                move |(at, value): (&u32, &f32)| (output, *at as usize, value.to_bits());
                            indices.iter().zip(values).map(entry).collect::<Vec<_>>()
                        })
                        .collect();
                    assert_eq!(by_output, expected, "{g:?} on {}", path.name());
                    sparse.list_by_position(&gradient, &argmax);
                    let mut by_position = Vec::new();
                    for (window, max_index) in
                        (0..g.windows()).flat_map(|window| (0..4).map(move |at| (window, at)))
                    {
                        let Some((position, Entries { indices, values })) = sparse.at(window, max_index)
                        else {
                            continue;
                        };
                        assert!(indices.is_sorted(), "in the order of outputs");
                        let entries = indices.iter().zip(values);
                        by_position.extend(
                            entries.map(|(output, value)| (*output as usize, position, value.to_bits())),
                        );
                    }
                    by_position.sort_unstable();
                    let mut sorted = expected.clone();
                    sorted.sort_unstable();
                    assert_eq!(by_position, sorted, "{g:?} on {}", path.name());
                });
            }
        }
    }
}
