//! A ledger with a clock, asked step by step. Every event is audited as it is applied.

use std::collections::BTreeMap;
use std::time::Duration;

use basin_core::command::{
    Cancel, CommitRecord, Complete, ExpiredLease, Fail, Grant, HeldLease, Launch, LaunchCounts, LaunchTask,
    LeasedTask, Pause, Policy, Progress, Refusal, Resume, RetryFailed, Settled, Sync, Synced, Tick,
    WorkerDescription,
};
use basin_core::event::{Change, Event};
use basin_core::view::{Phase, SweepState};
use basin_core::{Ledger, Request, decide};
use basin_domain::digest::Digest;
use basin_domain::experiment::{Experiment, FitFunction, Function, TrainingSettings, TrainingTime};
use basin_domain::failure::{Failure, FailureKind};
use basin_domain::id::{Attempt, LeaseId, SweepId, TaskId, WorkerId};
use basin_domain::metrics::Outcome;
use basin_domain::optimizer::Optimizer;
use basin_domain::scheduling::SchedulingChange;
use basin_domain::task::TaskSpec;
use basin_domain::time::Timestamp;

pub(crate) const START: Timestamp = Timestamp(1_000_000);

pub(crate) struct Story {
    pub(crate) ledger: Ledger,
    pub(crate) now: Timestamp,
    pub(crate) events: Vec<Event>,
    seen: BTreeMap<WorkerId, u64>,
    leases: u32,
}

/// A spec; specs of one `width` have one shape.
pub(crate) fn spec(width: u32, seed: u64) -> TaskSpec {
    let experiment = Experiment::FitFunction(FitFunction {
        function: Function::Sin,
        hidden: vec![width],
        model: None,
        interval: (-3.0, 3.0),
        points: 16,
        layout: Default::default(),
        seeds: Default::default(),
        batch_size: None,
        budget: TrainingTime::Epochs(1),
        loss: Default::default(),
        training: TrainingSettings::of(Optimizer::adam(1e-3)),
    });
    TaskSpec { version: experiment.version(), experiment, seed, data: None, inputs: BTreeMap::new() }
}

/// A spec that reads the results of others.
pub(crate) fn spec_after(width: u32, inputs: &[TaskId]) -> TaskSpec {
    let inputs = inputs.iter().enumerate().map(|(number, id)| (format!("input-{number}"), *id)).collect();
    TaskSpec { inputs, ..spec(width, 0) }
}

pub(crate) fn listed(experiment: &str, spec: TaskSpec) -> LaunchTask {
    LaunchTask { id: spec.id(), experiment: experiment.to_owned(), spec }
}

/// `count` tasks of one shape.
pub(crate) fn seeds(width: u32, count: u64) -> Vec<LaunchTask> {
    (0..count).map(|seed| listed("fit", spec(width, seed))).collect()
}

pub(crate) fn sweep(id: &str) -> SweepId {
    SweepId::new(id).unwrap()
}

pub(crate) fn worker(id: &str) -> WorkerId {
    WorkerId::new(id).unwrap()
}

pub(crate) fn lease(id: &str) -> LeaseId {
    LeaseId::new(id).unwrap()
}

pub(crate) fn launch(id: &str, tasks: Vec<LaunchTask>) -> Launch {
    let (committed, needs) = (Vec::new(), BTreeMap::new());
    Launch { sweep: sweep(id), user: None, adjustment: SchedulingChange::default(), tasks, committed, needs }
}

/// The commit of a task under a lease.
pub(crate) fn commit(task: TaskId, lease: &LeaseId, attempt: u32) -> CommitRecord {
    CommitRecord {
        task,
        lease: lease.clone(),
        attempt: Attempt(attempt),
        manifest: Digest::of(format!("{task} {lease}").as_bytes()),
        outcome: Outcome::Completed,
        digest: None,
    }
}

/// The news of a worker.
#[derive(Clone)]
pub(crate) struct Says(pub(crate) Sync);

impl Says {
    pub(crate) fn holding(mut self, leases: &[&LeaseId]) -> Self {
        self.0.holds =
            leases.iter().map(|lease| HeldLease { lease: (*lease).clone(), progress: vec![] }).collect();
        self
    }

    pub(crate) fn progress(mut self, task: TaskId, progress: Progress) -> Self {
        self.0.holds[0].progress.push((task, progress));
        self
    }

    pub(crate) fn packs(mut self, longest: u32) -> Self {
        self.0.max_pack = longest;
        self
    }

    pub(crate) fn draining(mut self) -> Self {
        self.0.draining = true;
        self
    }

    pub(crate) fn seen(mut self, seen: u64) -> Self {
        self.0.seen = seen;
        self
    }
}

impl Story {
    pub(crate) fn new() -> Self {
        Self::with(Policy::default())
    }

    pub(crate) fn with(policy: Policy) -> Self {
        Self { ledger: Ledger::new(policy), now: START, events: vec![], seen: BTreeMap::new(), leases: 0 }
    }

    /// Time passes.
    pub(crate) fn pass(&mut self, duration: Duration) {
        self.now = self.now + duration;
    }

    /// Asks, applies what happens, and says what that was.
    pub(crate) fn ask<R: Request>(&mut self, request: R) -> Result<(Vec<Change>, R::Reply), Refusal> {
        let (events, reply) = decide(&self.ledger, self.now, request)?;
        for event in &events {
            assert_eq!(event.at, self.now);
            self.ledger.apply(event);
            self.ledger.audit().unwrap_or_else(|violations| panic!("after {event:?}: {violations:?}"));
        }
        self.events.extend(events.iter().cloned());
        Ok((events.into_iter().map(|event| event.change).collect(), reply))
    }

    /// Asks what isn't refused; what happened.
    pub(crate) fn tell<R: Request<Reply: std::fmt::Debug>>(&mut self, request: R) -> Vec<Change> {
        self.ask(request).unwrap().0
    }

    pub(crate) fn launch(&mut self, id: &str, tasks: Vec<LaunchTask>) -> LaunchCounts {
        self.ask(launch(id, tasks)).unwrap().1
    }

    /// A worker with this many free slots that has heard every answer so far.
    pub(crate) fn says(&mut self, id: &str, free_slots: u32) -> Says {
        let fresh = (0..free_slots)
            .map(|_| {
                self.leases += 1;
                lease(&format!("lease-{}", self.leases))
            })
            .collect();
        Says(Sync {
            worker: worker(id),
            description: WorkerDescription { host: id.to_owned(), ..WorkerDescription::default() },
            holds: vec![],
            free_slots,
            max_pack: 1,
            draining: false,
            waiting: None,
            seen: self.seen.get(&worker(id)).copied().unwrap_or(0),
            fresh,
        })
    }

    /// The worker gets the answer.
    pub(crate) fn sync(&mut self, says: Says) -> Synced {
        let worker = says.0.worker.clone();
        let synced = self.sync_in_vain(says);
        self.seen.insert(worker, synced.answer);
        synced
    }

    /// The answer is lost on its way.
    pub(crate) fn sync_in_vain(&mut self, Says(sync): Says) -> Synced {
        self.ask(sync).unwrap().1
    }

    /// A worker with one free slot gets its one lease.
    pub(crate) fn grant(&mut self, id: &str) -> Grant {
        let says = self.says(id, 1);
        let mut synced = self.sync(says);
        assert_eq!(synced.grants.len(), 1, "{synced:?}");
        synced.grants.remove(0)
    }

    pub(crate) fn fail(&mut self, grant: &Grant, kind: FailureKind) -> Vec<Change> {
        let (lease, task) = (grant.lease.clone(), grant.tasks[0].id);
        self.tell(Fail { lease, task, failure: Failure::new(kind, kind.as_str()) })
    }

    pub(crate) fn complete(&mut self, grant: &Grant) -> Settled {
        let LeasedTask { id, attempt, .. } = &grant.tasks[0];
        self.ask(Complete(commit(*id, &grant.lease, attempt.0))).unwrap().1
    }

    pub(crate) fn tick(&mut self) -> Vec<ExpiredLease> {
        self.ask(Tick).unwrap().1
    }

    pub(crate) fn phase(&self, task: TaskId) -> Phase {
        self.ledger.task(&task).unwrap().phase
    }

    pub(crate) fn state(&self, id: &str) -> SweepState {
        self.ledger.sweep(&sweep(id)).unwrap().state
    }
}

/// A request that changes a sweep's course, whichever it is.
pub(crate) type Steer = fn(&mut Story, SweepId) -> Result<Vec<Change>, Refusal>;

pub(crate) const PAUSE: Steer = |story, sweep| Ok(story.ask(Pause(sweep))?.0);
pub(crate) const RESUME: Steer = |story, sweep| Ok(story.ask(Resume(sweep))?.0);
pub(crate) const CANCEL: Steer = |story, sweep| Ok(story.ask(Cancel(sweep))?.0);
pub(crate) const RETRY_FAILED: Steer = |story, sweep| Ok(story.ask(RetryFailed(sweep))?.0);

/// The tasks of a grant.
pub(crate) fn tasks(grant: &Grant) -> Vec<TaskId> {
    grant.tasks.iter().map(|task| task.id).collect()
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
