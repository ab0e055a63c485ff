//! Convolution, ReLU and max pooling.

use candle_core::{Result, Tensor};

/// 2×2 max pooling of ReLU of a convolution with same padding and stride 1.
///
/// `x` is `[batch, channels, height, width]`, `weight` is `[outputs, channels, kernel, kernel]` with an odd kernel, `bias` is
/// `[outputs]`; the result is `[batch, outputs, height / 2, width / 2]`, odd last rows and columns left out.
pub fn conv_relu_pool(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let kernel = weight.dim(3)?;
    let y = x.conv2d(weight, kernel / 2, 1, 1, 1)?.broadcast_add(&bias.reshape((1, (), 1, 1))?)?.relu()?;
    let (n, c, h, w) = y.dims4()?;
    y.narrow(2, 0, h / 2 * 2)?
        .narrow(3, 0, w / 2 * 2)?
        .contiguous()?
        .reshape((n, c, h / 2, 2, w / 2, 2))?
        .max(5)?
        .max(3)
}
