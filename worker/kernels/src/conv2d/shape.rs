//! The sizes of a convolution.

use candle_core::{Result, bail};

/// Elements that one example's images may have: offsets of all of them stay far from the ends of an address.
const MOST_ELEMENTS: usize = 1 << 31;

/// A convolution of images `[channels, height, width]` to `[outputs, out_height, out_width]`, with a weight
/// `[outputs, channels / groups, kernel, kernel]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Conv2dShape {
    pub(crate) channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) outputs: usize,
    /// Side of the kernel.
    pub(crate) kernel: usize,
    /// From one output to the next, in pixels.
    pub(crate) stride: usize,
    /// Zeros around the image.
    pub(crate) padding: usize,
    /// Channels and outputs are cut into so many parts; an output sees its own part's channels.
    pub(crate) groups: usize,
}

impl Conv2dShape {
    /// Checks that the sizes fit each other.
    pub(crate) fn checked(self) -> Result<Self> {
        let Self { channels, height, width, outputs, kernel, stride, padding, groups } = self;
        if [channels, height, width, outputs, kernel, stride, groups].contains(&0) {
            bail!(
                "a convolution has at least one pixel, channel, output, group, and a kernel and a stride of at least 1"
            );
        }
        if !channels.is_multiple_of(groups) || !outputs.is_multiple_of(groups) {
            bail!("{channels} channels and {outputs} outputs can't be cut into {groups} groups");
        }
        let side = |side: usize| padding.checked_mul(2).and_then(|padding| side.checked_add(padding));
        let (Some(padded_height), Some(padded_width)) = (side(height), side(width)) else {
            bail!("a padding of {padding} is too large");
        };
        if kernel > padded_height || kernel > padded_width {
            bail!(
                "a kernel of {kernel}×{kernel} is larger than an image of {height}×{width} with {padding} zeros around"
            );
        }
        let product = |factors: &[usize]| {
            factors.iter().try_fold(1_usize, |product, factor| product.checked_mul(*factor))
        };
        let sizes = [
            product(&[
                channels.max(outputs),
                padded_height.saturating_add(kernel),
                padded_width.saturating_add(kernel),
            ]),
            product(&[outputs, channels / groups, kernel, kernel]),
        ];
        if sizes.iter().any(|size| size.is_none_or(|size| size > MOST_ELEMENTS)) {
            bail!(
                "a convolution of {channels}×{height}×{width} to {outputs} outputs with a kernel of {kernel} is too large"
            );
        }
        Ok(self)
    }

    /// Rows of an output.
    pub(crate) const fn out_height(&self) -> usize {
        (self.height + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// Columns of an output.
    pub(crate) const fn out_width(&self) -> usize {
        (self.width + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// Elements of one channel.
    pub(crate) const fn plane(&self) -> usize {
        self.height * self.width
    }

    /// Elements of one output.
    pub(crate) const fn out_plane(&self) -> usize {
        self.out_height() * self.out_width()
    }

    /// Elements of an example's images.
    pub(crate) const fn image(&self) -> usize {
        self.channels * self.plane()
    }

    /// Elements of an example's outputs.
    pub(crate) const fn result(&self) -> usize {
        self.outputs * self.out_plane()
    }

    /// Channels that an output sees.
    pub(crate) const fn group_channels(&self) -> usize {
        self.channels / self.groups
    }

    /// Outputs that see the same channels.
    pub(crate) const fn group_outputs(&self) -> usize {
        self.outputs / self.groups
    }

    /// Weights of one output and channel.
    pub(crate) const fn taps(&self) -> usize {
        self.kernel * self.kernel
    }

    /// Elements of the weight.
    pub(crate) const fn weights(&self) -> usize {
        self.outputs * self.group_channels() * self.taps()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Conv2dShape = Conv2dShape {
        channels: 4,
        height: 9,
        width: 6,
        outputs: 8,
        kernel: 3,
        stride: 2,
        padding: 1,
        groups: 2,
    };

    #[test]
    fn outputs_are_the_places_where_the_kernel_fits() {
        let shape = SHAPE.checked().unwrap();
        assert_eq!((shape.out_height(), shape.out_width()), (5, 3));
        assert_eq!(shape.weights(), 8 * 2 * 9);
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        for wrong in [
            Conv2dShape { groups: 3, ..SHAPE },
            Conv2dShape { outputs: 7, ..SHAPE },
            Conv2dShape { stride: 0, ..SHAPE },
            Conv2dShape { kernel: 9, ..SHAPE },
            Conv2dShape { padding: usize::MAX, ..SHAPE },
            Conv2dShape { padding: 1 << 40, ..SHAPE },
            Conv2dShape { channels: 0, ..SHAPE },
            Conv2dShape { channels: 1 << 40, ..SHAPE },
        ] {
            assert!(wrong.checked().is_err(), "{wrong:?}");
        }
    }
}
