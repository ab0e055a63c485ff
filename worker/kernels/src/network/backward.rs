//! The backward pass.

use candle_core::{Result, TensorId, Var, bail};

use super::buffer_pool::{Buffer, BufferPool};
use super::operation::{Float, GradientFlow, OfInputs, OpGradients};
use super::operations::chunks::for_each_two;
use super::program::{Locked, Program, inputs_of};
use crate::element::Elements;
use crate::optimizer::{Gradient, Gradients};

/// The gradients that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// That of the network's input.
    pub input: bool,
    /// Those of its parameters.
    pub parameters: bool,
}

impl<T: Float> Program<T> {
    /// Takes the gradients of Σ `gradient`·outputs of the last forward pass: several of them can be taken of one pass. Those of the
    /// parameters stay here ([`Program::parameter_gradient`]); that of the input, `[batch, …]`, is given if it is wanted.
    ///
    /// # Errors
    /// If there was no forward pass, or the gradient isn't of the outputs' size.
    pub fn backward(&mut self, gradient: &[T], wanted: Wanted) -> Result<Option<Vec<T>>> {
        let Some((pass, input)) = self.memory.pass.clone() else {
            bail!("there is no forward pass to go back through")
        };
        let last = self.nodes.len() - 1;
        if gradient.len() != pass.batch * self.nodes[last].size {
            bail!("{} gradients for {} outputs", gradient.len(), pass.batch * self.nodes[last].size);
        }
        let locked = Locked::of(&self.parameters, &self.buffers);
        let values = locked.values()?;
        let elements = Elements::of(&input);
        let input = elements.as_slice()?;
        let memory = &mut self.memory;
        let mut flowing = Flowing { gradients: (0..=self.nodes.len()).map(|_| None).collect() };
        let mut first = memory.pool.take(gradient.len());
        first.copy_from_slice(gradient);
        flowing.gradients[last + 1] = Some(first);
        for (index, node) in self.nodes.iter().enumerate().rev() {
            let Some(mut gradient) = flowing.gradients[index + 1].take() else { continue };
            let is_wanted = |&source: &usize| match source.checked_sub(1) {
                None => wanted.input,
                Some(before) => wanted.input || self.nodes[before].is_trained && wanted.parameters,
            };
            let needed: OfInputs<bool> = node.inputs.iter().map(is_wanted).collect();
            let (before, rest) = memory.results.split_at(index);
            let operands = inputs_of(&self.nodes, node, input, before, pass.batch);
            let context = values.context(pass, node, &operands);
            let (kept, y) = (&memory.kept[index], &rest[0][..pass.batch * node.size]);
            let flow = node.operation.gradient_flow();
            let mut written: OfInputs<Option<Buffer<T>>> = match flow {
                GradientFlow::InPlace => OfInputs::new(),
                GradientFlow::Written => {
                    let sizes = operands.iter().map(|operand| operand.len()).zip(&needed);
                    sizes.map(|(size, needed)| needed.then(|| memory.pool.take(size))).collect()
                }
            };
            let has_wanted = wanted.parameters && !node.parameters.is_empty();
            let of_parameters = has_wanted.then(|| &mut memory.parameter_gradients[node.parameters.clone()]);
            if of_parameters.is_some() || needed.contains(&true) {
                let into = OpGradients {
                    inputs: written.iter_mut().map(Option::as_deref_mut).collect(),
                    parameters: of_parameters,
                };
                node.operation.vjp(&context, kept, y, &mut gradient, into);
            }
            match flow {
                GradientFlow::InPlace => {
                    let takers: OfInputs<usize> = node
                        .inputs
                        .iter()
                        .zip(&needed)
                        .filter(|(_, needed)| **needed)
                        .map(|(input, _)| *input)
                        .collect();
                    let Some((last, others)) = takers.split_last() else {
                        memory.pool.give(gradient);
                        continue;
                    };
                    for taker in others {
                        let mut copy = memory.pool.take(gradient.len());
                        for_each_two(&mut copy, &gradient, <[T]>::copy_from_slice);
                        flowing.deliver(*taker, copy, &mut memory.pool);
                    }
                    flowing.deliver(*last, gradient, &mut memory.pool);
                }
                GradientFlow::Written => {
                    memory.pool.give(gradient);
                    for (source, written) in node.inputs.iter().zip(written) {
                        if let Some(written) = written {
                            flowing.deliver(*source, written, &mut memory.pool);
                        }
                    }
                }
            }
        }
        Ok(flowing.gradients[0].take().filter(|_| wanted.input).map(Buffer::into_vec))
    }

    /// The gradient of a parameter, row-major, from the last backward pass that took those of the parameters.
    pub fn parameter_gradient(&self, parameter: &Var) -> Option<&[T]> {
        let id: TensorId = parameter.id();
        let index = self.parameters.iter().position(|known| known.id() == id)?;
        Some(&self.memory.parameter_gradients[index])
    }

    /// The same, to be changed before a step is taken along it.
    pub fn parameter_gradient_mut(&mut self, parameter: &Var) -> Option<&mut [T]> {
        let id: TensorId = parameter.id();
        let index = self.parameters.iter().position(|known| known.id() == id)?;
        Some(&mut self.memory.parameter_gradients[index])
    }
}

/// Gradients on their way: that of the input, and of each node's result.
struct Flowing<T> {
    gradients: Vec<Option<Buffer<T>>>,
}

impl<T: Float> Flowing<T> {
    /// Adds a gradient to that of its source.
    fn deliver(&mut self, source: usize, gradient: Buffer<T>, pool: &mut BufferPool<T>) {
        match &mut self.gradients[source] {
            Some(sum) => {
                for_each_two(sum, &gradient, |sum, more| {
                    for (sum, more) in sum.iter_mut().zip(more) {
                        *sum += *more;
                    }
                });
                pool.give(gradient);
            }
            empty => *empty = Some(gradient),
        }
    }
}

impl Gradients for Program<f32> {
    fn of(&self, parameter: &Var) -> Option<Gradient<'_>> {
        self.parameter_gradient(parameter).map(Gradient::Elements)
    }
}
