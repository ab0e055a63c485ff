//! The keys of stochastic gradient descent.

use super::super::super::check;
use super::super::super::error::LocatedError;
use super::super::super::fields::Fields;
use super::definition::{RuleKeys, decay, not_negative};
use crate::optimizer::{Rule, Sgd};

/// The rule.
pub(super) const RULE: RuleKeys =
    RuleKeys { name: "sgd", keys: &["momentum", "dampening", "nesterov"], read };

fn read(fields: &mut Fields<'_>) -> Result<Rule, LocatedError> {
    let sgd = Sgd {
        weight_decay: fields.take("weight_decay", not_negative)?.unwrap_or(0.0),
        learning_rate: fields.need("learning_rate", "learning_rate = 0.1", check::positive)?,
        momentum: fields.take("momentum", decay)?.unwrap_or(0.0),
        dampening: fields.take("dampening", decay)?.unwrap_or(0.0),
        nesterov: fields.take("nesterov", check::boolean)?.unwrap_or(false),
    };
    if sgd.nesterov && sgd.dampening != 0.0 {
        return Err(fields
            .error("dampening", "has no meaning beside `nesterov = true`")
            .hint("take one of the two out"));
    }
    Ok(Rule::Sgd(sgd))
}
