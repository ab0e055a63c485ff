//! `basin repair`: withdraws what is damaged of a sweep, so that it runs again.

use basin_domain::id::{SweepId, TaskId};
use basin_proto::v1;
use basin_storage::{CommitMode, ConditionalWrites, ObjectProblem, Store};
use serde_json::{Value, json};

use super::arguments::Repair;
use super::command_error::{CommandError, CommandResult, OrFail};
use super::failures::{OrStore, call_failed};
use super::hints;
use super::local_journal;
use super::lookup;
use super::output::Output;
use basin_coordinator::client::Client;
use basin_coordinator::service::{Coordinator, Repaired, RepairedTask};

/// Tasks that are looked at at once in the store alone.
const CHUNK: usize = 256;

/// Who did the repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RepairedBy {
    Coordinator,
    Journal,
    Store,
}

impl RepairedBy {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Coordinator => "coordinator",
            Self::Journal => "journal",
            Self::Store => "store",
        }
    }

    /// The step that makes the tasks run again.
    const fn next_step(self) -> &'static str {
        match self {
            Self::Coordinator => "its workers train again what was withdrawn",
            Self::Journal => "`basin run` with the same sweep file trains again what was withdrawn",
            Self::Store => {
                "launching the same sweep file again (`basin run`, `basin launch`) trains what was withdrawn"
            }
        }
    }
}

/// Repairs; exit code 1 if something is damaged and stays so.
pub(super) async fn repair(arguments: Repair, output: Output) -> CommandResult {
    let (sweep, repaired, by) = match &arguments.coordinator {
        Some(url) => {
            let client = Client::new(&arguments.credentials.dial(url)?).map_err(call_failed)?;
            let (sweep, repaired) = by_coordinator(&client, &arguments.sweep, arguments.dry_run).await?;
            (sweep, repaired, RepairedBy::Coordinator)
        }
        None => {
            let store = lookup::existing_store(&arguments.store.url())?;
            let sweep = lookup::sweep(&store, &arguments.sweep).await?;
            let (repaired, by) = repair_locally(&arguments, store, &sweep).await?;
            (sweep.to_string(), repaired, by)
        }
    };
    output.result(
        &value(&sweep, &repaired, by, arguments.dry_run),
        &describe(&sweep, &repaired, by, arguments.dry_run),
    )?;
    let left = repaired.tasks.iter().filter(|task| !task.is_withdrawn).count();
    match left {
        0 => Ok(()),
        left if arguments.dry_run => {
            Err(CommandError::input(anyhow::anyhow!("{left} tasks of {sweep} are damaged"))
                .hint(format!("`basin repair {sweep}` withdraws them, so that they run again")))
        }
        left => Err(CommandError::input(anyhow::anyhow!(
            "{left} tasks of {sweep} changed while they were looked at"
        ))
        .hint("repair it again, to see how they stand now")),
    }
}

async fn by_coordinator(
    client: &Client,
    sweep: &str,
    is_dry_run: bool,
) -> Result<(String, Repaired), CommandError> {
    let mut repaired = Repaired::default();
    let (mut after, mut id) = (String::new(), sweep.to_owned());
    loop {
        let reply = client.repair(&id, &after, is_dry_run).await.map_err(call_failed)?;
        for task in reply.tasks {
            repaired.tasks.push(from_wire(task).or_basin("the coordinator's answer can't be understood")?);
        }
        repaired.retried += reply.retried;
        (after, id) = (reply.next_after_task_id, reply.sweep_id);
        if after.is_empty() {
            return Ok((id, repaired));
        }
    }
}

fn from_wire(task: v1::RepairedTask) -> anyhow::Result<RepairedTask> {
    let commit = match task.lease_id.is_empty() {
        true => None,
        false => Some((basin_domain::id::Attempt(task.attempt), task.lease_id.parse()?)),
    };
    Ok(RepairedTask {
        task: task.task_id.parse()?,
        commit,
        problems: task.problems.into_iter().map(|it| ObjectProblem { key: it.key, why: it.why }).collect(),
        is_withdrawn: task.withdrawn,
    })
}

/// In the journal of the state, if it knows the sweep; else in the store alone.
async fn repair_locally(
    arguments: &Repair,
    store: Store,
    sweep: &SweepId,
) -> Result<(Repaired, RepairedBy), CommandError> {
    let probed = match arguments.dry_run {
        // Nothing is written, so nothing has to be known.
        true => ConditionalWrites::Honoured,
        false => store.probe().await.or_store(format!("cannot repair {sweep}"))?,
    };
    let commits = CommitMode::from(probed);
    let what = format!("cannot repair {sweep}");
    if let Some(session) = local_journal::lead(&arguments.store.local.state, &store, commits, &what).await? {
        let repaired = in_journal(&session.coordinator, sweep, arguments.dry_run).await;
        session.end().await;
        if let Some(repaired) = repaired? {
            return Ok((repaired, RepairedBy::Journal));
        }
    }
    in_store(&store, sweep, arguments.dry_run, commits).await.map(|repaired| (repaired, RepairedBy::Store))
}

/// The outcome; nothing if the journal doesn't know the sweep.
async fn in_journal(
    coordinator: &Coordinator,
    sweep: &SweepId,
    is_dry_run: bool,
) -> Result<Option<Repaired>, CommandError> {
    let mut all = Repaired::default();
    let mut after = None;
    loop {
        let some = match coordinator.repair(sweep, after, is_dry_run).await {
            Err(status) if status.code() == tonic::Code::NotFound => return Ok(None),
            Err(status) => {
                let hint = hints::refused(&status);
                let failed = CommandError::basin(anyhow::anyhow!("{}", status.message()));
                return Err(failed.context(format!("cannot repair {sweep}")).hint_if_any(hint));
            }
            Ok(some) => some,
        };
        all.tasks.extend(some.tasks);
        all.retried += some.retried;
        after = some.next_after;
        if after.is_none() {
            return Ok(Some(all));
        }
    }
}

async fn in_store(
    store: &Store,
    sweep: &SweepId,
    is_dry_run: bool,
    commits: CommitMode,
) -> Result<Repaired, CommandError> {
    let what = || format!("cannot repair {sweep}");
    if commits == CommitMode::Serialised {
        let error = basin_storage::StorageError::NotWithdrawable { store: store.url().to_owned() };
        return Err(error).or_store(what());
    }
    let tasks = store.read_tasks(sweep).await.or_store(what())?;
    let ids: std::collections::BTreeSet<TaskId> = tasks.into_iter().map(|task| task.id).collect();
    let ids: Vec<TaskId> = ids.into_iter().collect();
    let mut repaired = Repaired::default();
    for chunk in ids.chunks(CHUNK) {
        for damaged in store.find_damaged(chunk).await.or_store(what())? {
            let mut task = RepairedTask::of(&damaged);
            if !is_dry_run {
                let done = store.withdraw(&damaged, commits).await.or_store(what())?;
                task.is_withdrawn = matches!(done, basin_storage::WithdrawOutcome::Withdrawn(_));
            }
            repaired.tasks.push(task);
        }
    }
    Ok(repaired)
}

fn describe(sweep: &str, repaired: &Repaired, by: RepairedBy, is_dry_run: bool) -> String {
    let mut text = String::new();
    for task in &repaired.tasks {
        let done = match (task.is_withdrawn, is_dry_run) {
            (true, _) => "withdrawn",
            (false, true) => "damaged",
            (false, false) => "changed",
        };
        let attempt_of = match &task.commit {
            Some((attempt, lease)) => format!(", attempt {attempt} under lease {lease}"),
            None => String::new(),
        };
        text.push_str(&format!("{done}: {}{attempt_of}\n", task.task));
        for problem in &task.problems {
            text.push_str(&format!("  {}: {}\n", problem.key, problem.why));
        }
    }
    if repaired.retried > 0 {
        let does = if is_dry_run { "would start" } else { "start" };
        text.push_str(&format!(
            "{} tasks that had failed for something damaged {does} over\n",
            repaired.retried
        ));
    }
    match (repaired.tasks.is_empty() && repaired.retried == 0, is_dry_run) {
        (true, _) => text.push_str(&format!("{sweep}: nothing is damaged\n")),
        (false, true) => {}
        (false, false) => text.push_str(&format!("{}\n", by.next_step())),
    }
    text
}

fn value(sweep: &str, repaired: &Repaired, by: RepairedBy, is_dry_run: bool) -> Value {
    let tasks: Vec<Value> = repaired
        .tasks
        .iter()
        .map(|task| {
            let problems: Vec<Value> =
                task.problems.iter().map(|it| json!({ "key": it.key, "why": it.why })).collect();
            json!({ "task": task.task.to_string(), "attempt": task.commit.as_ref().map(|(attempt, _)| attempt.0),
                "lease": task.commit.as_ref().map(|(_, lease)| lease.to_string()), "problems": problems,
                "withdrawn": task.is_withdrawn })
        })
        .collect();
    json!({ "sweep": sweep, "dry_run": is_dry_run, "by": by.as_str(), "tasks": tasks, "retried": repaired.retried })
}
