//! Small valid objects to store.

use basin_domain::digest::Digest;
use basin_domain::experiment::{
    Experiment, FitFunction, Function, PointLayout, StreamSeeds, TrainingSettings, TrainingTime,
};
use basin_domain::id::{Attempt, ExperimentId, LeaseId, SweepId, TaskId, WorkerId};
use basin_domain::key;
use basin_domain::metrics::{Axis, Metrics, Outcome};
use basin_domain::optimizer::Optimizer;
use basin_domain::sweep::{Datasets, Source};
use basin_domain::task::{Task, TaskSpec};
use basin_domain::value::Value;
use bytes::Bytes;

use crate::{AttemptEnd, AttemptWriter, Commit, Manifest, Provenance, Result, Store, SweepRecord, metrics};

/// The task number `seed` of a sweep that varies the seed.
pub fn task(seed: u64) -> Task {
    let spec = TaskSpec {
        experiment: Experiment::FitFunction(FitFunction {
            function: Function::Sin,
            hidden: vec![32, 64],
            model: None,
            interval: (-3.0, 3.0),
            points: 128,
            layout: PointLayout::default(),
            seeds: StreamSeeds::default(),
            batch_size: None,
            budget: TrainingTime::Epochs(2),
            loss: Default::default(),
            training: TrainingSettings::of(Optimizer::adam(1e-3)),
        }),
        version: FitFunction::VERSION,
        seed,
        data: None,
        inputs: [].into(),
    };
    Task {
        id: spec.id(),
        experiment: ExperimentId::new("fit").unwrap(),
        point: [
            ("function".to_owned(), Value::Text("sin".to_owned())),
            ("hidden".to_owned(), Value::List(vec![Value::Integer(32), Value::Integer(64)])),
            ("learning_rate".to_owned(), Value::Float(1.0)),
        ]
        .into(),
        spec,
    }
}

/// A sweep's record.
pub fn sweep(id: &str) -> SweepRecord {
    SweepRecord {
        id: SweepId::new(id).unwrap(),
        source: Source {
            file: "sweeps/sample.toml".to_owned(),
            text: "name = \"sample\"  # kept as it is\n".to_owned(),
            profile: Some("quick".to_owned()),
            overrides: vec!["defaults.epochs=2".to_owned()],
            kinds: Vec::new(),
        },
        datasets: Datasets::new(),
        launched_unix_ms: Some(1_000),
    }
}

/// The lease number `n`.
pub fn lease(n: u64) -> LeaseId {
    LeaseId::new(format!("lease-{n}")).unwrap()
}

/// A commit of attempt `n`, whose artifacts nobody wrote.
pub fn commit(task: TaskId, n: u32) -> Commit {
    Commit {
        task,
        attempt: Attempt(n),
        lease: lease(n.into()),
        worker: WorkerId::new(format!("worker-{n}")).unwrap(),
        manifest: Digest::of(&n.to_le_bytes()),
        outcome: Outcome::Completed,
        metrics: Digest::of(b"metrics"),
        result: Digest::of(b"result"),
    }
}

/// The measurements of a small run, NaN among it.
pub fn record() -> Metrics {
    let mut record = Metrics::default();
    for epoch in 0..=3 {
        record.push("train_loss", Axis::Epoch, f64::from(epoch), 1.0 / f64::from(epoch + 1));
    }
    record.push("train_loss", Axis::Epoch, 4.0, f64::NAN);
    record.push("loss", Axis::Iteration, 1.0, f64::INFINITY);
    record.set("parameters", 2241.0);
    record
}

/// The end of an attempt.
pub fn ending(outcome: Outcome) -> AttemptEnd {
    AttemptEnd {
        worker: WorkerId::new("worker-1").unwrap(),
        outcome,
        provenance: Provenance {
            host: "host".to_owned(),
            device: "cpu".to_owned(),
            code_path: "portable".to_owned(),
            threads: 1,
            basin_version: "0.1.0".to_owned(),
            started_unix_ms: 1_000,
            finished_unix_ms: 2_000,
            ..Provenance::default()
        },
    }
}

/// Writes a whole attempt but its commit.
///
/// # Errors
/// As [`Store::put`].
pub async fn attempt(store: &Store, task: TaskId, n: u32) -> Result<Manifest> {
    let writer = AttemptWriter::new(store.clone(), task, Attempt(n), lease(n.into()));
    writer.put_artifact(key::METRICS, metrics::encode(&record()).into()).await?;
    writer.put_artifact(key::RESULT, Bytes::from_static(b"weights")).await?;
    writer.put_artifact(key::LOG, Bytes::from(format!("attempt {n}"))).await?;
    writer.finish(ending(Outcome::Completed)).await
}
