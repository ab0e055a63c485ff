//! The rules.

use serde::{Deserialize, Serialize};

use super::{Adam, AdamW, Lion, Muon, OtherRule, RmsProp, Sgd};

/// A rule with its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum Rule {
    /// Adam.
    Adam(Adam),
    /// Stochastic gradient descent.
    Sgd(Sgd),
    /// Adam with decoupled weight decay.
    #[serde(rename = "adamw")]
    AdamW(AdamW),
    /// RMSprop.
    #[serde(rename = "rmsprop")]
    RmsProp(RmsProp),
    /// Lion.
    Lion(Lion),
    /// Muon.
    Muon(Muon),
}

impl Rule {
    /// The name, as the sweep file spells it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Adam(_) => "adam",
            Self::Sgd(_) => "sgd",
            Self::AdamW(_) => "adamw",
            Self::RmsProp(_) => "rmsprop",
            Self::Lion(_) => "lion",
            Self::Muon(_) => "muon",
        }
    }

    /// The step size.
    pub const fn learning_rate(&self) -> f64 {
        match self {
            Self::Adam(it) => it.learning_rate,
            Self::Sgd(it) => it.learning_rate,
            Self::AdamW(it) => it.learning_rate,
            Self::RmsProp(it) => it.learning_rate,
            Self::Lion(it) => it.learning_rate,
            Self::Muon(it) => it.learning_rate,
        }
    }

    /// Whether any weight decays.
    pub fn has_weight_decay(&self) -> bool {
        let decays = match self {
            Self::Adam(it) => it.weight_decay,
            Self::Sgd(it) => it.weight_decay,
            Self::AdamW(it) => it.weight_decay,
            Self::RmsProp(it) => it.weight_decay,
            Self::Lion(it) => it.weight_decay,
            // Its matrices are covered in any case.
            Self::Muon(Muon { others: OtherRule::AdamW(AdamW { weight_decay, .. }), .. })
            | Self::Muon(Muon { others: OtherRule::Sgd(Sgd { weight_decay, .. }), .. }) => *weight_decay,
        };
        decays != 0.0
    }

    /// The same steps in one form.
    pub(super) fn make_canonical(&mut self) {
        match self {
            Self::Sgd(sgd) => sgd.make_canonical(),
            Self::Muon(Muon { others: OtherRule::Sgd(sgd), .. }) => sgd.make_canonical(),
            // Without decay it is Adam to the last bit.
            Self::AdamW(AdamW { learning_rate, beta1, beta2, epsilon, weight_decay: 0.0 }) => {
                let (learning_rate, beta1, beta2, epsilon) = (*learning_rate, *beta1, *beta2, *epsilon);
                *self = Self::Adam(Adam { learning_rate, beta1, beta2, epsilon, weight_decay: 0.0 });
            }
            Self::Adam(_) | Self::AdamW(_) | Self::RmsProp(_) | Self::Lion(_) | Self::Muon(_) => {}
        }
    }
}
