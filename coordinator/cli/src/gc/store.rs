//! The garbage of a store: freed by a coordinator, or here beside what a local journal knows.

use std::path::Path;
use std::time::Duration;

use basin_coordinator::client::Client;
use basin_coordinator::journal::{LedgerHandle, SqliteJournal, SystemClock};
use basin_coordinator::service::{DEFAULT_GRACE, needed_by};
use basin_core::Ledger;
use basin_core::command::Policy;
use basin_proto::v1;
use basin_storage::{
    Collected, CommitMode, ConditionalWrites, Freed, GarbageCollection, Needed, ObjectProblem, OtherWriters,
    Space, Store,
};
use tempfile::TempDir;

use crate::arguments::StoreArguments;
use crate::command_error::{CommandError, OrFail};
use crate::failures::{OrStore, call_failed};
use crate::local_coordinator::LocalCoordinator;
use crate::local_journal::{journal_of, unusable, used_by};

const WHAT: &str = "cannot look for what no sweep needs";

/// What is to be done with the garbage of a store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoreCollection {
    pub(crate) is_dry_run: bool,
    pub(crate) with_datasets: bool,
    /// What was written within this time stays, if that was said.
    pub(crate) grace: Option<Duration>,
}

/// The garbage of a store.
#[derive(Debug)]
pub(crate) struct StoreGarbage {
    pub(crate) store: String,
    pub(crate) collected: Collected,
    /// What was written within this time stayed.
    pub(crate) grace: Duration,
}

/// The journal of a folder of local state, open: nobody else works there. Of a look it is a copy.
pub(crate) struct OpenJournal {
    ledger: LedgerHandle,
    _copy: Option<TempDir>,
}

impl OpenJournal {
    /// The journal of the state, if it has one.
    async fn open(state: &Path, is_dry_run: bool) -> Result<Option<Self>, CommandError> {
        let path = journal_of(state);
        if !path.exists() {
            return Ok(None);
        }
        let failed = |error| unusable(state, error, WHAT);
        let (journal, copy) = if is_dry_run {
            if let Some(other) = LocalCoordinator::read(state)
                && other.answers().await
            {
                return Err(used_by(&other, state, WHAT.to_owned()));
            }
            let folder = tempfile::tempdir().or_basin("no folder for a copy of the journal")?;
            let copy = SqliteJournal::copy(&path, folder.path()).map_err(failed)?;
            (SqliteJournal::open(&copy), Some(folder))
        } else {
            (SqliteJournal::open(&path), None)
        };
        let journal = journal.map_err(failed)?;
        let ledger = LedgerHandle::open(journal, Policy::default(), SystemClock::default()).await;
        Ok(Some(Self { ledger: ledger.map_err(failed)?, _copy: copy }))
    }

    /// Lets others work there again.
    pub(crate) async fn close(self) {
        self.ledger.close().await;
    }
}

impl StoreCollection {
    /// Has a coordinator do it.
    pub(crate) async fn by_coordinator(&self, client: &Client) -> Result<StoreGarbage, CommandError> {
        let grace_ms = self.grace.map(|grace| u64::try_from(grace.as_millis()).unwrap_or(u64::MAX));
        let mut request = v1::CollectGarbageRequest {
            dry_run: self.is_dry_run,
            datasets: self.with_datasets,
            grace_ms,
            after: String::new(),
        };
        let mut collected = Collected::default();
        loop {
            let reply = client.collect_garbage(&request).await.map_err(call_failed)?;
            request.after.clone_from(&reply.next_after);
            let store = reply.store_url.clone();
            collected.add(from_wire(reply));
            if request.after.is_empty() {
                let grace = self.grace.unwrap_or(DEFAULT_GRACE);
                return Ok(StoreGarbage { store, collected, grace });
            }
        }
    }

    /// Does it here; gives the journal of the state, too, if it has one, still open.
    pub(crate) async fn here(
        &self,
        store: &Store,
        arguments: &StoreArguments,
    ) -> Result<(StoreGarbage, Option<OpenJournal>), CommandError> {
        let journal = OpenJournal::open(&arguments.local.state, self.is_dry_run).await?;
        let (known, has_leases) = match &journal {
            None => (Needed::default(), true),
            Some(OpenJournal { ledger, .. }) => (
                needed_by(ledger).await.or_basin(WHAT)?,
                ledger.view(Ledger::has_leases).await.or_basin(WHAT)?,
            ),
        };
        // A store of the state's own is written to by whoever has its journal, and by workers that hold leases of it.
        let is_alone = arguments.store.is_none() && !has_leases;
        let other_writers = match self.grace {
            None if is_alone => OtherWriters::None,
            grace => OtherWriters::Possible { grace: grace.unwrap_or(DEFAULT_GRACE) },
        };
        // Where nothing is written, or nobody else writes, nothing has to be known.
        let needs_probe = !self.is_dry_run && other_writers != OtherWriters::None;
        let commits = match needs_probe && store.probe().await.or_store(WHAT)? == ConditionalWrites::Ignored {
            // Its coordinator alone writes what counts there.
            true => None,
            false => Some(CommitMode::Conditional),
        };
        let collection = GarbageCollection {
            is_dry_run: self.is_dry_run,
            with_datasets: self.with_datasets,
            other_writers,
            commits,
        };
        let collected =
            store.collect_garbage(&collection, known, None, Duration::MAX).await.or_store(WHAT)?;
        let grace = match other_writers {
            OtherWriters::None => Duration::ZERO,
            OtherWriters::Possible { grace } => grace,
        };
        Ok((StoreGarbage { store: store.url().to_owned(), collected, grace }, journal))
    }
}

fn from_wire(reply: v1::CollectGarbageReply) -> Collected {
    let space = |space: Option<v1::Space>| {
        let v1::Space { count, bytes } = space.unwrap_or_default();
        Space { count, bytes }
    };
    Collected {
        freed: Freed {
            tasks: space(reply.tasks),
            attempts: space(reply.attempts),
            checkpoints: space(reply.checkpoints),
            leftovers: space(reply.leftovers),
            datasets: space(reply.datasets),
        },
        young: space(reply.young),
        irreplaceable: space(reply.irreplaceable),
        unreadable: reply
            .unreadable
            .into_iter()
            .map(|problem| ObjectProblem { key: problem.key, why: problem.why })
            .collect(),
        next_after: None,
    }
}
