//! A coordinator on a journal that others share: it stands by until the lead is free, leads until it has lost it, and stands
//! by again.

use std::error::Error;
use std::time::Duration;

use basin_storage::{CommitMode, StorageError};
use tokio_util::sync::CancellationToken;

use crate::journal::{Election, ElectionOutcome, Epoch, JournalError};
use crate::leader_session::{LeaderContext, LeaderSession, LeaderSessionError};
use crate::service::{Leadership, LeadershipRole};

/// The pause between two attempts to be elected.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// The pause after a lead that could not be used: another coordinator may be better off.
const BACKOFF: Duration = Duration::from_secs(5);

/// A coordinator that contends for the lead.
#[derive(Debug)]
pub struct LeaderElection<E> {
    /// Its part in the election.
    pub candidate: E,
    /// What it leads with.
    pub context: LeaderContext,
    /// Told whether it leads.
    pub leadership: Leadership,
    /// The process stops: calls that wait are answered.
    pub stop: CancellationToken,
    /// All calls are answered: the lead is given up, and this ends.
    pub retire: CancellationToken,
    /// Cancelled by this when it can't go on.
    pub failed: CancellationToken,
}

/// Why a lead that was won could not be used.
#[derive(Debug, thiserror::Error)]
pub enum TakeoverError {
    /// The journal or the ledger.
    #[error(transparent)]
    Session(#[from] LeaderSessionError),
    /// The store can't be used from here.
    #[error("the store can't be used")]
    Store(#[from] StorageError),
    /// It was lost at once.
    #[error("the lead was lost meanwhile")]
    Lost(#[source] JournalError),
}

impl TakeoverError {
    /// Whether a person must look at the journal before anybody can lead.
    const fn is_lasting(&self) -> bool {
        match self {
            Self::Session(LeaderSessionError::Journal(error)) => error.is_lasting(),
            Self::Session(LeaderSessionError::Ledger(_)) | Self::Store(_) | Self::Lost(_) => false,
        }
    }
}

impl<E: Election> LeaderElection<E> {
    /// Takes over under a new epoch: the store is probed and the journal replayed while the lead is kept.
    ///
    /// # Errors
    /// If it can't be used, or was lost meanwhile.
    pub async fn take_over(&mut self, epoch: Epoch) -> Result<LeaderSession, TakeoverError> {
        let journal = self.candidate.journal(epoch);
        let (context, stop, leadership) = (&self.context, &self.stop, &self.leadership);
        let begun = async {
            let commits = CommitMode::from(context.store.probe().await?);
            // From here on it can't be said that nothing is decided here.
            leadership.set(LeadershipRole::Transition);
            let context = LeaderContext { commits, ..context.clone() };
            Ok::<_, TakeoverError>(LeaderSession::begin(journal, &context, stop).await?)
        };
        tokio::pin!(begun);
        tokio::select! {
            biased;
            begun = &mut begun => begun,
            error = self.candidate.hold(epoch) => {
                // Whatever has begun ends before anybody hears that nothing is decided here.
                if let Ok(session) = begun.await {
                    session.end().await;
                }
                Err(TakeoverError::Lost(error))
            }
        }
    }

    /// Leads, if it was elected already, and contends until it retires or can't go on.
    pub async fn run(mut self, mut led: Option<(Epoch, LeaderSession)>) {
        loop {
            let (epoch, session) = match led.take() {
                Some(led) => led,
                None => match self.wait_for_leadership().await {
                    Some(led) => led,
                    None => return,
                },
            };
            self.leadership.lead(&session.coordinator);
            tracing::info!(%epoch, "leading");
            let lost = tokio::select! {
                biased;
                error = self.candidate.hold(epoch) => Some(error),
                () = session.coordinator.ledger.closed() => None,
                () = self.retire.cancelled() => return self.retire(epoch, session).await,
            };
            if let Some(error) = lost {
                tracing::warn!(%epoch, error = &error as &dyn Error, "the lead was lost");
            }
            self.leadership.set(LeadershipRole::Transition);
            session.end().await;
            // Nothing is decided here any more: now that can be said.
            self.leadership.stand_by(None);
        }
    }

    /// Stands by until it leads. Nothing if it retires before, or can't go on.
    async fn wait_for_leadership(&mut self) -> Option<(Epoch, LeaderSession)> {
        let mut was_logged = false;
        loop {
            let pause = match self.candidate.campaign().await {
                Ok(ElectionOutcome::Elected(epoch)) => match self.take_over(epoch).await {
                    Ok(session) => return Some((epoch, session)),
                    Err(error) => {
                        self.yield_leadership(epoch, &error).await;
                        BACKOFF
                    }
                },
                Ok(ElectionOutcome::Led { by }) => {
                    was_logged = false;
                    self.leadership.stand_by((!by.is_empty()).then_some(by));
                    POLL_INTERVAL
                }
                Err(error) => {
                    self.leadership.stand_by(None);
                    if error.is_lasting() {
                        tracing::error!(error = &error as &dyn Error, "the journal can't be used");
                        self.failed.cancel();
                    } else if !std::mem::replace(&mut was_logged, true) {
                        let error = &error as &dyn Error;
                        tracing::warn!(
                            error,
                            "the journal's database does not answer; it is asked again and again"
                        );
                    }
                    POLL_INTERVAL
                }
            };
            if self.failed.is_cancelled() {
                return None;
            }
            tokio::select! {
                biased;
                () = tokio::time::sleep(pause) => {}
                () = self.retire.cancelled() => return None,
            }
        }
    }

    /// Gives up a lead that can't be used, for another coordinator that may be better off.
    async fn yield_leadership(&mut self, epoch: Epoch, error: &TakeoverError) {
        tracing::error!(%epoch, error = error as &dyn Error, "the lead could not be taken over");
        if error.is_lasting() {
            self.failed.cancel();
        }
        self.resign(epoch).await;
        self.leadership.stand_by(None);
    }

    async fn resign(&mut self, epoch: Epoch) {
        if let Err(error) = self.candidate.resign(epoch).await {
            tracing::warn!(%epoch, error = &error as &dyn Error, "the lead could not be given up");
        }
    }

    /// Closes the journal while the lead is kept, and gives it up, so that a standby needn't wait.
    async fn retire(mut self, epoch: Epoch, session: LeaderSession) {
        let ended = session.end();
        tokio::pin!(ended);
        tokio::select! {
            biased;
            () = &mut ended => {}
            _ = self.candidate.hold(epoch) => ended.await,
        }
        self.resign(epoch).await;
    }
}
