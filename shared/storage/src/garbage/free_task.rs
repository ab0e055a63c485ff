//! A task that no sweep lists is freed: first it counts no more, and then what was written for it goes.

use std::time::Duration;

use basin_domain::id::TaskId;
use basin_domain::key;

use super::removal::remove;
use super::task_objects::TaskObjects;
use crate::{
    CommitMode, CommitState, Result, Retry, Store, WithdrawOutcome, WithdrawalNote, WithdrawnAttempt, backend,
};

/// How long each call may take that says that a commit counts no more: all of them end while the announcement holds.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// What a note says of a commit that was sound.
const REASON: &str = "no sweep needed it";

/// Frees a task; whether it was freed, or something has changed since it was listed.
///
/// Where others may be writing, a `note` stays in the commit's place that names all attempts, written so: none of them commits
/// again, however late, and the next one's commit takes the note's place.
pub(super) async fn free_task(
    store: &Store,
    note: Option<CommitMode>,
    task: TaskId,
    objects: &TaskObjects,
) -> Result<bool> {
    let written = objects.attempts.values().flatten();
    let Some(mode) = note else {
        remove(store, &objects.commit).await?;
        remove(store, written.chain(&objects.withdrawn)).await?;
        remove_files(store, &task).await?;
        store.remove_empty_folders(&key::task(&task)).await?;
        return Ok(true);
    };
    match leave_note(store, mode, task, objects).await {
        Ok(true) => {}
        Ok(false) => return Ok(false),
        // Whether or not the note is there, the next collection goes on.
        Err(error) if error.is_transient() => {
            tracing::warn!(%task, %error, "a task that no sweep needs was not freed");
            return Ok(false);
        }
        Err(error) => return Err(error),
    }
    remove(store, written).await?;
    store.remove_empty_folders(&key::attempts(&task)).await?;
    Ok(true)
}

/// Puts the note that no attempt at the task counts in the commit's place; false if an attempt is committed that wasn't listed.
async fn leave_note(store: &Store, mode: CommitMode, task: TaskId, objects: &TaskObjects) -> Result<bool> {
    let once = store.clone().with_retry(Retry { tries: 1, timeout: CALL_TIMEOUT, ..*store.retry() });
    let (state, seen) = once.read_commit_state_versioned(&task).await?;
    let archived = objects.withdrawn.iter().filter_map(|object| object.key.rsplit('/').next());
    let attempts = objects.attempts.keys().cloned().chain(archived.filter_map(key::withdrawn_attempt));
    let mut withdrawn: Vec<WithdrawnAttempt> =
        attempts.map(|(attempt, lease)| WithdrawnAttempt { attempt, lease }).collect();
    let mut reasons = vec![REASON.to_owned()];
    match state {
        CommitState::Committed(commit) | CommitState::CommittedWithoutDigest(commit) => {
            if !objects.attempts.contains_key(&(commit.attempt, commit.lease)) {
                return Ok(false);
            }
        }
        CommitState::Withdrawn(note) => {
            withdrawn.extend(note.withdrawn);
            reasons.extend(note.reasons.into_iter().filter(|reason| reason != REASON));
        }
        CommitState::Empty | CommitState::Damaged { .. } => {}
    }
    withdrawn.sort();
    withdrawn.dedup();
    let note = WithdrawalNote { task, withdrawn, reasons };
    let names_all = |found: &WithdrawalNote| note.withdrawn.iter().all(|attempt| found.names(&attempt.lease));
    let put = once.put_note(&note, seen.as_ref(), mode, names_all).await?;
    Ok(matches!(put, WithdrawOutcome::Withdrawn(_)))
}

/// Removes what is in no listing of a store that is a folder: what is staged there, and the lock of the commit.
async fn remove_files(store: &Store, task: &TaskId) -> Result<()> {
    let Some(root) = store.folder() else { return Ok(()) };
    let (folder, commit) = (root.join(key::task(task)), root.join(key::commit(task)));
    let removed = move || {
        backend::remove_staged(&folder)?;
        backend::remove_lock(&commit)
    };
    store.on_blocking_thread(&key::task(task), removed).await
}
