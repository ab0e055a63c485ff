//! The object store, as far as commits go: created once, readable at once, with answers that may be lost. What is damaged is
//! withdrawn by a note, whose place another commit takes.

use std::collections::{BTreeMap, BTreeSet};

use basin_core::command::CommitRecord;
use basin_domain::id::{LeaseId, TaskId};

/// A store.
pub(crate) struct Store {
    commits: BTreeMap<TaskId, CommitRecord>,
    /// The notes: the leases under which nothing is committed any more.
    withdrawn: BTreeMap<TaskId, BTreeSet<LeaseId>>,
    /// It ignores the condition of a creation, and lets the last one win.
    ignores_conditions: bool,
}

impl Store {
    pub(crate) fn new(ignores_conditions: bool) -> Self {
        Self { commits: BTreeMap::new(), withdrawn: BTreeMap::new(), ignores_conditions }
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

    pub(crate) fn read(&self, task: &TaskId) -> Option<&CommitRecord> {
        self.commits.get(task)
    }
}
