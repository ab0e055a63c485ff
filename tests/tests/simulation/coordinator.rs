//! The coordinator: the real ledger, writer and journal, on a disk that survives it. One that is paused is superseded by
//! another under a new epoch, and goes on later as if it led.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use basin_coordinator::journal::writer::{Decisions, WriteError};
use basin_coordinator::journal::{
    EncodedSnapshot, Journal, JournalError, MemoryDisk, MemoryJournal, Recovered, Writer,
};
use basin_core::command::{Expire, ExpiredLease, Fail, Launch, Policy, Refusal, Release, Sync};
use basin_core::{Event, Ledger, decide};
use basin_domain::id::{LeaseId, TaskId, WorkerId};
use basin_domain::time::Timestamp;

use crate::checks::BrokenPromise;
use crate::command::{Command, Reply};
use crate::world::{Caller, Flaw, Request, Response, SimEvent, World};

pub(crate) const LEASE_DURATION: u64 = 30_000;
/// One turn of so many is audited, which takes longer than the turns: what is wrong then stays so until the next restart.
const AUDITED_TURN: u64 = 4;

pub(crate) fn policy() -> Policy {
    Policy {
        lease_duration: Duration::from_millis(LEASE_DURATION),
        max_attempts: 4,
        quarantine_workers: 4,
        bad_worker_failures: 3,
        avoid_for: Duration::from_secs(60),
        max_slots_of_user: NonZeroU32::new(4),
        ..Policy::default()
    }
}

#[derive(Default)]
pub(crate) struct Coordinator {
    pub(crate) life: u32,
    turns: u64,
    writer: Option<Writer<Recorded>>,
    disk: MemoryDisk,
    log: Log,
    waiting: Vec<Waiting>,
    /// How far this life's clock is ahead of true time.
    offset: u64,
    superseded: Option<Superseded>,
}

/// A coordinator that was paused while it led.
struct Superseded {
    writer: Writer<Recorded>,
    waiting: Vec<Waiting>,
    is_awake: bool,
}

/// A request that waits for the next turn.
struct Waiting {
    /// Whom to answer; the coordinator's own commands have nobody.
    asker: Option<(Caller, u64)>,
    ask: Request,
}

/// The journal of one epoch, with what it kept in view, and with faults.
struct Recorded {
    epoch: u64,
    log: Log,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Contents>>);

#[derive(Default)]
struct Contents {
    /// Kept and not looked at yet.
    fresh: Vec<Event>,
    fault: Option<DiskFault>,
    /// The newest epoch, and its journal.
    epoch: u64,
    inner: Option<MemoryJournal>,
    /// The flaw: what costs no write is answered without asking whether the epoch is the newest.
    confirms_nothing: bool,
}

impl Contents {
    /// The journal, if this epoch is the newest.
    fn journal(&mut self, epoch: u64) -> Result<&mut MemoryJournal, JournalError> {
        let journal = self.inner.as_mut().filter(|_| self.epoch == epoch);
        journal.ok_or(JournalError::Superseded)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DiskFault {
    NothingKept,
    KeptAllTheSame,
}

impl Log {
    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for Recorded {
    fn load(&mut self) -> Result<Recovered, JournalError> {
        self.log.contents().journal(self.epoch)?.load()
    }

    fn append(&mut self, events: &[Event]) -> Result<(), JournalError> {
        let mut contents = self.log.contents();
        let failed = || JournalError::Medium(std::io::Error::other("simulated"));
        contents.journal(self.epoch)?;
        let fault = contents.fault.take();
        if fault == Some(DiskFault::NothingKept) {
            return Err(failed());
        }
        contents.journal(self.epoch)?.append(events)?;
        contents.fresh.extend_from_slice(events);
        if fault.is_some() { Err(failed()) } else { Ok(()) }
    }

    fn confirm(&mut self) -> Result<(), JournalError> {
        let mut contents = self.log.contents();
        if contents.confirms_nothing { Ok(()) } else { contents.journal(self.epoch).map(drop) }
    }

    fn sequence(&self) -> u64 {
        self.log.contents().inner.as_ref().map_or(0, Journal::sequence)
    }

    fn keep_snapshot(&mut self, snapshot: &EncodedSnapshot) -> Result<(), JournalError> {
        self.log.contents().journal(self.epoch)?.keep_snapshot(snapshot)
    }
}

/// Decides about everything of a turn.
fn all(decisions: &mut Decisions<'_>, commands: Vec<Command>) -> Vec<Result<Reply, Refusal>> {
    commands.into_iter().map(|command| decisions.decide(command)).collect()
}

/// How a turn ends badly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Death {
    BeforeWriting,
    BeforeAnswering,
    DiskFull,
    DiskAnswerLost,
}

impl Coordinator {
    pub(crate) fn ledger(&self) -> Option<&Ledger> {
        self.writer.as_ref().map(Writer::ledger)
    }
}

impl World {
    pub(crate) fn coordinator_time(&self) -> Timestamp {
        Timestamp(1_000_000 + self.now + self.coordinator.offset)
    }

    pub(crate) fn coordinator_starts(&mut self) -> Result<(), BrokenPromise> {
        let log = self.coordinator.log.clone();
        let epoch = {
            let mut contents = log.contents();
            contents.inner = None;
            contents.inner = MemoryJournal::open(&self.coordinator.disk).ok();
            contents.epoch += 1;
            contents.confirms_nothing = self.flaw == Some(Flaw::SupersededLeadersAnswer);
            contents.epoch
        };
        let mut writer = Writer::open(Recorded { epoch, log }, policy()).map_err(|error| BrokenPromise {
            promise: 2,
            what: format!("the journal can't be replayed: {error}"),
        })?;
        self.coordinator.offset = self.chance.between(0, 3_000);
        self.checks.coordinator_restarted(writer.ledger(), &self.store)?;
        let now = self.coordinator_time();
        if self.flaw != Some(Flaw::NoFullTermAfterRestart) {
            let restarted = writer.write(now, |decisions| decisions.decide(Command::Restarted));
            restarted.expect("no fault is set").expect("it is never refused");
        }
        self.checks.leases_get_a_full_term(writer.ledger(), now);
        self.coordinator.writer = Some(writer);
        self.coordinator.life += 1;
        let life = self.coordinator.life;
        self.after(500, SimEvent::Tick { life });
        self.check_what_was_kept()
    }

    pub(crate) fn coordinator_dies(&mut self) {
        if self.coordinator.writer.take().is_none() {
            return;
        }
        self.count("coordinator deaths");
        for waiting in std::mem::take(&mut self.coordinator.waiting) {
            if let Some((caller, call)) = waiting.asker {
                self.reply(caller, call, Response::ConnectionLost);
            }
        }
        let down = self.chance.pick(&[100, 3_000, 20_000, 100_000]);
        let down = self.chance.between(down / 2, down);
        self.after(down, SimEvent::CoordinatorStarts);
    }

    /// It hangs, and a standby takes over.
    pub(crate) fn coordinator_is_paused(&mut self) {
        if self.coordinator.superseded.is_some() {
            return;
        }
        let Some(writer) = self.coordinator.writer.take() else { return };
        self.count("coordinators paused");
        let waiting = std::mem::take(&mut self.coordinator.waiting);
        self.coordinator.superseded = Some(Superseded { writer, waiting, is_awake: false });
        let takeover = self.chance.between(5_000, 7_000);
        self.after(takeover, SimEvent::CoordinatorStarts);
        // Often just after the takeover, when somebody still waits for what it would answer.
        let longest = if self.chance.happens(0.5) { 2_000 } else { 60_000 };
        let pause = takeover + self.chance.between(1, longest);
        self.after(pause, SimEvent::SupersededWakes);
    }

    /// It goes on where it was, and finds what has arrived.
    pub(crate) fn superseded_wakes(&mut self) {
        if let Some(superseded) = &mut self.coordinator.superseded {
            superseded.is_awake = true;
        }
        self.superseded_turns();
    }

    /// It would answer what waits. It is found out before the first answer leaves; with the flaw at the first write.
    fn superseded_turns(&mut self) {
        let Some(mut superseded) = self.coordinator.superseded.take_if(|it| it.is_awake) else { return };
        let mut askers = Vec::new();
        let mut commands = Vec::new();
        for Waiting { asker, ask } in std::mem::take(&mut superseded.waiting) {
            if let Some(command) = self.command(asker, ask) {
                askers.push(asker);
                commands.push(command);
            }
        }
        let now = self.coordinator_time();
        match superseded.writer.write(now, |decisions| all(decisions, commands)) {
            Ok(replies) => {
                for (asker, reply) in askers.into_iter().zip(replies) {
                    if let Some((caller, call)) = asker {
                        self.reply(caller, call, Response::Answer(reply, now));
                    }
                }
                self.coordinator.superseded = Some(superseded);
            }
            Err(WriteError::Append(_) | WriteError::Unconfirmed(_) | WriteError::Ahead) => {
                self.count("superseded leaders found out");
                for (caller, call) in askers.into_iter().flatten() {
                    self.reply(caller, call, Response::ConnectionLost);
                }
            }
        }
    }

    /// Whether a request goes to a leader that was superseded: while nobody has taken over all do, and then most: callers
    /// ask whoever answered last.
    fn reaches_superseded(&mut self) -> bool {
        let leads = self.coordinator.writer.is_some();
        self.coordinator.superseded.is_some() && (!leads || !self.is_healed && self.chance.happens(0.9))
    }

    pub(crate) fn request_arrives(&mut self, from: Caller, call: u64, ask: Request) {
        if self.reaches_superseded()
            && let Some(superseded) = &mut self.coordinator.superseded
        {
            superseded.waiting.push(Waiting { asker: Some((from, call)), ask });
            return self.superseded_turns();
        }
        if self.coordinator.writer.is_none() {
            return self.reply(from, call, Response::ConnectionRefused);
        }
        self.enqueue(Some((from, call)), ask);
    }

    /// Requests that arrive while the disk is busy wait for the same turn.
    pub(crate) fn enqueue(&mut self, asker: Option<(Caller, u64)>, ask: Request) {
        if self.coordinator.waiting.is_empty() {
            let (delay, life) = (self.chance.between(0, 20), self.coordinator.life);
            self.after(delay, SimEvent::Turn { life });
        }
        self.coordinator.waiting.push(Waiting { asker, ask });
    }

    pub(crate) fn coordinator_ticks(&mut self, life: u32) {
        if life == self.coordinator.life && self.coordinator.writer.is_some() {
            self.enqueue(None, Request::Steer(Command::Tick));
            self.after(1_000, SimEvent::Tick { life });
        }
    }

    /// Somebody on a dead worker's machine says so; in vain while nobody leads.
    pub(crate) fn witness_reports(&mut self, worker: WorkerId) {
        if self.coordinator.writer.is_some() {
            self.count("deaths witnessed");
            self.enqueue(None, Request::Steer(Command::Exited(worker)));
        }
    }

    /// The store is asked about an ended lease's tasks; if it doesn't answer, the next tick asks again.
    pub(crate) fn coordinator_looks(&mut self, life: u32, lease: LeaseId, tasks: Vec<TaskId>) {
        if life != self.coordinator.life || self.coordinator.writer.is_none() {
            return;
        }
        let mut lost = Vec::new();
        for task in tasks {
            if self.chance.happens(self.faults.store) {
                continue;
            }
            match self.store.read(&task).cloned() {
                Some(commit) => {
                    self.count("commits adopted");
                    self.enqueue(None, Request::Steer(Command::Adopt(commit)));
                }
                None => lost.push(task),
            }
        }
        if !lost.is_empty() {
            self.enqueue(None, Request::Steer(Command::Expire(Expire { lease, tasks: lost })));
        }
    }

    /// Decides about everything that waits, writes once, and answers.
    pub(crate) fn coordinator_turns(&mut self, life: u32) -> Result<(), BrokenPromise> {
        if life != self.coordinator.life || self.coordinator.writer.is_none() {
            return Ok(());
        }
        let mut askers = Vec::new();
        let mut commands = Vec::new();
        for Waiting { asker, ask } in std::mem::take(&mut self.coordinator.waiting) {
            if let Some(command) = self.command(asker, ask) {
                askers.push(asker);
                commands.push(command);
            }
        }
        let now = self.coordinator_time();
        self.checks.before_turn(&commands);
        let death = self.chance.happens(self.faults.deaths_in_turn).then(|| {
            let deaths =
                [Death::BeforeWriting, Death::BeforeAnswering, Death::DiskFull, Death::DiskAnswerLost];
            self.chance.pick(&deaths)
        });
        if death == Some(Death::BeforeWriting) {
            if self.flaw == Some(Flaw::AnswersBeforeWriting) {
                self.answer_unwritten(now, askers, commands);
            }
            self.coordinator_dies();
            return Ok(());
        }
        self.coordinator.log.contents().fault = match death {
            Some(Death::DiskFull) => Some(DiskFault::NothingKept),
            Some(Death::DiskAnswerLost) => Some(DiskFault::KeptAllTheSame),
            Some(Death::BeforeWriting | Death::BeforeAnswering) | None => None,
        };
        let writer = self.coordinator.writer.as_mut().expect("the coordinator lives");
        let written = writer.write(now, |decisions| all(decisions, commands));
        self.coordinator.log.contents().fault = None;
        self.coordinator.turns += 1;
        let is_audited = self.coordinator.turns.is_multiple_of(AUDITED_TURN);
        if let Some(ledger) = self.coordinator.ledger().filter(|_| is_audited) {
            ledger
                .audit()
                .map_err(|violations| BrokenPromise { promise: 1, what: format!("{violations:?}") })?;
        }
        self.check_what_was_kept()?;
        match written {
            Ok(replies) if death != Some(Death::BeforeAnswering) => {
                for (asker, reply) in askers.into_iter().zip(replies) {
                    self.answer(asker, reply, now);
                }
                self.perhaps_keep_a_snapshot();
            }
            Ok(_) => self.coordinator_dies(),
            Err(WriteError::Append(_) | WriteError::Unconfirmed(_) | WriteError::Ahead) => {
                self.count("failed writes");
                self.coordinator_dies();
            }
        }
        Ok(())
    }

    /// The command of a request, after a look into the store where one is needed.
    fn command(&mut self, asker: Option<(Caller, u64)>, ask: Request) -> Option<Command> {
        Some(match ask {
            Request::Steer(Command::Launch(launch)) => Command::Launch(self.with_commits(launch)),
            Request::Steer(command) => command,
            Request::Fail { lease, task, failure } => Command::Fail(Fail { lease, task, failure }),
            Request::Release { lease, task, reason } => Command::Release(Release { lease, task, reason }),
            Request::Sync(sync) => {
                let fresh = (0..sync.free_slots).map(|_| {
                    let number = self.number();
                    LeaseId::new(format!("lease-{number}")).expect("that is an id")
                });
                let fresh = fresh.collect();
                Command::Sync(Sync { fresh, ..sync })
            }
            Request::Complete { lease, commit } => {
                // The store is believed, not the caller.
                let (caller, call) = asker.expect("workers complete tasks");
                if self.chance.happens(self.faults.store) {
                    self.reply(caller, call, Response::StoreDown);
                    return None;
                }
                match self.store.read(&commit.task).cloned() {
                    Some(found) if found.manifest == commit.manifest && found.lease == lease => {
                        Command::Complete(found)
                    }
                    Some(found) if found.manifest == commit.manifest => Command::Adopt(found),
                    Some(_) | None => {
                        self.reply(caller, call, Response::NoSuchCommit);
                        return None;
                    }
                }
            }
        })
    }

    /// The launch with the commits that the store has of the tasks that the ledger doesn't know: of those that were forgotten.
    fn with_commits(&self, launch: Launch) -> Launch {
        let ledger = self.coordinator.ledger();
        let is_unknown = |task: &TaskId| ledger.is_some_and(|ledger| ledger.task(task).is_none());
        let unknown = launch.tasks.iter().filter(|task| is_unknown(&task.id));
        let committed = unknown.filter_map(|task| self.store.read(&task.id).cloned()).collect();
        Launch { committed, ..launch }
    }

    fn answer(&mut self, asker: Option<(Caller, u64)>, reply: Result<Reply, Refusal>, now: Timestamp) {
        match (asker, reply) {
            (None, Ok(Reply::Ticked(expired))) => {
                let life = self.coordinator.life;
                for ExpiredLease { lease, tasks } in expired {
                    let delay = self.chance.between(5, 200);
                    self.after(delay, SimEvent::Look { life, lease, tasks });
                }
            }
            (None, _) => {}
            (Some((caller, call)), reply) => {
                self.checks.answered(&reply, now);
                self.reply(caller, call, Response::Answer(reply, now));
            }
        }
    }

    /// The flaw: answers from memory, and nothing is on disk.
    fn answer_unwritten(
        &mut self,
        now: Timestamp,
        askers: Vec<Option<(Caller, u64)>>,
        commands: Vec<Command>,
    ) {
        let mut ledger = self.coordinator.ledger().expect("the coordinator lives").clone();
        for (asker, command) in askers.into_iter().zip(commands) {
            if let Ok((events, reply)) = decide(&ledger, now, command) {
                events.iter().for_each(|event| ledger.apply(event));
                self.answer(asker, Ok(reply), now);
            }
        }
    }

    fn perhaps_keep_a_snapshot(&mut self) {
        if !self.chance.happens(0.02) {
            return;
        }
        let writer = self.coordinator.writer.as_mut().expect("the coordinator lives");
        let (sequence, snapshot) = writer.snapshot();
        writer.keep_snapshot(&EncodedSnapshot::new(sequence, &snapshot)).expect("memory keeps it");
        self.count("snapshots");
    }

    fn check_what_was_kept(&mut self) -> Result<(), BrokenPromise> {
        let fresh = std::mem::take(&mut self.coordinator.log.contents().fresh);
        for event in &fresh {
            self.check_event(event)?;
        }
        Ok(())
    }
}
