//! Recording: what is kept of a run beside its losses.

use serde::{Deserialize, Serialize};

use super::series::{names, training};

/// The choice of what a run records beside its losses. Every field has a default of "off".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Recording {
    /// ‖g‖₂ over all parameters, and the loss of the batch, at every iteration.
    pub gradient_norm: bool,
    /// The flattened weights at initialisation and every so many epochs, kept as tensors of the result.
    pub weights_every: Option<u32>,
}

impl Recording {
    /// The names of the series that these options add.
    pub fn series(&self) -> Vec<&'static str> {
        if self.gradient_norm { names(&[training::BATCH_LOSS, training::GRADIENT_NORM]) } else { Vec::new() }
    }
}
