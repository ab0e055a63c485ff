//! Pools.
//!
//! Candle's own maximum has a wrong gradient, and neither of its pools has one for windows that overlap, or has padding.

use candle_core::{D, Device, Result, Tensor};

use super::layer::{Layer, function};
use super::windows::Windows;

/// The greatest number of each window of `[side, stride, padding]`.
pub(super) fn max_pool(image: [usize; 2], sizes: [u32; 3], device: &Device) -> Result<Box<dyn Layer>> {
    let windows = Windows::new(image, sizes, device)?;
    Ok(function(move |images| greatest(&windows, images)))
}

/// The mean of each window of `[side, stride, padding]`, zeros of the padding included.
pub(super) fn average_pool(image: [usize; 2], sizes: [u32; 3], device: &Device) -> Result<Box<dyn Layer>> {
    let windows = Windows::new(image, sizes, device)?;
    Ok(function(move |images| windows.images(&windows.gather(images, 0.0)?.mean(D::Minus1)?, images.dim(0)?)))
}

/// The mean of each channel.
pub(super) fn global_average_pool() -> Box<dyn Layer> {
    function(|x| if x.rank() == 4 { x.flatten_from(2)?.mean(2) } else { Ok(x.clone()) })
}

/// The greatest number of each window; of equal ones the first has the gradient.
pub(super) fn greatest(windows: &Windows, images: &Tensor) -> Result<Tensor> {
    let all = windows.gather(images, f64::NEG_INFINITY)?;
    let seen = all.detach();
    let greatest = seen.max_keepdim(D::Minus1)?;
    let places = Tensor::arange(0_u32, windows.places as u32, images.device())?.broadcast_as(all.shape())?;
    // The first place of the maximum; some place where nothing equals it, since it is no number.
    let last = Tensor::full(windows.places as u32 - 1, all.shape(), images.device())?;
    let is_greatest = seen.broadcast_eq(&greatest)?;
    let first = is_greatest.where_cond(&places.contiguous()?, &last)?.min_keepdim(D::Minus1)?;
    let picked = all.gather(&first.contiguous()?, D::Minus1)?;
    // A maximum that is no finite number isn't hidden by the place that was picked.
    let picked = (picked + (&greatest * 0.0)?)?;
    windows.images(&picked, images.dim(0)?)
}
