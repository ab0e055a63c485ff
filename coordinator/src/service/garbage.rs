//! `basin gc`: what no sweep needs of the store is freed.

use std::time::Duration;

use basin_core::Ledger;
use basin_domain::id::TaskId;
use basin_storage::{Collected, GarbageCollection, Needed, OtherWriters};
use tonic::Status;

use super::{Coordinator, launching, refusal};
use crate::journal::{DecideError, LedgerHandle};

/// What was written within this time stays, if nothing else was said.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(24 * 60 * 60);
/// A call ends after this time, and says where the next goes on.
const TIME_BUDGET: Duration = Duration::from_secs(30);

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GarbageRequest {
    /// Only to say what would be freed.
    pub is_dry_run: bool,
    /// Versions of data sets, too.
    pub with_datasets: bool,
    /// What was written within this time stays.
    pub grace: Duration,
    /// The last shard of tasks that was looked at before.
    pub after: Option<u8>,
}

impl Coordinator {
    /// Frees what no sweep in the store needs, and nothing that the ledger knows; for some time, and says where the next call goes on.
    /// Idempotent.
    ///
    /// # Errors
    /// If the store can't be read or written, or the ledger has closed.
    pub async fn collect_garbage(&self, request: GarbageRequest) -> Result<Collected, Status> {
        let GarbageRequest { is_dry_run, with_datasets, grace, after } = request;
        let _alone = self.clean_up.collection.lock().await;
        let known = needed_by(&self.ledger).await.map_err(|error| refusal::decide_error(&error))?;
        let collection = GarbageCollection {
            is_dry_run,
            with_datasets,
            other_writers: OtherWriters::Possible { grace },
            commits: Some(self.commits),
        };
        let collected = self.store.collect_garbage(&collection, known, after, TIME_BUDGET).await;
        let collected = collected.map_err(refusal::store_error)?;
        if !is_dry_run {
            let (tasks, bytes) = (collected.freed.tasks.count, collected.freed.bytes());
            tracing::info!(tasks, bytes, "garbage collected");
        }
        Ok(collected)
    }
}

/// The tasks that a ledger knows, and the data sets that they read.
///
/// # Errors
/// If the ledger has closed.
pub async fn needed_by(ledger: &LedgerHandle) -> Result<Needed, DecideError> {
    let datasets = ledger.view(Ledger::datasets).await?.into_iter().collect();
    let mut needed = Needed { datasets, ..Needed::default() };
    let mut after: Option<TaskId> = None;
    loop {
        // In parts, so that no look keeps the ledger for long.
        let page = ledger.view(move |ledger| ledger.page_of_tasks(after, launching::PART_SIZE)).await?;
        match page.last() {
            None => return Ok(needed),
            last => after = last.copied(),
        }
        needed.tasks.extend(page);
    }
}
