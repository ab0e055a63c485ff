//! Committed tasks trained again over a store that is whole, damaged, or empty.

use basin_domain::data::Dataset;
use basin_domain::digest::Digest;
use basin_domain::failure::FailureKind;
use basin_domain::id::{Attempt, DatasetName};
use basin_domain::key;
use basin_domain::metrics::Outcome;
use basin_storage::testing::{FaultyStore, sample};
use basin_storage::{AttemptEnd, AttemptWriter};

use super::*;

async fn trained(store: &Store, spec: &TaskSpec) -> Result<Finished, ReplayError> {
    let folder = tempfile::tempdir().unwrap();
    train(store, spec, &Kinds::none(), folder.path(), Arc::default(), |_| {}).await
}

/// Commits what a training of the task gave, changed.
async fn committed(store: &Store, spec: &TaskSpec, change: impl FnOnce(&mut Finished)) -> Commit {
    let mut finished = trained(store, spec).await.unwrap();
    change(&mut finished);
    let writer = AttemptWriter::new(store.clone(), spec.id(), Attempt(1), sample::lease(1));
    writer
        .put_artifact(key::METRICS, basin_storage::metrics::encode(&finished.metrics).into())
        .await
        .unwrap();
    writer.put_artifact(key::RESULT, finished.result.into()).await.unwrap();
    let end = AttemptEnd { outcome: finished.outcome, ..sample::ending(Outcome::Completed) };
    let commit = writer.finish(end).await.unwrap().commit().unwrap();
    store.commit(&commit).await.unwrap();
    commit
}

#[tokio::test]
async fn a_task_trained_again_is_the_same_and_one_that_was_changed_is_not() {
    let spec = sample::task(1).spec;
    let store = FaultyStore::in_memory().store();
    committed(&store, &spec, |_| {}).await;
    let original = Original::find(&store, &spec.id()).await.unwrap();
    let comparison = Comparison::of(&original, &trained(&store, &spec).await.unwrap());
    assert!(comparison.is_same() && comparison.same_bytes, "{comparison:?}");
    assert!(comparison.values > 0 && comparison.tensors > 0, "{comparison:?}");

    let store = FaultyStore::in_memory().store();
    committed(&store, &spec, |finished| {
        finished.outcome = Outcome::Diverged { iteration: 3 };
        *finished.result.last_mut().unwrap() ^= 1;
        finished.metrics.set("invented", 1.0);
    })
    .await;
    let original = Original::find(&store, &spec.id()).await.unwrap();
    let comparison = Comparison::of(&original, &trained(&store, &spec).await.unwrap());
    assert!(!comparison.same_bytes);
    assert!(
        matches!(
            &comparison.differences[..],
            [Difference::Outcome { .. }, Difference::Series { name, replayed: None, .. }, Difference::Tensor { bytes: Some(1), .. }]
                if name == "invented"
        ),
        "{comparison:?}"
    );
}

#[tokio::test]
async fn nothing_is_compared_with_what_was_never_committed_or_is_damaged() {
    let spec = sample::task(1).spec;
    let store = FaultyStore::in_memory().store();
    let error = Original::find(&store, &spec.id()).await.unwrap_err();
    assert!(matches!(error, ReplayError::NotCommitted(task) if task == spec.id()), "{error:?}");
    let commit = committed(&store, &spec, |_| {}).await;
    let result = format!("{}/{}", key::attempt(&spec.id(), commit.attempt, &commit.lease), key::RESULT);
    store.put(&result, Bytes::from_static(b"other")).await.unwrap();
    let error = Original::find(&store, &spec.id()).await.unwrap_err();
    assert!(matches!(error, ReplayError::Storage(StorageError::Corrupt { .. })), "{error:?}");
}

#[tokio::test]
async fn inputs_and_data_that_are_not_there_are_named() {
    let store = FaultyStore::in_memory().store();
    let mut spec = sample::task(1).spec;
    let input = sample::task(2).id;
    spec.inputs.insert("trained".to_owned(), input);
    let error = trained(&store, &spec).await.unwrap_err();
    assert!(
        matches!(&error, ReplayError::MissingInput { name, input: missing } if name == "trained" && *missing == input)
    );

    let mut spec = sample::task(1).spec;
    spec.data = Some(Dataset { name: DatasetName::new("leaves").unwrap(), digest: Digest::of(b"leaves") });
    let error = trained(&store, &spec).await.unwrap_err();
    assert!(matches!(error, ReplayError::Storage(StorageError::NotFound { .. })), "{error:?}");
}

#[tokio::test]
async fn a_training_says_how_far_it_is_and_stops_when_it_is_told_to() {
    let store = FaultyStore::in_memory().store();
    let (spec, folder) = (sample::task(1).spec, tempfile::tempdir().unwrap());
    let stop = Arc::new(AtomicBool::new(false));
    let (told, stops) = (Arc::new(AtomicBool::new(false)), Arc::clone(&stop));
    let heard = Arc::clone(&told);
    let on_progress = move |progress: Progress| {
        heard.store(progress.iterations > 0, Ordering::Relaxed);
        stops.store(true, Ordering::Relaxed);
    };
    let error = train(&store, &spec, &Kinds::none(), folder.path(), stop, on_progress).await.unwrap_err();
    assert!(matches!(error, ReplayError::Stopped), "{error:?}");
    assert!(told.load(Ordering::Relaxed));
}

#[tokio::test]
async fn a_task_of_another_version_is_not_trained() {
    let mut spec = sample::task(1).spec;
    spec.version += 1;
    let error = trained(&FaultyStore::in_memory().store(), &spec).await.unwrap_err();
    let ReplayError::Training(error) = error else { panic!("{error:?}") };
    assert_eq!(error.failure().kind, FailureKind::InvalidParameters);
}
