//! Dense layers.

use candle_core::Result;
use candle_nn::{Linear, Module, VarBuilder};

use super::layer::{Layer, Place, function};

/// `x·Wᵀ + b` over the last dimension.
pub(super) fn dense(place: &Place<'_>, has_bias: bool, variables: &VarBuilder<'_>) -> Result<Box<dyn Layer>> {
    let bias = has_bias.then(|| place.parameter(1, variables)).transpose()?;
    let module = Linear::new(place.parameter(0, variables)?, bias);
    Ok(function(move |x| module.forward(&x.contiguous()?)))
}
