//! A journal in an SQLite file, in write-ahead mode with a full sync for each batch.

use std::path::{Path, PathBuf};
use std::time::Duration;

use basin_core::Event;
use basin_domain::digest::Digest;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, TransactionBehavior, params};

use super::encoding::{EncodedSnapshot, encode_events};
use super::recovery::{StoredBatch, StoredSnapshot, Tail, recover};
use super::{Journal, JournalError, Recovered};

/// Marks the file as ours (`PRAGMA application_id`): "basn".
const APPLICATION: i64 = 0x6261_736e;
/// The version of the tables and of what is in them (`PRAGMA user_version`).
const FORMAT: i64 = 1;

const TABLES: &str = "
    CREATE TABLE batches (
        sequence INTEGER PRIMARY KEY,
        chain BLOB NOT NULL,
        events BLOB NOT NULL
    ) STRICT;
    CREATE TABLE snapshots (
        sequence INTEGER PRIMARY KEY,
        chain BLOB NOT NULL,
        digest BLOB NOT NULL,
        state BLOB NOT NULL
    ) STRICT;
";

/// A journal in a file.
#[derive(Debug)]
pub struct SqliteJournal {
    connection: Connection,
    tail: Tail,
}

impl SqliteJournal {
    /// Opens the journal in the file at `path`, or makes one, and keeps others out for as long as it lives.
    ///
    /// # Errors
    /// If the file can't be opened, is open elsewhere, or is something else.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        Self::open_database(path).map_err(|error| match error {
            // A file that begins otherwise may still say that it was ours.
            JournalError::NotAJournal if is_marked(path) => {
                JournalError::DamagedFile(rusqlite::Error::SqliteFailure(
                    rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_NOTADB),
                    Some("its first bytes are not those of a database".to_owned()),
                ))
            }
            JournalError::Database(cause)
                if cause.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) =>
            {
                JournalError::DamagedFile(cause)
            }
            error => error,
        })
    }

    /// Copies a journal that nobody has open into the folder `to`, with what isn't in its file yet; gives the copy's path.
    ///
    /// # Errors
    /// If it can't be read, or the copy not be written.
    pub fn copy(path: &Path, to: &Path) -> Result<PathBuf, JournalError> {
        let copy = to.join("journal.sqlite");
        std::fs::copy(path, &copy).map_err(JournalError::Folder)?;
        let log = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push("-wal");
            PathBuf::from(name)
        };
        match std::fs::copy(log(path), log(&copy)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(JournalError::Folder(error)),
            Ok(_) | Err(_) => Ok(copy),
        }
    }

    fn open_database(path: &Path) -> Result<Self, JournalError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(JournalError::Folder)?;
        }
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(Duration::ZERO)?;
        // Held until the connection closes, by the system even if the process is killed. In this mode the write-ahead
        // log's index is in memory, so that no shared memory is needed either.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(opened)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(opened)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "fullfsync", true)?;
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Exclusive).map_err(opened)?;
        let pragma = |name| transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let tables: i64 =
            transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        match (pragma("application_id")?, pragma("user_version")?) {
            (APPLICATION, FORMAT) => {}
            (APPLICATION, found) => return Err(JournalError::LaterFormat { found, known: FORMAT }),
            (0, 0) if tables == 0 => {
                transaction.execute_batch(TABLES)?;
                transaction.pragma_update(None, "application_id", APPLICATION)?;
                transaction.pragma_update(None, "user_version", FORMAT)?;
            }
            _ => return Err(JournalError::NotAJournal),
        }
        transaction.commit()?;
        Ok(Self { connection, tail: Tail::empty() })
    }

    fn snapshots(&self) -> Result<Vec<StoredSnapshot>, JournalError> {
        let mut statement = self
            .connection
            .prepare("SELECT sequence, chain, digest, state FROM snapshots ORDER BY sequence DESC")?;
        let snapshots = statement.query_map([], |row| {
            let snapshot =
                EncodedSnapshot { sequence: sequence(row)?, digest: digest(row, 2)?, bytes: row.get(3)? };
            Ok(StoredSnapshot { chain: digest(row, 1)?, snapshot })
        })?;
        Ok(snapshots.collect::<Result<_, _>>()?)
    }

    fn batches_after(&self, after: u64) -> Result<Vec<StoredBatch>, JournalError> {
        let mut statement = self
            .connection
            .prepare("SELECT sequence, chain, events FROM batches WHERE sequence > ?1 ORDER BY sequence")?;
        let batches = statement.query_map([signed(after)], |row| {
            Ok(StoredBatch { sequence: sequence(row)?, chain: digest(row, 1)?, bytes: row.get(2)? })
        })?;
        Ok(batches.collect::<Result<_, _>>()?)
    }
}

impl Journal for SqliteJournal {
    fn load(&mut self) -> Result<Recovered, JournalError> {
        let (recovered, tail) = recover(self.snapshots()?, |sequence| self.batches_after(sequence))?;
        self.tail = tail;
        Ok(recovered)
    }

    fn append(&mut self, events: &[Event]) -> Result<(), JournalError> {
        let batch = self.tail.next(encode_events(events));
        // One statement is one transaction; it returns after the write-ahead log was synced.
        self.connection
            .prepare_cached("INSERT INTO batches (sequence, chain, events) VALUES (?1, ?2, ?3)")?
            .execute(params![signed(batch.sequence), batch.chain.as_bytes(), batch.bytes])?;
        self.tail.advance(&batch);
        Ok(())
    }

    /// Nobody else can have written: the journal is open once.
    fn confirm(&mut self) -> Result<(), JournalError> {
        Ok(())
    }

    fn sequence(&self) -> u64 {
        self.tail.sequence
    }

    fn keep_snapshot(&mut self, snapshot: &EncodedSnapshot) -> Result<(), JournalError> {
        let transaction = self.connection.transaction()?;
        let chain: Option<Vec<u8>> = transaction
            .query_row("SELECT chain FROM batches WHERE sequence = ?1", [signed(snapshot.sequence)], |row| {
                row.get(0)
            })
            .optional()?;
        let previous: i64 =
            transaction
                .query_row("SELECT coalesce(max(sequence), 0) FROM snapshots", [], |row| row.get(0))?;
        let Some(chain) = chain.filter(|_| previous != signed(snapshot.sequence)) else { return Ok(()) };
        transaction.execute("DELETE FROM batches WHERE sequence <= ?1", [previous])?;
        transaction.execute("DELETE FROM snapshots WHERE sequence < ?1", [previous])?;
        transaction.execute(
            "INSERT INTO snapshots (sequence, chain, digest, state) VALUES (?1, ?2, ?3, ?4)",
            params![signed(snapshot.sequence), chain, snapshot.digest.as_bytes(), snapshot.bytes],
        )?;
        transaction.commit()?;
        Ok(())
    }
}

/// Whether a file has our mark where a database has it (SQLite's file format, section 1.3: offset 68).
fn is_marked(path: &Path) -> bool {
    let mut header = [0; 72];
    let read =
        std::fs::File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut header));
    read.is_ok()
        && i64::from(u32::from_be_bytes([header[68], header[69], header[70], header[71]])) == APPLICATION
}

/// SQLite's errors for a file that is another's, or in use, as a journal's.
fn opened(error: rusqlite::Error) -> JournalError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => JournalError::Locked,
        Some(ErrorCode::NotADatabase) => JournalError::NotAJournal,
        Some(_) | None => JournalError::Database(error),
    }
}

fn signed(sequence: u64) -> i64 {
    i64::try_from(sequence).expect("batches are counted from 1, and nobody waits for 2^63 of them")
}

fn sequence(row: &Row<'_>) -> rusqlite::Result<u64> {
    let number: i64 = row.get(0)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, number))
}

fn digest(row: &Row<'_>, column: usize) -> rusqlite::Result<Digest> {
    row.get::<_, [u8; 32]>(column).map(Digest::from_bytes)
}

#[cfg(test)]
mod tests {
    use basin_core::event::Change;
    use basin_domain::id::WorkerId;
    use basin_domain::time::Timestamp;

    use super::*;

    #[test]
    fn an_append_waits_for_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let journal = SqliteJournal::open(&folder.path().join("journal.sqlite")).unwrap();
        let pragma =
            |name| journal.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        // FULL: with a write-ahead log every commit is synchronised before it returns.
        assert_eq!((pragma("synchronous"), pragma("fullfsync")), (2, 1));
    }

    #[test]
    fn a_full_disk_is_known_as_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = SqliteJournal::open(&folder.path().join("journal.sqlite")).unwrap();
        journal.load().unwrap();
        journal.connection.pragma_update(None, "max_page_count", 8).unwrap();
        let event = |number: u64| Event {
            at: Timestamp(number),
            change: Change::Drained(WorkerId::new(format!("worker-{number}")).unwrap()),
        };
        let full = (0..1_000).find_map(|number| {
            let events: Vec<Event> = (0..10).map(|of| event(10 * number + of)).collect();
            journal.append(&events).err()
        });
        let error = full.expect("eight pages are soon full");
        assert!(error.is_full() && !error.is_damage(), "{error:?}");
    }

    #[test]
    fn a_file_of_ours_that_is_damaged_is_told_from_one_that_is_anothers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        drop(SqliteJournal::open(&path).unwrap());
        let good = std::fs::read(&path).unwrap();
        for at in [0, 28, 100] {
            let mut bytes = good.clone();
            bytes[at] = 0xff;
            std::fs::write(&path, bytes).unwrap();
            let error = SqliteJournal::open(&path).and_then(|mut journal| journal.load()).unwrap_err();
            assert!(error.is_damage(), "byte {at}: {error:?}");
        }
        std::fs::write(
            &path,
            "somebody's notes, which are long enough for a header of a database, and then some more",
        )
        .unwrap();
        assert!(matches!(SqliteJournal::open(&path), Err(JournalError::NotAJournal)));
        std::fs::write(&path, &good).unwrap();
        let open = SqliteJournal::open(&path).unwrap();
        assert!(matches!(SqliteJournal::open(&path), Err(JournalError::Locked)));
        drop(open);
    }
}
