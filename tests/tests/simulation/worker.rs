//! Workers: the reactor of the agent, with a clock, a network, executors and a store's calls that are simulated.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use basin_core::command::{CommitRecord, HeldLease, Sync, Synced, WorkerDescription};
use basin_domain::id::{LeaseId, TaskId, WorkerId};
use basin_domain::time::Timestamp;
use basin_worker::agent::reactor::{
    self, AttemptOutcome, BootInstant, Directive, Effect, Message, Reactor, ReactorSettings, ReleasedTask,
    SyncFailure, SyncReply, SyncRequest,
};

use crate::chance::Chance;
use crate::checks::BrokenPromise;
use crate::command::Reply;
use crate::executor::{Executor, Key};
use crate::running::Running;
use crate::world::{Caller, Flaw, Millis, Request, Response, SimEvent, World};

/// The pause between two calls of `Sync`, as the coordinator asks for it.
const ROUND: Duration = Duration::from_secs(3);

pub(crate) struct Worker {
    pub(crate) life: u32,
    settings: ReactorSettings,
    /// The agent, while it lives.
    reactor: Option<Reactor>,
    /// How fast its clock runs.
    rate: f64,
    /// No message gets through before this.
    pub(crate) cut_until: Millis,
    is_leaving: bool,
    /// The number of the timer that is set.
    timer: u64,
    /// The attempts that train or commit.
    pub(crate) running: BTreeMap<Key, Running>,
    /// The executors of its slots that live.
    pub(crate) executors: BTreeMap<usize, Executor>,
    /// The commits that are to be reported.
    pub(crate) committed: BTreeMap<(LeaseId, TaskId), CommitRecord>,
    calls: BTreeMap<u64, Call>,
    /// Something went wrong on the way to or from the coordinator since it was last in touch.
    was_cut_off: bool,
}

enum Call {
    /// A `Sync`, by the agent's number.
    Sync(u64),
    /// The outcome of an attempt.
    Report(LeaseId, TaskId, Box<Request>),
}

impl Worker {
    /// A worker whose machine is taken away after a while, if `may_end`.
    pub(crate) fn draw(chance: &mut Chance, may_end: bool) -> Self {
        let (slots, pack) = (chance.between(1, 4) as u32, chance.between(1, 4) as u32);
        let walltime = chance.happens(0.25).then(|| Duration::from_millis(chance.between(700_000, 900_000)));
        let walltime = walltime.filter(|_| may_end);
        let settings = ReactorSettings {
            slots,
            threads: pack,
            pack,
            checkpoint_every: Duration::from_secs(30),
            idle_exit: None,
            walltime,
            // Longer than coordinators are gone: what isn't given back by then is lost.
            grace: Duration::from_secs(600),
            token_grace: Duration::ZERO,
        };
        Self {
            life: 0,
            settings,
            reactor: None,
            rate: 0.99 + 0.02 * chance.uniform(),
            cut_until: 0,
            is_leaving: false,
            timer: 0,
            running: BTreeMap::new(),
            executors: BTreeMap::new(),
            committed: BTreeMap::new(),
            calls: BTreeMap::new(),
            was_cut_off: false,
        }
    }

    pub(crate) fn id(&self, number: usize) -> WorkerId {
        WorkerId::new(format!("worker-{number}-{}", self.life)).expect("that is an id")
    }

    fn clock(&self, now: Millis) -> BootInstant {
        BootInstant::since_boot(Duration::from_secs_f64(now as f64 * self.rate / 1e3))
    }

    /// The true time at which its clock has passed this moment.
    fn true_time(&self, moment: BootInstant) -> Millis {
        let uptime = moment - BootInstant::since_boot(Duration::ZERO);
        (uptime.as_secs_f64() * 1e3 / self.rate) as Millis + 1
    }

    pub(crate) fn lives(&self, life: u32) -> bool {
        self.reactor.is_some() && self.life == life
    }

    fn dies(&mut self) {
        self.reactor = None;
        self.running.clear();
        self.executors.clear();
        self.committed.clear();
        self.calls.clear();
    }

    /// The running tasks of a lease.
    pub(crate) fn tasks(&self, lease: &LeaseId) -> Vec<TaskId> {
        self.running.keys().filter(|(of, _)| of == lease).map(|(_, task)| *task).collect()
    }

    /// Whether it works on this task, under this lease if one is given.
    pub(crate) fn runs(&self, lease: Option<&LeaseId>, task: Option<TaskId>) -> bool {
        let is_meant = |(of, running): &(LeaseId, TaskId)| {
            lease.is_none_or(|lease| of == lease) && task.is_none_or(|task| *running == task)
        };
        self.running.keys().any(is_meant)
    }
}

impl World {
    pub(crate) fn worker_starts(&mut self, number: usize) -> Result<(), BrokenPromise> {
        let now = self.now;
        let worker = &mut self.workers[number];
        worker.life += 1;
        worker.is_leaving = false;
        worker.was_cut_off = false;
        worker.reactor = Some(Reactor::new(worker.settings, worker.clock(now)));
        self.worker_handles(number, Message::Timer)
    }

    pub(crate) fn worker_dies(&mut self, number: usize) {
        let worker = &mut self.workers[number];
        if worker.reactor.is_none() {
            return;
        }
        worker.dies();
        self.count("worker deaths");
        // A witness beside it tells of its death, unless the whole machine is gone.
        if self.chance.happens(0.5) {
            let delay = self.chance.between(10, 5_000);
            let worker = self.workers[number].id(number);
            self.after(delay, SimEvent::WitnessReports(worker));
        }
        let pause = self.chance.between(100, 60_000);
        self.after(pause, SimEvent::WorkerStarts(number));
    }

    /// SIGTERM: everything is given back, then it ends.
    pub(crate) fn worker_leaves(&mut self, number: usize) -> Result<(), BrokenPromise> {
        let worker = &mut self.workers[number];
        if worker.reactor.is_none() || std::mem::replace(&mut worker.is_leaving, true) {
            return Ok(());
        }
        self.count("workers left");
        self.worker_handles(number, Message::Shutdown)
    }

    fn worker_ends(&mut self, number: usize) {
        self.workers[number].dies();
        let pause = if self.is_healed { 100 } else { self.chance.between(100, 30_000) };
        self.after(pause, SimEvent::WorkerStarts(number));
    }

    pub(crate) fn worker_wakes(&mut self, number: usize, life: u32, timer: u64) -> Result<(), BrokenPromise> {
        let worker = &self.workers[number];
        if !worker.lives(life) || worker.timer != timer {
            return Ok(());
        }
        self.worker_handles(number, Message::Timer)
    }

    /// Tells the agent what has happened.
    pub(crate) fn worker_handles(&mut self, number: usize, message: Message) -> Result<(), BrokenPromise> {
        self.worker_hears(number, VecDeque::from([message]))
    }

    /// Tells the agent all that has happened, and does what it wants; what comes of that at once it is told as well.
    pub(crate) fn worker_hears(
        &mut self,
        number: usize,
        mut messages: VecDeque<Message>,
    ) -> Result<(), BrokenPromise> {
        while let Some(message) = messages.pop_front() {
            let is_answer = matches!(message, Message::SyncAnswered { .. });
            let now = self.workers[number].clock(self.now);
            let Some(reactor) = &mut self.workers[number].reactor else { return Ok(()) };
            for effect in reactor.handle(message, now) {
                self.worker_does(number, effect, is_answer, &mut messages)?;
            }
        }
        Ok(())
    }

    fn worker_does(
        &mut self,
        number: usize,
        effect: Effect,
        is_answer: bool,
        messages: &mut VecDeque<Message>,
    ) -> Result<(), BrokenPromise> {
        match effect {
            Effect::Sync { call, request } => self.worker_syncs(number, Some(call), request),
            Effect::CancelSync => {
                self.workers[number].calls.retain(|_, call| matches!(call, Call::Report(..)));
            }
            Effect::BeginAttempt { slot, lease, lanes, task } => {
                if lanes > 1 {
                    self.count("packs");
                }
                return self.attempt_begins(number, slot, &(lease, task.id), task.attempt);
            }
            Effect::Direct { lease, directive: directive @ Directive::GiveBack(_) } => {
                for task in self.workers[number].tasks(&lease) {
                    self.task_is_directed(number, &(lease.clone(), task), directive, messages)?;
                }
            }
            Effect::Direct { lease, directive: Directive::Abandon } => {
                return self.lease_is_abandoned(number, &lease, is_answer, messages);
            }
            Effect::Report { lease, task, outcome } => self.report(number, lease, task, outcome),
            Effect::SetTimer(at) => {
                let worker = &mut self.workers[number];
                worker.timer += 1;
                let (life, timer) = (worker.life, worker.timer);
                let at = worker.true_time(at);
                self.after(
                    at.saturating_sub(self.now),
                    SimEvent::WorkerWakes { worker: number, life, timer },
                );
            }
            Effect::StopAttempts => {
                self.workers[number].running.clear();
                self.workers[number].executors.clear();
                self.workers[number].calls.clear();
                messages.push_back(Message::AttemptsStopped);
            }
            Effect::Deregister { releases, request, .. } => {
                for ReleasedTask { lease, task, reason } in releases {
                    let call = self.number();
                    let caller = Caller::Worker(number, self.workers[number].life);
                    self.send(caller, call, Request::Release { lease, task, reason });
                }
                self.worker_syncs(number, None, request);
                self.worker_ends(number);
            }
            Effect::Direct { directive: Directive::Train, .. } | Effect::ForgetLease(_) => {}
            Effect::ExitRefused => unreachable!("nobody refuses workers here"),
        }
        Ok(())
    }

    /// Names what it is and holds. The answer is heard only if the agent numbered the call.
    fn worker_syncs(&mut self, number: usize, numbered: Option<u64>, request: SyncRequest) {
        let worker = &self.workers[number];
        let life = worker.life;
        let held = |held: HeldLease| HeldLease { progress: vec![], ..held };
        let sync = Sync {
            worker: worker.id(number),
            description: WorkerDescription::default(),
            holds: request.holds.into_iter().map(held).collect(),
            free_slots: request.free_slots,
            max_pack: request.max_pack,
            draining: request.draining,
            waiting: request.waiting,
            seen: request.seen,
            fresh: vec![],
        };
        let call = self.number();
        if let Some(numbered) = numbered {
            self.workers[number].calls.insert(call, Call::Sync(numbered));
        }
        self.send(Caller::Worker(number, life), call, Request::Sync(sync));
    }

    /// Stops what could be granted to somebody else soon, or already is.
    fn lease_is_abandoned(
        &mut self,
        number: usize,
        lease: &LeaseId,
        is_answer: bool,
        messages: &mut VecDeque<Message>,
    ) -> Result<(), BrokenPromise> {
        if !is_answer {
            if self.flaw == Some(Flaw::WorkersDoNotFence) {
                return Ok(());
            }
            if !self.workers[number].was_cut_off {
                let what = format!("worker {number} stopped though nothing kept it from the coordinator");
                return Err(BrokenPromise { promise: 3, what });
            }
            self.count("leases fenced");
        }
        for task in self.workers[number].tasks(lease) {
            let key = (lease.clone(), task);
            let worker = &mut self.workers[number];
            // Its executor is killed, with all lanes of the lease.
            if let Some(slot) = worker.running.get(&key).filter(|it| it.trains()).map(Running::slot) {
                worker.executors.remove(&slot);
            }
            self.attempt_is_over(number, &key, AttemptOutcome::Abandoned, messages);
        }
        Ok(())
    }

    /// Tells the coordinator of an attempt's outcome.
    fn report(&mut self, number: usize, lease: LeaseId, task: TaskId, outcome: AttemptOutcome) {
        let ask = match outcome {
            AttemptOutcome::Committed { .. } => {
                let commit = self.workers[number].committed.remove(&(lease.clone(), task));
                let commit = commit.expect("it was committed here");
                Request::Complete { lease: lease.clone(), commit }
            }
            AttemptOutcome::Failed(failure) => Request::Fail { lease: lease.clone(), task, failure },
            AttemptOutcome::Released(reason) => Request::Release { lease: lease.clone(), task, reason },
            AttemptOutcome::Abandoned => return,
        };
        self.report_again(number, lease, task, ask);
    }

    /// Sends an outcome; it is to be heard of until that is answered.
    fn report_again(&mut self, number: usize, lease: LeaseId, task: TaskId, ask: Request) {
        let call = self.number();
        let caller = Caller::Worker(number, self.workers[number].life);
        self.workers[number].calls.insert(call, Call::Report(lease, task, Box::new(ask.clone())));
        self.send(caller, call, ask);
    }

    pub(crate) fn worker_receives(
        &mut self,
        number: usize,
        life: u32,
        call: u64,
        said: Response,
    ) -> Result<(), BrokenPromise> {
        let worker = &mut self.workers[number];
        if !worker.lives(life) {
            return Ok(());
        }
        // An answer to a call that was given up is nobody's.
        let Some(made) = worker.calls.remove(&call) else { return Ok(()) };
        let message = match (made, said) {
            (Call::Sync(call), Response::Answer(Ok(Reply::Synced(synced)), now)) => {
                worker.was_cut_off = false;
                Message::SyncAnswered { call, reply: reply(synced, now.0) }
            }
            (Call::Sync(call), Response::ConnectionRefused) => {
                // A dead coordinator grants nothing, and its successor gives these leases a full lease duration.
                worker.was_cut_off = false;
                let failure = SyncFailure { nobody_leads: true, ..SyncFailure::default() };
                Message::SyncFailed { call, failure }
            }
            (Call::Sync(call), _) => Message::SyncFailed { call, failure: SyncFailure::default() },
            (Call::Report(lease, task, _), Response::Answer(..) | Response::NoSuchCommit) => {
                Message::OutcomeReported { lease, task }
            }
            (Call::Report(lease, task, ask), _) => {
                // The call has ended without an answer: it is made again when this one's time is over.
                let call = self.number();
                let caller = Caller::Worker(number, life);
                self.workers[number].calls.insert(call, Call::Report(lease, task, ask));
                self.after(500, SimEvent::CallEnds { to: caller, call });
                return Ok(());
            }
        };
        self.worker_handles(number, message)
    }

    pub(crate) fn worker_call_timed_out(
        &mut self,
        number: usize,
        life: u32,
        call: u64,
    ) -> Result<(), BrokenPromise> {
        if !self.workers[number].lives(life) {
            return Ok(());
        }
        match self.workers[number].calls.remove(&call) {
            Some(Call::Sync(call)) => {
                self.workers[number].was_cut_off = true;
                self.worker_handles(number, Message::SyncFailed { call, failure: SyncFailure::default() })
            }
            Some(Call::Report(lease, task, ask)) => {
                self.report_again(number, lease, task, *ask);
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// The coordinator's answer as an agent hears it: spans instead of moments.
fn reply(synced: Synced, coordinators_now: u64) -> SyncReply {
    let remaining = |expires: Timestamp| Duration::from_millis(expires.0 - coordinators_now);
    let grants = synced.grants.into_iter().map(|grant| reactor::Grant {
        lease: grant.lease,
        duration: remaining(grant.expires),
        tasks: grant.tasks,
    });
    SyncReply {
        answer: synced.answer,
        renewed: synced.renewed.into_iter().map(|(lease, expires)| (lease, remaining(expires))).collect(),
        stop: synced.stop,
        grants: grants.collect(),
        next_sync: ROUND,
        drain: synced.drain,
    }
}
