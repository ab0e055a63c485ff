//! The keys of the loss.

use super::super::check;
use super::super::error::LocatedError;
use super::super::fields::Fields;
use crate::experiment::{ClassificationLoss, ValueLoss};

/// The keys of a classifier's loss.
pub(super) const OF_CLASSES: &[&str] = &["loss", "label_smoothing"];

/// The keys of the loss of a network that predicts values.
pub(super) const OF_VALUES: &[&str] = &["loss", "huber_delta"];

/// Where a square ends and a line begins, if nothing else is said: PyTorch's.
const DELTA: f64 = 1.0;

/// Reads a classifier's loss.
pub(super) fn read_of_classes(fields: &mut Fields<'_>) -> Result<ClassificationLoss, LocatedError> {
    let names = [("cross-entropy", false), ("mean-squared-error", true)];
    let is_squared = fields.take("loss", check::one_of("loss of classes", names))?.unwrap_or(false);
    if is_squared {
        let reason = "belongs to cross-entropy, and the loss here is mean-squared-error";
        fields.refuse_with_hint("label_smoothing", reason, "loss = \"cross-entropy\", or leave it out");
        return Ok(ClassificationLoss::MeanSquaredError);
    }
    let share = check::number("a number from 0 up to but not including 1", |at| (0.0..1.0).contains(&at));
    let label_smoothing = fields.take("label_smoothing", share)?.unwrap_or(0.0);
    Ok(ClassificationLoss::CrossEntropy { label_smoothing })
}

/// Reads the loss of a network that predicts values.
pub(super) fn read_of_values(fields: &mut Fields<'_>) -> Result<ValueLoss, LocatedError> {
    let names = [("mean-squared-error", false), ("huber", true)];
    let is_huber = fields.take("loss", check::one_of("loss of values", names))?.unwrap_or(false);
    if is_huber {
        let delta = fields.take("huber_delta", check::positive)?.unwrap_or(DELTA);
        return Ok(ValueLoss::Huber { delta });
    }
    let reason = "belongs to huber, and the loss here is mean-squared-error";
    fields.refuse_with_hint("huber_delta", reason, "loss = \"huber\", or leave it out");
    Ok(ValueLoss::MeanSquaredError)
}
