//! The keys of Lion.

use super::super::super::check;
use super::super::super::error::LocatedError;
use super::super::super::fields::Fields;
use super::definition::{RuleKeys, decay, not_negative};
use crate::optimizer::{Lion, Rule};

/// The rule.
pub(super) const RULE: RuleKeys = RuleKeys { name: "lion", keys: &["beta1", "beta2"], read };

fn read(fields: &mut Fields<'_>) -> Result<Rule, LocatedError> {
    Ok(Rule::Lion(Lion {
        weight_decay: fields.take("weight_decay", not_negative)?.unwrap_or(0.0),
        learning_rate: fields.take("learning_rate", check::positive)?.unwrap_or(1e-4),
        beta1: fields.take("beta1", decay)?.unwrap_or(0.9),
        beta2: fields.take("beta2", decay)?.unwrap_or(0.99),
    }))
}
