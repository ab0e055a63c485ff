//! Layer normalisation.

use serde::{Deserialize, Serialize};

use super::checks::wrong_input;
use crate::network::error::NetworkError;
use crate::network::graph::{ExampleShape, GraphBuilder, NewNode, Operation};
use crate::network::initialization::Initialization;
use crate::network::layer_path::LayerPath;

/// Layer normalisation (Ba et al. 2016, arXiv 1607.06450): a vector, each vector of a sequence, or all of an image, with its own
/// mean and variance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LayerNorm {
    /// Added to the variance; above zero.
    pub epsilon: f64,
    /// `zero` for scales that begin at 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initialization: Option<Initialization>,
}

impl Default for LayerNorm {
    /// As PyTorch has it.
    fn default() -> Self {
        Self { epsilon: 1e-5, initialization: None }
    }
}

impl LayerNorm {
    pub(super) fn add_to(
        &self,
        graph: &mut GraphBuilder,
        input: usize,
        at: &LayerPath,
    ) -> Result<usize, NetworkError> {
        let shape = graph.shape(input);
        let normalized = match shape {
            ExampleShape::Image { channels, height, width } => vec![channels, height, width],
            ExampleShape::Vector { length } => vec![length],
            ExampleShape::Sequence { width, .. } => vec![width],
            ExampleShape::Tokens { .. } => {
                return wrong_input("layer-norm", "an image, a vector or a sequence", shape, at);
            }
        };
        let name = graph.next_name("layer_norm");
        let grows = graph.grows(input);
        let parameters = graph.scale_and_shift(&name, &normalized, grows, self.initialization);
        let operation = Operation::LayerNorm { epsilon: self.epsilon };
        let (inputs, buffers) = (vec![input], Vec::new());
        graph.push(NewNode { name, at, operation, inputs, shape, parameters, buffers, products: 0, grows })
    }
}
