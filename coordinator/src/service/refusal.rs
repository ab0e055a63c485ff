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
        Refusal::NotOfThisLease { .. } => Code::FailedPrecondition,
        Refusal::TooMany { .. } => Code::ResourceExhausted,
    };
    Status::new(code, refusal.to_string())
}

/// The status of a decision that wasn't taken.
pub(super) fn undecided(error: &DecideError) -> Status {
    match error {
        DecideError::Refused(refusal) => refused(refusal),
        DecideError::Unavailable => Status::unavailable("the coordinator is shutting down"),
    }
}

/// The status of a store that doesn't answer.
pub(super) fn no_store(error: &StorageError) -> Status {
    Status::unavailable(format!("the store: {error}"))
}

/// The status of a sweep that can't be prepared; its hint travels as metadata.
pub(super) fn unprepared(error: &PrepareError) -> Status {
    let mut status = match error {
        PrepareError::Sweep(error) => Status::invalid_argument(error.to_string()),
        PrepareError::AmbiguousDataset { .. } => Status::failed_precondition(error.to_string()),
        PrepareError::Storage(error) => no_store(error),
    };
    if let Some(hint) = error.hint() {
        let value = tonic::metadata::MetadataValue::from_bytes(hint.as_bytes());
        status.metadata_mut().insert_bin(basin_proto::HINT_KEY, value);
    }
    status
}
