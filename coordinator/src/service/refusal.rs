//! The one place where refusals become gRPC codes. Workers decide on these codes, never on text.

use basin_core::command::Refusal;
use basin_storage::StorageError;
use tonic::{Code, Status};

use crate::journal::DecideError;
use crate::launch::PrepareError;

/// The status of a refusal.
pub(super) fn refused(refusal: &Refusal) -> Status {
    let code = match refusal {
        Refusal::UnknownSweep(_) | Refusal::UnknownTask(_) | Refusal::UnknownWorker(_) => Code::NotFound,
        Refusal::WrongTaskId(_) | Refusal::MissingInput { .. } | Refusal::Cycle(_) => Code::InvalidArgument,
        Refusal::CommittedOtherwise { .. } | Refusal::LaunchedOtherwise(_) => Code::AlreadyExists,
        Refusal::NotOfThisLease { .. } | Refusal::Withdrawn { .. } => Code::FailedPrecondition,
        // Another coordinator may have begun to lead meanwhile, or the launch was broken off: it is made again.
        Refusal::MissingPart { .. } => Code::Aborted,
        Refusal::TooMany { .. } => Code::ResourceExhausted,
    };
    Status::new(code, refusal.to_string())
}

/// The status of a decision that wasn't taken.
pub(super) fn decide_error(error: &DecideError) -> Status {
    match error {
        DecideError::Refused(refusal) => refused(refusal),
        DecideError::Failed(failure) => basin_proto::standby::changing_role(&failure.to_string()),
        DecideError::Unavailable => {
            basin_proto::standby::changing_role("the coordinator is shutting down, or has lost the lead")
        }
    }
}

/// The status of a store that can't be used: only what may mend itself is worth trying again.
pub(super) fn store_error(error: &StorageError) -> Status {
    let code = match error {
        StorageError::Unavailable { .. } | StorageError::CommitInDoubt { .. } | StorageError::Full { .. } => {
            Code::Unavailable
        }
        StorageError::Denied { .. } => Code::PermissionDenied,
        StorageError::Corrupt { .. } => Code::DataLoss,
        _ => Code::FailedPrecondition,
    };
    tracing::error!(%error, ?code, "the store could not be used");
    let status = Status::new(code, format!("the store: {error}"));
    let status = match error {
        StorageError::Corrupt { .. } => {
            error.hint().map_or(status.clone(), |hint| basin_proto::hint::attach(status, &hint))
        }
        _ => status,
    };
    match error.outage() {
        Some(outage) => basin_proto::outage::attach(status, outage.kind),
        None => status,
    }
}

/// The status of a sweep that can't be prepared; its hint travels as metadata.
pub(super) fn prepare_error(error: &PrepareError) -> Status {
    let status = match error {
        PrepareError::Sweep(error) => Status::invalid_argument(error.to_string()),
        PrepareError::Dataset(_) => Status::failed_precondition(error.to_string()),
        PrepareError::Storage(error) => store_error(error),
    };
    let Some(mut hint) = error.hint() else { return status };
    if hint.contains("--max-tasks") {
        hint.push_str(" (of `basin launch`, and of `basin serve` too if it is above the coordinator's own)");
    }
    basin_proto::hint::attach(status, &hint)
}
