//! The parameters that weight decay covers.

use serde::{Deserialize, Serialize};

/// The parameters that weight decay covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WeightDecayOn {
    /// All of them.
    #[default]
    All,
    /// Weights alone: not the parameters of one dimension, which are biases and the scales and shifts of normalisation.
    Weights,
}

impl WeightDecayOn {
    /// The choices, as the sweep file spells them.
    pub const ALL: [(&'static str, Self); 2] = [("all", Self::All), ("weights", Self::Weights)];

    /// Whether it covers all parameters.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
    pub(super) fn is_all(&self) -> bool {
        *self == Self::All
    }
}
