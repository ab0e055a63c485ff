//! The keys of `stop`.

use super::super::check;
use super::super::error::LocatedError;
use super::super::fields::Fields;
use crate::experiment::series::declared_by;
use crate::experiment::{Recording, StopRule, WatchedSeries};

/// The keys.
pub(super) const KEYS: &[&str] = &[
    "stop.train_loss_below",
    "stop.train_accuracy_above",
    "stop.test_loss_below",
    "stop.test_accuracy_above",
    "stop.gradient_norm_below",
    "stop.no_improvement.of",
    "stop.no_improvement.for",
];

/// The most recorded points without improvement.
const MOST_POINTS: u32 = 1_000_000;

/// Reads what ends the training of this kind before its budget does.
pub(super) fn read(
    fields: &mut Fields<'_>,
    record: Recording,
    kind: &str,
) -> Result<Vec<StopRule>, LocatedError> {
    let records = |of: WatchedSeries| declared_by(kind).any(|it| it.name == of.declaration().name);
    let bounds: [(&'static str, WatchedSeries); 4] = [
        ("stop.train_loss_below", WatchedSeries::TrainLoss),
        ("stop.train_accuracy_above", WatchedSeries::TrainAccuracy),
        ("stop.test_loss_below", WatchedSeries::TestLoss),
        ("stop.test_accuracy_above", WatchedSeries::TestAccuracy),
    ];
    for (key, _) in bounds.iter().filter(|(_, of)| !records(*of)) {
        fields.refuse(key, || format!("looks at a series that {kind} doesn't record"));
    }
    if !record.gradient_norm {
        fields.refuse("stop.gradient_norm_below", || {
            "looks at the gradient norm, which isn't recorded: record = { gradient_norm = true }".to_owned()
        });
    }
    let share = check::number("a number from 0 up to but not including 1", |at| (0.0..1.0).contains(&at));
    let mut rules = Vec::new();
    for (key, of) in bounds.into_iter().filter(|(_, of)| records(*of)) {
        rules.extend(match of {
            WatchedSeries::TrainLoss => {
                fields.take(key, check::positive)?.map(|value| StopRule::TrainLossBelow { value })
            }
            WatchedSeries::TrainAccuracy => {
                fields.take(key, &share)?.map(|value| StopRule::TrainAccuracyAbove { value })
            }
            WatchedSeries::TestLoss => {
                fields.take(key, check::positive)?.map(|value| StopRule::TestLossBelow { value })
            }
            WatchedSeries::TestAccuracy => {
                fields.take(key, &share)?.map(|value| StopRule::TestAccuracyAbove { value })
            }
        });
    }
    if record.gradient_norm {
        let norm = fields.take("stop.gradient_norm_below", check::positive)?;
        rules.extend(norm.map(|value| StopRule::GradientNormBelow { value }));
    }
    rules.extend(no_improvement(fields, records)?);
    Ok(rules)
}

fn no_improvement(
    fields: &mut Fields<'_>,
    records: impl Fn(WatchedSeries) -> bool,
) -> Result<Option<StopRule>, LocatedError> {
    const EXAMPLE: &str = "stop = { no_improvement = { of = \"test_loss\", for = 10 } }";
    let watched = WatchedSeries::ALL.into_iter().filter(|of| records(*of));
    let watched: Vec<_> = watched.map(|of| (of.declaration().name, of)).collect();
    let of = fields.take("stop.no_improvement.of", check::one_of("series", watched))?;
    let points = fields.take("stop.no_improvement.for", check::integer(1..=MOST_POINTS))?;
    match (of, points) {
        (None, None) => Ok(None),
        (Some(of), Some(points)) => Ok(Some(StopRule::NoImprovement { of, points })),
        (Some(_), None) => {
            Err(fields.error("stop.no_improvement", "needs `for`, a number of recorded points").hint(EXAMPLE))
        }
        (None, Some(_)) => Err(fields.error("stop.no_improvement", "needs `of`, a series").hint(EXAMPLE)),
    }
}
