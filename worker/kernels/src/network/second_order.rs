//! Products of the Hessian with vectors: the R-operator (Pearlmutter 1994, "Fast exact multiplication by the Hessian").
//!
//! The backward pass is differentiated along a direction of the parameters. What a pass decided, it keeps: a sum that ReLU made zero
//! stays zero, and a window's largest sum stays the one that counts. So the product is exact wherever the loss has a second
//! derivative, which is almost everywhere; no step size enters, and no kink is ever crossed.

use candle_core::{Result, bail};

use super::operation::{Dual, Float, InputTangents, Mode, WantedDuals};
use super::program::{Locked, Program, inputs_of};
use crate::element::Elements;

impl<T: Float> Program<T> {
    /// The product of the Hessian of a loss of the outputs of the last forward pass, an evaluation's, with a `direction`: a part for
    /// each of the program's parameters, in their order. `loss` gives the gradient of the loss in the outputs and its derivative
    /// along the tangent of the outputs that it is told. The product has the same parts.
    ///
    /// # Errors
    /// If there was no such pass, a part hasn't its parameter's size, or the loss can't be differentiated.
    pub fn hessian_vector(
        &mut self,
        direction: &[Vec<T>],
        loss: impl FnOnce(&[T], &[T]) -> Result<Dual<T>>,
    ) -> Result<Vec<Vec<T>>> {
        let (pass, input) = match &self.memory.pass {
            Some((pass, input)) if pass.mode == Mode::Evaluation => (*pass, input),
            _ => bail!("a Hessian is that of a forward pass in evaluation mode"),
        };
        let fits = direction.len() == self.parameters.len()
            && direction.iter().zip(&self.parameters).all(|(part, of)| part.len() == of.elem_count());
        if !fits {
            bail!("a direction has a part for each parameter, of its size");
        }
        let locked = Locked::of(&self.parameters, &self.buffers);
        let values = locked.values()?;
        let elements = Elements::of(input);
        let input = elements.as_slice()?;
        let memory = &self.memory;
        let mut tangents: Vec<Option<Vec<T>>> = Vec::with_capacity(self.nodes.len());
        for (index, node) in self.nodes.iter().enumerate() {
            if !node.is_trained {
                tangents.push(None);
                continue;
            }
            let operands = inputs_of(&self.nodes, node, input, &memory.results[..index], pass.batch);
            let context = values.context(pass, node, &operands);
            let (of_inputs, of_parameters) =
                (input_tangents(&node.inputs, &tangents), parts(&direction[node.parameters.clone()]));
            let moving = InputTangents { inputs: &of_inputs, parameters: &of_parameters };
            let y = &memory.results[index][..pass.batch * node.size];
            let tangent = node.operation.jvp(&context, &memory.kept[index], y, &moving);
            tangents.push(Some(tangent));
        }
        let Some(outputs) = self.outputs() else { bail!("there is no forward pass") };
        let Some(Some(tangent)) = tangents.last() else { bail!("the outputs depend on no parameter") };
        let mut duals: Vec<Option<Dual<T>>> = vec![None; self.nodes.len()];
        let last = self.nodes.len() - 1;
        duals[last] = Some(loss(outputs, tangent)?);
        let mut products: Vec<Vec<T>> =
            self.parameters.iter().map(|parameter| vec![T::default(); parameter.elem_count()]).collect();
        for (index, node) in self.nodes.iter().enumerate().rev() {
            let Some(dual) = duals[index].take() else { continue };
            let operands = inputs_of(&self.nodes, node, input, &memory.results[..index], pass.batch);
            let context = values.context(pass, node, &operands);
            let (of_inputs, of_parameters) =
                (input_tangents(&node.inputs, &tangents), parts(&direction[node.parameters.clone()]));
            let moving = InputTangents { inputs: &of_inputs, parameters: &of_parameters };
            let is_wanted = |&source: &usize| source > 0 && self.nodes[source - 1].is_trained;
            let wanted: Vec<bool> = node.inputs.iter().map(is_wanted).collect();
            let y = &memory.results[index][..pass.batch * node.size];
            let found = node.operation.vjp_jvp(
                &context,
                &memory.kept[index],
                y,
                &moving,
                &dual,
                WantedDuals { inputs: &wanted },
            );
            for (parameter, product) in node.parameters.clone().zip(found.parameters) {
                if let Some(product) = product {
                    products[parameter] = product;
                }
            }
            for ((source, wanted), more) in node.inputs.iter().zip(wanted).zip(found.inputs) {
                if wanted {
                    let before = duals[source - 1].take().unwrap_or_default();
                    duals[source - 1] = Some(Dual {
                        gradient: sum(before.gradient, more.gradient),
                        tangent: sum(before.tangent, more.tangent),
                    });
                }
            }
        }
        Ok(products)
    }
}

fn input_tangents<'a, T>(inputs: &[usize], tangents: &'a [Option<Vec<T>>]) -> Vec<Option<&'a [T]>> {
    inputs.iter().map(|source| tangents[source.checked_sub(1)?].as_deref()).collect()
}

fn parts<T>(direction: &[Vec<T>]) -> Vec<Option<&[T]>> {
    direction.iter().map(|part| Some(part.as_slice())).collect()
}

/// The sum of two vectors that may be missing.
pub(super) fn sum<T: Float>(first: Option<Vec<T>>, second: Option<Vec<T>>) -> Option<Vec<T>> {
    match (first, second) {
        (Some(mut first), Some(second)) => {
            first.iter_mut().zip(second).for_each(|(first, second)| *first += second);
            Some(first)
        }
        (first, second) => first.or(second),
    }
}
