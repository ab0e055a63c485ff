//! Building a graph, node by node, from the layers of a network.

use std::collections::BTreeMap;

use super::node::Node;
use super::operation::Operation;
use super::parameter::{BufferSpec, ParameterSpec};
use super::shape::ExampleShape;
use super::{Graph, InitialDistribution};
use crate::network::error::{NetworkError, Unbuildable};
use crate::network::initialization::Initialization;
use crate::network::layer_path::LayerPath;
use crate::network::parametrization::Growth;

/// A graph in the making.
#[derive(Debug)]
pub(in crate::network) struct GraphBuilder {
    nodes: Vec<Node>,
    /// Whether the channels, or the last dimension, of each node grow with the network's width.
    grows: Vec<bool>,
    /// How many there are of each kind of layer.
    named: BTreeMap<&'static str, u32>,
    parameter_count: u64,
    outputs: u32,
    initialization: Initialization,
    /// How many times as wide as its base the network is, if it is parametrised by that.
    width_ratio: Option<f64>,
}

/// What a layer says of a node. The node's name is the layer's.
#[derive(Debug)]
pub(in crate::network) struct NewNode<'a> {
    pub(in crate::network) name: String,
    pub(in crate::network) at: &'a LayerPath,
    pub(in crate::network) operation: Operation,
    pub(in crate::network) inputs: Vec<usize>,
    pub(in crate::network) shape: ExampleShape,
    pub(in crate::network) parameters: Vec<ParameterSpec>,
    pub(in crate::network) buffers: Vec<BufferSpec>,
    pub(in crate::network) products: u64,
    /// Whether its channels, or its last dimension, grow with the network's width.
    pub(in crate::network) grows: bool,
}

/// A layer's weight and bias.
#[derive(Debug, Clone, Copy)]
pub(in crate::network) struct WeightAndBias<'a> {
    /// The layer's name.
    pub(in crate::network) name: &'a str,
    /// The weight's shape, outputs first.
    pub(in crate::network) shape: &'a [u32],
    /// Outputs of one input.
    pub(in crate::network) fan_out: u64,
    /// Whether there is a bias.
    pub(in crate::network) bias: bool,
    /// How the weight's dimensions follow the width.
    pub(in crate::network) growth: Growth,
    /// The layer's own initialisation.
    pub(in crate::network) initialization: Option<Initialization>,
}

impl GraphBuilder {
    /// A graph of examples of this shape for so many outputs.
    pub(in crate::network) fn new(
        input: ExampleShape,
        outputs: u32,
        initialization: Initialization,
        width_ratio: Option<f64>,
    ) -> Self {
        let input = Node {
            name: "input".to_owned(),
            layer: LayerPath::default(),
            operation: Operation::Input,
            inputs: Vec::new(),
            shape: input,
            parameters: Vec::new(),
            buffers: Vec::new(),
            products: 0,
        };
        Self {
            nodes: vec![input],
            grows: vec![false],
            named: BTreeMap::new(),
            parameter_count: 0,
            outputs,
            initialization,
            width_ratio,
        }
    }

    /// The number of outputs that the data needs.
    pub(in crate::network) fn outputs(&self) -> u32 {
        self.outputs
    }

    /// The shape of a node's output.
    pub(in crate::network) fn shape(&self, node: usize) -> ExampleShape {
        self.nodes[node].shape
    }

    /// Whether a node's channels, or its last dimension, grow with the network's width.
    pub(in crate::network) fn grows(&self, node: usize) -> bool {
        self.grows[node]
    }

    /// How many times as wide as its base the network is, if it is parametrised by that.
    pub(in crate::network) fn width_ratio(&self) -> Option<f64> {
        self.width_ratio
    }

    /// The next name of a kind of layer: `conv0`, `conv1`, ….
    pub(in crate::network) fn next_name(&mut self, kind: &'static str) -> String {
        let count = self.named.entry(kind).or_default();
        let name = format!("{kind}{count}");
        *count += 1;
        name
    }

    /// Adds a node; its index.
    ///
    /// # Errors
    /// If the network becomes too large by it.
    pub(in crate::network) fn push(&mut self, new: NewNode<'_>) -> Result<usize, NetworkError> {
        let refuse = |reason| Err(NetworkError { at: new.at.clone(), reason });
        if let Some(empty) = new.shape.dimensions().iter().position(|&length| length == 0) {
            let what = if empty == 0 { "outputs" } else { "pixels" };
            return refuse(Unbuildable::Zero { what });
        }
        if new.shape.elements() > Graph::MOST_ELEMENTS {
            return refuse(Unbuildable::TooLarge { most: Graph::MOST_ELEMENTS });
        }
        let count = new.parameters.iter().map(ParameterSpec::count).fold(0, u64::saturating_add);
        self.parameter_count = self.parameter_count.saturating_add(count);
        if self.parameter_count > Graph::MOST_PARAMETERS {
            return refuse(Unbuildable::TooManyParameters { most: Graph::MOST_PARAMETERS });
        }
        if self.nodes.len() == Graph::MOST_NODES {
            return refuse(Unbuildable::TooManyLayers { most: Graph::MOST_NODES });
        }
        self.grows.push(new.grows);
        self.nodes.push(Node {
            name: new.name,
            layer: new.at.clone(),
            operation: new.operation,
            inputs: new.inputs,
            shape: new.shape,
            parameters: new.parameters,
            buffers: new.buffers,
            products: new.products,
        });
        Ok(self.nodes.len() - 1)
    }

    /// Adds a node without parameters or products, whose output grows as its first input; its index.
    ///
    /// # Errors
    /// If the network becomes too large by it.
    pub(in crate::network) fn push_plain(
        &mut self,
        kind: &'static str,
        at: &LayerPath,
        operation: Operation,
        inputs: Vec<usize>,
        shape: ExampleShape,
    ) -> Result<usize, NetworkError> {
        let grows = inputs.iter().any(|&input| self.grows(input));
        let name = self.next_name(kind);
        let (parameters, buffers) = (Vec::new(), Vec::new());
        self.push(NewNode { name, at, operation, inputs, shape, parameters, buffers, products: 0, grows })
    }

    /// The weight and the bias of a layer, drawn as it says, or as the network does.
    pub(in crate::network) fn weight_and_bias(&self, of: WeightAndBias<'_>) -> Vec<ParameterSpec> {
        let WeightAndBias { name, shape, fan_out, bias, growth, initialization } = of;
        let inputs = shape[1..].iter().map(|&length| u64::from(length));
        let fan_in = inputs.fold(1, u64::saturating_mul);
        let initialization = initialization.unwrap_or(self.initialization);
        let kernel = shape.iter().skip(2).map(|&side| u64::from(side)).fold(1, u64::saturating_mul);
        // Of a group.
        let outputs = u32::try_from(fan_out / kernel.max(1)).unwrap_or(shape[0]);
        let (distribution, bias_distribution) = match self.width_ratio {
            None => {
                let weight = initialization.weight(fan_in as f64, fan_out as f64, outputs);
                (weight, initialization.bias(fan_in as f64))
            }
            Some(m) => {
                let base = |fan: u64, grows: bool| if grows { fan as f64 / m } else { fan as f64 };
                let inputs = base(fan_in, matches!(growth, Growth::Hidden | Growth::Output));
                let of_input = base(fan_out, matches!(growth, Growth::Hidden | Growth::Input));
                let weight = initialization.weight(inputs, of_input, outputs);
                let factor = match weight {
                    InitialDistribution::Orthogonal { .. } => growth.orthogonal_factor(m),
                    InitialDistribution::Constant { .. }
                    | InitialDistribution::Uniform { .. }
                    | InitialDistribution::Normal { .. }
                    | InitialDistribution::Dirac { .. } => growth.deviation_factor(m),
                };
                (weight.scaled(factor), initialization.bias(inputs))
            }
        };
        let weight = ParameterSpec {
            name: format!("{name}.weight"),
            shape: shape.to_vec(),
            fan_in,
            fan_out,
            initialization: distribution,
            learning_rate_factor: growth.learning_rate_factor(self.width_ratio.unwrap_or(1.0)),
            decays: true,
        };
        let outputs_grow = matches!(growth, Growth::Hidden | Growth::Input);
        let bias = bias.then(|| ParameterSpec {
            name: format!("{name}.bias"),
            shape: vec![shape[0]],
            fan_in,
            fan_out,
            initialization: bias_distribution,
            learning_rate_factor: self.vector_factor(outputs_grow),
            decays: false,
        });
        [Some(weight), bias].into_iter().flatten().collect()
    }

    /// A bias of zeros for so many outputs of a layer, each of so many inputs.
    pub(in crate::network) fn bias_of_zeros(&self, name: &str, outputs: u32, fan_in: u64) -> ParameterSpec {
        ParameterSpec {
            name: format!("{name}.bias"),
            shape: vec![outputs],
            fan_in,
            fan_out: u64::from(outputs),
            initialization: InitialDistribution::Constant { value: 0.0 },
            learning_rate_factor: self.vector_factor(false),
            decays: false,
        }
    }

    /// The rows of an embedding, one for each of so many tokens or positions.
    pub(in crate::network) fn embedding(
        &self,
        name: String,
        rows: u32,
        width: u32,
        initialization: Option<Initialization>,
    ) -> ParameterSpec {
        let distribution = initialization.unwrap_or(self.initialization).embedding();
        let initialization = match (self.width_ratio, distribution) {
            (Some(m), InitialDistribution::Orthogonal { .. }) => {
                distribution.scaled(Growth::Input.orthogonal_factor(m))
            }
            _ => distribution,
        };
        ParameterSpec {
            name,
            shape: vec![rows, width],
            fan_in: 1,
            fan_out: u64::from(width),
            initialization,
            learning_rate_factor: self.vector_factor(true),
            decays: true,
        }
    }

    /// The scale and the shift of a normalisation: 1 and 0, or both 0 where it says so.
    pub(in crate::network) fn scale_and_shift(
        &self,
        name: &str,
        shape: &[u32],
        grows: bool,
        initialization: Option<Initialization>,
    ) -> Vec<ParameterSpec> {
        let zero = matches!(initialization, Some(Initialization::Zero));
        let scale = format!("{name}.weight");
        let scale = self.of_normalization(scale, shape, grows, if zero { 0.0 } else { 1.0 });
        vec![scale, self.shift(name, shape, grows)]
    }

    /// The shift of a normalisation that has no scale: 0.
    pub(in crate::network) fn shift(&self, name: &str, shape: &[u32], grows: bool) -> ParameterSpec {
        self.of_normalization(format!("{name}.bias"), shape, grows, 0.0)
    }

    fn of_normalization(&self, name: String, shape: &[u32], grows: bool, value: f64) -> ParameterSpec {
        ParameterSpec {
            name,
            shape: shape.to_vec(),
            fan_in: 1,
            fan_out: 1,
            initialization: InitialDistribution::Constant { value },
            learning_rate_factor: self.vector_factor(grows),
            decays: false,
        }
    }

    fn vector_factor(&self, grows: bool) -> super::LearningRateFactor {
        Growth::of_vector(grows).learning_rate_factor(self.width_ratio.unwrap_or(1.0))
    }

    /// The graph.
    pub(in crate::network) fn finish(self) -> Graph {
        Graph { nodes: self.nodes }
    }
}
