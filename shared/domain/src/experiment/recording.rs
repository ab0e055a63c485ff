//! Recording: what is kept of a run beside its losses.

use serde::{Deserialize, Serialize};

use super::interval::Interval;
use super::series::{names, training};
use crate::metrics::Axis;

/// The choice of what a run records beside its losses. Every field has a default of "off".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Recording {
    /// ‖g‖₂ over all parameters, and the loss of the batch, at every iteration.
    pub gradient_norm: bool,
    /// The flattened weights at initialisation and in these intervals, kept as tensors of the result.
    pub weights_every: Option<Interval>,
    /// How often losses and accuracies are recorded: at the beginning, in these intervals, and at the end.
    #[serde(default, skip_serializing_if = "Interval::is_default")]
    pub every: Interval,
}

impl Recording {
    /// The axis of what is recorded at those points, probes included: epochs, which a budget of steps may end within, or steps where
    /// the points are by steps.
    pub const fn axis(&self) -> Axis {
        if self.every.counts_steps() { Axis::Iteration } else { Axis::Epoch }
    }

    /// The names of the series that these options add.
    pub fn series(&self) -> Vec<&'static str> {
        if self.gradient_norm { names(&[training::BATCH_LOSS, training::GRADIENT_NORM]) } else { Vec::new() }
    }
}
