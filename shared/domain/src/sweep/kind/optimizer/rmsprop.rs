//! The keys of RMSprop.

use super::super::super::check;
use super::super::super::error::LocatedError;
use super::super::super::fields::Fields;
use super::definition::{RuleKeys, decay, not_negative};
use crate::optimizer::{RmsProp, Rule};

/// The rule.
pub(super) const RULE: RuleKeys =
    RuleKeys { name: "rmsprop", keys: &["rho", "epsilon", "momentum", "centered"], read };

fn read(fields: &mut Fields<'_>) -> Result<Rule, LocatedError> {
    Ok(Rule::RmsProp(RmsProp {
        weight_decay: fields.take("weight_decay", not_negative)?.unwrap_or(0.0),
        learning_rate: fields.take("learning_rate", check::positive)?.unwrap_or(1e-2),
        rho: fields.take("rho", decay)?.unwrap_or(0.99),
        epsilon: fields.take("epsilon", check::positive)?.unwrap_or(1e-8),
        momentum: fields.take("momentum", decay)?.unwrap_or(0.0),
        centered: fields.take("centered", check::boolean)?.unwrap_or(false),
    }))
}
