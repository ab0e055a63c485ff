//! The layout of the backward pass: blocks of channels, in each block the channels of a position side by side.
//!
//! In such a block the kernel's reach is, for each of its rows, one run of `kernel × channels` elements in memory: a gradient
//! of one output is a few registers, multiplied and added without any rearrangement. The channels of a block are the same on every
//! path, since the order of sums follows from them; gaps and registers are the path's own.

use std::ops::Range;

use super::geometry::Geometry;
use crate::vector::{Vector, transpose};

/// Channels of a block: as many as the widest register has floats.
pub(crate) const BLOCK_CHANNELS: usize = 16;

/// One block of channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChannelBlock {
    /// The channels in it.
    pub(crate) channels: Range<usize>,
    /// Elements from one position to the next; more than there are channels where that makes registers whole.
    pub(crate) stride: usize,
    /// Elements of one kernel row's run, gaps left out: a number of the shape's, not of the path's.
    pub(crate) elements: usize,
    /// Registers that the run takes.
    pub(crate) columns: usize,
    /// Where the block's images and weights start among all blocks'.
    pub(crate) image_start: usize,
    pub(crate) weight_start: usize,
}

/// All blocks of a convolution, for registers of `width` elements.
#[derive(Debug, Clone)]
pub(crate) struct BlockedLayout {
    geometry: Geometry,
    width: usize,
    pub(crate) blocks: Vec<ChannelBlock>,
    /// Elements of one image in all blocks.
    pub(crate) image_elements: usize,
    /// Elements of the weight in all blocks.
    pub(crate) weight_elements: usize,
}

impl BlockedLayout {
    pub(crate) fn new(geometry: Geometry, width: usize) -> Self {
        let (mut image_elements, mut weight_elements) = (0, 0);
        let mut blocks = Vec::with_capacity(geometry.channels.div_ceil(BLOCK_CHANNELS));
        for start in (0..geometry.channels).step_by(BLOCK_CHANNELS) {
            let channels = start..geometry.channels.min(start + BLOCK_CHANNELS);
            let whole = channels.len().next_multiple_of(width);
            let columns = (geometry.kernel * channels.len()).div_ceil(width);
            let stride = if geometry.kernel * whole == columns * width { whole } else { channels.len() };
            blocks.push(ChannelBlock {
                elements: geometry.kernel * channels.len(),
                channels,
                stride,
                columns,
                image_start: image_elements,
                weight_start: weight_elements,
            });
            // The last run of the last position may reach beyond it by less than one register.
            image_elements += geometry.positions() * stride + width;
            weight_elements += geometry.outputs * geometry.kernel * columns * width;
        }
        Self { geometry, width, blocks, image_elements, weight_elements }
    }

    /// Whether the blocks were made for these registers.
    pub(crate) const fn is_for<V: Vector>(&self) -> bool {
        self.width == V::WIDTH
    }

    /// Elements of one image in the block.
    pub(crate) fn image_range(&self, block: &ChannelBlock) -> Range<usize> {
        block.image_start..block.image_start + self.geometry.positions() * block.stride + self.width
    }

    /// Elements of the weight in the block.
    pub(crate) fn weight_range(&self, block: &ChannelBlock) -> Range<usize> {
        let g = &self.geometry;
        block.weight_start..block.weight_start + g.outputs * g.kernel * block.columns * self.width
    }

    /// From `[channel, y, x]` into blocks whose margins are zero already.
    ///
    /// # Safety
    /// The CPU has V's instructions.
    #[inline(always)]
    pub(crate) unsafe fn pack_image<V: Vector>(&self, image: &[V::Element], blocked: &mut [V::Element]) {
        let g = &self.geometry;
        let plane = g.height * g.width;
        assert!(image.len() == g.image() && blocked.len() == self.image_elements);
        for block in &self.blocks {
            for y in 0..g.height {
                let from = image[block.channels.start * plane + y * g.width..].as_ptr();
                let to = blocked[block.image_start + self.row_start(y, block)..].as_mut_ptr();
                // SAFETY: the row is in each of the block's channels; its `width` positions are within the block's image.
                unsafe { transpose::<V>((block.channels.len(), g.width), from, plane, to, block.stride) };
            }
        }
    }

    /// The channels of one block back to `[channel, y, x]`.
    ///
    /// # Safety
    /// The CPU has V's instructions.
    #[inline(always)]
    pub(crate) unsafe fn unpack_image<V: Vector>(
        &self,
        block: &ChannelBlock,
        blocked: &[V::Element],
        image: &mut [V::Element],
    ) {
        let g = &self.geometry;
        let plane = g.height * g.width;
        assert!(image.len() == g.image() && blocked.len() == self.image_range(block).len());
        for y in 0..g.height {
            let from = blocked[self.row_start(y, block)..].as_ptr();
            let to = image[block.channels.start * plane + y * g.width..].as_mut_ptr();
            // SAFETY: as for `pack_image`, the other way round.
            unsafe { transpose::<V>((g.width, block.channels.len()), from, block.stride, to, plane) };
        }
    }

    /// Where row `y` of the image starts in the block.
    const fn row_start(&self, y: usize, block: &ChannelBlock) -> usize {
        let g = &self.geometry;
        ((y + g.radius()) * g.pitch() + g.radius()) * block.stride
    }

    /// From `[output, channel, y, x]` to `[block, output, y, (x, channel)]`, runs filled up with zeros.
    pub(crate) fn pack_weight<T: Copy + Default>(&self, weight: &[T]) -> Vec<T> {
        let mut packed = vec![T::default(); self.weight_elements];
        self.for_each_weight(|plain, blocked| packed[blocked] = weight[plain]);
        packed
    }

    /// The inverse of [`BlockedLayout::pack_weight`].
    pub(crate) fn unpack_weight_into<T: Copy>(&self, packed: &[T], weight: &mut [T]) {
        self.for_each_weight(|plain, blocked| weight[plain] = packed[blocked]);
    }

    fn for_each_weight(&self, mut visit: impl FnMut(usize, usize)) {
        let k = self.geometry.kernel;
        for block in &self.blocks {
            for output in 0..self.geometry.outputs {
                for y in 0..k {
                    let run = block.weight_start + (output * k + y) * block.columns * self.width;
                    for (lane, channel) in block.channels.clone().enumerate() {
                        let plain = ((output * self.geometry.channels + channel) * k + y) * k;
                        for x in 0..k {
                            visit(plain + x, run + x * block.stride + lane);
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::Portable;

    fn geometry(channels: usize, kernel: usize) -> Geometry {
        Geometry { batch: 1, channels, height: 5, width: 7, outputs: 3, kernel }
    }

    #[test]
    fn packing_and_unpacking_give_back_what_went_in() {
        for (channels, kernel, width) in
            [(1, 3, 16), (3, 3, 16), (8, 3, 16), (12, 5, 8), (16, 1, 16), (37, 3, 4), (20, 5, 2)]
        {
            let g = geometry(channels, kernel);
            let blocks = BlockedLayout::new(g, width);
            let weight: Vec<f64> = (1..=g.outputs * g.taps()).map(|value| value as f64).collect();
            let mut unpacked = vec![0.0; weight.len()];
            blocks.unpack_weight_into(&blocks.pack_weight(&weight), &mut unpacked);
            assert_eq!(unpacked, weight);

            let image: Vec<f64> = (1..=g.image()).map(|value| value as f64).collect();
            let mut blocked = vec![0.0; blocks.image_elements];
            // SAFETY: these registers need no special instructions.
            unsafe { blocks.pack_image::<Portable<f64, 2>>(&image, &mut blocked) };
            assert_eq!(
                blocked.iter().sum::<f64>(),
                image.iter().sum::<f64>(),
                "each pixel is there once, the rest is zero"
            );
            let mut back = vec![0.0; image.len()];
            for block in &blocks.blocks {
                // SAFETY: as above.
                unsafe {
                    blocks.unpack_image::<Portable<f64, 2>>(
                        block,
                        &blocked[blocks.image_range(block)],
                        &mut back,
                    )
                };
            }
            assert_eq!(back, image);
        }
    }

    #[test]
    fn positions_are_filled_up_to_whole_registers_where_that_costs_none() {
        let strides = |channels| {
            BlockedLayout::new(geometry(channels, 3), 16)
                .blocks
                .iter()
                .map(|b| (b.stride, b.columns))
                .collect::<Vec<_>>()
        };
        assert_eq!(strides(3), [(3, 1)]);
        assert_eq!(strides(8), [(8, 2)]);
        assert_eq!(strides(12), [(16, 3)]);
        assert_eq!(strides(24), [(16, 3), (8, 2)]);
    }
}
