//! Stacks of convolutions and dense layers, in a few numbers.

use serde::{Deserialize, Serialize};

use super::activation::Activation;
use super::graph::{ExampleShape, Graph, GraphBuilder};
use super::initialization::Initialization;
use super::layer::{self, ConvReluPool, Dense, Layer, Output};
use super::{LayerPath, LayerStep, NetworkError};

/// A network of convolutions and dense layers: for each entry of `conv` a same-padded convolution, ReLU and a 2×2 max
/// pool (a side halves, rounding down); then a dense layer with ReLU for each entry of `dense`; then the classes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConvNet {
    /// Output channels of each convolution; none makes a dense network.
    pub conv: Vec<u32>,
    /// The side of every convolution's kernel; odd.
    pub kernel: u32,
    /// Widths of the hidden dense layers.
    pub dense: Vec<u32>,
}

impl ConvNet {
    /// The side of the kernels where none is given.
    pub const KERNEL: u32 = 3;

    /// A network of dense layers with ReLU between them.
    pub fn of_dense(dense: &[u32]) -> Self {
        Self { conv: Vec::new(), kernel: Self::KERNEL, dense: dense.to_vec() }
    }

    /// The same network as a list of layers.
    pub fn layers(&self) -> Vec<Layer> {
        self.located_layers().into_iter().map(|(_, layer)| layer).collect()
    }

    /// The network that these layers are, if they are one, with PyTorch's initialisation.
    pub fn of_layers(layers: &[Layer]) -> Option<Self> {
        let convolutions = layers.iter().take_while(|layer| matches!(layer, Layer::ConvReluPool(_))).count();
        let (convolutions, rest) = layers.split_at(convolutions);
        let mut net = Self::of_dense(&[]);
        for layer in convolutions {
            let Layer::ConvReluPool(ConvReluPool { outputs, kernel, initialization: None }) = layer else {
                return None;
            };
            if !net.conv.is_empty() && net.kernel != *kernel {
                return None;
            }
            net.kernel = *kernel;
            net.conv.push(*outputs);
        }
        let (Layer::Output(output), hidden) = rest.split_last()? else { return None };
        if *output != Output::default() {
            return None;
        }
        for pair in hidden.chunks(2) {
            let [Layer::Dense(dense), Layer::Activation(Activation::Relu)] = pair else { return None };
            if *dense != Dense::new(dense.outputs) {
                return None;
            }
            net.dense.push(dense.outputs);
        }
        Some(net)
    }

    /// The graph of the network.
    ///
    /// # Errors
    /// If there is no such network for this input.
    pub fn graph(&self, input: &ExampleShape, outputs: u32) -> Result<Graph, NetworkError> {
        let mut graph = GraphBuilder::new(*input, outputs, Initialization::default(), None);
        let mut last = 0;
        for (at, layer) in self.located_layers() {
            last = layer::add(&layer, &mut graph, last, &LayerPath::default().then(at))?;
        }
        Ok(graph.finish())
    }

    /// The number of trainable parameters for images of `[channels, side, side]` and this many classes; 0 if there is no such network.
    pub fn parameter_count(&self, channels: u32, side: u32, classes: u32) -> u64 {
        let image = ExampleShape::Image { channels, height: side, width: side };
        self.graph(&image, classes).map_or(0, |graph| graph.parameter_count())
    }

    fn located_layers(&self) -> Vec<(LayerStep, Layer)> {
        let mut layers = Vec::with_capacity(self.conv.len() + 2 * self.dense.len() + 1);
        for (index, &outputs) in self.conv.iter().enumerate() {
            let block = ConvReluPool { outputs, kernel: self.kernel, initialization: None };
            layers.push((LayerStep::Conv(index), Layer::ConvReluPool(block)));
        }
        for (index, &outputs) in self.dense.iter().enumerate() {
            layers.push((LayerStep::Dense(index), Layer::Dense(Dense::new(outputs))));
            layers.push((LayerStep::Dense(index), Layer::Activation(Activation::Relu)));
        }
        layers.push((LayerStep::Output, Layer::Output(Output::default())));
        layers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_counted_as_the_layers_have_them() {
        let net = ConvNet { conv: vec![8, 16], kernel: 3, dense: vec![32] };
        let convolutions = (3 * 9 + 1) * 8 + (8 * 9 + 1) * 16;
        let dense = (16 * 8 * 8 + 1) * 32 + 33 * 10;
        assert_eq!(net.parameter_count(3, 32, 10), convolutions + dense);
    }
}
