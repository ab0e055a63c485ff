//! Time, the network, and everything that happens: one queue, in order, drawn from one seed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::time::{Duration, Instant};

use basin_core::command::{CommitRecord, Refusal, Sync, Withdraw, Withdrawal};
use basin_domain::failure::{Failure, ReleaseReason};
use basin_domain::id::{LeaseId, TaskId, WorkerId};
use basin_domain::time::Timestamp;

use crate::chance::Chance;
use crate::checks::{BrokenPromise, Checks};
use crate::client::Client;
use crate::command::{Command, Reply};
use crate::coordinator::Coordinator;
use crate::executor::LaneStep;
use crate::plan::Plan;
use crate::store::Store;
use crate::worker::Worker;

/// Milliseconds of true time.
pub(crate) type Millis = u64;

/// Until then everything fails now and then.
const FAULTY_UNTIL: Millis = 240_000;
/// After that, everything that can end must have ended.
const HEALED_LIMIT: Millis = 3_600_000;
const WORKERS: usize = 4;

/// A part that is wrong on purpose, to show that the checks would notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Workers go on when their lease's time is over.
    WorkersDoNotFence,
    /// The coordinator answers before it writes.
    AnswersBeforeWriting,
    /// The store lets every creation win.
    StoreIgnoresConditions,
    /// After a restart leases last as long as they did before.
    NoFullTermAfterRestart,
    /// A leader that was superseded without noticing answers what costs no write.
    SupersededLeadersAnswer,
    /// Workers wait for an executor that hangs for as long as it does.
    SilenceIsBorne,
    /// An executor that is killed because it hung with one task counts as one that died of the others.
    HangsChargeEveryLane,
}

/// How often things go wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faults {
    /// A message is lost.
    pub(crate) loss: f64,
    /// A worker's request arrives a second time, perhaps much later.
    pub(crate) repeats: f64,
    /// A call of the store fails, having done its work or not.
    pub(crate) store: f64,
    /// An executor hangs in an attempt, or dies before it has begun with it.
    pub(crate) executors: f64,
    /// The coordinator dies in a turn.
    pub(crate) deaths_in_turn: f64,
    /// Something dies, leaves or is cut off, a second.
    pub(crate) incidents: f64,
    /// Workers die and are cut off, too; not the coordinator alone.
    pub(crate) workers_too: bool,
    /// The leader hangs and a standby takes over, a second.
    pub(crate) pauses: f64,
    /// Something that was committed is damaged and withdrawn, a second.
    pub(crate) damage: f64,
}

impl Faults {
    pub(crate) const MANY: Self = Self {
        loss: 0.05,
        repeats: 0.03,
        store: 0.15,
        executors: 0.04,
        deaths_in_turn: 0.005,
        incidents: 0.05,
        workers_too: true,
        pauses: 0.0,
        damage: 0.0,
    };
    /// Commits are damaged as well, and repaired.
    pub(crate) const DAMAGE_TOO: Self = Self { damage: 0.1, ..Self::MANY };
    /// Leaders hang as well, and go on when another leads.
    pub(crate) const PAUSES_TOO: Self = Self { pauses: 0.03, ..Self::MANY };
    /// Only the coordinator dies.
    pub(crate) const COORDINATOR_ALONE: Self = Self {
        loss: 0.0,
        repeats: 0.0,
        store: 0.0,
        executors: 0.0,
        deaths_in_turn: 0.01,
        incidents: 0.03,
        workers_too: false,
        pauses: 0.0,
        damage: 0.0,
    };
    const NONE: Self = Self {
        loss: 0.0,
        repeats: 0.0,
        store: 0.0,
        executors: 0.0,
        deaths_in_turn: 0.0,
        incidents: 0.0,
        workers_too: false,
        pauses: 0.0,
        damage: 0.0,
    };
}

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A worker in one of its lives.
    Worker(usize, u32),
    Client,
}

/// A request to the coordinator.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    Sync(Sync),
    /// The worker believes that this is in the store.
    Complete {
        lease: LeaseId,
        commit: CommitRecord,
    },
    Fail {
        lease: LeaseId,
        task: TaskId,
        failure: Failure,
    },
    Release {
        lease: LeaseId,
        task: TaskId,
        reason: ReleaseReason,
    },
    Steer(Command),
}

/// A response.
#[derive(Debug, Clone)]
pub(crate) enum Response {
    /// An answer, and what time it was at the coordinator.
    Answer(Result<Reply, Refusal>, Timestamp),
    /// Nobody listens there.
    ConnectionRefused,
    /// The connection broke; what was asked may have been done.
    ConnectionLost,
    /// The coordinator couldn't read the store.
    StoreDown,
    /// The store has no such commit.
    NoSuchCommit,
}

#[derive(Debug, Clone)]
pub(crate) enum SimEvent {
    Request { from: Caller, call: u64, ask: Request },
    Reply { to: Caller, call: u64, said: Response },
    CallEnds { to: Caller, call: u64 },
    Turn { life: u32 },
    Tick { life: u32 },
    Look { life: u32, lease: LeaseId, tasks: Vec<TaskId> },
    CoordinatorStarts,
    SupersededWakes,
    Repair,
    WorkerStarts(usize),
    WitnessReports(WorkerId),
    WorkerWakes { worker: usize, life: u32, timer: u64 },
    Lane { worker: usize, life: u32, run: u64, lease: LeaseId, task: TaskId, step: LaneStep },
    Put { worker: usize, life: u32, lease: LeaseId, task: TaskId, tries: u32 },
    ReadBack { worker: usize, life: u32, lease: LeaseId, task: TaskId, tries: u32 },
    PutLands(CommitRecord),
    ClientNext,
    Incident,
    Heal,
    Watch,
}

/// A run.
pub(crate) struct World {
    pub(crate) now: Millis,
    pub(crate) chance: Chance,
    pub(crate) faults: Faults,
    pub(crate) flaw: Option<Flaw>,
    pub(crate) plan: Plan,
    pub(crate) store: Store,
    pub(crate) coordinator: Coordinator,
    pub(crate) workers: Vec<Worker>,
    pub(crate) client: Client,
    pub(crate) checks: Checks,
    /// The commits that the store has withdrawn, as the ledger is told again and again.
    withdrawals: Vec<Withdrawal>,
    pub(crate) is_healed: bool,
    /// What is to happen. Boxed: a tree moves what is in it.
    queue: BTreeMap<(Millis, u64), Box<SimEvent>>,
    numbers: u64,
    /// The beginning, by the clock that executors are watched with.
    beginning: Instant,
    /// Everything that happens is printed.
    is_traced: bool,
    /// All that has happened, if it is wanted.
    history: Option<Rc<RefCell<DefaultHasher>>>,
}

/// How often what happened.
pub(crate) type Tally = BTreeMap<&'static str, u64>;

impl World {
    pub(crate) fn new(seed: u64, faults: Faults, flaw: Option<Flaw>) -> Self {
        let mut chance = Chance::new(seed);
        let plan = Plan::draw(&mut chance);
        let workers = (0..WORKERS).map(|_| Worker::draw(&mut chance, faults.workers_too)).collect();
        let mut world = Self {
            now: 0,
            faults,
            flaw,
            plan,
            store: Store::new(flaw == Some(Flaw::StoreIgnoresConditions)),
            coordinator: Coordinator::default(),
            workers,
            client: Client::default(),
            checks: Checks::default(),
            withdrawals: Vec::new(),
            is_healed: false,
            queue: BTreeMap::new(),
            numbers: 0,
            beginning: Instant::now(),
            is_traced: false,
            history: None,
            chance,
        };
        world.after(0, SimEvent::CoordinatorStarts);
        for worker in 0..WORKERS {
            world.after(10 * worker as u64, SimEvent::WorkerStarts(worker));
        }
        world.after(100, SimEvent::ClientNext);
        world.after(1_000, SimEvent::Incident);
        world.after(FAULTY_UNTIL, SimEvent::Heal);
        if faults.damage > 0.0 {
            world.after(5_000, SimEvent::Repair);
        }
        world
    }

    pub(crate) fn traced(mut self) -> Self {
        self.is_traced = true;
        self
    }

    /// A digest of all that happens until all sweeps have ended.
    pub(crate) fn history(mut self) -> Result<u64, BrokenPromise> {
        let history = Rc::new(RefCell::new(DefaultHasher::new()));
        self.history = Some(Rc::clone(&history));
        self.run()?;
        Ok(history.borrow().finish())
    }

    /// Lets everything happen until all sweeps have ended.
    pub(crate) fn run(mut self) -> Result<Tally, BrokenPromise> {
        while let Some(((at, _), event)) = self.queue.pop_first() {
            self.now = at;
            if self.is_traced {
                eprintln!("{at:>9} {event:?}");
            }
            if let Some(history) = &self.history {
                format!("{at} {event:?}").hash(&mut *history.borrow_mut());
            }
            if let SimEvent::Watch = *event {
                if self.everything_has_ended()? {
                    return Ok(self.checks.tally);
                }
                if self.now > FAULTY_UNTIL + HEALED_LIMIT {
                    return Err(BrokenPromise {
                        promise: 1,
                        what: format!("no end: {}", self.what_is_open()),
                    });
                }
            }
            self.handle(*event)?;
        }
        Err(BrokenPromise { promise: 1, what: "nothing happens any more".into() })
    }

    fn handle(&mut self, event: SimEvent) -> Result<(), BrokenPromise> {
        match event {
            SimEvent::Request { from, call, ask } => self.request_arrives(from, call, ask),
            SimEvent::Reply { to: Caller::Client, call, said } => self.client_receives(call, &said),
            SimEvent::Reply { to: Caller::Worker(worker, life), call, said } => {
                return self.worker_receives(worker, life, call, said);
            }
            SimEvent::CallEnds { to: Caller::Client, call } => self.client_call_timed_out(call),
            SimEvent::CallEnds { to: Caller::Worker(worker, life), call } => {
                return self.worker_call_timed_out(worker, life, call);
            }
            SimEvent::Turn { life } => return self.coordinator_turns(life),
            SimEvent::Tick { life } => self.coordinator_ticks(life),
            SimEvent::Look { life, lease, tasks } => self.coordinator_looks(life, lease, tasks),
            SimEvent::CoordinatorStarts => return self.coordinator_starts(),
            SimEvent::SupersededWakes => self.superseded_wakes(),
            SimEvent::Repair => self.repair_is_told(),
            SimEvent::WorkerStarts(worker) => return self.worker_starts(worker),
            SimEvent::WitnessReports(worker) => self.witness_reports(worker),
            SimEvent::WorkerWakes { worker, life, timer } => return self.worker_wakes(worker, life, timer),
            SimEvent::Lane { worker, life, run, lease, task, step } => {
                return self.lane_steps(worker, life, run, &(lease, task), step);
            }
            SimEvent::Put { worker, life, lease, task, tries } => {
                return self.commit_put(worker, life, lease, task, tries);
            }
            SimEvent::ReadBack { worker, life, lease, task, tries } => {
                return self.commit_read_back(worker, life, lease, task, tries);
            }
            SimEvent::PutLands(commit) => {
                self.store.create(&commit);
            }
            SimEvent::ClientNext => self.client_next(),
            SimEvent::Incident => return self.incident(),
            SimEvent::Heal => self.heal(),
            SimEvent::Watch => self.after(2_000, SimEvent::Watch),
        }
        Ok(())
    }

    pub(crate) fn after(&mut self, delay: Millis, event: SimEvent) {
        self.numbers += 1;
        self.queue.insert((self.now + delay, self.numbers), Box::new(event));
    }

    /// The moment, by the clock that executors are watched with.
    pub(crate) fn instant(&self) -> Instant {
        self.beginning + Duration::from_millis(self.now)
    }

    /// A number that was never given before.
    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(crate) fn count(&mut self, what: &'static str) {
        *self.checks.tally.entry(what).or_default() += 1;
    }

    /// Sends a request; the caller hears of its end in any case.
    pub(crate) fn send(&mut self, from: Caller, call: u64, ask: Request) {
        self.after(5_000, SimEvent::CallEnds { to: from, call });
        if self.loses_message(from) {
            return;
        }
        let delay = self.chance.between(1, 40);
        if matches!(from, Caller::Worker(..)) && self.chance.happens(self.faults.repeats) {
            let late = self.chance.between(1, 20_000);
            self.after(late, SimEvent::Request { from, call, ask: ask.clone() });
        }
        self.after(delay, SimEvent::Request { from, call, ask });
    }

    pub(crate) fn reply(&mut self, to: Caller, call: u64, said: Response) {
        if self.loses_message(to) {
            return;
        }
        // Now and then an answer comes after its caller has given up.
        let slow = self.chance.happens(self.faults.loss);
        let delay = if slow { self.chance.between(1, 12_000) } else { self.chance.between(1, 40) };
        self.after(delay, SimEvent::Reply { to, call, said });
    }

    fn loses_message(&mut self, party: Caller) -> bool {
        let is_cut = match party {
            Caller::Worker(worker, _) => self.now < self.workers[worker].cut_until,
            Caller::Client => false,
        };
        let is_lost = is_cut || self.chance.happens(self.faults.loss);
        if is_lost {
            self.count("messages lost");
        }
        is_lost
    }

    /// Something dies, leaves, or is cut off.
    fn incident(&mut self) -> Result<(), BrokenPromise> {
        if self.is_healed {
            return Ok(());
        }
        self.after(1_000, SimEvent::Incident);
        if self.chance.happens(self.faults.incidents) {
            self.coordinator_dies();
        }
        if self.faults.pauses > 0.0 && self.chance.happens(self.faults.pauses) {
            self.coordinator_is_paused();
        }
        if self.faults.damage > 0.0 && self.chance.happens(self.faults.damage) {
            let number = self.number();
            if let Some(CommitRecord { task, lease, attempt, .. }) = self.store.withdraw(number) {
                self.count("commits damaged");
                self.withdrawals.push(Withdrawal { task, lease, attempt });
            }
        }
        for worker in 0..self.workers.len() {
            if self.faults.workers_too && self.chance.happens(self.faults.incidents / 2.0) {
                match self.chance.between(0, 3) {
                    0 => self.worker_dies(worker),
                    1 => self.worker_leaves(worker)?,
                    _ => {
                        self.count("workers cut off");
                        self.workers[worker].cut_until = self.now + self.chance.between(1_000, 80_000);
                    }
                }
            }
        }
        Ok(())
    }

    /// The coordinator is told what is withdrawn in the store: all of it, and again, since it may have died.
    fn repair_is_told(&mut self) {
        self.after(5_000, SimEvent::Repair);
        let Some(ledger) = self.coordinator.ledger() else { return };
        let is_known = |of: &&Withdrawal| ledger.task(&of.task).is_some();
        let commits: Vec<_> = self.withdrawals.iter().filter(is_known).cloned().collect();
        if !commits.is_empty() {
            let withdraw = Withdraw { sweep: None, commits };
            self.enqueue(None, Request::Steer(Command::Withdraw(withdraw)));
        }
    }

    fn heal(&mut self) {
        self.is_healed = true;
        self.faults = Faults::NONE;
        for worker in &mut self.workers {
            worker.cut_until = 0;
        }
        self.after(2_000, SimEvent::Watch);
    }

    fn everything_has_ended(&mut self) -> Result<bool, BrokenPromise> {
        let Some(ledger) = self.coordinator.ledger() else { return Ok(false) };
        if !self.client.is_done() || !ledger.sweeps().all(|sweep| sweep.counts.open() == 0) {
            return Ok(false);
        }
        let is_outdated = |of: &Withdrawal| {
            let commit = ledger.task(&of.task).and_then(|task| task.commit);
            commit.is_some_and(|commit| commit.lease == of.lease)
        };
        if self.withdrawals.iter().any(is_outdated) {
            return Ok(false);
        }
        Checks::at_the_end(ledger, &self.plan, &self.store)?;
        Ok(true)
    }

    fn what_is_open(&self) -> String {
        let Some(ledger) = self.coordinator.ledger() else { return "the coordinator is down".into() };
        let sweeps =
            ledger.sweeps().map(|sweep| format!("{} {:?} {:?}", sweep.id, sweep.state, sweep.counts));
        sweeps.collect::<Vec<_>>().join("; ")
    }
}
