//! A real PostgreSQL for tests: each [`Database`] is a schema of its own in the one that `BASIN_TEST_POSTGRES` names.

use std::sync::Arc;

use basin_core::Event;
use tokio::runtime::Runtime;
use tokio_postgres::Client;

use super::{Address, Candidate, Environment, PostgresJournal};
use crate::journal::{Election, ElectionOutcome, EncodedSnapshot, Epoch, Journal, JournalError, Recovered};

/// A schema, dropped with this.
pub(in crate::journal) struct Database {
    runtime: Arc<Runtime>,
    address: Address,
}

impl Database {
    /// Why there is none.
    pub(in crate::journal) fn is_missing() -> Option<&'static str> {
        std::env::var_os("BASIN_TEST_POSTGRES").is_none().then_some("BASIN_TEST_POSTGRES names no PostgreSQL")
    }

    pub(in crate::journal) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let url = std::env::var("BASIN_TEST_POSTGRES").unwrap();
        let schema = format!("t{}", uuid::Uuid::new_v4().simple());
        let mark = if url.contains('?') { '&' } else { '?' };
        let address = Address::parse(
            &format!("{url}{mark}schema={schema}&application_name={schema}"),
            &Environment::default(),
        )
        .unwrap();
        Self { runtime: Arc::new(runtime.unwrap()), address }
    }

    pub(super) fn address(&self) -> Address {
        self.address.clone()
    }

    pub(super) fn candidate(&self, name: &str) -> Candidate {
        Candidate::new(self.address(), format!("http://{name}"))
    }

    /// The outcome of an election.
    pub(super) fn campaign(&self, candidate: &mut Candidate) -> Result<ElectionOutcome, JournalError> {
        self.runtime.block_on(candidate.campaign())
    }

    /// A journal whose leader is a candidate of its own.
    pub(in crate::journal) fn open(&self) -> Result<Led, JournalError> {
        let mut candidate = self.candidate("here");
        match self.campaign(&mut candidate)? {
            ElectionOutcome::Elected(epoch) => Ok(Led {
                journal: PostgresJournal::new(self.address(), epoch),
                candidate,
                epoch,
                runtime: Arc::clone(&self.runtime),
            }),
            ElectionOutcome::Led { .. } => Err(JournalError::Locked),
        }
    }

    /// The time of whoever leads is over.
    pub(super) fn end_the_lead(&self) {
        self.execute("UPDATE leader SET until = '-infinity'");
    }

    pub(in crate::journal) fn execute(&self, statement: &str) {
        self.runtime.block_on(async {
            self.connect().await.batch_execute(statement).await.unwrap();
        });
    }

    pub(in crate::journal) fn numbers(&self, query: &str) -> Vec<u64> {
        self.runtime.block_on(async {
            let rows = self.connect().await.query(query, &[]).await.unwrap();
            rows.iter().map(|row| row.get::<_, i64>(0) as u64).collect()
        })
    }

    /// A connection as a person's tool makes it: nothing is checked.
    async fn connect(&self) -> Client {
        let (client, connection) = self.address.config.connect(tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let path = format!("SET search_path TO \"{}\"", self.address.schema);
        client.batch_execute(&path).await.unwrap();
        client
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.execute(&format!("DROP SCHEMA IF EXISTS \"{}\" CASCADE", self.address.schema));
    }
}

/// A journal and its lead, which is given up when this is dropped.
#[derive(Debug)]
pub(in crate::journal) struct Led {
    journal: PostgresJournal,
    candidate: Candidate,
    epoch: Epoch,
    runtime: Arc<Runtime>,
}

impl Drop for Led {
    fn drop(&mut self) {
        self.runtime.block_on(self.candidate.resign(self.epoch)).unwrap();
    }
}

impl Journal for Led {
    fn load(&mut self) -> Result<Recovered, JournalError> {
        self.journal.load()
    }

    fn append(&mut self, events: &[Event]) -> Result<(), JournalError> {
        self.journal.append(events)
    }

    fn confirm(&mut self) -> Result<(), JournalError> {
        self.journal.confirm()
    }

    fn sequence(&self) -> u64 {
        self.journal.sequence()
    }

    fn keep_snapshot(&mut self, snapshot: &EncodedSnapshot) -> Result<(), JournalError> {
        self.journal.keep_snapshot(snapshot)
    }
}
