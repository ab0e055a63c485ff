//! The network of an experiment, and its graph on a data set.

use super::{CriticalPoint, Experiment, FitFunction, TrainedModel, fit_function};
use crate::data::{self, Contents, Encoding, TargetKind};
use crate::network::{
    Activation, ExampleShape, Family, FamilyNetwork, Graph, Initialization, Network, NetworkError,
    Parametrization,
};

impl Experiment {
    /// The network that is trained, or looked at again; none where Basin knows of none.
    pub fn network(&self) -> Option<Network> {
        match self {
            Self::Classify(it) => Some(it.model.clone()),
            Self::Regress(it) => Some(it.model.clone()),
            Self::FitFunction(it) => Some(it.network()),
            Self::CriticalPoint(it) => Some(it.network()),
            Self::Interpolate(it) => Some(it.trained.network()),
            Self::Surface(it) => Some(it.trained.network()),
            Self::Command(_) | Self::Custom(_) => None,
        }
    }

    /// The shape of a point that a function is fitted at.
    fn point(&self) -> ExampleShape {
        let trained = match self {
            Self::FitFunction(it) => return it.example(),
            Self::Interpolate(it) => &it.trained,
            Self::Surface(it) => &it.trained,
            Self::Classify(_)
            | Self::Regress(_)
            | Self::CriticalPoint(_)
            | Self::Command(_)
            | Self::Custom(_) => {
                return FitFunction::EXAMPLE;
            }
        };
        match trained {
            TrainedModel::FitFunction { function, .. } => function.example(),
            TrainedModel::Classify { .. } | TrainedModel::Regress { .. } => FitFunction::EXAMPLE,
        }
    }

    /// The graph of the network that is trained, or looked at again; none where it depends on a data set that isn't known, or there is no
    /// network.
    ///
    /// # Errors
    /// The layer at which there is no such network for the data, and why.
    pub fn graph(&self, contents: Option<&Contents>) -> Result<Option<Graph>, NetworkError> {
        let Some(network) = self.network() else { return Ok(None) };
        let data = match (self, self.data_use(), contents) {
            (Self::FitFunction(_) | Self::CriticalPoint(_), _, _) | (_, None, _) => {
                return network.graph(&self.point(), 1).map(Some);
            }
            (_, Some(_), None) => return Ok(None),
            (_, Some(data), Some(contents)) => (data, contents),
        };
        let (data, contents) = data;
        network.graph(&contents.network_input(data.encoding), contents.outputs()).map(Some)
    }
}

impl TrainedModel {
    /// The network.
    pub fn network(&self) -> Network {
        match self {
            Self::Classify { model, .. } | Self::Regress { model, .. } => model.clone(),
            Self::FitFunction { hidden, model, .. } => fit_function::network(hidden, model.as_ref()),
        }
    }
}

impl CriticalPoint {
    /// The network.
    pub fn network(&self) -> Network {
        let activation = match self.activation {
            super::Activation::Tanh => Activation::Tanh,
            super::Activation::Relu => Activation::Relu,
            super::Activation::Linear => Activation::Identity,
        };
        let family = Family::Mlp { widths: self.hidden.clone(), activation };
        let (initialization, parametrization) = (Initialization::default(), Parametrization::Standard);
        Network::Family(FamilyNetwork { family, initialization, parametrization })
    }
}

impl Contents {
    /// The shape that a network sees of an example. Arrays of two axes are channels of one column each.
    pub fn network_input(&self, encoding: Encoding) -> ExampleShape {
        match (&self.example, encoding) {
            (data::InputKind::Tokens { length, vocabulary }, Encoding::Index) => {
                ExampleShape::Tokens { positions: *length, vocabulary: *vocabulary }
            }
            (data::InputKind::Tokens { length, vocabulary }, Encoding::OneHot) => {
                ExampleShape::Vector { length: length.saturating_mul(*vocabulary) }
            }
            (data::InputKind::Features(axes), _) if axes.len() == 1 => {
                ExampleShape::Vector { length: axes[0] }
            }
            (shape @ (data::InputKind::Image(_) | data::InputKind::Features(_)), _) => {
                let [channels, height, width] = shape.image();
                ExampleShape::Image { channels, height, width }
            }
        }
    }

    /// The number of outputs that the targets need.
    pub const fn outputs(&self) -> u32 {
        match self.target {
            TargetKind::Classes(count) | TargetKind::Values(count) => count,
        }
    }
}
