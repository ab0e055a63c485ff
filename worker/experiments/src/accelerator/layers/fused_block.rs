//! The fused block of the shorthand: a convolution, ReLU, and the maximum of each 2×2 window.

use candle_core::Result;
use candle_nn::VarBuilder;

use super::activation::relu;
use super::convolution::{ExactConv2d, Geometry};
use super::layer::{Layer, Place, function};
use super::pool::greatest;
use super::windows::Windows;

/// A convolution with same padding and bias, ReLU, and a 2×2 maximum that drops a last odd row or column.
pub(super) fn fused_block(
    place: &Place<'_>,
    kernel: u32,
    variables: &VarBuilder<'_>,
) -> Result<Box<dyn Layer>> {
    let geometry = Geometry { kernel, stride: 1, padding: kernel / 2, groups: 1 };
    let (weight, bias) = (place.parameter(0, variables)?, place.parameter(1, variables)?);
    let convolution = ExactConv2d::new(geometry, weight, Some(bias));
    let windows = Windows::new(place.image()?, [2, 2, 0], variables.device())?;
    Ok(function(move |images| greatest(&windows, &relu(&convolution.forward(images)?)?)))
}
