//! The settings that every kind has that trains.

use super::super::derivation::TrainingOrigin;
use super::super::error::LocatedError;
use super::super::fields::Fields;
use super::{optimizer, origin, probes, recording, schedule, stop};
use crate::experiment::TrainingSettings;

/// The optimiser, its course, the recording, the probes and the stop rules of a kind of this name, and the runs whose training its own begins
/// with.
pub(super) fn read(
    fields: &mut Fields<'_>,
    kind: &str,
) -> Result<(TrainingSettings, Option<TrainingOrigin>), LocatedError> {
    let record = recording::read(fields)?;
    let origin::ReadOrigin { start, prune, origin } = origin::read(fields)?;
    let settings = TrainingSettings {
        optimizer: optimizer::read_with_around(fields)?,
        schedule: schedule::read(fields)?,
        record,
        probes: probes::read(fields, record, kind)?,
        stop: stop::read(fields, record, kind)?,
        states: recording::read_states(fields, record)?,
        start,
        prune,
    };
    Ok((settings, origin))
}
