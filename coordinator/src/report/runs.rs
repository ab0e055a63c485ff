//! What a report is made from: every task of a sweep, in plan order, with what is known of it.

use std::fmt;

use basin_domain::failure::Failure;
use basin_domain::record::{Outcome, Record};
use basin_domain::task::Task;
use basin_storage::{Commit, Manifest};
use serde::Serialize;

/// A task with its result.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The task.
    pub task: Task,
    /// What is known of its result.
    pub state: State,
}

/// What is known of a task's result.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// It is committed.
    Committed {
        /// What it measured.
        record: Record,
        /// Whose attempt it is.
        commit: Commit,
        /// What is known of that attempt; nothing if its manifest can't be read.
        manifest: Option<Box<Manifest>>,
    },
    /// It isn't committed: it waits, runs, or was never begun.
    Missing,
    /// Its last attempt failed, and none will follow.
    Failed(Failure),
    /// It is committed, but its result can't be read: damaged or gone.
    Unreadable {
        /// Why, with its causes.
        error: String,
    },
}

impl Run {
    /// What was measured, if the run is committed.
    pub(crate) const fn record(&self) -> Option<&Record> {
        match &self.state {
            State::Committed { record, .. } => Some(record),
            State::Missing | State::Failed(_) | State::Unreadable { .. } => None,
        }
    }

    /// What was measured, if the run completed.
    pub(crate) const fn completed(&self) -> Option<&Record> {
        match &self.state {
            State::Committed { commit: Commit { outcome: Outcome::Completed, .. }, record, .. } => {
                Some(record)
            }
            State::Committed { .. } | State::Missing | State::Failed(_) | State::Unreadable { .. } => None,
        }
    }

    /// What was measured, if the run diverged.
    pub(crate) const fn diverged(&self) -> Option<&Record> {
        match &self.state {
            State::Committed { commit: Commit { outcome: Outcome::Diverged { .. }, .. }, record, .. } => {
                Some(record)
            }
            State::Committed { .. } | State::Missing | State::Failed(_) | State::Unreadable { .. } => None,
        }
    }

    /// The state in a word, as it stands in tables.
    pub(crate) const fn outcome(&self) -> &'static str {
        match &self.state {
            State::Committed { commit, .. } => match commit.outcome {
                Outcome::Completed => "completed",
                Outcome::Diverged { .. } => "diverged",
            },
            State::Missing => "missing",
            State::Failed(_) => "failed",
            State::Unreadable { .. } => "unreadable",
        }
    }
}

/// How many runs ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Runs that ran to their end.
    pub completed: usize,
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
    /// Counts `runs`.
    pub fn of<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Self {
        let mut counts = Self::default();
        for run in runs {
            match &run.state {
                State::Committed { commit, .. } => match commit.outcome {
                    Outcome::Completed => counts.completed += 1,
                    Outcome::Diverged { .. } => counts.diverged += 1,
                },
                State::Missing => counts.missing += 1,
                State::Failed(_) => counts.failed += 1,
                State::Unreadable { .. } => counts.unreadable += 1,
            }
        }
        counts
    }

    /// All of them.
    pub const fn total(&self) -> usize {
        self.completed + self.diverged + self.missing + self.failed + self.unreadable
    }

    /// What isn't averaged, in words: `1 diverged, 2 missing`; empty if everything is.
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
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n = {}", self.completed)?;
        let left_out = self.left_out();
        if left_out.is_empty() { Ok(()) } else { write!(f, ", {left_out}") }
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
    }
}
