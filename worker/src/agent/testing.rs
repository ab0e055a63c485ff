//! For the agent's tests: a coordinator that answers as it was told to, an executor whose part the test plays, and all else
//! that an attempt works with.

use std::collections::VecDeque;
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use basin_domain::id::{Attempt, LeaseId, WorkerId};
use basin_domain::task::{LeasedTask, TaskSpec};
use basin_domain::worker::WorkerDescription;
use basin_proto::dial::Dial;
use basin_proto::executor::{FromExecutor, ToExecutor, from_executor, to_executor};
use basin_proto::v1;
use basin_proto::v1::scheduler_server::{Scheduler, SchedulerServer};
use basin_storage::testing::{FaultyStore, sample};
use basin_storage::{CommitMode, Store};
use tokio::sync::{mpsc, watch};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use super::attempt_context::AttemptContext;
use super::cache::DataCache;
use super::coordinator::Coordinator;
use super::executor_process::Program;
use super::lease_handle::LeaseHandle;
use super::outage_waits::OutageWaits;
use super::platform::SystemPlatform;
use super::reactor::{Directive, Message};
use super::task_logs::TaskLogs;
use crate::frames;

/// A task as it is leased, whose attempt has this number.
pub(super) fn leased(spec: TaskSpec, attempt: u32) -> LeasedTask {
    LeasedTask { id: spec.id(), attempt: Attempt(attempt), spec }
}

/// A small task without data or inputs.
pub(super) fn small_task() -> LeasedTask {
    leased(sample::task(1).spec, 2)
}

/// A coordinator that gives these answers, one after the other, and then the message's default.
#[derive(Debug, Clone, Default)]
pub(super) struct ScriptedCoordinator(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) hello: VecDeque<Result<v1::HelloReply, Status>>,
    pub(super) sync: VecDeque<Result<v1::SyncReply, Status>>,
    pub(super) settle: VecDeque<Result<v1::SettleReply, Status>>,
    /// Once there is none left, a commit is never answered.
    pub(super) commit: VecDeque<Result<v1::CommitReply, Status>>,
    pub(super) exit: VecDeque<Result<v1::ReportExitReply, Status>>,
    /// The calls, in words.
    pub(super) heard: Vec<String>,
}

impl ScriptedCoordinator {
    pub(super) fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap()
    }

    /// The calls so far, in words.
    pub(super) fn heard(&self) -> Vec<String> {
        self.script().heard.clone()
    }

    /// Serves on a port of this machine, until the runtime ends.
    pub(super) async fn serve(&self) -> Dial {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::builder().add_service(SchedulerServer::new(self.clone()));
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        Dial::to(&format!("http://{address}")).unwrap()
    }

    /// An agent's way to it.
    pub(super) async fn coordinator(&self) -> Coordinator {
        Coordinator::new(&self.serve().await).unwrap()
    }

    fn settled(&self, what: String) -> Result<Response<v1::SettleReply>, Status> {
        let mut script = self.script();
        script.heard.push(what);
        script.settle.pop_front().unwrap_or_else(|| Ok(v1::SettleReply { held: true })).map(Response::new)
    }
}

#[tonic::async_trait]
impl Scheduler for ScriptedCoordinator {
    async fn hello(&self, request: Request<v1::HelloRequest>) -> Result<Response<v1::HelloReply>, Status> {
        let mut script = self.script();
        script.heard.push(format!("hello {}", request.into_inner().worker_id));
        script.hello.pop_front().unwrap_or_else(|| Ok(v1::HelloReply::default())).map(Response::new)
    }

    async fn sync(&self, request: Request<v1::SyncRequest>) -> Result<Response<v1::SyncReply>, Status> {
        let mut script = self.script();
        script.heard.push(format!("sync of {} leases", request.into_inner().holds.len()));
        script.sync.pop_front().unwrap_or_else(|| Ok(v1::SyncReply::default())).map(Response::new)
    }

    async fn complete(
        &self,
        request: Request<v1::CompleteRequest>,
    ) -> Result<Response<v1::SettleReply>, Status> {
        let v1::CompleteRequest { lease_id, task_id, manifest_digest } = request.into_inner();
        self.settled(format!("complete {lease_id} {task_id} {manifest_digest}"))
    }

    async fn commit(&self, request: Request<v1::CommitRequest>) -> Result<Response<v1::CommitReply>, Status> {
        let answer = {
            let mut script = self.script();
            script.heard.push(format!("commit {}", request.into_inner().commit_json));
            script.commit.pop_front()
        };
        match answer {
            Some(answer) => answer.map(Response::new),
            None => std::future::pending().await,
        }
    }

    async fn fail(&self, request: Request<v1::FailRequest>) -> Result<Response<v1::SettleReply>, Status> {
        let v1::FailRequest { lease_id, task_id, kind, message, .. } = request.into_inner();
        self.settled(format!("fail {lease_id} {task_id} {kind}: {message}"))
    }

    async fn release(
        &self,
        request: Request<v1::ReleaseRequest>,
    ) -> Result<Response<v1::SettleReply>, Status> {
        let v1::ReleaseRequest { lease_id, task_id, reason, .. } = request.into_inner();
        self.settled(format!("release {lease_id} {task_id} {reason}"))
    }

    async fn report_exit(
        &self,
        request: Request<v1::ReportExitRequest>,
    ) -> Result<Response<v1::ReportExitReply>, Status> {
        let mut script = self.script();
        script.heard.push(format!("exit of {}", request.into_inner().worker_id));
        script.exit.pop_front().unwrap_or_else(|| Ok(v1::ReportExitReply::default())).map(Response::new)
    }
}

/// All that an attempt works with, over a store with faults and with a lease of one task.
pub(super) struct AttemptFixture {
    pub(super) faults: FaultyStore,
    pub(super) store: Store,
    pub(super) commits: CommitMode,
    pub(super) coordinator: Coordinator,
    pub(super) cache: DataCache,
    pub(super) outages: Arc<OutageWaits>,
    pub(super) lease: LeaseHandle,
    pub(super) directives: watch::Sender<Directive>,
    pub(super) told: mpsc::UnboundedReceiver<Message>,
    pub(super) scratch: tempfile::TempDir,
    pub(super) logs: Arc<TaskLogs>,
    worker: WorkerId,
    description: WorkerDescription,
}

impl AttemptFixture {
    /// An attempt that no coordinator knows of.
    pub(super) fn new() -> Self {
        Self::with(Coordinator::new(&Dial::to("http://127.0.0.1:9").unwrap()).unwrap())
    }

    /// An attempt of this coordinator.
    pub(super) fn with(coordinator: Coordinator) -> Self {
        let faults = FaultyStore::in_memory();
        let store = faults.store();
        let (sender, told) = mpsc::unbounded_channel();
        let outages = Arc::new(OutageWaits::new(sender.clone()));
        let (directives, lease) = LeaseHandle::new(LeaseId::new("lease").unwrap(), 1, sender);
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("cache");
        Self {
            cache: DataCache::new(folder, store.clone(), Arc::clone(&outages)),
            faults,
            store,
            commits: CommitMode::Conditional,
            coordinator,
            outages,
            lease,
            directives,
            told,
            scratch,
            logs: Arc::default(),
            worker: WorkerId::new("worker").unwrap(),
            description: WorkerDescription { host: "host".to_owned(), ..WorkerDescription::default() },
        }
    }

    pub(super) fn context(&self) -> AttemptContext<'_> {
        AttemptContext {
            coordinator: &self.coordinator,
            store: &self.store,
            commits: self.commits,
            cache: &self.cache,
            worker: &self.worker,
            description: &self.description,
            checkpoint_every: Duration::from_secs(60),
            grace: Duration::from_secs(20),
            progress_timeout: Duration::from_secs(120),
            outages: &self.outages,
            scratch: self.scratch.path(),
            logs: &self.logs,
            platform: &SystemPlatform,
        }
    }

    /// What was told to the agent since the last call.
    pub(super) fn told(&mut self) -> Vec<Message> {
        std::iter::from_fn(|| self.told.try_recv().ok()).collect()
    }

    /// A file of the scratch folder.
    pub(super) fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.scratch.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_string_lossy().into_owned()
    }
}

/// The part of an executor, which a test plays on a thread: the process is a shell that passes on what each says.
pub(super) struct PlayedExecutor {
    folder: tempfile::TempDir,
}

/// The played executor's side of the pipes.
pub(super) struct Stage {
    requests: File,
    answers: File,
}

impl PlayedExecutor {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["requests", "answers"] {
            let made = std::process::Command::new("mkfifo").arg(folder.path().join(name)).status();
            assert!(made.unwrap().success());
        }
        Self { folder }
    }

    /// The program that passes on what is said. It ends when the part is over.
    pub(super) fn program(&self) -> Program {
        // What is said to it is passed on in the background, whose standard input would be empty otherwise.
        let script = "exec 3<&0; cat <&3 >\"$0/requests\" & exec cat \"$0/answers\"";
        let folder = self.folder.path().to_string_lossy().into_owned();
        Program {
            path: PathBuf::from("/bin/sh"),
            arguments: vec!["-c".to_owned(), script.to_owned(), folder],
            threads: 1,
        }
    }

    /// Plays the part once, on a thread of its own: for one process.
    pub(super) fn plays<R: Send + 'static>(
        &self,
        part: impl FnOnce(&mut Stage) -> R + Send + 'static,
    ) -> std::thread::JoinHandle<R> {
        let folder = self.folder.path().to_owned();
        std::thread::spawn(move || {
            let answers = File::options().write(true).open(folder.join("answers")).unwrap();
            let requests = File::open(folder.join("requests")).unwrap();
            part(&mut Stage { requests, answers })
        })
    }
}

impl Stage {
    /// The next thing that the agent says, and of which task; none once it is gone.
    pub(super) fn hears(&mut self) -> Option<(String, to_executor::Message)> {
        let ToExecutor { task_id, message } = frames::read(&mut self.requests).ok()??;
        Some((task_id, message.unwrap()))
    }

    /// Says something of a task.
    pub(super) fn says(&mut self, task: &str, message: from_executor::Message) {
        frames::write(&mut self.answers, &FromExecutor { task_id: task.to_owned(), message: Some(message) })
            .unwrap();
    }
}
