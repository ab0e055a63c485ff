//! Layers without arithmetic of their own: sums, shapes and shortcuts.

use candle_core::{Device, Result, Tensor, bail};

use super::layer::{Layer, Pass, function};

/// `[batch, …]` to `[batch, length]`.
pub(super) fn flatten() -> Box<dyn Layer> {
    function(|x| x.contiguous()?.flatten_from(1))
}

/// The mean over positions: `[batch, positions, width]` to `[batch, width]`.
pub(super) fn mean_over_positions() -> Box<dyn Layer> {
    function(|x| x.mean(1))
}

/// The last position: `[batch, positions, width]` to `[batch, width]`.
pub(super) fn last_position() -> Box<dyn Layer> {
    function(|x| x.narrow(1, x.dim(1)? - 1, 1)?.squeeze(1)?.contiguous())
}

struct Add;

/// The sum of two inputs.
pub(super) fn add() -> Box<dyn Layer> {
    Box::new(Add)
}

impl Layer for Add {
    fn forward(&self, inputs: &[Tensor], _: &Pass) -> Result<Tensor> {
        match inputs {
            [branch, shortcut] => branch + shortcut,
            _ => bail!("a sum takes two inputs, not {}", inputs.len()),
        }
    }
}

/// Every `stride`-th row and column of images of `[height, width]`, and so many channels of zeros before and after.
pub(super) fn pad_channels(
    [height, width]: [usize; 2],
    stride: usize,
    [before, after]: [usize; 2],
    device: &Device,
) -> Result<Box<dyn Layer>> {
    let every = |length: usize| {
        let indices: Vec<u32> = (0..length as u32).step_by(stride).collect();
        let count = indices.len();
        Tensor::from_vec(indices, count, device)
    };
    let (rows, columns) = (every(height)?, every(width)?);
    Ok(function(move |images| {
        images.index_select(&rows, 2)?.index_select(&columns, 3)?.pad_with_zeros(1, before, after)
    }))
}

/// Each number times a constant. A tensor of it: Candle cuts the gradient of a product with the number zero.
pub(super) fn scale(factor: f64) -> Box<dyn Layer> {
    function(move |x| {
        let factor = Tensor::new(factor, &Device::Cpu)?.to_dtype(x.dtype())?.to_device(x.device())?;
        x.broadcast_mul(&factor)
    })
}
