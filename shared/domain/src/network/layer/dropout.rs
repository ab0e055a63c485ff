//! Dropout.

use serde::{Deserialize, Serialize};

use super::checks::wrong_input;
use crate::network::error::NetworkError;
use crate::network::graph::{ExampleShape, GraphBuilder, Operation};
use crate::network::layer_path::LayerPath;

/// In training, each number is 0 with this probability, and divided by 1 − it otherwise (Srivastava et al. 2014).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Dropout {
    /// The probability, from 0 up to but not including 1.
    pub probability: f64,
}

impl Dropout {
    pub(super) fn add_to(
        &self,
        graph: &mut GraphBuilder,
        input: usize,
        at: &LayerPath,
    ) -> Result<usize, NetworkError> {
        let shape = graph.shape(input);
        if let ExampleShape::Tokens { .. } = shape {
            return wrong_input("dropout", "an image, a vector or a sequence", shape, at);
        }
        let operation = Operation::Dropout { probability: self.probability };
        graph.push_plain("dropout", at, operation, vec![input], shape)
    }
}
