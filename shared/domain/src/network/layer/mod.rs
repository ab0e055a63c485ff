//! Layers, one file each: its settings, and the nodes that it adds to a graph.
//!
//! To add one: a file here, its variant in [`Layer`] with its arms, a row of the table in `sweep/network/layer_table.rs` that reads
//! its settings, and, if no node does what it does, an `Operation`.

mod activation;
mod batch_norm;
mod checks;
mod convolution;
mod dense;
mod dropout;
mod embedding;
mod fused_block;
mod group_norm;
mod layer_norm;
mod nested;
mod output;
mod patch_whitening;
mod pool;
mod scale;
mod self_attention;
mod to_vector;

use serde::{Deserialize, Serialize};

pub use batch_norm::BatchNorm;
pub use convolution::{Convolution, Padding};
pub use dense::Dense;
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use fused_block::ConvReluPool;
pub use group_norm::GroupNorm;
pub use layer_norm::LayerNorm;
pub use nested::{Repeat, Residual, Shortcut};
pub use output::Output;
pub use patch_whitening::PatchWhitening;
pub use pool::Pool;
pub use scale::Scale;
pub use self_attention::SelfAttention;

use super::activation::Activation;
use super::error::{NetworkError, Unbuildable};
use super::graph::GraphBuilder;
use super::initialization::Initialization;
use super::layer_path::{LayerPath, LayerStep};

/// A layer of a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// A convolution.
    Conv(Convolution),
    /// A first convolution with filters that whiten patches.
    PatchWhitening(PatchWhitening),
    /// Convolution, ReLU and 2×2 max pool as one operation.
    ConvReluPool(ConvReluPool),
    /// A dense layer.
    Dense(Dense),
    /// A dense layer to as many outputs as the data needs.
    Output(Output),
    /// Tokens become vectors.
    Embedding(Embedding),
    /// Multi-head self-attention.
    SelfAttention(SelfAttention),
    /// Batch normalisation.
    BatchNorm(BatchNorm),
    /// Layer normalisation.
    LayerNorm(LayerNorm),
    /// Group normalisation.
    GroupNorm(GroupNorm),
    /// Dropout.
    Dropout(Dropout),
    /// A branch that is added to a shortcut around it.
    Residual(Residual),
    /// The greatest number of each window.
    MaxPool(Pool),
    /// The mean of each window.
    AveragePool(Pool),
    /// The mean of each channel.
    GlobalAveragePool,
    /// All numbers of an example as one vector.
    Flatten,
    /// The mean over the positions of a sequence.
    MeanOverPositions,
    /// The last position of a sequence.
    LastPosition,
    /// A function of each number.
    Activation(Activation),
    /// Each number times a constant.
    Scale(Scale),
    /// Layers, several times in a row, each time with parameters of their own.
    Repeat(Repeat),
}

impl Layer {
    /// The most lists that may lie within each other.
    pub const MOST_NESTED: usize = 8;

    /// The layer's name, as the sweep file spells it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Conv(_) => "conv",
            Self::PatchWhitening(_) => "patch-whitening",
            Self::ConvReluPool(_) => "conv-relu-pool",
            Self::Dense(_) => "dense",
            Self::Output(_) => "output",
            Self::Embedding(_) => "embedding",
            Self::SelfAttention(_) => "self-attention",
            Self::BatchNorm(_) => "batch-norm",
            Self::LayerNorm(_) => "layer-norm",
            Self::GroupNorm(_) => "group-norm",
            Self::Dropout(_) => "dropout",
            Self::Residual(_) => "residual",
            Self::MaxPool(_) => "max-pool",
            Self::AveragePool(_) => "average-pool",
            Self::GlobalAveragePool => "global-average-pool",
            Self::Flatten => "flatten",
            Self::MeanOverPositions => "mean-over-positions",
            Self::LastPosition => "last-position",
            Self::Activation(activation) => activation.as_str(),
            Self::Scale(_) => "scale",
            Self::Repeat(_) => "repeat",
        }
    }

    /// The number of outputs, if the layer has weights and says it: the first of them is a network's width.
    pub(super) fn width(&self) -> Option<u32> {
        match self {
            Self::Conv(it) => Some(it.outputs),
            Self::ConvReluPool(it) => Some(it.outputs),
            Self::Dense(it) => Some(it.outputs),
            Self::Embedding(it) => Some(it.width),
            Self::Residual(it) => it.layers.iter().find_map(Self::width),
            Self::Repeat(it) => it.layers.iter().find_map(Self::width),
            Self::PatchWhitening(_)
            | Self::Output(_)
            | Self::SelfAttention(_)
            | Self::BatchNorm(_)
            | Self::LayerNorm(_)
            | Self::GroupNorm(_)
            | Self::Dropout(_)
            | Self::MaxPool(_)
            | Self::AveragePool(_)
            | Self::GlobalAveragePool
            | Self::Flatten
            | Self::MeanOverPositions
            | Self::LastPosition
            | Self::Activation(_)
            | Self::Scale(_) => None,
        }
    }

    /// The layer's own initialisation, to be changed; none if it can't have one.
    pub(super) fn initialization_mut(&mut self) -> Option<&mut Option<Initialization>> {
        match self {
            Self::Conv(it) => Some(&mut it.initialization),
            Self::ConvReluPool(it) => Some(&mut it.initialization),
            Self::Dense(it) => Some(&mut it.initialization),
            Self::Output(it) => Some(&mut it.initialization),
            Self::Embedding(it) => Some(&mut it.initialization),
            Self::SelfAttention(it) => Some(&mut it.initialization),
            Self::PatchWhitening(_)
            | Self::BatchNorm(_)
            | Self::LayerNorm(_)
            | Self::GroupNorm(_)
            | Self::Dropout(_)
            | Self::Residual(_)
            | Self::MaxPool(_)
            | Self::AveragePool(_)
            | Self::GlobalAveragePool
            | Self::Flatten
            | Self::MeanOverPositions
            | Self::LastPosition
            | Self::Activation(_)
            | Self::Scale(_)
            | Self::Repeat(_) => None,
        }
    }

    /// Adds the layer to a graph, after the node `input`; the index of its output.
    fn add_to(&self, graph: &mut GraphBuilder, input: usize, at: &LayerPath) -> Result<usize, NetworkError> {
        match self {
            Self::Conv(it) => it.add_to(graph, input, at),
            Self::PatchWhitening(it) => it.add_to(graph, input, at),
            Self::ConvReluPool(it) => it.add_to(graph, input, at),
            Self::Dense(it) => it.add_to(graph, input, at),
            Self::Output(it) => it.add_to(graph, input, at),
            Self::Embedding(it) => it.add_to(graph, input, at),
            Self::SelfAttention(it) => it.add_to(graph, input, at),
            Self::BatchNorm(it) => it.add_to(graph, input, at),
            Self::LayerNorm(it) => it.add_to(graph, input, at),
            Self::GroupNorm(it) => it.add_to(graph, input, at),
            Self::Dropout(it) => it.add_to(graph, input, at),
            Self::Residual(it) => it.add_to(graph, input, at),
            Self::MaxPool(it) => it.add_max_to(graph, input, at),
            Self::AveragePool(it) => it.add_average_to(graph, input, at),
            Self::GlobalAveragePool => to_vector::global_average_pool(graph, input, at),
            Self::Flatten => to_vector::flatten(graph, input, at),
            Self::MeanOverPositions => to_vector::mean_over_positions(graph, input, at),
            Self::LastPosition => to_vector::last_position(graph, input, at),
            Self::Activation(it) => activation::add_to(*it, graph, input, at),
            Self::Scale(it) => it.add_to(graph, input, at),
            Self::Repeat(it) => it.add_to(graph, input, at),
        }
    }
}

/// Adds a layer after the node `input`; the index of its output.
pub(super) fn add(
    layer: &Layer,
    graph: &mut GraphBuilder,
    input: usize,
    at: &LayerPath,
) -> Result<usize, NetworkError> {
    layer.add_to(graph, input, at)
}

/// Adds layers one after the other; `step` says which list of the layer at `at` they are. The index of the last one's output.
pub(super) fn add_all(
    layers: &[Layer],
    graph: &mut GraphBuilder,
    mut input: usize,
    at: &LayerPath,
    step: fn(usize) -> LayerStep,
) -> Result<usize, NetworkError> {
    if at.steps().len() >= Layer::MOST_NESTED {
        return Err(NetworkError {
            at: at.clone(),
            reason: Unbuildable::TooDeep { most: Layer::MOST_NESTED },
        });
    }
    for (index, layer) in layers.iter().enumerate() {
        let at = at.then(step(index));
        if matches!(layer, Layer::Output(_)) && at.steps().len() > 1 {
            return Err(NetworkError { at, reason: Unbuildable::OutputWithin });
        }
        input = layer.add_to(graph, input, &at)?;
    }
    Ok(input)
}
