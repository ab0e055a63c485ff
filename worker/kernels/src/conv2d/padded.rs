//! Images with zeros around them.

/// The zeros on each side of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Margins {
    pub(super) top: usize,
    pub(super) bottom: usize,
    pub(super) left: usize,
    pub(super) right: usize,
}

/// Where the pixels of padded images lie: `[image, channel, row, column]`. The zeros left of a row are also those right of the row before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PaddedLayout {
    channels: usize,
    height: usize,
    width: usize,
    margins: Margins,
    /// From one row to the next.
    pub(super) pitch: usize,
    /// From one channel to the next.
    pub(super) plane: usize,
}

impl PaddedLayout {
    /// Images of these sizes within these margins.
    pub(super) fn new(channels: usize, [height, width]: [usize; 2], margins: Margins) -> Self {
        let Margins { top, bottom, left, right } = margins;
        let between = left.max(right);
        let pitch = width + between;
        let plane = (height + top + bottom) * pitch + between;
        Self { channels, height, width, margins, pitch, plane }
    }

    /// Elements of an example's images.
    pub(super) const fn image(&self) -> usize {
        self.channels * self.plane
    }

    /// Whether images lie so without being padded.
    pub(super) const fn is_plain(&self) -> bool {
        self.plane == self.height * self.width
    }

    /// Copies the channels of an image into `padded`, whose margins are zero already.
    #[inline(always)]
    pub(super) fn pad<T: Copy>(&self, image: &[T], padded: &mut [T]) {
        let Margins { top, left, .. } = self.margins;
        let channels = image.chunks_exact(self.height * self.width);
        for (channel, padded) in channels.zip(padded.chunks_exact_mut(self.plane)) {
            let mut to = top * self.pitch + left;
            for row in channel.chunks_exact(self.width) {
                padded[to..to + self.width].copy_from_slice(row);
                to += self.pitch;
            }
        }
    }
}
