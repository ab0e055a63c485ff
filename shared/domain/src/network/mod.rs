//! Networks: lists of layers, the families that stand for lists, and the graph that a list makes of examples of a shape.
//!
//! A [`Network`] is a description: nothing here computes with it. [`Network::graph`] says for examples of a shape, and a number of
//! outputs, which operations follow each other, which parameters each has and how they are drawn, or why there is no such
//! network. Whoever trains, counts, estimates or draws takes that [`Graph`] and needs to know nothing of layers.
//!
//! Where to start reading: [`layer`], a file for each layer with its settings and what it adds to a graph; `family`, a file for
//! each family; `graph`, what comes out.

mod activation;
mod canonical;
mod conv_net;
mod error;
mod family;
mod graph;
mod initialization;
pub mod layer;
mod layer_list;
mod layer_names;
mod layer_path;
mod parametrization;
#[cfg(test)]
mod tests;
mod whole;

pub use activation::Activation;
pub use conv_net::ConvNet;
pub use error::{NetworkError, Unbuildable};
pub use family::{Family, Resnet, ResnetShortcut, Transformer, Vgg, VggDepth};
pub use graph::{
    BufferSpec, ExampleShape, Graph, InitialDistribution, LearningRateFactor, Node, Operation, ParameterSpec,
};
pub use initialization::Initialization;
pub use layer::Layer;
pub use layer_list::LayerList;
pub use layer_path::{LayerPath, LayerStep};
pub use parametrization::Parametrization;
pub use whole::{FamilyNetwork, Network};
