//! Sweeps, and what keeps them, in words and as JSON: what several commands show.

pub(crate) use basin_board::words::sweep::{failure_kind, named, short, sweep_state, total, waiting_text};
use basin_domain::escape::line;
use basin_proto::codes::Coded;
use basin_proto::v1;
use serde_json::{Value, json};

use crate::output::{counted, table};

fn counts_value(counts: &v1::Counts) -> Value {
    json!({
        "blocked": counts.blocked, "queued": counts.queued, "running": counts.running,
        "committed": counts.committed, "failed": counts.failed, "diverged": counts.diverged, "stopped": counts.stopped,
        "upstream_failed": counts.upstream_failed,
    })
}

/// A sweep for programs.
pub(crate) fn summary_value(sweep: &v1::SweepSummary) -> Value {
    let experiments: serde_json::Map<_, _> = sweep
        .experiments
        .iter()
        .map(|it| (it.experiment.clone(), counts_value(&it.counts.unwrap_or_default())))
        .collect();
    json!({
        "sweep": sweep.sweep_id, "state": sweep_state(sweep), "launched_unix_ms": sweep.launched_unix_ms,
        "user": (!sweep.user.is_empty()).then_some(&sweep.user), "priority": sweep.priority,
        "slots": sweep.slots, "max_slots": sweep.max_slots,
        "variant": (!sweep.variant.is_empty()).then_some(&sweep.variant),
        "counts": counts_value(&sweep.counts.unwrap_or_default()), "experiments": experiments,
    })
}

pub(crate) fn counts_row(name: &str, counts: &v1::Counts) -> Vec<String> {
    let numbers = [
        total(counts),
        counts.committed,
        counts.running,
        counts.queued,
        counts.blocked + counts.upstream_failed,
        counts.failed,
        counts.diverged,
        counts.stopped,
    ];
    [name.to_owned()].into_iter().chain(numbers.map(|number| number.to_string())).collect()
}

pub(crate) const COUNTS: [&str; 9] =
    ["experiment", "tasks", "committed", "running", "queued", "blocked", "failed", "diverged", "stopped"];

/// A sweep for people.
pub(crate) fn describe(sweep: &v1::SweepSummary) -> String {
    let mut rows: Vec<_> = sweep
        .experiments
        .iter()
        .map(|it| counts_row(&it.experiment, &it.counts.unwrap_or_default()))
        .collect();
    rows.push(counts_row("all", &sweep.counts.unwrap_or_default()));
    format!(
        "{}: {}{}\n{}",
        line(&sweep.sweep_id),
        line(sweep_state(sweep)),
        line(&quota(sweep)),
        table(&COUNTS, &rows)
    )
}

/// The special parts of a sweep's quota of the workers.
fn quota(sweep: &v1::SweepSummary) -> String {
    let user = (!sweep.user.is_empty()).then(|| format!(", launched by {}", sweep.user));
    let priority = (sweep.priority != 0).then(|| format!(", priority {}", sweep.priority));
    let slots = sweep.max_slots.map(|most| format!(", {} of at most {most} slots taken", sweep.slots));
    [user, priority, slots].into_iter().flatten().collect()
}

pub(crate) fn slots(sweep: &v1::SweepSummary) -> String {
    sweep.max_slots.map_or_else(|| sweep.slots.to_string(), |most| format!("{}/{most}", sweep.slots))
}

pub(crate) fn waiting_value(waiting: Option<&v1::Waiting>) -> Value {
    let Some(it) = waiting else { return Value::Null };
    json!({ "kind": v1::OutageKind::in_words(it.kind_code, &it.kind), "message": it.message, "results": it.results, "lasting_ms": it.lasting_ms })
}

/// A failed task for people: its first line of error.
pub(crate) fn failed_text(failed: &v1::FailedTask) -> String {
    let first = failed.message.lines().next().unwrap_or_default();
    format!(
        "failed: {} after {} ({}): {}\n",
        named(&failed.name, &failed.experiment, &failed.task_id),
        counted(failed.attempts.into(), "attempt", "attempts"),
        line(failure_kind(failed)),
        line(first)
    )
}
