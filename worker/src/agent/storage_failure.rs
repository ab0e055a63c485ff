//! The outcome of an attempt that the store's failures end.

use basin_domain::error_chain;
use basin_domain::failure::{Failure, FailureKind};
use basin_storage::StorageError;

use super::lease_handle::LeaseHandle;
use super::reactor::{AttemptOutcome, Directive};

/// The outcome of an attempt that failed by the store. An outage is nobody's fault: it was waited for until the lease had to be
/// given back.
pub(super) fn storage_failure(lease: &LeaseHandle, error: &StorageError) -> AttemptOutcome {
    if let StorageError::Corrupt { .. } = error {
        return damaged(error_chain::with_causes(error));
    }
    let failed =
        || AttemptOutcome::Failed(Failure::new(FailureKind::Storage, error_chain::with_causes(error)));
    if error.outage().is_none() {
        return failed();
    }
    match lease.directive() {
        Directive::GiveBack(reason) => AttemptOutcome::Released(reason),
        Directive::Abandon => AttemptOutcome::Abandoned,
        Directive::Train => failed(),
    }
}

/// The store's contents aren't what was committed there: another attempt would find the same.
pub(super) fn damaged(why: String) -> AttemptOutcome {
    AttemptOutcome::Failed(Failure::new(FailureKind::Damaged, why))
}
