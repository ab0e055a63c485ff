//! Why a task is in its state, in words, with what to type where that helps.

use basin_domain::outage::OutageWait;
use basin_domain::placement::Requirements;
use basin_proto::codes::Coded;
use basin_proto::v1;
use basin_proto::v1::pending_reason::Reason as Pending;
use basin_proto::v1::why::Reason;

use super::sweep::short;

/// From how many seconds on it is said of a task that it shows no progress.
const SILENT_S: u64 = 5;

/// The reason in a sentence. A coordinator of protocol version 2 says the sentence itself, and one of a later version may have
/// reasons that are unknown here: theirs is `said`.
pub fn sentence(why: Option<&v1::Why>, said: &str) -> String {
    why.and_then(|why| why.reason.as_ref()).and_then(words).unwrap_or_else(|| said.to_owned())
}

fn words(reason: &Reason) -> Option<String> {
    Some(match reason {
        Reason::WaitsForRetry(it) => {
            let wait = it.wait_ms as f64 / 1e3;
            format!("it failed and is tried again in {wait:.0} s; {} attempts are charged", it.charged)
        }
        Reason::WaitsForWorker(it) => waits_for_worker(it)?,
        Reason::WaitsForInputs(it) => format!("it waits for the results of {}", inputs(&it.inputs)),
        Reason::InputsFailed(it) => format!(
            "it needs {}, which failed; `basin retry SWEEP --failed` tries that again",
            inputs(&it.inputs)
        ),
        Reason::Runs(it) => {
            let v1::Runs { worker_id, lease_id, is_held, .. } = it;
            let note = progress_note(it);
            match is_held {
                true => {
                    format!("worker {worker_id} trained it under lease {lease_id} and holds its result{note}")
                }
                false => format!("worker {worker_id} trains it under lease {lease_id}{note}"),
            }
        }
        Reason::LeaseExpired(_) => {
            "its lease ran out; the store is being asked whether it was committed".to_owned()
        }
        Reason::IsCommitted(it) => {
            format!("attempt {} committed it under lease {}", it.attempt, it.lease_id)
        }
        Reason::HasFailed(it) => has_failed(it)?,
    })
}

fn waits_for_worker(it: &v1::WaitsForWorker) -> Option<String> {
    let needs: Vec<_> = it.requirements.iter().map(|it| Requirements::from(it.clone()).to_string()).collect();
    let needs = (!needs.is_empty()).then(|| format!("a free worker with {}", needs.join(", or with ")));
    let pending = match &it.pending {
        Some(pending) => Some(pending_words(pending.reason.as_ref()?)),
        None => None,
    };
    Some(match (pending, needs) {
        (None, None) => "it waits for a worker that is free".to_owned(),
        (None, Some(needs)) => format!("it waits for {needs}; `basin workers` lists them"),
        (Some(pending), None) => format!("it waits: {pending}"),
        (Some(pending), Some(needs)) => format!("it waits: {pending}; and then for {needs}"),
    })
}

fn pending_words(pending: &Pending) -> String {
    match pending {
        Pending::Paused(_) => {
            "every sweep that lists it is paused or cancelled; `basin resume SWEEP`".to_owned()
        }
        Pending::SweepLimit(v1::SweepLimit { sweep_id, limit }) => format!(
            "its sweep {sweep_id} has the {limit} slots that it may have at once; `basin adjust SWEEP --max-slots N` gives it \
             more, as far as the coordinator's `--max-slots-per-sweep` lets it"
        ),
        Pending::UserLimit(v1::UserLimit { user, limit }) => {
            let whose = match user.is_empty() {
                true => "the sweeps of nobody who is known".to_owned(),
                false => format!("{user}'s sweeps"),
            };
            format!(
                "{whose} have the {limit} slots that the coordinator's `--max-slots-per-user` lets them have"
            )
        }
        Pending::LowerPriority(v1::LowerPriority { sweep_id, more: 0 }) => {
            format!("sweep {sweep_id} of a higher priority comes first")
        }
        Pending::LowerPriority(v1::LowerPriority { sweep_id, more }) => {
            format!("sweep {sweep_id} and {more} more of a higher priority come first")
        }
    }
}

fn inputs(inputs: &[v1::Input]) -> String {
    let names = inputs.iter().map(|input| format!("{} ({})", short(&input.task_id), input.state().word()));
    names.collect::<Vec<_>>().join(", ")
}

/// The outage that the worker of a running task waits for, or how long the task has shown no progress.
fn progress_note(runs: &v1::Runs) -> String {
    if let Some(waiting) = &runs.waiting {
        let OutageWait { outage, lasting, .. } = waiting.clone().into();
        let (what, seconds) = (outage.kind.description(), lasting.as_secs());
        return format!("; for {seconds} s it has waited, since {what}: {}", outage.message);
    }
    match runs.silent_ms.map(|ms| ms / 1_000) {
        Some(seconds) if seconds >= SILENT_S => format!("; it last showed progress {seconds} s ago"),
        Some(_) | None => String::new(),
    }
}

fn has_failed(it: &v1::HasFailed) -> Option<String> {
    let reason = it.reason();
    let first = match it.first_kind() {
        v1::FailureKind::Unspecified => String::new(),
        kind => format!("; the first error, {}: {}", kind.word(), it.first_message),
    };
    let repair = match reason {
        v1::FinalReason::Unspecified => return None,
        v1::FinalReason::Damaged => "; `basin repair SWEEP` withdraws what is damaged",
        v1::FinalReason::InvalidParameters
        | v1::FinalReason::AttemptsSpent
        | v1::FinalReason::Quarantined => "",
    };
    Some(format!("it is not tried again ({}, {} attempts){first}{repair}", reason.word(), it.attempts))
}

#[cfg(test)]
mod tests;
