//! `basin forget`: a sweep that is over is taken out of the ledger, and then out of the store.
//!
//! In this order: what the store lists is never less than what the ledger knows, so nothing that the ledger knows is ever garbage. One
//! that ends in between is asked again: the ledger remembers that it forgot the sweep, and the store is cleaned then.

use std::collections::BTreeSet;
use std::sync::Arc;

use basin_core::command::{Forget, Refusal};
use basin_domain::id::{SweepId, TaskId};
use basin_domain::lookup;
use basin_storage::{StorageError, Store};
use tonic::Status;

use super::unknown_name::{NamedThing, SEVERAL, known, not_one};
use super::{Coordinator, refusal};
use crate::journal::DecideError;

/// A sweep that was forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgottenSweep {
    /// The sweep.
    pub sweep: SweepId,
    /// The tasks that it listed; none if it was forgotten before.
    pub tasks: u64,
}

/// Why a sweep that the ledger doesn't know isn't taken out of the store: somebody may be working on it elsewhere.
#[derive(Debug, thiserror::Error)]
pub enum NotKnownToBeOver {
    /// Not all of its tasks are committed.
    #[error(
        "{uncommitted} of the {tasks} tasks of {sweep} are not committed, and this journal doesn't know whether anybody works on them"
    )]
    Uncommitted {
        /// The sweep.
        sweep: SweepId,
        /// Its tasks.
        tasks: usize,
        /// Those without a commit.
        uncommitted: usize,
    },
    /// What it lists can't be read.
    #[error(
        "the list of the tasks of {sweep} can't be read, and this journal doesn't know whether anybody works on them"
    )]
    Unreadable {
        /// The sweep.
        sweep: SweepId,
        /// The defect.
        #[source]
        source: StorageError,
    },
}

/// Why a sweep isn't taken out of a store without a journal.
#[derive(Debug, thiserror::Error)]
pub enum StoredForgetError {
    /// It may not be over.
    #[error(transparent)]
    NotKnownToBeOver(#[from] NotKnownToBeOver),
    /// The store can't be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<StoredForgetError> for Status {
    fn from(error: StoredForgetError) -> Self {
        match error {
            StoredForgetError::Storage(error) => refusal::store_error(error),
            StoredForgetError::NotKnownToBeOver(error) => {
                let mut status = Self::failed_precondition(error.to_string());
                status.set_source(Arc::new(error));
                status
            }
        }
    }
}

impl Coordinator {
    /// Forgets the one sweep that `text` names; `is_abandoned` says of one that the ledger doesn't know that nobody works on it.
    /// Idempotent.
    ///
    /// # Errors
    /// If there is no such sweep, it isn't over or may not be, or ledger or store can't be written.
    pub async fn forget(&self, text: &str, is_abandoned: bool) -> Result<ForgottenSweep, Status> {
        let _alone = self.clean_up.launches.write().await;
        let sweep = self.sweep_to_forget(text).await?;
        let tasks = match self.ledger.decide(Forget(sweep.clone())).await {
            Ok(forgotten) => {
                self.store.remove_sweep(&sweep).await.map_err(refusal::store_error)?;
                forgotten.tasks
            }
            // Another journal's, or of one that is gone.
            Err(DecideError::Refused(Refusal::UnknownSweep(_))) => {
                forget_stored(&self.store, &sweep, is_abandoned).await?
            }
            Err(error) => return Err(refusal::decide_error(&error)),
        };
        tracing::info!(%sweep, tasks, "sweep forgotten");
        Ok(ForgottenSweep { sweep, tasks })
    }

    /// The one sweep of the ledger, or of the store alone, that `text` names.
    ///
    /// # Errors
    /// If there is none, or there are several.
    pub async fn sweep_to_forget(&self, text: &str) -> Result<SweepId, Status> {
        let wanted = text.to_owned();
        let look = self.ledger.view(move |ledger| {
            let forgotten = SweepId::new(&*wanted).ok().filter(|id| ledger.was_forgotten(id));
            let fitting = ledger.sweeps_beginning_with(&wanted, SEVERAL);
            (forgotten, fitting, known(NamedThing::Sweep, ledger))
        });
        let (forgotten, fitting, known) = look.await.map_err(|error| refusal::decide_error(&error))?;
        if let Some(forgotten) = forgotten {
            return Ok(forgotten);
        }
        let stored = self.store.sweep_folders().await.map_err(refusal::store_error)?;
        // The store may have some that the ledger doesn't know.
        let mut there: BTreeSet<String> = known.into_iter().collect();
        there.extend(stored.iter().take(SEVERAL).map(ToString::to_string));
        lookup::find(text, fitting.into_iter().chain(stored))
            .map_err(|unfound| not_one(NamedThing::Sweep, text, &unfound, there))
    }
}

/// Takes a sweep out of a store whose journal isn't known, if all of its tasks are committed or it `is_abandoned`: nobody works on it
/// then. Gives how many tasks it listed. Idempotent.
///
/// # Errors
/// If somebody may be working on it, or the store can't be read or written.
pub async fn forget_stored(
    store: &Store,
    sweep: &SweepId,
    is_abandoned: bool,
) -> Result<u64, StoredForgetError> {
    let unreadable = |source| NotKnownToBeOver::Unreadable { sweep: sweep.clone(), source };
    let tasks: BTreeSet<TaskId> = match store.read_tasks(sweep).await {
        Ok(tasks) => tasks.into_iter().map(|task| task.id).collect(),
        Err(StorageError::NotFound { .. } | StorageError::Corrupt { .. }) if is_abandoned => BTreeSet::new(),
        Err(error @ StorageError::Corrupt { .. }) => return Err(unreadable(error).into()),
        // What neither has a list nor a record is the rest of a removal that ended in the middle.
        Err(error @ StorageError::NotFound { .. }) => match store.read_sweep(sweep).await {
            Err(StorageError::NotFound { .. }) => BTreeSet::new(),
            Ok(_) | Err(_) => return Err(unreadable(error).into()),
        },
        Err(error) => return Err(error.into()),
    };
    if !is_abandoned {
        let ids: Vec<TaskId> = tasks.iter().copied().collect();
        let committed = store.find_commits(&ids).await?.commits.len();
        if committed < tasks.len() {
            let (sweep, uncommitted) = (sweep.clone(), tasks.len() - committed);
            return Err(NotKnownToBeOver::Uncommitted { sweep, tasks: tasks.len(), uncommitted }.into());
        }
    }
    store.remove_sweep(sweep).await?;
    Ok(tasks.len() as u64)
}
