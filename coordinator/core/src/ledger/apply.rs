//! Events change the ledger: the one way in, at service and at replay.
//!
//! An event names only what earlier events brought: `decide` and the journal's chain of digests see to that.

use basin_domain::failure::Failure;
use basin_domain::id::{LeaseId, SweepId, TaskId, WorkerId};
use basin_domain::scheduling::UserName;
use basin_domain::time::Timestamp;

use super::failure_effects::{counts_against_worker, may_affect_pack};
use super::state::{
    Entry, Lease, ShapeIndex, Sweep, SweepIndex, SweepStatus, Task, TaskIndex, TaskStage, WorkerHealth,
};
use super::{Heartbeat, Ledger};
use crate::attempt::{AttemptEnd, AttemptRecord};
use crate::command::{CommitRecord, Withdrawal};
use crate::event::{
    Change, Event, Extended, Granted, HeartbeatReceived, Launched, LaunchedTask, RetryDecision, Shape,
};

impl Ledger {
    /// Changes the ledger as the event says.
    ///
    /// # Panics
    /// If the event doesn't follow from this ledger: if it names a task, sweep or lease that earlier events didn't bring.
    pub fn apply(&mut self, event: &Event) {
        let at = event.at;
        if event.is_durable() {
            self.state.at = self.state.at.max(at);
        }
        match &event.change {
            Change::Launched(launched) => self.launched(at, launched, SweepStatus::Running),
            Change::Announced(launched) => self.launched(at, launched, SweepStatus::Launching),
            Change::Extended(extended) => self.extended(at, extended),
            Change::Opened(sweep) => self.opened(at, sweep),
            Change::NeedsChanged { sweep, needs } => {
                let sweep = self.find_sweep(sweep).expect("an event names sweeps that were launched");
                self.state.sweeps[sweep.get()].needs.clone_from(needs);
            }
            Change::Adjusted { sweep, share } => {
                let sweep = self.find_sweep(sweep).expect("an event names sweeps that were launched");
                self.state.sweeps[sweep.get()].share = *share;
            }
            Change::OwnerChanged { sweep, user } => self.owner_changed(sweep, user),
            Change::Paused(sweep) => self.set_status(at, sweep, SweepStatus::Paused),
            Change::Resumed(sweep) => self.set_status(at, sweep, SweepStatus::Running),
            Change::Cancelled(sweep) => {
                self.set_status(at, sweep, SweepStatus::Cancelled);
                self.reassign_leases(sweep);
            }
            Change::SweepForgotten(sweep) => self.sweep_forgotten(sweep),
            Change::Retried { sweep: _, tasks } => tasks.iter().for_each(|task| self.retried(at, task)),
            Change::Granted(granted) => self.granted(at, granted),
            Change::HeartbeatReceived(heard) => self.heartbeat_received(at, heard),
            Change::Exited(worker) => self.heartbeats.entry(worker.clone()).or_default().exited = true,
            Change::Expired { lease } => self.expired(at, lease),
            Change::CommitDecided(decision) => {
                let task = self.known(&decision.commit.task);
                self.state.task_mut(task).commit_decision = Some(Box::new(decision.clone()));
            }
            Change::Committed(commit) => self.committed(at, commit),
            Change::Withdrawn(withdrawal) => self.withdrawn(at, withdrawal),
            Change::Failed { lease, task, failure, verdict } => {
                self.failed(at, lease, task, failure, *verdict);
            }
            Change::Released { lease, task, reason } => {
                let task = self.known(task);
                self.leave_lease(task, at, AttemptEnd::Released(*reason), lease);
                self.set_stage(at, task, TaskStage::Waiting);
            }
            Change::Drained(worker) => self.health_mut(at, worker).draining = true,
            Change::Avoided { worker, until } => {
                let health = self.health_mut(at, worker);
                health.avoided_until = Some(*until);
                health.failing.clear();
            }
            Change::Forgotten(worker) => {
                self.state.workers.remove(worker);
                self.heartbeats.remove(worker);
            }
            Change::Restarted { expires } => {
                let live = self.state.leases.iter().filter(|(_, lease)| !lease.ended);
                for lease in live.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
                    self.extend(&lease, *expires);
                }
            }
            Change::Rebuilt { attempts } => {
                self.state.lost_attempts = attempts.0.max(self.state.lost_attempts);
            }
        }
    }

    fn known(&self, task: &TaskId) -> TaskIndex {
        self.find_task(task).expect("an event names tasks that were launched")
    }

    fn health_mut(&mut self, at: Timestamp, worker: &WorkerId) -> &mut WorkerHealth {
        let health = self.state.workers.entry(worker.clone()).or_default();
        health.since = at;
        health
    }

    fn launched(&mut self, at: Timestamp, launched: &Launched, status: SweepStatus) {
        let entries = self.entries(&launched.shapes, &launched.entries);
        let Self { state, index, .. } = self;
        state.forgotten.remove(&launched.sweep);
        let sweep = SweepIndex::next(state.sweeps.len());
        state.sweeps.push(Sweep {
            id: launched.sweep.clone(),
            user: launched.user.clone(),
            share: launched.share,
            status,
            launched_at: at,
            finished_at: None,
            experiments: launched.experiments.clone(),
            needs: launched.needs.clone(),
            entries,
        });
        index.add_sweep(state, sweep);
        self.note_finish(at, sweep);
    }

    /// Adds tasks that are new, and gives the entries that list them.
    fn entries(&mut self, shapes: &[Shape], tasks: &[LaunchedTask]) -> Vec<Entry> {
        let Self { state, index, .. } = self;
        let shapes: Vec<ShapeIndex> = shapes
            .iter()
            .map(|shape| {
                index.shapes.get(&shape.digest).copied().unwrap_or_else(|| {
                    state.shapes.push(shape.clone());
                    index.add_shape(&state.shapes)
                })
            })
            .collect();
        let first = state.tasks.len();
        let mut entries = Vec::with_capacity(tasks.len());
        for entry in tasks {
            if let Some(new) = entry.new {
                let task = TaskIndex::next(state.tasks.len());
                state.tasks.push(Task::new(entry.id, shapes[new.shape as usize], new.seed));
                index.add_task(state, task);
            }
            let task = index.tasks[&entry.id];
            entries.push(Entry { task, experiment: entry.experiment });
        }
        index.add_inputs(state, first);
        entries
    }

    fn extended(&mut self, at: Timestamp, extended: &Extended) {
        let entries = self.entries(&extended.shapes, &extended.entries);
        let sweep = self.find_sweep(&extended.sweep).expect("an event names sweeps that were launched");
        let listed = &mut self.state.sweeps[sweep.get()];
        let from = listed.entries.len();
        listed.experiments.extend_from_slice(&extended.experiments);
        listed.entries.extend(entries);
        self.index.add_entries(&self.state, sweep, from);
        self.note_finish(at, sweep);
    }

    fn opened(&mut self, at: Timestamp, sweep: &SweepId) {
        let sweep = self.find_sweep(sweep).expect("an event names sweeps that were launched");
        let listed = &mut self.state.sweeps[sweep.get()];
        listed.status = SweepStatus::Running;
        listed.launched_at = at;
        listed.finished_at = None;
        self.index.queues.open(sweep);
        self.note_finish(at, sweep);
    }

    fn set_status(&mut self, at: Timestamp, sweep: &SweepId, status: SweepStatus) {
        let sweep = self.find_sweep(sweep).expect("an event names sweeps that were launched");
        self.state.sweeps[sweep.get()].status = status;
        for position in 0..self.state.sweep(sweep).entries.len() {
            let task = self.state.sweep(sweep).entries[position].task;
            self.index.refresh(&self.state, task);
        }
        self.note_finish(at, sweep);
    }

    fn owner_changed(&mut self, sweep: &SweepId, user: &UserName) {
        let sweep = self.find_sweep(sweep).expect("an event names sweeps that were launched");
        let leases = self.live_leases_of(sweep);
        let Self { state, index, .. } = self;
        leases.iter().for_each(|id| index.occupancy.give_back(state, &state.leases[id]));
        state.sweeps[sweep.get()].user = Some(user.clone());
        leases.iter().for_each(|id| index.occupancy.take(state, &state.leases[id]));
    }

    /// The slots of a cancelled sweep whose tasks others want are theirs: the first launched of them has each.
    fn reassign_leases(&mut self, from: &SweepId) {
        let from = self.find_sweep(from).expect("an event names sweeps that were launched");
        for id in self.live_leases_of(from) {
            let tasks = self.state.leases[&id].tasks.iter();
            let wants = tasks.flat_map(|task| &self.index.links(*task).memberships);
            let wants = wants.map(|membership| membership.sweep);
            let new_owner =
                wants.filter(|sweep| self.state.sweep(*sweep).status != SweepStatus::Cancelled).min();
            let (Some(new_owner), Self { state, index, .. }) = (new_owner, &mut *self) else { continue };
            index.occupancy.give_back(state, &state.leases[&id]);
            if let Some(lease) = state.leases.get_mut(&id) {
                lease.sweep = Some(new_owner);
            }
            index.occupancy.take(state, &state.leases[&id]);
        }
    }

    fn live_leases_of(&self, sweep: SweepIndex) -> Vec<LeaseId> {
        let leases = self.state.leases.iter();
        let of_sweep = leases.filter(|(_, lease)| lease.is_live() && lease.sweep == Some(sweep));
        of_sweep.map(|(id, _)| id.clone()).collect()
    }

    /// Keeps the time at which a sweep had nothing more to do.
    fn note_finish(&mut self, at: Timestamp, sweep: SweepIndex) {
        let is_over = self.index.tallies[sweep.get()].total.open() == 0;
        let sweep = &mut self.state.sweeps[sweep.get()];
        if is_over || sweep.status == SweepStatus::Cancelled {
            sweep.finished_at.get_or_insert(at);
        } else {
            sweep.finished_at = None;
        }
    }

    fn set_stage(&mut self, at: Timestamp, task: TaskIndex, stage: TaskStage) {
        if !matches!(stage, TaskStage::Leased(_)) {
            self.progress.remove(&task);
        }
        self.state.task_mut(task).stage = stage;
        for sweep in self.index.refresh(&self.state, task) {
            self.note_finish(at, sweep);
        }
    }

    fn retried(&mut self, at: Timestamp, task: &TaskId) {
        let task = self.known(task);
        self.state.task_mut(task).reset_charges();
        self.set_stage(at, task, TaskStage::Waiting);
    }

    fn granted(&mut self, at: Timestamp, granted: &Granted) {
        let tasks: Vec<TaskIndex> = granted.tasks.iter().map(|(task, _)| self.known(task)).collect();
        for (&task, (_, attempt)) in tasks.iter().zip(&granted.tasks) {
            let record = self.state.task_mut(task);
            record.begun = attempt.0;
            record.not_before = None;
            record.remember(AttemptRecord {
                attempt: *attempt,
                lease: granted.lease.clone(),
                worker: granted.worker.clone(),
                started: at,
                end: None,
            });
            self.set_stage(at, task, TaskStage::Leased(granted.lease.clone()));
        }
        let sweep = granted.sweep.as_ref();
        let lease = Lease {
            worker: granted.worker.clone(),
            sweep: sweep.map(|id| self.find_sweep(id).expect("an event names sweeps that were launched")),
            answer: granted.answer,
            expires: granted.expires,
            ended: false,
            tasks,
        };
        self.index.begin_lease(&self.state, &granted.lease, &lease);
        self.state.leases.insert(granted.lease.clone(), lease);
    }

    fn heartbeat_received(&mut self, at: Timestamp, heard: &HeartbeatReceived) {
        let heartbeat: &mut Heartbeat = self.heartbeats.entry(heard.worker.clone()).or_default();
        if let Some(description) = &heard.description {
            heartbeat.description.clone_from(description);
        }
        heartbeat.last_seen = at;
        heartbeat.draining = heard.draining;
        heartbeat.waiting.clone_from(&heard.waiting);
        heartbeat.answer = heard.answer;
        let rates = heard.progress.iter().filter_map(|(_, progress)| progress.current_examples_per_second());
        heartbeat.examples_per_second = rates.reduce(|sum, rate| sum + rate);
        for lease in &heard.renewed {
            self.extend(lease, heard.expires);
        }
        for (task, progress) in &heard.progress {
            let task = self.known(task);
            self.progress.insert(task, *progress);
        }
    }

    /// Sets a live lease's end.
    fn extend(&mut self, lease: &LeaseId, expires: Timestamp) {
        let held = self.state.leases.get_mut(lease).expect("an event renews leases that live");
        self.index.extend_lease(lease, held.expires, expires);
        held.expires = expires;
    }

    fn expired(&mut self, at: Timestamp, lease: &LeaseId) {
        let held = &self.state.leases[lease];
        self.index.end_lease(&self.state, lease, held);
        let held = self.state.leases.get_mut(lease).expect("an event ends leases that live");
        held.ended = true;
        // Renewals aren't journalled, so the end that it had before may be forgotten.
        held.expires = at;
        for task in held.tasks.clone() {
            self.set_stage(at, task, TaskStage::Expiring(lease.clone()));
        }
    }

    fn committed(&mut self, at: Timestamp, commit: &CommitRecord) {
        let task = self.known(&commit.task);
        if let Some(lease) = self.state.task(task).lease().cloned() {
            self.leave_lease(task, at, AttemptEnd::Superseded, &lease);
        }
        let record = &mut self.state.tasks[task.get()];
        record.not_before = None;
        record.commit_decision = None;
        record.end_attempt(&commit.lease, at, AttemptEnd::Committed);
        let past = record.attempts.iter().rev().find(|past| past.lease == commit.lease);
        if let Some(health) = past.and_then(|past| self.state.workers.get_mut(&past.worker)) {
            health.failing.clear();
        }
        self.set_stage(at, task, TaskStage::Committed(commit.clone()));
    }

    /// Takes a commit back. The task gets a budget of attempts as if it were new; what read its result stays, since its next
    /// one is the same.
    fn withdrawn(&mut self, at: Timestamp, withdrawal: &Withdrawal) {
        let Withdrawal { task, lease, attempt } = withdrawal;
        let task = self.known(task);
        let record = self.state.task_mut(task);
        record.withdrawn.push(lease.clone());
        record.commit_decision.take_if(|decision| decision.commit.lease == *lease);
        let is_committed = matches!(&record.stage, TaskStage::Committed(commit) if commit.lease == *lease);
        match record.lease() {
            Some(held) if held == lease => {
                self.leave_lease(task, at, AttemptEnd::Withdrawn, lease);
            }
            // Another attempt is under way; its number is what the audit compares.
            Some(_) => return,
            None => self.state.task_mut(task).end_attempt(lease, at, AttemptEnd::Withdrawn),
        }
        let record = self.state.task_mut(task);
        record.begun = record.begun.max(attempt.0);
        if is_committed {
            record.reset_charges();
        }
        if is_committed || record.lease().is_some() {
            self.set_stage(at, task, TaskStage::Waiting);
        }
    }

    fn failed(
        &mut self,
        at: Timestamp,
        lease: &LeaseId,
        id: &TaskId,
        failure: &Failure,
        verdict: RetryDecision,
    ) {
        let task = self.known(id);
        let worker = self.leave_lease(task, at, AttemptEnd::Failed(failure.clone()), lease);
        let record = self.state.task_mut(task);
        record.charged += 1;
        record.alone |= may_affect_pack(failure.kind);
        record.first_failure.get_or_insert_with(|| failure.clone());
        if !record.failed_on.contains(&worker) {
            record.failed_on.push(worker.clone());
        }
        let stage = match verdict {
            RetryDecision::Retry { not_before } => {
                record.not_before = Some(not_before);
                TaskStage::Waiting
            }
            RetryDecision::Final(reason) => TaskStage::Failed(reason),
        };
        self.set_stage(at, task, stage);
        if counts_against_worker(failure.kind) {
            let health = self.health_mut(at, &worker);
            if !health.failing.contains(id) {
                health.failing.push(*id);
            }
        }
    }

    /// Takes an undecided task out of its lease, and ends the lease with its last one. Returns the lease's worker.
    fn leave_lease(&mut self, task: TaskIndex, at: Timestamp, end: AttemptEnd, lease: &LeaseId) -> WorkerId {
        self.state.task_mut(task).end_attempt(lease, at, end);
        let held = self.state.leases.get_mut(lease).expect("an undecided task is covered by its lease");
        held.tasks.retain(|covered| *covered != task);
        let worker = held.worker.clone();
        if held.tasks.is_empty() {
            self.index.forget_lease(&self.state, lease, &self.state.leases[lease]);
            self.state.leases.remove(lease);
        }
        worker
    }
}
