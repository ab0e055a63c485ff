//! Amounts of training: whole passes over the examples, or steps of the optimiser.

use serde::{Deserialize, Serialize};

/// An amount of training. `{"epochs":30}` in JSON, or `{"steps":1000}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainingTime {
    /// Passes over the training examples.
    Epochs(u32),
    /// Steps of the optimiser; they may end in the middle of an epoch.
    Steps(u64),
}

impl TrainingTime {
    /// The most steps that can be asked for: a hundred times what any published network of this size took.
    pub const MOST_STEPS: u64 = 1_000_000_000;

    /// The steps of it where an epoch takes so many.
    pub const fn steps(self, steps_an_epoch: u64) -> u64 {
        match self {
            Self::Epochs(epochs) => steps_an_epoch.saturating_mul(epochs as u64),
            Self::Steps(steps) => steps,
        }
    }

    /// The same amount in epochs, where it is whole ones; otherwise as it is.
    #[must_use]
    pub fn in_whole_epochs(self, steps_an_epoch: u64) -> Self {
        match self {
            Self::Steps(steps) if steps_an_epoch > 0 && steps.is_multiple_of(steps_an_epoch) => {
                u32::try_from(steps / steps_an_epoch).map_or(self, Self::Epochs)
            }
            Self::Steps(_) | Self::Epochs(_) => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_that_are_whole_epochs_are_written_as_epochs() {
        assert_eq!(TrainingTime::Steps(12).in_whole_epochs(4), TrainingTime::Epochs(3));
        assert_eq!(TrainingTime::Steps(13).in_whole_epochs(4), TrainingTime::Steps(13));
        assert_eq!(TrainingTime::Steps(u64::MAX).in_whole_epochs(1), TrainingTime::Steps(u64::MAX));
        assert_eq!(TrainingTime::Epochs(3).steps(4), 12);
    }

    #[test]
    fn an_amount_is_a_field_of_its_unit_in_json() {
        assert_eq!(serde_json::to_string(&TrainingTime::Epochs(3)).unwrap(), r#"{"epochs":3}"#);
        assert_eq!(serde_json::from_str::<TrainingTime>(r#"{"steps":7}"#).unwrap(), TrainingTime::Steps(7));
    }
}
