//! Workers: they sync, train, commit, give back, stop by their own clocks, and die.

use std::collections::BTreeMap;

use basin_core::command::{CommitRecord, Grant, HeldLease, StopReason, Sync, Synced, WorkerDescription};
use basin_domain::digest::Digest;
use basin_domain::failure::{Failure, FailureKind, ReleaseReason};
use basin_domain::id::{Attempt, LeaseId, TaskId, WorkerId};
use basin_domain::metrics::Outcome;

use crate::chance::Chance;
use crate::checks::Broken;
use crate::command::Reply;
use crate::coordinator::LEASE_DURATION;
use crate::plan::Fate;
use crate::world::{Ask, Caller, Flaw, Happening, Millis, Said, World};

/// The pause between two rounds.
const ROUND: Millis = 3_000;
/// A worker stops this long before its lease ends, by its own clock.
const MARGIN: Millis = LEASE_DURATION / 6;
/// How often a commit is put before the attempt fails.
const TRIES: u32 = 5;

pub(crate) struct Worker {
    pub(crate) life: u32,
    is_alive: bool,
    slots: usize,
    longest_pack: u32,
    /// How fast its clock runs.
    rate: f64,
    /// No message gets through before this.
    pub(crate) cut_until: Millis,
    seen: u64,
    is_leaving: bool,
    leases: Vec<Lease>,
    calls: BTreeMap<u64, Call>,
    /// Something went wrong on the way to or from the coordinator since it was last in touch.
    had_trouble: bool,
}

struct Lease {
    id: LeaseId,
    /// By the worker's clock.
    deadline: Millis,
    /// The tasks that aren't settled.
    lanes: Vec<Lane>,
}

struct Lane {
    task: TaskId,
    attempt: Attempt,
    /// It trains or commits; otherwise only the coordinator's word is awaited.
    is_running: bool,
}

enum Call {
    /// When it was sent, by the worker's clock.
    Sync(Millis),
    /// The end of a lane.
    Settle(LeaseId, TaskId, Box<Ask>),
}

impl Worker {
    pub(crate) fn draw(chance: &mut Chance) -> Self {
        Self {
            life: 0,
            is_alive: false,
            slots: chance.between(1, 4) as usize,
            longest_pack: chance.between(1, 4) as u32,
            rate: 0.99 + 0.02 * chance.uniform(),
            cut_until: 0,
            seen: 0,
            is_leaving: false,
            leases: vec![],
            calls: BTreeMap::new(),
            had_trouble: false,
        }
    }

    pub(crate) fn id(&self, number: usize) -> WorkerId {
        WorkerId::new(format!("worker-{number}-{}", self.life)).expect("that is an id")
    }

    fn clock(&self, now: Millis) -> Millis {
        (now as f64 * self.rate) as Millis
    }

    fn lives(&self, life: u32) -> bool {
        self.is_alive && self.life == life
    }

    fn lease(&mut self, id: &LeaseId) -> Option<&mut Lease> {
        self.leases.iter_mut().find(|lease| lease.id == *id)
    }

    fn lane(&mut self, lease: &LeaseId, task: TaskId) -> Option<&mut Lane> {
        self.lease(lease)?.lanes.iter_mut().find(|lane| lane.task == task)
    }

    /// Whether it works on this task, under this lease if one is given.
    pub(crate) fn runs(&self, lease: Option<&LeaseId>, task: Option<TaskId>) -> bool {
        let leases = self.leases.iter().filter(|held| lease.is_none_or(|lease| held.id == *lease));
        let mut lanes = leases.flat_map(|lease| &lease.lanes);
        self.is_alive && lanes.any(|lane| lane.is_running && task.is_none_or(|task| lane.task == task))
    }
}

impl World {
    pub(crate) fn worker_starts(&mut self, number: usize) {
        let worker = &mut self.workers[number];
        worker.life += 1;
        worker.is_alive = true;
        worker.is_leaving = false;
        worker.had_trouble = false;
        worker.seen = 0;
        let life = worker.life;
        self.after(1, Happening::Round { worker: number, life });
    }

    pub(crate) fn worker_dies(&mut self, number: usize) {
        let worker = &mut self.workers[number];
        if !worker.is_alive {
            return;
        }
        worker.is_alive = false;
        worker.leases.clear();
        worker.calls.clear();
        self.count("worker deaths");
        // A witness beside it tells of its death, unless the whole machine is gone.
        if self.chance.happens(0.5) {
            let delay = self.chance.between(10, 5_000);
            let worker = self.workers[number].id(number);
            self.after(delay, Happening::WitnessTells(worker));
        }
        let pause = self.chance.between(100, 60_000);
        self.after(pause, Happening::WorkerStarts(number));
    }

    /// SIGTERM: everything is given back, then it ends.
    pub(crate) fn worker_leaves(&mut self, number: usize) {
        if !self.workers[number].is_alive || std::mem::replace(&mut self.workers[number].is_leaving, true) {
            return;
        }
        self.count("workers left");
        let leases: Vec<LeaseId> = self.workers[number].leases.iter().map(|lease| lease.id.clone()).collect();
        for lease in leases {
            self.give_back(number, &lease, ReleaseReason::Preemption);
        }
    }

    /// Stops the lanes of a lease and says so, until it is heard.
    fn give_back(&mut self, number: usize, lease: &LeaseId, reason: ReleaseReason) {
        let Some(held) = self.workers[number].lease(lease) else { return };
        let running = held.lanes.iter_mut().filter(|lane| lane.is_running);
        let stopped = running.map(|lane| {
            lane.is_running = false;
            lane.task
        });
        for task in stopped.collect::<Vec<_>>() {
            self.count("tasks given back");
            self.settle(number, lease, task, Ask::Release { lease: lease.clone(), task, reason });
        }
    }

    /// One round: what it is and holds.
    pub(crate) fn worker_syncs(&mut self, number: usize, life: u32) {
        let now = self.now;
        let worker = &mut self.workers[number];
        if !worker.lives(life) {
            return;
        }
        if worker.is_leaving && worker.leases.is_empty() {
            return self.worker_ends(number);
        }
        if worker.calls.values().any(|call| matches!(call, Call::Sync(_))) {
            return;
        }
        let free = worker.slots.saturating_sub(worker.leases.len());
        let sync = Sync {
            worker: worker.id(number),
            description: WorkerDescription::default(),
            holds: worker
                .leases
                .iter()
                .map(|lease| HeldLease { lease: lease.id.clone(), progress: vec![] })
                .collect(),
            free_slots: if worker.is_leaving { 0 } else { free as u32 },
            max_pack: worker.longest_pack,
            draining: worker.is_leaving,
            waiting: None,
            seen: worker.seen,
            fresh: vec![],
        };
        let sent = worker.clock(now);
        let call = self.number();
        self.workers[number].calls.insert(call, Call::Sync(sent));
        self.send(Caller::Worker(number, life), call, Ask::Sync(sync));
    }

    fn worker_ends(&mut self, number: usize) {
        self.workers[number].is_alive = false;
        self.workers[number].calls.clear();
        let pause = if self.is_healed { 100 } else { self.chance.between(100, 30_000) };
        self.after(pause, Happening::WorkerStarts(number));
    }

    /// Sends a lane's end; the lane stays until that is answered.
    fn settle(&mut self, number: usize, lease: &LeaseId, task: TaskId, ask: Ask) {
        let call = self.number();
        let caller = Caller::Worker(number, self.workers[number].life);
        self.workers[number].calls.insert(call, Call::Settle(lease.clone(), task, Box::new(ask.clone())));
        self.send(caller, call, ask);
    }

    pub(crate) fn worker_hears(&mut self, number: usize, life: u32, call: u64, said: Said) {
        let worker = &mut self.workers[number];
        if !worker.lives(life) {
            return;
        }
        // An answer to a call that was given up is nobody's.
        let Some(made) = worker.calls.remove(&call) else { return };
        match (made, said) {
            (Call::Sync(sent), Said::Answer(Ok(Reply::Synced(synced)), now)) => {
                worker.had_trouble = false;
                self.heed(number, sent, now.0, synced);
                self.after(ROUND, Happening::Round { worker: number, life });
            }
            (Call::Sync(sent), Said::ConnectionRefused) => {
                // A dead coordinator grants nothing, and its successor gives these leases a full lease duration.
                worker.had_trouble = false;
                for lease in &mut worker.leases {
                    lease.deadline = lease.deadline.max(sent + LEASE_DURATION);
                }
                self.watch_deadlines(number);
                self.after(ROUND, Happening::Round { worker: number, life });
            }
            (Call::Sync(_), _) => self.after(ROUND, Happening::Round { worker: number, life }),
            (Call::Settle(lease, task, _), Said::Answer(..) | Said::NoSuchCommit) => {
                self.forget_lane(number, &lease, task);
            }
            (Call::Settle(lease, task, ask), _) => self.settle_again(number, lease, task, ask),
        }
    }

    pub(crate) fn worker_waited_in_vain(&mut self, number: usize, life: u32, call: u64) {
        if !self.workers[number].lives(life) {
            return;
        }
        match self.workers[number].calls.remove(&call) {
            Some(Call::Sync(_)) => {
                self.workers[number].had_trouble = true;
                self.after(1, Happening::Round { worker: number, life });
            }
            Some(Call::Settle(lease, task, ask)) => self.settle(number, &lease, task, *ask),
            None => {}
        }
    }

    /// The call has ended without an answer: it is made again when this one's patience is over.
    fn settle_again(&mut self, number: usize, lease: LeaseId, task: TaskId, ask: Box<Ask>) {
        let call = self.number();
        let caller = Caller::Worker(number, self.workers[number].life);
        self.workers[number].calls.insert(call, Call::Settle(lease, task, ask));
        self.after(500, Happening::CallEnds { to: caller, call });
    }

    fn forget_lane(&mut self, number: usize, lease: &LeaseId, task: TaskId) {
        let worker = &mut self.workers[number];
        if let Some(held) = worker.lease(lease) {
            held.lanes.retain(|lane| lane.task != task);
        }
        worker.leases.retain(|lease| !lease.lanes.is_empty());
    }

    /// Does what an answer says.
    fn heed(&mut self, number: usize, sent: Millis, coordinators_now: u64, synced: Synced) {
        let worker = &mut self.workers[number];
        worker.seen = worker.seen.max(synced.answer);
        for (lease, expires) in synced.renewed {
            if let Some(held) = worker.lease(&lease) {
                held.deadline = held.deadline.max(sent + (expires.0 - coordinators_now));
            }
        }
        for (lease, reason) in synced.stop {
            match reason {
                StopReason::Lost => self.abandon(number, &lease),
                StopReason::Cancelled => self.give_back(number, &lease, ReleaseReason::Stopped),
            }
        }
        for grant in synced.grants {
            let deadline = sent + (grant.expires.0 - coordinators_now);
            self.take(number, deadline, grant);
        }
        if synced.drain {
            self.worker_leaves(number);
        }
        self.watch_deadlines(number);
    }

    fn take(&mut self, number: usize, deadline: Millis, grant: Grant) {
        let now = self.now;
        let worker = &mut self.workers[number];
        let is_late = worker.clock(now) + MARGIN >= deadline;
        if is_late || worker.lease(&grant.lease).is_some() {
            return;
        }
        let (life, leaves) = (worker.life, worker.is_leaving || worker.leases.len() >= worker.slots);
        let lanes =
            grant.tasks.iter().map(|task| Lane { task: task.id, attempt: task.attempt, is_running: true });
        worker.leases.push(Lease { id: grant.lease.clone(), deadline, lanes: lanes.collect() });
        if grant.tasks.len() > 1 {
            self.count("packs");
        }
        if leaves {
            return self.give_back(number, &grant.lease, ReleaseReason::Drain);
        }
        for task in grant.tasks.into_iter().map(|task| task.id) {
            let duration = self.chance.between(500, 40_000);
            let lease = grant.lease.clone();
            self.after(duration, Happening::Trained { worker: number, life, lease, task });
        }
    }

    fn watch_deadlines(&mut self, number: usize) {
        let worker = &self.workers[number];
        let (rate, life) = (worker.rate, worker.life);
        if let Some(first) = worker.leases.iter().map(|lease| lease.deadline).min() {
            let at = (first.saturating_sub(MARGIN) as f64 / rate) as Millis + 1;
            self.after(at.saturating_sub(self.now), Happening::Fence { worker: number, life });
        }
    }

    /// Stops what could be granted to somebody else soon.
    pub(crate) fn worker_fences(&mut self, number: usize, life: u32) -> Result<(), Broken> {
        if !self.workers[number].lives(life) || self.flaw == Some(Flaw::WorkersDoNotFence) {
            return Ok(());
        }
        let worker = &self.workers[number];
        let clock = worker.clock(self.now);
        let over = worker.leases.iter().filter(|lease| clock + MARGIN >= lease.deadline);
        let over: Vec<LeaseId> = over.map(|lease| lease.id.clone()).collect();
        if !over.is_empty() && !worker.had_trouble {
            let what = format!("worker {number} stopped though nothing kept it from the coordinator");
            return Err(Broken { promise: 3, what });
        }
        for lease in over {
            self.count("leases fenced");
            self.abandon(number, &lease);
        }
        self.watch_deadlines(number);
        Ok(())
    }

    /// Stops at once; only what the store has is still told.
    fn abandon(&mut self, number: usize, lease: &LeaseId) {
        let worker = &mut self.workers[number];
        worker.leases.retain(|held| held.id != *lease);
        worker.calls.retain(|_, call| match call {
            Call::Settle(of, _, ask) if of == lease => matches!(**ask, Ask::Complete { .. }),
            Call::Settle(..) | Call::Sync(_) => true,
        });
    }

    /// A lane came to its end.
    pub(crate) fn task_trained(&mut self, number: usize, life: u32, lease: &LeaseId, task: TaskId) {
        if !self.still_runs(number, life, lease, task) {
            return;
        }
        let fate = self.plan.fates[&task];
        let fails = fate == Fate::Flaky && !self.is_healed && self.chance.happens(0.4);
        match fate {
            Fate::Flaky if fails => {
                let kinds = [FailureKind::Experiment, FailureKind::OutOfMemory, FailureKind::MissingData];
                let kind = self.chance.pick(&kinds);
                self.fail(number, lease, task, kind);
            }
            Fate::Completes | Fate::Diverges | Fate::Flaky => {
                let lease = lease.clone();
                self.after(50, Happening::Put { worker: number, life, lease, task, tries: 1 });
            }
            Fate::Invalid => self.fail(number, lease, task, FailureKind::InvalidParameters),
            Fate::Poison => {
                let Some(held) = self.workers[number].lease(lease) else { return };
                let running = held.lanes.iter().filter(|lane| lane.is_running);
                for task in running.map(|lane| lane.task).collect::<Vec<_>>() {
                    self.fail(number, lease, task, FailureKind::Crashed);
                }
            }
        }
    }

    fn still_runs(&mut self, number: usize, life: u32, lease: &LeaseId, task: TaskId) -> bool {
        let worker = &mut self.workers[number];
        worker.lives(life) && worker.lane(lease, task).is_some_and(|lane| lane.is_running)
    }

    fn fail(&mut self, number: usize, lease: &LeaseId, task: TaskId, kind: FailureKind) {
        if let Some(lane) = self.workers[number].lane(lease, task) {
            lane.is_running = false;
        }
        self.checks.attempt_failed(lease, task, kind);
        let failure = Failure::new(kind, "simulated");
        self.settle(number, lease, task, Ask::Fail { lease: lease.clone(), task, failure });
    }

    /// Creates the commit. Its answer may be lost, with or without the commit, or with one that lands later.
    pub(crate) fn commit_put(&mut self, number: usize, life: u32, lease: LeaseId, task: TaskId, tries: u32) {
        if !self.still_runs(number, life, &lease, task) {
            return;
        }
        let commit = self.commit(number, &lease, task);
        let is_known = if self.chance.happens(self.faults.store) {
            match self.chance.between(0, 3) {
                0 => {}
                1 => {
                    self.store.create(&commit);
                }
                _ => {
                    let late = self.chance.between(1, 60_000);
                    self.after(late, Happening::PutLands(commit.clone()));
                }
            }
            false
        } else {
            self.store.create(&commit)
        };
        if is_known {
            self.say_completed(number, &lease, commit);
        } else {
            self.after(100, Happening::ReadBack { worker: number, life, lease, task, tries });
        }
    }

    /// On anything but Ok: mine, another's, or nobody's?
    pub(crate) fn commit_read_back(
        &mut self,
        number: usize,
        life: u32,
        lease: LeaseId,
        task: TaskId,
        tries: u32,
    ) {
        if !self.still_runs(number, life, &lease, task) {
            return;
        }
        let is_readable = !self.chance.happens(self.faults.store);
        match self.store.read(&task).cloned().filter(|_| is_readable) {
            Some(found) => {
                if found.lease != lease {
                    self.count("attempts superseded");
                }
                self.say_completed(number, &lease, found);
            }
            // Its own commit was there, and counts no more: this attempt is over.
            None if self.store.has_withdrawn(&task, &lease) => {
                if let Some(lane) = self.workers[number].lane(&lease, task) {
                    lane.is_running = false;
                }
                let reason = ReleaseReason::Stopped;
                self.settle(number, &lease, task, Ask::Release { lease: lease.clone(), task, reason });
            }
            None if tries < TRIES => {
                self.after(1_000, Happening::Put { worker: number, life, lease, task, tries: tries + 1 });
            }
            None => self.fail(number, &lease, task, FailureKind::Storage),
        }
    }

    fn say_completed(&mut self, number: usize, lease: &LeaseId, commit: CommitRecord) {
        if let Some(lane) = self.workers[number].lane(lease, commit.task) {
            lane.is_running = false;
        }
        self.settle(number, lease, commit.task, Ask::Complete { lease: lease.clone(), commit });
    }

    fn commit(&mut self, number: usize, lease: &LeaseId, task: TaskId) -> CommitRecord {
        let attempt = self.workers[number].lane(lease, task).map_or(Attempt(0), |lane| lane.attempt);
        let outcome = match self.plan.fates[&task] {
            Fate::Diverges => Outcome::Diverged { iteration: 7 },
            Fate::Completes | Fate::Flaky | Fate::Invalid | Fate::Poison => Outcome::Completed,
        };
        let manifest = Digest::of(format!("{task} {lease}").as_bytes());
        CommitRecord { task, lease: lease.clone(), attempt, manifest, outcome, digest: None }
    }
}
