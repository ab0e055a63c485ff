//! Keys that say how long something takes, or how often it happens: in epochs or in steps.

use super::super::check;
use super::super::error::LocatedError;
use super::super::fields::Fields;
use super::super::toml_value::{Node, TomlValue};
use crate::experiment::{Interval, TrainingTime};

/// The most epochs of anything.
const MOST_EPOCHS: u32 = 1_000_000;

/// The keys of the budget, of which exactly one is given.
pub(super) const BUDGET: &[&str] = &["epochs", "steps"];

/// Reads how long a run trains.
pub(super) fn budget(fields: &mut Fields<'_>) -> Result<TrainingTime, LocatedError> {
    match fields.one_of(BUDGET)? {
        Some("steps") => Ok(TrainingTime::Steps(fields.need("steps", "steps = 1000", steps)?)),
        _ => {
            let epochs = fields.need("epochs", "epochs = 10", check::integer(1..=MOST_EPOCHS))?;
            Ok(TrainingTime::Epochs(epochs))
        }
    }
}

/// Reads an amount of training under two keys, of epochs and of steps; none if neither is given.
pub(super) fn time(
    fields: &mut Fields<'_>,
    [in_epochs, in_steps]: [&'static str; 2],
) -> Result<Option<TrainingTime>, LocatedError> {
    match fields.one_of(&[in_epochs, in_steps])? {
        Some(key) if key == in_epochs => {
            let epochs = fields.take(key, check::integer(1..=MOST_EPOCHS))?;
            Ok(epochs.map(TrainingTime::Epochs))
        }
        Some(key) => Ok(fields.take(key, steps)?.map(TrainingTime::Steps)),
        None => Ok(None),
    }
}

/// Reads how often something happens, under four keys: of epochs or a word, of epochs, of steps, of logarithmically spaced steps. The
/// word `"recorded"` means as often as losses are `recorded`, where that may be said.
pub(super) fn interval(
    fields: &mut Fields<'_>,
    [short, in_epochs, in_steps, log_steps]: &[&'static str; 4],
    recorded: Option<Interval>,
) -> Result<Option<Interval>, LocatedError> {
    let epochs = check::integer(1..=MOST_EPOCHS);
    match fields.one_of(&[short, in_epochs, in_steps, log_steps])? {
        Some(key) if key == *in_epochs => Ok(fields.take(in_epochs, epochs)?.map(Interval::Epochs)),
        Some(key) if key == *in_steps => {
            Ok(fields.take(in_steps, steps)?.map(|steps| Interval::Steps { steps }))
        }
        Some(key) if key == *log_steps => {
            let count = fields.take(log_steps, check::integer(1..=Interval::MOST_LOG_STEPS))?;
            Ok(count.map(|log_steps| Interval::LogSteps { log_steps }))
        }
        Some(_) => fields.take(short, |subject: &str, node: &Node| match (&node.value, recorded) {
            (TomlValue::Text(word), Some(recorded)) if word == "recorded" => Ok(recorded),
            _ => epochs(subject, node).map(Interval::Epochs).map_err(|error| {
                let word = if recorded.is_some() { ", \"recorded\"" } else { "" };
                error.hint(format!("{short} = 2 is every other epoch; others are {{ steps = 100 }}, {{ log_steps = 20 }}{word}"))
            }),
        }),
        None => Ok(None),
    }
}

/// A number of steps.
pub(super) fn steps(subject: &str, node: &Node) -> Result<u64, LocatedError> {
    check::integer(1..=TrainingTime::MOST_STEPS)(subject, node)
}
