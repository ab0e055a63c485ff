//! The series of a kind that a program brings.

use serde::{Deserialize, Serialize};

use crate::claim::Best;
use crate::metrics::Axis;

/// A series, or a single number, that runs of a kind record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedSeries {
    /// The axis; [`Axis::Once`] for a single number.
    pub axis: Axis,
    /// The quantity, for people.
    pub label: String,
    /// The unit, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The better end, if one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<Best>,
}

impl RecordedSeries {
    /// A series against `axis`, in no unit, of which no end is better.
    pub fn against(axis: Axis, label: impl Into<String>) -> Self {
        Self { axis, label: label.into(), unit: None, best: None }
    }

    /// A single number, in no unit, of which no end is better.
    pub fn number(label: impl Into<String>) -> Self {
        Self::against(Axis::Once, label)
    }

    /// The same in this unit.
    #[must_use]
    pub fn in_unit(self, unit: impl Into<String>) -> Self {
        Self { unit: Some(unit.into()), ..self }
    }

    /// The same, lower values being better.
    #[must_use]
    pub fn lower_is_better(self) -> Self {
        Self { best: Some(Best::Lowest), ..self }
    }

    /// The same, higher values being better.
    #[must_use]
    pub fn higher_is_better(self) -> Self {
        Self { best: Some(Best::Highest), ..self }
    }
}
