//! The results of some images, on one thread.

use rayon::prelude::*;

use super::by_channels::{ChannelTiles, Part};
use super::by_positions::PositionTiles;
use super::columns::POSITIONS;
use super::correlation::{Correlation, Tiling};
use crate::activity;
use crate::aligned_buffer::AlignedBuffer;
use crate::element::Element;
use crate::partition;
use crate::vector::{Dispatch, Kernel, Vector};

/// Images are cut into at most so many pieces, each on one thread.
const PIECES: usize = 16;
/// Images are cut into at least so many pieces, if there are as many.
const FEWEST_PIECES: usize = 8;
/// Elements of padded images at a time, as a rule: they stay in the second cache.
const SOURCE_ELEMENTS: usize = 1 << 16;

impl<T: Dispatch> Correlation<T> {
    /// Writes the results of a batch; `bias` is where the sums of each channel of the result begin.
    pub(crate) fn run(&self, source: &[T], bias: Option<&[T]>, relu: bool, result: &mut [T]) {
        let batch = source.len() / self.sizes[0];
        assert!(source.len() == batch * self.sizes[0] && result.len() == batch * self.sizes[1]);
        // Each piece reads all weights: a few small images are not worth it.
        let pieces = (batch * self.result_plane() / POSITIONS).clamp(FEWEST_PIECES, PIECES);
        let images = partition::evenly(batch, pieces);
        let results = partition::split_mut(result, &images, self.sizes[1]);
        let work: Vec<_> = images.into_iter().zip(results).collect();
        work.into_par_iter().for_each(|(images, result)| {
            let source = &source[images.start * self.sizes[0]..images.end * self.sizes[0]];
            T::dispatch(Correlate { correlation: self, source, bias, relu, result });
        });
    }
}

/// The results of some images, on one thread.
pub(super) struct Correlate<'a, T> {
    pub(super) correlation: &'a Correlation<T>,
    pub(super) source: &'a [T],
    pub(super) bias: Option<&'a [T]>,
    pub(super) relu: bool,
    pub(super) result: &'a mut [T],
}

impl<T: Element> Kernel<T> for Correlate<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let c = self.correlation;
        assert!(c.register == V::WIDTH, "the code path changed in the middle of an operation");
        let (padded_image, [source_image, result_image]) = (c.source.image(), c.sizes);
        let images = self.source.len() / source_image;
        // Of small images so many that weights are worth being read.
        let enough = POSITIONS.div_ceil(c.result_plane());
        let at_once = (SOURCE_ELEMENTS / padded_image).max(enough).min(images);
        let copies = if c.source.is_plain() { 0 } else { at_once };
        let mut padded = AlignedBuffer::zeros(copies * padded_image);
        let (mut by_channels, by_positions) = match c.tiling {
            Tiling::Channels => {
                let widest = c.blocks.iter().map(|block| block.width).max().unwrap_or(0);
                (ChannelTiles::new(widest), Vec::new())
            }
            Tiling::Positions => {
                let tiles = c.phases.iter().map(|phase| PositionTiles::new::<V>(c, phase)).collect();
                (ChannelTiles::new(0), tiles)
            }
        };
        let parts = self.source.chunks(at_once * source_image);
        for (source, result) in parts.zip(self.result.chunks_mut(at_once * result_image)) {
            let images = source.len() / source_image;
            (0..images).for_each(|_| activity::tick());
            let source = if copies == 0 {
                source
            } else {
                for (image, padded) in
                    source.chunks_exact(source_image).zip(padded.chunks_exact_mut(padded_image))
                {
                    c.source.pad(image, padded);
                }
                &padded[..images * padded_image]
            };
            match c.tiling {
                Tiling::Channels => {
                    for phase in &c.phases {
                        for group in 0..c.groups {
                            for block in &c.blocks {
                                let part = Part { phase, group, block, bias: self.bias, relu: self.relu };
                                // SAFETY: the CPU has V's instructions (the caller's contract).
                                unsafe { by_channels.fill::<V>(c, &part, source, result) };
                            }
                        }
                    }
                }
                Tiling::Positions => {
                    for (phase, tiles) in c.phases.iter().zip(&by_positions) {
                        // SAFETY: as above.
                        unsafe { tiles.fill::<V>(c, phase, self.bias, source, result) };
                    }
                    if self.relu {
                        for sum in result {
                            *sum = if *sum <= T::default() { T::default() } else { *sum };
                        }
                    }
                }
            }
        }
    }
}
