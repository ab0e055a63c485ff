//! The keys of Muon.

use super::super::super::check;
use super::super::super::error::LocatedError;
use super::super::super::fields::Fields;
use super::definition::{RuleKeys, decay, not_negative};
use crate::optimizer::{AdamW, Muon, OtherRule, Rule, Sgd};

/// The rule.
pub(super) const RULE: RuleKeys = RuleKeys {
    name: "muon",
    keys: &[
        "momentum",
        "nesterov",
        "newton_schulz_steps",
        "normalized",
        "others.output",
        "others.optimizer",
        "others.learning_rate",
        "others.weight_decay",
        "others.momentum",
        "others.nesterov",
        "others.beta1",
        "others.beta2",
        "others.epsilon",
    ],
    read,
};

#[derive(Clone, Copy)]
enum OtherName {
    AdamW,
    Sgd,
}

/// The defaults are those of its source.
fn read(fields: &mut Fields<'_>) -> Result<Rule, LocatedError> {
    Ok(Rule::Muon(Muon {
        weight_decay: fields.take("weight_decay", not_negative)?.unwrap_or(0.0),
        learning_rate: fields.take("learning_rate", check::positive)?.unwrap_or(0.02),
        momentum: fields.take("momentum", decay)?.unwrap_or(0.95),
        nesterov: fields.take("nesterov", check::boolean)?.unwrap_or(true),
        iterations: fields.take("newton_schulz_steps", check::integer(1..=20))?.unwrap_or(5),
        others: others(fields)?,
        output_by_others: fields.take("others.output", check::boolean)?.unwrap_or(false),
        normalized: fields.take("normalized", check::boolean)?.unwrap_or(false),
    }))
}

/// The rule of parameters that are no matrices.
fn others(fields: &mut Fields<'_>) -> Result<OtherRule, LocatedError> {
    let names = [("adamw", OtherName::AdamW), ("sgd", OtherName::Sgd)];
    let name = fields.take("others.optimizer", check::one_of("optimiser of other parameters", names))?;
    let weight_decay = fields.take("others.weight_decay", not_negative)?.unwrap_or(0.0);
    let belongs_to = |owner: &str, used: &str| {
        format!("belongs to the optimiser {owner}, and that of the other parameters here is {used}")
    };
    match name.unwrap_or(OtherName::AdamW) {
        OtherName::AdamW => {
            for key in ["others.momentum", "others.nesterov"] {
                fields.refuse(key, || belongs_to("sgd", "adamw"));
            }
            Ok(OtherRule::AdamW(AdamW {
                learning_rate: fields.take("others.learning_rate", check::positive)?.unwrap_or(3e-4),
                beta1: fields.take("others.beta1", decay)?.unwrap_or(0.9),
                beta2: fields.take("others.beta2", decay)?.unwrap_or(0.95),
                epsilon: fields.take("others.epsilon", check::positive)?.unwrap_or(1e-10),
                weight_decay,
            }))
        }
        OtherName::Sgd => {
            for key in ["others.beta1", "others.beta2", "others.epsilon"] {
                fields.refuse(key, || belongs_to("adamw", "sgd"));
            }
            let learning_rate =
                fields.need("others.learning_rate", "others.learning_rate = 0.1", check::positive)?;
            let momentum = fields.take("others.momentum", decay)?.unwrap_or(0.0);
            let nesterov = fields.take("others.nesterov", check::boolean)?.unwrap_or(false);
            Ok(OtherRule::Sgd(Sgd { nesterov, ..Sgd::new(learning_rate, momentum, weight_decay) }))
        }
    }
}
