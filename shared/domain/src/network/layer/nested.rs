//! Layers of layers: residual ones and repetitions.

use serde::{Deserialize, Serialize};

use super::Layer;
use super::checks::at_least_one;
use crate::network::error::{NetworkError, Unbuildable};
use crate::network::graph::{ExampleShape, GraphBuilder, Operation};
use crate::network::layer_path::{LayerPath, LayerStep};

/// A branch of layers that is added to its input, or to a shortcut of it (He et al. 2016, arXiv 1512.03385).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Residual {
    /// The branch.
    pub layers: Vec<Layer>,
    /// The way around it.
    pub shortcut: Shortcut,
}

/// The way around the branch of a residual layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shortcut {
    /// The input as it is.
    Identity,
    /// The input with as large a stride as the branch has, and channels of zeros: half of them before the others, half after
    /// them, the odd one after (He et al. 2016, section 4.2, option A). It has no parameters.
    Pad,
    /// Layers, as a convolution of 1×1 with batch norm (option B).
    Layers(Vec<Layer>),
}

impl Residual {
    /// A branch around which its input goes as it is.
    pub const fn around(layers: Vec<Layer>) -> Self {
        Self { layers, shortcut: Shortcut::Identity }
    }

    pub(super) fn add_to(
        &self,
        graph: &mut GraphBuilder,
        input: usize,
        at: &LayerPath,
    ) -> Result<usize, NetworkError> {
        let refuse = |reason| Err(NetworkError { at: at.clone(), reason });
        if self.layers.is_empty() {
            return refuse(Unbuildable::Empty);
        }
        let branch = super::add_all(&self.layers, graph, input, at, LayerStep::Residual)?;
        let shape = graph.shape(branch);
        let shortcut = match &self.shortcut {
            Shortcut::Identity => input,
            Shortcut::Pad => match pad(graph.shape(input), shape) {
                Some(Operation::PadChannels { stride: 1, before: 0, after: 0 }) => input,
                Some(operation) => graph.push_plain("pad", at, operation, vec![input], shape)?,
                None => {
                    let input = graph.shape(input);
                    return refuse(Unbuildable::CannotPad { input, branch: shape });
                }
            },
            Shortcut::Layers(layers) => super::add_all(layers, graph, input, at, LayerStep::Shortcut)?,
        };
        if graph.shape(shortcut) != shape || matches!(shape, ExampleShape::Tokens { .. }) {
            let shortcut = graph.shape(shortcut);
            return refuse(Unbuildable::ShapesDiffer { branch: shape, shortcut });
        }
        graph.push_plain("add", at, Operation::Add, vec![branch, shortcut], shape)
    }
}

/// The operation that brings an input to the shape of a branch, if striding and channels of zeros do.
fn pad(input: ExampleShape, branch: ExampleShape) -> Option<Operation> {
    let (
        ExampleShape::Image { channels, height, width },
        ExampleShape::Image { channels: more, height: h, width: w },
    ) = (input, branch)
    else {
        return None;
    };
    let added = more.checked_sub(channels)?;
    let stride = (1..=height.max(width)).find(|stride| height.div_ceil(*stride) == h)?;
    (width.div_ceil(stride) == w).then_some(Operation::PadChannels {
        stride,
        before: added / 2,
        after: added - added / 2,
    })
}

/// Layers, several times in a row, each time with parameters of their own. A network with it is the same as one in which they
/// are written out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Repeat {
    /// How many times.
    pub times: u32,
    /// The layers.
    pub layers: Vec<Layer>,
}

impl Repeat {
    pub(super) fn add_to(
        &self,
        graph: &mut GraphBuilder,
        mut input: usize,
        at: &LayerPath,
    ) -> Result<usize, NetworkError> {
        at_least_one(self.times, "repeat", at)?;
        if self.layers.is_empty() {
            return Err(NetworkError { at: at.clone(), reason: Unbuildable::Empty });
        }
        for _ in 0..self.times {
            input = super::add_all(&self.layers, graph, input, at, LayerStep::Repeat)?;
        }
        Ok(input)
    }
}
