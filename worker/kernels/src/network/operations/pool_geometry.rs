//! Windows of pooling.

use std::ops::Range;

use candle_core::{Result, bail};

/// Windows of `side` × `side` pixels over each channel of images `[channels, height, width]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Windows {
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) side: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
}

impl Windows {
    /// Checks that the sizes fit each other.
    pub(super) fn checked(self) -> Result<Self> {
        let Self { channels, height, width, side, stride, padding } = self;
        if [channels, height, width, side, stride].contains(&0) {
            bail!("pooling takes at least one pixel and channel, and a side and a stride of at least 1");
        }
        if padding > side / 2 {
            bail!("a padding of {padding} is more than half of windows of {side}×{side}");
        }
        if side > height + 2 * padding || side > width + 2 * padding {
            bail!(
                "windows of {side}×{side} are larger than an image of {height}×{width} with {padding} zeros around"
            );
        }
        Ok(self)
    }

    pub(super) const fn out_height(&self) -> usize {
        (self.height + 2 * self.padding - self.side) / self.stride + 1
    }

    pub(super) const fn out_width(&self) -> usize {
        (self.width + 2 * self.padding - self.side) / self.stride + 1
    }

    pub(super) const fn plane(&self) -> usize {
        self.height * self.width
    }

    pub(super) const fn out_plane(&self) -> usize {
        self.out_height() * self.out_width()
    }

    /// The row of the image under row `place` of the windows of row `y`; none if it is padding.
    pub(super) fn row(&self, y: usize, place: usize) -> Option<usize> {
        (y * self.stride + place).checked_sub(self.padding).filter(|row| *row < self.height)
    }

    /// The windows of a row whose column `place` lies in the image, and the column of the first.
    pub(super) fn columns(&self, place: usize) -> (Range<usize>, usize) {
        let first = self.padding.saturating_sub(place).div_ceil(self.stride);
        let end =
            (self.width + self.padding).saturating_sub(place).div_ceil(self.stride).min(self.out_width());
        (first..end.max(first), (first * self.stride + place).saturating_sub(self.padding))
    }

    /// Planes that one thread takes at a time.
    pub(super) fn planes_at_once(&self) -> usize {
        (super::chunks::CHUNK / self.plane()).max(1)
    }
}
