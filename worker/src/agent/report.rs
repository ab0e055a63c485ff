//! An attempt's outcome on its way to the coordinator.

use basin_domain::failure::ReleaseReason;
use basin_domain::id::{LeaseId, TaskId};
use basin_proto::{convert, v1};
use tonic::Status;

use super::coordinator::Coordinator;
use super::reactor::AttemptOutcome;

/// Tells the coordinator how an attempt ended, until it hears.
pub(super) async fn report(
    coordinator: &Coordinator,
    lease: &LeaseId,
    task: TaskId,
    outcome: AttemptOutcome,
) {
    let answered = match outcome {
        AttemptOutcome::Committed { manifest } => {
            tracing::info!(%task, "committed");
            let (lease_id, task_id) = (lease.to_string(), task.to_string());
            let request = v1::CompleteRequest { lease_id, task_id, manifest_digest: manifest.to_string() };
            coordinator.complete(&request).await
        }
        AttemptOutcome::Failed(failure) => {
            tracing::warn!(%task, kind = %failure.kind, error = failure.message, "attempt failed");
            let request = convert::fail_request(lease, &task, failure);
            coordinator.fail(&request).await
        }
        AttemptOutcome::Released(reason) => {
            tracing::info!(%task, reason = reason.as_str(), "released");
            release(coordinator, lease, task, reason).await
        }
        AttemptOutcome::Abandoned => return,
    };
    match answered {
        Ok(true) => {}
        Ok(false) => tracing::warn!(%task, %lease, "the lease had ended before"),
        Err(status) => tracing::error!(%task, %status, "the coordinator refused the news"),
    }
}

/// Gives a task back, until the coordinator hears. False: the lease had ended.
pub(super) async fn release(
    coordinator: &Coordinator,
    lease: &LeaseId,
    task: TaskId,
    reason: ReleaseReason,
) -> Result<bool, Status> {
    coordinator.release(&convert::release_request(lease, &task, reason)).await
}
