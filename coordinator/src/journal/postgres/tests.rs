//! Elections and fences, against a real PostgreSQL.

use super::testing::Database;
use super::{Address, Candidate, Environment, PostgresJournal};
use crate::journal::samples::events;
use crate::journal::{Election, ElectionOutcome, EncodedSnapshot, Epoch, Journal, JournalError};

/// The database of a test, unless there is none to try it on.
fn database(test: &str) -> Option<Database> {
    match Database::is_missing() {
        None => Some(Database::new()),
        Some(why) => {
            eprintln!("NOT RUN: {test}, since {why}");
            None
        }
    }
}

fn elected(outcome: Result<ElectionOutcome, JournalError>) -> Epoch {
    match outcome.unwrap() {
        ElectionOutcome::Elected(epoch) => epoch,
        ElectionOutcome::Led { by } => panic!("{by} leads"),
    }
}

/// A loaded journal of a candidate's new leadership.
fn lead(database: &Database, candidate: &mut Candidate) -> PostgresJournal {
    let epoch = elected(database.campaign(candidate));
    let mut journal = PostgresJournal::new(database.address(), epoch);
    journal.load().unwrap();
    journal
}

#[test]
fn one_leads_until_its_time_is_over_and_every_leadership_has_a_higher_epoch() {
    let Some(database) = database("one_leads_until_its_time_is_over") else { return };
    let (mut first, mut second) = (database.candidate("first"), database.candidate("second"));
    let epoch = elected(database.campaign(&mut first));
    assert_eq!(
        database.campaign(&mut second).unwrap(),
        ElectionOutcome::Led { by: "http://first".to_owned() }
    );
    database.end_the_lead();
    let next = elected(database.campaign(&mut second));
    assert!(next > epoch);
    assert_eq!(
        database.campaign(&mut first).unwrap(),
        ElectionOutcome::Led { by: "http://second".to_owned() }
    );
    assert!(
        elected(database.campaign(&mut second)) > next,
        "the holder has it again at once, as another leadership"
    );
}

#[test]
fn of_many_that_stand_at_once_one_is_elected() {
    let Some(database) = database("of_many_that_stand_at_once_one_is_elected") else { return };
    // The tables aren't there yet: making them is raced for, too.
    let outcomes: Vec<ElectionOutcome> = std::thread::scope(|scope| {
        let candidates: Vec<_> = (0..12)
            .map(|number| {
                let mut candidate = database.candidate(&number.to_string());
                let database = &database;
                scope.spawn(move || database.campaign(&mut candidate).unwrap())
            })
            .collect();
        candidates.into_iter().map(|candidate| candidate.join().unwrap()).collect()
    });
    let elected = outcomes.iter().filter(|outcome| matches!(outcome, ElectionOutcome::Elected(_)));
    assert_eq!(elected.count(), 1, "{outcomes:?}");
}

#[test]
fn a_superseded_leader_writes_nothing_and_proves_nothing() {
    let Some(database) = database("a_superseded_leader_writes_nothing") else { return };
    let events = events(4);
    let (mut first, mut second) = (database.candidate("first"), database.candidate("second"));
    let mut old = lead(&database, &mut first);
    old.append(&events[..1]).unwrap();
    old.confirm().unwrap();
    database.end_the_lead();
    old.append(&events[1..2]).expect("its time is over, but nobody has taken over yet");
    let mut new = lead(&database, &mut second);
    assert!(matches!(old.confirm(), Err(JournalError::Superseded)));
    assert!(matches!(old.append(&events[2..3]), Err(JournalError::Broken)), "it was told once");
    new.append(&events[2..]).unwrap();
    assert_eq!(database.numbers("SELECT epoch FROM batches ORDER BY sequence"), [1, 1, 2]);

    database.end_the_lead();
    let mut third = lead(&database, &mut first);
    assert!(matches!(new.append(&events[..1]), Err(JournalError::Superseded)));
    assert_eq!(third.sequence(), 3);
    third.confirm().unwrap();
}

#[test]
fn a_superseded_leader_keeps_no_snapshot() {
    let Some(database) = database("a_superseded_leader_keeps_no_snapshot") else { return };
    let (mut first, mut second) = (database.candidate("first"), database.candidate("second"));
    let mut old = lead(&database, &mut first);
    old.append(&events(1)).unwrap();
    database.end_the_lead();
    lead(&database, &mut second);
    let ledger = basin_core::Ledger::new(basin_core::command::Policy::default());
    let kept = old.keep_snapshot(&EncodedSnapshot::new(1, &ledger.snapshot()));
    assert!(matches!(kept, Err(JournalError::Superseded)), "{kept:?}");
    assert_eq!(database.numbers("SELECT sequence FROM snapshots"), [0; 0]);
}

#[test]
fn an_append_that_an_election_overtakes_is_void() {
    let Some(database) = database("an_append_that_an_election_overtakes_is_void") else { return };
    let (mut first, mut second) = (database.candidate("first"), database.candidate("second"));
    let mut old = lead(&database, &mut first);
    database.end_the_lead();
    // The election holds the row while the append is on its way, and ends first.
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| {
            database.execute("BEGIN; UPDATE leader SET epoch = epoch + 1; SELECT pg_sleep(1); COMMIT");
        });
        let schema = database.address().schema;
        let is_held = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND application_name = '{schema}'"
        );
        while database.numbers(&is_held) == [0] {
            std::thread::yield_now();
        }
        assert!(matches!(old.append(&events(1)), Err(JournalError::Superseded)));
        slow.join().unwrap();
    });
    database.end_the_lead();
    assert_eq!(lead(&database, &mut second).sequence(), 0);
}

#[test]
fn a_leader_whose_connection_was_cut_believes_nothing_and_leads_again() {
    let Some(database) = database("a_leader_whose_connection_was_cut") else { return };
    let mut candidate = database.candidate("first");
    let mut journal = lead(&database, &mut candidate);
    let events = events(2);
    journal.append(&events[..1]).unwrap();
    let schema = database.address().schema;
    database.execute(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE application_name = '{schema}' AND query LIKE '%INSERT INTO batches%' AND pid <> pg_backend_pid()"
    ));
    let failed = journal.append(&events[1..]).unwrap_err();
    assert!(matches!(failed, JournalError::Postgres(_)), "{failed:?}");
    assert!(matches!(journal.confirm(), Err(JournalError::Broken)));
    let again = lead(&database, &mut candidate);
    assert_eq!(again.sequence(), 1);
}

#[test]
fn a_schema_that_holds_something_else_is_refused() {
    let Some(database) = database("a_schema_that_holds_something_else_is_refused") else { return };
    let schema = database.address().schema;
    // Made through another journal's connection: this schema isn't there yet.
    let other = Database::new();
    other.execute(&format!("CREATE SCHEMA \"{schema}\"; CREATE TABLE \"{schema}\".notes (note TEXT)"));
    let error = database.campaign(&mut database.candidate("first")).unwrap_err();
    assert!(matches!(&error, JournalError::ForeignSchema(name) if *name == schema), "{error}");
    assert!(error.is_lasting());
    other.execute(&format!("DROP TABLE \"{schema}\".notes"));
    elected(database.campaign(&mut database.candidate("first")));
}

#[test]
fn a_journal_of_a_later_format_is_refused() {
    let Some(database) = database("a_journal_of_a_later_format_is_refused") else { return };
    elected(database.campaign(&mut database.candidate("first")));
    database.execute("UPDATE journal_format SET number = 2");
    let error = database.campaign(&mut database.candidate("second")).unwrap_err();
    assert!(matches!(error, JournalError::LaterFormat { found: 2, known: 1 }), "{error}");
}

#[test]
fn a_server_that_is_not_there_is_named_without_the_password() {
    let address = Address::parse("postgres://u:s3cr3t@127.0.0.1:9/d", &Environment::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(Candidate::new(address, String::new()).campaign()).unwrap_err();
    let text = format!("{} {error:?}", basin_domain::error_chain::with_causes(&error));
    assert!(text.contains("refused") && !text.contains("s3cr3t"), "{text}");
    assert!(!error.is_lasting());
}
