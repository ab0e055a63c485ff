//! Results whose channels lie side by side in registers.

use std::ops::Range;

use super::columns::{ColumnBlock, POSITIONS, row_width};
use super::correlation::{Correlation, Phase};
use super::gathered::{Steps, gathered_tile, tile_rows, with_gathered_tile};
use crate::aligned_buffer::AlignedBuffer;
use crate::element::Element;
use crate::partition;
use crate::vector::{Vector, transpose};

/// Elements of packed weights that are read again and again: they fit the first cache.
const PANEL_ELEMENTS: usize = 6 << 10;

/// Some channels of the results of a phase.
pub(super) struct Part<'a, T> {
    pub(super) phase: &'a Phase<T>,
    pub(super) group: usize,
    pub(super) block: &'a ColumnBlock,
    pub(super) bias: Option<&'a [T]>,
    pub(super) relu: bool,
}

/// Memory for the sums of some positions.
pub(super) struct ChannelTiles<T> {
    /// `[position, column]`.
    sums: AlignedBuffer<T>,
    starts: [usize; POSITIONS],
}

impl<T: Element> ChannelTiles<T> {
    /// Memory for blocks of at most so many columns.
    pub(super) fn new(widest: usize) -> Self {
        Self { sums: AlignedBuffer::zeros(POSITIONS * widest), starts: [0; POSITIONS] }
    }

    /// Writes a part of the results of the images.
    ///
    /// # Safety
    /// The CPU has V's instructions.
    #[inline(always)]
    pub(super) unsafe fn fill<V: Vector<Element = T>>(
        &mut self,
        c: &Correlation<T>,
        part: &Part<'_, T>,
        source: &[T],
        result: &mut [T],
    ) {
        let Part { phase, group, block, bias, relu } = part;
        let plane = c.result_plane();
        let (padded_image, places) = (c.source.image(), phase.starts.len());
        let [group_sources, group_results] = c.group_channels;
        let width = block.width;
        let [_, tap_rows, tap_columns] = phase.steps.counts;
        let taps = tap_rows * tap_columns;
        let weights = row_width(&c.blocks) * group * group_sources * taps;
        let weight =
            &phase.weight[weights + block.start * group_sources * taps..][..group_sources * taps * width];
        let mut initial = [T::default(); 6 * 16];
        if let Some(bias) = bias {
            initial[..block.columns.len()]
                .copy_from_slice(&bias[group * group_results..][block.columns.clone()]);
        }
        let (before, behind) = phase.steps.reach();
        let results = source.len() / padded_image * places;
        let passes = results.div_ceil(POSITIONS);
        for pass in 0..passes {
            let Range { start: first, end } = partition::nth(results, passes, pass);
            let count = end - first;
            let (mut image, mut place) = (first / places, first % places);
            for start in &mut self.starts[..count] {
                *start = image * padded_image + group * group_sources * c.source.plane + phase.starts[place];
                assert!(*start >= before && *start + behind < source.len());
                place += 1;
                if place == places {
                    (image, place) = (image + 1, 0);
                }
            }
            let panel = (PANEL_ELEMENTS / (taps * width).max(1)).clamp(1, group_sources);
            for channel in (0..group_sources).step_by(panel) {
                let channels = panel.min(group_sources - channel);
                let counts = [channels, tap_rows, tap_columns];
                let steps = Steps { counts, strides: phase.steps.strides };
                let b = weight[channel * taps * width..].as_ptr();
                let from = source[channel * c.source.plane..].as_ptr();
                let tiles = count.div_ceil(tile_rows::<V>(width / V::WIDTH));
                for tile in 0..tiles {
                    let rows = partition::nth(count, tiles, tile);
                    let starts = &self.starts[rows.clone()];
                    let to = self.sums[rows.start * width..].as_mut_ptr();
                    // SAFETY: the CPU has V's instructions (the caller's contract). All taps of each start are within the
                    // source (asserted), there are as many weights as steps, each `width` wide, and so are the sums of each row.
                    unsafe {
                        with_gathered_tile!(V, starts.len(), width / V::WIDTH, |R, N| {
                            let rows: [*const T; R] =
                                std::array::from_fn(|row| from.wrapping_add(starts[row]));
                            let to: [*mut T; R] = std::array::from_fn(|row| to.wrapping_add(row * width));
                            let begun = if channel == 0 {
                                [initial.as_ptr(); R]
                            } else {
                                to.map(<*mut T>::cast_const)
                            };
                            gathered_tile::<V, R, N>(&rows, steps, b, begun, to);
                        });
                    }
                }
            }
            if *relu {
                for sum in &mut self.sums[..count * width] {
                    *sum = if *sum <= T::default() { T::default() } else { *sum };
                }
            }
            let channel = group * group_results + block.columns.start;
            let mut at = 0;
            while at < count {
                let (image, place) = ((first + at) / places, (first + at) % places);
                let run = (places - place).min(count - at);
                let sums = &self.sums[at * width..(at + run) * width];
                let result =
                    &mut result[image * c.sizes[1] + channel * plane..][..block.columns.len() * plane];
                match &phase.pixels {
                    None => {
                        assert!(place + run <= plane);
                        // SAFETY: the CPU has V's instructions (the caller's contract); `run` rows of as many sums as there are columns
                        // go to as many planes, of which `run` elements follow from `place`.
                        unsafe {
                            let to = result.as_mut_ptr().add(place);
                            transpose::<V>((run, block.columns.len()), sums.as_ptr(), width, to, plane);
                        }
                    }
                    Some(pixels) => {
                        let pixels = &pixels[place..place + run];
                        for (lane, result) in result.chunks_exact_mut(plane).enumerate() {
                            for (pixel, sums) in pixels.iter().zip(sums.chunks_exact(width)) {
                                result[*pixel] = sums[lane];
                            }
                        }
                    }
                }
                at += run;
            }
        }
    }
}
