//! Functions of each number, as layers.

use super::checks::wrong_input;
use crate::network::activation::Activation;
use crate::network::error::NetworkError;
use crate::network::graph::{ExampleShape, GraphBuilder, Operation};
use crate::network::layer_path::LayerPath;

/// Adds an activation after the node `input`; its index.
pub(super) fn add_to(
    activation: Activation,
    graph: &mut GraphBuilder,
    input: usize,
    at: &LayerPath,
) -> Result<usize, NetworkError> {
    let shape = graph.shape(input);
    if let ExampleShape::Tokens { .. } = shape {
        return wrong_input(activation.as_str(), "an image, a vector or a sequence", shape, at);
    }
    graph.push_plain("activation", at, Operation::Activation(activation), vec![input], shape)
}
