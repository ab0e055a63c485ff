//! `basin list`, `status`, `why`, `workers`: looking at a coordinator.

use basin_board::words::sweep::examples_per_second;
use basin_board::words::usage;
use basin_board::words::worker_state::{self, WorkerState};
use basin_domain::escape::line;
use basin_domain::placement::ByteSize;
use basin_proto::codes::Coded;
use basin_proto::v1;
use serde_json::{Value, json};

use super::arguments::{Viewed, ViewedSweep, ViewedTask};
use super::clock::unix_ms;
use super::command_error::CommandResult;
use super::failures::call_failed;
use super::looked_at::LookedAt;
use super::output::{Output, span, table};
use super::sweep_text::{
    COUNTS, counts_row, describe, failed_text, failure_kind, named, short, slots, summary_value, sweep_state,
    waiting_text, waiting_value,
};
use super::time_left::{forecast_value, left_text, percent};
use super::why;

fn task_state(task: &v1::GetTaskReply) -> &str {
    v1::TaskState::in_words(task.state_code, &task.state)
}

fn attempt_state(attempt: &v1::AttemptSummary) -> &str {
    v1::AttemptState::in_words(attempt.state_code, &attempt.state)
}

fn why_sentence(task: &v1::GetTaskReply) -> String {
    why::sentence(task.reason.as_ref(), &task.why)
}

fn next_why(reply: &v1::GetSweepReply) -> String {
    why::sentence(reply.next_reason.as_ref(), &reply.next_why)
}

/// `basin list`.
pub(super) async fn list(arguments: Viewed, output: Output) -> CommandResult {
    let looked_at = LookedAt::open(&arguments, output).await?;
    let client = looked_at.client();
    let mut sweeps = client.list_sweeps().await.map_err(call_failed)?.sweeps;
    sweeps.sort_by_key(|sweep| std::cmp::Reverse(sweep.launched_unix_ms));
    let text = list_text(&sweeps, unix_ms());
    output.result(&sweeps.iter().map(summary_value).collect::<Vec<_>>(), &text)
}

/// Sweeps for people, with their ages at this time in Unix milliseconds.
fn list_text(sweeps: &[v1::SweepSummary], now: u64) -> String {
    let rows: Vec<_> = sweeps
        .iter()
        .map(|sweep| {
            let mut row = counts_row(&sweep.sweep_id, &sweep.counts.unwrap_or_default());
            let user = if sweep.user.is_empty() { "-" } else { &sweep.user };
            let age = now.saturating_sub(sweep.launched_unix_ms) / 1_000;
            let quota = [
                format!("{} ago", span(age as f64)),
                sweep_state(sweep).to_owned(),
                user.to_owned(),
                sweep.priority.to_string(),
                slots(sweep),
            ];
            row.splice(1..1, quota);
            row
        })
        .collect();
    let header: Vec<&str> = ["sweep", "launched", "state", "user", "priority", "slots"]
        .into_iter()
        .chain(COUNTS.into_iter().skip(1))
        .collect();
    if rows.is_empty() {
        return "no sweeps".to_owned();
    }
    let variants = sweeps.iter().filter(|sweep| !sweep.variant.is_empty());
    let variants: String =
        variants.map(|sweep| format!("{}: {}\n", line(&sweep.sweep_id), line(&sweep.variant))).collect();
    let heading = if variants.is_empty() { "" } else { "\nof one name, the newest first:\n" };
    format!("{}{heading}{variants}", table(&header, &rows))
}

/// `basin status`.
pub(super) async fn status(arguments: ViewedSweep, output: Output) -> CommandResult {
    let looked_at = LookedAt::open(&arguments.viewed, output).await?;
    let client = looked_at.client();
    let reply = client.sweep(&arguments.sweep).await.map_err(call_failed)?;
    let summary = reply.sweep.clone().unwrap_or_default();
    say_which(&reply, &arguments.sweep, output);
    let text = status_text(&summary, &reply);
    let mut value = summary_value(&summary);
    value["forecast"] = forecast_value(reply.forecast.as_ref());
    value["running"] = reply
        .running
        .iter()
        .map(|task| {
            let at = task.progress.unwrap_or_default();
            json!({ "task": task.task_id, "name": name_value(&task.name), "experiment": task.experiment, "worker": task.worker_id,
                "attempt": task.attempt, "iteration": at.iteration, "iterations": at.iterations,
                "epoch": at.epoch, "epochs": at.epochs, "loss": at.loss, "silent_ms": at.silent_ms,
                "held": at.is_held, "done_share": at.done_share, "examples_per_second": examples_per_second(&at) })
        })
        .collect();
    value["waiting"] = reply
        .waiting
        .iter()
        .map(|it| {
            let mut value = waiting_value(it.waiting.as_ref());
            value["worker"] = it.worker_id.as_str().into();
            value
        })
        .collect();
    value["failed"] = reply
        .failed
        .iter()
        .map(|task| {
            json!({ "task": task.task_id, "name": name_value(&task.name), "experiment": task.experiment, "attempts": task.attempts,
                "kind": failure_kind(task), "message": task.message })
        })
        .collect();
    value["next"] = match reply.next_task_id.is_empty() {
        true => Value::Null,
        false => {
            json!({ "task": reply.next_task_id, "name": name_value(&reply.next_name), "why": next_why(&reply) })
        }
    };
    output.result(&value, &text)
}

/// Says which of several sweeps of one name this is.
pub(super) fn say_which(reply: &v1::GetSweepReply, asked: &str, output: Output) {
    let id = reply.sweep.as_ref().map_or("", |sweep| sweep.sweep_id.as_str());
    if reply.of_this_name > 1 {
        output.say(&format!(
            "{id} is the newest of {} sweeps named {asked}; `basin list` has the others",
            reply.of_this_name
        ));
    }
}

/// A sweep with its running and its failed tasks, for people.
fn status_text(summary: &v1::SweepSummary, reply: &v1::GetSweepReply) -> String {
    let mut text = describe(summary);
    if let Some(forecast) = reply.forecast.as_ref().filter(|forecast| forecast.done_share < 1.0) {
        let left = left_text(forecast).map_or_else(String::new, |left| format!(", {left} left"));
        text.push_str(&format!("{} % of the work done{left}\n", percent(forecast.done_share)));
    }
    if !reply.running.is_empty() {
        let rows: Vec<_> = reply.running.iter().map(running_row).collect();
        text.push('\n');
        text.push_str(&table(&["running", "id", "worker", "attempt", "epoch", "loss"], &rows));
    }
    for worker in &reply.waiting {
        let waiting = waiting_text(worker.waiting.as_ref());
        text.push_str(&format!("worker {}: {}\n", line(&worker.worker_id), line(&waiting)));
    }
    if !reply.next_task_id.is_empty() {
        let next = named(&reply.next_name, "", &reply.next_task_id);
        text.push_str(&format!("next: {next}; {}\n", line(&next_why(reply))));
    }
    for failed in &reply.failed {
        text.push_str(&failed_text(failed));
    }
    text
}

fn running_row(task: &v1::RunningTask) -> Vec<String> {
    let at = task.progress.unwrap_or_default();
    let loss = at.loss.map_or_else(|| "–".to_owned(), |loss| format!("{loss:.4}"));
    vec![
        if task.name.is_empty() { task.experiment.clone() } else { task.name.clone() },
        short(&task.task_id).to_owned(),
        task.worker_id.clone(),
        task.attempt.to_string(),
        format!("{}/{}", at.epoch, at.epochs),
        loss,
    ]
}

/// `basin why`.
pub(super) async fn why(arguments: ViewedTask, output: Output) -> CommandResult {
    let looked_at = LookedAt::open(&arguments.viewed, output).await?;
    let client = looked_at.client();
    let task = client.task(&arguments.task.join(" ")).await.map_err(call_failed)?;
    let text = why_text(&task);
    output.result(&why_value(&task), &text)
}

/// The names of a task for people, a line each; two sweeps may call it the same.
fn names_text(names: &[String]) -> String {
    let distinct: std::collections::BTreeSet<&String> = names.iter().collect();
    distinct.into_iter().map(|name| format!("{}\n", line(name))).collect()
}

/// A name for programs.
fn name_value(name: &str) -> Value {
    if name.is_empty() { Value::Null } else { name.into() }
}

/// A task for programs.
fn why_value(task: &v1::GetTaskReply) -> Value {
    let attempts: Vec<_> = task
        .attempts
        .iter()
        .map(|it| {
            json!({ "attempt": it.attempt, "worker": it.worker_id, "end": attempt_state(it), "cause": it.cause, "message": it.message })
        })
        .collect();
    let spec: Value = serde_json::from_str(&task.spec_json).unwrap_or(Value::Null);
    json!({ "task": task.task_id, "state": task_state(task), "why": why_sentence(task),
        "reason": why::value(task.reason.as_ref()), "sweeps": task.sweeps, "names": task.names, "attempts": attempts, "spec": spec })
}

/// A task for people.
fn why_text(task: &v1::GetTaskReply) -> String {
    let mut text = format!(
        "{}{}\n{}: {}\nsweeps: {}\n",
        names_text(&task.names),
        line(&task.task_id),
        line(task_state(task)),
        line(&why_sentence(task)),
        line(&task.sweeps.join(", "))
    );
    let rows: Vec<_> = task
        .attempts
        .iter()
        .map(|attempt| {
            let message = attempt.message.lines().next().unwrap_or_default().to_owned();
            vec![
                attempt.attempt.to_string(),
                attempt.worker_id.clone(),
                attempt_state(attempt).to_owned(),
                attempt.cause.clone(),
                message,
            ]
        })
        .collect();
    if !rows.is_empty() {
        text.push_str(&table(&["attempt", "worker", "end", "cause", "message"], &rows));
    }
    text
}

/// `basin workers`.
pub(super) async fn workers(arguments: Viewed, output: Output) -> CommandResult {
    let looked_at = LookedAt::open(&arguments, output).await?;
    let client = looked_at.client();
    let workers = client.workers().await.map_err(call_failed)?;
    let text = workers_text(&workers);
    let value: Vec<_> = workers
        .iter()
        .map(|it| {
            let what = it.worker.clone().unwrap_or_default();
            json!({ "worker": it.worker_id, "host": what.host, "device": what.device, "slots": what.slots,
                "threads": what.threads, "version": what.version, "code_path": what.code_path,
                "labels": what.labels, "memory": what.memory, "leases": it.leases, "seen_ms_ago": it.seen_ms_ago,
                "silent_ms": worker_state::silent_ms(it),
                "draining": it.draining, "ended": it.exited, "avoided_for_ms": it.avoided_for_ms,
                "waiting": waiting_value(it.waiting.as_ref()), "usage": it.usage.as_ref().map(usage_value),
                "examples_per_second": it.examples_per_second })
        })
        .collect();
    output.result(&value, &text)
}

/// What a worker uses of its machine, for programs.
fn usage_value(usage: &v1::WorkerUsage) -> Value {
    json!({ "cpu_cores": usage.cpu_cores, "cores": (usage.cores > 0).then_some(usage.cores), "memory": usage.memory,
        "memory_limit": (usage.memory_limit > 0).then_some(usage.memory_limit) })
}

/// Workers for people.
fn workers_text(workers: &[v1::WorkerSummary]) -> String {
    let rows: Vec<_> = workers
        .iter()
        .map(|it| {
            let what = it.worker.clone().unwrap_or_default();
            vec![
                it.worker_id.clone(),
                what.host,
                what.device,
                format!("{}/{}", it.leases, what.slots),
                what.threads.to_string(),
                if what.memory == 0 { "-".to_owned() } else { ByteSize(what.memory).to_string() },
                what.labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" "),
                usage::cores(it.usage.as_ref()),
                usage::memory(it.usage.as_ref()),
                usage::examples(it.examples_per_second),
                it.seen_ms_ago.map_or_else(|| "not yet".to_owned(), |ms| span(ms as f64 / 1e3)),
                WorkerState::of(it).to_string(),
            ]
        })
        .collect();
    match rows.is_empty() {
        true => "no workers".to_owned(),
        false => table(
            &[
                "worker",
                "host",
                "device",
                "busy",
                "threads",
                "memory",
                "labels",
                "cores used",
                "memory used",
                "examples/s",
                "seen",
                "state",
            ],
            &rows,
        ),
    }
}

#[cfg(test)]
mod tests;
