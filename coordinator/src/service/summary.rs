//! The ledger's views as messages.

use std::collections::BTreeSet;
use std::time::Duration;

use basin_core::Ledger;
use basin_core::attempt::{AttemptEnd, AttemptRecord};
use basin_core::view::{Counts, SweepView, TaskView, WorkerView};
use basin_domain::id::{Attempt, SweepId, TaskId, WorkerId};
use basin_domain::time::Timestamp;
use basin_proto::codes::Coded;
use basin_proto::v1;

use super::{why_text, wire};

/// The most running and the most failed tasks that an answer names.
const NAMED: usize = 100;

fn counts(counts: &Counts) -> v1::Counts {
    v1::Counts {
        blocked: counts.blocked,
        queued: counts.queued,
        running: counts.running + counts.expiring,
        committed: counts.committed(),
        failed: counts.failed,
        diverged: counts.diverged,
        stopped: counts.stopped,
        upstream_failed: counts.upstream_failed,
    }
}

/// A sweep's summary.
pub(super) fn summary(sweep: &SweepView<'_>) -> v1::SweepSummary {
    let state = wire::sweep_state(sweep.state);
    v1::SweepSummary {
        sweep_id: sweep.id.to_string(),
        state: state.word().to_owned(),
        state_code: state.into(),
        launched_unix_ms: sweep.launched_at.0,
        counts: Some(counts(&sweep.counts)),
        experiments: sweep
            .experiments
            .iter()
            .map(|(name, of)| v1::ExperimentCounts {
                experiment: (*name).to_owned(),
                counts: Some(counts(of)),
            })
            .collect(),
        user: sweep.user.map(ToString::to_string).unwrap_or_default(),
        priority: sweep.share.priority,
        slots: sweep.slots,
        max_slots: sweep.max_slots,
        variant: String::new(),
    }
}

/// A sweep with its running and its failed tasks.
pub fn sweep_reply(ledger: &Ledger, id: &SweepId, now: Timestamp) -> Option<v1::GetSweepReply> {
    let sweep = ledger.sweep(id)?;
    let running: Vec<_> = ledger.leased_of(id).filter_map(running).take(NAMED).collect();
    let failed = ledger.failed_of(id).take(NAMED).map(failed).collect();
    let next = ledger.next_of(id, now).and_then(|next| ledger.task(&next));
    let why = next.as_ref().and_then(|next| ledger.why(&next.id, now));
    let waiting = waiting_workers(ledger, &running);
    Some(v1::GetSweepReply {
        sweep: Some(summary(&sweep)),
        running,
        failed,
        next_task_id: next.map(|next| next.id.to_string()).unwrap_or_default(),
        next_why: why.as_ref().map(why_text::sentence).unwrap_or_default(),
        waiting,
        next_reason: why.as_ref().map(wire::why),
        next_name: String::new(),
        of_this_name: 0,
        forecast: None,
    })
}

/// The workers of running tasks that wait for an outage to end, by id.
fn waiting_workers(ledger: &Ledger, running: &[v1::RunningTask]) -> Vec<v1::WaitingWorker> {
    let ids: BTreeSet<&str> = running.iter().map(|task| task.worker_id.as_str()).collect();
    let waiting = ids.into_iter().filter_map(|id| {
        let waiting = ledger.outage_of(&WorkerId::new(id).ok()?)?;
        Some(v1::WaitingWorker { worker_id: id.to_owned(), waiting: Some(waiting.into()) })
    });
    waiting.collect()
}

fn running((task, experiment): (TaskView<'_>, &str)) -> Option<v1::RunningTask> {
    let (_, worker) = task.lease?;
    Some(v1::RunningTask {
        task_id: task.id.to_string(),
        experiment: experiment.to_owned(),
        worker_id: worker.to_string(),
        attempt: task.begun,
        progress: task.progress.map(Into::into),
        name: String::new(),
    })
}

fn failed((task, experiment): (TaskView<'_>, &str)) -> v1::FailedTask {
    let first = task.first_failure;
    let kind = first.map_or(v1::FailureKind::Unspecified, |failure| failure.kind.into());
    v1::FailedTask {
        task_id: task.id.to_string(),
        experiment: experiment.to_owned(),
        attempts: task.begun,
        kind: kind.word().to_owned(),
        message: first.map(|failure| failure.message.clone()).unwrap_or_default(),
        kind_code: kind.into(),
        name: String::new(),
    }
}

/// A task with its attempts.
pub(super) fn task_reply(ledger: &Ledger, id: &TaskId, now: Timestamp) -> Option<v1::GetTaskReply> {
    let task = ledger.task(id)?;
    let why = ledger.why(id, now)?;
    let state = wire::task_state(task.phase);
    let launched = task.sweeps.iter().filter_map(|(sweep, _)| Some(ledger.sweep(sweep)?.launched_at)).min();
    Some(v1::GetTaskReply {
        task_id: task.id.to_string(),
        state: state.word().to_owned(),
        why: why_text::sentence(&why),
        sweeps: task.sweeps.iter().map(|(sweep, _)| sweep.to_string()).collect(),
        attempts: attempts(&task, launched, now),
        spec_json: ledger.task_spec(id)?.canonical(),
        state_code: state.into(),
        reason: Some(wire::why(&why)),
        names: Vec::new(),
        provenance_json: String::new(),
    })
}

/// The attempts at a task whose first sweep was launched then.
fn attempts(task: &TaskView<'_>, launched: Option<Timestamp>, now: Timestamp) -> Vec<v1::AttemptSummary> {
    // Of very many attempts some are left out: then it isn't known how long the next one was waited for.
    let mut before = launched.map(|at| (0_u32, at));
    let mut summaries = Vec::with_capacity(task.attempts.len());
    for record in task.attempts {
        let AttemptRecord { attempt: Attempt(number), started, .. } = *record;
        let free = before.filter(|(before, at)| *before + 1 == number && *at <= started);
        let ended = record.end.as_ref().map(|(at, _)| *at);
        summaries.push(v1::AttemptSummary {
            waited_ms: free.map(|(_, at)| milliseconds(started - at)),
            lasted_ms: Some(milliseconds(ended.unwrap_or(now) - started)),
            ..attempt(record)
        });
        before = ended.map(|at| (number, at));
    }
    summaries
}

fn attempt(attempt: &AttemptRecord) -> v1::AttemptSummary {
    let end = attempt.end.as_ref().map(|(_, end)| end);
    let state = wire::attempt_state(end);
    let (mut failure_kind, mut release_reason) =
        (v1::FailureKind::Unspecified, v1::ReleaseReason::Unspecified);
    let (mut cause, mut message) = ("", String::new());
    match end {
        Some(AttemptEnd::Failed(failure)) => {
            failure_kind = failure.kind.into();
            cause = failure_kind.word();
            message.clone_from(&failure.message);
        }
        Some(AttemptEnd::Released(reason)) => {
            release_reason = (*reason).into();
            cause = release_reason.word();
        }
        Some(AttemptEnd::Committed | AttemptEnd::Withdrawn | AttemptEnd::Superseded) | None => {}
    }
    v1::AttemptSummary {
        attempt: attempt.attempt.0,
        worker_id: attempt.worker.to_string(),
        state: state.word().to_owned(),
        cause: cause.to_owned(),
        message,
        state_code: state.into(),
        failure_kind: failure_kind.into(),
        release_reason: release_reason.into(),
        ..v1::AttemptSummary::default()
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A worker, without what it uses of its machine.
pub(super) fn worker_summary(ledger: &Ledger, worker: &WorkerView<'_>, now: Timestamp) -> v1::WorkerSummary {
    v1::WorkerSummary {
        worker_id: worker.id.to_string(),
        worker: worker.description.map(Into::into),
        seen_ms_ago: worker.last_seen.map(|seen| milliseconds(now - seen)),
        draining: worker.draining,
        leases: u32::try_from(worker.leases).unwrap_or(u32::MAX),
        exited: worker.exited,
        avoided_for_ms: worker
            .avoided_until
            .filter(|&until| until > now)
            .map(|until| milliseconds(until - now)),
        waiting: worker.waiting.map(Into::into),
        usage: None,
        examples_per_second: ledger.examples_per_second(worker),
    }
}
