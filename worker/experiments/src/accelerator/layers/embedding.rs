//! Embeddings of tokens.

use candle_core::Result;
use candle_nn::{Embedding, Module, VarBuilder};

use super::layer::{Layer, Place, function};

/// The row of each token plus, if positions are learned, that of its position: `[batch, positions]` of `u32` to
/// `[batch, positions, width]`.
pub(super) fn embedding(
    place: &Place<'_>,
    has_positions: bool,
    variables: &VarBuilder<'_>,
) -> Result<Box<dyn Layer>> {
    let weight = place.parameter(0, variables)?;
    let width = weight.dims2()?.1;
    let module = Embedding::new(weight, width);
    let positions = has_positions.then(|| place.parameter(1, variables)).transpose()?;
    Ok(function(move |tokens| {
        let rows = module.forward(tokens)?;
        match &positions {
            None => Ok(rows),
            Some(positions) => rows.broadcast_add(positions),
        }
    }))
}
