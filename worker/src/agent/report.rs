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

#[cfg(test)]
mod tests {
    use basin_domain::digest::Digest;
    use basin_domain::failure::{Failure, FailureKind};
    use basin_proto::v1::SettleReply;

    use super::super::testing::{ScriptedCoordinator, small_task};
    use super::*;

    /// The calls that tell of an outcome, where the coordinator answers so.
    async fn told(outcome: AttemptOutcome, answers: Vec<Result<SettleReply, Status>>) -> Vec<String> {
        let script = ScriptedCoordinator::default();
        script.script().settle.extend(answers);
        let coordinator = script.coordinator().await;
        report(&coordinator, &LeaseId::new("l").unwrap(), small_task().id, outcome).await;
        script.heard()
    }

    #[tokio::test]
    async fn each_outcome_is_told_by_a_call_of_its_own_and_a_lost_lease_by_none() {
        let (task, manifest) = (small_task().id, Digest::of(b"manifest"));
        let committed = AttemptOutcome::Committed { manifest };
        assert_eq!(told(committed, vec![]).await, [format!("complete l {task} {manifest}")]);
        let failed = AttemptOutcome::Failed(Failure::new(FailureKind::OutOfMemory, "why"));
        assert_eq!(told(failed, vec![]).await, [format!("fail l {task} out-of-memory: why")]);
        let released = AttemptOutcome::Released(ReleaseReason::Walltime);
        assert_eq!(told(released, vec![]).await, [format!("release l {task} walltime")]);
        assert!(told(AttemptOutcome::Abandoned, vec![]).await.is_empty());
    }

    #[tokio::test]
    async fn news_of_a_lease_that_had_ended_or_that_are_refused_are_told_once() {
        let released = || AttemptOutcome::Released(ReleaseReason::Drain);
        assert_eq!(told(released(), vec![Ok(SettleReply { held: false })]).await.len(), 1);
        assert_eq!(told(released(), vec![Err(Status::not_found("no such task"))]).await.len(), 1);
    }
}
