//! Dense layers.

use candle_core::{Result, Tensor};

/// What follows a dense layer's sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    Identity,
    /// max(0, x).
    Relu,
}

/// A dense layer: `x` `[batch, inputs]`, `weight` `[outputs, inputs]`, `bias` `[outputs]` give `[batch, outputs]`.
pub fn dense(x: &Tensor, weight: &Tensor, bias: &Tensor, activation: Activation) -> Result<Tensor> {
    let y = x.matmul(&weight.t()?)?.broadcast_add(bias)?;
    match activation {
        Activation::Identity => Ok(y),
        Activation::Relu => y.relu(),
    }
}
