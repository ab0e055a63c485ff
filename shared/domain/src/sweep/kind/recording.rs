//! The keys of `record`.

use super::super::check;
use super::super::error::LocatedError;
use super::super::fields::Fields;
use super::training_time;
use crate::experiment::{RecordedStates, Recording, TrainingTime};

/// The keys of `record`.
pub(super) const KEYS: &[&str] = &[
    "record.gradient_norm",
    "record.weights_every",
    "record.weights_every.epochs",
    "record.weights_every.steps",
    "record.weights_every.log_steps",
    STATES_AT,
    "record.states_every",
    "record.states_every.epochs",
    "record.states_every.steps",
    "record.states_every.log_steps",
    "record.every",
    "record.every.epochs",
    "record.every.steps",
    "record.every.log_steps",
];

const EVERY: [&str; 4] =
    ["record.every", "record.every.epochs", "record.every.steps", "record.every.log_steps"];
const WEIGHTS_EVERY: [&str; 4] = [
    "record.weights_every",
    "record.weights_every.epochs",
    "record.weights_every.steps",
    "record.weights_every.log_steps",
];
const STATES_AT: &str = "record.states_at";
const STATES_EVERY: [&str; 4] = [
    "record.states_every",
    "record.states_every.epochs",
    "record.states_every.steps",
    "record.states_every.log_steps",
];

/// Reads when whole states of training are kept, beside a recording.
pub(super) fn read_states(
    fields: &mut Fields<'_>,
    record: Recording,
) -> Result<Option<RecordedStates>, LocatedError> {
    let every = STATES_EVERY.iter().find(|key| fields.node(key).is_some());
    let (Some(every), Some(_)) = (every, fields.node(STATES_AT)) else {
        let step = check::integer(0..=TrainingTime::MOST_STEPS);
        let listed = fields.take(STATES_AT, check::list_of(RecordedStates::MOST_LISTED, step))?;
        let every = training_time::interval(fields, &STATES_EVERY, Some(record.every))?;
        let listed = listed.map(|mut at| {
            at.sort_unstable();
            at.dedup();
            RecordedStates::Listed { at }
        });
        let states = listed.or(every.map(RecordedStates::Every));
        return Ok(states.filter(|states| !states.is_empty()));
    };
    let message = format!("is given beside `{every}`, and both say when states are kept");
    Err(fields.error(STATES_AT, &message).hint("take one of the two out"))
}

/// Reads what is recorded.
pub(super) fn read(fields: &mut Fields<'_>) -> Result<Recording, LocatedError> {
    let every = training_time::interval(fields, &EVERY, None)?.unwrap_or_default();
    Ok(Recording {
        gradient_norm: fields.take("record.gradient_norm", check::boolean)?.unwrap_or(false),
        weights_every: training_time::interval(fields, &WEIGHTS_EVERY, Some(every))?,
        every,
    })
}
