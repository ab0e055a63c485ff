//! Ledger and store held against each other: the store is believed, and one damaged object stops nothing.
//!
//! A sweep can be repaired from the store alone while its coordinator is gone. So what the ledger knows of a commit is looked
//! up again where the store says otherwise, always *after* the ledger was looked at: what the store says is then no older
//! than what the ledger says, and a commit that differs has come in the place of the ledger's.

use std::collections::HashMap;

use basin_core::command::{CommitRecord, Withdraw, Withdrawal};
use basin_domain::id::TaskId;
use basin_storage::{Commit, FoundCommits};
use tonic::Status;

use super::refusal::OtherStore;
use super::{Coordinator, commit_record, launching, refusal};

/// The outcome of comparing the ledger with the store.
#[derive(Debug, Default)]
pub(super) struct Differences {
    /// Commits of the ledger that the store has withdrawn, or has another for.
    pub(super) outdated: Vec<Withdrawal>,
    /// Tasks that the ledger has as committed, and for which the store has nothing.
    pub(super) missing: Vec<Withdrawal>,
    /// Tasks for which the store has something else under the same lease, or nothing that can be read.
    pub(super) damaged: Vec<TaskId>,
}

impl Coordinator {
    /// The commits that the ledger has of these tasks.
    pub(super) async fn recorded(&self, tasks: &[TaskId]) -> Result<Vec<CommitRecord>, Status> {
        let mut recorded = Vec::new();
        // In parts, so that no look keeps the ledger for long.
        for some in tasks.chunks(launching::PART_SIZE) {
            let some = some.to_vec();
            let look = self.ledger.view(move |ledger| {
                let commit = |id: &TaskId| ledger.task(id)?.commit.cloned();
                some.iter().filter_map(commit).collect::<Vec<_>>()
            });
            recorded.extend(look.await.map_err(|error| refusal::decide_error(&error))?);
        }
        Ok(recorded)
    }

    /// Brings the ledger and what was found in the store before a launch together: of what the ledger has otherwise, the
    /// store is asked again. `committed` is what can be launched with then.
    ///
    /// # Errors
    /// If the store has nothing of all that the ledger knows: it is another store.
    pub(super) async fn reconcile(
        &self,
        tasks: &[TaskId],
        committed: &mut HashMap<TaskId, Commit>,
    ) -> Result<(), Status> {
        let recorded = self.recorded(tasks).await?;
        let known = recorded.len();
        let differs =
            |it: &CommitRecord| !committed.get(&it.task).is_some_and(|found| is_recorded(it, found));
        let differing: Vec<CommitRecord> = recorded.into_iter().filter(differs).collect();
        if differing.is_empty() {
            return Ok(());
        }
        let ids: Vec<TaskId> = differing.iter().map(|commit| commit.task).collect();
        let found = self.store.find_commits(&ids).await.map_err(refusal::store_error)?;
        let differences = compare(&differing, &found);
        if differences.missing.len() == known {
            let task = differences.missing[0].task;
            return Err(OtherStore { task, store: self.store.url().to_owned() }.into());
        }
        for task in &ids {
            match found.commits.get(task).filter(|_| !differences.damaged.contains(task)) {
                Some(commit) => drop(committed.insert(*task, commit.clone())),
                None => drop(committed.remove(task)),
            }
        }
        let Differences { outdated, missing, damaged } = differences;
        if !missing.is_empty() || !damaged.is_empty() {
            let (missing, damaged) = (missing.len(), damaged.len());
            tracing::warn!(missing, damaged, "commits that the journal knows can't be read");
        }
        if !outdated.is_empty() {
            tracing::warn!(
                commits = outdated.len(),
                "commits were withdrawn in the store; their tasks run again"
            );
            self.decide(Withdraw { sweep: None, commits: outdated }).await?;
        }
        Ok(())
    }
}

/// Holds what the ledger had before against what was found in the store after.
pub(super) fn compare(recorded: &[CommitRecord], found: &FoundCommits) -> Differences {
    let mut differences = Differences::default();
    for recorded in recorded {
        let CommitRecord { task, lease, attempt, .. } = recorded;
        let withdrawal = Withdrawal { task: *task, lease: lease.clone(), attempt: *attempt };
        match found.commits.get(task) {
            Some(commit) if is_recorded(recorded, commit) => {}
            Some(commit) if commit.lease == *lease => differences.damaged.push(*task),
            Some(_) => differences.outdated.push(withdrawal),
            None if found.damaged.contains_key(task) => differences.damaged.push(*task),
            None if found.withdrawn.contains_key(task) => differences.outdated.push(withdrawal),
            None => differences.missing.push(withdrawal),
        }
    }
    differences
}

/// Whether the store has what the ledger has. What is said of a commit is covered by its digest, where the ledger has that.
fn is_recorded(recorded: &CommitRecord, found: &Commit) -> bool {
    let found = commit_record(found);
    CommitRecord { digest: recorded.digest.and(found.digest), ..found } == *recorded
}
