//! Invariants of every ledger at every moment.

use basin_domain::id::{LeaseId, SweepId, TaskId};

use super::Ledger;
use super::state::{JournalledState, SweepStatus, Task, TaskStage};

/// Something that must hold doesn't.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// An index points past the end of what it points into.
    #[error("{from} refers to {to} that is not there")]
    Dangling {
        /// The referrer.
        from: String,
        /// The missing item.
        to: &'static str,
    },
    /// A task is there twice.
    #[error("task {0} is there twice")]
    DuplicateTask(TaskId),
    /// The index differs from what the state says.
    #[error("the {0} differ from what the state says")]
    StaleIndex(&'static str),
    /// A task says that a lease covers it, and the lease doesn't.
    #[error("task {task} is under lease {lease}, which does not cover it")]
    NotCovered {
        /// The task.
        task: TaskId,
        /// The lease.
        lease: LeaseId,
    },
    /// A lease covers nothing, or a task that doesn't say so.
    #[error("lease {0} covers nothing, or a task that is not under it")]
    EmptyLease(LeaseId),
    /// A task runs though an input isn't committed, and never was.
    #[error("task {0} runs before its inputs are committed")]
    TooEarly(TaskId),
    /// A task's attempts don't fit its stage: an open attempt where there is no lease, or the other way round.
    #[error("the attempts at task {0} do not fit where it is in its life")]
    Attempts(TaskId),
    /// A task that waits for another try has been charged more than it may, or one that was not charged has failed.
    #[error("what task {0} was charged does not fit where it is in its life")]
    Charges(TaskId),
    /// A commit is to be written for a task that is committed.
    #[error("task {0} is committed, and a commit is still to be written for it")]
    LeftoverDecision(TaskId),
    /// A task is committed under a lease whose commit was withdrawn.
    #[error("task {0} is committed by what was withdrawn")]
    Withdrawn(TaskId),
    /// A sweep is there that has left.
    #[error("sweep {0} is there, and was forgotten")]
    Forgotten(SweepId),
    /// A sweep has an end though it goes on, or none though it is over.
    #[error("the end of sweep {0} does not fit its tasks")]
    Finish(SweepId),
}

impl Ledger {
    /// Checks everything that must hold. It looks at every task: for tests, and once after a restart.
    ///
    /// # Errors
    /// The invariant that doesn't hold.
    pub fn audit(&self) -> Result<(), Vec<Violation>> {
        self.state.check_references().map_err(|violation| vec![violation])?;
        let mut violations = self.stale_parts();
        for (number, task) in self.state.tasks.iter().enumerate() {
            violations.extend(self.check_task(number, task));
        }
        for (id, lease) in &self.state.leases {
            let covers = |task: &Task| match &task.stage {
                TaskStage::Leased(of) => of == id && lease.is_live(),
                TaskStage::Expiring(of) => of == id && !lease.is_live(),
                TaskStage::Waiting | TaskStage::Committed(_) | TaskStage::Failed(_) => false,
            };
            if lease.tasks.is_empty() || !lease.tasks.iter().all(|task| covers(self.state.task(*task))) {
                violations.push(Violation::EmptyLease(id.clone()));
            }
        }
        for (sweep, tally) in self.state.sweeps.iter().zip(&self.index.tallies) {
            let is_over = tally.total.open() == 0 || sweep.status == SweepStatus::Cancelled;
            if sweep.finished_at.is_some() != is_over {
                violations.push(Violation::Finish(sweep.id.clone()));
            }
            if self.state.forgotten.contains(&sweep.id) {
                violations.push(Violation::Forgotten(sweep.id.clone()));
            }
        }
        if violations.is_empty() { Ok(()) } else { Err(violations) }
    }

    fn stale_parts(&self) -> Vec<Violation> {
        let (kept, built) = (&self.index, self.index.built_again(&self.state));
        [
            ("ids", kept.tasks == built.tasks && kept.sweeps == built.sweeps && kept.shapes == built.shapes),
            ("links", kept.links == built.links),
            ("counts", kept.tallies == built.tallies),
            ("queues", kept.queues == built.queues),
            (
                "leases",
                kept.expiries == built.expiries && kept.ended == built.ended && kept.held == built.held,
            ),
            ("slots", kept.occupancy == built.occupancy),
        ]
        .into_iter()
        .filter(|(_, fresh)| !fresh)
        .map(|(part, _)| Violation::StaleIndex(part))
        .collect()
    }

    fn check_task(&self, number: usize, task: &Task) -> Option<Violation> {
        let open = task.attempts.iter().filter(|record| record.end.is_none()).count();
        if let Some(lease) = task.lease() {
            let covered = self
                .state
                .leases
                .get(lease)
                .is_some_and(|lease| lease.tasks.iter().any(|t| t.get() == number));
            if !covered {
                return Some(Violation::NotCovered { task: task.id, lease: lease.clone() });
            }
            let inputs = self.state.shapes[task.shape.get()].spec.inputs.values();
            // One whose input was withdrawn goes on: it has read it, or notices.
            let committed = |id| {
                let input = self.find_task(id).map(|input| self.state.task(input));
                input.is_some_and(|input| input.is_committed() || !input.withdrawn.is_empty())
            };
            if !inputs.clone().all(committed) {
                return Some(Violation::TooEarly(task.id));
            }
            let last = task.attempts.last();
            if open != 1 || last.is_none_or(|last| last.lease != *lease || last.attempt != task.attempt()) {
                return Some(Violation::Attempts(task.id));
            }
        } else if open != 0 {
            return Some(Violation::Attempts(task.id));
        }
        if matches!(&task.stage, TaskStage::Committed(commit) if task.withdrawn.contains(&commit.lease)) {
            return Some(Violation::Withdrawn(task.id));
        }
        if task.is_committed() && task.commit_decision.is_some() {
            return Some(Violation::LeftoverDecision(task.id));
        }
        let failed = matches!(task.stage, TaskStage::Failed(_));
        let retries = task.not_before.is_some();
        let consistent = (task.charged > 0) == task.first_failure.is_some()
            && (task.charged > 0) != task.failed_on.is_empty()
            && (!failed || task.charged > 0)
            && (!retries || task.charged > 0 && task.stage == TaskStage::Waiting);
        (!consistent).then_some(Violation::Charges(task.id))
    }
}

impl JournalledState {
    /// Checks that everything that is referred to is there, so that an index can be built.
    pub(crate) fn check_references(&self) -> Result<(), Violation> {
        let dangling = |from: String, to| Violation::Dangling { from, to };
        let mut ids = std::collections::HashSet::with_capacity(self.tasks.len());
        for task in &self.tasks {
            if task.shape.get() >= self.shapes.len() {
                return Err(dangling(format!("task {}", task.id), "a shape"));
            }
            if task.lease().is_some_and(|lease| !self.leases.contains_key(lease)) {
                return Err(dangling(format!("task {}", task.id), "a lease"));
            }
            if !ids.insert(task.id) {
                return Err(Violation::DuplicateTask(task.id));
            }
        }
        for shape in &self.shapes {
            if shape.spec.inputs.values().any(|input| !ids.contains(input)) {
                return Err(dangling(format!("shape {}", shape.digest), "an input"));
            }
        }
        for sweep in &self.sweeps {
            let is_there = |entry: &super::state::Entry| {
                entry.task.get() < self.tasks.len() && (entry.experiment as usize) < sweep.experiments.len()
            };
            if !sweep.entries.iter().all(is_there) {
                return Err(dangling(format!("sweep {}", sweep.id), "a task or an experiment"));
            }
        }
        for (id, lease) in &self.leases {
            if lease.tasks.iter().any(|task| task.get() >= self.tasks.len()) {
                return Err(dangling(format!("lease {id}"), "a task"));
            }
            if lease.sweep.is_some_and(|sweep| sweep.get() >= self.sweeps.len()) {
                return Err(dangling(format!("lease {id}"), "a sweep"));
            }
        }
        Ok(())
    }
}
