//! A coordinator of the version before, from its replies, at the command line of this one.

use std::path::{Path, PathBuf};

use basin_tests::Sandbox;
use prost::Message;
use tonic::{Request, Response, Status};

use crate::before::control_client::ControlClient;
use crate::before::control_server::{Control, ControlServer};
use crate::before::*;

/// Replies of a coordinator of the version before, as they came over the wire: a sweep of two fits, of which one runs on a worker
/// whose store is full, and one is queued.
fn replies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/protocol/replies")
}

/// The reply that was kept under this name.
fn kept<T: Message + Default>(name: &str) -> Result<Response<T>, Status> {
    let bytes = std::fs::read(replies().join(name)).map_err(|error| Status::internal(error.to_string()))?;
    T::decode(&bytes[..]).map(Response::new).map_err(|error| Status::internal(error.to_string()))
}

struct OldCoordinator;

#[tonic::async_trait]
impl Control for OldCoordinator {
    async fn launch(&self, _: Request<LaunchRequest>) -> Result<Response<LaunchReply>, Status> {
        Err(Status::unimplemented("nothing is launched here"))
    }

    async fn list_sweeps(&self, _: Request<ListSweepsRequest>) -> Result<Response<ListSweepsReply>, Status> {
        kept("list-sweeps.bin")
    }

    async fn get_sweep(&self, _: Request<GetSweepRequest>) -> Result<Response<GetSweepReply>, Status> {
        kept("get-sweep.bin")
    }

    async fn get_task(&self, _: Request<GetTaskRequest>) -> Result<Response<GetTaskReply>, Status> {
        kept("get-task.bin")
    }

    async fn steer_sweep(&self, _: Request<SteerSweepRequest>) -> Result<Response<SteerSweepReply>, Status> {
        Err(Status::unimplemented("nothing is steered here"))
    }

    async fn adjust_sweep(
        &self,
        _: Request<AdjustSweepRequest>,
    ) -> Result<Response<AdjustSweepReply>, Status> {
        Err(Status::unimplemented("nothing is adjusted here"))
    }

    async fn repair_sweep(
        &self,
        _: Request<RepairSweepRequest>,
    ) -> Result<Response<RepairSweepReply>, Status> {
        Err(Status::unimplemented("nothing is repaired here"))
    }

    async fn list_workers(
        &self,
        _: Request<ListWorkersRequest>,
    ) -> Result<Response<ListWorkersReply>, Status> {
        kept("list-workers.bin")
    }

    async fn drain_worker(
        &self,
        _: Request<DrainWorkerRequest>,
    ) -> Result<Response<DrainWorkerReply>, Status> {
        Err(Status::unimplemented("nothing is drained here"))
    }

    async fn about(&self, _: Request<AboutRequest>) -> Result<Response<AboutReply>, Status> {
        kept("about.bin")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_command_line_reads_a_coordinator_of_the_version_before() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    let server = tonic::transport::Server::builder().add_service(ControlServer::new(OldCoordinator));
    let serving = tokio::spawn(server.serve_with_incoming(incoming));
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"));
    let ask = |command: &[&str]| {
        sandbox.basin(&[&["--json"], command, &["--coordinator", &url]].concat()).succeeded().json()
    };

    let task: GetTaskReply = kept("get-task.bin").unwrap().into_inner();
    let why = ask(&["why", &task.task_id]);
    assert_eq!((&why["state"], &why["why"]), (&"running".into(), &task.why.as_str().into()));
    assert!(task.why.contains("since the store is full"), "{}", task.why);
    assert_eq!(why["attempts"][0]["end"], "running");

    let sweep: GetSweepReply = kept("get-sweep.bin").unwrap().into_inner();
    let status = ask(&["status", "fits"]);
    assert_eq!((&status["state"], &status["next"]["why"]), (&"running".into(), &sweep.next_why.into()));
    assert_eq!(status["waiting"][0]["kind"], "full");
    assert_eq!(ask(&["list"])[0]["state"], "running");
    assert_eq!(ask(&["workers"])[0]["waiting"]["kind"], "full");
    serving.abort();
}

/// Keeps the replies anew: `BASIN_PROGRAM_BEFORE=PATH cargo test -p basin-tests --test protocol -- --ignored`.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs the program of the version before"]
async fn the_replies_of_the_version_before_are_kept() {
    let program = std::env::var("BASIN_PROGRAM_BEFORE").expect("the program of the version before");
    let sandbox = Sandbox::new(&program);
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let mut control = ControlClient::connect(url.clone()).await.unwrap();
    let text = "name = \"fits\"\n[[experiment]]\nid = \"fits\"\nkind = \"fit-function\"\nfunction = \"sin\"\ninterval = [-3.0, 3.0]\n\
                points = 16\nhidden = [8]\nseeds = 2\nepochs = 1\noptimizer = \"adam\"\nlearning_rate = 1e-3\n";
    let launch = LaunchRequest { file: "fits.toml".to_owned(), text: text.to_owned(), ..Default::default() };
    let sweep_id = control.launch(launch).await.unwrap().into_inner().sweep_id;
    let mut scheduler = scheduler_client::SchedulerClient::connect(url).await.unwrap();
    let worker =
        Some(WorkerDescription { host: "node".to_owned(), slots: 1, threads: 1, ..Default::default() });
    let mut sync =
        SyncRequest { worker_id: "old".to_owned(), worker, free_slots: 1, max_pack: 1, ..Default::default() };
    let reply = scheduler.sync(sync.clone()).await.unwrap().into_inner();
    let grant = &reply.grants[0];
    let progress = Progress { epoch: 1, epochs: 1, is_held: true, ..Default::default() };
    let task_id = grant.tasks[0].task_id.clone();
    let tasks = vec![TaskProgress { task_id: task_id.clone(), progress: Some(progress) }];
    sync.holds = vec![HeldLease { lease_id: grant.lease_id.clone(), tasks }];
    (sync.free_slots, sync.seen) = (0, reply.answer);
    sync.waiting =
        Some(Waiting { kind: "full".to_owned(), message: "507".to_owned(), results: 1, lasting_ms: 2_000 });
    scheduler.sync(sync).await.unwrap();
    let keep = |name: &str, bytes: Vec<u8>| std::fs::write(replies().join(name), bytes).unwrap();
    std::fs::create_dir_all(replies()).unwrap();
    let sweep = control.get_sweep(GetSweepRequest { sweep_id }).await.unwrap().into_inner();
    keep("get-sweep.bin", sweep.encode_to_vec());
    let task = control.get_task(GetTaskRequest { task_id }).await.unwrap().into_inner();
    keep("get-task.bin", task.encode_to_vec());
    let sweeps = control.list_sweeps(ListSweepsRequest {}).await.unwrap().into_inner();
    keep("list-sweeps.bin", sweeps.encode_to_vec());
    let workers = control.list_workers(ListWorkersRequest {}).await.unwrap().into_inner();
    keep("list-workers.bin", workers.encode_to_vec());
    let about = control.about(AboutRequest {}).await.unwrap().into_inner();
    keep("about.bin", about.encode_to_vec());
}
