//! A store that ignores conditional writes lets every writer win. The coordinator sees to it that there is one.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::path::Path;
use std::time::Duration;

use basin_coordinator::http::NamedInMetrics;
use basin_coordinator::server::{JournalLocation, Server, ServerSettings};
use basin_coordinator::service::LaunchOptions;
use basin_coordinator::trust::Trust;
use basin_core::command::Policy;
use basin_domain::id::{Attempt, LeaseId, TaskId, WorkerId};
use basin_domain::key;
use basin_domain::metrics::Outcome;
use basin_domain::sweep::Source;
use basin_proto::v1::scheduler_client::SchedulerClient;
use basin_proto::{PROTOCOL, v1};
use basin_storage::testing::{Conditions, Fault, FaultyStore, InjectedError, Operation, sample};
use basin_storage::{AttemptEnd, AttemptWriter, Commit, Retry, Store, metrics};
use basin_tests::Fits;
use tonic::Code;
use tonic::transport::Channel;

const SWEEP: Fits<'static> = Fits { name: "fits", points: 16, hidden: &[8], seeds: 1, epochs: 1 };

fn store(faulty: &FaultyStore) -> Store {
    let quick = Retry { tries: 3, first_wait: Duration::from_millis(5), ..Retry::default() };
    faulty.store().with_retry(quick)
}

async fn coordinator(store: &Store, folder: &Path, lease_duration: Duration) -> Server {
    let settings = ServerSettings {
        listen: "127.0.0.1:0".parse().unwrap(),
        store: store.clone(),
        journal: JournalLocation::File(folder.join("journal.sqlite")),
        advertise: None,
        trust: Trust::default(),
        http: None,
        named_in_metrics: NamedInMetrics::default(),
        hint_of: |_| None,
        policy: Policy { lease_duration, ..Policy::default() },
    };
    Server::start(settings).await.unwrap()
}

async fn launch(server: &Server) {
    let (file, text) = ("fits.toml".to_owned(), SWEEP.text());
    let source = Source { file, text, profile: None, overrides: Vec::new(), kinds: Vec::new() };
    server.coordinator().unwrap().launch(&source, LaunchOptions::default()).await.unwrap();
}

/// A worker that says what a test wants it to say.
struct Worker {
    client: SchedulerClient<Channel>,
    id: &'static str,
    seen: u64,
}

impl Worker {
    async fn join(server: &Server, id: &'static str) -> Self {
        let mut client = SchedulerClient::connect(server.url()).await.unwrap();
        let hello = v1::HelloRequest {
            protocol: PROTOCOL,
            worker_id: id.to_owned(),
            worker: Some(v1::WorkerDescription { slots: 1, threads: 1, ..Default::default() }),
            can_ask_to_commit: true,
        };
        assert!(client.hello(hello).await.unwrap().into_inner().asks_to_commit);
        Self { client, id, seen: 0 }
    }

    /// Asks for work until there is some.
    async fn lease(&mut self) -> (LeaseId, TaskId, Attempt) {
        for _ in 0..600 {
            let request = v1::SyncRequest {
                worker_id: self.id.to_owned(),
                worker: Some(v1::WorkerDescription { slots: 1, threads: 1, ..Default::default() }),
                free_slots: 1,
                max_pack: 1,
                seen: self.seen,
                ..Default::default()
            };
            let reply = self.client.sync(request).await.unwrap().into_inner();
            self.seen = reply.answer;
            if let Some(grant) = reply.grants.first() {
                let task = &grant.tasks[0];
                return (
                    grant.lease_id.parse().unwrap(),
                    task.task_id.parse().unwrap(),
                    Attempt(task.attempt),
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} got no work", self.id);
    }

    async fn commit(&mut self, commit: &Commit) -> Result<Commit, tonic::Status> {
        let commit_json = String::from_utf8(commit.to_bytes()).unwrap();
        let reply = self.client.commit(v1::CommitRequest { commit_json }).await?.into_inner();
        Ok(Commit::from_bytes(reply.commit_json.as_bytes()).unwrap())
    }
}

/// An attempt with all but its commit.
async fn attempt(store: &Store, (lease, task, attempt): &(LeaseId, TaskId, Attempt), worker: &str) -> Commit {
    let writer = AttemptWriter::new(store.clone(), *task, *attempt, lease.clone());
    writer.put_artifact(key::METRICS, metrics::encode(&sample::record()).into()).await.unwrap();
    writer.put_artifact(key::RESULT, worker.to_owned().into()).await.unwrap();
    let ending = AttemptEnd { worker: WorkerId::new(worker).unwrap(), ..sample::ending(Outcome::Completed) };
    writer.finish(ending).await.unwrap().commit().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_workers_that_race_for_one_task_never_both_win() {
    for conditions in [Conditions::Ignored, Conditions::OneAtATime] {
        race_for_one_task(&store(&FaultyStore::in_memory().with_conditions(conditions))).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_workers_that_race_over_a_real_server_without_conditions_never_both_win() {
    let Ok(bucket) = std::env::var("BASIN_TEST_GARAGE") else {
        eprintln!(
            "NOT RUN: BASIN_TEST_GARAGE names no server without conditions; `.ci/garage up DIR PORT` starts one"
        );
        return;
    };
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let prefix = folder.path().file_name().unwrap().to_string_lossy().replace('.', "");
        race_for_one_task(&Store::open(&format!("{bucket}/{prefix}")).unwrap()).await;
    }
}

async fn race_for_one_task(store: &Store) {
    let folder = tempfile::tempdir().unwrap();
    let server = coordinator(store, folder.path(), Duration::from_secs(1)).await;
    launch(&server).await;
    let (mut first, mut second) =
        (Worker::join(&server, "first").await, Worker::join(&server, "second").await);
    // The first one's lease runs out, and the task goes to the second: both have everything but the commit.
    let lost = first.lease().await;
    let held = second.lease().await;
    assert_eq!((lost.1, lost.2, held.2), (held.1, Attempt(1), Attempt(2)));
    let (one, other) = (attempt(store, &lost, "first").await, attempt(store, &held, "second").await);
    let mut again = Worker::join(&server, "second-again").await;
    let (late, won, twice) = tokio::join!(first.commit(&one), second.commit(&other), again.commit(&other));
    assert_eq!((won.unwrap(), twice.unwrap()), (other.clone(), other.clone()));
    match late {
        Ok(counts) => assert_eq!(counts, other),
        Err(status) => assert_eq!(status.code(), Code::FailedPrecondition, "{status}"),
    }
    assert_eq!(store.read_commit(&held.1).await.unwrap(), Some(other.clone()));
    // Whoever asks later hears of the one that counts.
    assert_eq!(first.commit(&one).await.unwrap(), other);
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_that_was_chosen_is_written_after_a_crash_whoever_asks_and_whenever_it_lands() {
    let folder = tempfile::tempdir().unwrap();
    let faulty = FaultyStore::in_memory().with_conditions(Conditions::Ignored);
    let store = store(&faulty);
    let server = coordinator(&store, folder.path(), Duration::from_secs(2)).await;
    launch(&server).await;
    let mut first = Worker::join(&server, "first").await;
    let held = first.lease().await;
    let one = attempt(&store, &held, "first").await;
    // The store says no to every write of it, and does the first one three seconds later.
    faulty.on(
        Operation::Put,
        "commit.json",
        1,
        Fault::FailThenApply(InjectedError::TimedOut, Duration::from_secs(3)),
    );
    faulty.on(Operation::Put, "commit.json", 2, Fault::Fail(InjectedError::Unavailable));
    assert_eq!(first.commit(&one).await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(store.read_commit(&held.1).await.unwrap(), None);
    server.shut_down().await;

    // Its successor knows what was chosen, and takes no other.
    let server = coordinator(&store, folder.path(), Duration::from_secs(2)).await;
    let mut second = Worker::join(&server, "second").await;
    let other = attempt(&store, &("other".parse().unwrap(), held.1, Attempt(2)), "second").await;
    assert_eq!(second.commit(&other).await.unwrap(), one);
    assert_eq!(store.read_commit(&held.1).await.unwrap(), Some(one.clone()));
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(store.read_commit(&held.1).await.unwrap(), Some(one), "the late write changed nothing");
    let coordinator = server.coordinator().unwrap();
    let committed = coordinator
        .ledger
        .view(move |ledger| ledger.task(&held.1).is_some_and(|task| task.phase.is_committed()));
    assert!(committed.await.unwrap(), "the expired lease's commit was adopted");
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_store_does_not_have_is_not_committed_and_old_workers_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let faulty = FaultyStore::in_memory().with_conditions(Conditions::Ignored);
    let store = store(&faulty);
    let server = coordinator(&store, folder.path(), Duration::from_secs(30)).await;
    launch(&server).await;
    let mut worker = Worker::join(&server, "worker").await;
    let held = worker.lease().await;
    // No manifest lies there.
    let invented = Commit { lease: held.0.clone(), ..sample::commit(held.1, 1) };
    assert_eq!(worker.commit(&invented).await.unwrap_err().code(), Code::FailedPrecondition);
    // One does, and the commit says something else.
    let right = attempt(&store, &held, "worker").await;
    let wrong = Commit { outcome: Outcome::Diverged { iteration: 1 }, ..right.clone() };
    assert_eq!(worker.commit(&wrong).await.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(store.read_commit(&held.1).await.unwrap(), None);
    let commit_json = "x".repeat(100_000);
    let refused = worker.client.commit(v1::CommitRequest { commit_json }).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(worker.commit(&right).await.unwrap(), right);

    let hello = v1::HelloRequest {
        protocol: PROTOCOL,
        worker_id: "old".to_owned(),
        worker: Some(v1::WorkerDescription::default()),
        can_ask_to_commit: false,
    };
    let refused = worker.client.hello(hello).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("ignores conditional writes"), "{refused}");
    server.shut_down().await;
}
