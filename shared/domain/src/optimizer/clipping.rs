//! Bounds on gradients.

use serde::{Deserialize, Serialize};

/// A bound on the gradients that a step takes. The recorded norm is that before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Clipping {
    /// Gradients are scaled by min(1, bound / (‖g‖₂ + 1e-6)), the norm being that over all parameters (Pascanu et al. 2013, arXiv 1211.5063;
    /// PyTorch's `clip_grad_norm_`).
    Norm {
        /// The largest norm, above zero.
        bound: f64,
    },
    /// Each element is brought into [−bound, bound].
    Value {
        /// The largest size of an element, above zero.
        bound: f64,
    },
}
