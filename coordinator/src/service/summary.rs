//! The ledger's views as messages.

use basin_core::Ledger;
use basin_core::attempt::AttemptEnd;
use basin_core::event::FinalReason;
use basin_core::pending_reason::PendingReason;
use basin_core::view::{Counts, Phase, SweepView, TaskView, WorkerView};
use basin_domain::id::SweepId;
use basin_domain::outage::OutageWait;
use basin_domain::time::Timestamp;
use basin_proto::v1;

/// From how many seconds on it is said of a task that it shows no progress.
const SILENT_S: u64 = 5;
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
        upstream_failed: counts.upstream_failed,
    }
}

/// A sweep's summary.
pub(super) fn summary(sweep: &SweepView<'_>) -> v1::SweepSummary {
    v1::SweepSummary {
        sweep_id: sweep.id.to_string(),
        state: sweep.state.as_str().to_owned(),
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
    }
}

/// A sweep with its running and its failed tasks.
pub fn sweep_reply(ledger: &Ledger, id: &SweepId, now: Timestamp) -> Option<v1::GetSweepReply> {
    let sweep = ledger.sweep(id)?;
    let running: Vec<_> = ledger.leased_of(id).filter_map(running).take(NAMED).collect();
    let failed = ledger.failed_of(id).take(NAMED).map(failed).collect();
    let next = ledger.next_of(id, now).and_then(|next| ledger.task(&next));
    let next_why = next
        .as_ref()
        .map(|next| why(next, ledger.pending_reason(&next.id, now), None, now))
        .unwrap_or_default();
    let next_task_id = next.map(|next| next.id.to_string()).unwrap_or_default();
    let waiting = waiting_workers(ledger, &running);
    Some(v1::GetSweepReply { sweep: Some(summary(&sweep)), running, failed, next_task_id, next_why, waiting })
}

/// The workers of running tasks that wait for an outage to end, by id.
fn waiting_workers(ledger: &Ledger, running: &[v1::RunningTask]) -> Vec<v1::WaitingWorker> {
    let ids: std::collections::BTreeSet<&str> = running.iter().map(|task| task.worker_id.as_str()).collect();
    let workers = ledger.workers().filter(|worker| ids.contains(worker.id.as_str()));
    let waiting = workers.filter_map(|worker| {
        Some(v1::WaitingWorker { worker_id: worker.id.to_string(), waiting: Some(worker.waiting?.into()) })
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
    })
}

fn failed((task, experiment): (TaskView<'_>, &str)) -> v1::FailedTask {
    let (kind, message) = match task.first_failure {
        Some(failure) => (failure.kind.as_str().to_owned(), failure.message.clone()),
        None => (String::new(), String::new()),
    };
    v1::FailedTask {
        task_id: task.id.to_string(),
        experiment: experiment.to_owned(),
        attempts: task.begun,
        kind,
        message,
    }
}

/// What a task waits for beside a worker, in a sentence.
fn pending_in_words(by: &PendingReason<'_>) -> String {
    match by {
        PendingReason::Pause => {
            "every sweep that lists it is paused or cancelled; `basin resume SWEEP`".to_owned()
        }
        PendingReason::SweepLimit { sweep, limit } => format!(
            "its sweep {sweep} has the {limit} slots that it may have at once; `basin adjust SWEEP --max-slots N` gives it \
             more, as far as the coordinator's `--max-slots-per-sweep` lets it"
        ),
        PendingReason::UserLimit { user, limit } => {
            let whose = user.map_or_else(
                || "the sweeps of nobody who is known".to_owned(),
                |user| format!("{user}'s sweeps"),
            );
            format!(
                "{whose} have the {limit} slots that the coordinator's `--max-slots-per-user` lets them have"
            )
        }
        PendingReason::Priority { sweep, more: 0 } => {
            format!("sweep {sweep} of a higher priority comes first")
        }
        PendingReason::Priority { sweep, more } => {
            format!("sweep {sweep} and {more} more of a higher priority come first")
        }
    }
}

/// What a queued task waits for.
fn waiting(task: &TaskView<'_>, by: Option<PendingReason<'_>>) -> String {
    let needs: Vec<String> = task.needs.iter().map(ToString::to_string).collect();
    let needs = (!needs.is_empty()).then(|| format!("a free worker with {}", needs.join(", or with ")));
    match (by, needs) {
        (None, None) => "it waits for a worker that is free".to_owned(),
        (None, Some(needs)) => format!("it waits for {needs}; `basin workers` lists them"),
        (Some(by), None) => format!("it waits: {}", pending_in_words(&by)),
        (Some(by), Some(needs)) => format!("it waits: {}; and then for {needs}", pending_in_words(&by)),
    }
}

/// How a running task stands beyond its being trained: the outage that its worker waits for, or how long nothing was heard.
fn progress_note(task: &TaskView<'_>, waiting_for: Option<&OutageWait>) -> String {
    if let Some(OutageWait { outage, lasting, .. }) = waiting_for {
        let (what, seconds) = (outage.kind.description(), lasting.as_secs());
        return format!("; for {seconds} s it has waited, since {what}: {}", outage.message);
    }
    match task.progress.and_then(|progress| progress.silent_ms).map(|ms| ms / 1_000) {
        Some(seconds) if seconds >= SILENT_S => format!("; it last showed progress {seconds} s ago"),
        Some(_) | None => String::new(),
    }
}

/// Why a task is where it is, in a sentence.
fn why(
    task: &TaskView<'_>,
    by: Option<PendingReason<'_>>,
    waiting_for: Option<&OutageWait>,
    now: Timestamp,
) -> String {
    let names = |phase: Phase| {
        let waiting = task.waits_for.iter().filter(|(_, of)| *of == phase || phase == Phase::Blocked);
        waiting.map(|(id, of)| format!("{} ({})", id.short(), of.as_str())).collect::<Vec<_>>().join(", ")
    };
    match task.phase {
        Phase::Queued => match task.not_before.filter(|&time| time > now) {
            Some(time) => {
                let wait = (time - now).as_secs_f64();
                format!("it failed and is tried again in {wait:.0} s; {} attempts are charged", task.charged)
            }
            None => waiting(task, by),
        },
        Phase::Blocked => format!("it waits for the results of {}", names(Phase::Blocked)),
        Phase::UpstreamFailed => {
            format!(
                "it needs {}, which failed; `basin retry SWEEP --failed` tries that again",
                names(Phase::Blocked)
            )
        }
        Phase::Running => match task.lease {
            Some((lease, worker)) => {
                let note = progress_note(task, waiting_for);
                match task.progress.is_some_and(|progress| progress.is_held) {
                    true => {
                        format!("worker {worker} trained it under lease {lease} and holds its result{note}")
                    }
                    false => format!("worker {worker} trains it under lease {lease}{note}"),
                }
            }
            None => "a worker trains it".to_owned(),
        },
        Phase::Expiring => "its lease ran out; the store is being asked whether it was committed".to_owned(),
        Phase::Completed | Phase::Diverged => match task.commit {
            Some(commit) => format!("attempt {} committed it under lease {}", commit.attempt, commit.lease),
            None => "it is committed".to_owned(),
        },
        Phase::Failed => {
            let reason = task.failed.map_or("failed", |reason| reason.as_str());
            let first = task.first_failure.map_or_else(String::new, |failure| {
                format!("; the first error, {}: {}", failure.kind, failure.message)
            });
            let ending = match task.failed {
                Some(FinalReason::Damaged) => "; `basin repair SWEEP` withdraws what is damaged",
                Some(_) | None => "",
            };
            format!("it is not tried again ({reason}, {} attempts){first}{ending}", task.begun)
        }
    }
}

/// A task with its attempts.
pub(super) fn task_reply(
    task: &TaskView<'_>,
    pending_reason: Option<PendingReason<'_>>,
    waiting_for: Option<&OutageWait>,
    spec_json: String,
    now: Timestamp,
) -> v1::GetTaskReply {
    let attempts = task.attempts.iter().map(|attempt| {
        let (state, cause, message) = match &attempt.end {
            None => ("running", String::new(), String::new()),
            Some((_, AttemptEnd::Committed)) => ("committed", String::new(), String::new()),
            Some((_, AttemptEnd::Withdrawn)) => ("withdrawn", String::new(), String::new()),
            Some((_, AttemptEnd::Superseded)) => ("superseded", String::new(), String::new()),
            Some((_, AttemptEnd::Failed(failure))) => {
                ("failed", failure.kind.as_str().to_owned(), failure.message.clone())
            }
            Some((_, AttemptEnd::Released(reason))) => {
                ("released", reason.as_str().to_owned(), String::new())
            }
        };
        v1::AttemptSummary {
            attempt: attempt.attempt.0,
            worker_id: attempt.worker.to_string(),
            state: state.to_owned(),
            cause,
            message,
        }
    });
    v1::GetTaskReply {
        task_id: task.id.to_string(),
        state: task.phase.as_str().to_owned(),
        why: why(task, pending_reason, waiting_for, now),
        sweeps: task.sweeps.iter().map(|(sweep, _)| sweep.to_string()).collect(),
        attempts: attempts.collect(),
        spec_json,
    }
}

/// A worker.
pub(super) fn worker_summary(worker: &WorkerView<'_>, now: Timestamp) -> v1::WorkerSummary {
    let ms = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    v1::WorkerSummary {
        worker_id: worker.id.to_string(),
        worker: worker.description.map(Into::into),
        seen_ms_ago: worker.last_seen.map(|seen| ms(now - seen)),
        draining: worker.draining,
        leases: u32::try_from(worker.leases.len()).unwrap_or(u32::MAX),
        exited: worker.exited,
        avoided_for_ms: worker.avoided_until.filter(|&until| until > now).map(|until| ms(until - now)),
        waiting: worker.waiting.map(Into::into),
    }
}
