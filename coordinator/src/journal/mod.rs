//! The journal outlives the coordinator: the ledger's durable events, and snapshots so that a restart needn't replay all.
//!
//! A [`Journal`] keeps bytes and nothing else: [`SqliteJournal`] in a file, [`postgres`] in a database that several
//! coordinators share, one of them leading, [`MemoryJournal`] for tests; all pass one conformance suite. A [`Writer`] owns a ledger and its journal and answers nothing before it is on disk. A
//! [`LedgerHandle`] gives the writer a thread of its own, groups what arrives at the same time into one write, and is
//! what the rest of the coordinator holds.
//!
//! Start reading in [`handle`] for a command's way, in [`recovery`] for what a restart checks.

use basin_core::{Event, InvalidSnapshot, Snapshot, Violation};

mod clock;
mod election;
mod encoding;
pub mod handle;
mod journal_write;
mod ledger_service;
mod memory;
pub mod metered;
pub mod postgres;
pub mod recovery;
mod sqlite;
pub mod writer;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod handle_tests;
#[cfg(test)]
mod samples;

pub use clock::{Clock, SystemClock};
pub use election::{Election, ElectionOutcome, Epoch};
pub use encoding::EncodedSnapshot;
pub use handle::{DecideError, JournalFailure, LedgerHandle};
pub use journal_write::JournalWrite;
pub use memory::{MemoryDisk, MemoryJournal};
pub use metered::{Meter, Metered};
pub use postgres::PostgresJournal;
pub use sqlite::SqliteJournal;
pub use writer::Writer;

/// Keeps events in order, and snapshots of what they led to.
pub trait Journal: Send + 'static {
    /// The journal's contents: the newest snapshot that is whole, and the events after it. Called once, before anything else.
    ///
    /// # Errors
    /// If what was kept can't be read, or isn't what was written.
    fn load(&mut self) -> Result<Recovered, JournalError>;

    /// Keeps a batch of events, all or none: durable when it returns.
    ///
    /// # Errors
    /// If it can't. Whether the events were kept is unknown then; only `load` on a journal opened anew can tell.
    fn append(&mut self, events: &[Event]) -> Result<(), JournalError>;

    /// Proves that nobody else has written since: what is known of this journal is the present. Answers that cost no write
    /// wait for it.
    ///
    /// # Errors
    /// If another coordinator may have taken over.
    fn confirm(&mut self) -> Result<(), JournalError>;

    /// The number of the last batch that was appended; 0 before the first.
    fn sequence(&self) -> u64;

    /// Keeps a snapshot. The one before it stays, with the events since then; what is older goes.
    ///
    /// # Errors
    /// If it can't. The journal is as it was then.
    fn keep_snapshot(&mut self, snapshot: &EncodedSnapshot) -> Result<(), JournalError>;
}

/// The contents of a journal.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recovered {
    /// The newest snapshot.
    pub snapshot: Option<Snapshot>,
    /// The events after it.
    pub events: Vec<Event>,
}

/// Why a journal can't be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has it open.
    #[error("another process has it open")]
    Locked,
    /// Another coordinator leads by now; nothing more is written under this one's epoch.
    #[error("another coordinator has taken over")]
    Superseded,
    /// It is something else.
    #[error("it is not a journal of basin's: give another path, or move that file away")]
    NotAJournal,
    /// Its file is one of Basin's, and the database in it can't be read.
    #[error("its file is damaged")]
    DamagedFile(#[source] rusqlite::Error),
    /// The database's schema is somebody else's.
    #[error("its schema `{0}` holds something else: give another with `?schema=NAME`")]
    ForeignSchema(String),
    /// A later version of the program wrote it.
    #[error(
        "its format is {found}, and this program knows {known}: use the program that wrote it, or a later one"
    )]
    LaterFormat {
        /// The format's number.
        found: i64,
        /// The highest number that this program knows.
        known: i64,
    },
    /// The contents aren't those that were written.
    #[error("it is damaged at batch {sequence}: {damage}")]
    Damaged {
        /// The batch, or that of the snapshot.
        sequence: u64,
        /// In which way.
        damage: Damage,
    },
    /// A snapshot contradicts itself.
    #[error("it can't be replayed")]
    Snapshot(#[from] InvalidSnapshot),
    /// An event can't have happened after those before it.
    #[error("it can't be replayed: its events don't follow from each other")]
    Unreplayable,
    /// The replayed events contradict each other.
    #[error("what it says contradicts itself: {first}, and {more} more contradictions")]
    Contradiction {
        /// The first contradiction.
        first: Violation,
        /// How many more there are.
        more: usize,
    },
    /// The folder can't be made.
    #[error("its folder can't be made")]
    Folder(#[source] std::io::Error),
    /// The thread that writes it can't be started.
    #[error("its thread can't be started")]
    Thread(#[source] std::io::Error),
    /// The database can't be read or written.
    #[error("it can't be read or written")]
    Database(#[from] rusqlite::Error),
    /// The database server can't be reached, or refuses.
    #[error("it can't be read or written")]
    Postgres(#[from] tokio_postgres::Error),
    /// The database server is silent.
    #[error("the database did not answer within {} s", .0.as_secs())]
    Silent(std::time::Duration),
    /// The way to the database server can't be made safe.
    #[error("it can't be reached safely")]
    Tls(#[from] postgres::TlsError),
    /// An earlier write failed: whether it was kept is unknown, and this journal is of no more use.
    #[error("an earlier write failed")]
    Broken,
    /// The medium can't be read or written.
    #[error("it can't be read or written")]
    Medium(#[source] std::io::Error),
}

impl JournalError {
    /// Whether the disk under it is full.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Database(error) => error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull),
            Self::Medium(error) | Self::Folder(error) => {
                matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
            }
            _ => false,
        }
    }

    /// Whether what is kept isn't what was written, so that nobody can go on from it.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::DamagedFile(_)
            | Self::Damaged { .. }
            | Self::Snapshot(_)
            | Self::Unreplayable
            | Self::Contradiction { .. } => true,
            Self::Database(error) => matches!(
                error.sqlite_error_code(),
                Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
            ),
            _ => false,
        }
    }

    /// Whether trying again changes nothing: a person must look at what was kept, or at which program reads it.
    pub const fn is_lasting(&self) -> bool {
        match self {
            Self::NotAJournal
            | Self::DamagedFile(_)
            | Self::ForeignSchema(_)
            | Self::LaterFormat { .. }
            | Self::Damaged { .. }
            | Self::Snapshot(_)
            | Self::Unreplayable
            | Self::Contradiction { .. }
            | Self::Folder(_)
            | Self::Tls(_) => true,
            Self::Locked
            | Self::Superseded
            | Self::Thread(_)
            | Self::Database(_)
            | Self::Postgres(_)
            | Self::Silent(_)
            | Self::Broken
            | Self::Medium(_) => false,
        }
    }
}

/// In which way kept bytes differ from what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It isn't there, though later ones are.
    #[error("it is missing")]
    Missing,
    /// Its bytes, or those of one before it, have changed.
    #[error("its digest does not fit")]
    Changed,
    /// Its bytes say nothing that is known.
    #[error("it can't be understood")]
    Unreadable,
    /// It is whole, and says what this version doesn't know.
    #[error("a later version of basin wrote it; go on with that version")]
    Newer,
}
