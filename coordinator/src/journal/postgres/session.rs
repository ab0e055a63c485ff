//! A connection to the database, made ready: schema, session settings, tables of the right format.

use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::Address;
use crate::journal::JournalError;

/// The version of the tables and of what is in them.
const FORMAT: i64 = 1;
/// The advisory lock under which tables are made: "basn".
const CREATION_LOCK: i64 = 0x6261_736e;
/// How long connecting may take in all, whichever of several servers answers.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Statements are short, transactions are one statement each, and a client that vanished holds nothing for long.
const SESSION_SETTINGS: &str = "
    SET lock_timeout = '4s';
    SET statement_timeout = '60s';
    SET idle_in_transaction_session_timeout = '10s';
    SET default_transaction_isolation = 'read committed';
    SET default_transaction_read_only = off;
    SET tcp_keepalives_idle = 5;
    SET tcp_keepalives_interval = 2;
    SET tcp_keepalives_count = 3;
    SELECT set_config('synchronous_commit', 'on', false)
     WHERE current_setting('synchronous_commit') IN ('off', 'local');
";

const TABLES: &str = "
    CREATE TABLE journal_format (
        number BIGINT NOT NULL
    );
    CREATE TABLE batches (
        sequence BIGINT PRIMARY KEY,
        epoch BIGINT NOT NULL,
        chain BYTEA NOT NULL,
        events BYTEA NOT NULL
    );
    CREATE TABLE snapshots (
        sequence BIGINT PRIMARY KEY,
        chain BYTEA NOT NULL,
        digest BYTEA NOT NULL,
        state BYTEA NOT NULL
    );
    CREATE TABLE leader (
        is_single BOOLEAN PRIMARY KEY DEFAULT true CHECK (is_single),
        epoch BIGINT NOT NULL,
        holder TEXT NOT NULL,
        url TEXT NOT NULL,
        until TIMESTAMPTZ NOT NULL
    ) WITH (fillfactor = 10);
    INSERT INTO leader (epoch, holder, url, until) VALUES (0, '', '', '-infinity');
";

/// A connection in which a journal's tables are to be found under their plain names.
pub(super) struct Session {
    pub(super) client: Client,
}

impl Session {
    /// Connects, and makes the tables if the schema has none.
    ///
    /// # Errors
    /// If the server can't be reached or refuses, or the schema holds something else.
    pub(super) async fn open(address: &Address) -> Result<Self, JournalError> {
        within(CONNECT_TIMEOUT, async {
            let connector = address.connector()?;
            let (client, connection) = address.config.connect(connector.make()).await?;
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "a connection to the database broke"
                    );
                }
            });
            client.batch_execute(SESSION_SETTINGS).await?;
            // A checked name: nothing in it needs an escape.
            client.batch_execute(&format!("SET search_path TO \"{}\"", address.schema)).await?;
            let mut session = Self { client };
            session.check_tables(&address.schema).await?;
            Ok(session)
        })
        .await
    }

    async fn check_tables(&mut self, schema: &str) -> Result<(), JournalError> {
        if !self.has_tables(schema).await? {
            self.make_tables(schema).await?;
        }
        let found = match self.client.query_opt("SELECT number FROM journal_format", &[]).await {
            Ok(row) => row.map(|row| row.get::<_, i64>(0)),
            Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => None,
            Err(error) => return Err(error.into()),
        };
        match found {
            Some(FORMAT) => Ok(()),
            Some(found) => Err(JournalError::LaterFormat { found, known: FORMAT }),
            None => Err(JournalError::ForeignSchema(schema.to_owned())),
        }
    }

    async fn has_tables(&self, schema: &str) -> Result<bool, JournalError> {
        let count = "SELECT count(*) FROM pg_catalog.pg_class WHERE relnamespace = to_regnamespace($1)::oid";
        let count: i64 = self.client.query_one(count, &[&schema]).await?.get(0);
        Ok(count > 0)
    }

    /// Makes the tables, unless another process does at the same time.
    async fn make_tables(&mut self, schema: &str) -> Result<(), JournalError> {
        let transaction = self.client.transaction().await?;
        transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&CREATION_LOCK]).await?;
        let found = "SELECT to_regnamespace($1) IS NOT NULL,
            EXISTS (SELECT FROM pg_catalog.pg_class WHERE relnamespace = to_regnamespace($1)::oid)";
        let found = transaction.query_one(found, &[&schema]).await?;
        let (has_schema, has_tables): (bool, bool) = (found.get(0), found.get(1));
        if has_tables {
            return Ok(());
        }
        if !has_schema {
            transaction.batch_execute(&format!("CREATE SCHEMA \"{schema}\"")).await?;
        }
        transaction.batch_execute(TABLES).await?;
        transaction.execute("INSERT INTO journal_format (number) VALUES ($1)", &[&FORMAT]).await?;
        transaction.commit().await?;
        tracing::info!(schema, "the journal's tables were made");
        Ok(())
    }
}

/// The result of `work`, unless the database is silent for too long.
pub(super) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, JournalError>>,
) -> Result<T, JournalError> {
    tokio::time::timeout(limit, work).await.unwrap_or(Err(JournalError::Silent(limit)))
}
