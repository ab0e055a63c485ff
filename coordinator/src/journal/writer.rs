//! A ledger and its journal, in step: what was decided is on disk before anybody hears of it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use basin_core::command::{Policy, Refusal};
use basin_core::{Event, Ledger, Request, Snapshot, decide};
use basin_domain::time::Timestamp;

use super::{EncodedSnapshot, Journal, JournalError, Recovered};

/// After this many durable events a snapshot is due.
const SNAPSHOT_EVERY: usize = 20_000;

/// The single owner of a ledger and its journal.
#[derive(Debug)]
pub struct Writer<J> {
    ledger: Ledger,
    journal: J,
    /// The latest time that was decided at: the ledger's time never goes back, whatever the clock does.
    latest: Timestamp,
    since_snapshot: usize,
    /// An append failed, or the journal is another's: the ledger is ahead of it, and nothing may be answered any more.
    is_ahead: bool,
}

/// A batch of decisions that will be kept with one write.
#[derive(Debug)]
pub struct Decisions<'a> {
    ledger: &'a mut Ledger,
    now: Timestamp,
    durable: Vec<Event>,
}

impl Decisions<'_> {
    /// Decides about a request. The reply is nobody's before the batch is kept.
    ///
    /// # Errors
    /// If the ledger refuses.
    pub fn decide<R: Request>(&mut self, request: R) -> Result<R::Reply, Refusal> {
        let (events, reply) = decide(self.ledger, self.now, request)?;
        for event in events {
            self.ledger.apply(&event);
            if event.is_durable() {
                self.durable.push(event);
            }
        }
        Ok(reply)
    }
}

/// Why a batch of requests was not answered.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The decision could not be kept. Whether it was is unknown until the journal is opened anew.
    #[error("what was decided could not be kept")]
    Append(#[source] JournalError),
    /// Nothing had to be kept, and it is unknown whether another coordinator has written meanwhile.
    #[error("the journal may be another coordinator's by now")]
    Unconfirmed(#[source] JournalError),
    /// One of these happened before.
    #[error("the journal could not be written before")]
    Ahead,
}

/// The ledger of a snapshot and the events after it, audited.
fn replayed(policy: Policy, recovered: Recovered) -> Result<Ledger, JournalError> {
    let mut ledger = match recovered.snapshot {
        Some(snapshot) => Ledger::restore(policy, snapshot)?,
        None => Ledger::new(policy),
    };
    recovered.events.iter().for_each(|event| ledger.apply(event));
    match ledger.audit() {
        Ok(()) => Ok(ledger),
        Err(violations) => {
            let more = violations.len() - 1;
            let first = violations.into_iter().next().expect("an audit that fails names a violation");
            Err(JournalError::Contradiction { first, more })
        }
    }
}

impl<J: Journal> Writer<J> {
    /// The ledger that the journal leads to, audited.
    ///
    /// # Errors
    /// If the journal can't be read, or what it says contradicts itself.
    pub fn open(mut journal: J, policy: Policy) -> Result<Self, JournalError> {
        let recovered = journal.load()?;
        let since_snapshot = recovered.events.len();
        // Digests find what was damaged, not what somebody made: the ledger panics on events that don't follow from each other.
        // Nothing of it is kept.
        let replay = AssertUnwindSafe(|| replayed(policy, recovered));
        let ledger = catch_unwind(replay).unwrap_or(Err(JournalError::Unreplayable))?;
        // A snapshot has its time, too: after a clean end there is no event behind it.
        let latest = ledger.time();
        Ok(Self { ledger, journal, latest, since_snapshot, is_ahead: false })
    }

    /// The ledger as the journal has it.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The latest time that was decided at.
    pub const fn latest(&self) -> Timestamp {
        self.latest
    }

    /// Decides about requests that arrived together, keeps what happened with one write, and only then gives what `decide`
    /// made of the replies. What costs no write is answered once the journal is known to be this writer's still: a
    /// coordinator that was superseded without noticing renews no lease.
    ///
    /// # Errors
    /// If it could not be kept. The writer is of no more use then.
    pub fn write<T>(
        &mut self,
        now: Timestamp,
        decide: impl FnOnce(&mut Decisions<'_>) -> T,
    ) -> Result<T, WriteError> {
        if self.is_ahead {
            return Err(WriteError::Ahead);
        }
        self.latest = self.latest.max(now);
        let mut decisions = Decisions { ledger: &mut self.ledger, now: self.latest, durable: Vec::new() };
        let replies = decide(&mut decisions);
        let durable = decisions.durable;
        if durable.is_empty() {
            self.confirm()?;
            return Ok(replies);
        }
        self.journal.append(&durable).map_err(|error| {
            self.is_ahead = true;
            WriteError::Append(error)
        })?;
        self.since_snapshot += durable.len();
        Ok(replies)
    }

    /// Proves that the ledger is the present: nobody else has written since.
    ///
    /// # Errors
    /// If that is unknown. The writer is of no more use then.
    pub fn confirm(&mut self) -> Result<(), WriteError> {
        if self.is_ahead {
            return Err(WriteError::Ahead);
        }
        self.journal.confirm().map_err(|error| {
            self.is_ahead = true;
            WriteError::Unconfirmed(error)
        })
    }

    /// Whether enough has happened for another snapshot.
    pub const fn is_snapshot_due(&self) -> bool {
        self.since_snapshot >= SNAPSHOT_EVERY
    }

    /// Whether anything has happened since the last snapshot.
    pub const fn has_news(&self) -> bool {
        self.since_snapshot > 0 && !self.is_ahead
    }

    /// The journalled state with the number of the last batch in it, to be encoded elsewhere.
    pub fn snapshot(&mut self) -> (u64, Snapshot) {
        self.since_snapshot = 0;
        (self.journal.sequence(), self.ledger.snapshot())
    }

    /// Keeps a snapshot that was taken of this writer before.
    ///
    /// # Errors
    /// If it can't; the journal goes on without it.
    pub fn keep_snapshot(&mut self, snapshot: &EncodedSnapshot) -> Result<(), JournalError> {
        self.journal.keep_snapshot(snapshot)
    }
}
