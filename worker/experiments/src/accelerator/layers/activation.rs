//! Functions of each number.
//!
//! Of Candle's own ReLU and leaky ReLU the derivative at zero isn't ours, that of its GELU has six digits, and its Hardtanh halves it at the
//! ends: these are compositions.

use basin_domain::network::Activation;
use candle_core::{Result, Tensor};
use candle_nn::Module;

use super::layer::{Layer, function};

/// A function of each number.
pub(in crate::accelerator) fn activation(of: Activation) -> Box<dyn Layer> {
    match of {
        Activation::Identity => function(|x| Ok(x.clone())),
        Activation::Relu => function(relu),
        Activation::LeakyRelu { slope } => function(move |x| x.le(0.0)?.where_cond(&(x * slope)?, x)),
        Activation::Elu { alpha } => function(move |x| candle_nn::Activation::Elu(alpha).forward(x)),
        Activation::Gelu => function(|x| {
            let distribution = ((x / std::f64::consts::SQRT_2)?.erf()? + 1.0)?;
            (x * distribution)? * 0.5
        }),
        Activation::Silu => function(|x| candle_nn::Activation::Silu.forward(x)),
        Activation::Tanh => function(Tensor::tanh),
        Activation::Sigmoid => function(candle_nn::ops::sigmoid),
        // max(0, x) + ln(1 + e^−|x|): at zero Candle's derivatives, 1 of the one and 1 of |x|, make ½ of the sum.
        Activation::Softplus => function(|x| x.relu()? + (x.abs()?.neg()?.exp()? + 1.0)?.log()?),
        Activation::Hardtanh => function(|x| x.abs()?.ge(1.0)?.where_cond(&x.sign()?, x)),
        Activation::Sine { frequency } => function(move |x| (x * frequency)?.sin()),
    }
}

/// max(0, x), with the derivative 0 at 0; what is no number stays none.
pub(super) fn relu(x: &Tensor) -> Result<Tensor> {
    x.le(0.0)?.where_cond(&x.zeros_like()?, x)
}
