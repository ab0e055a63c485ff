//! A network whose layers are listed.

use serde::{Deserialize, Serialize};

use super::graph::{ExampleShape, Graph, GraphBuilder};
use super::initialization::Initialization;
use super::layer::{self, Layer, Repeat, Residual, Shortcut};
use super::layer_names::layer_names;
use super::parametrization::Parametrization;
use super::{LayerPath, LayerStep, NetworkError, Unbuildable};

/// A network of listed layers, the last of which is `output`, but for a constant factor after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerList {
    /// The layers, input to output.
    pub layers: Vec<Layer>,
    /// How weights are drawn, where a layer says nothing else.
    #[serde(default, skip_serializing_if = "is_default")]
    pub initialization: Initialization,
    /// How that and step sizes follow the width.
    #[serde(default, skip_serializing_if = "is_default")]
    pub parametrization: Parametrization,
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl LayerList {
    /// The most layers, once repetitions are written out.
    pub const MOST_LAYERS: usize = 10_000;

    /// These layers, initialised and parametrised as usual.
    pub fn new(layers: Vec<Layer>) -> Self {
        Self { layers, initialization: Initialization::default(), parametrization: Parametrization::Standard }
    }

    /// The width: the number of outputs of the first layer with weights, but for the output layer.
    pub fn width(&self) -> Option<u32> {
        self.layers.iter().find_map(Layer::width)
    }

    /// The names of the layers with parameters, in their order; none for a list that can't be built.
    pub fn layer_names(&self) -> Vec<String> {
        if self.checked().is_err() { Vec::new() } else { layer_names(&self.layers) }
    }

    /// The graph of the network.
    ///
    /// # Errors
    /// If there is no such network for this input.
    pub fn graph(&self, input: &ExampleShape, outputs: u32) -> Result<Graph, NetworkError> {
        let mut graph = GraphBuilder::new(*input, outputs, self.initialization, self.checked()?);
        layer::add_all(&self.layers, &mut graph, 0, &LayerPath::default(), LayerStep::Layers)?;
        Ok(graph.finish())
    }

    /// Checks all that holds for any input; the width over that of the base, where the parametrisation goes by it.
    ///
    /// # Errors
    /// If the list isn't that of a network, whatever its input.
    pub fn checked(&self) -> Result<Option<f64>, NetworkError> {
        let refuse = |at, reason| Err(NetworkError { at, reason });
        let at = |index| LayerPath::default().then(LayerStep::Layers(index));
        let Some(last) = self.layers.len().checked_sub(1) else {
            return refuse(LayerPath::default(), Unbuildable::Empty);
        };
        if let Some(index) = first_beyond(&self.layers, Self::MOST_LAYERS) {
            return refuse(at(index), Unbuildable::TooManyLayers { most: Self::MOST_LAYERS });
        }
        let Some(output) = self.layers.iter().position(|layer| matches!(layer, Layer::Output(_))) else {
            return refuse(at(last), Unbuildable::NoOutput);
        };
        let mut after = self.layers.iter().enumerate().skip(output + 1);
        if let Some((index, layer)) = after.find(|(_, layer)| !matches!(layer, Layer::Scale(_))) {
            return refuse(at(index), Unbuildable::AfterOutput { layer: layer.as_str() });
        }
        match self.parametrization {
            Parametrization::Standard => Ok(None),
            Parametrization::Mup { base_width } => match self.width() {
                Some(width) if width > 0 && base_width > 0 => {
                    Ok(Some(f64::from(width) / f64::from(base_width)))
                }
                Some(_) | None => refuse(at(last), Unbuildable::NoWidth),
            },
        }
    }
}

/// The first layer with which there are more than `most`, repetitions written out.
fn first_beyond(layers: &[Layer], most: usize) -> Option<usize> {
    let mut count = 0_usize;
    layers.iter().position(|layer| {
        count = count.saturating_add(written_out(layer));
        count > most
    })
}

/// How many layers a layer is, repetitions written out.
fn written_out(layer: &Layer) -> usize {
    let all = |layers: &[Layer]| layers.iter().map(written_out).fold(0, usize::saturating_add);
    match layer {
        Layer::Repeat(Repeat { times, layers }) => all(layers).saturating_mul(*times as usize).max(1),
        Layer::Residual(Residual { layers, shortcut }) => {
            let shortcut = match shortcut {
                Shortcut::Layers(layers) => all(layers),
                Shortcut::Identity | Shortcut::Pad => 0,
            };
            all(layers).saturating_add(shortcut).saturating_add(1)
        }
        Layer::Conv(_)
        | Layer::PatchWhitening(_)
        | Layer::ConvReluPool(_)
        | Layer::Dense(_)
        | Layer::Output(_)
        | Layer::Embedding(_)
        | Layer::SelfAttention(_)
        | Layer::BatchNorm(_)
        | Layer::LayerNorm(_)
        | Layer::GroupNorm(_)
        | Layer::Dropout(_)
        | Layer::MaxPool(_)
        | Layer::AveragePool(_)
        | Layer::GlobalAveragePool
        | Layer::Flatten
        | Layer::MeanOverPositions
        | Layer::LastPosition
        | Layer::Activation(_)
        | Layer::Scale(_) => 1,
    }
}
