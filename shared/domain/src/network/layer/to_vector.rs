//! Layers without settings that make vectors of images and sequences.

use super::checks::wrong_input;
use crate::network::error::{NetworkError, Unbuildable};
use crate::network::graph::{ExampleShape, Graph, GraphBuilder, Operation};
use crate::network::layer_path::LayerPath;

/// The mean of each channel of an image (Lin et al. 2014, arXiv 1312.4400).
pub(super) fn global_average_pool(
    graph: &mut GraphBuilder,
    input: usize,
    at: &LayerPath,
) -> Result<usize, NetworkError> {
    let shape = graph.shape(input);
    let ExampleShape::Image { channels, .. } = shape else {
        return wrong_input("global-average-pool", "an image", shape, at);
    };
    let shape = ExampleShape::Vector { length: channels };
    graph.push_plain("global_average_pool", at, Operation::GlobalAveragePool, vec![input], shape)
}

/// All numbers of an image or a sequence as one vector, in row-major order; a vector stays as it is.
pub(super) fn flatten(graph: &mut GraphBuilder, input: usize, at: &LayerPath) -> Result<usize, NetworkError> {
    let shape = graph.shape(input);
    match shape {
        ExampleShape::Vector { .. } => return Ok(input),
        ExampleShape::Tokens { .. } => {
            return wrong_input("flatten", "an image or a sequence of vectors", shape, at);
        }
        ExampleShape::Image { .. } | ExampleShape::Sequence { .. } => {}
    }
    let Some(length) = u32::try_from(shape.elements()).ok() else {
        let reason = Unbuildable::TooLarge { most: Graph::MOST_ELEMENTS };
        return Err(NetworkError { at: at.clone(), reason });
    };
    graph.push_plain("flatten", at, Operation::Flatten, vec![input], ExampleShape::Vector { length })
}

/// An image as one vector; anything else as it is.
pub(super) fn flatten_image(
    graph: &mut GraphBuilder,
    input: usize,
    at: &LayerPath,
) -> Result<usize, NetworkError> {
    match graph.shape(input) {
        ExampleShape::Image { .. } => flatten(graph, input, at),
        ExampleShape::Vector { .. } | ExampleShape::Sequence { .. } | ExampleShape::Tokens { .. } => {
            Ok(input)
        }
    }
}

/// The mean over the positions of a sequence.
pub(super) fn mean_over_positions(
    graph: &mut GraphBuilder,
    input: usize,
    at: &LayerPath,
) -> Result<usize, NetworkError> {
    let shape = graph.shape(input);
    let ExampleShape::Sequence { width, .. } = shape else {
        return wrong_input("mean-over-positions", "a sequence of vectors", shape, at);
    };
    let shape = ExampleShape::Vector { length: width };
    graph.push_plain("mean_over_positions", at, Operation::MeanOverPositions, vec![input], shape)
}

/// The last position of a sequence.
pub(super) fn last_position(
    graph: &mut GraphBuilder,
    input: usize,
    at: &LayerPath,
) -> Result<usize, NetworkError> {
    let shape = graph.shape(input);
    let ExampleShape::Sequence { width, .. } = shape else {
        return wrong_input("last-position", "a sequence of vectors", shape, at);
    };
    let shape = ExampleShape::Vector { length: width };
    graph.push_plain("last_position", at, Operation::LastPosition, vec![input], shape)
}
