//! Multi-layer perceptrons.

use crate::network::activation::Activation;
use crate::network::layer::{Dense, Layer, Output};

/// Dense layers of these widths, each followed by the activation, and the output layer.
pub(super) fn layers(widths: &[u32], activation: Activation) -> Vec<Layer> {
    let hidden =
        widths.iter().flat_map(|&width| [Layer::Dense(Dense::new(width)), Layer::Activation(activation)]);
    hidden.chain([Layer::Output(Output::default())]).collect()
}
