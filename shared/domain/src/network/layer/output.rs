//! The output layer.

use serde::{Deserialize, Serialize};

use super::checks::wrong_input;
use super::dense::{self, NewDense};
use super::to_vector;
use crate::network::error::NetworkError;
use crate::network::graph::{ExampleShape, GraphBuilder, Operation};
use crate::network::initialization::Initialization;
use crate::network::layer_path::LayerPath;

/// A dense layer to as many outputs as the data needs: classes, or values of a function. An image is flattened first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// Whether a bias is added.
    pub bias: bool,
    /// Its own initialisation; the network's if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initialization: Option<Initialization>,
}

impl Default for Output {
    fn default() -> Self {
        Self { bias: true, initialization: None }
    }
}

impl Output {
    pub(super) fn add_to(
        &self,
        graph: &mut GraphBuilder,
        input: usize,
        at: &LayerPath,
    ) -> Result<usize, NetworkError> {
        let shape = graph.shape(input);
        if let ExampleShape::Sequence { .. } | ExampleShape::Tokens { .. } = shape {
            return wrong_input("output", "an image or a vector", shape, at);
        }
        let mut input = to_vector::flatten_image(graph, input, at)?;
        // The multiplier of μP stands before the bias: it is one of the weights.
        if let Some(ratio) = graph.width_ratio().filter(|_| graph.grows(input)) {
            let (operation, shape) = (Operation::Scale { factor: 1.0 / ratio }, graph.shape(input));
            input = graph.push_plain("scale", at, operation, vec![input], shape)?;
        }
        let (name, outputs) = ("output".to_owned(), graph.outputs());
        let Self { bias, initialization } = *self;
        dense::add(
            graph,
            input,
            at,
            NewDense { layer: "output", name, outputs, bias, grows: false, initialization },
        )
    }
}
