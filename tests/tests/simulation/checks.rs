//! The promises, checked against everything that happens.

use std::collections::{BTreeMap, BTreeSet};

use basin_core::Ledger;
use basin_core::command::{Adjust, CommitRecord, Refusal, Withdrawal};
use basin_core::event::{Change, Event, FinalReason, Granted, Launched, RetryDecision};
use basin_core::view::{Phase, SweepState};
use basin_domain::failure::FailureKind;
use basin_domain::id::{Attempt, LeaseId, SweepId, TaskId, WorkerId};
use basin_domain::scheduling::SchedulingOptions;
use basin_domain::time::Timestamp;

use crate::command::{Command, Reply};
use crate::coordinator::{LEASE_DURATION, policy};
use crate::plan::{Fate, Plan};
use crate::store::Store;
use crate::world::{Tally, World};

/// A promise of the design that was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BrokenPromise {
    /// Its number there.
    pub(crate) promise: u8,
    pub(crate) what: String,
}

fn broken<T>(promise: u8, what: impl Into<String>) -> Result<T, BrokenPromise> {
    Err(BrokenPromise { promise, what: what.into() })
}

/// Everything that was said and seen so far.
#[derive(Default)]
pub(crate) struct Checks {
    pub(crate) tally: Tally,
    /// Commits in the journal.
    committed: BTreeMap<TaskId, CommitRecord>,
    begun: BTreeSet<(TaskId, Attempt)>,
    holders: BTreeMap<LeaseId, WorkerId>,
    /// When a lease was last granted, renewed, or given a full lease duration, by the coordinator's clock.
    extended: BTreeMap<LeaseId, Timestamp>,
    /// Leases that a worker no longer held, having seen them.
    dropped: BTreeSet<LeaseId>,
    /// Workers that are seen to have died in this turn.
    dead: BTreeSet<WorkerId>,
    failed_attempts: BTreeSet<(LeaseId, TaskId, FailureKind)>,
    charges: BTreeMap<TaskId, u32>,
    finals: BTreeMap<TaskId, FinalReason>,
    /// Everything that was acknowledged: commits, grants, and what sweeps were last told to be.
    acknowledged: BTreeSet<TaskId>,
    acknowledged_grants: BTreeSet<(LeaseId, TaskId)>,
    sweeps: BTreeMap<SweepId, RequestedState>,
    /// The tasks that the sweeps in the journal list.
    listed: BTreeMap<SweepId, BTreeSet<TaskId>>,
    /// The claims that sweeps were last told to have; none where that wasn't answered yet.
    shares: BTreeMap<SweepId, Option<SchedulingOptions>>,
}

/// The last thing that a person asked of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RequestedState {
    /// Asked, and not answered: either may be.
    Open,
    Running,
    Paused,
    Cancelled,
    Forgotten,
}

impl Checks {
    /// Remembers which leases the workers of this turn say they don't hold any more.
    pub(crate) fn before_turn(&mut self, commands: &[Command]) {
        self.dead.clear();
        for command in commands {
            if let Command::Sync(sync) = command {
                let holds: BTreeSet<_> = sync.holds.iter().map(|held| &held.lease).collect();
                let lost =
                    self.holders.iter().filter(|(id, worker)| **worker == sync.worker && !holds.contains(id));
                self.dropped.extend(lost.map(|(id, _)| id.clone()).collect::<Vec<_>>());
            }
            // So does one that was seen to die.
            if let Command::Exited(worker) = command {
                self.dead.insert(worker.clone());
                let lost = self.holders.iter().filter(|(_, holder)| *holder == worker);
                self.dropped.extend(lost.map(|(id, _)| id.clone()).collect::<Vec<_>>());
            }
        }
    }

    /// Promise 2: what an answer says was on disk before.
    pub(crate) fn answered(&mut self, reply: &Result<Reply, Refusal>, now: Timestamp) {
        let Ok(Reply::Synced(synced)) = reply else { return };
        for grant in &synced.grants {
            self.extended.insert(grant.lease.clone(), now);
            self.acknowledged_grants.extend(grant.tasks.iter().map(|task| (grant.lease.clone(), task.id)));
        }
        for (lease, _) in &synced.renewed {
            self.extended.insert(lease.clone(), now);
        }
        *self.tally.entry("leases granted in answers").or_default() += synced.grants.len() as u64;
    }

    pub(crate) fn client_asks(&mut self, command: &Command) {
        if let Some(sweep) = sweep_of(command) {
            self.sweeps.insert(sweep.clone(), RequestedState::Open);
        }
        if let Command::Adjust(Adjust { sweep, .. }) = command {
            self.shares.insert(sweep.clone(), None);
        }
        // Launched again it has what every new sweep has.
        if let Command::Forget(sweep) = command {
            self.shares.remove(sweep);
        }
        // A sweep that was over can't be cancelled, and goes on when a failed task is retried, for it or for another.
        if let Command::RetryFailed(_) = command {
            self.sweeps
                .values_mut()
                .filter(|requested| **requested == RequestedState::Cancelled)
                .for_each(|requested| *requested = RequestedState::Open);
        }
    }

    pub(crate) fn client_was_answered(&mut self, command: &Command) {
        if let Some(sweep) = sweep_of(command) {
            let requested = match command {
                Command::Pause(_) => RequestedState::Paused,
                Command::Cancel(_) => RequestedState::Cancelled,
                Command::Forget(_) => RequestedState::Forgotten,
                // A launch leaves a paused sweep paused, and neither goes on with a cancelled one but the launch.
                _ => RequestedState::Running,
            };
            self.sweeps.insert(sweep.clone(), requested);
        }
        if let Command::Adjust(Adjust { sweep, adjustment }) = command {
            // It names everything.
            self.shares.insert(sweep.clone(), Some(SchedulingOptions::default().changed(*adjustment)));
        }
    }

    /// An attempt failed at a worker.
    pub(crate) fn attempt_failed(&mut self, lease: &LeaseId, task: TaskId, kind: FailureKind) {
        self.failed_attempts.insert((lease.clone(), task, kind));
    }

    /// A new coordinator has replayed its journal: nothing acknowledged is gone.
    pub(crate) fn coordinator_restarted(
        &mut self,
        ledger: &Ledger,
        store: &Store,
    ) -> Result<(), BrokenPromise> {
        for (id, requested) in &self.sweeps {
            let state = ledger.sweep(id).map(|sweep| sweep.state);
            // One that was done when it was paused or cancelled stays so, until what it committed is withdrawn.
            let mut tasks = ledger.sweep_tasks(id).into_iter().flatten();
            if state == Some(SweepState::Running) && tasks.any(|(task, _)| store.was_withdrawn(&task.id)) {
                continue;
            }
            let fits = match requested {
                RequestedState::Open => true,
                RequestedState::Running => state.is_some(),
                RequestedState::Paused => {
                    matches!(state, Some(SweepState::Paused | SweepState::Done | SweepState::Cancelled))
                }
                RequestedState::Cancelled => matches!(state, Some(SweepState::Cancelled | SweepState::Done)),
                RequestedState::Forgotten => state.is_none(),
            };
            if !fits {
                return broken(
                    2,
                    format!("sweep {id} was told {requested:?} and is {state:?} after a restart"),
                );
            }
        }
        for (id, told) in self.shares.iter().filter_map(|(id, told)| Some((id, told.as_ref()?))) {
            let share = ledger.sweep(id).map(|sweep| sweep.share);
            if share != Some(*told) {
                return broken(2, format!("sweep {id} was told {told:?} and has {share:?} after a restart"));
            }
        }
        for task in &self.acknowledged {
            if !ledger.task(task).is_some_and(|task| task.phase.is_committed()) {
                return broken(2, format!("the acknowledged commit of {task} is gone"));
            }
        }
        for (lease, task) in &self.acknowledged_grants {
            let view = ledger.task(task);
            let known = view.is_some_and(|view| {
                view.begun > 15 || view.attempts.iter().any(|attempt| attempt.lease == *lease)
            });
            if !known {
                return broken(2, format!("lease {lease} was granted and is unknown after a restart"));
            }
        }
        for (task, commit) in &self.committed {
            let view = ledger.task(task);
            if view.and_then(|view| view.commit.cloned()).as_ref() != Some(commit) {
                return broken(1, format!("the commit of {task} was lost in a restart"));
            }
            if store.read(task) != Some(commit) && !store.has_withdrawn(task, &commit.lease) {
                return broken(1, format!("the store's commit of {task} is another"));
            }
        }
        Ok(())
    }

    /// Promise 3: live leases last a full lease duration from a restart on.
    pub(crate) fn leases_get_a_full_term(&mut self, ledger: &Ledger, now: Timestamp) {
        let leases = ledger.workers().flat_map(|worker| ledger.leases_of(worker.id));
        for lease in leases.filter(|lease| !lease.is_expiring) {
            self.extended.insert(lease.id.clone(), now);
        }
    }

    fn granted(&mut self, at: Timestamp, granted: &Granted) -> Result<(), BrokenPromise> {
        self.holders.insert(granted.lease.clone(), granted.worker.clone());
        // A call of the worker's that was late came before the news of its death.
        if self.dead.contains(&granted.worker) {
            self.dropped.insert(granted.lease.clone());
        }
        self.extended.insert(granted.lease.clone(), at);
        for (task, attempt) in &granted.tasks {
            if !self.begun.insert((*task, *attempt)) {
                return broken(1, format!("attempt {attempt} at {task} was begun twice"));
            }
            if self.committed.contains_key(task) {
                return broken(1, format!("{task} was granted though it is committed"));
            }
            if let Some(reason) = self.finals.get(task) {
                return broken(7, format!("{task} was granted after it had failed: {reason:?}"));
            }
        }
        Ok(())
    }

    fn committed(&mut self, commit: &CommitRecord, store: &Store, plan: &Plan) -> Result<(), BrokenPromise> {
        let task = commit.task;
        if self.committed.insert(task, commit.clone()).is_some() {
            return broken(1, format!("{task} was committed twice"));
        }
        if store.read(&task) != Some(commit) && !store.has_withdrawn(&task, &commit.lease) {
            return broken(1, format!("the commit of {task} isn't the store's"));
        }
        if !plan.fates[&task].commits() {
            return broken(7, format!("{task} can't have been committed"));
        }
        // The journal's events are never lost, whether or not anybody was told.
        self.acknowledged.insert(task);
        self.finals.remove(&task);
        Ok(())
    }

    fn launched(&mut self, launched: &Launched) {
        let tasks = launched.entries.iter().map(|entry| entry.id).collect();
        self.listed.insert(launched.sweep.clone(), tasks);
    }

    /// What only this sweep listed is as if it had never been; what was committed stays in the store.
    fn sweep_forgotten(&mut self, sweep: &SweepId) {
        let mut gone = self.listed.remove(sweep).unwrap_or_default();
        gone.retain(|task| !self.listed.values().any(|others| others.contains(task)));
        self.committed.retain(|task, _| !gone.contains(task));
        self.begun.retain(|(task, _)| !gone.contains(task));
        self.charges.retain(|task, _| !gone.contains(task));
        self.finals.retain(|task, _| !gone.contains(task));
        self.acknowledged.retain(|task| !gone.contains(task));
        self.acknowledged_grants.retain(|(_, task)| !gone.contains(task));
    }

    fn withdrawn(&mut self, withdrawal: &Withdrawal, store: &Store) -> Result<(), BrokenPromise> {
        let Withdrawal { task, lease, .. } = withdrawal;
        if !store.has_withdrawn(task, lease) {
            return broken(1, format!("the commit of {task} was withdrawn though nothing is damaged"));
        }
        if self.committed.get(task).is_some_and(|commit| commit.lease == *lease) {
            self.committed.remove(task);
            self.acknowledged.remove(task);
            self.charges.remove(task);
        }
        Ok(())
    }

    fn failed(
        &mut self,
        lease: &LeaseId,
        task: TaskId,
        kind: FailureKind,
        verdict: RetryDecision,
    ) -> Result<(), BrokenPromise> {
        if kind != FailureKind::WorkerLost && !self.failed_attempts.contains(&(lease.clone(), task, kind)) {
            return broken(7, format!("{task} was charged for {kind}, which didn't happen"));
        }
        let charges = self.charges.entry(task).or_default();
        *charges += 1;
        if *charges > policy().max_attempts {
            return broken(7, format!("{task} was charged {charges} times"));
        }
        match verdict {
            RetryDecision::Retry { .. } if kind == FailureKind::InvalidParameters => {
                broken(7, format!("{task} is tried again with parameters that can't be trained"))
            }
            RetryDecision::Retry { .. } => Ok(()),
            RetryDecision::Final(reason) => {
                self.finals.insert(task, reason);
                Ok(())
            }
        }
    }

    /// Everything works, and every sweep is over.
    pub(crate) fn at_the_end(ledger: &Ledger, plan: &Plan, store: &Store) -> Result<(), BrokenPromise> {
        let tasks = plan.launches.iter().flat_map(|launch| &launch.tasks);
        for task in tasks {
            let Some(view) = ledger.task(&task.id) else {
                return broken(2, format!("task {} was launched and is unknown", task.id));
            };
            let has_inputs = task.spec.inputs.values().all(|input| ends_well(plan, input));
            let expected = match plan.fates[&task.id] {
                _ if !has_inputs => Phase::UpstreamFailed,
                Fate::Completes | Fate::Flaky => Phase::Completed,
                Fate::Diverges => Phase::Diverged,
                Fate::Invalid | Fate::Poison => Phase::Failed,
            };
            if view.phase != expected {
                return broken(7, format!("task {} ended {:?} instead of {expected:?}", task.id, view.phase));
            }
            if view.commit != store.read(&task.id) {
                return broken(1, format!("ledger and store differ about the commit of {}", task.id));
            }
        }
        Ok(())
    }
}

/// Whether a task and everything it needs can be committed.
fn ends_well(plan: &Plan, id: &TaskId) -> bool {
    let mut tasks = plan.launches.iter().flat_map(|launch| &launch.tasks);
    let task = tasks.find(|task| task.id == *id).expect("inputs are launched");
    plan.fates[id].commits() && task.spec.inputs.values().all(|input| ends_well(plan, input))
}

fn sweep_of(command: &Command) -> Option<&SweepId> {
    match command {
        Command::Launch(launch) => Some(&launch.sweep),
        Command::Pause(sweep) | Command::Resume(sweep) | Command::Cancel(sweep) | Command::Forget(sweep) => {
            Some(sweep)
        }
        _ => None,
    }
}

impl World {
    /// Checks an event that the journal has kept.
    pub(crate) fn check_event(&mut self, event: &Event) -> Result<(), BrokenPromise> {
        match &event.change {
            Change::Granted(granted) => {
                // Promise 6: whoever had the task before has stopped.
                for (task, _) in &granted.tasks {
                    let other = self.workers.iter().position(|worker| worker.runs(None, Some(*task)));
                    // A late attempt at a task that another had committed goes on until it hears of that. Where that commit
                    // was withdrawn meanwhile, its own is one of two that race for the note's place.
                    if let Some(other) = other.filter(|_| !self.store.was_withdrawn(task)) {
                        return broken(6, format!("{task} was granted while worker {other} ran it"));
                    }
                }
                self.checks.granted(event.at, granted)
            }
            Change::Expired { lease } => self.check_expiry(event.at, lease),
            Change::CommitDecided(choice) => {
                broken(1, format!("{} was chosen though its store honours conditions", choice.commit.task))
            }
            Change::Committed(commit) => self.checks.committed(commit, &self.store, &self.plan),
            Change::Withdrawn(withdrawal) => {
                self.count("commits withdrawn");
                self.checks.withdrawn(withdrawal, &self.store)
            }
            Change::Failed { lease, task, failure, verdict } => {
                self.checks.failed(lease, *task, failure.kind, *verdict)?;
                self.count(match (failure.kind, verdict) {
                    (FailureKind::WorkerLost, _) => "workers lost",
                    (_, RetryDecision::Final(_)) => "tasks failed for good",
                    (_, RetryDecision::Retry { .. }) => "tasks tried again",
                });
                Ok(())
            }
            Change::Released { lease, task, .. } => {
                if self.workers.iter().any(|worker| worker.runs(Some(lease), Some(*task))) {
                    return broken(6, format!("{task} went back to the queue while its worker ran it"));
                }
                Ok(())
            }
            Change::Retried { tasks, .. } => {
                for task in tasks {
                    self.checks.charges.remove(task);
                    self.checks.finals.remove(task);
                }
                Ok(())
            }
            Change::Avoided { .. } => {
                self.count("workers avoided");
                Ok(())
            }
            Change::Launched(launched) => {
                self.checks.launched(launched);
                Ok(())
            }
            Change::SweepForgotten(sweep) => {
                self.count("sweeps forgotten");
                self.checks.sweep_forgotten(sweep);
                Ok(())
            }
            Change::NeedsChanged { .. }
            | Change::Adjusted { .. }
            | Change::OwnerChanged { .. }
            | Change::Paused(_)
            | Change::Resumed(_)
            | Change::Cancelled(_)
            | Change::Announced(_)
            | Change::Extended(_)
            | Change::Opened(_)
            | Change::HeartbeatReceived(_)
            | Change::Exited(_)
            | Change::Drained(_)
            | Change::Forgotten(_)
            | Change::Restarted { .. }
            | Change::Rebuilt { .. } => Ok(()),
        }
    }

    /// Promises 3 and 6: a lease ends after a full lease duration without renewal, or because its worker no longer holds it; and in
    /// either case its worker has stopped.
    fn check_expiry(&mut self, at: Timestamp, lease: &LeaseId) -> Result<(), BrokenPromise> {
        self.count("leases expired");
        if self.workers.iter().any(|worker| worker.runs(Some(lease), None)) {
            return broken(6, format!("lease {lease} ended while its worker ran it"));
        }
        let extended = self.checks.extended.get(lease).copied().unwrap_or_default();
        if at.0 < extended.0 + LEASE_DURATION && !self.checks.dropped.contains(lease) {
            return broken(3, format!("lease {lease} ended {} ms after it was extended", at.0 - extended.0));
        }
        Ok(())
    }
}
