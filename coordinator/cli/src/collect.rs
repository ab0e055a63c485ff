//! `basin collect`: a sweep's results and report out of the store. It needs no coordinator, and goes on where it was.

use std::collections::BTreeSet;
use std::path::Path;

use basin_domain::escape::line;
use basin_domain::placement::ByteSize;
use basin_domain::task::Task;
use basin_domain::{error_chain, key};
use basin_storage::{Commit, StorageError, Store};
use futures::{StreamExt, TryStreamExt};
use serde_json::json;

use super::arguments::Collect;
use super::command_error::{CommandError, CommandResult};
use super::failures::{OrStore, folder_failed};
use super::lookup;
use super::output::{Output, counted};
use super::report;
use crate::hints;
use basin_report::{FileSet, is_of_this_object, run_folder};

/// Tasks that are fetched at once. Each streams to its file, so this bounds memory too.
const CONCURRENT: usize = 16;

/// The folder of a task's results, within that of the output.
fn folder(task: &Task) -> String {
    format!("results/{}", run_folder(task))
}

/// The fate of a task's files.
enum Fetched {
    /// This many bytes were fetched; none if they were here already, and right.
    Bytes(u64),
    /// The store has them damaged, or no more.
    Damaged(StorageError),
}

/// Fetches a task's metrics and result, unless they are there already and right.
async fn fetch(store: &Store, task: &Task, commit: &Commit, out: &Path) -> Result<Fetched, CommandError> {
    let folder = out.join(folder(task));
    let fetched = async {
        let manifest = store.read_manifest(commit).await?;
        let mut bytes = 0;
        for name in [key::METRICS, key::RESULT] {
            if store.fetch_artifact(&manifest, name, &folder.join(name)).await? {
                bytes += manifest.artifact(name).map_or(0, |artifact| artifact.contents.size);
            }
        }
        Ok(Fetched::Bytes(bytes))
    };
    match fetched.await {
        // The others can be had all the same.
        Err(error) if is_of_this_object(&error) => Ok(Fetched::Damaged(error)),
        fetched => fetched.or_store(format!("cannot collect task {}", task.id.short())),
    }
}

/// Collects.
pub(super) async fn collect(arguments: Collect, output: Output) -> CommandResult {
    let store = lookup::existing_store(&arguments.store.url())?;
    let sweep = lookup::sweep(&store, &arguments.sweep).await?;
    let what = format!("cannot collect {sweep}");
    let tasks = store.read_tasks(&sweep).await.or_store(what.clone())?;
    let ids: Vec<_> = tasks.iter().map(|task| task.id).collect();
    let found = store.find_commits(&ids).await.or_store(what)?;
    let commits = &found.commits;
    let committed = tasks.iter().filter_map(|task| Some((task, commits.get(&task.id)?)));
    let files: BTreeSet<String> = committed
        .clone()
        .flat_map(|(task, _)| [key::METRICS, key::RESULT].map(|name| format!("{}/{name}", folder(task))))
        .collect();
    let failed = |error| folder_failed(error, &arguments.out);
    let mut output_folder = report::claim_folder(&arguments.out, &sweep, arguments.replace)?;
    output_folder.begin(FileSet::Runs, &files).map_err(failed)?;
    let (mut fetched, mut bytes, mut here) = (0_u64, 0_u64, 0_u64);
    let unreadable = tasks.iter().filter_map(|task| {
        let why = found.damaged.get(&task.id)?;
        Some((task, format!("`{}` is damaged: {why}", key::commit(&task.id))))
    });
    let mut damaged: Vec<(&Task, String)> = unreadable.collect();
    let mut fetches = futures::stream::iter(committed)
        .map(|(task, commit)| {
            let (store, out) = (&store, &arguments.out);
            async move { Ok::<_, CommandError>((task, fetch(store, task, commit, out).await?)) }
        })
        .buffered(CONCURRENT);
    while let Some((task, of_task)) = fetches.try_next().await? {
        match of_task {
            Fetched::Bytes(0) => here += 1,
            Fetched::Bytes(more) => {
                fetched += 1;
                bytes += more;
            }
            Fetched::Damaged(error) => damaged.push((task, error_chain::with_causes(&error))),
        }
    }
    drop(fetches);
    output_folder.finish(FileSet::Runs, files).map_err(failed)?;
    let summary = report::make(&store, &sweep, output_folder).await?;
    // A task that two experiments share is listed twice.
    let is_missing = |task: &&Task| !commits.contains_key(&task.id) && !found.damaged.contains_key(&task.id);
    let missing = tasks.iter().filter(is_missing).count();
    output.say(&format!(
        "{}: {fetched} fetched ({}), {here} here already, {missing} not committed",
        counted(tasks.len() as u64, "task", "tasks"),
        ByteSize(bytes)
    ));
    for (task, error) in &damaged {
        output.say(&format!("damaged: task {}: {}", task.id.short(), line(error)));
    }
    let (figures, claims) = report::value(&summary);
    let value = json!({ "sweep": sweep.to_string(), "tasks": tasks.len(), "fetched": fetched, "bytes": bytes,
        "missing": missing, "damaged": damaged.iter().map(|(task, _)| task.id.to_string()).collect::<Vec<_>>(),
        "report": summary.page.display().to_string(), "out": arguments.out.display().to_string(),
        "figures": figures, "claims": claims });
    output.result(&value, &report::describe(&summary))?;
    match damaged.len() {
        0 => report::all_readable(&summary.counts, &sweep),
        damaged => Err(CommandError::input(anyhow::anyhow!("{damaged} tasks are damaged in the store"))
            .hint(hints::damaged_results(&sweep))),
    }
}
