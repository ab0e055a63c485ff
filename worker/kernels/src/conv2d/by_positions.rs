//! Results whose positions lie side by side in registers: a result's row is some whole registers, the last of which may reach back over
//! the one before.

use super::columns::row_width;
use super::correlation::{Correlation, Phase};
use super::shifted::shifted_tile;
use crate::partition;
use crate::tile::with_tile;
use crate::vector::Vector;

/// The registers of a channel of the result.
pub(super) struct PositionTiles {
    /// Where in a padded image the first tap of each register's first position lies.
    starts: Vec<usize>,
    /// The first position of each register.
    places: Vec<usize>,
}

impl PositionTiles {
    /// The registers of the results of a phase, which are all of them.
    pub(super) fn new<V: Vector>(c: &Correlation<V::Element>, phase: &Phase<V::Element>) -> Self {
        let [height, width] = c.result_sides;
        let mut places = Vec::with_capacity(height * width.div_ceil(V::WIDTH));
        for row in 0..height {
            places.extend((0..width).step_by(V::WIDTH).map(|x| row * width + x.min(width - V::WIDTH)));
        }
        Self { starts: places.iter().map(|place| phase.starts[*place]).collect(), places }
    }

    /// Writes the results of the images.
    ///
    /// # Safety
    /// The CPU has V's instructions.
    #[inline(always)]
    pub(super) unsafe fn fill<V: Vector>(
        &self,
        c: &Correlation<V::Element>,
        phase: &Phase<V::Element>,
        bias: Option<&[V::Element]>,
        source: &[V::Element],
        result: &mut [V::Element],
    ) {
        let (padded_image, plane) = (c.source.image(), c.result_plane());
        let [group_sources, group_results] = c.group_channels;
        let [channels, tap_rows, tap_columns] = phase.steps.counts;
        let steps = channels * tap_rows * tap_columns;
        let (before, behind) = phase.steps.reach();
        let tiles = self.starts.len().div_ceil(V::TILE_VECTORS);
        for (source, result) in source.chunks_exact(padded_image).zip(result.chunks_exact_mut(c.sizes[1])) {
            for tile in 0..tiles {
                let tile = partition::nth(self.starts.len(), tiles, tile);
                let (starts, places) = (&self.starts[tile.clone()], &self.places[tile]);
                for group in 0..c.groups {
                    let first = group * group_sources * c.source.plane;
                    for start in starts {
                        assert!(first + start >= before && first + start + behind + V::WIDTH <= source.len());
                    }
                    let factors = &phase.weight[group * steps * row_width(&c.blocks)..];
                    for block in &c.blocks {
                        let factors = &factors[block.start * steps..][..steps * block.width];
                        let channel = group * group_results + block.columns.start;
                        let result = &mut result[channel * plane..][..block.width * plane];
                        assert!(places.iter().all(|place| place + V::WIDTH <= plane));
                        let bias = bias.map(|bias| &bias[channel..]);
                        // SAFETY: the CPU has V's instructions (the caller's contract). All taps of each register are within the source,
                        // each register is within its channel of the result (asserted), and there are as many factors as steps.
                        unsafe {
                            with_tile!(V, block.width, starts.len(), |R, N| {
                                let from: [*const V::Element; N] = std::array::from_fn(|index| {
                                    source.as_ptr().wrapping_add(first + starts[index])
                                });
                                let to: [*mut V::Element; R] =
                                    std::array::from_fn(|row| result.as_mut_ptr().wrapping_add(row * plane));
                                let bias: [V::Element; R] = std::array::from_fn(|row| {
                                    bias.map_or(V::Element::default(), |bias| bias[row])
                                });
                                let places: [usize; N] = std::array::from_fn(|index| places[index]);
                                shifted_tile::<V, R, N>(
                                    factors.as_ptr(),
                                    phase.steps,
                                    &from,
                                    &bias,
                                    &to,
                                    &places,
                                );
                            });
                        }
                    }
                }
            }
        }
    }
}
