//! From the settings of a loss to the loss.

use basin_domain::experiment::{ClassificationLoss, ValueLoss};
use basin_kernels::Loss;

use crate::ExperimentError;

/// The loss that a classifier is trained on.
///
/// # Errors
/// If the share of smoothed labels is none of [0, 1).
pub(crate) fn of_classes(by: ClassificationLoss) -> Result<Loss, ExperimentError> {
    match by {
        ClassificationLoss::CrossEntropy { label_smoothing: 0.0 } => Ok(Loss::CrossEntropy),
        ClassificationLoss::CrossEntropy { label_smoothing } if (0.0..1.0).contains(&label_smoothing) => {
            Ok(Loss::SmoothedCrossEntropy { smoothing: label_smoothing })
        }
        ClassificationLoss::CrossEntropy { label_smoothing } => {
            let reason = format!("labels can't be smoothed by {label_smoothing}");
            Err(ExperimentError::InvalidParameters(reason))
        }
        ClassificationLoss::MeanSquaredError => Ok(Loss::OneHotSquaredError),
    }
}

/// The loss that a classifier's test examples are evaluated by: their labels aren't smoothed.
pub(crate) const fn of_test_classes(by: ClassificationLoss) -> Loss {
    match by {
        ClassificationLoss::CrossEntropy { .. } => Loss::CrossEntropy,
        ClassificationLoss::MeanSquaredError => Loss::OneHotSquaredError,
    }
}

/// The loss of predicted values.
///
/// # Errors
/// If Huber's δ isn't above 0.
pub(crate) fn of_values(by: ValueLoss) -> Result<Loss, ExperimentError> {
    match by {
        ValueLoss::MeanSquaredError => Ok(Loss::MeanSquaredError),
        ValueLoss::Huber { delta } if delta > 0.0 && delta.is_finite() => Ok(Loss::Huber { delta }),
        ValueLoss::Huber { delta } => {
            Err(ExperimentError::InvalidParameters(format!("Huber's loss has no δ of {delta}")))
        }
    }
}
