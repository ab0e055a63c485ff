//! Convolution, ReLU and max pool as one operation.

use serde::{Deserialize, Serialize};

use super::checks::{at_least_one, product, wrong_input};
use crate::network::error::{NetworkError, Unbuildable};
use crate::network::graph::{ExampleShape, GraphBuilder, NewNode, Operation, WeightAndBias};
use crate::network::initialization::Initialization;
use crate::network::layer_path::LayerPath;
use crate::network::parametrization::Growth;

/// A convolution with same padding and a bias, ReLU and a 2×2 max pool, computed at once. Up to rounding it is the layers
/// `conv`, `relu`, `max-pool` one after the other; its sums have an order of their own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ConvReluPool {
    /// Output channels.
    pub outputs: u32,
    /// The kernel's side; odd.
    pub kernel: u32,
    /// Its own initialisation; the network's if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initialization: Option<Initialization>,
}

impl ConvReluPool {
    pub(super) fn add_to(
        &self,
        graph: &mut GraphBuilder,
        input: usize,
        at: &LayerPath,
    ) -> Result<usize, NetworkError> {
        let refuse = |reason| Err(NetworkError { at: at.clone(), reason });
        let shape = graph.shape(input);
        let ExampleShape::Image { channels, height, width } = shape else {
            return wrong_input("conv-relu-pool", "an image", shape, at);
        };
        let Self { outputs, kernel, initialization } = *self;
        at_least_one(outputs, "outputs", at)?;
        if kernel.is_multiple_of(2) {
            return refuse(Unbuildable::EvenKernel { kernel });
        }
        if height < 2 || width < 2 {
            return refuse(Unbuildable::NoPixelLeft { height, width });
        }
        let name = graph.next_name("conv");
        let parameters = graph.weight_and_bias(WeightAndBias {
            name: &name,
            shape: &[outputs, channels, kernel, kernel],
            fan_out: product(&[outputs, kernel, kernel]),
            bias: true,
            growth: Growth::between(graph.grows(input), true),
            initialization,
        });
        graph.push(NewNode {
            name,
            at,
            operation: Operation::ConvReluPool { outputs, kernel },
            inputs: vec![input],
            shape: ExampleShape::Image { channels: outputs, height: height / 2, width: width / 2 },
            parameters,
            buffers: Vec::new(),
            products: product(&[height, width, outputs, channels, kernel, kernel]),
            grows: true,
        })
    }
}
