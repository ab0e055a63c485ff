//! The journal in a folder of local state, for a command that works in the folder alone: whoever has it open keeps others out.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use basin_coordinator::journal::{JournalError, SqliteJournal};
use basin_coordinator::leader_session::{LeaderContext, LeaderSession, LeaderSessionError};
use basin_coordinator::platform::SystemPlatform;
use basin_coordinator::server::{JournalLocation, StartError};
use basin_coordinator::service::{Coordinator, commit_record};
use basin_core::command::{Adopt, Fail, Policy, Release};
use basin_domain::error_chain;
use basin_domain::failure::{Failure, FailureKind, ReleaseReason};
use basin_storage::{CommitMode, StorageError, Store};
use tokio_util::sync::CancellationToken;

use super::command_error::{CommandError, OrFail};
use super::failures::{OrStore, not_started};
use super::local_coordinator::LocalCoordinator;

/// What to do where another works in the folder.
const IN_USE: &str = "let its coordinator do it with `--coordinator URL`, or wait until it has ended; `--state DIR` names another state";

/// The journal of a folder of local state.
pub(super) fn journal_of(state: &Path) -> PathBuf {
    state.join("journal.sqlite")
}

/// Begins to lead on the journal of a folder of local state; nothing if it has none. `what` can't be done otherwise.
pub(super) async fn lead(
    state: &Path,
    store: &Store,
    commits: CommitMode,
    what: &str,
) -> Result<Option<LeaderSession>, CommandError> {
    let path = journal_of(state);
    if !path.exists() {
        return Ok(None);
    }
    let journal = SqliteJournal::open(&path).map_err(|error| unusable(state, error, what))?;
    let context = LeaderContext {
        store: store.clone(),
        commits,
        policy: Policy::default(),
        has_shared_journal: false,
        platform: Arc::new(SystemPlatform),
    };
    let session = LeaderSession::begin(journal, &context, &CancellationToken::new()).await;
    session.map(Some).map_err(|error| match error {
        LeaderSessionError::Journal(source) => unusable(state, source, what),
        LeaderSessionError::Ledger(error) => CommandError::basin(error).context(what.to_owned()),
    })
}

/// The failure of a journal that can't be used: who has it, if somebody has.
pub(super) fn unusable(state: &Path, source: JournalError, what: &str) -> CommandError {
    let what = what.to_owned();
    if !matches!(source, JournalError::Locked) {
        return not_started(StartError::Journal {
            journal: JournalLocation::File(journal_of(state)),
            source,
        })
        .context(what);
    }
    match LocalCoordinator::read(state) {
        Some(other) => used_by(&other, state, what),
        None => CommandError::input(source).context(what).hint(IN_USE),
    }
}

/// The failure of a command that needs a folder which another works in.
pub(super) fn used_by(other: &LocalCoordinator, state: &Path, what: String) -> CommandError {
    CommandError::input(other.in_use(state)).context(what).hint(IN_USE)
}

/// Ends the leases that an earlier run has left, killed or stopped: they are given back free of charge, since its executors died
/// with it. What of it is committed counts.
pub(super) async fn end_leases(coordinator: &Coordinator, what: &'static str) -> Result<(), CommandError> {
    let leases = coordinator.ledger.view(|ledger| {
        let leases = ledger.workers().flat_map(|worker| ledger.leases_of(worker.id));
        leases.map(|lease| (lease.id.clone(), lease.tasks)).collect::<Vec<_>>()
    });
    for (lease, tasks) in leases.await.or_basin(what)? {
        for task in tasks {
            let lease = lease.clone();
            let ended = match coordinator.commit_of(task).await {
                // It is marked; the others go on.
                Err(error @ StorageError::Corrupt { .. }) => {
                    let failure = Failure::new(FailureKind::Damaged, error_chain::with_causes(&error));
                    coordinator.ledger.decide(Fail { lease, task, failure }).await.map(drop)
                }
                commit => match commit.or_store(what)? {
                    Some(commit) => coordinator.ledger.decide(Adopt(commit_record(&commit))).await,
                    None => {
                        let reason = ReleaseReason::Preemption;
                        coordinator.ledger.decide(Release { lease, task, reason }).await.map(drop)
                    }
                },
            };
            ended.or_basin(what)?;
        }
    }
    Ok(())
}
