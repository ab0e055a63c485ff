//! The object store, as far as commits go: created once, readable at once, with answers that may be lost.

use std::collections::BTreeMap;

use basin_core::command::Complete;
use basin_domain::id::TaskId;

/// A store.
pub(crate) struct Store {
    commits: BTreeMap<TaskId, Complete>,
    /// It ignores the condition of a creation, and lets the last one win.
    ignores_conditions: bool,
}

impl Store {
    pub(crate) fn new(ignores_conditions: bool) -> Self {
        Self { commits: BTreeMap::new(), ignores_conditions }
    }

    /// `PutMode::Create`: whether the commit is there now because of this.
    pub(crate) fn create(&mut self, commit: &Complete) -> bool {
        if self.commits.contains_key(&commit.task) && !self.ignores_conditions {
            return false;
        }
        self.commits.insert(commit.task, commit.clone());
        true
    }

    pub(crate) fn read(&self, task: &TaskId) -> Option<&Complete> {
        self.commits.get(task)
    }
}
