//! Sizes and layouts of a convolution.

use candle_core::{Result, Shape, bail};

/// The sizes of a convolution with same padding and stride 1, followed by 2×2 pooling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) batch: usize,
    pub(crate) channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) outputs: usize,
    /// Side of the kernel; odd.
    pub(crate) kernel: usize,
}

impl Geometry {
    /// Checks that the shapes fit.
    pub(crate) fn new(x: &Shape, weight: &Shape, bias: &Shape) -> Result<Self> {
        let (batch, channels, height, width) = x.dims4()?;
        let (outputs, weight_channels, kernel, kernel_width) = weight.dims4()?;
        if weight_channels != channels || kernel != kernel_width || kernel.is_multiple_of(2) {
            bail!(
                "a convolution of {x:?} needs a weight [outputs, {channels}, k, k] with an odd k, not {weight:?}"
            );
        }
        if bias.dims() != [outputs] {
            bail!("a convolution with the weight {weight:?} needs a bias [{outputs}], not {bias:?}");
        }
        if batch == 0 || channels == 0 || outputs == 0 || height < 2 || width < 2 {
            bail!(
                "a convolution with 2×2 pooling needs at least one image, channel and output and 2×2 pixels, not {x:?} by {weight:?}"
            );
        }
        let geometry = Self { batch, channels, height, width, outputs, kernel };
        // Positions are kept in 32 bits, times the elements of a position.
        if geometry.positions().saturating_mul(channels.max(64)) > u32::MAX as usize / 2 {
            bail!("a convolution's images may not be as large as {height}×{width}×{channels}");
        }
        Ok(geometry)
    }

    /// Zeros around the image.
    pub(crate) const fn radius(&self) -> usize {
        self.kernel / 2
    }

    /// From one row of a padded image to the next. The zeros left of a row are also those right of the row before.
    pub(crate) const fn pitch(&self) -> usize {
        self.width + self.radius()
    }

    /// Positions of a padded image: `(y + radius) × pitch + radius + x` is the pixel (y, x). The window of the output
    /// (y, x) starts at `y × pitch + x`.
    pub(crate) const fn positions(&self) -> usize {
        (self.height + 2 * self.radius()) * self.pitch() + 2 * self.radius()
    }

    /// Elements of one image.
    pub(crate) const fn image(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Pooled outputs of one channel.
    pub(crate) const fn windows(&self) -> usize {
        (self.height / 2) * (self.width / 2)
    }

    /// Elements of one image's pooled output.
    pub(crate) const fn pooled(&self) -> usize {
        self.outputs * self.windows()
    }

    /// Products in one output's sum.
    pub(crate) const fn taps(&self) -> usize {
        self.channels * self.kernel * self.kernel
    }
}
