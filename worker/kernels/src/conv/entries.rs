//! The gradient of a pooled output as what it is: sparse.
//!
//! Of each 2×2 window at most one sum receives a gradient, and none where ReLU made it zero. So of the dense gradient of a
//! convolution's outputs at least three quarters are zeros, and the backward pass walks over lists of the rest: a quarter of
//! the arithmetic.

use super::geometry::Geometry;
use super::pool::NONE;
use crate::element::Element;

/// A gradient that isn't zero, with the position of its window (listed by output) or its output (listed by position).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Entry<T> {
    pub(crate) index: u32,
    pub(crate) value: T,
}

/// One image's entries, in two orders.
pub(crate) struct Entries<T> {
    geometry: Geometry,
    /// Position of the top left sum of each window.
    corners: Vec<u32>,
    /// What a winner adds to it.
    offsets: [u32; 4],
    by_output: Vec<Entry<T>>,
    output_ends: Vec<usize>,
    by_position: Vec<Entry<T>>,
    /// For each window and winner, after [`Entries::sort_by_position`]: the end of its entries.
    ends: Vec<u32>,
}

impl<T: Element> Entries<T> {
    pub(crate) fn new(geometry: Geometry) -> Self {
        let (columns, pitch) = (geometry.width / 2, geometry.pitch() as u32);
        let corner = |window: usize| 2 * (window / columns) as u32 * pitch + 2 * (window % columns) as u32;
        Self {
            geometry,
            corners: (0..geometry.windows()).map(corner).collect(),
            offsets: [0, 1, pitch, pitch + 1],
            by_output: vec![Entry::default(); geometry.pooled()],
            output_ends: vec![0; geometry.outputs],
            by_position: vec![Entry::default(); geometry.pooled()],
            ends: vec![0; geometry.windows() * 4],
        }
    }

    /// Lists one image's gradients by output, in the order of windows.
    #[inline(always)]
    pub(crate) fn list_by_output(&mut self, gradient: &[T], winners: &[u8]) {
        let windows = self.geometry.windows();
        let mut end = 0;
        let planes = gradient.chunks_exact(windows).zip(winners.chunks_exact(windows));
        for ((gradient, winners), output_end) in planes.zip(&mut self.output_ends) {
            for ((value, winner), corner) in gradient.iter().zip(winners).zip(&self.corners) {
                // Written always and kept if it counts: no branch to predict.
                self.by_output[end] =
                    Entry { index: corner + self.offsets[usize::from(winner & 3)], value: *value };
                end += usize::from(*winner != NONE && *value != T::default());
            }
            *output_end = end;
        }
    }

    /// The gradients of one output, with the positions of their windows.
    #[inline(always)]
    pub(crate) fn of_output(&self, output: usize) -> &[Entry<T>] {
        let start = if output == 0 { 0 } else { self.output_ends[output - 1] };
        &self.by_output[start..self.output_ends[output]]
    }

    /// Lists one image's gradients by position, in the order of outputs: a counting sort.
    #[inline(always)]
    pub(crate) fn list_by_position(&mut self, gradient: &[T], winners: &[u8]) {
        let windows = self.geometry.windows();
        self.ends.fill(0);
        let counts = |value: &T, winner: &u8| usize::from(*winner != NONE && *value != T::default());
        for (gradient, winners) in gradient.chunks_exact(windows).zip(winners.chunks_exact(windows)) {
            for ((value, winner), ends) in gradient.iter().zip(winners).zip(self.ends.chunks_exact_mut(4)) {
                ends[usize::from(winner & 3)] += counts(value, winner) as u32;
            }
        }
        let mut start = 0;
        for end in &mut self.ends {
            start += std::mem::replace(end, start);
        }
        for (output, (gradient, winners)) in
            gradient.chunks_exact(windows).zip(winners.chunks_exact(windows)).enumerate()
        {
            for ((value, winner), ends) in gradient.iter().zip(winners).zip(self.ends.chunks_exact_mut(4)) {
                if counts(value, winner) == 1 {
                    let end = &mut ends[usize::from(winner & 3)];
                    self.by_position[*end as usize] = Entry { index: output as u32, value: *value };
                    *end += 1;
                }
            }
        }
    }

    /// The positions that have gradients, each with them.
    #[inline(always)]
    pub(crate) fn positions(&self) -> impl Iterator<Item = (usize, &[Entry<T>])> {
        let mut start = 0;
        self.ends.iter().enumerate().filter_map(move |(slot, end)| {
            let entries = &self.by_position[start..*end as usize];
            start = *end as usize;
            let position = self.corners[slot / 4] + self.offsets[slot % 4];
            (!entries.is_empty()).then_some((position as usize, entries))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_orders_hold_each_gradient_that_counts_once() {
        // 5×4 pixels: 2×2 windows; two outputs. The pitch is 4 + 1.
        let geometry = Geometry { batch: 1, channels: 1, height: 5, width: 4, outputs: 2, kernel: 3 };
        let mut entries = Entries::new(geometry);
        let gradient = [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0, 0.0, 8.0];
        let winners = [0_u8, 1, 2, 3, 0, NONE, 1, 3];
        entries.list_by_output(&gradient, &winners);
        entries.list_by_position(&gradient, &winners);
        let entry = |index, value| Entry { index, value };
        assert_eq!(entries.of_output(0), [entry(0, 1.0), entry(3, 2.0), entry(15, 3.0), entry(18, 4.0)]);
        assert_eq!(entries.of_output(1), [entry(0, 5.0), entry(18, 8.0)]);
        let listed: Vec<_> =
            entries.positions().map(|(position, entries)| (position, entries.to_vec())).collect();
        assert_eq!(
            listed,
            [
                (0, vec![entry(0, 1.0), entry(1, 5.0)]),
                (3, vec![entry(0, 2.0)]),
                (15, vec![entry(0, 3.0)]),
                (18, vec![entry(0, 4.0), entry(1, 8.0)]),
            ]
        );
    }
}
