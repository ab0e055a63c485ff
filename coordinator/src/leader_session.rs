//! A session as leader: from a journal that is replayed to one that is closed.

use std::sync::Arc;
use std::time::Duration;

use basin_core::command::{Policy, Restarted};
use basin_storage::{CommitMode, Store};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::journal::{DecideError, Journal, JournalError, LedgerHandle, Meter, Metered};
use crate::platform::Platform;
use crate::service::{
    CleanUp, Coordinator, Forecasts, SweepSources, TaskNames, TaskNews, WorkerUsages, tick_forever,
};

/// How long the ticker may take to end.
const GRACE: Duration = Duration::from_secs(3);

/// The parts that a coordinator needs to lead.
#[derive(Debug, Clone)]
pub struct LeaderContext {
    /// Its store.
    pub store: Store,
    /// Who writes commits.
    pub commits: CommitMode,
    /// How long leases last, how often failures are forgiven.
    pub policy: Policy,
    /// Whether other coordinators may lead from the same journal.
    pub has_shared_journal: bool,
    /// The machine under it.
    pub platform: Arc<dyn Platform>,
}

/// Why a session as leader can't begin.
#[derive(Debug, thiserror::Error)]
pub enum LeaderSessionError {
    /// The journal can't be read, or is another's by now.
    #[error("the journal can't be replayed")]
    Journal(#[source] JournalError),
    /// The ledger stopped at once.
    #[error("the ledger did not start")]
    Ledger(#[source] DecideError),
}

/// A coordinator that leads.
#[derive(Debug)]
pub struct LeaderSession {
    /// The coordinator, answering.
    pub coordinator: Arc<Coordinator>,
    ticker: JoinHandle<()>,
}

/// Removes what killed processes have left half written in a store that is a folder. It does no harm there.
async fn remove_abandoned(store: Store) {
    match store.remove_abandoned().await {
        Ok(0) => {}
        Ok(files) => tracing::info!(files, "files that killed writers left in the store were removed"),
        Err(error) => tracing::warn!(%error, "files that killed writers left in the store were not removed"),
    }
}

impl LeaderSession {
    /// Replays the journal and gives every live lease a full lease duration; nothing is granted before that. `stop` ends calls that
    /// wait, and so does the session's end.
    pub async fn begin(
        journal: impl Journal,
        context: &LeaderContext,
        stop: &CancellationToken,
    ) -> Result<Self, LeaderSessionError> {
        let LeaderContext { store, commits, policy, has_shared_journal, platform } = context.clone();
        let meter = Meter::default();
        let journal = Metered::new(journal, meter.clone());
        let ledger = LedgerHandle::open_on(platform.work_host(), journal, policy, platform.clock()).await;
        let ledger = ledger.map_err(LeaderSessionError::Journal)?;
        ledger.decide(Restarted).await.map_err(LeaderSessionError::Ledger)?;
        let stop = stop.child_token();
        let coordinator = Arc::new(Coordinator {
            ledger,
            meter,
            store,
            names: TaskNames::default(),
            forecasts: Forecasts::default(),
            news: TaskNews::start(platform.work_host()),
            usages: WorkerUsages::default(),
            sources: SweepSources::default(),
            commits,
            lease_duration: policy.lease_duration,
            max_tasks: policy.max_tasks,
            clean_up: CleanUp::default(),
            wake: Notify::new(),
            due: Notify::new(),
            has_shared_journal,
            platform,
            stop: stop.clone(),
        });
        tokio::spawn(remove_abandoned(coordinator.store.clone()));
        let ticker = tokio::spawn(tick_forever(Arc::clone(&coordinator), stop));
        Ok(Self { coordinator, ticker })
    }

    /// Ends it: nothing is decided any more when this returns, and the journal is free, with a snapshot if it could be kept.
    pub async fn end(mut self) {
        self.coordinator.stop.cancel();
        if tokio::time::timeout(GRACE, &mut self.ticker).await.is_err() {
            self.ticker.abort();
        }
        self.coordinator.ledger.close().await;
        // A ledger that ended by itself may still be closing its journal.
        self.coordinator.ledger.closed().await;
    }
}
