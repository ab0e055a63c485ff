//! Why a run can't start or go on.

use basin_domain::error_chain;
use basin_domain::failure::{Failure, FailureKind};

/// Why a run can't start or go on.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// A checkpoint that can't be used: the caller may try an older one, or none.
    #[error("the checkpoint can't be used: {0}")]
    BadCheckpoint(String),
    /// Parameters that can't be trained, with what is wrong with them.
    #[error("the parameters can't be trained: {0}")]
    InvalidParameters(String),
    /// The data set isn't there, or is another one than the task names.
    #[error("the data set can't be used: {0}")]
    MissingData(String),
    /// The result of a task that this one reads can't be used.
    #[error("the input `{name}` can't be used: {reason}")]
    UnusableInput {
        /// The input's name.
        name: String,
        /// The reason.
        reason: String,
    },
    /// A trainable parameter that the loss doesn't depend on: the model is put together wrongly.
    #[error("the parameter `{parameter}` received no gradient")]
    NoGradient {
        /// The parameter's name.
        parameter: String,
    },
    /// The results were asked for before the run had ended.
    #[error("the run hasn't ended yet, so it has no results")]
    NotDone,
    /// The device that trains failed.
    #[error("the device can't go on: {0}")]
    Accelerator(String),
    /// A run of a kind of one's own records something that the kind doesn't declare so.
    #[error("the run records `{series}`, though its kind can't: {reason}")]
    Undeclared {
        /// The series' name.
        series: String,
        /// The reason.
        reason: String,
    },
    /// The state of a run of a kind of one's own can't be written as JSON.
    #[error("the run's state can't be saved")]
    UnsavedState(#[source] serde_json::Error),
    /// A kind that this program doesn't have.
    #[error("this program doesn't have version {version} of the kind {name}")]
    UnknownKind {
        /// The kind's name.
        name: String,
        /// The version that is asked for.
        version: u32,
    },
    /// A failure whose cause is known.
    #[error("{}", .0.message)]
    Failed(Failure),
    /// An operation on tensors failed.
    #[error("a tensor operation failed")]
    Tensor(#[from] candle_core::Error),
}

impl ExperimentError {
    /// The failure that this error makes of an attempt: its kind, and the error with its causes in words.
    pub fn failure(&self) -> Failure {
        let kind = match self {
            Self::Failed(failure) => return failure.clone(),
            Self::InvalidParameters(_) => FailureKind::InvalidParameters,
            Self::MissingData(_) => FailureKind::MissingData,
            Self::Accelerator(_) => FailureKind::Crashed,
            // Another worker's program may have it.
            Self::UnknownKind { .. } => FailureKind::MissingData,
            Self::BadCheckpoint(_)
            | Self::UnusableInput { .. }
            | Self::NoGradient { .. }
            | Self::NotDone
            | Self::Undeclared { .. }
            | Self::UnsavedState(_)
            | Self::Tensor(_) => FailureKind::Experiment,
        };
        Failure::new(kind, error_chain::with_causes(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_has_the_cause_in_words() {
        let failure = ExperimentError::Tensor(candle_core::Error::Msg("out of luck".to_owned())).failure();
        assert_eq!(failure.kind, FailureKind::Experiment);
        assert_eq!(failure.message, "a tensor operation failed: out of luck");
        let failure = ExperimentError::InvalidParameters("no pixel is left".to_owned()).failure();
        assert_eq!(failure.kind, FailureKind::InvalidParameters);
        assert_eq!(ExperimentError::MissingData(String::new()).failure().kind, FailureKind::MissingData);
    }
}
