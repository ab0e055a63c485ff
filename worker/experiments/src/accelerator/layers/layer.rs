//! A layer on a device, where it stands in a graph, and a pass through it.

use std::cell::RefCell;

use basin_domain::network::{ExampleShape, Node};
use candle_core::{Result, Tensor, bail};
use candle_nn::VarBuilder;

/// How a pass goes through a network.
pub(in super::super) enum PassMode {
    /// With the statistics of the batch and the draws of a step, from 0.
    Training { step: u64 },
    /// Each example by itself.
    Evaluation,
}

/// A pass through a network, and what it leaves behind beside its outputs.
pub(in super::super) struct Pass {
    pub(super) mode: PassMode,
    /// Buffers by name with the values that they have after the pass.
    pub(super) updated_buffers: RefCell<Vec<(String, Tensor)>>,
}

impl Pass {
    pub(in super::super) fn new(mode: PassMode) -> Self {
        Self { mode, updated_buffers: RefCell::default() }
    }

    /// The buffers that the pass moves, by name.
    pub(in super::super) fn into_updated_buffers(self) -> Vec<(String, Tensor)> {
        self.updated_buffers.into_inner()
    }
}

/// A layer on a device: its result for a batch of inputs `[batch, …]`.
pub(in super::super) trait Layer: Send {
    fn forward(&self, inputs: &[Tensor], pass: &Pass) -> Result<Tensor>;
}

/// A layer that is the same function of one input in every pass.
struct Function<F>(F);

impl<F: Fn(&Tensor) -> Result<Tensor> + Send> Layer for Function<F> {
    fn forward(&self, inputs: &[Tensor], _: &Pass) -> Result<Tensor> {
        (self.0)(only(inputs)?)
    }
}

pub(super) fn function(of: impl Fn(&Tensor) -> Result<Tensor> + Send + 'static) -> Box<dyn Layer> {
    Box::new(Function(of))
}

/// The input of a layer that has one.
pub(super) fn only(inputs: &[Tensor]) -> Result<&Tensor> {
    match inputs {
        [input] => Ok(input),
        _ => bail!("a layer of one input can't take {}", inputs.len()),
    }
}

/// A node with the shape of its first input.
pub(super) struct Place<'a> {
    pub(super) node: &'a Node,
    pub(super) input: Option<ExampleShape>,
}

impl Place<'_> {
    /// The node's parameter with this index, as a variable.
    pub(super) fn parameter(&self, index: usize, variables: &VarBuilder<'_>) -> Result<Tensor> {
        match self.node.parameters.get(index) {
            Some(spec) => variables.get(dimensions(&spec.shape), &spec.name),
            None => bail!("`{}` has no parameter {index}", self.node.name),
        }
    }

    /// The node's buffer with this index, and its name.
    pub(super) fn buffer(&self, index: usize, variables: &VarBuilder<'_>) -> Result<(String, Tensor)> {
        match self.node.buffers.get(index) {
            Some(spec) => Ok((spec.name.clone(), variables.get(dimensions(&spec.shape), &spec.name)?)),
            None => bail!("`{}` has no buffer {index}", self.node.name),
        }
    }

    /// `[height, width]` of an input that must be an image.
    pub(super) fn image(&self) -> Result<[usize; 2]> {
        match self.input {
            Some(ExampleShape::Image { height, width, .. }) => Ok([height as usize, width as usize]),
            other => bail!("`{}` takes an image, not {other:?}", self.node.name),
        }
    }
}

fn dimensions(shape: &[u32]) -> Vec<usize> {
    shape.iter().map(|&length| length as usize).collect()
}
