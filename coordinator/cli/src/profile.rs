//! `basin profile`: where the time of a task went.

mod text;

use basin_domain::id::Attempt;
use basin_proto::codes::Coded;
use basin_proto::v1;
use basin_storage::Provenance;
use serde_json::{Value, json};

use super::arguments::Profile;
use super::command_error::{CommandError, CommandResult, OrFail};
use super::failures::{OrStore, call_failed};
use super::looked_at::LookedAt;
use super::lookup;
use super::output::Output;

/// Where a task's time went, as far as it is known.
#[derive(Debug, Default)]
struct TaskProfile {
    task: String,
    /// Empty if it isn't known.
    name: String,
    /// Its state as a word; none where no coordinator was asked.
    state: Option<String>,
    /// All of its attempts, oldest first; none where no coordinator was asked.
    attempts: Vec<AttemptTimes>,
    /// The attempt that counts, and where and how it ran.
    counting: Option<(Attempt, Provenance)>,
}

/// How long an attempt was waited for and how long it lasted, in seconds.
#[derive(Debug)]
struct AttemptTimes {
    attempt: u32,
    worker: String,
    end: String,
    waited: Option<f64>,
    lasted: Option<f64>,
}

/// Prints where a task's time went.
pub(super) async fn profile(arguments: Profile, output: Output) -> CommandResult {
    let task = arguments.task.join(" ");
    let profile = match &arguments.from_store {
        Some(url) => of_store(url, &task).await?,
        None => {
            let looked_at = LookedAt::open(&arguments.viewed, output).await?;
            of_reply(looked_at.client().task_with_provenance(&task).await.map_err(call_failed)?)?
        }
    };
    output.result(&profile.value(), &profile.text())
}

/// What the commit in a store says, whoever has a coordinator.
async fn of_store(url: &str, task: &str) -> Result<TaskProfile, CommandError> {
    let store = lookup::existing_store(url)?;
    let (_, task) = lookup::task(&store, task).await?;
    let what = format!("cannot read how task {} ran", task.id.short());
    let Some(commit) = store.read_commit(&task.id).await.or_store(what.clone())? else {
        let failed = anyhow::anyhow!("{} ({}) isn't committed", task.name(), task.id.short());
        return Err(CommandError::input(failed)
            .hint("attempts that didn't end with a result are known to the coordinator"));
    };
    let manifest = store.read_manifest(&commit).await.or_store(what)?;
    Ok(TaskProfile {
        task: task.id.to_string(),
        name: task.name(),
        counting: Some((commit.attempt, manifest.provenance)),
        ..TaskProfile::default()
    })
}

fn of_reply(reply: v1::GetTaskReply) -> Result<TaskProfile, CommandError> {
    let seconds = |ms: u64| ms as f64 / 1e3;
    let attempts = reply.attempts.iter().map(|it| AttemptTimes {
        attempt: it.attempt,
        worker: it.worker_id.clone(),
        end: v1::AttemptState::in_words(it.state_code, &it.state).to_owned(),
        waited: it.waited_ms.map(seconds),
        lasted: it.lasted_ms.map(seconds),
    });
    let counting = match reply.provenance_json.as_str() {
        "" => None,
        text => {
            let provenance: Provenance =
                serde_json::from_str(text).or_basin("the coordinator's answer can't be read")?;
            // Of several that were committed, all but the last were withdrawn.
            let committed =
                reply.attempts.iter().rev().find(|it| it.state_code() == v1::AttemptState::Committed);
            Some((Attempt(committed.map_or(0, |it| it.attempt)), provenance))
        }
    };
    Ok(TaskProfile {
        state: Some(v1::TaskState::in_words(reply.state_code, &reply.state).to_owned()),
        attempts: attempts.collect(),
        name: reply.names.into_iter().next().unwrap_or_default(),
        task: reply.task_id,
        counting,
    })
}

impl TaskProfile {
    /// For programs.
    fn value(&self) -> Value {
        let attempts: Vec<_> = self
            .attempts
            .iter()
            .map(|it| {
                json!({ "attempt": it.attempt, "worker": it.worker, "end": it.end, "waited_seconds": it.waited,
                    "lasted_seconds": it.lasted })
            })
            .collect();
        json!({ "task": self.task, "name": (!self.name.is_empty()).then_some(&self.name), "state": self.state,
            "attempts": attempts, "counting": self.counting.as_ref().map(counting_value) })
    }
}

fn counting_value((attempt, provenance): &(Attempt, Provenance)) -> Value {
    let total = provenance.spent.total().as_secs_f64();
    let share = |seconds: f64| if total > 0.0 { seconds / total } else { 0.0 };
    let spent: Vec<_> = provenance
        .spent
        .in_order()
        .into_iter()
        .map(|(activity, seconds)| json!({ "activity": activity, "seconds": seconds, "share": share(seconds) }))
        .collect();
    let memory = provenance.memory.as_ref().map(|memory| {
        json!({ "used_bytes": memory.used(), "predicted_bytes": memory.predicted, "peak_bytes": memory.peak })
    });
    json!({ "attempt": (attempt.0 > 0).then_some(attempt.0), "host": provenance.host, "device": provenance.device,
        "code_path": provenance.code_path, "threads": provenance.threads, "lanes": provenance.lanes,
        "version": provenance.basin_version, "started_unix_ms": provenance.started_unix_ms,
        "finished_unix_ms": provenance.finished_unix_ms, "resumed_from_step": provenance.resumed_from_step,
        "steps": provenance.steps, "step_seconds": provenance.step_seconds, "seconds": total, "spent": spent,
        "memory": memory })
}

#[cfg(test)]
mod tests;
