//! Sweeps, tasks, and what keeps them, in words.

use basin_domain::escape::line;
use basin_domain::outage::OutageWait;
use basin_domain::worker::Progress;
use basin_proto::codes::Coded;
use basin_proto::v1;

use super::number::span;

/// A sweep's state as a word.
pub fn sweep_state(sweep: &v1::SweepSummary) -> &str {
    v1::SweepState::in_words(sweep.state_code, &sweep.state)
}

/// The kind of a failure as a word.
pub fn failure_kind(failed: &v1::FailedTask) -> &str {
    v1::FailureKind::in_words(failed.kind_code, &failed.kind)
}

/// All tasks of these counts.
pub fn total(counts: &v1::Counts) -> u64 {
    counts.blocked
        + counts.queued
        + counts.running
        + counts.committed
        + counts.failed
        + counts.upstream_failed
}

/// The reason why a worker waits, for people.
pub fn waiting_text(waiting: Option<&v1::Waiting>) -> String {
    let Some(wire) = waiting else { return String::new() };
    let waiting = OutageWait::from(wire.clone());
    let results = match waiting.results {
        0 => String::new(),
        1 => " with 1 finished result".to_owned(),
        results => format!(" with {results} finished results"),
    };
    let (kind, lasting) = (waiting.outage.kind.description(), span(waiting.lasting.as_secs_f64()));
    format!("waits{results} for {lasting}: {kind} ({})", waiting.outage.message)
}

/// The part of a task's id that people read.
pub fn short(id: &str) -> &str {
    id.get(..10).unwrap_or(id)
}

/// A task for people: its name with its id, or its id and its experiment where the name isn't known.
pub fn named(name: &str, experiment: &str, id: &str) -> String {
    let id = line(short(id));
    match (name, experiment) {
        ("", "") => id.to_string(),
        ("", experiment) => format!("{id} of {}", line(experiment)),
        (name, _) => format!("{} ({id})", line(name)),
    }
}

/// The training examples a second that a task takes, if it trains and counts them.
pub fn examples_per_second(at: &v1::Progress) -> Option<f64> {
    Progress::from(*at).current_examples_per_second()
}

/// The share of a running task's work that is done, from 0 to 1, as far as its worker says.
pub fn done_share(at: &v1::Progress) -> f64 {
    at.done_share.unwrap_or_else(|| at.iteration as f64 / at.iterations.max(1) as f64)
}
