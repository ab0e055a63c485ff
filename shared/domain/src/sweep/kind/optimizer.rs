//! The optimiser's keys.

use super::super::check;
use super::super::error::LocatedError;
use super::super::fields::Fields;
use crate::optimizer::Optimizer;

/// The keys of all optimisers.
pub(super) const KEYS: &[&str] =
    &["optimizer", "learning_rate", "weight_decay", "beta1", "beta2", "epsilon", "momentum"];

/// Adam's step size where none is given: that of its paper.
const ADAM_LEARNING_RATE: f64 = 1e-3;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    Adam,
    Sgd,
}

/// Reads the optimiser.
pub(super) fn read(fields: &mut Fields<'_>) -> Result<Optimizer, LocatedError> {
    let names = [("adam", Name::Adam), ("sgd", Name::Sgd)];
    let name = fields.take("optimizer", check::one_of("optimiser", names))?.unwrap_or(Name::Adam);
    let decay =
        check::number("a number from 0 up to but not including 1", |number| (0.0..1.0).contains(&number));
    let not_negative = check::number("a number not below 0", |number| number >= 0.0);
    let weight_decay = fields.take("weight_decay", not_negative)?.unwrap_or(0.0);
    match name {
        Name::Adam => {
            fields.refuse("momentum", || belongs_to("sgd", "adam"))?;
            Ok(Optimizer::Adam {
                learning_rate: fields.take("learning_rate", check::positive)?.unwrap_or(ADAM_LEARNING_RATE),
                beta1: fields.take("beta1", &decay)?.unwrap_or(0.9),
                beta2: fields.take("beta2", &decay)?.unwrap_or(0.999),
                epsilon: fields.take("epsilon", check::positive)?.unwrap_or(1e-8),
                weight_decay,
            })
        }
        Name::Sgd => {
            for key in ["beta1", "beta2", "epsilon"] {
                fields.refuse(key, || belongs_to("adam", "sgd"))?;
            }
            Ok(Optimizer::Sgd {
                learning_rate: fields.need("learning_rate", "learning_rate = 0.1", check::positive)?,
                momentum: fields.take("momentum", &decay)?.unwrap_or(0.0),
                weight_decay,
            })
        }
    }
}

fn belongs_to(owner: &str, used: &str) -> String {
    format!("belongs to the optimiser {owner}, and the optimiser here is {used}")
}
