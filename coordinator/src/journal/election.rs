//! Who leads on a journal that several coordinators share.

use std::fmt;

use super::{Journal, JournalError};

/// The number of a leadership: each is higher than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(pub i64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How an election went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ElectionOutcome {
    /// The candidate leads.
    Elected(Epoch),
    /// Another does, who can be called there.
    Led {
        /// Its URL.
        by: String,
    },
}

/// A coordinator's part in the election of a leader: it stands for the lead, keeps it, and gives it up.
///
/// How soon a standby takes over is up to it. What keeps a leader that was superseded from writing, or from answering, is the epoch
/// that its journal writes and confirms under.
pub trait Election: Send + 'static {
    /// The journal that a leader writes.
    type Journal: Journal;

    /// Takes the lead, if it is free.
    ///
    /// # Errors
    /// If nobody can be asked.
    fn campaign(&mut self) -> impl Future<Output = Result<ElectionOutcome, JournalError>> + Send;

    /// Renews the lead until that fails, and says why: another has it, or it couldn't be renewed for as long as it lasts.
    fn hold(&mut self, epoch: Epoch) -> impl Future<Output = JournalError> + Send;

    /// Gives the lead up, so that a standby needn't wait for its end.
    ///
    /// # Errors
    /// If nobody can be told.
    fn resign(&mut self, epoch: Epoch) -> impl Future<Output = Result<(), JournalError>> + Send;

    /// The journal, for the leader of this epoch.
    fn journal(&self, epoch: Epoch) -> Self::Journal;
}
