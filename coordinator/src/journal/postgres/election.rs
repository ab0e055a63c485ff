//! Who leads: one row with an epoch, renewed by its holder, taken by another once it has run out.
//!
//! The row's end is set and read by the database's clock alone. It decides how soon a standby takes over, and nothing else:
//! what keeps a superseded leader from writing, or from answering, is the epoch, which every write and every confirmation
//! checks in the database ([`PostgresJournal`](super::PostgresJournal)).

use std::time::{Duration, Instant};

use super::session::{Session, within};
use super::{Address, PostgresJournal};
use crate::journal::{Election, ElectionOutcome, Epoch, JournalError};

/// How long the lead lasts without being renewed: what a standby waits for when the leader has died.
const LEAD_DURATION: Duration = Duration::from_secs(5);
/// The pause between two renewals.
const RENEW_INTERVAL: Duration = Duration::from_secs(1);
/// How long one statement of an election may take.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// The lead is free if its time is over. Its last holder may have it at once, under a new epoch: what may still be on its way
/// from before is void then.
const CAMPAIGN: &str = "
    UPDATE leader
       SET epoch = epoch + 1, holder = $1, url = $2, until = clock_timestamp() + $3 * interval '1 second'
     WHERE until <= clock_timestamp() OR holder = $1
    RETURNING epoch";
const FIND_LEADER: &str = "SELECT url FROM leader WHERE until > clock_timestamp()";
const EXTEND: &str =
    "UPDATE leader SET until = clock_timestamp() + $2 * interval '1 second' WHERE epoch = $1";
const RESIGN: &str = "UPDATE leader SET until = clock_timestamp() WHERE epoch = $1";

/// A coordinator that would lead.
#[derive(Debug)]
pub struct Candidate {
    address: Address,
    /// Unique to this process.
    holder: String,
    /// Where it can be called.
    url: String,
    session: Option<Session>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("is_closed", &self.client.is_closed()).finish()
    }
}

impl Candidate {
    /// A candidate that can be called at `url`. Nothing is sent yet.
    pub fn new(address: Address, url: String) -> Self {
        let holder = uuid::Uuid::new_v4().simple().to_string();
        Self { address, holder, url, session: None }
    }

    async fn renew(&mut self, epoch: Epoch) -> Result<(), JournalError> {
        let seconds = LEAD_DURATION.as_secs_f64();
        self.ask(async |session: &Session| {
            match session.client.execute(EXTEND, &[&epoch.0, &seconds]).await? {
                0 => Err(JournalError::Superseded),
                _ => Ok(()),
            }
        })
        .await
    }

    /// Asks over the connection that is there, or a new one. One that failed isn't used again.
    async fn ask<T>(
        &mut self,
        question: impl AsyncFnOnce(&Session) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let session = match self.session.take().filter(|session| !session.client.is_closed()) {
            Some(session) => session,
            None => Session::open(&self.address).await?,
        };
        let answer = within(STATEMENT_TIMEOUT, question(&session)).await;
        if answer.is_ok() {
            self.session = Some(session);
        }
        answer
    }
}

impl Election for Candidate {
    type Journal = PostgresJournal;

    fn journal(&self, epoch: Epoch) -> PostgresJournal {
        PostgresJournal::new(self.address.clone(), epoch)
    }

    async fn campaign(&mut self) -> Result<ElectionOutcome, JournalError> {
        let seconds = LEAD_DURATION.as_secs_f64();
        let (holder, url) = (self.holder.clone(), self.url.clone());
        self.ask(async |session: &Session| {
            let elected = session.client.query_opt(CAMPAIGN, &[&holder, &url, &seconds]).await?;
            if let Some(row) = elected {
                return Ok(ElectionOutcome::Elected(Epoch(row.get(0))));
            }
            let led = session.client.query_opt(FIND_LEADER, &[]).await?;
            Ok(ElectionOutcome::Led { by: led.map(|row| row.get(0)).unwrap_or_default() })
        })
        .await
    }

    async fn hold(&mut self, epoch: Epoch) -> JournalError {
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(RENEW_INTERVAL).await;
            let sent = Instant::now();
            match self.renew(epoch).await {
                Ok(()) => renewed = sent,
                Err(error @ JournalError::Superseded) => return error,
                Err(error) if renewed.elapsed() >= LEAD_DURATION => return error,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the lead could not be renewed");
                }
            }
        }
    }

    async fn resign(&mut self, epoch: Epoch) -> Result<(), JournalError> {
        self.ask(async |session: &Session| Ok(session.client.execute(RESIGN, &[&epoch.0]).await.map(drop)?))
            .await
    }
}
