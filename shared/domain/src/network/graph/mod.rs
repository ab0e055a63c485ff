//! The graph of a network for examples of one shape: all that training, counting and drawing need to know of it.

mod builder;
mod initial_distribution;
mod node;
mod operation;
mod parameter;
mod shape;

pub(super) use builder::{GraphBuilder, NewNode, WeightAndBias};
pub use initial_distribution::InitialDistribution;
pub use node::Node;
pub use operation::Operation;
pub use parameter::{BufferSpec, LearningRateFactor, ParameterSpec};
pub use shape::ExampleShape;

/// A network for examples of one shape: its nodes in topological order, the input first, the output last. Every node but the
/// last is the input of a later one.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    nodes: Vec<Node>,
}

impl Graph {
    /// The most trainable numbers: as many as fit into a gibibyte in `f32`. Optimiser and gradient need three times more.
    pub const MOST_PARAMETERS: u64 = 1 << 28;
    /// The most numbers that a node gives for one example.
    pub const MOST_ELEMENTS: u64 = 1 << 28;
    /// The most nodes.
    pub const MOST_NODES: usize = 10_000;

    /// The nodes; the first is the input, the last the output.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The shape of an example.
    pub fn input(&self) -> ExampleShape {
        self.nodes[0].shape
    }

    /// The shape of an output.
    pub fn output(&self) -> ExampleShape {
        self.nodes[self.nodes.len() - 1].shape
    }

    /// All parameters, in the order of the nodes.
    pub fn parameters(&self) -> impl Iterator<Item = &ParameterSpec> {
        self.nodes.iter().flat_map(|node| &node.parameters)
    }

    /// All state that is kept but not trained, in the order of the nodes.
    pub fn buffers(&self) -> impl Iterator<Item = &BufferSpec> {
        self.nodes.iter().flat_map(|node| &node.buffers)
    }

    /// The names of the layers with parameters, in the order of the nodes: all of a parameter's name but its last part.
    pub fn layer_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for parameter in self.parameters() {
            let name = parameter.name.rsplit_once('.').map_or(&*parameter.name, |(layer, _)| layer);
            if names.last().is_none_or(|last| last != name) {
                names.push(name.to_owned());
            }
        }
        names
    }

    /// The number of trainable numbers.
    pub fn parameter_count(&self) -> u64 {
        self.parameters().map(ParameterSpec::count).fold(0, u64::saturating_add)
    }

    /// The products of each node that has any, in order.
    pub fn layer_products(&self) -> Vec<u64> {
        self.nodes.iter().map(|node| node.products).filter(|products| *products > 0).collect()
    }

    /// The products of a forward pass of one example (see [`Node::products`]).
    pub fn products(&self) -> u64 {
        self.nodes.iter().map(|node| node.products).fold(0, u64::saturating_add)
    }

    /// The floating-point operations of a forward pass of one example: two for each product.
    pub fn flops(&self) -> u64 {
        self.products().saturating_mul(2)
    }

    /// The bytes of all nodes' outputs for one example in `f32`: an upper bound of what a forward pass keeps for the backward pass.
    pub fn activation_bytes(&self) -> u64 {
        let elements = self.nodes.iter().map(|node| node.shape.elements());
        elements.fold(0, u64::saturating_add).saturating_mul(4)
    }
}
