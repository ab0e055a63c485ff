//! `basin verify`: proves from the store alone that every task is committed exactly once and every artifact is whole.

use basin_domain::visible::line;

use super::arguments::Verify;
use super::failure::{Done, Failed};
use super::lookup::{self, OrStore};
use super::output::Output;

/// Verifies a sweep; exit code 1 if anything is wrong or missing.
pub(super) async fn verify(arguments: Verify, output: Output) -> Done {
    let store = lookup::existing_store(&arguments.store.url())?;
    let sweep = lookup::sweep(&store, &arguments.sweep).await?;
    let found = store.verify(&sweep).await.or_store(format!("cannot verify {sweep}"))?;
    let mut text = format!(
        "{sweep}: {} of {} tasks committed, {} artifacts ({} bytes) right, {} problems, {} stray attempts\n",
        found.committed,
        found.tasks,
        found.artifacts,
        found.bytes,
        found.problems.len(),
        found.strays.len()
    );
    for problem in &found.problems {
        text.push_str(&format!("wrong: {}: {}\n", line(&problem.key), line(&problem.why)));
    }
    for task in found.uncommitted.iter().take(10) {
        text.push_str(&format!("not committed: {task}\n"));
    }
    let value = serde_json::json!({
        "sweep": sweep.to_string(), "tasks": found.tasks, "committed": found.committed,
        "uncommitted": found.uncommitted.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "artifacts": found.artifacts, "bytes": found.bytes,
        "problems": found.problems.iter().map(|it| serde_json::json!({ "key": it.key, "why": it.why })).collect::<Vec<_>>(),
        "strays": found.strays.iter().map(|it| it.folder.clone()).collect::<Vec<_>>(),
    });
    output.result(&value, &text)?;
    if found.is_whole() {
        return Ok(());
    }
    Err(Failed::input(anyhow::anyhow!("{sweep} is not whole"))
        .hint("launch it again: what is committed stays, what is missing is trained"))
}
