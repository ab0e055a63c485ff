//! Products of a Hessian with vectors: the R-operator (Pearlmutter 1994, "Fast exact multiplication by the Hessian").
//!
//! The backward pass through a network is differentiated along a direction of its variables. What a pass decided, it keeps: a sum
//! that ReLU made zero stays zero, and a window's largest sum stays the one that counts. So the product is exact wherever the
//! loss has a second derivative, which is almost everywhere; no step size enters, and no kink is ever crossed.

use std::collections::HashMap;

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, TensorId, bail};

use crate::backprop::{empty_store, tape_to};
use crate::second_order::{Dual, OpContext};

/// The product of the Hessian of a scalar `loss` with a vector, in the variables on which the loss depends.
///
/// `direction` has the vector's part of each variable, of the variable's shape; parts that are left out are zero. The product is
/// found under the same variables.
///
/// # Errors
/// If an operation between the variables and the loss isn't one of this crate, applied on this thread.
pub fn hessian_vector<'a>(
    loss: &Tensor,
    direction: impl IntoIterator<Item = (&'a Tensor, Tensor)>,
) -> Result<GradStore> {
    let Some(steps) = tape_to(loss) else {
        bail!("a Hessian is that of operations of this crate alone, applied on this thread");
    };
    let mut tangents: HashMap<TensorId, Tensor> = HashMap::new();
    for (variable, part) in direction {
        if variable.shape() != part.shape() {
            bail!("hessian_vector: a direction {:?} of a variable {:?}", part.shape(), variable.shape());
        }
        tangents.insert(variable.id(), part.contiguous()?);
    }
    let mut passes = Vec::with_capacity(steps.len());
    for (result, step) in steps.iter().rev() {
        let along: Vec<Option<Tensor>> =
            step.inputs.iter().map(|input| tangents.get(&input.id()).cloned()).collect();
        if along.iter().any(Option::is_some) {
            let context = OpContext { inputs: &step.inputs, result, tangents: &along };
            tangents.insert(result.id(), step.jvp(&context)?);
        }
        passes.push(along);
    }
    let mut duals = HashMap::from([(loss.id(), Dual { gradient: Some(loss.ones_like()?), tangent: None })]);
    let mut products = empty_store()?;
    for ((result, step), along) in steps.iter().zip(passes.iter().rev()) {
        let Some(pair) = duals.remove(&result.id()) else { continue };
        let context = OpContext { inputs: &step.inputs, result, tangents: along };
        for (input, found) in step.inputs.iter().zip(step.vjp_jvp(&context, &pair)?) {
            if input.is_variable() {
                let before = products.remove(input);
                if let Some(product) = sum(before, found.tangent)? {
                    products.insert(input, product);
                }
            } else if input.track_op() {
                let before = duals.remove(&input.id()).unwrap_or_default();
                let gradient = sum(before.gradient, found.gradient)?;
                let tangent = sum(before.tangent, found.tangent)?;
                duals.insert(input.id(), Dual { gradient, tangent });
            }
        }
    }
    Ok(products)
}

fn sum(before: Option<Tensor>, more: Option<Tensor>) -> Result<Option<Tensor>> {
    Ok(match (before, more) {
        (Some(before), Some(more)) => Some((before + more)?),
        (before, more) => before.or(more),
    })
}
