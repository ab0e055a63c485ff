//! The index of the journalled state, kept up to date with it: who waits for whom, the queue, the counts.
//!
//! [`Index::build`] says what it must be; [`Index::refresh`] keeps it so at the cost of what changed. The audit compares.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use basin_domain::digest::Digest;
use basin_domain::id::{LeaseId, SweepId, TaskId, WorkerId};
use basin_domain::metrics::Outcome;
use basin_domain::time::Timestamp;

use super::queue::{Occupancy, QueuePosition, Queues, Rank};
use super::state::{JournalledState, Lease, ShapeIndex, SweepIndex, SweepStatus, TaskIndex, TaskStage};
use crate::event::Shape;
use crate::phase::{Counts, Phase};

/// The index of a [`JournalledState`].
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Index {
    /// In order, so that what begins with some digits is found without a look at the others.
    pub(crate) tasks: BTreeMap<TaskId, TaskIndex>,
    pub(crate) sweeps: BTreeMap<SweepId, SweepIndex>,
    pub(crate) shapes: HashMap<Digest, ShapeIndex>,
    /// The order of magnitude of each shape's work, by [`ShapeIndex`]: finding it takes as long as a hundred decisions.
    magnitudes: Vec<u32>,
    /// By [`TaskIndex`].
    pub(crate) links: Vec<Links>,
    /// By [`SweepIndex`].
    pub(crate) tallies: Vec<Tally>,
    /// All tasks, each once.
    pub(crate) counts: Counts,
    /// Tasks that can be granted, by sweep.
    pub(crate) queues: Queues,
    /// The slots that live leases take.
    pub(crate) occupancy: Occupancy,
    /// The ends of live leases.
    pub(crate) expiries: BTreeSet<(Timestamp, LeaseId)>,
    /// Ended leases whose tasks are undecided.
    pub(crate) ended: BTreeSet<LeaseId>,
    /// The leases of each worker, live and ended.
    pub(crate) held: BTreeMap<WorkerId, BTreeSet<LeaseId>>,
}

/// How a task hangs together with others.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Links {
    pub(crate) phase: Phase,
    /// Where sweeps list it, each sweep's entries together and in its order.
    pub(crate) memberships: Vec<Membership>,
    /// The tasks that read its result.
    dependents: Vec<TaskIndex>,
    /// Inputs that aren't committed.
    unmet: u32,
    /// Inputs that failed, or wait for one that did.
    failed_inputs: u32,
}

/// An entry of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) sweep: SweepIndex,
    pub(crate) position: u32,
    pub(crate) experiment: u32,
    /// Where it stands in that sweep's queue.
    queue_position: QueuePosition,
}

/// How many of a sweep's entries are in which phase.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Tally {
    pub(crate) total: Counts,
    pub(crate) experiments: Vec<Counts>,
    /// The entries under a lease, by their positions.
    pub(crate) leased: BTreeSet<(u32, TaskIndex)>,
    /// The entries that failed.
    pub(crate) failed: BTreeSet<(u32, TaskIndex)>,
}

impl Index {
    /// The index of this state.
    pub(crate) fn build(state: &JournalledState) -> Self {
        Self::assemble(state, state.shapes.iter().map(|shape| shape.spec.experiment.magnitude()).collect())
    }

    /// What this must be, if it is the index of this state. Magnitudes are taken as they are: they follow from shapes, which never change.
    pub(crate) fn built_again(&self, state: &JournalledState) -> Self {
        Self::assemble(state, self.magnitudes.clone())
    }

    fn assemble(state: &JournalledState, magnitudes: Vec<u32>) -> Self {
        let mut index = Self { magnitudes, ..Self::default() };
        for (number, shape) in state.shapes.iter().enumerate() {
            index.shapes.insert(shape.digest, ShapeIndex::next(number));
        }
        for number in 0..state.tasks.len() {
            index.add_task(state, TaskIndex::next(number));
        }
        index.add_inputs(state, 0);
        for number in 0..state.sweeps.len() {
            index.add_sweep(state, SweepIndex::next(number));
        }
        for (id, lease) in &state.leases {
            index.begin_lease(state, id, lease);
            if !lease.is_live() {
                index.end_lease(state, id, lease);
            }
        }
        index
    }

    pub(crate) fn links(&self, task: TaskIndex) -> &Links {
        &self.links[task.get()]
    }

    /// Adds the shape that was added to the state last.
    pub(crate) fn add_shape(&mut self, shapes: &[Shape]) -> ShapeIndex {
        let shape = shapes.last().expect("one was added");
        let number = ShapeIndex::next(shapes.len() - 1);
        self.shapes.insert(shape.digest, number);
        self.magnitudes.push(shape.spec.experiment.magnitude());
        number
    }

    /// Adds the task that was added to the state last; its inputs follow by `add_inputs`.
    pub(crate) fn add_task(&mut self, state: &JournalledState, task: TaskIndex) {
        self.tasks.insert(state.task(task).id, task);
        let phase = phase(&state.task(task).stage, 0, 0);
        *self.counts.of_mut(phase) += 1;
        self.links.push(Links {
            phase,
            memberships: Vec::new(),
            dependents: Vec::new(),
            unmet: 0,
            failed_inputs: 0,
        });
    }

    /// Links the tasks from `first` on to their inputs, once all of them are there.
    pub(crate) fn add_inputs(&mut self, state: &JournalledState, first: usize) {
        for number in first..state.tasks.len() {
            let task = TaskIndex::next(number);
            for input in state.shape(task).inputs.values() {
                let input = self.tasks[input];
                self.links[input.get()].dependents.push(task);
                if !state.task(input).is_committed() {
                    self.links[number].unmet += 1;
                }
                if self.links(input).phase.is_dead_end() {
                    self.links[number].failed_inputs += 1;
                }
            }
            self.refresh(state, task);
        }
    }

    /// Adds the sweep that was added to the state last.
    pub(crate) fn add_sweep(&mut self, state: &JournalledState, sweep: SweepIndex) {
        let listed = state.sweep(sweep);
        self.sweeps.insert(listed.id.clone(), sweep);
        self.queues.add_sweep();
        self.tallies.push(Tally::default());
        if listed.status == SweepStatus::Launching {
            self.queues.close(sweep);
        }
        self.add_entries(state, sweep, 0);
    }

    /// Adds the entries of a sweep from this position on.
    pub(crate) fn add_entries(&mut self, state: &JournalledState, sweep: SweepIndex, from: usize) {
        let listed = state.sweep(sweep);
        self.tallies[sweep.get()].experiments.resize(listed.experiments.len(), Counts::default());
        for (position, entry) in (0..).zip(&listed.entries).skip(from) {
            let membership = Membership {
                sweep,
                position,
                experiment: entry.experiment,
                queue_position: QueuePosition::Absent,
            };
            let links = &mut self.links[entry.task.get()];
            links.memberships.push(membership);
            let phase = links.phase;
            self.tallies[sweep.get()].add(membership, entry.task, phase);
            self.refresh(state, entry.task);
        }
    }

    /// Brings a task's phase, place in queues and counts up to date, and those of the tasks that depend on it. Returns the sweeps
    /// whose counts changed, some perhaps more than once.
    pub(crate) fn refresh(&mut self, state: &JournalledState, task: TaskIndex) -> Vec<SweepIndex> {
        let mut recounted = Vec::new();
        let mut stale = vec![task];
        while let Some(task) = stale.pop() {
            let links = &self.links[task.get()];
            let before = links.phase;
            let after = phase(&state.task(task).stage, links.unmet, links.failed_inputs);
            if before != after {
                self.links[task.get()].phase = after;
                self.recount(task, before, after);
                recounted.extend(self.links(task).memberships.iter().map(|m| m.sweep));
                stale.extend(self.notify_dependents(task, before, after));
            }
            self.requeue(state, task);
        }
        recounted
    }

    fn recount(&mut self, task: TaskIndex, before: Phase, after: Phase) {
        *self.counts.of_mut(before) -= 1;
        *self.counts.of_mut(after) += 1;
        for membership in &self.links[task.get()].memberships {
            let tally = &mut self.tallies[membership.sweep.get()];
            tally.remove(*membership, task, before);
            tally.add(*membership, task, after);
        }
    }

    /// Tells the dependents of a task that it was committed or has failed, or no longer is or has; names those it matters to.
    fn notify_dependents(&mut self, task: TaskIndex, before: Phase, after: Phase) -> Vec<TaskIndex> {
        let met = !before.is_committed() && after.is_committed();
        let withdrawn = before.is_committed() && !after.is_committed();
        let died = !before.is_dead_end() && after.is_dead_end();
        let revived = before.is_dead_end() && !after.is_dead_end();
        if !(met || withdrawn || died || revived) {
            return Vec::new();
        }
        let dependents = self.links[task.get()].dependents.clone();
        for dependent in &dependents {
            let links = &mut self.links[dependent.get()];
            links.unmet += u32::from(withdrawn);
            links.unmet -= u32::from(met);
            links.failed_inputs += u32::from(died);
            links.failed_inputs -= u32::from(revived);
        }
        dependents
    }

    /// Puts a task where it belongs in the queues of the sweeps that list it.
    fn requeue(&mut self, state: &JournalledState, task: TaskIndex) {
        let links = &mut self.links[task.get()];
        let magnitude = Reverse(self.magnitudes[state.task(task).shape.get()]);
        let queue_position = match state.task(task).not_before {
            _ if links.phase != Phase::Queued => QueuePosition::Absent,
            None => QueuePosition::Ready,
            Some(not_before) => QueuePosition::Delayed(not_before),
        };
        let waited =
            links.memberships.iter().any(|membership| membership.queue_position != QueuePosition::Absent);
        let mut waits = false;
        for membership in &mut links.memberships {
            // Those of a sweep that is being launched have their places already; its queue is closed till then.
            let is_queued = match state.sweep(membership.sweep).status {
                SweepStatus::Running | SweepStatus::Launching => true,
                SweepStatus::Paused | SweepStatus::Cancelled => false,
            };
            let queue_position = if is_queued { queue_position } else { QueuePosition::Absent };
            waits |= queue_position != QueuePosition::Absent;
            let before = std::mem::replace(&mut membership.queue_position, queue_position);
            if before != queue_position {
                let rank = Rank { magnitude, position: membership.position };
                self.queues.set(membership.sweep, task, rank, before, queue_position);
            }
        }
        self.queues.count(waited, waits);
    }

    /// Whether any sweep that wasn't cancelled lists the task.
    pub(crate) fn is_wanted(&self, state: &JournalledState, task: TaskIndex) -> bool {
        self.links(task).memberships.iter().any(|m| state.sweep(m.sweep).status != SweepStatus::Cancelled)
    }

    /// A lease is granted.
    pub(crate) fn begin_lease(&mut self, state: &JournalledState, id: &LeaseId, lease: &Lease) {
        self.held.entry(lease.worker.clone()).or_default().insert(id.clone());
        self.expiries.insert((lease.expires, id.clone()));
        self.occupancy.take(state, lease);
    }

    /// A live lease's end moves.
    pub(crate) fn extend_lease(&mut self, id: &LeaseId, from: Timestamp, to: Timestamp) {
        self.expiries.remove(&(from, id.clone()));
        self.expiries.insert((to, id.clone()));
    }

    /// A live lease ends, and its tasks are undecided.
    pub(crate) fn end_lease(&mut self, state: &JournalledState, id: &LeaseId, lease: &Lease) {
        self.expiries.remove(&(lease.expires, id.clone()));
        self.occupancy.give_back(state, lease);
        self.ended.insert(id.clone());
    }

    /// Nothing is undecided any more under a lease.
    pub(crate) fn forget_lease(&mut self, state: &JournalledState, id: &LeaseId, lease: &Lease) {
        if lease.is_live() {
            self.expiries.remove(&(lease.expires, id.clone()));
            self.occupancy.give_back(state, lease);
        } else {
            self.ended.remove(id);
        }
        if let Some(leases) = self.held.get_mut(&lease.worker) {
            leases.remove(id);
            if leases.is_empty() {
                self.held.remove(&lease.worker);
            }
        }
    }
}

impl Links {
    /// Whether an input isn't committed, or not any more.
    pub(crate) const fn waits_for_inputs(&self) -> bool {
        self.unmet > 0
    }
}

impl Tally {
    fn add(&mut self, of: Membership, task: TaskIndex, phase: Phase) {
        *self.total.of_mut(phase) += 1;
        *self.experiments[of.experiment as usize].of_mut(phase) += 1;
        if let Some(listed) = self.listed(phase) {
            listed.insert((of.position, task));
        }
    }

    fn remove(&mut self, of: Membership, task: TaskIndex, phase: Phase) {
        *self.total.of_mut(phase) -= 1;
        *self.experiments[of.experiment as usize].of_mut(phase) -= 1;
        if let Some(listed) = self.listed(phase) {
            listed.remove(&(of.position, task));
        }
    }

    /// The entries of a phase that people ask for by themselves.
    const fn listed(&mut self, phase: Phase) -> Option<&mut BTreeSet<(u32, TaskIndex)>> {
        match phase {
            Phase::Running | Phase::Expiring => Some(&mut self.leased),
            Phase::Failed => Some(&mut self.failed),
            Phase::Queued
            | Phase::Blocked
            | Phase::UpstreamFailed
            | Phase::Completed
            | Phase::Diverged
            | Phase::Stopped => None,
        }
    }
}

fn phase(stage: &TaskStage, unmet: u32, failed_inputs: u32) -> Phase {
    match stage {
        TaskStage::Waiting if failed_inputs > 0 => Phase::UpstreamFailed,
        TaskStage::Waiting if unmet > 0 => Phase::Blocked,
        TaskStage::Waiting => Phase::Queued,
        TaskStage::Leased(_) => Phase::Running,
        TaskStage::Expiring(_) => Phase::Expiring,
        TaskStage::Committed(commit) => match commit.outcome {
            Outcome::Completed => Phase::Completed,
            Outcome::Diverged { .. } => Phase::Diverged,
            Outcome::Stopped { .. } => Phase::Stopped,
        },
        TaskStage::Failed(_) => Phase::Failed,
    }
}
