//! The ledger's states and reasons as the wire's.

use std::time::Duration;

use basin_core::attempt::AttemptEnd;
use basin_core::event::FinalReason;
use basin_core::forecast::Forecast;
use basin_core::pending_reason::PendingReason;
use basin_core::view::{Phase, SweepState};
use basin_core::why::{Input, Why};
use basin_domain::id::SweepId;
use basin_domain::sweep::SweepNote;
use basin_proto::convert::InvalidField;
use basin_proto::v1;
use basin_proto::v1::pending_reason::Reason as Pending;
use basin_proto::v1::why::Reason;
use basin_storage::{Collected, Freed, ObjectProblem, Space};

use super::{DEFAULT_GRACE, GarbageRequest, Repaired};

pub(super) fn sweep_note(note: SweepNote) -> v1::SweepNote {
    let SweepNote { file, line, message, hint } = note;
    v1::SweepNote { file, line: line as u64, message, hint: hint.unwrap_or_default() }
}

/// What is left of a sweep's work.
pub(super) fn forecast(forecast: Forecast) -> v1::Forecast {
    let Forecast { done_share, left, experiments } = forecast;
    let experiments = experiments.into_iter().map(|it| v1::ExperimentForecast {
        experiment: it.name,
        work_seconds: it.work,
        done_seconds: it.done,
    });
    v1::Forecast {
        done_share,
        seconds_left: left.map(|left| left.seconds),
        least_seconds_left: left.map(|left| left.least),
        most_seconds_left: left.map(|left| left.most),
        experiments: experiments.collect(),
    }
}

pub(super) fn repaired(sweep: &SweepId, repaired: Repaired) -> v1::RepairSweepReply {
    let tasks = repaired.tasks.into_iter().map(|it| v1::RepairedTask {
        task_id: it.task.to_string(),
        attempt: it.commit.as_ref().map_or(0, |(attempt, _)| attempt.0),
        lease_id: it.commit.map(|(_, lease)| lease.to_string()).unwrap_or_default(),
        problems: it.problems.into_iter().map(problem).collect(),
        withdrawn: it.is_withdrawn,
    });
    v1::RepairSweepReply {
        sweep_id: sweep.to_string(),
        tasks: tasks.collect(),
        retried: repaired.retried,
        next_after_task_id: repaired.next_after.map(|task| task.to_string()).unwrap_or_default(),
    }
}

fn problem(problem: ObjectProblem) -> v1::Problem {
    let ObjectProblem { key, why } = problem;
    v1::Problem { key, why }
}

pub(super) fn garbage_request(wire: &v1::CollectGarbageRequest) -> Result<GarbageRequest, InvalidField> {
    let after = match wire.after.as_str() {
        "" => None,
        shard => {
            let invalid =
                |error: std::num::ParseIntError| InvalidField { field: "after", why: error.to_string() };
            Some(u8::from_str_radix(shard, 16).map_err(invalid)?)
        }
    };
    Ok(GarbageRequest {
        is_dry_run: wire.dry_run,
        with_datasets: wire.datasets,
        grace: wire.grace_ms.map_or(DEFAULT_GRACE, Duration::from_millis),
        after,
    })
}

pub(super) fn collected(collected: Collected, store_url: &str) -> v1::CollectGarbageReply {
    let Collected { freed, young, unreadable, irreplaceable, next_after } = collected;
    let Freed { tasks, attempts, checkpoints, leftovers, datasets } = freed;
    let space = |Space { count, bytes }: Space| Some(v1::Space { count, bytes });
    v1::CollectGarbageReply {
        tasks: space(tasks),
        attempts: space(attempts),
        checkpoints: space(checkpoints),
        leftovers: space(leftovers),
        datasets: space(datasets),
        young: space(young),
        irreplaceable: space(irreplaceable),
        unreadable: unreadable.into_iter().map(problem).collect(),
        next_after: next_after.map(|shard| format!("{shard:02x}")).unwrap_or_default(),
        store_url: store_url.to_owned(),
    }
}

pub(super) const fn sweep_state(state: SweepState) -> v1::SweepState {
    match state {
        SweepState::Running => v1::SweepState::Running,
        SweepState::Paused => v1::SweepState::Paused,
        SweepState::Cancelled => v1::SweepState::Cancelled,
        SweepState::Done => v1::SweepState::Done,
    }
}

pub(super) const fn task_state(phase: Phase) -> v1::TaskState {
    match phase {
        Phase::Queued => v1::TaskState::Queued,
        Phase::Blocked => v1::TaskState::Blocked,
        Phase::UpstreamFailed => v1::TaskState::UpstreamFailed,
        Phase::Running => v1::TaskState::Running,
        Phase::Expiring => v1::TaskState::Expiring,
        Phase::Completed => v1::TaskState::Completed,
        Phase::Diverged => v1::TaskState::Diverged,
        Phase::Stopped => v1::TaskState::Stopped,
        Phase::Failed => v1::TaskState::Failed,
    }
}

pub(super) const fn attempt_state(end: Option<&AttemptEnd>) -> v1::AttemptState {
    match end {
        None => v1::AttemptState::Running,
        Some(AttemptEnd::Committed) => v1::AttemptState::Committed,
        Some(AttemptEnd::Withdrawn) => v1::AttemptState::Withdrawn,
        Some(AttemptEnd::Superseded) => v1::AttemptState::Superseded,
        Some(AttemptEnd::Failed(_)) => v1::AttemptState::Failed,
        Some(AttemptEnd::Released(_)) => v1::AttemptState::Released,
    }
}

const fn final_reason(reason: FinalReason) -> v1::FinalReason {
    match reason {
        FinalReason::InvalidParameters => v1::FinalReason::InvalidParameters,
        FinalReason::AttemptsSpent => v1::FinalReason::AttemptsSpent,
        FinalReason::Quarantined => v1::FinalReason::Quarantined,
        FinalReason::Damaged => v1::FinalReason::Damaged,
    }
}

pub(super) fn why(why: &Why<'_>) -> v1::Why {
    let reason = match why {
        Why::WaitsForRetry { wait, charged } => {
            Reason::WaitsForRetry(v1::WaitsForRetry { wait_ms: millis(*wait), charged: *charged })
        }
        Why::WaitsForWorker { requirements, pending } => Reason::WaitsForWorker(v1::WaitsForWorker {
            requirements: requirements.iter().map(|it| (*it).into()).collect(),
            pending: pending.as_ref().map(pending_reason),
        }),
        Why::WaitsForInputs(inputs) => {
            Reason::WaitsForInputs(v1::WaitsForInputs { inputs: inputs.iter().map(input).collect() })
        }
        Why::InputsFailed(inputs) => {
            Reason::InputsFailed(v1::InputsFailed { inputs: inputs.iter().map(input).collect() })
        }
        Why::Runs { worker, lease, is_held, waiting, silent } => Reason::Runs(v1::Runs {
            worker_id: worker.to_string(),
            lease_id: lease.to_string(),
            is_held: *is_held,
            waiting: waiting.map(Into::into),
            silent_ms: silent.map(millis),
        }),
        Why::LeaseExpired => Reason::LeaseExpired(v1::LeaseExpired {}),
        Why::IsCommitted { attempt, lease } => {
            Reason::IsCommitted(v1::IsCommitted { attempt: attempt.0, lease_id: lease.to_string() })
        }
        Why::HasFailed { reason, attempts, first } => Reason::HasFailed(v1::HasFailed {
            reason: final_reason(*reason).into(),
            attempts: *attempts,
            first_kind: first.map_or(v1::FailureKind::Unspecified, |first| first.kind.into()).into(),
            first_message: first.map(|first| first.message.clone()).unwrap_or_default(),
        }),
    };
    v1::Why { reason: Some(reason) }
}

fn input(input: &Input) -> v1::Input {
    v1::Input { task_id: input.task.to_string(), state: task_state(input.phase).into() }
}

fn pending_reason(pending: &PendingReason<'_>) -> v1::PendingReason {
    let reason = match pending {
        PendingReason::Pause => Pending::Paused(v1::Paused {}),
        PendingReason::SweepLimit { sweep, limit } => {
            Pending::SweepLimit(v1::SweepLimit { sweep_id: sweep.to_string(), limit: *limit })
        }
        PendingReason::UserLimit { user, limit } => Pending::UserLimit(v1::UserLimit {
            user: user.map(ToString::to_string).unwrap_or_default(),
            limit: *limit,
        }),
        PendingReason::Priority { sweep, more } => {
            Pending::LowerPriority(v1::LowerPriority { sweep_id: sweep.to_string(), more: *more as u64 })
        }
    };
    v1::PendingReason { reason: Some(reason) }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
