//! What of a sweep's work is done, what is open, and how long leases lasted: gathered from the ledger page by page.

use std::collections::{HashMap, HashSet};

use basin_domain::id::{LeaseId, SweepId, TaskId};
use basin_domain::time::Timestamp;

use super::expected_work::ExpectedWork;
use crate::Ledger;
use crate::attempt::{AttemptEnd, AttemptRecord};
use crate::command::Progress;
use crate::phase::Phase;

/// The stand of a sweep's work.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WorkTally {
    /// Entries of the sweep that were looked at.
    seen: usize,
    pub(super) experiments: Vec<ExperimentTally>,
    pub(super) open: Vec<OpenWork>,
    pub(super) leases: HashMap<LeaseId, LeaseSpan>,
    /// Tasks that were met: one that two experiments list is worked on once.
    met: HashSet<TaskId>,
    /// How long ago the progress of running tasks was told, in all, and of how many.
    pub(super) lag: (f64, u32),
}

/// An experiment's work.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct ExperimentTally {
    pub(super) name: String,
    pub(super) tasks: u64,
    /// The amounts of all tasks, and of what is done of them.
    pub(super) all: f64,
    pub(super) done: f64,
    /// Whether a task's amount isn't seconds.
    pub(super) is_relative: bool,
}

impl ExperimentTally {
    /// The amount of a task, in the mean.
    pub(super) fn mean(&self) -> f64 {
        if self.tasks == 0 { 1.0 } else { self.all / self.tasks as f64 }
    }
}

/// What is left of a task that isn't settled.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OpenWork {
    pub(super) id: TaskId,
    pub(super) experiment: usize,
    pub(super) amount: f64,
    pub(super) inputs: Vec<TaskId>,
}

/// A lease: how long it lasted, and what was done under it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LeaseSpan {
    pub(super) experiment: usize,
    pub(super) started: Timestamp,
    pub(super) until: Timestamp,
    pub(super) amount: f64,
}

/// A task as a tally takes it.
pub(super) struct TaskStand<'a> {
    pub(super) id: TaskId,
    pub(super) experiment: usize,
    pub(super) phase: Phase,
    /// The share of its work that is done.
    pub(super) share: f64,
    /// When that was told, of one that runs.
    pub(super) told: Option<Timestamp>,
    pub(super) attempts: &'a [AttemptRecord],
    pub(super) inputs: Vec<TaskId>,
}

impl Ledger {
    /// Adds the next tasks of a sweep to its tally, no more than `most`; answers whether there are more.
    pub fn tally_work(
        &self,
        tally: &mut WorkTally,
        sweep: &SweepId,
        expected: &ExpectedWork,
        most: usize,
        now: Timestamp,
    ) -> bool {
        let Some(sweep) = self.find_launched(sweep) else { return false };
        let sweep = self.state.sweep(sweep);
        tally.begin(&sweep.experiments);
        for entry in sweep.entries.iter().skip(tally.seen).take(most) {
            let task = self.state.task(entry.task);
            let worker = task.lease().and_then(|lease| self.worker_of(lease));
            let heard = worker.and_then(|worker| self.heartbeats.get(worker));
            let phase = self.index.links(entry.task).phase;
            let inputs = match phase {
                Phase::Blocked => self.open_inputs(entry.task).map(|(input, _)| input).collect(),
                Phase::Queued
                | Phase::UpstreamFailed
                | Phase::Running
                | Phase::Expiring
                | Phase::Completed
                | Phase::Diverged
                | Phase::Stopped
                | Phase::Failed => Vec::new(),
            };
            let stand = TaskStand {
                id: task.id,
                experiment: entry.experiment as usize,
                phase,
                share: self.progress.get(&entry.task).map_or(0.0, Progress::share),
                told: heard.map(|heard| heard.last_seen),
                attempts: &task.attempts,
                inputs,
            };
            tally.add(&stand, expected, now);
        }
        tally.seen < sweep.entries.len()
    }
}

impl WorkTally {
    pub(super) fn begin(&mut self, experiments: &[String]) {
        let known = self.experiments.len();
        let new = experiments.iter().skip(known);
        self.experiments
            .extend(new.map(|name| ExperimentTally { name: name.clone(), ..ExperimentTally::default() }));
    }

    pub(super) fn add(&mut self, task: &TaskStand<'_>, expected: &ExpectedWork, now: Timestamp) {
        self.seen += 1;
        let work = expected.of(&task.id);
        let is_running = matches!(task.phase, Phase::Running | Phase::Expiring);
        let is_settled = task.phase.is_committed() || task.phase.is_dead_end();
        let share = match (is_settled, is_running) {
            (true, _) => 1.0,
            (false, true) => task.share,
            (false, false) => 0.0,
        };
        let experiment = &mut self.experiments[task.experiment];
        experiment.tasks += 1;
        experiment.all += work.amount;
        experiment.done += share * work.amount;
        experiment.is_relative |= !work.is_seconds;
        if !self.met.insert(task.id) {
            return;
        }
        if !is_settled {
            let amount = (1.0 - share) * work.amount;
            let (id, experiment, inputs) = (task.id, task.experiment, task.inputs.clone());
            self.open.push(OpenWork { id, experiment, amount, inputs });
        }
        // What was told is older than now, and so is how far it had come; of a lease that is newer still nothing was told.
        let granted = task.attempts.last().map_or(now, |attempt| attempt.started);
        let told = task.told.filter(|_| is_running).unwrap_or(now).max(granted).min(now);
        if is_running {
            self.lag = (self.lag.0 + (now - told).as_secs_f64(), self.lag.1 + 1);
        }
        // What others have begun of it, nobody knows: it is no measurement.
        if task.attempts.first().is_some_and(|first| first.started < expected.since) {
            return;
        }
        for attempt in task.attempts {
            let until = match &attempt.end {
                None if is_running => told,
                Some((at, AttemptEnd::Committed | AttemptEnd::Superseded | AttemptEnd::Released(_))) => *at,
                // Nobody knows when it stopped working, or it is worked on again.
                None | Some((_, AttemptEnd::Failed(_) | AttemptEnd::Withdrawn)) => continue,
            };
            let span = self.leases.entry(attempt.lease.clone()).or_insert(LeaseSpan {
                experiment: task.experiment,
                started: attempt.started,
                until,
                amount: 0.0,
            });
            span.until = span.until.max(until);
        }
        // What earlier attempts did counts where the last one has it.
        let last = task.attempts.last().filter(|_| is_running || task.phase.is_committed());
        if let Some(span) = last.and_then(|attempt| self.leases.get_mut(&attempt.lease)) {
            span.amount += share * work.amount;
        }
    }
}
