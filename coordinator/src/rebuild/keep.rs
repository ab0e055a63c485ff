//! A history is kept in an empty journal, all of it or nothing.

use std::path::Path;

use basin_core::command::Policy;
use basin_core::{Event, Ledger};

use crate::journal::postgres::{Address, Candidate};
use crate::journal::{
    Election, ElectionOutcome, Journal, JournalError, PostgresJournal, Recovered, SqliteJournal,
};
use crate::launch::on_blocking_thread;

/// Why a history isn't kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The journal holds sweeps: what it knows of them is more than the store does.
    #[error("it isn't empty: it has {sweeps} sweeps")]
    NotEmpty {
        /// How many are in it.
        sweeps: usize,
    },
    /// A coordinator leads on the journal.
    #[error("a coordinator leads on it{}", by_whom(.url))]
    Led {
        /// Its URL; empty if it isn't known.
        url: String,
    },
    /// The journal can't be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

fn by_whom(url: &str) -> String {
    if url.is_empty() { String::new() } else { format!(": {url}") }
}

/// Keeps a history in a journal in the file at `path`, which is made if there is none.
///
/// # Errors
/// If the journal isn't empty, or can't be used. If a write failed, only a look at the journal tells whether the history is in it: then it
/// isn't empty.
pub async fn keep_in_file(path: &Path, events: Vec<Event>) -> Result<(), KeepError> {
    let path = path.to_owned();
    on_blocking_thread(move || keep(SqliteJournal::open(&path)?, &events)).await
}

/// The same in a database that no coordinator leads on.
///
/// # Errors
/// The same, and if a coordinator leads.
pub async fn keep_in_database(address: &Address, events: Vec<Event>) -> Result<(), KeepError> {
    let mut candidate = Candidate::new(address.clone(), String::new());
    let epoch = match candidate.campaign().await? {
        ElectionOutcome::Elected(epoch) => epoch,
        ElectionOutcome::Led { by } => return Err(KeepError::Led { url: by }),
    };
    let journal = PostgresJournal::new(address.clone(), epoch);
    let keeping = on_blocking_thread(move || keep(journal, &events));
    tokio::pin!(keeping);
    let kept = tokio::select! {
        kept = &mut keeping => kept,
        // Another leads by now: then the database refuses the write, which is waited for all the same.
        _ = candidate.hold(epoch) => keeping.await,
    };
    if let Err(error) = candidate.resign(epoch).await {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "the lead could not be given up; it ends by itself within seconds");
    }
    kept
}

/// Checks that the journal in the file at `path` could be rebuilt; nothing is written but a copy of it, into the folder `copy`.
///
/// # Errors
/// As [`keep_in_file`].
pub async fn check_copy(path: &Path, copy: &Path) -> Result<(), KeepError> {
    let (path, copy) = (path.to_owned(), copy.to_owned());
    on_blocking_thread(move || {
        let copy = SqliteJournal::copy(&path, &copy)?;
        check_empty(&mut SqliteJournal::open(&copy)?)
    })
    .await
}

fn keep(mut journal: impl Journal, events: &[Event]) -> Result<(), KeepError> {
    check_empty(&mut journal)?;
    Ok(journal.append(events)?)
}

/// Refuses a journal that knows of anything launched. One in which a coordinator has only come and gone is empty.
fn check_empty(journal: &mut impl Journal) -> Result<(), KeepError> {
    let Recovered { snapshot, events } = journal.load()?;
    let mut ledger = match snapshot {
        Some(snapshot) => Ledger::restore(Policy::default(), snapshot).map_err(JournalError::from)?,
        None => Ledger::new(Policy::default()),
    };
    events.iter().for_each(|event| ledger.apply(event));
    let sweeps = ledger.sweeps().count();
    // A launch that was broken off has tasks, and isn't a sweep yet.
    match sweeps == 0 && ledger.page_of_tasks(None, 1).is_empty() {
        true => Ok(()),
        false => Err(KeepError::NotEmpty { sweeps }),
    }
}

#[cfg(test)]
mod tests;
