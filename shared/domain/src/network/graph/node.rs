//! A node of a graph.

use super::operation::Operation;
use super::parameter::{BufferSpec, ParameterSpec};
use super::shape::ExampleShape;
use crate::network::LayerPath;

/// An operation with its inputs, and everything that must be known of it before it runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its name: its kind and running index over the network (`conv0`, `batch_norm2`), and `input`, `output`. Its parameters begin
    /// with it, but for layers of several nodes (`self_attention0.query`).
    pub name: String,
    /// The layer that it comes from.
    pub layer: LayerPath,
    /// The operation.
    pub operation: Operation,
    /// The nodes whose outputs it takes, all before it.
    pub inputs: Vec<usize>,
    /// The shape of its output for one example.
    pub shape: ExampleShape,
    /// Its trainable parameters, in the operation's order.
    pub parameters: Vec<ParameterSpec>,
    /// Its state that is kept but not trained.
    pub buffers: Vec<BufferSpec>,
    /// The products of its sums for one example: multiplications of a forward pass, without those of single numbers by single
    /// numbers (activations, normalisations).
    pub products: u64,
}
