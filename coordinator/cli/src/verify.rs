//! `basin verify`: proves from the store alone that every task is committed exactly once and every artifact is whole.

use basin_domain::escape::line;
use basin_domain::placement::ByteSize;
use basin_storage::{Coverage, Verification};

use super::arguments::Verify;
use super::command_error::{CommandError, CommandResult};
use super::failures::OrStore;
use super::lookup;
use super::output::{Output, counted};

/// Verifies a sweep; exit code 1 if anything is wrong or missing.
pub(super) async fn verify(arguments: Verify, output: Output) -> CommandResult {
    let store = lookup::existing_store(&arguments.store.url())?;
    let sweep = lookup::sweep(&store, &arguments.sweep).await?;
    let found = store.verify(&sweep).await.or_store(format!("cannot verify {sweep}"))?;
    let mut text = format!(
        "{sweep}: {} of {} committed, {} ({}) right, {}, {}\n",
        found.committed,
        counted(found.tasks as u64, "task", "tasks"),
        counted(found.artifacts as u64, "artifact", "artifacts"),
        ByteSize(found.bytes),
        counted(found.problems.len() as u64, "problem", "problems"),
        counted(found.strays.len() as u64, "stray attempt", "stray attempts")
    );
    text.push_str(&format!("{}\n", covered(&found)));
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
        "withdrawn": found.withdrawn.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "coverage": found.coverage,
        "strays": found.strays.iter().map(|it| it.folder.clone()).collect::<Vec<_>>(),
    });
    output.result(&value, &text)?;
    if found.is_whole() {
        return Ok(());
    }
    let failed = CommandError::input(anyhow::anyhow!("{sweep} is not whole"));
    Err(match found.problems.is_empty() {
        true => failed.hint("launch it again: what is committed stays, what is missing is trained"),
        false => {
            failed.hint(format!("`basin repair {sweep}` withdraws what is damaged, so that it runs again"))
        }
    })
}

/// The proofs of the bytes, in a sentence.
fn covered(found: &Verification) -> String {
    let Coverage { commits_with_digest, commits_of_before, record_with_digest, tasks_with_digest } =
        found.coverage;
    let mut text = format!(
        "{} proved by a digest of its own; a commit proves its manifest, which proves its artifacts",
        counted(commits_with_digest, "commit is", "commits are")
    );
    if commits_of_before > 0 {
        text.push_str(&format!("; {commits_of_before} are of before and are proved by their manifests"));
    }
    text.push_str(match (record_with_digest, tasks_with_digest) {
        (true, true) => "; the sweep's record is proved by its digest, and proves the list of tasks",
        (_, _) => "; the sweep's record is of before and has no digest: of its tasks the specs are proved by their ids",
    });
    text
}
