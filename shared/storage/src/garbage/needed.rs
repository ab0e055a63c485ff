//! What sweeps need of a store.

use std::collections::HashSet;

use basin_domain::digest::Digest;
use basin_domain::id::TaskId;
use basin_domain::task::TaskSpec;

/// The tasks and data sets that somebody needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needed {
    /// The tasks that sweeps list, and those that they read.
    pub tasks: HashSet<TaskId>,
    /// The contents of data sets that tasks read.
    pub datasets: HashSet<Digest>,
}

impl Needed {
    /// Adds a task that a sweep lists.
    pub fn add(&mut self, task: TaskId, spec: &TaskSpec) {
        self.tasks.insert(task);
        self.tasks.extend(spec.inputs.values());
        self.datasets.extend(spec.data.as_ref().map(|dataset| dataset.digest));
    }
}
