//! Pruning: which weights a round takes away, and the mask that holds them at zero.
//!
//! Weights that may be taken away are those of kernels and matrices, as `weight_decay_on = "weights"` has them: no biases, and nothing
//! of a normalisation.

mod choice;
mod weight_mask;

pub(crate) use weight_mask::WeightMask;
