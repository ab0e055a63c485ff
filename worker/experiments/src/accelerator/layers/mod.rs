//! A network's graph as modules of Candle: a file a family of layers.
//!
//! Modules of `candle-nn` are used where their definition and their gradient are ours; where they aren't, a layer is a composition of
//! operations whose gradients are. Which is which, and why: `docs/decisions/0038-what-runs-where.md`. Gradients are Candle's automatic ones,
//! so that nothing of the processor's way back is written a second time: the two are held against each other.

pub(super) mod activation;
mod attention;
mod convolution;
mod dense;
mod dropout;
mod embedding;
mod fused_block;
mod layer;
mod normalisation;
mod pool;
mod reshaping;
mod windows;

use basin_domain::network::{Graph, Operation};
use candle_core::{Result, Tensor, bail};
use candle_nn::VarBuilder;

pub(super) use layer::{Layer, Pass, PassMode};
use layer::{Place, function};

/// A network with its variables on a device.
pub(super) struct GraphNetwork {
    layers: Vec<PlacedLayer>,
}

struct PlacedLayer {
    layer: Box<dyn Layer>,
    /// The layers whose results it takes; the first is the network's input.
    inputs: Vec<usize>,
    /// The results that nobody takes after it.
    last_of: Vec<usize>,
}

impl GraphNetwork {
    /// The network of a graph, whose parameters and buffers lie in `variables` under their names; it reads them anew in each pass. Draws
    /// are keyed by `seed`.
    pub(super) fn new(graph: &Graph, seed: u64, variables: &VarBuilder<'_>) -> Result<Self> {
        let mut layers = Vec::with_capacity(graph.nodes().len());
        let mut last_reader = vec![0; graph.nodes().len()];
        for (index, node) in graph.nodes().iter().enumerate() {
            let place = Place { node, input: node.inputs.first().map(|&input| graph.nodes()[input].shape) };
            let layer = layer(&place, seed, variables)?;
            node.inputs.iter().for_each(|&input| last_reader[input] = index);
            layers.push(PlacedLayer { layer, inputs: node.inputs.clone(), last_of: Vec::new() });
        }
        for (index, reader) in last_reader.into_iter().enumerate().filter(|(_, reader)| *reader > 0) {
            layers[reader].last_of.push(index);
        }
        Ok(Self { layers })
    }

    /// The outputs `[batch, outputs]` for inputs `[batch, …]` of the graph's shape; tokens are `u32`.
    pub(super) fn forward(&self, inputs: &Tensor, pass: &Pass) -> Result<Tensor> {
        let mut results: Vec<Option<Tensor>> = vec![None; self.layers.len()];
        for (index, placed) in self.layers.iter().enumerate() {
            let of = |&input: &usize| match &results[input] {
                Some(result) => Ok(result.clone()),
                None => bail!("layer {index} takes the result of {input}, which isn't there"),
            };
            let taken: Vec<Tensor> = if index == 0 {
                vec![inputs.clone()]
            } else {
                placed.inputs.iter().map(of).collect::<Result<_>>()?
            };
            let result = placed.layer.forward(&taken, pass)?;
            for &input in &placed.last_of {
                results[input] = None;
            }
            results[index] = Some(result);
        }
        match results.pop() {
            Some(Some(outputs)) => Ok(outputs),
            _ => bail!("the network has no layer"),
        }
    }
}

/// The layer of a node.
fn layer(place: &Place<'_>, seed: u64, variables: &VarBuilder<'_>) -> Result<Box<dyn Layer>> {
    match place.node.operation {
        Operation::Input => Ok(function(|input| Ok(input.clone()))),
        Operation::Convolution { kernel, stride, padding, groups, bias, .. } => {
            let geometry = convolution::Geometry { kernel, stride, padding, groups };
            convolution::convolution(place, geometry, bias, variables)
        }
        Operation::PatchWhitening { kernel, .. } => convolution::fixed(place, kernel, variables),
        Operation::ConvReluPool { kernel, .. } => fused_block::fused_block(place, kernel, variables),
        Operation::Dense { bias, .. } => dense::dense(place, bias, variables),
        Operation::Embedding { learned_positions, .. } => {
            embedding::embedding(place, learned_positions, variables)
        }
        Operation::Attention { heads, causal, scale } => {
            Ok(attention::attention(heads as usize, causal, scale))
        }
        Operation::BatchNorm { epsilon, momentum, scale } => {
            normalisation::batch_norm(place, [epsilon, momentum], scale, variables)
        }
        Operation::LayerNorm { epsilon } => normalisation::layer_norm(place, epsilon, variables),
        Operation::GroupNorm { groups, epsilon } => {
            normalisation::group_norm(place, groups as usize, epsilon, variables)
        }
        Operation::Dropout { probability } => Ok(dropout::dropout(place.node, probability, seed)),
        Operation::Activation(of) => Ok(activation::activation(of)),
        Operation::MaxPool { side, stride, padding } => {
            pool::max_pool(place.image()?, [side, stride, padding], variables.device())
        }
        Operation::AveragePool { side, stride, padding } => {
            pool::average_pool(place.image()?, [side, stride, padding], variables.device())
        }
        Operation::GlobalAveragePool => Ok(pool::global_average_pool()),
        Operation::Flatten => Ok(reshaping::flatten()),
        Operation::MeanOverPositions => Ok(reshaping::mean_over_positions()),
        Operation::LastPosition => Ok(reshaping::last_position()),
        Operation::Add => Ok(reshaping::add()),
        Operation::PadChannels { stride, before, after } => {
            let channels = [before as usize, after as usize];
            reshaping::pad_channels(place.image()?, stride as usize, channels, variables.device())
        }
        Operation::Scale { factor } => Ok(reshaping::scale(factor)),
    }
}
