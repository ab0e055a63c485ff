//! The object store, as far as commits and checkpoints go: commits are created once, readable at once, with answers
//! that may be lost. What is damaged is withdrawn by a note, whose place another commit takes.

use std::collections::{BTreeMap, BTreeSet};

use basin_core::command::CommitRecord;
use basin_domain::id::{LeaseId, TaskId};
use basin_storage::CheckpointLocation;

/// A store.
pub(crate) struct Store {
    commits: BTreeMap<TaskId, CommitRecord>,
    /// The notes: the leases under which nothing is committed any more.
    withdrawn: BTreeMap<TaskId, BTreeSet<LeaseId>>,
    /// Checkpoints by task, in the order in which they were stored, with the step that each is of.
    checkpoints: BTreeMap<TaskId, Vec<(CheckpointLocation, u64)>>,
    /// It ignores the condition of a creation, and lets the last one win.
    ignores_conditions: bool,
}

impl Store {
    pub(crate) fn new(ignores_conditions: bool) -> Self {
        let (commits, withdrawn, checkpoints) = Default::default();
        Self { commits, withdrawn, checkpoints, ignores_conditions }
    }

    /// `PutMode::Create`, or the replacement of a note: whether the commit is there now because of this.
    pub(crate) fn create(&mut self, commit: &CommitRecord) -> bool {
        if self.commits.contains_key(&commit.task) && !self.ignores_conditions {
            return false;
        }
        if self.has_withdrawn(&commit.task, &commit.lease) {
            return false;
        }
        self.commits.insert(commit.task, commit.clone());
        true
    }

    /// Puts a note in the place of the commit with this number, counted round and round; gives what was there.
    pub(crate) fn withdraw(&mut self, number: u64) -> Option<CommitRecord> {
        let count = self.commits.len().max(1) as u64;
        let task = *self.commits.keys().nth((number % count) as usize)?;
        let commit = self.commits.remove(&task)?;
        self.withdrawn.entry(task).or_default().insert(commit.lease.clone());
        Some(commit)
    }

    /// Whether the commit of a task under this lease was withdrawn.
    pub(crate) fn has_withdrawn(&self, task: &TaskId, lease: &LeaseId) -> bool {
        self.withdrawn.get(task).is_some_and(|leases| leases.contains(lease))
    }

    /// Whether any commit of a task was.
    pub(crate) fn was_withdrawn(&self, task: &TaskId) -> bool {
        self.withdrawn.contains_key(task)
    }

    pub(crate) fn keep_checkpoint(&mut self, task: TaskId, location: CheckpointLocation, step: u64) {
        self.checkpoints.entry(task).or_default().push((location, step));
    }

    /// The newest checkpoint of a task that isn't one of these, and its step.
    pub(crate) fn newest_checkpoint(
        &self,
        task: &TaskId,
        refused: &[CheckpointLocation],
    ) -> Option<&(CheckpointLocation, u64)> {
        let usable = self.checkpoints.get(task)?.iter().filter(|(location, _)| !refused.contains(location));
        usable.max_by_key(|(location, _)| location.number)
    }

    pub(crate) fn read(&self, task: &TaskId) -> Option<&CommitRecord> {
        self.commits.get(task)
    }
}
