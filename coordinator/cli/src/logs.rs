//! `basin logs`: what is said of a task, while it is worked on and afterwards.

use std::time::Duration;

use basin_coordinator::client::Client;
use basin_coordinator::stored_log::{self, StoredLog};
use basin_domain::escape::line;
use basin_proto::v1;
use serde_json::{Value, json};

use super::arguments::Logs;
use super::command_error::{CommandError, CommandResult};
use super::failures::{OrStore, call_failed};
use super::looked_at::LookedAt;
use super::lookup;
use super::output::Output;
use super::sweep_text::named;

/// The pause between two looks at a log that is followed.
const PAUSE: Duration = Duration::from_millis(500);

/// Prints a task's log, and follows it if that was asked for.
pub(super) async fn logs(arguments: Logs, output: Output) -> CommandResult {
    let task = arguments.task.join(" ");
    if let Some(url) = &arguments.from_store {
        return of_store(url, &task, output).await;
    }
    let looked_at = LookedAt::open(&arguments.viewed, output).await?;
    let reply = looked_at.client().task_log(&task, 0, 0).await.map_err(call_failed)?;
    if arguments.follow && looked_at.left_in().is_none() {
        return follow(looked_at.client(), reply, output).await;
    }
    output.say(&headline(&reply));
    output.result(&value(&reply), &shown(&reply.lines))?;
    if reply.lines.is_empty() {
        output.say(nothing(&reply));
    }
    Ok(())
}

/// The log that is left in a store, whoever has a coordinator.
async fn of_store(url: &str, task: &str, output: Output) -> CommandResult {
    let store = lookup::existing_store(url)?;
    let (sweep, task) = lookup::task(&store, task).await?;
    let found = stored_log::newest(&store, &task.id).await;
    let found = found.or_store(format!("cannot read the log of task {}", task.id.short()))?;
    let Some(StoredLog { attempt, lease: _, first, lines }) = found else {
        let failed =
            CommandError::input(anyhow::anyhow!("{} ({}) has left no log", task.name(), task.id.short()));
        return Err(failed
            .hint("a log is there once an attempt has ended; one that runs is asked of its coordinator"));
    };
    let reply = v1::GetTaskLogReply {
        task_id: task.id.to_string(),
        name: task.name(),
        attempt: attempt.0,
        first,
        lines,
        ..v1::GetTaskLogReply::default()
    };
    output.say(&format!("{} of {sweep}, attempt {attempt}", named(&reply.name, "", &reply.task_id)));
    output.result(&value(&reply), &shown(&reply.lines))
}

/// Prints what is said until the task is settled.
async fn follow(client: &Client, first: v1::GetTaskLogReply, output: Output) -> CommandResult {
    let mut reply = first;
    let mut seen = (0, 0);
    let mut said = String::new();
    loop {
        let now = headline(&reply);
        if now != said {
            output.say(&now);
            said = now;
        }
        if reply.attempt != seen.0 {
            seen = (reply.attempt, 0);
        } else if reply.first > seen.1 && !reply.lines.is_empty() {
            output.say(&format!("… {} lines are left out", reply.first - seen.1));
        }
        for (number, text) in (reply.first..).zip(&reply.lines) {
            output.event(&json!({ "attempt": reply.attempt, "number": number, "line": text }), text)?;
        }
        seen.1 = seen.1.max(reply.first.saturating_add(reply.lines.len() as u64));
        if is_settled(&reply) {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
        reply = match client.task_log(&reply.task_id, seen.0, seen.1).await {
            // A coordinator that was there comes back.
            Err(error) if error.is_transient() => v1::GetTaskLogReply { lines: Vec::new(), ..reply },
            found => found.map_err(call_failed)?,
        };
    }
}

/// Whether nothing more will be said.
fn is_settled(reply: &v1::GetTaskLogReply) -> bool {
    use v1::TaskState::{Completed, Diverged, Failed, Stopped, UpstreamFailed};
    !reply.is_live && matches!(reply.state_code(), Completed | Diverged | Failed | Stopped | UpstreamFailed)
}

/// Whose log it is, and how the task stands.
pub(super) fn headline(reply: &v1::GetTaskLogReply) -> String {
    use basin_proto::codes::Coded;
    let task = named(&reply.name, "", &reply.task_id);
    let state = reply.state_code().word();
    match (reply.attempt, reply.worker_id.as_str()) {
        (0, _) => format!("{task}: {state}, no attempt yet"),
        (attempt, "") => format!("{task}: {state}; attempt {attempt}"),
        (attempt, worker) => format!("{task}: {state}; attempt {attempt} on worker {}", line(worker)),
    }
}

/// Why there are no lines.
pub(super) fn nothing(reply: &v1::GetTaskLogReply) -> &'static str {
    match (reply.is_live, reply.attempt) {
        (true, _) => "nothing was said yet; `-f` waits for more",
        (false, 0) => "it has left no log",
        (false, _) => "its log is empty",
    }
}

fn shown(lines: &[String]) -> String {
    lines.iter().map(|text| format!("{}\n", line(text))).collect()
}

fn value(reply: &v1::GetTaskLogReply) -> Value {
    use basin_proto::codes::Coded;
    let state = reply.state_code().word();
    json!({ "task": reply.task_id, "name": reply.name, "state": (!state.is_empty()).then_some(state),
        "attempt": (reply.attempt > 0).then_some(reply.attempt), "worker": reply.worker_id, "first": reply.first,
        "lines": reply.lines, "live": reply.is_live })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(attempt: u32, state: v1::TaskState, is_live: bool) -> v1::GetTaskLogReply {
        v1::GetTaskLogReply {
            task_id: "3f9c21ab00112233".to_owned(),
            name: "fits seed 1".to_owned(),
            state_code: state.into(),
            attempt,
            worker_id: if attempt > 0 { "box-1".to_owned() } else { String::new() },
            is_live,
            ..v1::GetTaskLogReply::default()
        }
    }

    #[test]
    fn whose_log_it_is_is_said_and_why_it_is_empty() {
        let queued = reply(0, v1::TaskState::Queued, false);
        assert_eq!(headline(&queued), "fits seed 1 (3f9c21ab00): queued, no attempt yet");
        let running = reply(2, v1::TaskState::Running, true);
        assert_eq!(headline(&running), "fits seed 1 (3f9c21ab00): running; attempt 2 on worker box-1");
        assert!(!is_settled(&queued) && !is_settled(&running));
        assert!(is_settled(&reply(2, v1::TaskState::Completed, false)));
        assert_eq!(
            [&queued, &running].map(nothing),
            ["it has left no log", "nothing was said yet; `-f` waits for more"]
        );
    }

    #[test]
    fn a_line_of_a_log_does_nothing_but_be_seen() {
        assert_eq!(shown(&["a\u{1b}[2J".to_owned(), "b".to_owned()]), "a\\u{1b}[2J\nb\n");
    }
}
