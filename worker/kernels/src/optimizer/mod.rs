//! Optimisers over parameters in the order of their names.
//!
//! Candle's own keep their moments private and have no momentum; these give their whole state away and take it back, so that
//! a run that goes on from a checkpoint ends with the same bytes as one that was never interrupted.

mod adam;
mod gradients;
mod parameters;
mod sgd;

use std::collections::BTreeMap;

use candle_core::{Result, Tensor};

pub use adam::Adam;
pub use gradients::{Gradient, Gradients};
pub use sgd::Sgd;

/// An optimiser that holds its parameters and steps them in place.
pub trait Optimizer: Send {
    /// One step for all parameters. Each must have a gradient; without, the step is refused and nothing changes.
    fn step(&mut self, gradients: &dyn Gradients) -> Result<()>;

    /// Steps done so far.
    fn steps(&self) -> u64;

    /// Everything beside parameters and the number of steps that the next step depends on, as `<kind>/<parameter>`.
    fn state(&self) -> Result<BTreeMap<String, Tensor>>;

    /// Goes on from a state of [`Optimizer::state`] after `steps` steps.
    fn restore(&mut self, steps: u64, state: &BTreeMap<String, Tensor>) -> Result<()>;

    /// Changes the step size from the next step on.
    fn set_learning_rate(&mut self, learning_rate: f64);
}
