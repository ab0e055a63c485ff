//! Seeds of single sources of chance, beside the task's.

use serde::{Deserialize, Serialize};

/// The seeds of what training draws; each the task's seed if it is none. That of the noise is part of the data's use
/// ([`crate::data::DataUse::noise_seed`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StreamSeeds {
    /// Of the weights before the first step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initialization: Option<u64>,
    /// Of the order of the examples in each epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<u64>,
    /// Of augmentation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augmentation: Option<u64>,
}

impl StreamSeeds {
    /// Whether all are the task's.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}
