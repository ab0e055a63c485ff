//! Measures the ledger and its journal at full size: launch, grants and commits of 100,000 tasks, snapshots, restarts.
//!
//! `cargo run --release -p basin-coordinator --example restart [TASKS] [FOLDER]`

#![expect(clippy::print_stdout, reason = "a measurement prints what it measured")]

use std::path::Path;
use std::time::{Duration, Instant};

use basin_coordinator::journal::writer::Decisions;
use basin_coordinator::journal::{
    EncodedSnapshot, Journal, LedgerHandle, SqliteJournal, SystemClock, Writer,
};
use basin_core::Request;
use basin_core::command::{
    CommitRecord, Complete, Grant, HeldLease, Launch, LaunchCounts, LaunchTask, LeasedTask, Policy, Refusal,
    Sync,
};
use basin_domain::digest::Digest;
use basin_domain::experiment::{Experiment, FitFunction, Function, TrainingSettings, TrainingTime};
use basin_domain::id::{LeaseId, SweepId, WorkerId};
use basin_domain::metrics::Outcome;
use basin_domain::optimizer::Optimizer;
use basin_domain::task::TaskSpec;
use basin_domain::time::Timestamp;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Commands that share a write, as they do when a thousand workers are busy.
const BATCH: usize = 256;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let tasks: u64 = arguments.next().map_or(Ok(100_000), |text| text.parse())?;
    let folder = match arguments.next() {
        Some(folder) => std::path::PathBuf::from(folder),
        None => std::env::temp_dir().join(format!("basin-restart-{}", std::process::id())),
    };
    for (name, seeds) in [("100 seeds a point", 100), ("one seed a point", 1)] {
        println!("\n{tasks} tasks, {name}");
        let path = folder.join(format!("journal-{seeds}.sqlite"));
        work(&path, tasks, seeds)?;
        restart("restart after a crash (last snapshot, and the events since)", &path)?;
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(group_commit(&path))?;
        restart("restart after a clean end", &path)?;
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Launches the tasks and commits half of them; ends as a crash does.
fn work(path: &Path, tasks: u64, seeds: u64) -> Result<()> {
    let mut writer = Writer::open(SqliteJournal::open(path)?, Policy::default())?;
    let launch = launch(tasks, seeds);
    let begun = Instant::now();
    let launched = writer.write(Timestamp(1), |decisions| decisions.decide(launch))?;
    say("launch, to disk", begun.elapsed());
    assert_eq!(launched, Ok(LaunchCounts { new: tasks, reused: 0, shared: 0 }));

    let begun = Instant::now();
    let mut commands = 0;
    let mut committed = 0;
    let mut workers: Vec<Worker> = (0..BATCH).map(Worker::new).collect();
    for now in 2.. {
        if committed >= tasks / 2 {
            break;
        }
        let syncs: Vec<Sync> = workers.iter_mut().map(Worker::sync).collect();
        let replies = writer.write(Timestamp(now), |decisions| all(decisions, syncs))?;
        let mut completes = Vec::with_capacity(BATCH);
        for (worker, reply) in workers.iter_mut().zip(replies) {
            let synced = reply?;
            worker.seen = synced.answer;
            completes.extend(synced.grants.iter().map(complete));
        }
        committed += completes.len() as u64;
        commands += BATCH + completes.len();
        writer.write(Timestamp(now), |decisions| all(decisions, completes))?;
        if writer.is_snapshot_due() {
            snapshot(&mut writer)?;
        }
    }
    let elapsed = begun.elapsed();
    say(&format!("{commands} syncs and completions in writes of {BATCH}"), elapsed);
    println!("  {:>10.0} commands/s", commands as f64 / elapsed.as_secs_f64());

    // The decision alone: a sync that renews one lease and gets nothing.
    let begun = Instant::now();
    let mut worker = Worker::new(0);
    let mut syncs = 0;
    while begun.elapsed() < Duration::from_millis(300) {
        let sync = worker.sync();
        let held = HeldLease { lease: LeaseId::new("none")?, progress: vec![] };
        let idle = Sync { free_slots: 0, holds: vec![held], ..sync };
        writer.write(Timestamp(1), |decisions| decisions.decide(idle))??;
        syncs += 1;
    }
    println!(
        "  {:>10.0} syncs/s that change nothing on disk",
        f64::from(syncs) / begun.elapsed().as_secs_f64()
    );
    Ok(())
}

fn snapshot(writer: &mut Writer<SqliteJournal>) -> Result<()> {
    let begun = Instant::now();
    let (sequence, snapshot) = writer.snapshot();
    let copied = begun.elapsed();
    let encoded = EncodedSnapshot::new(sequence, &snapshot);
    let encoding = begun.elapsed() - copied;
    writer.keep_snapshot(&encoded)?;
    let kept = begun.elapsed() - copied - encoding;
    println!(
        "  snapshot of {:.1} MB: copied in {copied:.0?} and written in {kept:.0?} on the writer's thread, \
         encoded in {encoding:.0?} on another",
        encoded.bytes.len() as f64 / 1e6
    );
    Ok(())
}

/// Decides about all of them, in order.
fn all<R: Request>(
    decisions: &mut Decisions<'_>,
    requests: Vec<R>,
) -> Vec<std::result::Result<R::Reply, Refusal>> {
    requests.into_iter().map(|request| decisions.decide(request)).collect()
}

/// The cost of one command after another, and of many at a time, each on disk before its answer.
async fn group_commit(path: &Path) -> Result<()> {
    let ledger =
        LedgerHandle::open(SqliteJournal::open(path)?, Policy::default(), SystemClock::default()).await?;
    for waiting in [1, 16, 256] {
        let begun = Instant::now();
        let each = 2_000 / waiting.max(8);
        let calls = (0..waiting).map(|number| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                let mut worker = Worker::new(number + 1000 * waiting);
                for _ in 0..each {
                    let Ok(synced) = ledger.decide(worker.sync()).await else { return 0 };
                    worker.seen = synced.answer;
                    for grant in &synced.grants {
                        let _ = ledger.decide(complete(grant)).await;
                    }
                }
                2 * each
            })
        });
        let mut durable = 0;
        for call in calls.collect::<Vec<_>>() {
            durable += call.await?;
        }
        let rate = durable as f64 / begun.elapsed().as_secs_f64();
        println!("  {rate:>10.0} durable commands/s with {waiting} callers");
    }
    ledger.close().await;
    Ok(())
}

fn restart(what: &str, path: &Path) -> Result<()> {
    let begun = Instant::now();
    let mut journal = SqliteJournal::open(path)?;
    let events = journal.load()?.events.len();
    drop(journal);
    let loading = begun.elapsed();
    let begun = Instant::now();
    let writer = Writer::open(SqliteJournal::open(path)?, Policy::default())?;
    let elapsed = begun.elapsed();
    say(what, elapsed);
    println!(
        "  {:>7} ms of it reading and checking, with {events} events to apply; then the audit",
        loading.as_millis()
    );
    let tasks: u64 = writer.ledger().sweeps().map(|sweep| sweep.counts.total()).sum();
    println!("  {tasks:>7} tasks");
    Ok(())
}

struct Worker {
    id: WorkerId,
    seen: u64,
    leases: u64,
}

impl Worker {
    fn new(number: usize) -> Self {
        Self { id: WorkerId::new(format!("worker-{number}")).expect("that is an id"), seen: 0, leases: 0 }
    }

    fn sync(&mut self) -> Sync {
        self.leases += 1;
        let fresh = format!("{}-{:032x}", self.id, self.leases);
        Sync {
            worker: self.id.clone(),
            description: Default::default(),
            holds: vec![],
            free_slots: 1,
            max_pack: 1,
            draining: false,
            waiting: None,
            seen: self.seen,
            fresh: vec![LeaseId::new(fresh).expect("that is an id")],
        }
    }
}

fn complete(grant: &Grant) -> Complete {
    let LeasedTask { id, attempt, .. } = &grant.tasks[0];
    let manifest = Digest::of(id.0.as_bytes());
    Complete(CommitRecord {
        task: *id,
        lease: grant.lease.clone(),
        attempt: *attempt,
        manifest,
        outcome: Outcome::Completed,
        digest: None,
    })
}

fn launch(tasks: u64, seeds: u64) -> Launch {
    let task = |number: u64| {
        let experiment = Experiment::FitFunction(FitFunction {
            function: Function::Sin,
            hidden: vec![32, 64],
            model: None,
            interval: (-3.0, 3.0),
            points: 128,
            layout: Default::default(),
            seeds: Default::default(),
            batch_size: None,
            budget: TrainingTime::Epochs(200),
            loss: Default::default(),
            training: TrainingSettings::of(Optimizer::adam(1e-6 * (1 + number / seeds) as f64)),
        });
        let (version, seed) = (experiment.version(), number % seeds);
        let spec = TaskSpec { experiment, version, seed, data: None, inputs: Default::default() };
        LaunchTask { id: spec.id(), experiment: "fit".into(), spec }
    };
    let sweep = SweepId::new("measured").expect("that is an id");
    Launch {
        sweep,
        user: None,
        adjustment: Default::default(),
        tasks: (0..tasks).map(task).collect(),
        committed: vec![],
        needs: Default::default(),
    }
}

fn say(what: &str, elapsed: Duration) {
    println!("  {:>7} ms {what}", elapsed.as_millis());
}
