//! Where in training recorded weights were kept, as results name them.

use std::fmt;
use std::str::FromStr;

use crate::metrics::Axis;

/// Where in training some weights were kept. In a result they are the tensors `weights/<name>/<parameter>`, the name being that of
/// `Display`: `3` for an epoch, `step-100` for a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SnapshotPlace {
    /// After so many epochs.
    Epoch(u32),
    /// After so many steps of the optimiser.
    Step(u64),
}

impl SnapshotPlace {
    /// The number of epochs or steps.
    pub fn number(self) -> u64 {
        match self {
            Self::Epoch(epoch) => u64::from(epoch),
            Self::Step(step) => step,
        }
    }

    /// The axis that the number is on.
    pub const fn axis(self) -> Axis {
        match self {
            Self::Epoch(_) => Axis::Epoch,
            Self::Step(_) => Axis::Iteration,
        }
    }

    /// What the number counts, in a word: `epoch` or `step`.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Epoch(_) => "epoch",
            Self::Step(_) => "step",
        }
    }
}

impl fmt::Display for SnapshotPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Epoch(epoch) => write!(f, "{epoch}"),
            Self::Step(step) => write!(f, "step-{step}"),
        }
    }
}

/// A name that is no place in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it names no epoch or step")]
pub struct InvalidSnapshotPlace;

impl FromStr for SnapshotPlace {
    type Err = InvalidSnapshotPlace;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let place = match name.strip_prefix("step-") {
            Some(step) => step.parse().map(Self::Step),
            None => name.parse().map(Self::Epoch),
        };
        place.map_err(|_| InvalidSnapshotPlace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_from_their_names_and_lie_in_order() {
        let places = [
            SnapshotPlace::Epoch(3),
            SnapshotPlace::Epoch(12),
            SnapshotPlace::Step(2),
            SnapshotPlace::Step(100),
        ];
        assert!(places.is_sorted());
        assert_eq!(places.map(|place| place.to_string()), ["3", "12", "step-2", "step-100"]);
        for place in places {
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        for wrong in ["", "w", "step-", "step-x", "-1", "step-1.5"] {
            assert_eq!(wrong.parse::<SnapshotPlace>(), Err(InvalidSnapshotPlace), "{wrong}");
        }
    }
}
