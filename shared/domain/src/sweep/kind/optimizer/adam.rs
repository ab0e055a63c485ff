//! The keys of Adam.

use super::super::super::check;
use super::super::super::error::LocatedError;
use super::super::super::fields::Fields;
use super::definition::{RuleKeys, decay, not_negative};
use crate::optimizer::{Adam, Rule};

/// The step size where none is given: that of its paper.
const LEARNING_RATE: f64 = 1e-3;

/// The rule.
pub(super) const RULE: RuleKeys = RuleKeys { name: "adam", keys: &["beta1", "beta2", "epsilon"], read };

fn read(fields: &mut Fields<'_>) -> Result<Rule, LocatedError> {
    let default = Adam::new(LEARNING_RATE);
    Ok(Rule::Adam(Adam {
        weight_decay: fields.take("weight_decay", not_negative)?.unwrap_or(default.weight_decay),
        learning_rate: fields.take("learning_rate", check::positive)?.unwrap_or(default.learning_rate),
        beta1: fields.take("beta1", decay)?.unwrap_or(default.beta1),
        beta2: fields.take("beta2", decay)?.unwrap_or(default.beta2),
        epsilon: fields.take("epsilon", check::positive)?.unwrap_or(default.epsilon),
    }))
}
