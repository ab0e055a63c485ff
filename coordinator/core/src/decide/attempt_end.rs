//! Attempts end: committed, failed, given back, or lost.

use std::time::Duration;

use basin_domain::failure::{Failure, FailureKind, ReleaseReason};
use basin_domain::id::{LeaseId, TaskId, WorkerId};
use basin_domain::time::Timestamp;

use super::{Decision, nothing_to_do};
use crate::Ledger;
use crate::command::{CommitDecision, CommitRecord, DOCUMENT_LIMIT, Policy, Refusal, Reply};
use crate::event::{Change, FinalReason, RetryDecision};
use crate::ledger::apply::counts_against_worker;
use crate::ledger::state::{Task, TaskIndex, TaskStage};

/// The delay before the second attempt; it doubles with every charge.
const FIRST_RETRY_DELAY: Duration = Duration::from_secs(1);
/// The longest delay before another attempt.
const LONGEST_RETRY_DELAY: Duration = Duration::from_secs(60);

/// A worker says that it committed a task. The commit counts whether or not its lease still lives.
pub(super) fn complete(ledger: &Ledger, complete: CommitRecord) -> Decision {
    let task = find(ledger, complete.task)?;
    let record = ledger.state.task(task);
    let held = record.stage == TaskStage::Leased(complete.lease.clone());
    if record.is_committed() {
        check_recorded(ledger, task, &complete)?;
        return Ok((Vec::new(), Reply::Settled { held }));
    }
    check_not_withdrawn(record, &complete)?;
    if !could_have_run(record, &complete) {
        return Err(Refusal::NotOfThisLease { lease: complete.lease, task: complete.task });
    }
    Ok((vec![Change::Committed(complete)], Reply::Settled { held }))
}

/// A worker asks for its commit to be written. Once one is chosen everybody hears of that one, also who has lost its
/// lease: it may be its own.
pub(super) fn decide_commit(ledger: &Ledger, decision: CommitDecision) -> Decision {
    let task = ledger.state.task(find(ledger, decision.commit.task)?);
    if task.is_committed() {
        return Ok((Vec::new(), Reply::CommitDecided(None)));
    }
    if let Some(decided) = &task.commit_decision {
        return Ok((Vec::new(), Reply::CommitDecided(Some(decided.document.clone()))));
    }
    let CommitRecord { lease, attempt, task: id, .. } = &decision.commit;
    if task.stage != TaskStage::Leased(lease.clone()) || task.attempt() != *attempt {
        return Err(Refusal::NotOfThisLease { lease: lease.clone(), task: *id });
    }
    if decision.document.len() > DOCUMENT_LIMIT {
        let (asked, limit) = (decision.document.len() as u64, DOCUMENT_LIMIT as u64);
        return Err(Refusal::TooMany { what: "bytes of a commit", asked, limit });
    }
    let document = decision.document.clone();
    Ok((vec![Change::CommitDecided(decision)], Reply::CommitDecided(Some(document))))
}

/// The store has a commit, whoever made it.
pub(super) fn adopt(ledger: &Ledger, complete: CommitRecord) -> Decision {
    let task = find(ledger, complete.task)?;
    if ledger.state.task(task).is_committed() {
        check_recorded(ledger, task, &complete)?;
        return nothing_to_do();
    }
    check_not_withdrawn(ledger.state.task(task), &complete)?;
    Ok((vec![Change::Committed(complete)], Reply::Done))
}

pub(super) fn fail(
    ledger: &Ledger,
    now: Timestamp,
    lease: &LeaseId,
    id: TaskId,
    failure: Failure,
) -> Decision {
    let Some(undecided) = undecided(ledger, lease, id)? else {
        return Ok((Vec::new(), Reply::Settled { held: false }));
    };
    let Undecided { task, worker, held } = undecided;
    let record = ledger.state.task(task);
    if failure.kind == FailureKind::Damaged && ledger.index.links(task).waits_for_inputs() {
        // An input was withdrawn while this read it: it waits for the new one, and nobody is charged.
        let reason = ReleaseReason::Stopped;
        let released = Change::Released { lease: lease.clone(), task: id, reason };
        return Ok((vec![released], Reply::Settled { held }));
    }
    let verdict = retry_decision(ledger.policy(), record, worker, failure.kind, now);
    // The message may come from a conversion that didn't shorten it.
    let failure = Failure::new(failure.kind, failure.message);
    let mut changes = Vec::with_capacity(2);
    let is_bad = counts_against_worker(failure.kind) && fails_too_often(ledger, worker, id);
    changes.push(Change::Failed { lease: lease.clone(), task: id, failure, verdict });
    if is_bad {
        changes.push(Change::Avoided { worker: worker.clone(), until: now + ledger.policy().avoid_for });
    }
    Ok((changes, Reply::Settled { held }))
}

pub(super) fn release(ledger: &Ledger, lease: &LeaseId, task: TaskId, reason: ReleaseReason) -> Decision {
    let Some(Undecided { held, .. }) = undecided(ledger, lease, task)? else {
        return Ok((Vec::new(), Reply::Settled { held: false }));
    };
    Ok((vec![Change::Released { lease: lease.clone(), task, reason }], Reply::Settled { held }))
}

/// The store has no commit for tasks of an ended lease. Those that were settled in the meantime are left alone.
pub(super) fn expire(ledger: &Ledger, now: Timestamp, lease: &LeaseId, tasks: &[TaskId]) -> Decision {
    let Some(ended) = ledger.state.leases.get(lease).filter(|lease| !lease.is_live()) else {
        return nothing_to_do();
    };
    let lost =
        ended.tasks.iter().map(|task| ledger.state.task(*task)).filter(|task| tasks.contains(&task.id));
    let how =
        if ledger.has_exited(&ended.worker) { "ended and left" } else { "was not heard before the end of" };
    let message = format!("worker {} {how} lease {lease}", ended.worker);
    let changes = lost.map(|task| Change::Failed {
        lease: lease.clone(),
        task: task.id,
        failure: Failure::new(FailureKind::WorkerLost, message.as_str()),
        verdict: retry_decision(ledger.policy(), task, &ended.worker, FailureKind::WorkerLost, now),
    });
    Ok((changes.collect(), Reply::Done))
}

/// Refuses a commit that contradicts the one on record.
pub(super) fn check_recorded(ledger: &Ledger, task: TaskIndex, commit: &CommitRecord) -> Result<(), Refusal> {
    match &ledger.state.task(task).stage {
        TaskStage::Committed(recorded)
            if recorded.manifest != commit.manifest
                || recorded.lease != commit.lease
                || commit.digest.is_some_and(|digest| recorded.digest.is_some_and(|it| it != digest)) =>
        {
            Err(Refusal::CommittedOtherwise { task: commit.task, recorded: recorded.lease.clone() })
        }
        TaskStage::Committed(_)
        | TaskStage::Waiting
        | TaskStage::Leased(_)
        | TaskStage::Expiring(_)
        | TaskStage::Failed(_) => Ok(()),
    }
}

/// Refuses a commit that was withdrawn: somebody has read it in the store before that.
fn check_not_withdrawn(task: &Task, commit: &CommitRecord) -> Result<(), Refusal> {
    match task.withdrawn.contains(&commit.lease) {
        false => Ok(()),
        true => Err(Refusal::Withdrawn { task: commit.task, lease: commit.lease.clone() }),
    }
}

fn find(ledger: &Ledger, id: TaskId) -> Result<TaskIndex, Refusal> {
    ledger.find_task(&id).ok_or(Refusal::UnknownTask(id))
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
    let task = find(ledger, id)?;
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

/// Whether the commit can be that of an attempt at this task: one that is remembered, or one of those in between that are
/// not remembered any more.
fn could_have_run(task: &Task, commit: &CommitRecord) -> bool {
    match task.attempts.iter().find(|past| past.attempt == commit.attempt) {
        Some(past) => past.lease == commit.lease,
        None => (1..=task.begun).contains(&commit.attempt.0),
    }
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
