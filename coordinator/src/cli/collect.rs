//! `basin collect`: a sweep's results and report out of the store. It needs no coordinator, and goes on where it was.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use basin_domain::key;
use basin_domain::task::Task;
use basin_storage::{Commit, Store};
use futures::{StreamExt, TryStreamExt};
use serde_json::json;

use super::arguments::Collect;
use super::failure::{Done, Failed, OrFail};
use super::output::Output;
use super::{lookup, report};

/// Tasks that are fetched at once.
const CONCURRENT: usize = 8;

/// The folder of a task's results: `results/<experiment>/<point>-seed-<n>-<id>`.
fn folder(out: &Path, task: &Task) -> PathBuf {
    let mut name = String::new();
    for (parameter, value) in &task.point {
        let short = parameter.rsplit('.').next().unwrap_or(parameter);
        name.push_str(&format!("{short}={value}-"));
    }
    let mut name: String = name
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| if c.is_ascii_alphanumeric() || "=-_.,".contains(c) { c } else { '_' })
        .take(120)
        .collect();
    name.push_str(&format!("seed-{}-{}", task.spec.seed, task.id.short()));
    out.join("results").join(task.experiment.as_str()).join(name)
}

/// Fetches a task's metrics and result, unless they are there already and right. True if anything was fetched.
async fn fetch(store: &Store, task: &Task, commit: &Commit, out: &Path) -> Result<bool, Failed> {
    let what = || format!("cannot collect task {}", task.id.short());
    let folder = folder(out, task);
    let manifest = store.read_manifest(commit).await.or_basin(what())?;
    std::fs::create_dir_all(&folder).or_input(format!("cannot write to {}", folder.display()))?;
    let mut fetched = false;
    for name in [key::METRICS, key::RESULT] {
        let to = folder.join(name);
        let wanted = manifest.artifact(name).map(|artifact| artifact.contents.digest);
        let there = std::fs::read(&to).ok().map(|bytes| basin_domain::digest::Digest::of(&bytes));
        if there.is_none() || there != wanted {
            store.fetch_artifact(&manifest, name, &to).await.or_basin(what())?;
            fetched = true;
        }
    }
    Ok(fetched)
}

/// Collects.
pub(super) async fn collect(arguments: Collect, output: Output) -> Done {
    let store = lookup::existing_store(&arguments.store.url())?;
    let sweep = lookup::sweep(&store, &arguments.sweep).await?;
    let what = format!("cannot collect {sweep}");
    let tasks = store.read_tasks(&sweep).await.or_basin(what.clone())?;
    let ids: Vec<_> = tasks.iter().map(|task| task.id).collect();
    let commits = store.find_commits(&ids).await.or_basin(what)?;
    let fetched = AtomicU64::new(0);
    futures::stream::iter(tasks.iter().filter_map(|task| Some((task, commits.get(&task.id)?))))
        .map(Ok)
        .try_for_each_concurrent(CONCURRENT, |(task, commit)| {
            let (store, out, fetched) = (&store, &arguments.out, &fetched);
            async move {
                if fetch(store, task, commit, out).await? {
                    fetched.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<_, Failed>(())
            }
        })
        .await?;
    let summary = report::make(&store, &sweep, &arguments.out, None).await?;
    let fetched = fetched.into_inner();
    // A task that two experiments share is listed twice.
    let committed = tasks.iter().filter(|task| commits.contains_key(&task.id)).count();
    let missing = tasks.len() - committed;
    output.say(&format!(
        "{} tasks: {fetched} fetched, {} were here already, {missing} are not committed",
        tasks.len(),
        committed as u64 - fetched
    ));
    let value = json!({ "sweep": sweep.to_string(), "tasks": tasks.len(), "fetched": fetched, "missing": missing,
        "report": summary.page.display().to_string(), "out": arguments.out.display().to_string() });
    output.result(&value, &report::describe(&summary));
    Ok(())
}
