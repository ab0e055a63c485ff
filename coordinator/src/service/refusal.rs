//! The one place where refusals become gRPC codes. Workers decide on these codes, never on text.

use std::sync::Arc;

use basin_core::command::Refusal;
use basin_domain::id::TaskId;
use basin_storage::StorageError;
use tonic::{Code, Status};

use crate::journal::DecideError;
use crate::launch::PrepareError;

/// The status of a refusal, with that as its cause.
pub(super) fn refused(refusal: &Refusal) -> Status {
    let code = match refusal {
        Refusal::UnknownSweep(_) | Refusal::UnknownTask(_) | Refusal::UnknownWorker(_) => Code::NotFound,
        Refusal::WrongTaskId(_) | Refusal::MissingInput { .. } | Refusal::Cycle(_) => Code::InvalidArgument,
        Refusal::CommittedOtherwise { .. } | Refusal::LaunchedOtherwise(_) => Code::AlreadyExists,
        Refusal::NotOfThisLease { .. }
        | Refusal::Withdrawn { .. }
        | Refusal::NotOver(_)
        | Refusal::StillStopping { .. } => Code::FailedPrecondition,
        // Another coordinator may have begun to lead meanwhile, or the launch was broken off: it is made again.
        Refusal::MissingPart { .. } => Code::Aborted,
        Refusal::TooMany { .. } => Code::ResourceExhausted,
    };
    let mut status = Status::new(code, refusal.to_string());
    status.set_source(Arc::new(refusal.clone()));
    status
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

/// The status of a store that can't be used; of damage it is the cause.
pub(super) fn store_error(error: StorageError) -> Status {
    let mut status = store_status(&error);
    if matches!(error, StorageError::Corrupt { .. }) {
        status.set_source(Arc::new(error));
    }
    status
}

/// Only what may mend itself is worth trying again.
fn store_status(error: &StorageError) -> Status {
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
    match error.outage() {
        Some(outage) => basin_proto::outage::attach(status, outage.kind),
        None => status,
    }
}

/// The most bytes of a message about a sweep file: it travels as a header, of which 16 KiB arrive, escaped.
const LONGEST_MESSAGE: usize = 4_000;

/// The status of a sweep that can't be prepared, with that as its cause.
pub(super) fn prepare_error(error: PrepareError) -> Status {
    let mut status = match &error {
        PrepareError::Sweep(error) | PrepareError::TooManyTasks(error) => {
            Status::invalid_argument(error.text_within(LONGEST_MESSAGE))
        }
        PrepareError::Dataset(_) => Status::failed_precondition(error.to_string()),
        PrepareError::Storage(error) => store_status(error),
    };
    status.set_source(Arc::new(error));
    status
}

/// The journal belongs to another store, or the store has lost what it knows.
#[derive(Debug, thiserror::Error)]
#[error(
    "the journal knows a commit of task {} that the store {store} hasn't: it belongs to another store, or the store's files \
     were removed",
    task.short()
)]
pub struct OtherStore {
    /// A task whose commit is missing.
    pub task: TaskId,
    /// The store's URL.
    pub store: String,
}

impl From<OtherStore> for Status {
    fn from(error: OtherStore) -> Self {
        let mut status = Self::failed_precondition(error.to_string());
        status.set_source(Arc::new(error));
        status
    }
}
