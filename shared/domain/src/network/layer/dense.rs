//! Dense layers.

use serde::{Deserialize, Serialize};

use super::checks::{at_least_one, product, wrong_input};
use super::to_vector;
use crate::network::error::NetworkError;
use crate::network::graph::{ExampleShape, GraphBuilder, NewNode, Operation, WeightAndBias};
use crate::network::initialization::Initialization;
use crate::network::layer_path::LayerPath;
use crate::network::parametrization::Growth;

/// A dense layer: `x·Wᵀ + b`, at every position of a sequence; an image is flattened first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Dense {
    /// Outputs.
    pub outputs: u32,
    /// Whether a bias is added.
    pub bias: bool,
    /// Its own initialisation; the network's if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initialization: Option<Initialization>,
}

impl Dense {
    /// A dense layer with a bias.
    pub const fn new(outputs: u32) -> Self {
        Self { outputs, bias: true, initialization: None }
    }

    pub(super) fn add_to(
        &self,
        graph: &mut GraphBuilder,
        input: usize,
        at: &LayerPath,
    ) -> Result<usize, NetworkError> {
        at_least_one(self.outputs, "outputs", at)?;
        let input = to_vector::flatten_image(graph, input, at)?;
        let name = graph.next_name("dense");
        let Self { outputs, bias, initialization } = *self;
        add(graph, input, at, NewDense { layer: "dense", name, outputs, bias, grows: true, initialization })
    }
}

/// A dense node.
pub(super) struct NewDense {
    /// The layer that it is of.
    pub(super) layer: &'static str,
    pub(super) name: String,
    pub(super) outputs: u32,
    pub(super) bias: bool,
    /// Whether its outputs grow with the network's width.
    pub(super) grows: bool,
    pub(super) initialization: Option<Initialization>,
}

/// Adds a dense node over the last dimension of a vector or sequence.
pub(super) fn add(
    graph: &mut GraphBuilder,
    input: usize,
    at: &LayerPath,
    dense: NewDense,
) -> Result<usize, NetworkError> {
    let NewDense { layer, name, outputs, bias, grows, initialization } = dense;
    let (positions, inputs, shape) = match graph.shape(input) {
        ExampleShape::Vector { length } => (1, length, ExampleShape::Vector { length: outputs }),
        ExampleShape::Sequence { positions, width } => {
            (positions, width, ExampleShape::Sequence { positions, width: outputs })
        }
        shape @ (ExampleShape::Image { .. } | ExampleShape::Tokens { .. }) => {
            return wrong_input(layer, "an image, a vector or a sequence of vectors", shape, at);
        }
    };
    let parameters = graph.weight_and_bias(WeightAndBias {
        name: &name,
        shape: &[outputs, inputs],
        fan_out: u64::from(outputs),
        bias,
        growth: Growth::between(graph.grows(input), grows),
        initialization,
    });
    graph.push(NewNode {
        name,
        at,
        operation: Operation::Dense { outputs, bias },
        inputs: vec![input],
        shape,
        parameters,
        buffers: Vec::new(),
        products: product(&[positions, inputs, outputs]),
        grows,
    })
}
