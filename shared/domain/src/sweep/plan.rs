//! The expanded sweep.

use std::collections::{BTreeMap, HashSet};

use crate::claim::Claim;
use crate::figure::Figure;
use crate::id::{ExperimentId, SweepId, SweepName, TaskId};
use crate::placement::Requirements;
use crate::task::Task;

/// A sweep ready to launch.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepPlan {
    /// The name and ten digits of the digest of the tasks and figures.
    pub id: SweepId,
    /// The name.
    pub name: SweepName,
    /// The tasks, in the order of the file; a point's seeds together. Several have one id where points are the same run: points
    /// of two experiments, or points of one whose parameters differ in what can't matter (batches larger than the training
    /// data). Such a run is done once and counts once, and its tasks differ in their `point`.
    pub tasks: Vec<Task>,
    /// The requirements of the experiments on workers: of those that have any.
    pub needs: BTreeMap<ExperimentId, Requirements>,
    /// The figures.
    pub figures: Vec<Figure>,
    /// The claims.
    pub claims: Vec<Claim>,
}

impl SweepPlan {
    /// The tasks without those that are the same run as an earlier one of their experiment: what there is to do and to count.
    pub fn runs(&self) -> impl Iterator<Item = &Task> {
        let mut met: HashSet<(&ExperimentId, TaskId)> = HashSet::with_capacity(self.tasks.len());
        self.tasks.iter().filter(move |task| met.insert((&task.experiment, task.id)))
    }
}
