//! Batch normalisation.

use serde::{Deserialize, Serialize};

use super::checks::wrong_input;
use crate::network::error::NetworkError;
use crate::network::graph::{BufferSpec, ExampleShape, GraphBuilder, NewNode, Operation};
use crate::network::initialization::Initialization;
use crate::network::layer_path::LayerPath;

/// Batch normalisation (Ioffe and Szegedy 2015, arXiv 1502.03167): each channel of an image, or each entry of a vector's last
/// dimension, with its mean and variance over the batch; in evaluation with their running means.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BatchNorm {
    /// Added to the variance; above zero.
    pub epsilon: f64,
    /// The share of the batch's statistics in the running ones, above 0 up to 1.
    pub momentum: f64,
    /// `zero` for scales that begin at 0: a residual branch that ends with it adds nothing at first (Goyal et al. 2017, arXiv
    /// 1706.02677, section 5.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initialization: Option<Initialization>,
    /// Whether each channel has a trained scale. Without one it is 1, and the shift is the only parameter: the networks of the CIFAR-10
    /// speed runs (Jordan 2024, arXiv 2404.00498), whose shifts take steps that are too large for scales.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub scale: bool,
}

impl Default for BatchNorm {
    /// As PyTorch has it.
    fn default() -> Self {
        Self { epsilon: 1e-5, momentum: 0.1, initialization: None, scale: true }
    }
}

impl BatchNorm {
    pub(super) fn add_to(
        &self,
        graph: &mut GraphBuilder,
        input: usize,
        at: &LayerPath,
    ) -> Result<usize, NetworkError> {
        let shape = graph.shape(input);
        let channels = match shape {
            ExampleShape::Image { channels, .. } => channels,
            ExampleShape::Vector { length } => length,
            ExampleShape::Sequence { width, .. } => width,
            ExampleShape::Tokens { .. } => {
                return wrong_input("batch-norm", "an image, a vector or a sequence", shape, at);
            }
        };
        let name = graph.next_name("batch_norm");
        let grows = graph.grows(input);
        let parameters = match self.scale {
            true => graph.scale_and_shift(&name, &[channels], grows, self.initialization),
            false => vec![graph.shift(&name, &[channels], grows)],
        };
        let buffer = |part: &str, initial: f64| BufferSpec {
            name: format!("{name}.{part}"),
            shape: vec![channels],
            initial,
        };
        let buffers = vec![buffer("running_mean", 0.0), buffer("running_variance", 1.0)];
        let Self { epsilon, momentum, scale, .. } = *self;
        let operation = Operation::BatchNorm { epsilon, momentum, scale };
        let inputs = vec![input];
        graph.push(NewNode { name, at, operation, inputs, shape, parameters, buffers, products: 0, grows })
    }
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_yes(flag: &bool) -> bool {
    *flag
}
