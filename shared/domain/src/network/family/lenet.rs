//! The networks of LeCun et al. 1998, "Gradient-based learning applied to document recognition".

use crate::network::activation::Activation;
use crate::network::layer::{Convolution, Dense, Layer, Output, Padding, Pool};

/// LeNet-5 (section II.B), as it is usually built now: every map of a layer sees all of the layer before, pools are plain means,
/// and the output layer is dense. With `padding` 2 it takes images of 28×28 as the original does those of 32×32; it then has
/// 61,706 parameters (Zhang et al., "Dive into Deep Learning", section 7.6).
pub(super) fn lenet_5(activation: Activation, padding: u32) -> Vec<Layer> {
    let convolution = |outputs, padding| {
        Layer::Conv(Convolution { padding: Padding::Pixels(padding), ..Convolution::new(outputs, 5) })
    };
    let (activation, pool) = (Layer::Activation(activation), Layer::AveragePool(Pool::of(2)));
    vec![
        convolution(6, padding),
        activation.clone(),
        pool.clone(),
        convolution(16, 0),
        activation.clone(),
        pool,
        Layer::Dense(Dense::new(120)),
        activation.clone(),
        Layer::Dense(Dense::new(84)),
        activation,
        Layer::Output(Output::default()),
    ]
}

/// LeNet-300-100 (section III.C.4), with ReLU as in later studies of it (Frankle and Carbin 2019, arXiv 1803.03635, figure 2:
/// 266,610 parameters).
pub(super) fn lenet_300_100() -> Vec<Layer> {
    super::mlp::layers(&[300, 100], Activation::Relu)
}
