//! A worker and a client of the version before at a coordinator of this one.

use std::path::Path;
use std::time::Duration;

use basin_coordinator::http::NamedInMetrics;
use basin_coordinator::server::{JournalLocation, Server, ServerSettings};
use basin_coordinator::trust::Trust;
use basin_core::command::Policy;
use basin_domain::id::{Attempt, LeaseId, TaskId, WorkerId};
use basin_domain::key;
use basin_domain::metrics::Outcome;
use basin_storage::testing::{Conditions, FaultyStore, sample};
use basin_storage::{AttemptEnd, AttemptWriter, Commit, Store, metrics};
use basin_tests::Sandbox;
use tonic::transport::Channel;

use crate::before::control_client::ControlClient;
use crate::before::scheduler_client::SchedulerClient;
use crate::before::{self, Steering};

const SWEEP: &str = r#"
name = "fits"

[[experiment]]
id = "fits"
kind = "fit-function"
function = "sin"
interval = [-3.0, 3.0]
points = 16
hidden = [8]
seeds = 1
epochs = 1
optimizer = "adam"
learning_rate = 1e-3
"#;

/// The version of the protocol that the programs before speak.
const PROTOCOL: u32 = 2;

async fn coordinator(store: Store, folder: &Path) -> Server {
    let settings = ServerSettings {
        listen: "127.0.0.1:0".parse().unwrap(),
        store,
        journal: JournalLocation::File(folder.join("journal.sqlite")),
        advertise: None,
        trust: Trust::default(),
        http: None,
        named_in_metrics: NamedInMetrics::default(),
        policy: Policy { lease_duration: Duration::from_secs(60), ..Policy::default() },
        hint_of: |_| None,
    };
    Server::start(settings).await.unwrap()
}

/// A person with tools of the version before.
struct Person {
    control: ControlClient<Channel>,
    sweep: String,
}

impl Person {
    async fn launches(server: &Server) -> Self {
        let mut control = ControlClient::connect(server.url()).await.unwrap();
        let request = before::LaunchRequest {
            file: "fits.toml".to_owned(),
            text: SWEEP.to_owned(),
            ..before::LaunchRequest::default()
        };
        let launched = control.launch(request).await.unwrap().into_inner();
        assert_eq!((launched.new, launched.sweep.unwrap().state.as_str()), (1, "running"));
        Self { control, sweep: launched.sweep_id }
    }

    async fn status(&mut self) -> before::GetSweepReply {
        let request = before::GetSweepRequest { sweep_id: self.sweep.clone() };
        self.control.get_sweep(request).await.unwrap().into_inner()
    }

    async fn why(&mut self, task: &str) -> before::GetTaskReply {
        let request = before::GetTaskRequest { task_id: task.to_owned() };
        self.control.get_task(request).await.unwrap().into_inner()
    }

    async fn steer(&mut self, steering: Steering) -> String {
        let request = before::SteerSweepRequest { sweep_id: self.sweep.clone(), steering: steering.into() };
        self.control.steer_sweep(request).await.unwrap().into_inner().sweep.unwrap().state
    }
}

/// A worker of the version before.
struct Worker {
    scheduler: SchedulerClient<Channel>,
    seen: u64,
}

fn description() -> Option<before::WorkerDescription> {
    Some(before::WorkerDescription { slots: 1, threads: 1, ..before::WorkerDescription::default() })
}

impl Worker {
    async fn joins(server: &Server) -> Self {
        let mut scheduler = SchedulerClient::connect(server.url()).await.unwrap();
        let hello = before::HelloRequest {
            protocol: PROTOCOL,
            worker_id: "old".to_owned(),
            worker: description(),
            can_ask_to_commit: true,
        };
        let reply = scheduler.hello(hello).await.unwrap().into_inner();
        assert_eq!((reply.protocol, reply.term_ms, reply.asks_to_commit), (PROTOCOL, 60_000, true));
        Self { scheduler, seen: 0 }
    }

    async fn sync(&mut self, request: before::SyncRequest) -> before::SyncReply {
        let worker_id = "old".to_owned();
        let request =
            before::SyncRequest { worker_id, worker: description(), seen: self.seen, max_pack: 1, ..request };
        let reply = self.scheduler.sync(request).await.unwrap().into_inner();
        self.seen = reply.answer;
        reply
    }

    /// Asks for work until there is some.
    async fn lease(&mut self) -> (String, before::LeasedTask) {
        for _ in 0..600 {
            let asks = before::SyncRequest { free_slots: 1, ..before::SyncRequest::default() };
            if let Some(mut grant) = self.sync(asks).await.grants.pop() {
                return (grant.lease_id, grant.tasks.remove(0));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the worker got no work");
    }
}

/// An attempt with all but its commit.
async fn attempt(store: &Store, lease: &str, task: &before::LeasedTask) -> Commit {
    let (id, lease): (TaskId, LeaseId) = (task.task_id.parse().unwrap(), lease.parse().unwrap());
    let writer = AttemptWriter::new(store.clone(), id, Attempt(task.attempt), lease);
    writer.put_artifact(key::METRICS, metrics::encode(&sample::record()).into()).await.unwrap();
    writer.put_artifact(key::RESULT, "trained".to_owned().into()).await.unwrap();
    let end = AttemptEnd { worker: WorkerId::new("old").unwrap(), ..sample::ending(Outcome::Completed) };
    writer.finish(end).await.unwrap().commit().unwrap()
}

/// The command line of this version says of a task what the tools of before are told in a sentence.
fn assert_why_is_worded_alike(url: &str, task: &before::GetTaskReply) {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"));
    let said = sandbox.basin(&["--json", "why", &task.task_id, "--coordinator", url]).succeeded().json();
    assert_eq!(said["state"], task.state.as_str());
    assert_eq!(said["why"], task.why.as_str());
    let ends: Vec<_> = task.attempts.iter().map(|attempt| attempt.state.as_str()).collect();
    let said: Vec<_> = said["attempts"].as_array().unwrap().iter().map(|it| it["end"].as_str()).collect();
    assert_eq!(said, ends.into_iter().map(Some).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_and_a_client_of_the_version_before_work_with_this_coordinator() {
    let folder = tempfile::tempdir().unwrap();
    // The coordinator alone writes commits to this store, so that the worker goes that way, too.
    let store = FaultyStore::in_memory().with_conditions(Conditions::Ignored).store();
    let server = coordinator(store.clone(), folder.path()).await;
    let url = server.url();
    let mut person = Person::launches(&server).await;
    let next = person.status().await;
    assert_eq!(next.next_why, "it waits for a worker that is free");
    let task = next.next_task_id;
    let queued = person.why(&task).await;
    assert_eq!((queued.state.as_str(), &queued.why), ("queued", &next.next_why));
    assert_why_is_worded_alike(&url, &queued);

    assert_eq!(person.steer(Steering::Pause).await, "paused");
    let paused = person.why(&task).await;
    assert!(paused.why.starts_with("it waits: every sweep that lists it is paused"), "{}", paused.why);
    assert_why_is_worded_alike(&url, &paused);
    assert_eq!(person.steer(Steering::Resume).await, "running");

    // The first attempt fails, the second is given back, the third is committed.
    let mut worker = Worker::joins(&server).await;
    let (lease, leased) = worker.lease().await;
    assert_eq!((&leased.task_id, leased.attempt), (&task, 1));
    let progress = before::Progress { epoch: 1, epochs: 3, silent_ms: Some(9_000), ..Default::default() };
    let tasks = vec![before::TaskProgress { task_id: task.clone(), progress: Some(progress) }];
    let holds = vec![before::HeldLease { lease_id: lease.clone(), tasks }];
    let waiting =
        before::Waiting { kind: "full".to_owned(), message: "507".to_owned(), results: 1, lasting_ms: 2_000 };
    let busy = before::SyncRequest { holds, waiting: Some(waiting.clone()), ..Default::default() };
    assert_eq!(worker.sync(busy).await.renewed.len(), 1);
    let running = person.why(&task).await;
    let outage = "for 2 s it has waited, since the store is full: 507";
    assert_eq!(running.why, format!("worker old trains it under lease {lease}; {outage}"));
    assert_why_is_worded_alike(&url, &running);
    let workers = person.control.list_workers(before::ListWorkersRequest {}).await.unwrap().into_inner();
    assert_eq!(workers.workers[0].waiting, Some(waiting));
    assert_eq!(person.status().await.running[0].progress, Some(progress));

    let fail = before::FailRequest {
        lease_id: lease,
        task_id: task.clone(),
        kind: "crashed".to_owned(),
        message: "signal 9".to_owned(),
    };
    assert!(worker.scheduler.fail(fail).await.unwrap().into_inner().held);
    let (lease, leased) = worker.lease().await;
    assert_eq!(leased.attempt, 2);
    let release =
        before::ReleaseRequest { lease_id: lease, task_id: task.clone(), reason: "preemption".to_owned() };
    assert!(worker.scheduler.release(release).await.unwrap().into_inner().held);
    let (lease, leased) = worker.lease().await;
    let commit = attempt(&store, &lease, &leased).await;
    let commit_json = String::from_utf8(commit.to_bytes()).unwrap();
    let reply = worker.scheduler.commit(before::CommitRequest { commit_json }).await.unwrap().into_inner();
    assert_eq!(Commit::from_bytes(reply.commit_json.as_bytes()).unwrap(), commit);
    let complete = before::CompleteRequest {
        lease_id: lease.clone(),
        task_id: task.clone(),
        manifest_digest: commit.manifest.to_string(),
    };
    assert!(worker.scheduler.complete(complete).await.unwrap().into_inner().held);

    let done = person.why(&task).await;
    assert_eq!(done.state, "completed");
    assert_eq!(done.why, format!("attempt 3 committed it under lease {lease}"));
    let ends = done.attempts.iter().map(|it| (it.state.as_str(), it.cause.as_str(), it.message.as_str()));
    assert_eq!(
        ends.collect::<Vec<_>>(),
        [("failed", "crashed", "signal 9"), ("released", "preemption", ""), ("committed", "", "")]
    );
    assert_why_is_worded_alike(&url, &done);
    assert_eq!(person.status().await.sweep.unwrap().state, "done");
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_task_that_fails_for_good_is_told_in_words_and_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let store = FaultyStore::in_memory().with_conditions(Conditions::Ignored).store();
    let server = coordinator(store, folder.path()).await;
    let mut person = Person::launches(&server).await;
    let mut worker = Worker::joins(&server).await;
    let (lease_id, leased) = worker.lease().await;
    let fail = before::FailRequest {
        lease_id,
        task_id: leased.task_id.clone(),
        kind: "invalid-parameters".to_owned(),
        message: "a pool of one pixel".to_owned(),
    };
    worker.scheduler.fail(fail).await.unwrap();
    let failed = person.why(&leased.task_id).await;
    assert_eq!(failed.state, "failed");
    let sentence = "it is not tried again (invalid-parameters, 1 attempts); the first error, invalid-parameters: a pool of one \
                    pixel";
    assert_eq!(failed.why, sentence);
    assert_why_is_worded_alike(&server.url(), &failed);
    let status = person.status().await;
    assert_eq!((status.failed[0].kind.as_str(), status.failed[0].attempts), ("invalid-parameters", 1));
    assert_eq!(person.steer(Steering::RetryFailed).await, "running");
    server.shut_down().await;
}
