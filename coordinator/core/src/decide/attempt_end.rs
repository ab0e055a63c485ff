//! Attempts end without a commit: failed, given back, or lost.

use std::time::Duration;

use basin_domain::failure::{Failure, FailureKind, ReleaseReason};
use basin_domain::id::{LeaseId, TaskId, WorkerId};
use basin_domain::time::Timestamp;

use super::find;
use super::request::{Decided, Decision, Request, done, nothing_to_do};
use crate::Ledger;
use crate::command::{Expire, Fail, Policy, Refusal, Release, Settled};
use crate::event::{Change, FinalReason, RetryDecision};
use crate::ledger::failure_effects::counts_against_worker;
use crate::ledger::state::{Task, TaskIndex};

/// The delay before the second attempt; it doubles with every charge.
const FIRST_RETRY_DELAY: Duration = Duration::from_secs(1);
/// The longest delay before another attempt.
const LONGEST_RETRY_DELAY: Duration = Duration::from_secs(60);

/// The answer to whoever speaks of a lease that had ended.
const NOT_HELD: Decided<Settled> = Decided { changes: Vec::new(), reply: Settled { held: false } };

impl Request for Fail {
    type Reply = Settled;

    fn decide(self, ledger: &Ledger, now: Timestamp) -> Decision<Settled> {
        let Self { lease, task: id, failure } = self;
        let Some(Undecided { task, worker, held }) = undecided(ledger, &lease, id)? else {
            return Ok(NOT_HELD);
        };
        let record = ledger.state.task(task);
        if failure.kind == FailureKind::Damaged && ledger.index.links(task).waits_for_inputs() {
            // An input was withdrawn while this read it: it waits for the new one, and nobody is charged.
            let reason = ReleaseReason::Stopped;
            let changes = vec![Change::Released { lease, task: id, reason }];
            return Ok(Decided { changes, reply: Settled { held } });
        }
        let verdict = retry_decision(ledger.policy(), record, worker, failure.kind, now);
        // The message may come from a conversion that didn't shorten it.
        let failure = Failure::new(failure.kind, failure.message);
        let mut changes = Vec::with_capacity(2);
        let is_bad = counts_against_worker(failure.kind) && fails_too_often(ledger, worker, id);
        changes.push(Change::Failed { lease, task: id, failure, verdict });
        if is_bad {
            changes.push(Change::Avoided { worker: worker.clone(), until: now + ledger.policy().avoid_for });
        }
        Ok(Decided { changes, reply: Settled { held } })
    }
}

impl Request for Release {
    type Reply = Settled;

    fn decide(self, ledger: &Ledger, _: Timestamp) -> Decision<Settled> {
        let Self { lease, task, reason } = self;
        let Some(Undecided { held, .. }) = undecided(ledger, &lease, task)? else {
            return Ok(NOT_HELD);
        };
        Ok(Decided { changes: vec![Change::Released { lease, task, reason }], reply: Settled { held } })
    }
}

impl Request for Expire {
    type Reply = ();

    /// Tasks that were settled in the meantime are left alone.
    fn decide(self, ledger: &Ledger, now: Timestamp) -> Decision<()> {
        let Self { lease, tasks } = self;
        let Some(ended) = ledger.state.leases.get(&lease).filter(|lease| !lease.is_live()) else {
            return nothing_to_do();
        };
        let lost =
            ended.tasks.iter().map(|task| ledger.state.task(*task)).filter(|task| tasks.contains(&task.id));
        let worker = &ended.worker;
        let message = if ledger.has_exited(worker) {
            format!("worker {worker} ended while it worked on it")
        } else {
            let duration = ledger.policy().lease_duration.as_secs_f64();
            format!("worker {worker} was not heard for {duration:.0} s, as long as its lease lasts")
        };
        let changes = lost.map(|task| Change::Failed {
            lease: lease.clone(),
            task: task.id,
            failure: Failure::new(FailureKind::WorkerLost, message.as_str()),
            verdict: retry_decision(ledger.policy(), task, &ended.worker, FailureKind::WorkerLost, now),
        });
        done(changes.collect())
    }
}

/// A task that is still undecided under the lease that somebody speaks of.
struct Undecided<'a> {
    task: TaskIndex,
    worker: &'a WorkerId,
    /// The lease hasn't ended.
    held: bool,
}

/// The task under this lease; none if it was settled, or the lease lost it, before.
fn undecided<'a>(ledger: &'a Ledger, lease: &LeaseId, id: TaskId) -> Result<Option<Undecided<'a>>, Refusal> {
    let task = find::task(ledger, id)?;
    let record = ledger.state.task(task);
    if record.lease() == Some(lease) {
        let lease = &ledger.state.leases[lease];
        return Ok(Some(Undecided { task, worker: &lease.worker, held: lease.is_live() }));
    }
    if record.attempts.iter().any(|past| past.lease == *lease) {
        return Ok(None);
    }
    Err(Refusal::NotOfThisLease { lease: lease.clone(), task: id })
}

fn retry_decision(
    policy: &Policy,
    task: &Task,
    worker: &WorkerId,
    kind: FailureKind,
    now: Timestamp,
) -> RetryDecision {
    let charged = task.charged + 1;
    let workers = task.failed_on.len() + usize::from(!task.failed_on.contains(worker));
    if kind == FailureKind::Damaged {
        RetryDecision::Final(FinalReason::Damaged)
    } else if !kind.is_retryable() {
        RetryDecision::Final(FinalReason::InvalidParameters)
    } else if workers >= policy.quarantine_workers as usize {
        RetryDecision::Final(FinalReason::Quarantined)
    } else if charged >= policy.max_attempts {
        RetryDecision::Final(FinalReason::AttemptsSpent)
    } else {
        let doubled = FIRST_RETRY_DELAY.saturating_mul(1 << (charged - 1).min(16));
        RetryDecision::Retry { not_before: now + doubled.min(LONGEST_RETRY_DELAY) }
    }
}

/// Whether, with one more failure at this task, the worker has failed at too many different tasks in a row.
fn fails_too_often(ledger: &Ledger, worker: &WorkerId, task: TaskId) -> bool {
    let failing = ledger.state.workers.get(worker).map_or(&[][..], |health| &health.failing);
    let different = failing.len() + usize::from(!failing.contains(&task));
    different >= ledger.policy().bad_worker_failures as usize
}
