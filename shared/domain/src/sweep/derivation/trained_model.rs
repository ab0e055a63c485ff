//! The network of a run that is read.

use super::super::referenced_run::ReferencedRun;
use crate::experiment::TrainedModel;

/// The network that a run trains.
pub(super) fn trained_model(target: &ReferencedRun) -> Result<TrainedModel, String> {
    let kind = target.experiment.kind();
    target
        .experiment
        .trained_model()
        .ok_or_else(|| format!("a run of kind {kind} keeps no network that could be read"))
}
