//! The conformance suite of journals, run by each of them.

use basin_core::Event;
use basin_core::Ledger;
use basin_core::command::Policy;

use super::postgres::testing::Database;
use super::recovery::Tail;
use super::samples::{events, launched};
use super::{
    Damage, EncodedSnapshot, Journal, JournalError, MemoryDisk, MemoryJournal, Recovered, SqliteJournal,
};

/// Where a journal lies, so that it can be opened again and spoilt.
trait Medium {
    type Journal: Journal + std::fmt::Debug;
    /// Why it can't be tried here.
    fn is_missing() -> Option<&'static str> {
        None
    }
    fn new() -> Self;
    fn open(&self) -> Result<Self::Journal, JournalError>;
    fn flip_a_bit_of_batch(&self, sequence: u64);
    fn lose_batch(&self, sequence: u64);
    fn flip_a_bit_of_snapshot(&self, sequence: u64);
    fn numbers_of_batches(&self) -> Vec<u64>;
    fn numbers_of_snapshots(&self) -> Vec<u64>;

    fn load(&self) -> Result<Recovered, JournalError> {
        self.open()?.load()
    }

    /// A journal with these batches of one event each.
    fn with(batches: &[Event]) -> (Self, Self::Journal)
    where
        Self: Sized,
    {
        let medium = Self::new();
        let mut journal = medium.open().unwrap();
        journal.load().unwrap();
        for event in batches {
            journal.append(std::slice::from_ref(event)).unwrap();
        }
        (medium, journal)
    }
}

struct Memory(MemoryDisk);

impl Medium for Memory {
    type Journal = MemoryJournal;

    fn new() -> Self {
        Self(MemoryDisk::default())
    }

    fn open(&self) -> Result<MemoryJournal, JournalError> {
        MemoryJournal::open(&self.0)
    }

    fn flip_a_bit_of_batch(&self, sequence: u64) {
        self.0
            .damage(|_, batches| batches.iter_mut().find(|b| b.sequence == sequence).unwrap().bytes[3] ^= 1);
    }

    fn lose_batch(&self, sequence: u64) {
        self.0.damage(|_, batches| batches.retain(|batch| batch.sequence != sequence));
    }

    fn flip_a_bit_of_snapshot(&self, sequence: u64) {
        self.0.damage(|snapshots, _| {
            let kept = snapshots.iter_mut().find(|kept| kept.snapshot.sequence == sequence).unwrap();
            kept.snapshot.bytes[3] ^= 1;
        });
    }

    fn numbers_of_batches(&self) -> Vec<u64> {
        let mut numbers = vec![];
        self.0.damage(|_, batches| numbers = batches.iter().map(|batch| batch.sequence).collect());
        numbers
    }

    fn numbers_of_snapshots(&self) -> Vec<u64> {
        let mut numbers = vec![];
        self.0.damage(|snapshots, _| numbers = snapshots.iter().map(|kept| kept.snapshot.sequence).collect());
        numbers
    }
}

struct Sqlite(tempfile::TempDir);

impl Sqlite {
    fn connect(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.0.path().join("state/journal.sqlite")).unwrap()
    }

    fn flip_a_bit(&self, table: &str, column: &str, sequence: u64) {
        let connection = self.connect();
        let select = format!("SELECT {column} FROM {table} WHERE sequence = ?1");
        let mut bytes: Vec<u8> = connection.query_row(&select, [sequence as i64], |row| row.get(0)).unwrap();
        bytes[3] ^= 1;
        let update = format!("UPDATE {table} SET {column} = ?2 WHERE sequence = ?1");
        connection.execute(&update, rusqlite::params![sequence as i64, bytes]).unwrap();
    }

    fn numbers(&self, table: &str) -> Vec<u64> {
        let connection = self.connect();
        let mut statement =
            connection.prepare(&format!("SELECT sequence FROM {table} ORDER BY sequence")).unwrap();
        let numbers = statement.query_map([], |row| row.get::<_, i64>(0)).unwrap();
        numbers.map(|number| number.unwrap() as u64).collect()
    }
}

impl Medium for Sqlite {
    type Journal = SqliteJournal;

    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Result<SqliteJournal, JournalError> {
        SqliteJournal::open(&self.0.path().join("state/journal.sqlite"))
    }

    fn flip_a_bit_of_batch(&self, sequence: u64) {
        self.flip_a_bit("batches", "events", sequence);
    }

    fn lose_batch(&self, sequence: u64) {
        self.connect().execute("DELETE FROM batches WHERE sequence = ?1", [sequence as i64]).unwrap();
    }

    fn flip_a_bit_of_snapshot(&self, sequence: u64) {
        self.flip_a_bit("snapshots", "state", sequence);
    }

    fn numbers_of_batches(&self) -> Vec<u64> {
        self.numbers("batches")
    }

    fn numbers_of_snapshots(&self) -> Vec<u64> {
        self.numbers("snapshots")
    }
}

impl Medium for Database {
    type Journal = super::postgres::testing::Led;

    fn is_missing() -> Option<&'static str> {
        Self::is_missing()
    }

    fn new() -> Self {
        Self::new()
    }

    fn open(&self) -> Result<Self::Journal, JournalError> {
        Self::open(self)
    }

    fn flip_a_bit_of_batch(&self, sequence: u64) {
        self.execute(&format!(
            "UPDATE batches SET events = set_bit(events, 24, 1 - get_bit(events, 24)) WHERE sequence = {sequence}"
        ));
    }

    fn lose_batch(&self, sequence: u64) {
        self.execute(&format!("DELETE FROM batches WHERE sequence = {sequence}"));
    }

    fn flip_a_bit_of_snapshot(&self, sequence: u64) {
        self.execute(&format!(
            "UPDATE snapshots SET state = set_bit(state, 24, 1 - get_bit(state, 24)) WHERE sequence = {sequence}"
        ));
    }

    fn numbers_of_batches(&self) -> Vec<u64> {
        self.numbers("SELECT sequence FROM batches ORDER BY sequence")
    }

    fn numbers_of_snapshots(&self) -> Vec<u64> {
        self.numbers("SELECT sequence FROM snapshots ORDER BY sequence")
    }
}

/// A snapshot after these events.
fn snapshot(sequence: u64, events: &[Event]) -> EncodedSnapshot {
    let mut ledger = Ledger::new(Policy::default());
    events.iter().for_each(|event| ledger.apply(event));
    EncodedSnapshot::new(sequence, &ledger.snapshot())
}

fn a_new_journal_is_empty<M: Medium>() {
    let medium = M::new();
    assert_eq!(medium.load().unwrap(), Recovered::default());
    assert_eq!(medium.open().unwrap().sequence(), 0);
}

fn what_was_appended_is_loaded_in_order<M: Medium>() {
    let events = events(5);
    let (medium, mut journal) = M::with(&events[..2]);
    journal.append(&events[2..]).unwrap();
    assert_eq!(journal.sequence(), 3);
    drop(journal);
    assert_eq!(medium.load().unwrap(), Recovered { snapshot: None, events });
}

fn appending_goes_on_after_a_restart<M: Medium>() {
    let events = events(4);
    let (medium, journal) = M::with(&events[..2]);
    drop(journal);
    let mut journal = medium.open().unwrap();
    journal.load().unwrap();
    journal.append(&events[2..]).unwrap();
    assert_eq!(journal.sequence(), 3);
    drop(journal);
    assert_eq!(medium.load().unwrap().events, events);
}

fn a_long_batch_survives<M: Medium>() {
    let long = launched(2_000);
    let (medium, journal) = M::with(std::slice::from_ref(&long));
    drop(journal);
    assert_eq!(medium.load().unwrap().events, [long]);
}

fn a_journal_is_open_once<M: Medium>() {
    let medium = M::new();
    let journal = medium.open().unwrap();
    assert!(matches!(medium.open(), Err(JournalError::Locked)));
    drop(journal);
    medium.open().unwrap();
}

fn a_changed_batch_is_found<M: Medium>() {
    let (medium, journal) = M::with(&events(3));
    drop(journal);
    medium.flip_a_bit_of_batch(2);
    let error = medium.load().unwrap_err();
    assert!(matches!(error, JournalError::Damaged { sequence: 2, damage: Damage::Changed }), "{error}");
}

fn a_missing_batch_is_found<M: Medium>() {
    for lost in [1, 2] {
        let (medium, journal) = M::with(&events(3));
        drop(journal);
        medium.lose_batch(lost);
        let error = medium.load().unwrap_err();
        let fits =
            matches!(error, JournalError::Damaged { sequence, damage: Damage::Missing } if sequence == lost);
        assert!(fits, "{error}");
    }
}

fn a_snapshot_stands_for_the_events_before_it<M: Medium>() {
    let events = events(4);
    let (medium, mut journal) = M::with(&events[..3]);
    let kept = snapshot(3, &events[..3]);
    journal.keep_snapshot(&kept).unwrap();
    journal.append(&events[3..]).unwrap();
    drop(journal);
    let recovered = medium.load().unwrap();
    assert_eq!(recovered.snapshot, Some(kept.decode().unwrap()));
    assert_eq!(recovered.events, events[3..]);
}

fn one_snapshot_and_its_events_stay_behind_the_newest<M: Medium>() {
    let events = events(6);
    let (medium, mut journal) = M::with(&events[..2]);
    for end in [2, 4, 6] {
        if end > 2 {
            journal.append(&events[end - 2..end - 1]).unwrap();
            journal.append(&events[end - 1..end]).unwrap();
        }
        journal.keep_snapshot(&snapshot(end as u64, &events[..end])).unwrap();
    }
    drop(journal);
    assert_eq!(medium.numbers_of_snapshots(), [4, 6]);
    assert_eq!(medium.numbers_of_batches(), [5, 6]);
}

fn a_snapshot_kept_late_leaves_the_events_after_it<M: Medium>() {
    let events = events(4);
    let (medium, mut journal) = M::with(&events);
    journal.keep_snapshot(&snapshot(2, &events[..2])).unwrap();
    drop(journal);
    assert_eq!(medium.load().unwrap().events, events[2..]);
}

fn keeping_a_snapshot_again_changes_nothing<M: Medium>() {
    let events = events(2);
    let (medium, mut journal) = M::with(&events);
    for _ in 0..3 {
        journal.keep_snapshot(&snapshot(2, &events)).unwrap();
    }
    drop(journal);
    assert_eq!((medium.numbers_of_snapshots(), medium.numbers_of_batches()), (vec![2], vec![1, 2]));
}

fn a_damaged_snapshot_is_passed_over_for_the_one_before<M: Medium>() {
    let events = events(5);
    let (medium, mut journal) = M::with(&events[..2]);
    journal.keep_snapshot(&snapshot(2, &events[..2])).unwrap();
    journal.append(&events[2..4]).unwrap();
    journal.keep_snapshot(&snapshot(3, &events[..4])).unwrap();
    journal.append(&events[4..]).unwrap();
    drop(journal);
    medium.flip_a_bit_of_snapshot(3);
    let recovered = medium.load().unwrap();
    assert_eq!(recovered.snapshot, Some(snapshot(2, &events[..2]).decode().unwrap()));
    assert_eq!(recovered.events, events[2..]);

    medium.flip_a_bit_of_snapshot(2);
    let error = medium.load().unwrap_err();
    assert!(matches!(error, JournalError::Damaged { sequence: 3, damage: Damage::Changed }), "{error}");
}

macro_rules! conformance {
    ($medium:ident, $module:ident: $($test:ident),* $(,)?) => {
        mod $module {
            $(
                #[test]
                fn $test() {
                    match <super::$medium as super::Medium>::is_missing() {
                        Some(why) => eprintln!("NOT RUN: {}, since {why}", stringify!($test)),
                        None => super::$test::<super::$medium>(),
                    }
                }
            )*
        }
    };
    (each medium) => {
        conformance!(each medium: Memory in memory, Sqlite in sqlite, Database in postgres);
    };
    (each medium: $($medium:ident in $module:ident),*) => {
        $(conformance!($medium, $module:
            a_new_journal_is_empty,
            what_was_appended_is_loaded_in_order,
            appending_goes_on_after_a_restart,
            a_long_batch_survives,
            a_journal_is_open_once,
            a_changed_batch_is_found,
            a_missing_batch_is_found,
            a_snapshot_stands_for_the_events_before_it,
            one_snapshot_and_its_events_stay_behind_the_newest,
            a_snapshot_kept_late_leaves_the_events_after_it,
            keeping_a_snapshot_again_changes_nothing,
            a_damaged_snapshot_is_passed_over_for_the_one_before,
        );)*
    };
}

conformance!(each medium);

#[test]
fn a_file_that_is_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "These are notes, and no database at all. ".repeat(100)).unwrap();
    assert!(matches!(SqliteJournal::open(&text), Err(JournalError::NotAJournal)));
    let other = folder.path().join("other.sqlite");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
    assert!(matches!(SqliteJournal::open(&other), Err(JournalError::NotAJournal)));
}

#[test]
fn a_journal_of_a_later_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    drop(SqliteJournal::open(&path).unwrap());
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let error = SqliteJournal::open(&path).unwrap_err();
    assert!(matches!(error, JournalError::LaterFormat { found: 2, known: 1 }), "{error}");
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let error = SqliteJournal::open(&folder.path().join("file/journal.sqlite")).unwrap_err();
    assert!(matches!(error, JournalError::Folder(_)), "{error}");
}

#[test]
fn a_batch_put_in_another_place_breaks_the_chain() {
    let first = Tail::empty().next(vec![1]);
    let mut tail = Tail::empty();
    tail.advance(&first);
    assert_ne!(tail.next(vec![1]).chain, first.chain);
}
