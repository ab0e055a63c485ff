//! What programs say to each other.

use basin_domain::custom_kind::{Declaration, KindDeclaration, ParameterType, RecordedSeries};
use basin_domain::metrics::Axis;
use basin_domain::task::LeasedTask;
use basin_fuzz::{ATTEMPT, joined, specs, task};
use basin_proto::{PROTOCOL, executor, task_log, v1};
use prost::Message;

use super::Seed;

const SWEEP: &str = "name = \"small\"\n[[experiment]]\nid = \"fit\"\nkind = \"fit-function\"\nfunction = \"sin\"\n\
    hidden = [2]\ninterval = [-3.0, 3.0]\npoints = 8\nepochs = 1\nseeds = 2\n";

pub(super) fn seeds() -> Vec<Seed> {
    vec![
        ("calls", "cluster", cluster()),
        ("calls", "people", people()),
        ("answers", "grants", answers()),
        ("pipe", "to", pipe(&to_executor())),
        ("pipe", "from", pipe(&from_executor())),
        ("custom-kind", "hopfield", declaration()),
    ]
}

fn call(number: u8, message: &impl Message) -> Vec<u8> {
    [vec![number], message.encode_to_vec()].concat()
}

fn launch() -> v1::LaunchRequest {
    let (file, text) = ("sweep.toml".to_owned(), SWEEP.to_owned());
    let adjustment = Some(v1::Adjustment { priority: Some(3), max_slots: Some(2) });
    v1::LaunchRequest { file, text, adjustment, ..v1::LaunchRequest::default() }
}

/// A series of a task that trains.
fn recorded() -> v1::SeriesCurve {
    let axis = v1::SeriesAxis::Epoch.into();
    v1::SeriesCurve { name: "test_loss".to_owned(), axis, x: vec![0.0, 1.0], values: vec![0.5, 0.25] }
}

/// A worker that says hello, asks for work, fails at it, and leaves.
fn cluster() -> Vec<u8> {
    let worker_id = "worker".to_owned();
    let worker = Some(v1::WorkerDescription { slots: 1, device: "cpu".to_owned(), ..Default::default() });
    let hello = v1::HelloRequest { protocol: PROTOCOL, ..Default::default() };
    let sync = v1::SyncRequest {
        worker_id: worker_id.clone(),
        worker,
        free_slots: 1,
        max_pack: 2,
        ..Default::default()
    };
    let progress = v1::Progress { iteration: 3, loss: Some(0.5), ..Default::default() };
    let held = v1::HeldLease {
        lease_id: "lease".to_owned(),
        tasks: vec![v1::TaskProgress { task_id: task().to_string(), progress: Some(progress) }],
    };
    let waiting = v1::Waiting {
        kind: "unreachable".to_owned(),
        message: "it is away".to_owned(),
        ..Default::default()
    };
    let losses = Some(v1::LossCurve { iterations: vec![1, 2], losses: vec![0.5, 0.25] });
    let log = v1::TaskLog {
        task_id: task().to_string(),
        first: 3,
        lines: vec!["a".to_owned()],
        losses,
        series: vec![recorded()],
    };
    let busy = v1::SyncRequest {
        holds: vec![held],
        waiting: Some(waiting),
        logs: vec![task_log::written(&log)],
        free_slots: 0,
        ..sync.clone()
    };
    let (lease_id, task_id) = ("lease".to_owned(), task().to_string());
    let fail = v1::FailRequest {
        lease_id: lease_id.clone(),
        task_id: task_id.clone(),
        kind: "experiment".to_owned(),
        message: "it gave up".to_owned(),
        kind_code: 0,
    };
    let release =
        v1::ReleaseRequest { lease_id, task_id, reason: "drained".to_owned(), ..Default::default() };
    joined([
        call(b'a', &hello),
        call(b'h', &launch()),
        call(b'b', &sync),
        call(b'b', &busy),
        call(b'e', &fail),
        call(b'f', &release),
        call(b'g', &v1::ReportExitRequest { worker_id }),
    ])
}

/// Somebody who launches a sweep, looks at it, steers and forgets it.
fn people() -> Vec<u8> {
    let sweep_id = "small".to_owned();
    joined([
        call(b'h', &launch()),
        call(b'i', &v1::ListSweepsRequest::default()),
        call(b'j', &v1::GetSweepRequest { sweep_id: sweep_id.clone() }),
        call(b'm', &v1::ListTasksRequest { sweep_id: sweep_id.clone(), ..Default::default() }),
        call(b'o', &v1::SteerSweepRequest { sweep_id: sweep_id.clone(), ..Default::default() }),
        call(b'p', &v1::AdjustSweepRequest { sweep_id: sweep_id.clone(), ..Default::default() }),
        call(b'q', &v1::RepairSweepRequest { sweep_id: sweep_id.clone(), ..Default::default() }),
        call(b'r', &v1::ForgetSweepRequest { sweep_id, ..Default::default() }),
        call(b's', &v1::CollectGarbageRequest::default()),
        call(b't', &v1::ListWorkersRequest::default()),
        call(b'v', &v1::AboutRequest::default()),
    ])
}

/// A lease, its renewal, its end.
fn answers() -> Vec<u8> {
    let leased = LeasedTask { id: task(), attempt: ATTEMPT, spec: specs()[0].clone() };
    let lease_id = "lease".to_owned();
    let tasks = vec![v1::LeasedTask { name: "fit sin".to_owned(), ..v1::LeasedTask::from(&leased) }];
    let grant = v1::Grant { lease_id: lease_id.clone(), remaining_ms: 30_000, tasks };
    let of = |answer| v1::SyncReply { answer, next_sync_ms: 1_000, ..Default::default() };
    let renewed = vec![v1::Renewal { lease_id: lease_id.clone(), remaining_ms: 30_000 }];
    let stop = vec![v1::Stop { lease_id, reason: v1::StopReason::Cancelled.into() }];
    joined([
        v1::SyncReply { grants: vec![grant], ..of(1) }.encode_to_vec(),
        v1::SyncReply { renewed, ..of(2) }.encode_to_vec(),
        v1::SyncReply { stop, drain: true, ..of(3) }.encode_to_vec(),
    ])
}

fn pipe(messages: &[Vec<u8>]) -> Vec<u8> {
    let framed = |message: &Vec<u8>| [&(message.len() as u32).to_be_bytes()[..], message].concat();
    messages.iter().flat_map(framed).collect()
}

fn to_executor() -> Vec<Vec<u8>> {
    let of = |message| executor::ToExecutor { task_id: task().to_string(), message: Some(message) };
    let start = executor::Start { spec_json: specs()[0].canonical(), ..Default::default() };
    [
        of(executor::to_executor::Message::Start(start)),
        of(executor::to_executor::Message::Checkpoint(executor::Checkpoint {})),
        of(executor::to_executor::Message::Stop(executor::Stop {})),
    ]
    .map(|message| message.encode_to_vec())
    .into()
}

fn from_executor() -> Vec<Vec<u8>> {
    let of = |message| executor::FromExecutor { task_id: task().to_string(), message: Some(message) };
    [
        of(executor::from_executor::Message::Ready(executor::Ready::default())),
        of(executor::from_executor::Message::Started(executor::Started::default())),
        of(executor::from_executor::Message::Recorded(executor::Recorded { series: vec![recorded()] })),
        of(executor::from_executor::Message::Finished(executor::Finished::default())),
        of(executor::from_executor::Message::Stopped(executor::Stopped {})),
    ]
    .map(|message| message.encode_to_vec())
    .into()
}

fn declaration() -> Vec<u8> {
    let declaration = Declaration::new("hopfield", 3)
        .parameter("neurons", ParameterType::integer(2..=1000))
        .parameter_or("noise.share", ParameterType::number(0.0..=0.5), 0)
        .parameter_or("rule", ParameterType::choice(["hebb", "storkey"]), "hebb")
        .records("overlap", RecordedSeries::against(Axis::Iteration, "overlap"))
        .records("patterns", RecordedSeries::number("patterns"))
        .work_is_product_of(["neurons", "neurons"]);
    let kind = KindDeclaration::new(declaration).unwrap();
    let sweep = "name = \"h\"\n[[experiment]]\nid = \"h\"\nkind = \"hopfield\"\nneurons = 64\ngrid = { noise.share = [0, 0.1] }\n";
    [serde_json::to_string(&kind).unwrap(), sweep.to_owned()].join("\0").into_bytes()
}
