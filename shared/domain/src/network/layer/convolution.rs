//! Convolutions.

use serde::{Deserialize, Serialize};

use super::checks::{at_least_one, product, wrong_input};
use crate::network::error::{NetworkError, Unbuildable};
use crate::network::graph::{ExampleShape, GraphBuilder, NewNode, Operation, WeightAndBias};
use crate::network::initialization::Initialization;
use crate::network::layer_path::LayerPath;
use crate::network::parametrization::Growth;

/// A convolution of an image (LeCun et al. 1989), as the libraries have it: a cross-correlation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Convolution {
    /// Output channels.
    pub outputs: u32,
    /// The kernel's side.
    pub kernel: u32,
    /// The step between windows, in both directions.
    pub stride: u32,
    /// Zeros around the image.
    pub padding: Padding,
    /// Groups of channels that see only each other; they divide inputs and outputs.
    pub groups: u32,
    /// Whether a bias is added.
    pub bias: bool,
    /// Its own initialisation; the network's if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initialization: Option<Initialization>,
}

/// Zeros on each side of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Padding {
    /// (kernel − 1)/2 for an odd kernel: with stride 1 the output has the input's size, with stride s the s-th part, rounded up.
    Same,
    /// So many.
    Pixels(u32),
}

impl Convolution {
    /// The side of a kernel where none is given.
    pub const KERNEL: u32 = 3;

    /// A convolution with stride 1, same padding and a bias.
    pub const fn new(outputs: u32, kernel: u32) -> Self {
        Self {
            outputs,
            kernel,
            stride: 1,
            padding: Padding::Same,
            groups: 1,
            bias: true,
            initialization: None,
        }
    }

    /// The same without a bias.
    #[must_use]
    pub const fn without_bias(self) -> Self {
        Self { bias: false, ..self }
    }

    /// The zeros on each side; none if there can't be a number.
    pub const fn pixels_of_padding(&self) -> Option<u32> {
        match self.padding {
            Padding::Pixels(pixels) => Some(pixels),
            Padding::Same if self.kernel % 2 == 1 => Some((self.kernel - 1) / 2),
            Padding::Same => None,
        }
    }

    pub(super) fn add_to(
        &self,
        graph: &mut GraphBuilder,
        input: usize,
        at: &LayerPath,
    ) -> Result<usize, NetworkError> {
        let refuse = |reason| Err(NetworkError { at: at.clone(), reason });
        let shape = graph.shape(input);
        let ExampleShape::Image { channels, height, width } = shape else {
            return wrong_input("conv", "an image", shape, at);
        };
        let Self { outputs, kernel, stride, groups, bias, .. } = *self;
        at_least_one(outputs, "outputs", at)?;
        at_least_one(kernel, "kernel", at)?;
        at_least_one(stride, "stride", at)?;
        at_least_one(groups, "groups", at)?;
        let Some(padding) = self.pixels_of_padding() else {
            return refuse(Unbuildable::EvenKernel { kernel });
        };
        for (channels, what) in [(channels, "channels"), (outputs, "outputs")] {
            if !channels.is_multiple_of(groups) {
                return refuse(Unbuildable::GroupsDontDivide { groups, channels, what });
            }
        }
        let height = super::pool::windows(height, kernel, stride, padding);
        let width = super::pool::windows(width, kernel, stride, padding);
        let (Some(height), Some(width)) = (height, width) else {
            let ExampleShape::Image { height, width, .. } = shape else { unreachable!("it is an image") };
            let padded = |side: u32| u64::from(side) + 2 * u64::from(padding);
            let (height, width) = (padded(height), padded(width));
            return refuse(Unbuildable::WindowTooLarge { window: kernel, height, width });
        };
        let name = graph.next_name("conv");
        // A group of one channel sees one input however wide the network is.
        let inputs_grow = graph.grows(input) && groups < channels;
        let parameters = graph.weight_and_bias(WeightAndBias {
            name: &name,
            shape: &[outputs, channels / groups, kernel, kernel],
            fan_out: product(&[outputs / groups, kernel, kernel]),
            bias,
            growth: Growth::between(inputs_grow, true),
            initialization: self.initialization,
        });
        graph.push(NewNode {
            name,
            at,
            operation: Operation::Convolution { outputs, kernel, stride, padding, groups, bias },
            inputs: vec![input],
            shape: ExampleShape::Image { channels: outputs, height, width },
            parameters,
            buffers: Vec::new(),
            products: product(&[height, width, outputs, channels / groups, kernel, kernel]),
            grows: true,
        })
    }
}
