//! The keys of `schedule`.

use super::super::check;
use super::super::error::LocatedError;
use super::super::fields::Fields;
use super::training_time;
use crate::experiment::TrainingTime;
use crate::schedule::{
    Anneal, Cosine, InverseSquareRoot, LearningRateSchedule, Linear, OneCycle, Shape, StepDecay,
};

/// The keys of all schedules.
pub(super) const KEYS: &[&str] = &[
    "schedule",
    "schedule.name",
    "schedule.warmup.epochs",
    "schedule.warmup.steps",
    "schedule.final_factor",
    "schedule.milestones.epochs",
    "schedule.milestones.steps",
    "schedule.factor",
    "schedule.peak",
    "schedule.initial_factor",
    "schedule.anneal",
];

/// The most milestones.
const MOST_MILESTONES: usize = 1_000;

/// The keys that belong to some schedules only, with their names.
const OWNERS: [(&str, &[&str]); 9] = [
    ("schedule.warmup.epochs", &["constant", "linear", "cosine", "steps", "inverse-square-root"]),
    ("schedule.warmup.steps", &["constant", "linear", "cosine", "steps", "inverse-square-root"]),
    ("schedule.final_factor", &["linear", "cosine", "one-cycle"]),
    ("schedule.milestones.epochs", &["steps"]),
    ("schedule.milestones.steps", &["steps"]),
    ("schedule.factor", &["steps"]),
    ("schedule.peak", &["one-cycle"]),
    ("schedule.initial_factor", &["one-cycle"]),
    ("schedule.anneal", &["one-cycle"]),
];

/// Reads the schedule of the learning rate.
pub(super) fn read(fields: &mut Fields<'_>) -> Result<LearningRateSchedule, LocatedError> {
    let names = Shape::NAMES.map(|name| (name, name));
    let name = match fields.one_of(&["schedule", "schedule.name"])? {
        Some(key) => fields.take(key, check::one_of("schedule", names))?,
        None => None,
    };
    let name = name.unwrap_or("constant");
    for (key, owners) in OWNERS {
        if !owners.contains(&name) {
            fields
                .refuse(key, || format!("belongs to {}, and the schedule here is {name}", owners.join(", ")));
        }
    }
    let warmup = if name == "one-cycle" {
        None
    } else {
        training_time::time(fields, ["schedule.warmup.epochs", "schedule.warmup.steps"])?
    };
    let shape = match name {
        "linear" => Shape::Linear(Linear { final_factor: final_factor(fields)?.unwrap_or(0.0) }),
        "cosine" => Shape::Cosine(Cosine { final_factor: final_factor(fields)?.unwrap_or(0.0) }),
        "steps" => Shape::Steps(step_decay(fields)?),
        "inverse-square-root" => Shape::InverseSquareRoot(InverseSquareRoot {}),
        "one-cycle" => Shape::OneCycle(one_cycle(fields)?),
        _ => Shape::Constant,
    };
    Ok(LearningRateSchedule { warmup, shape })
}

fn final_factor(fields: &mut Fields<'_>) -> Result<Option<f64>, LocatedError> {
    fields.take("schedule.final_factor", check::share)
}

fn step_decay(fields: &mut Fields<'_>) -> Result<StepDecay, LocatedError> {
    let key = fields.one_of(&["schedule.milestones.epochs", "schedule.milestones.steps"])?;
    let milestones: Vec<TrainingTime> = match key {
        Some("schedule.milestones.epochs") => {
            let epochs = check::list_of(MOST_MILESTONES, check::integer(1..=1_000_000));
            let milestones = fields.take("schedule.milestones.epochs", epochs)?.unwrap_or_default();
            milestones.into_iter().map(TrainingTime::Epochs).collect()
        }
        Some("schedule.milestones.steps") => {
            let steps = check::list_of(MOST_MILESTONES, training_time::steps);
            let milestones = fields.take("schedule.milestones.steps", steps)?.unwrap_or_default();
            milestones.into_iter().map(TrainingTime::Steps).collect()
        }
        _ => {
            return Err(fields.error("schedule", "named steps needs `schedule.milestones`").hint(
                "schedule = { name = \"steps\", milestones = { epochs = [100, 150] }, factor = 0.1 }",
            ));
        }
    };
    // Of one unit, so that it may be any length of an epoch.
    if !milestones.is_sorted_by(|a, b| a.steps(1) < b.steps(1)) {
        return Err(fields.error("schedule.milestones", "must rise from one to the next"));
    }
    Ok(StepDecay { milestones, factor: fields.take("schedule.factor", check::positive)?.unwrap_or(0.1) })
}

fn one_cycle(fields: &mut Fields<'_>) -> Result<OneCycle, LocatedError> {
    let inner = check::number("a number above 0 and below 1", |number| number > 0.0 && number < 1.0);
    let above_zero = check::number("a number above 0 and at most 1", |number| number > 0.0 && number <= 1.0);
    let curves = [("cosine", Anneal::Cosine), ("linear", Anneal::Linear)];
    let initial_factor = fields.take("schedule.initial_factor", above_zero)?.unwrap_or(1.0 / 25.0);
    Ok(OneCycle {
        peak: fields.take("schedule.peak", inner)?.unwrap_or(0.3),
        initial_factor,
        final_factor: final_factor(fields)?.unwrap_or(initial_factor / 1e4),
        anneal: fields.take("schedule.anneal", check::one_of("curve", curves))?.unwrap_or(Anneal::Cosine),
    })
}
