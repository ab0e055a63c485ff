//! The sentence of a reason for clients of protocol version 2, which can't word one themselves. Its words stay as they were.

use std::time::Duration;

use basin_core::event::FinalReason;
use basin_core::pending_reason::PendingReason;
use basin_core::why::{Input, Why};
use basin_domain::outage::OutageWait;
use basin_domain::placement::Requirements;

/// From how many seconds on it is said of a task that it shows no progress.
const SILENT_S: u64 = 5;

pub(super) fn sentence(why: &Why<'_>) -> String {
    match why {
        Why::WaitsForRetry { wait, charged } => {
            let wait = wait.as_secs_f64();
            format!("it failed and is tried again in {wait:.0} s; {charged} attempts are charged")
        }
        Why::WaitsForWorker { requirements, pending } => waiting(requirements, pending.as_ref()),
        Why::WaitsForInputs(inputs) => format!("it waits for the results of {}", names(inputs)),
        Why::InputsFailed(inputs) => {
            format!("it needs {}, which failed; `basin retry SWEEP --failed` tries that again", names(inputs))
        }
        Why::Runs { worker, lease, is_held, waiting, silent } => {
            let note = progress_note(*waiting, *silent);
            match is_held {
                true => format!("worker {worker} trained it under lease {lease} and holds its result{note}"),
                false => format!("worker {worker} trains it under lease {lease}{note}"),
            }
        }
        Why::LeaseExpired => {
            "its lease ran out; the store is being asked whether it was committed".to_owned()
        }
        Why::IsCommitted { attempt, lease } => format!("attempt {attempt} committed it under lease {lease}"),
        Why::HasFailed { reason, attempts, first } => {
            let first = first.map_or_else(String::new, |failure| {
                format!("; the first error, {}: {}", failure.kind, failure.message)
            });
            let repair = match reason {
                FinalReason::Damaged => "; `basin repair SWEEP` withdraws what is damaged",
                FinalReason::InvalidParameters | FinalReason::AttemptsSpent | FinalReason::Quarantined => "",
            };
            format!("it is not tried again ({}, {attempts} attempts){first}{repair}", reason.as_str())
        }
    }
}

fn names(inputs: &[Input]) -> String {
    let names = inputs.iter().map(|input| format!("{} ({})", input.task.short(), input.phase.as_str()));
    names.collect::<Vec<_>>().join(", ")
}

fn waiting(requirements: &[&Requirements], pending: Option<&PendingReason<'_>>) -> String {
    let needs: Vec<String> = requirements.iter().map(ToString::to_string).collect();
    let needs = (!needs.is_empty()).then(|| format!("a free worker with {}", needs.join(", or with ")));
    match (pending, needs) {
        (None, None) => "it waits for a worker that is free".to_owned(),
        (None, Some(needs)) => format!("it waits for {needs}; `basin workers` lists them"),
        (Some(pending), None) => format!("it waits: {}", limit(pending)),
        (Some(pending), Some(needs)) => format!("it waits: {}; and then for {needs}", limit(pending)),
    }
}

fn limit(pending: &PendingReason<'_>) -> String {
    match pending {
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

fn progress_note(waiting: Option<&OutageWait>, silent: Option<Duration>) -> String {
    if let Some(OutageWait { outage, lasting, .. }) = waiting {
        let (what, seconds) = (outage.kind.description(), lasting.as_secs());
        return format!("; for {seconds} s it has waited, since {what}: {}", outage.message);
    }
    match silent.map(|silent| silent.as_secs()) {
        Some(seconds) if seconds >= SILENT_S => format!("; it last showed progress {seconds} s ago"),
        Some(_) | None => String::new(),
    }
}
