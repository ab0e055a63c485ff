//! The optimisers and their parameters, a file a rule.

use serde::{Deserialize, Serialize};

mod adam;
mod average;
mod clipping;
mod lion;
mod muon;
mod rms_prop;
mod rule;
mod sam;
mod sgd;
mod weight_decay_on;

pub use adam::{Adam, AdamW};
pub use average::WeightAverage;
pub use clipping::Clipping;
pub use lion::Lion;
pub use muon::{Muon, OtherRule};
pub use rms_prop::RmsProp;
pub use rule::Rule;
pub use sam::Sam;
pub use sgd::Sgd;
pub use weight_decay_on::WeightDecayOn;

/// An optimiser: a rule, and what is done around each of its steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Optimizer {
    /// The rule with its parameters.
    #[serde(flatten)]
    pub rule: Rule,
    /// The parameters that weight decay covers.
    #[serde(default, skip_serializing_if = "WeightDecayOn::is_all")]
    pub weight_decay_on: WeightDecayOn,
    /// The bound on gradients, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clipping: Option<Clipping>,
    /// Sharpness-aware minimisation around the rule, if it is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sam: Option<Sam>,
    /// The average of weights that is kept beside them, if one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average: Option<WeightAverage>,
}

impl Optimizer {
    /// This rule with nothing around it.
    pub const fn new(rule: Rule) -> Self {
        Self { rule, weight_decay_on: WeightDecayOn::All, clipping: None, sam: None, average: None }
    }

    /// Adam with the defaults of its paper and this step size.
    pub const fn adam(learning_rate: f64) -> Self {
        Self::new(Rule::Adam(Adam::new(learning_rate)))
    }

    /// Stochastic gradient descent without dampening and without Nesterov's look ahead.
    pub const fn sgd(learning_rate: f64, momentum: f64, weight_decay: f64) -> Self {
        Self::new(Rule::Sgd(Sgd::new(learning_rate, momentum, weight_decay)))
    }

    /// The step size.
    pub const fn learning_rate(&self) -> f64 {
        self.rule.learning_rate()
    }

    /// The same steps in one form: settings that change nothing have the value that is not written.
    pub(crate) fn make_canonical(&mut self) {
        self.rule.make_canonical();
        if !self.rule.has_weight_decay() {
            self.weight_decay_on = WeightDecayOn::All;
        }
    }
}
