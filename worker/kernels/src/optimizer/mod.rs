//! Optimisers over parameters in the order of their names.
//!
//! Candle's own keep their moments private and have no momentum; these give their whole state away and take it back, so that
//! a run that goes on from a checkpoint ends with the same bytes as one that was never interrupted. A rule's arithmetic is written once,
//! a file a rule; [`Stepped`] steps tensors of the processor by it, it steps flat vectors, and [`Rule::step_tensors`] those of any device.

mod adam;
mod clipping;
mod elementwise;
mod gradients;
mod lion;
mod mask;
mod muon;
mod number;
mod parameters;
mod perturbation;
mod rms_prop;
mod rule;
mod sgd;
mod stepped;

pub use adam::AdamRule;
pub use clipping::{BoundedGradients, Clipping, ElementBound};
pub use gradients::{Gradient, Gradients};
pub use lion::LionRule;
pub use mask::Mask;
pub use muon::MuonRule;
pub use perturbation::{Perturbation, UnperturbedWeights};
pub use rms_prop::RmsPropRule;
pub use rule::{ParameterOptions, Rule, StepAt, WeightDecayOn};
pub use sgd::SgdRule;
pub use stepped::{Adam, Optimizer, Sgd, Stepped};
