//! The state of an earlier run in the same folder, made this run's.

use basin_coordinator::service::{Coordinator, commit_record};
use basin_core::command::{Adopt, Fail, Pause, Release, Resume, RetryFailed};
use basin_core::view::SweepState;
use basin_domain::error_chain;
use basin_domain::failure::{Failure, FailureKind, ReleaseReason};
use basin_domain::id::SweepId;
use basin_storage::StorageError;

use crate::command_error::{CommandError, OrFail};
use crate::failures::OrStore;

/// Makes the state of an earlier run, killed or stopped, this run's: its leases are given back free of charge, since
/// its executors died with it, other sweeps wait, and failed tasks of this one start over.
pub(super) async fn take_over(coordinator: &Coordinator, sweep: &SweepId) -> Result<(), CommandError> {
    let what = "cannot take over the state of an earlier run";
    let leases = coordinator.ledger.view(|ledger| {
        let leases = ledger.workers().flat_map(|worker| worker.leases);
        leases.map(|lease| (lease.id.clone(), lease.tasks)).collect::<Vec<_>>()
    });
    for (lease, tasks) in leases.await.or_basin(what)? {
        for task in tasks {
            let lease = lease.clone();
            let ended = match coordinator.commit_of(task).await {
                // It is marked; the others go on.
                Err(error @ StorageError::Corrupt { .. }) => {
                    let failure = Failure::new(FailureKind::Damaged, error_chain::with_causes(&error));
                    coordinator.ledger.decide(Fail { lease, task, failure }).await.map(drop)
                }
                commit => match commit.or_store(what)? {
                    Some(commit) => coordinator.ledger.decide(Adopt(commit_record(&commit))).await,
                    None => {
                        let reason = ReleaseReason::Preemption;
                        coordinator.ledger.decide(Release { lease, task, reason }).await.map(drop)
                    }
                },
            };
            ended.or_basin(what)?;
        }
    }
    let others = coordinator.ledger.view(|ledger| {
        let states = ledger.sweeps().map(|it| (it.id.clone(), it.state, it.counts.failed));
        states.collect::<Vec<_>>()
    });
    for (id, state, failed) in others.await.or_basin(what)? {
        let is_ours = id == *sweep;
        if is_ours && failed > 0 {
            coordinator.ledger.decide(RetryFailed(id.clone())).await.or_basin(what)?;
        }
        match state {
            SweepState::Running if !is_ours => coordinator.ledger.decide(Pause(id)).await.or_basin(what)?,
            SweepState::Paused if is_ours => coordinator.ledger.decide(Resume(id)).await.or_basin(what)?,
            SweepState::Running | SweepState::Paused | SweepState::Cancelled | SweepState::Done => {}
        }
    }
    Ok(())
}
