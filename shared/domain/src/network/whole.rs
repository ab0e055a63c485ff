//! A network as it is written: a shorthand, a family, or a list of layers.

use serde::{Deserialize, Serialize};

use super::conv_net::ConvNet;
use super::family::Family;
use super::graph::{ExampleShape, Graph};
use super::initialization::Initialization;
use super::layer_list::{LayerList, is_default};
use super::layer_names::layer_names;
use super::parametrization::Parametrization;
use super::{LayerPath, NetworkError};

/// A network. In the canonical form it is a [`ConvNet`] where it can be one, else a list of layers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Network {
    /// Convolutions with pools, then dense layers, in a few numbers.
    ConvNet(ConvNet),
    /// A family with its parameters.
    Family(FamilyNetwork),
    /// Layers one by one.
    Layers(LayerList),
}

/// A network of a family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FamilyNetwork {
    /// The family with its parameters.
    #[serde(flatten)]
    pub family: Family,
    /// How weights are drawn.
    #[serde(default, skip_serializing_if = "is_default")]
    pub initialization: Initialization,
    /// How that and step sizes follow the width.
    #[serde(default, skip_serializing_if = "is_default")]
    pub parametrization: Parametrization,
}

impl FamilyNetwork {
    /// The layers.
    ///
    /// # Errors
    /// If the family has no such network.
    pub fn layer_list(&self) -> Result<LayerList, NetworkError> {
        let layers = self.family.layers();
        let layers = layers.map_err(|reason| NetworkError { at: LayerPath::default(), reason })?;
        let Self { initialization, parametrization, .. } = *self;
        Ok(LayerList { layers, initialization, parametrization })
    }
}

impl Network {
    /// A network of dense layers with ReLU between them.
    pub fn of_dense(dense: &[u32]) -> Self {
        Self::ConvNet(ConvNet::of_dense(dense))
    }

    /// The graph of the network for examples of this shape and so many outputs.
    ///
    /// # Errors
    /// The layer at which there is no such network for this input, and why.
    pub fn graph(&self, input: &ExampleShape, outputs: u32) -> Result<Graph, NetworkError> {
        match self {
            Self::ConvNet(net) => net.graph(input, outputs),
            Self::Family(family) => family.layer_list()?.graph(input, outputs),
            Self::Layers(list) => list.graph(input, outputs),
        }
    }

    /// The names of the layers with parameters, in their order: those of the graph, which are the same for all inputs.
    pub fn layer_names(&self) -> Vec<String> {
        match self {
            Self::ConvNet(net) => layer_names(&net.layers()),
            Self::Family(family) => {
                family.layer_list().map_or_else(|_| Vec::new(), |list| list.layer_names())
            }
            Self::Layers(list) => list.layer_names(),
        }
    }

    /// The network in a few numbers, if it was written so, or is canonical and could be.
    pub const fn conv_net(&self) -> Option<&ConvNet> {
        match self {
            Self::ConvNet(net) => Some(net),
            Self::Family(_) | Self::Layers(_) => None,
        }
    }
}

impl From<ConvNet> for Network {
    fn from(net: ConvNet) -> Self {
        Self::ConvNet(net)
    }
}
