//! The runs that a report is made from: every task of a sweep, in plan order, with what is known of it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use basin_domain::custom_kind::KindDeclaration;
use basin_domain::data::Contents;
use basin_domain::digest::Digest;
use basin_domain::failure::Failure;
use basin_domain::id::{ExperimentId, TaskId};
use basin_domain::metrics::{Metrics, Outcome};
use basin_domain::task::Task;
use basin_storage::{Commit, Manifest};
use serde::Serialize;

use super::exclusions::ExclusionReason;

/// A task with its result.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The task.
    pub task: Task,
    /// The declaration of its kind, if that isn't one of Basin's own.
    pub declaration: Option<Arc<KindDeclaration>>,
    /// How many examples of the test it was measured on, where that is known.
    pub test_examples: Option<u64>,
    /// What the data set holds that it trains on or looks at, where that is known.
    pub data: Option<Contents>,
    /// Its result, or the reason why there is none.
    pub state: RunState,
}

/// A task's result, or the reason why there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum RunState {
    /// It is committed.
    Committed {
        /// Its measures.
        metrics: Metrics,
        /// The commit that made it the result.
        commit: Commit,
        /// The attempt's manifest; none if it can't be read.
        manifest: Option<Box<Manifest>>,
    },
    /// It isn't committed: it waits, runs, or was never begun.
    Missing,
    /// Its last attempt failed, and none will follow; with the failure, if that is known.
    Failed(Option<Failure>),
    /// It is committed, but its result can't be read: damaged or gone.
    Unreadable {
        /// Why, with its causes.
        error: String,
    },
}

/// A computation: runs with the same one are one run, however often a sweep has it and under whatever
/// parameters, and count once.
///
/// A task that stands in a plan at several points, or in several experiments, is one computation. So are completed tasks of
/// the same kind and seed whose measures are the same to the last bit, though their ids differ: whatever told their points
/// apart had no part in what was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Computation<'r> {
    /// A task that isn't completed.
    Task(TaskId),
    /// A completed task's measures.
    Measures {
        /// The experiment's kind.
        kind: &'r str,
        /// The seed.
        seed: u64,
        /// The digest of the measures.
        metrics: Digest,
    },
}

/// The runs of `runs` that are different computations: of those that are one, the first.
pub(crate) fn distinct<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Vec<&'a Run> {
    let mut known = BTreeSet::new();
    runs.into_iter().filter(|run| known.insert(run.computation())).collect()
}

/// The experiments, in the order of their first runs.
pub(crate) fn experiments(runs: &[Run]) -> Vec<&ExperimentId> {
    let mut ids: Vec<&ExperimentId> = Vec::new();
    for run in runs {
        if !ids.contains(&&run.task.experiment) {
            ids.push(&run.task.experiment);
        }
    }
    ids
}

/// The runs of these experiments, in plan order.
pub(crate) fn of_experiments<'a>(runs: &'a [Run], experiments: &[ExperimentId]) -> Vec<&'a Run> {
    runs.iter().filter(|run| experiments.contains(&run.task.experiment)).collect()
}

impl Run {
    /// Its computation.
    pub(crate) fn computation(&self) -> Computation<'_> {
        match &self.state {
            RunState::Committed {
                commit: Commit { outcome: Outcome::Completed | Outcome::Stopped { .. }, metrics, .. },
                ..
            } => {
                let spec = &self.task.spec;
                Computation::Measures { kind: spec.experiment.kind(), seed: spec.seed, metrics: *metrics }
            }
            // Diverged runs that broke off at once have measured the same and may have computed anything.
            RunState::Committed { .. }
            | RunState::Missing
            | RunState::Failed(_)
            | RunState::Unreadable { .. } => Computation::Task(self.task.id),
        }
    }

    /// The measures, if the run is committed.
    pub(crate) const fn metrics(&self) -> Option<&Metrics> {
        match &self.state {
            RunState::Committed { metrics, .. } => Some(metrics),
            RunState::Missing | RunState::Failed(_) | RunState::Unreadable { .. } => None,
        }
    }

    /// The measures, if the run completed, or a rule stopped it: its measures are as complete.
    pub(crate) const fn completed(&self) -> Option<&Metrics> {
        match &self.state {
            RunState::Committed {
                commit: Commit { outcome: Outcome::Completed | Outcome::Stopped { .. }, .. },
                metrics,
                ..
            } => Some(metrics),
            RunState::Committed { .. }
            | RunState::Missing
            | RunState::Failed(_)
            | RunState::Unreadable { .. } => None,
        }
    }

    /// The measures, if the run diverged.
    pub(crate) const fn diverged(&self) -> Option<&Metrics> {
        match &self.state {
            RunState::Committed {
                commit: Commit { outcome: Outcome::Diverged { .. }, .. }, metrics, ..
            } => Some(metrics),
            RunState::Committed { .. }
            | RunState::Missing
            | RunState::Failed(_)
            | RunState::Unreadable { .. } => None,
        }
    }

    /// The measures, if the run completed or was stopped, or the reason why there is nothing to be averaged.
    pub(crate) const fn measured(&self) -> Result<&Metrics, ExclusionReason> {
        match &self.state {
            RunState::Committed {
                commit: Commit { outcome: Outcome::Completed | Outcome::Stopped { .. }, .. },
                metrics,
                ..
            } => Ok(metrics),
            RunState::Committed { commit: Commit { outcome: Outcome::Diverged { .. }, .. }, .. } => {
                Err(ExclusionReason::Diverged)
            }
            RunState::Missing => Err(ExclusionReason::Missing),
            RunState::Failed(_) => Err(ExclusionReason::Failed),
            RunState::Unreadable { .. } => Err(ExclusionReason::Unreadable),
        }
    }

    /// The state in a word, as it stands in tables.
    pub(crate) const fn outcome(&self) -> &'static str {
        match &self.state {
            RunState::Committed { commit, .. } => match commit.outcome {
                Outcome::Completed => "completed",
                Outcome::Diverged { .. } => "diverged",
                Outcome::Stopped { .. } => "stopped",
            },
            RunState::Missing => "missing",
            RunState::Failed(_) => "failed",
            RunState::Unreadable { .. } => "unreadable",
        }
    }
}

/// How many runs ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
pub struct Counts {
    /// Runs that ran to their end, which may be where a rule stopped them.
    pub completed: usize,
    /// Those of the completed that a rule stopped.
    pub stopped: usize,
    /// Runs that diverged.
    pub diverged: usize,
    /// Tasks without a result yet.
    pub missing: usize,
    /// Tasks that failed.
    pub failed: usize,
    /// Committed results that can't be read.
    pub unreadable: usize,
}

impl Counts {
    /// Counts `runs`, those that are one computation once.
    pub fn of<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Self {
        Self::of_all(distinct(runs))
    }

    /// Counts the tasks of `runs`, each once.
    pub fn of_tasks<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Self {
        let mut known = BTreeSet::new();
        Self::of_all(runs.into_iter().filter(|run| known.insert(run.task.id)))
    }

    fn of_all<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Self {
        let mut counts = Self::default();
        for run in runs {
            match &run.state {
                RunState::Committed { commit, .. } => match commit.outcome {
                    Outcome::Completed => counts.completed += 1,
                    Outcome::Diverged { .. } => counts.diverged += 1,
                    Outcome::Stopped { .. } => {
                        counts.completed += 1;
                        counts.stopped += 1;
                    }
                },
                RunState::Missing => counts.missing += 1,
                RunState::Failed(_) => counts.failed += 1,
                RunState::Unreadable { .. } => counts.unreadable += 1,
            }
        }
        counts
    }

    /// All of them.
    pub const fn total(&self) -> usize {
        self.completed + self.diverged + self.missing + self.failed + self.unreadable
    }

    /// The runs that aren't averaged, in words: `1 diverged, 2 missing`; empty if everything is.
    pub(crate) fn left_out(&self) -> String {
        let parts = [
            (self.diverged, "diverged"),
            (self.missing, "missing"),
            (self.failed, "failed"),
            (self.unreadable, "unreadable"),
        ];
        let words: Vec<String> =
            parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
        words.join(", ")
    }

    /// What there is to say beside the number of completed runs, in words: `2 of them stopped, 1 diverged`.
    pub(crate) fn beside(&self) -> String {
        let stopped = (self.stopped > 0).then(|| format!("{} of them stopped", self.stopped));
        let left_out = Some(self.left_out()).filter(|words| !words.is_empty());
        stopped.into_iter().chain(left_out).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n = {}", self.completed)?;
        let beside = self.beside();
        if beside.is_empty() { Ok(()) } else { write!(f, ", {beside}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_said() {
        let counts = Counts { completed: 5, diverged: 1, missing: 1, ..Counts::default() };
        assert_eq!(counts.to_string(), "n = 5, 1 diverged, 1 missing");
        assert_eq!(Counts { completed: 3, ..Counts::default() }.to_string(), "n = 3");
        assert_eq!(counts.total(), 7);
        let counts = Counts { completed: 5, stopped: 2, missing: 1, ..Counts::default() };
        assert_eq!(counts.to_string(), "n = 5, 2 of them stopped, 1 missing");
        assert_eq!(counts.total(), 6);
    }
}
