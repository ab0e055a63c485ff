//! Launches, forgetting and collections of garbage that meet each other over one store.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::path::Path;
use std::time::Duration;

use basin_coordinator::http::NamedInMetrics;
use basin_coordinator::launch;
use basin_coordinator::server::{JournalLocation, Server, ServerSettings};
use basin_coordinator::service::{GarbageRequest, LaunchOptions, LaunchOutcome};
use basin_coordinator::trust::Trust;
use basin_core::command::{LaunchCounts, Policy};
use basin_domain::id::TaskId;
use basin_domain::sweep::Source;
use basin_storage::testing::{Fault, FaultyStore, InjectedError, Operation, sample};
use basin_storage::{CommitMode, CommitOutcome, GarbageCollection, Needed, OtherWriters, Store};
use basin_tests::Fits;

const SWEEP: Fits<'static> = Fits { name: "fits", points: 16, hidden: &[8], seeds: 1, epochs: 1 };
/// Frees what is no older than it must be.
const REQUEST: GarbageRequest =
    GarbageRequest { is_dry_run: false, with_datasets: false, grace: Duration::ZERO, after: None };

fn source() -> Source {
    let (file, text) = ("fits.toml".to_owned(), SWEEP.text());
    Source { file, text, profile: None, overrides: Vec::new(), kinds: Vec::new() }
}

async fn coordinator(store: &Store, folder: &Path) -> Server {
    let settings = ServerSettings {
        listen: "127.0.0.1:0".parse().unwrap(),
        store: store.clone(),
        journal: JournalLocation::File(folder.join("journal.sqlite")),
        advertise: None,
        trust: Trust::default(),
        http: None,
        named_in_metrics: NamedInMetrics::default(),
        hint_of: |_| None,
        policy: Policy::default(),
    };
    Server::start(settings).await.unwrap()
}

/// The one task of the sweep, committed before anybody launches it.
async fn committed(store: &Store) -> TaskId {
    let prepared = launch::prepare(store, &source(), 100).await.unwrap();
    let task = prepared.plan.runs().next().unwrap().id;
    let manifest = sample::attempt(store, task, 1).await.unwrap();
    assert_eq!(store.commit(&manifest.commit().unwrap()).await.unwrap(), CommitOutcome::Committed);
    task
}

async fn launched(server: &Server) -> LaunchOutcome {
    server.coordinator().unwrap().launch(&source(), LaunchOptions::default()).await.unwrap()
}

const REUSED: LaunchCounts = LaunchCounts { new: 0, reused: 1, shared: 0 };

#[tokio::test(flavor = "multi_thread")]
async fn a_launch_that_looked_before_a_collection_trains_what_that_freed() {
    let folder = tempfile::tempdir().unwrap();
    let store = FaultyStore::in_memory().store();
    let task = committed(&store).await;
    let server = coordinator(&store, folder.path()).await;
    let coordinator = server.coordinator().unwrap();
    let prepared = launch::prepare(&store, &source(), 100).await.unwrap();
    assert!(prepared.committed.contains_key(&task));
    // Somebody else's collection: no sweep lists the task yet.
    let collection = GarbageCollection {
        is_dry_run: false,
        with_datasets: false,
        other_writers: OtherWriters::Possible { grace: Duration::ZERO },
        commits: Some(CommitMode::Conditional),
    };
    let collected = store.collect_garbage(&collection, Needed::default(), None, Duration::MAX).await.unwrap();
    assert_eq!(collected.freed.tasks.count, 1);
    let launched = coordinator.launch_prepared(&source(), prepared, LaunchOptions::default()).await.unwrap();
    assert_eq!(launched.counts, LaunchCounts { new: 1, reused: 0, shared: 0 });
    // Whoever looks after the collection finds what is true, and nothing is looked up twice.
    let again = self::launched(&server).await;
    assert_eq!(again.counts, LaunchCounts { new: 0, reused: 0, shared: 1 });
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forgetting_goes_on_where_it_ended_between_journal_and_store() {
    let folder = tempfile::tempdir().unwrap();
    let faulty = FaultyStore::in_memory();
    let store = faulty.store();
    let task = committed(&store).await;
    let server = coordinator(&store, folder.path()).await;
    let sweep = launched(&server).await.sweep;
    faulty.on(Operation::Delete, "sweep.json", 1, Fault::Fail(InjectedError::Denied));
    let coordinator = server.coordinator().unwrap();
    coordinator.forget("fits", false).await.unwrap_err();
    let knows = coordinator.ledger.view({
        let sweep = sweep.clone();
        move |ledger| ledger.sweep(&sweep).is_some()
    });
    assert!(!knows.await.unwrap(), "the journal has it no more");
    // In between the store still lists what it needs.
    assert_eq!(coordinator.collect_garbage(REQUEST).await.unwrap().freed.tasks.count, 0);
    server.shut_down().await;

    let server = self::coordinator(&store, folder.path()).await;
    let coordinator = server.coordinator().unwrap();
    assert_eq!(coordinator.forget("fits", false).await.unwrap().sweep, sweep);
    assert_eq!(store.list_sweeps().await.unwrap().len(), 0);
    assert_eq!(coordinator.forget(sweep.as_str(), false).await.unwrap().tasks, 0, "asked again it is done");
    assert_eq!(coordinator.collect_garbage(REQUEST).await.unwrap().freed.tasks.count, 1);
    assert_eq!(store.read_commit(&task).await.unwrap(), None);
    assert_eq!(launched(&server).await.counts, LaunchCounts { new: 1, reused: 0, shared: 0 });
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_journal_knows_is_kept_though_the_store_lists_it_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let store = FaultyStore::in_memory().store();
    committed(&store).await;
    let server = coordinator(&store, folder.path()).await;
    let outcome = launched(&server).await;
    assert_eq!(outcome.counts, REUSED);
    store.remove_sweep(&outcome.sweep).await.unwrap();
    let coordinator = server.coordinator().unwrap();
    assert_eq!(coordinator.collect_garbage(REQUEST).await.unwrap().freed.tasks.count, 0);
    assert_eq!(launched(&server).await.counts, REUSED);
    assert_eq!(store.list_sweeps().await.unwrap().len(), 1, "launched again it is listed again");
    server.shut_down().await;
}
