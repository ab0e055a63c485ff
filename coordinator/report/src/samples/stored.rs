//! Sweeps in a store, with results that somebody committed.

use basin_domain::id::{Attempt, LeaseId, TaskId, WorkerId};
use basin_domain::key;
use basin_domain::metrics::{Metrics, Outcome};
use basin_domain::sweep::{Datasets, Source, SweepFile, SweepPlan};
use basin_storage::{AttemptEnd, AttemptWriter, Commit, Provenance, Store, SweepRecord};

/// A sweep file with its plan.
pub(crate) fn planned(file: &str, text: &str) -> (Source, SweepPlan) {
    let source = Source {
        file: file.to_owned(),
        text: text.to_owned(),
        profile: None,
        overrides: Vec::new(),
        kinds: Vec::new(),
    };
    let plan = SweepFile::parse(&source).unwrap().expand(&Datasets::new(), 100).unwrap();
    (source, plan)
}

/// Puts a sweep into `store`.
pub(crate) async fn put_sweep(store: &Store, file: &str, text: &str) -> (SweepRecord, SweepPlan) {
    let (source, plan) = planned(file, text);
    let sweep =
        SweepRecord { id: plan.id.clone(), source, datasets: Datasets::new(), launched_unix_ms: None };
    store.put_sweep(&sweep, &plan.tasks).await.unwrap();
    (sweep, plan)
}

/// Commits what a task's first attempt measured and made.
pub(crate) async fn commit(
    store: &Store,
    task: TaskId,
    lease: &str,
    outcome: Outcome,
    record: &Metrics,
    result: Vec<u8>,
) -> Commit {
    let writer = AttemptWriter::new(store.clone(), task, Attempt(1), LeaseId::new(lease).unwrap());
    writer.put_artifact(key::METRICS, basin_storage::metrics::encode(record).into()).await.unwrap();
    writer.put_artifact(key::RESULT, result.into()).await.unwrap();
    let worker = WorkerId::new("worker-1").unwrap();
    let manifest =
        writer.finish(AttemptEnd { worker, outcome, provenance: Provenance::default() }).await.unwrap();
    let commit = manifest.commit().unwrap();
    store.commit(&commit).await.unwrap();
    commit
}

/// The key of a file of a committed attempt.
pub(crate) fn key_of(commit: &Commit, name: &str) -> String {
    format!("{}/{name}", key::attempt(&commit.task, commit.attempt, &commit.lease))
}
