//! What lies in a store, or on a coordinator's disk.

use basin_coordinator::journal::{EncodedSnapshot, MemoryDisk, MemoryJournal, Writer};
use basin_core::command::{Launch, LaunchTask, Policy, Sync, WorkerDescription};
use basin_core::{Event, Ledger, Request, decide};
use basin_domain::metrics::{Axis, Metrics, Outcome};
use basin_domain::sweep::{Datasets, Source};
use basin_domain::task::Task;
use basin_domain::time::Timestamp;
use basin_experiments::{Assets, start};
use basin_fuzz::{ATTEMPT, joined, specs, task};
use basin_storage::table::{Column, Table};
use basin_storage::{Artifact, Contents, Manifest, Provenance, Store, SweepRecord, metrics};
use basin_worker::fuzzing::kept;

use super::Seed;

pub(super) fn seeds() -> Vec<Seed> {
    let events = events();
    let halves: Vec<Vec<u8>> = events.chunks(1).map(|batch| serde_json::to_vec(batch).unwrap()).collect();
    let packed = zstd::encode_all(&serde_json::to_vec(&events).unwrap()[..], 1).unwrap();
    vec![
        ("manifest", "whole", manifest().to_bytes()),
        ("commit", "whole", commit_without_digest()),
        ("stored-sweep", "whole", stored_sweep()),
        ("table", "every-type", table().encode()),
        ("table", "metrics", metrics::encode(&measured())),
        ("task-log", "lines", log()),
        ("journal", "batches", joined(&halves)),
        ("journal", "packed", joined([&packed])),
        ("snapshot", "leased", snapshot(&events)),
        ("checkpoint", "fit", checkpoint(0, 4)),
        ("checkpoint", "fit-begun", checkpoint(0, 1)),
        ("checkpoint", "critical-point", checkpoint(1, 3)),
        ("program-checkpoint", "folder", program_checkpoint()),
    ]
}

fn manifest() -> Manifest {
    let contents = Contents::of(b"bytes");
    let artifact = |name: &str| Artifact { name: name.to_owned(), contents };
    Manifest {
        task: task(),
        attempt: ATTEMPT,
        lease: "lease".parse().unwrap(),
        worker: "worker".parse().unwrap(),
        outcome: Outcome::Diverged { iteration: 7 },
        artifacts: vec![artifact("metrics.parquet"), artifact("result.safetensors")],
        provenance: Provenance { resumed_from_step: Some(3), step_seconds: Some(0.25), ..Default::default() },
    }
}

/// A commit's fields: the target puts the digest behind them.
fn commit_without_digest() -> Vec<u8> {
    serde_json::to_vec_pretty(&manifest().commit().unwrap()).unwrap()
}

/// The record and the list of tasks, as a store keeps them.
fn stored_sweep() -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = Store::open("memory://seeds").unwrap();
    let id: basin_domain::id::SweepId = "sweep-0123456789".parse().unwrap();
    let (file, text) = ("sweep.toml".to_owned(), "name = \"sweep\"\n".to_owned());
    let source = Source {
        file,
        text,
        profile: Some("quick".to_owned()),
        overrides: vec!["a=1".to_owned()],
        kinds: vec![],
    };
    let record = SweepRecord { id: id.clone(), source, datasets: Datasets::new(), launched_unix_ms: Some(1) };
    let point = [("epochs".to_owned(), basin_domain::value::Value::Integer(2))].into();
    let tasks = [Task { id: task(), experiment: "fit".parse().unwrap(), point, spec: specs()[0].clone() }];
    runtime.block_on(async {
        store.put_sweep(&record, &tasks).await.unwrap();
        let folder = basin_domain::key::sweep(&id);
        let record = store.get(&format!("{folder}/sweep.json")).await.unwrap();
        let tasks = store.get(&format!("{folder}/tasks.parquet")).await.unwrap();
        // Without its digest, which the target puts there.
        let at = record.windows(11).rposition(|part| part == b",\n  \"digest").unwrap();
        joined([&record[..at], &tasks[..]])
    })
}

fn table() -> Table {
    let columns = [
        ("text", Column::Text(vec![Some("a".to_owned()), None])),
        ("integer", Column::Integer(vec![Some(-1), None])),
        ("unsigned", Column::Unsigned(vec![Some(u64::MAX), Some(0)])),
        ("float", Column::Float(vec![Some(f64::NAN), None])),
        ("boolean", Column::Boolean(vec![Some(true), None])),
        ("integers", Column::Integers(vec![Some(vec![1, 2]), None])),
        ("floats", Column::Floats(vec![Some(vec![0.5]), Some(vec![])])),
        ("texts", Column::Texts(vec![None, Some(vec!["b".to_owned()])])),
    ];
    Table::new(columns.map(|(name, column)| (name.to_owned(), column)).into()).unwrap()
}

fn measured() -> Metrics {
    let mut metrics = Metrics::default();
    metrics.push("loss", Axis::Epoch, 0.0, 1.5);
    metrics.push("loss", Axis::Epoch, 1.0, f64::INFINITY);
    metrics.set("parameters", 13.0);
    metrics
}

fn log() -> Vec<u8> {
    let line = format!("INFO lane{{task=\"{}\"}}: basin_worker::executor::lane: trained epoch=3\n", task());
    zstd::encode_all([line, "words of nobody\n".to_owned()].concat().as_bytes(), 1).unwrap()
}

/// A sweep is launched, and a worker gets a lease of its task.
fn events() -> Vec<Event> {
    let mut ledger = Ledger::new(Policy::default());
    let mut events = Vec::new();
    let launched = LaunchTask { id: task(), experiment: "fit".to_owned(), spec: specs()[0].clone() };
    let launch = Launch {
        sweep: "sweep-0123456789".parse().unwrap(),
        user: None,
        adjustment: Default::default(),
        tasks: vec![launched],
        committed: vec![],
        needs: Default::default(),
    };
    decided(&mut ledger, 1, launch, &mut events);
    let sync = Sync {
        worker: "worker".parse().unwrap(),
        description: WorkerDescription { slots: 1, ..Default::default() },
        holds: vec![],
        free_slots: 1,
        max_pack: 1,
        draining: false,
        waiting: None,
        seen: 0,
        fresh: vec!["lease".parse().unwrap()],
    };
    decided(&mut ledger, 2, sync, &mut events);
    events
}

fn decided<R: Request>(ledger: &mut Ledger, now: u64, request: R, events: &mut Vec<Event>) {
    for event in decide(ledger, Timestamp(now), request).unwrap().0 {
        ledger.apply(&event);
        if event.is_durable() {
            events.push(event);
        }
    }
}

fn snapshot(events: &[Event]) -> Vec<u8> {
    let disk = MemoryDisk::holding(None, vec![serde_json::to_vec(events).unwrap()]);
    let mut writer = Writer::open(MemoryJournal::open(&disk).unwrap(), Policy::default()).unwrap();
    let (sequence, snapshot) = writer.snapshot();
    joined([EncodedSnapshot::new(sequence, &snapshot).bytes])
}

fn checkpoint(of: usize, advances: usize) -> Vec<u8> {
    let mut run = start(&specs()[of], &Assets::default(), None).unwrap();
    for _ in 0..advances {
        run.advance().unwrap();
    }
    run.checkpoint().unwrap()
}

fn program_checkpoint() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("within")).unwrap();
    std::fs::write(folder.path().join("weights"), [1, 2, 3]).unwrap();
    std::fs::write(folder.path().join("within/step"), "7").unwrap();
    kept(task(), folder.path()).unwrap()
}
