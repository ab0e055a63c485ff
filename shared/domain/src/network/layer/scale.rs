//! A constant factor.

use serde::{Deserialize, Serialize};

use super::checks::wrong_input;
use crate::network::error::NetworkError;
use crate::network::graph::{ExampleShape, GraphBuilder, Operation};
use crate::network::layer_path::LayerPath;

/// Each number times a constant, as logits at a temperature of 1 / factor.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// The constant, not zero.
    pub factor: f64,
}

impl Scale {
    pub(super) fn add_to(
        &self,
        graph: &mut GraphBuilder,
        input: usize,
        at: &LayerPath,
    ) -> Result<usize, NetworkError> {
        let shape = graph.shape(input);
        if let ExampleShape::Tokens { .. } = shape {
            return wrong_input("scale", "an image, a vector or a sequence", shape, at);
        }
        graph.push_plain("scale", at, Operation::Scale { factor: self.factor }, vec![input], shape)
    }
}
