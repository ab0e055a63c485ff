//! Optimisers over parameters in the order of their names.
//!
//! Candle's own keep their moments private and have no momentum; these give their whole state away and take it back, so that
//! a run that goes on from a checkpoint ends with the same bytes as one that was never interrupted. A rule's arithmetic is written once
//! (`rule`); [`Adam`] and [`Sgd`] step tensors by it, and it steps flat vectors too.

mod gradients;
mod parameters;
mod rule;
mod stepped;

pub use gradients::{Gradient, Gradients};
pub use rule::{AdamRule, SgdRule};
pub use stepped::{Adam, Optimizer, Sgd, Stepped};
