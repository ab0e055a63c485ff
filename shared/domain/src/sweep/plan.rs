//! The expanded sweep.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

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
    /// What is worth knowing before anything runs, by place in the file. Nothing depends on it.
    pub notes: Vec<SweepNote>,
}

/// The requirements of an experiment on the workers that may train it, as the file gives them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenNeeds {
    /// The experiment.
    pub experiment: ExperimentId,
    /// What it needs.
    pub needs: Requirements,
    /// The file; `--set` for an override.
    pub file: String,
    /// The line, from 1, or the number of the override.
    pub line: usize,
}

/// Something about a sweep file that can be run, and gives less than whoever wrote it may expect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepNote {
    /// The file; `--set` for an override.
    pub file: String,
    /// The line, from 1, or the number of the override.
    pub line: usize,
    /// The sentence.
    pub message: String,
    /// The text to type instead, if it can be said.
    pub hint: Option<String>,
}

impl fmt::Display for SweepNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

impl SweepPlan {
    /// The tasks without those that are the same run as an earlier one of their experiment: what there is to do and to count.
    pub fn runs(&self) -> impl Iterator<Item = &Task> {
        let mut met: HashSet<(&ExperimentId, TaskId)> = HashSet::with_capacity(self.tasks.len());
        self.tasks.iter().filter(move |task| met.insert((&task.experiment, task.id)))
    }
}
