//! The name of an experiment: what every error about it says.

use super::location::Location;
use crate::id::ExperimentId;

/// An experiment's id and kind, and where it stands in the file.
#[derive(Debug, Clone)]
pub(super) struct ExperimentHeader {
    pub(super) id: ExperimentId,
    pub(super) at: Location,
    /// The kind's name.
    pub(super) kind: String,
}
