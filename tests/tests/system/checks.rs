//! What must hold whatever happens: read off the events that are on disk, what executors do, and what is in the store.

use std::collections::{BTreeMap, BTreeSet};

use basin_core::Event;
use basin_core::event::{Change, Granted, RetryDecision};
use basin_domain::failure::FailureKind;
use basin_domain::id::{LeaseId, TaskId, WorkerId};
use basin_domain::task::TaskSpec;
use basin_domain::time::Timestamp;

use crate::executor::{Process, first_state, next_state, result_of, timetable};
use crate::host::Host;
use crate::plan::{LEASE, Millis};
use crate::world::World;

pub(crate) const FENCED: &str = "a worker that loses its lease stops before the lease is granted again";
pub(crate) const CHARGED: &str = "attempts are charged by cause";
pub(crate) const STARVES: &str = "a live worker with work for it never starves";
pub(crate) const ENDS: &str = "a sweep ends by itself once faults are over";
pub(crate) const ACKNOWLEDGED: &str = "nothing acknowledged is lost";
pub(crate) const SAME_BYTES: &str = "the bytes of results are those of an undisturbed run";

/// How long after a fault's end its traces may last: silence is noticed, stores are asked again, a lease runs out.
const AFTERMATH: Millis = 25_000;
/// For so long a task that is ready may wait for a worker that is free: after a failure it is kept for others for 30 s.
const PATIENCE: Millis = 40_000;

/// How often what happened.
pub(crate) type Tally = BTreeMap<String, u64>;

/// What is known of all tasks, workers and executors.
#[derive(Default)]
pub(crate) struct Checks {
    pub(crate) tally: Tally,
    pub(crate) processes: Vec<Process>,
    pub(crate) tasks: BTreeMap<TaskId, TaskRecord>,
    leases: BTreeMap<LeaseId, (WorkerId, BTreeSet<TaskId>)>,
    /// Failures that executors brought about and nobody was charged for yet.
    failures: Vec<(TaskId, FailureKind)>,
    /// Workers whose processes have died.
    pub(crate) dead: BTreeSet<WorkerId>,
    /// Leases that ended without a word though nothing was wrong.
    inexplicable: BTreeSet<LeaseId>,
    /// Until when something may be wrong with a host's ways.
    pub(crate) troubled: BTreeMap<Host, Millis>,
    /// Until when anything may be wrong.
    pub(crate) disturbed: Millis,
    last_step: Millis,
}

/// A task, as the journal has it.
pub(crate) struct TaskRecord {
    pub(crate) spec: Option<TaskSpec>,
    state: TaskState,
    /// Since when it could be granted, as far as was seen.
    ready_since: Option<Millis>,
}

#[derive(PartialEq, Eq)]
enum TaskState {
    /// Not before this moment.
    Queued(Millis),
    Leased,
    Committed,
    FailedForGood,
}

impl Checks {
    pub(crate) fn count(&mut self, what: impl Into<String>) {
        *self.tally.entry(what.into()).or_default() += 1;
    }

    pub(crate) fn note_step(&mut self, now: Millis) {
        self.last_step = now;
    }

    /// An executor's end may be charged to this task.
    pub(crate) fn executor_failed(&mut self, task: TaskId, kind: FailureKind) {
        self.count(format!("executors' ends: {}", kind.as_str()));
        self.failures.push((task, kind));
    }

    fn is_troubled(&self, host: Host, now: Millis) -> bool {
        self.troubled.get(&host).is_some_and(|until| now <= *until)
    }

    /// Events that are on disk.
    pub(crate) fn see(&mut self, world: &World, events: &[Event]) {
        for Event { at, change } in events {
            self.see_change(world, *at, change);
        }
    }

    fn see_change(&mut self, world: &World, at: Timestamp, change: &Change) {
        let now = world.now();
        match change {
            Change::Launched(launched) => {
                for entry in &launched.entries {
                    let spec = entry.new.map(|new| {
                        let shape = &launched.shapes[new.shape as usize];
                        TaskSpec { seed: new.seed, ..shape.spec.clone() }
                    });
                    let record = TaskRecord { spec, state: TaskState::Queued(now), ready_since: None };
                    self.tasks.entry(entry.id).or_insert(record);
                }
            }
            Change::Granted(granted) => self.see_grant(world, granted),
            Change::Committed(commit) => {
                self.count("commits");
                self.set(commit.task, TaskState::Committed);
                self.unlease(&commit.lease, commit.task);
            }
            Change::Released { lease, task, reason } => {
                world.tell(format!("{} is given back: {}", short(task), reason.as_str()));
                self.count("tasks given back");
                self.set(*task, TaskState::Queued(now));
                self.unlease(lease, *task);
            }
            Change::Failed { lease, task, failure, verdict } => {
                world.tell(format!(
                    "{} is charged: {}: {}",
                    short(task),
                    failure.kind.as_str(),
                    failure.message
                ));
                self.check_charge(world, lease, *task, failure.kind);
                self.set(
                    *task,
                    match verdict {
                        RetryDecision::Retry { not_before } => {
                            TaskState::Queued(now + not_before.0.saturating_sub(at.0))
                        }
                        RetryDecision::Final(_) => TaskState::FailedForGood,
                    },
                );
                self.unlease(lease, *task);
            }
            Change::Expired { lease } => {
                self.count("leases ended without a word");
                world.tell(format!("lease {lease} ends without a word"));
                if !self.is_explained(world, lease) {
                    self.inexplicable.insert(lease.clone());
                }
            }
            Change::Restarted { .. } => self.count("sessions of leaders"),
            _ => {}
        }
    }

    fn see_grant(&mut self, world: &World, granted: &Granted) {
        let Granted { lease, worker, tasks, .. } = granted;
        self.count("leases");
        for (task, _) in tasks {
            for process in self.processes.iter().filter(|process| process.tasks().contains(task)) {
                if worker_of(worker) != Some(process.worker()) {
                    let what = format!(
                        "{} is granted to {worker} while {} trains it",
                        short(task),
                        process.worker()
                    );
                    world.breaks(FENCED, what);
                }
            }
            self.set(*task, TaskState::Leased);
        }
        let names: Vec<String> = tasks.iter().map(|(task, _)| short(task)).collect();
        world.tell(format!("{worker} is granted {} as {lease}", names.join(" ")));
        let tasks = tasks.iter().map(|(task, _)| *task).collect();
        self.leases.insert(lease.clone(), (worker.clone(), tasks));
    }

    fn set(&mut self, task: TaskId, state: TaskState) {
        if let Some(record) = self.tasks.get_mut(&task)
            && record.state != TaskState::Committed
        {
            record.state = state;
            record.ready_since = None;
        }
    }

    fn unlease(&mut self, lease: &LeaseId, task: TaskId) {
        if let Some((_, tasks)) = self.leases.get_mut(lease) {
            tasks.remove(&task);
            if tasks.is_empty() {
                self.leases.remove(lease);
            }
        }
    }

    /// Whether a lease may end without a word: its worker has died, or ways of its worker or of coordinators were bad.
    fn is_explained(&self, world: &World, lease: &LeaseId) -> bool {
        let Some((worker, _)) = self.leases.get(lease) else { return true };
        let now = world.now();
        let coordinators = (0..world.plan.cluster.coordinators).map(Host::Coordinator);
        let mut hosts = coordinators.chain([Host::Database]).chain(worker_of(worker));
        self.dead.contains(worker) || hosts.any(|host| self.is_troubled(host, now))
    }

    fn check_charge(&mut self, world: &World, lease: &LeaseId, task: TaskId, kind: FailureKind) {
        self.count(format!("charges: {}", kind.as_str()));
        if kind == FailureKind::WorkerLost {
            if self.inexplicable.contains(lease) {
                world.breaks(
                    CHARGED,
                    format!("{} is charged for the loss of a worker that was there", short(&task)),
                );
            }
            return;
        }
        match self.failures.iter().position(|failure| *failure == (task, kind)) {
            Some(place) => drop(self.failures.remove(place)),
            None => {
                world
                    .breaks(CHARGED, format!("{} is charged as {} for nothing", short(&task), kind.as_str()));
            }
        }
    }

    /// Whether all tasks are settled.
    pub(crate) fn are_settled(&self) -> bool {
        let is_settled =
            |task: &TaskRecord| matches!(task.state, TaskState::Committed | TaskState::FailedForGood);
        !self.tasks.is_empty() && self.tasks.values().all(is_settled)
    }

    /// Looks whether a task that is ready waits though a worker is free and nothing is wrong.
    pub(crate) fn check_starvation(&mut self, world: &World, workers: &[(WorkerId, Host)]) {
        let now = world.now();
        let is_calm = now > self.disturbed + AFTERMATH;
        let committed: BTreeSet<TaskId> = self
            .tasks
            .iter()
            .filter(|(_, record)| record.state == TaskState::Committed)
            .map(|(task, _)| *task)
            .collect();
        let slots = world.plan.cluster.slots as usize;
        let free = workers
            .iter()
            .find(|(worker, _)| self.leases.values().filter(|(holder, _)| holder == worker).count() < slots);
        let Some((free, _)) = free.filter(|_| is_calm) else {
            self.tasks.values_mut().for_each(|record| record.ready_since = None);
            return;
        };
        for (task, record) in &mut self.tasks {
            let has_inputs = record
                .spec
                .as_ref()
                .is_none_or(|spec| spec.inputs.values().all(|input| committed.contains(input)));
            let is_ready = matches!(record.state, TaskState::Queued(from) if from <= now) && has_inputs;
            record.ready_since = if is_ready { record.ready_since.or(Some(now)) } else { None };
            if record.ready_since.is_some_and(|since| now - since > PATIENCE) {
                let waits = (now - record.ready_since.unwrap_or(now)) / 1_000;
                world.breaks(
                    STARVES,
                    format!("{} has waited for {waits} s while {free} was free", short(task)),
                );
                return;
            }
        }
    }

    /// The result that a task must have.
    pub(crate) fn expected_result(&self, task: &TaskId) -> Vec<u8> {
        let spec = self.tasks.get(task).and_then(|record| record.spec.as_ref());
        let inputs = spec
            .map(|spec| spec.inputs.values().map(|input| self.expected_result(input)).collect::<Vec<_>>());
        let (steps, _) = timetable(task);
        let first = first_state(task, &inputs.unwrap_or_default());
        result_of(task, (1..=steps).fold(first, next_state))
    }

    /// Something is wrong with these hosts' ways until then, and shows for some time longer.
    pub(crate) fn trouble(&mut self, hosts: &[Host], until: Millis) {
        for host in hosts {
            let troubled = self.troubled.entry(*host).or_default();
            *troubled = (*troubled).max(until + LEASE + AFTERMATH);
        }
    }
}

/// The host of a worker's id, which is `worker-HOST-LIFE`.
fn worker_of(worker: &WorkerId) -> Option<Host> {
    let text = worker.to_string();
    text.split('-').nth(1)?.parse().ok().map(Host::Worker)
}

/// The beginning of a task's id, by which a story names it.
pub(crate) fn short(task: &TaskId) -> String {
    task.to_string().chars().take(8).collect()
}
