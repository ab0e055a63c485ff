//! The work of passing time: leases run out, and the tasks that they covered are looked up in the store.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use basin_core::Ledger;
use basin_core::command::{Adopt, Expire, ExpiredLease, Fail, Refusal, Tick};
use basin_domain::error_chain;
use basin_domain::failure::{Failure, FailureKind};
use basin_domain::id::{LeaseId, TaskId};
use basin_storage::StorageError;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Coordinator, commit_record};
use crate::journal::DecideError;

/// How often the time is looked at, at least.
const TICK: Duration = Duration::from_millis(500);
/// And at most.
const SHORTEST_TICK: Duration = Duration::from_millis(5);
/// How often what was said of tasks is gone through for what nobody needs any more.
const FORGET_EVERY: Duration = Duration::from_secs(10);

/// Ticks until `shutdown`.
pub async fn tick_forever(coordinator: Arc<Coordinator>, shutdown: CancellationToken) {
    let mut lookups = JoinSet::new();
    let mut settling = HashSet::new();
    let (mut forgot, mut forgetting) = (coordinator.ledger.now(), JoinSet::new());
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            () = coordinator.due.notified() => {}
            () = tokio::time::sleep(pause(&coordinator).await) => {}
        }
        match coordinator.ledger.decide(Tick).await {
            Ok(expired) => {
                // Looking up takes as long as the store does; other leases run out meanwhile.
                for ExpiredLease { lease, tasks } in expired {
                    if settling.insert(lease.clone()) {
                        let coordinator = Arc::clone(&coordinator);
                        lookups.spawn(async move {
                            resolve_expired(&coordinator, lease.clone(), tasks).await;
                            lease
                        });
                    }
                }
                while let Some(settled) = lookups.try_join_next() {
                    if let Ok(lease) = settled {
                        settling.remove(&lease);
                    }
                }
            }
            Err(error) => {
                tracing::debug!(%error, "the ledger has stopped");
                return;
            }
        }
        // Tasks whose pause after a failure is over became grantable without a word from anybody.
        coordinator.wake.notify_waiters();
        let now = coordinator.ledger.now();
        while forgetting.try_join_next().is_some() {}
        if now - forgot >= FORGET_EVERY && forgetting.is_empty() {
            forgot = now;
            // Nobody waits for it: what is kept of tasks comes after everything else.
            let coordinator = Arc::clone(&coordinator);
            forgetting.spawn(async move { coordinator.forget_ended(now).await });
        }
    }
}

/// How long nothing happens by itself: a lease's end, and the time to try a task again, are met as they come.
async fn pause(coordinator: &Coordinator) -> Duration {
    let now = coordinator.ledger.now();
    let due = coordinator.ledger.view(move |ledger| ledger.next_due(now)).await.ok().flatten();
    due.map_or(TICK, |due| (due - now).clamp(SHORTEST_TICK, TICK))
}

/// Looks up an expired lease's tasks: those with a commit are adopted, the others go back to the queue. A store that
/// doesn't answer leaves them as they are, until the next tick.
pub async fn resolve_expired(coordinator: &Coordinator, lease: LeaseId, tasks: Vec<TaskId>) {
    let mut lost = Vec::new();
    for task in tasks {
        match coordinator.commit_of(task).await {
            Ok(Some(commit)) => {
                tracing::info!(%task, lease = %commit.lease, "the commit of an expired lease was adopted");
                match coordinator.ledger.decide(Adopt(commit_record(&commit))).await {
                    Ok(_) => {}
                    // Somebody has put it back by hand.
                    Err(DecideError::Refused(refusal @ Refusal::Withdrawn { .. })) => {
                        end_damaged(coordinator, &lease, task, error_chain::with_causes(&refusal)).await;
                    }
                    Err(error) => tracing::error!(%task, %error, "a commit could not be adopted"),
                }
            }
            Ok(None) => lost.push(task),
            // Asked again it would say the same: a person must have it withdrawn.
            Err(error @ StorageError::Corrupt { .. }) => {
                end_damaged(coordinator, &lease, task, error_chain::with_causes(&error)).await;
            }
            Err(error) => tracing::warn!(%task, %error, "the store did not say whether a task is committed"),
        }
    }
    if lost.is_empty() {
        return;
    }
    let worker = worker_of(coordinator, lease.clone()).await;
    let tasks = coordinator.known_names(&lost).await.join(", ");
    tracing::warn!(worker, tasks, %lease, "a lease expired");
    if let Err(error) = coordinator.ledger.decide(Expire { lease: lease.clone(), tasks: lost }).await {
        tracing::error!(%lease, %error, "an expired lease could not be ended");
    }
}

/// The worker of a lease, if it is remembered.
async fn worker_of(coordinator: &Coordinator, lease: LeaseId) -> String {
    let look = move |ledger: &Ledger| {
        ledger.worker_of(&lease).map_or_else(|| "unknown".to_owned(), ToString::to_string)
    };
    coordinator.ledger.view(look).await.unwrap_or_default()
}

/// Ends an attempt at a task in whose commit's place something is that can't count.
async fn end_damaged(coordinator: &Coordinator, lease: &LeaseId, task: TaskId, why: String) {
    tracing::warn!(%task, why, "what a task has in its commit's place is damaged");
    let failure = Failure::new(FailureKind::Damaged, why);
    let fail = Fail { lease: lease.clone(), task, failure };
    if let Err(error) = coordinator.ledger.decide(fail).await {
        tracing::error!(%task, %error, "a damaged task could not be ended");
    }
}
