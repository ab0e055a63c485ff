//! The optimiser's keys: a file a rule, and one for what is done around a rule's steps.

use super::super::check;
use super::super::error::LocatedError;
use super::super::fields::Fields;
use crate::optimizer::{Clipping, Optimizer, WeightDecayOn};

mod adam;
mod adamw;
mod around;
mod definition;
mod lion;
mod muon;
mod rmsprop;
mod sgd;

pub(super) use around::{AROUND_KEYS, read_with_around};
use definition::RuleKeys;

/// All rules; the first is the one where none is named.
const RULES: [RuleKeys; 6] = [adam::RULE, sgd::RULE, adamw::RULE, rmsprop::RULE, lion::RULE, muon::RULE];

/// The keys of all optimisers.
pub(super) const KEYS: &[&str] = &[
    "optimizer",
    "learning_rate",
    "weight_decay",
    "beta1",
    "beta2",
    "epsilon",
    "momentum",
    "weight_decay_on",
    "clip_norm",
    "clip_value",
    "dampening",
    "nesterov",
    "rho",
    "centered",
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
];

/// Reads the optimiser.
pub(super) fn read(fields: &mut Fields<'_>) -> Result<Optimizer, LocatedError> {
    let places: [(&str, usize); RULES.len()] = std::array::from_fn(|place| (RULES[place].name, place));
    let place = fields.take("optimizer", check::one_of("optimiser", places))?.unwrap_or(0);
    let own = &RULES[place];
    for key in RULES.iter().flat_map(|rule| rule.keys).filter(|key| !own.keys.contains(*key)) {
        fields.refuse(key, || belongs_to_others(key, own.name));
    }
    let rule = (own.read)(fields)?;
    let on = fields.take("weight_decay_on", check::one_of("choice of parameters", WeightDecayOn::ALL))?;
    let clipping = clipping(fields)?;
    Ok(Optimizer { weight_decay_on: on.unwrap_or_default(), clipping, ..Optimizer::new(rule) })
}

fn clipping(fields: &mut Fields<'_>) -> Result<Option<Clipping>, LocatedError> {
    let norm = fields.take("clip_norm", check::positive)?;
    let value = fields.take("clip_value", check::positive)?;
    match (norm, value) {
        (Some(_), Some(_)) => Err(fields
            .error("clip_value", "is given beside `clip_norm`")
            .hint("a gradient is bounded by its norm or by its elements' values: take one of the two out")),
        (Some(bound), None) => Ok(Some(Clipping::Norm { bound })),
        (None, Some(bound)) => Ok(Some(Clipping::Value { bound })),
        (None, None) => Ok(None),
    }
}

/// The reason why `key` has no meaning for the optimiser that is `used`.
fn belongs_to_others(key: &str, used: &str) -> String {
    let owners: Vec<&str> =
        RULES.iter().filter(|rule| rule.keys.contains(&key)).map(|rule| rule.name).collect();
    let owners = match owners.as_slice() {
        [] => String::new(),
        [owner] => format!("optimiser {owner}"),
        [first @ .., last] => format!("optimisers {} and {last}", first.join(", ")),
    };
    format!("belongs to the {owners}, and the optimiser here is {used}")
}
