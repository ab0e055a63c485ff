//! The effects of a failure beyond its task, by its kind.

use basin_domain::failure::FailureKind;

/// Whether a failure may have taken the other lanes of its pack down, or come from there being several.
pub(crate) const fn may_affect_pack(kind: FailureKind) -> bool {
    match kind {
        FailureKind::Crashed | FailureKind::Hung | FailureKind::OutOfMemory | FailureKind::WorkerLost => true,
        FailureKind::InvalidParameters
        | FailureKind::MissingData
        | FailureKind::Experiment
        | FailureKind::Storage
        | FailureKind::Damaged => false,
    }
}

/// Whether a failure may be the worker's fault.
pub(crate) const fn counts_against_worker(kind: FailureKind) -> bool {
    match kind {
        FailureKind::MissingData
        | FailureKind::OutOfMemory
        | FailureKind::Crashed
        | FailureKind::Hung
        | FailureKind::Experiment
        | FailureKind::Storage => true,
        // The task's own fault, or the store's; and a lost worker is gone.
        FailureKind::InvalidParameters | FailureKind::WorkerLost | FailureKind::Damaged => false,
    }
}
