//! Convolutions.

use candle_core::{Result, Tensor};
use candle_nn::{Conv2d, Conv2dConfig, Module, VarBuilder};

use super::layer::{Layer, Place, function};

/// The sizes of a convolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Geometry {
    pub(super) kernel: u32,
    pub(super) stride: u32,
    pub(super) padding: u32,
    pub(super) groups: u32,
}

/// A convolution of `[batch, channels, height, width]`.
pub(super) fn convolution(
    place: &Place<'_>,
    geometry: Geometry,
    has_bias: bool,
    variables: &VarBuilder<'_>,
) -> Result<Box<dyn Layer>> {
    let weight = place.parameter(0, variables)?;
    let bias = has_bias.then(|| place.parameter(1, variables)).transpose()?;
    layer(geometry, weight, bias)
}

/// A convolution with filters that stay.
pub(super) fn fixed(place: &Place<'_>, kernel: u32, variables: &VarBuilder<'_>) -> Result<Box<dyn Layer>> {
    let (_, weight) = place.buffer(0, variables)?;
    let bias = place.parameter(0, variables)?;
    layer(Geometry { kernel, stride: 1, padding: 0, groups: 1 }, weight, Some(bias))
}

fn layer(geometry: Geometry, weight: Tensor, bias: Option<Tensor>) -> Result<Box<dyn Layer>> {
    let module = ExactConv2d::new(geometry, weight, bias);
    Ok(function(move |images| module.forward(images)))
}

/// `candle-nn`'s convolution of images that its windows cover exactly: its gradient for other images goes by their height alone, and fails
/// where rows and columns leave different remainders.
pub(super) struct ExactConv2d {
    module: Conv2d,
    kernel: usize,
    stride: usize,
    padding: usize,
}

impl ExactConv2d {
    pub(super) fn new(geometry: Geometry, weight: Tensor, bias: Option<Tensor>) -> Self {
        let Geometry { kernel, stride, padding, groups } = geometry;
        let [kernel, stride, padding, groups] = [kernel, stride, padding, groups].map(|size| size as usize);
        let settings = Conv2dConfig { stride, groups, ..Conv2dConfig::default() };
        Self { module: Conv2d::new(weight, bias, settings), kernel, stride, padding }
    }

    pub(super) fn forward(&self, images: &Tensor) -> Result<Tensor> {
        let (_, _, height, width) = images.dims4()?;
        let covered = |length: usize| {
            let steps = (length + 2 * self.padding - self.kernel) / self.stride;
            steps * self.stride + self.kernel
        };
        let (rows, columns) = (covered(height), covered(width));
        let padded = images.pad_with_zeros(2, self.padding, self.padding)?;
        let padded = padded.pad_with_zeros(3, self.padding, self.padding)?;
        self.module.forward(&padded.narrow(2, 0, rows)?.narrow(3, 0, columns)?.contiguous()?)
    }
}
