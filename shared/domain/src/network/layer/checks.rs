//! Checks that several layers make.

use crate::network::error::{NetworkError, Unbuildable};
use crate::network::graph::ExampleShape;
use crate::network::layer_path::LayerPath;

/// The error of a layer that doesn't take this input.
pub(super) fn wrong_input<T>(
    layer: &'static str,
    takes: &'static str,
    input: ExampleShape,
    at: &LayerPath,
) -> Result<T, NetworkError> {
    Err(NetworkError { at: at.clone(), reason: Unbuildable::WrongInput { layer, takes, input } })
}

/// Refuses a 0.
pub(super) fn at_least_one(number: u32, what: &'static str, at: &LayerPath) -> Result<(), NetworkError> {
    match number {
        0 => Err(NetworkError { at: at.clone(), reason: Unbuildable::Zero { what } }),
        _ => Ok(()),
    }
}

/// A product of sizes; the greatest number if it doesn't fit.
pub(super) fn product(factors: &[u32]) -> u64 {
    factors.iter().fold(1_u64, |product, &factor| product.saturating_mul(u64::from(factor)))
}
