//! A journal in PostgreSQL that several coordinators share: one leads and writes, the others stand by.
//!
//! A [`Candidate`] is elected under an [`Epoch`] and keeps the lead; a [`PostgresJournal`] of that epoch reads and writes, as
//! long as the epoch is the newest. Each write checks that in the statement that writes, under a lock that an election
//! waits for, so whatever a superseded leader still sends changes nothing.

mod address;
mod election;
mod password;
mod session;
#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;
mod tls;

use std::time::Duration;

use basin_core::Event;
use basin_domain::digest::Digest;
use tokio_postgres::{Row, Statement};

use super::encoding::{EncodedSnapshot, encode_events};
use super::recovery::{StoredBatch, StoredSnapshot, Tail, recover};
use super::{Damage, Epoch, Journal, JournalError, Recovered};

pub use address::{Address, AddressError};
pub use election::Candidate;
pub use password::Environment;
use session::{Session, within};
pub use tls::TlsError;

/// How long a write or a confirmation may take: whoever waits for an answer asks another coordinator after that.
const CALL: Duration = Duration::from_secs(5);
/// How long a snapshot may take.
const SNAPSHOT: Duration = Duration::from_secs(20);
/// How long reading all that was kept may take.
const LOAD: Duration = Duration::from_secs(120);

const APPEND: &str = "
    WITH led AS (SELECT epoch FROM leader WHERE epoch = $1 FOR SHARE)
    INSERT INTO batches (sequence, epoch, chain, events) SELECT $2, epoch, $3, $4 FROM led";
const CONFIRM: &str = "SELECT FROM leader WHERE epoch = $1";
/// The snapshot before stays, with the batches since then; what is older goes.
const KEEP_SNAPSHOT: &str = "
    WITH led AS (SELECT epoch FROM leader WHERE epoch = $1 FOR SHARE),
    previous AS (SELECT coalesce(max(sequence), 0) AS sequence FROM snapshots),
    kept AS (
        INSERT INTO snapshots (sequence, chain, digest, state)
        SELECT batches.sequence, batches.chain, $3, $4 FROM led, previous, batches
         WHERE batches.sequence = $2 AND previous.sequence <> $2
        RETURNING sequence),
    old_batches AS (DELETE FROM batches USING kept, previous WHERE batches.sequence <= previous.sequence),
    old_snapshots AS (DELETE FROM snapshots USING kept, previous WHERE snapshots.sequence < previous.sequence)
    SELECT count(*) FROM led";
const SNAPSHOTS: &str = "SELECT sequence, chain, digest, state FROM snapshots ORDER BY sequence DESC";
const BATCHES: &str = "SELECT sequence, chain, events FROM batches WHERE sequence > $1 ORDER BY sequence";

/// The journal of one leadership.
#[derive(Debug)]
pub struct PostgresJournal {
    address: Address,
    epoch: Epoch,
    tail: Tail,
    /// None before it is loaded, and once it is of no more use.
    open: Option<Open>,
}

/// A connection, with the statements that are sent again and again.
struct Open {
    session: Session,
    append: Statement,
    confirm: Statement,
    /// The connection lives on it: last, so that it outlives the session. Used by the thread that owns the journal, which is
    /// no thread of another runtime.
    runtime: tokio::runtime::Runtime,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.session.fmt(f)
    }
}

impl PostgresJournal {
    /// The journal in this place, for a leader elected under this epoch. It connects when it is loaded.
    pub fn new(address: Address, epoch: Epoch) -> Self {
        Self { address, epoch, tail: Tail::empty(), open: None }
    }

    /// Has the database do something. If it didn't answer, or another leads, this journal is of no more use: what was sent
    /// may yet be done.
    fn ask<T>(
        &mut self,
        limit: Duration,
        question: impl AsyncFnOnce(&Open) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let open = self.open.take().ok_or(JournalError::Broken)?;
        let answer = open.runtime.block_on(within(limit, question(&open)));
        let is_of_use = match &answer {
            Ok(_) => true,
            Err(JournalError::Postgres(error)) => error.as_db_error().is_some(),
            Err(_) => false,
        };
        if is_of_use && !open.session.client.is_closed() {
            self.open = Some(open);
        }
        answer
    }
}

impl Journal for PostgresJournal {
    fn load(&mut self) -> Result<Recovered, JournalError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(JournalError::Thread)?;
        let (session, append, confirm) = runtime.block_on(async {
            let session = Session::open(&self.address).await?;
            let append = session.client.prepare(APPEND).await?;
            let confirm = session.client.prepare(CONFIRM).await?;
            Ok::<_, JournalError>((session, append, confirm))
        })?;
        self.open = Some(Open { session, append, confirm, runtime });
        // From here on nobody of an earlier epoch writes, whatever was on its way: what is read is all there is.
        self.confirm()?;
        let snapshots = self.ask(LOAD, async |open: &Open| {
            let rows = open.session.client.query(SNAPSHOTS, &[]).await?;
            rows.iter().map(snapshot).collect::<Result<Vec<_>, _>>()
        })?;
        let (recovered, tail) = recover(snapshots, |after| {
            self.ask(LOAD, async |open: &Open| {
                let rows = open.session.client.query(BATCHES, &[&signed(after)]).await?;
                rows.iter().map(batch).collect()
            })
        })?;
        self.tail = tail;
        Ok(recovered)
    }

    fn append(&mut self, events: &[Event]) -> Result<(), JournalError> {
        let batch = self.tail.next(encode_events(events));
        let epoch = self.epoch.0;
        let written = self.ask(CALL, async |open: &Open| {
            let chain = &batch.chain.as_bytes()[..];
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
                [&epoch, &signed(batch.sequence), &chain, &batch.bytes];
            match open.session.client.execute(&open.append, &values).await? {
                0 => Err(JournalError::Superseded),
                _ => Ok(()),
            }
        });
        if written.is_err() {
            // Whatever the error was: the ledger is ahead of the journal from here on.
            self.open = None;
        }
        written?;
        self.tail.advance(&batch);
        Ok(())
    }

    fn confirm(&mut self) -> Result<(), JournalError> {
        let epoch = self.epoch.0;
        self.ask(CALL, async |open: &Open| {
            match open.session.client.query_opt(&open.confirm, &[&epoch]).await? {
                None => Err(JournalError::Superseded),
                Some(_) => Ok(()),
            }
        })
    }

    fn sequence(&self) -> u64 {
        self.tail.sequence
    }

    fn keep_snapshot(&mut self, snapshot: &EncodedSnapshot) -> Result<(), JournalError> {
        let epoch = self.epoch.0;
        self.ask(SNAPSHOT, async |open: &Open| {
            let digest = &snapshot.digest.as_bytes()[..];
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
                [&epoch, &signed(snapshot.sequence), &digest, &snapshot.bytes];
            let led: i64 = open.session.client.query_one(KEEP_SNAPSHOT, &values).await?.get(0);
            if led == 0 { Err(JournalError::Superseded) } else { Ok(()) }
        })
    }
}

fn signed(sequence: u64) -> i64 {
    i64::try_from(sequence).expect("batches are counted from 1, and nobody waits for 2^63 of them")
}

fn snapshot(row: &Row) -> Result<StoredSnapshot, JournalError> {
    let sequence = sequence(row)?;
    let snapshot = EncodedSnapshot { sequence, digest: digest(row, sequence, 2)?, bytes: row.try_get(3)? };
    Ok(StoredSnapshot { chain: digest(row, sequence, 1)?, snapshot })
}

fn batch(row: &Row) -> Result<StoredBatch, JournalError> {
    let sequence = sequence(row)?;
    Ok(StoredBatch { sequence, chain: digest(row, sequence, 1)?, bytes: row.try_get(2)? })
}

fn sequence(row: &Row) -> Result<u64, JournalError> {
    let number: i64 = row.try_get(0)?;
    u64::try_from(number).map_err(|_| JournalError::Damaged { sequence: 0, damage: Damage::Unreadable })
}

fn digest(row: &Row, sequence: u64, column: usize) -> Result<Digest, JournalError> {
    let bytes: &[u8] = row.try_get(column)?;
    let bytes: [u8; 32] =
        bytes.try_into().map_err(|_| JournalError::Damaged { sequence, damage: Damage::Changed })?;
    Ok(Digest::from_bytes(bytes))
}
