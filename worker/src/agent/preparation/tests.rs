//! What an executor gets, where the store has it whole, damaged, half or not at all.

use std::collections::BTreeMap;

use basin_domain::data::Dataset;
use basin_domain::digest::Digest;
use basin_domain::failure::{FailureKind, ReleaseReason};
use basin_domain::id::{Attempt, DatasetName, LeaseId, TaskId};
use basin_domain::key;
use basin_storage::testing::{Fault, InjectedError, Operation, sample};
use basin_storage::{AttemptWriter, Store};
use bytes::Bytes;

use super::super::reactor::{Directive, Message};
use super::super::testing::{AttemptFixture, leased, small_task};
use super::*;

/// Writes a checkpoint as the attempt of this number.
async fn checkpointed(store: &Store, attempt: u32, number: u64, bytes: &'static [u8]) -> String {
    let lease = LeaseId::new(format!("l{attempt}")).unwrap();
    let writer = AttemptWriter::new(store.clone(), small_task().id, Attempt(attempt), lease);
    writer.put_checkpoint(number, Bytes::from_static(bytes)).await.unwrap();
    writer.folder()
}

/// What is prepared for a task, however long it takes.
async fn prepare(
    context: &AttemptContext<'_>,
    lease: &LeaseHandle,
    task: &LeasedTask,
) -> Result<(Start, Option<CheckpointLocation>), AttemptOutcome> {
    super::prepare(context, lease, task, &mut TimeSpent::default()).await
}

/// The number and the contents of the checkpoint that is restored.
async fn restored(fixture: &AttemptFixture, refused: &[CheckpointLocation]) -> Option<(u64, Vec<u8>)> {
    let found = restore(&fixture.context(), &fixture.lease, &small_task(), refused).await.ok().unwrap()?;
    Some((found.location.number, std::fs::read(found.file).unwrap()))
}

#[tokio::test]
async fn a_task_that_was_never_begun_starts_from_nothing() {
    let fixture = AttemptFixture::new();
    let task = small_task();
    let (start, resumed) = prepare(&fixture.context(), &fixture.lease, &task).await.unwrap();
    assert_eq!(resumed, None);
    assert_eq!((start.checkpoint, start.checkpoint_number, start.dataset), (None, 0, None));
    assert_eq!(start.spec_json, task.spec.canonical());
    assert_eq!(Path::new(&start.scratch), fixture.scratch.path());
    // The last checkpoint has a quarter of the grace to be uploaded in.
    assert_eq!((start.checkpoint_every_ms, start.stop_within_ms), (60_000, 15_000));
}

#[tokio::test]
async fn a_task_goes_on_from_the_newest_checkpoint_of_all_attempts() {
    let fixture = AttemptFixture::new();
    checkpointed(&fixture.store, 2, 8, b"eight").await;
    let folder = checkpointed(&fixture.store, 1, 9, b"nine").await;
    let (start, resumed) = prepare(&fixture.context(), &fixture.lease, &small_task()).await.unwrap();
    assert_eq!(resumed, Some(CheckpointLocation { folder, number: 9 }));
    assert_eq!(start.checkpoint_number, 9);
    assert_eq!(std::fs::read(start.checkpoint.unwrap()).unwrap(), b"nine");
}

#[tokio::test]
async fn an_older_checkpoint_follows_on_one_that_cannot_be_read() {
    for damage in ["cut", "changed", "without a note", "another's note"] {
        let fixture = AttemptFixture::new();
        let store = &fixture.store;
        checkpointed(store, 1, 4, b"four").await;
        let folder = checkpointed(store, 2, 5, b"five").await;
        let (object, note) = (
            format!("{folder}/{}", key::checkpoint_name(5)),
            format!("{folder}/{}", key::checkpoint_note_name(5)),
        );
        match damage {
            "cut" => store.put(&object, Bytes::from_static(b"fi")).await.unwrap(),
            "changed" => store.put(&object, Bytes::from_static(b"fife")).await.unwrap(),
            "without a note" => store.delete(&note).await.unwrap(),
            _ => {
                let text = store.get(&note).await.unwrap();
                let text = String::from_utf8(text.to_vec()).unwrap().replace(":5", ":6");
                store.put(&note, text.into()).await.unwrap();
            }
        }
        assert_eq!(restored(&fixture, &[]).await, Some((4, b"four".to_vec())), "{damage}");
    }
}

#[tokio::test]
async fn a_checkpoint_of_a_number_that_no_run_comes_to_is_passed_over() {
    let fixture = AttemptFixture::new();
    checkpointed(&fixture.store, 1, 4, b"four").await;
    checkpointed(&fixture.store, 2, u64::MAX, b"last").await;
    assert_eq!(restored(&fixture, &[]).await, Some((4, b"four".to_vec())));
}

#[tokio::test]
async fn a_checkpoint_that_the_executor_refused_is_not_restored_again() {
    let fixture = AttemptFixture::new();
    let folder = checkpointed(&fixture.store, 1, 4, b"four").await;
    let refused = CheckpointLocation { folder, number: 4 };
    assert_eq!(restored(&fixture, std::slice::from_ref(&refused)).await, None);
    // The same number of another attempt is another checkpoint.
    checkpointed(&fixture.store, 2, 4, b"other").await;
    assert_eq!(restored(&fixture, &[refused]).await, Some((4, b"other".to_vec())));
}

#[tokio::test(start_paused = true)]
async fn no_older_checkpoint_is_taken_because_the_store_is_down_for_a_while() {
    let mut fixture = AttemptFixture::new();
    checkpointed(&fixture.store, 1, 4, b"four").await;
    checkpointed(&fixture.store, 1, 5, b"five").await;
    fixture.faults.on(Operation::Get, "checkpoint-000000000005", 30, Fault::Fail(InjectedError::Unavailable));
    assert_eq!(restored(&fixture, &[]).await, Some((5, b"five".to_vec())));
    let told = fixture.told();
    assert!(
        matches!(told.first(), Some(Message::OutageBegan { holds_result: false, .. }))
            && matches!(told.last(), Some(Message::OutageEnded { .. })),
        "{told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_when_the_worker_leaves_costs_nobody_an_attempt() {
    let fixture = AttemptFixture::new();
    fixture.faults.down_for(Duration::from_secs(1_000_000));
    let (context, task) = (fixture.context(), small_task());
    let leaving = async {
        tokio::time::sleep(Duration::from_secs(200)).await;
        fixture.directives.send_replace(Directive::GiveBack(ReleaseReason::Drain));
    };
    let (prepared, ()) = tokio::join!(prepare(&context, &fixture.lease, &task), leaving);
    assert_eq!(prepared.unwrap_err(), AttemptOutcome::Released(ReleaseReason::Drain));
}

#[tokio::test]
async fn a_task_that_is_committed_already_is_not_trained_again() {
    let fixture = AttemptFixture::new();
    let commit = sample::attempt(&fixture.store, small_task().id, 1).await.unwrap().commit().unwrap();
    fixture.store.commit(&commit).await.unwrap();
    let prepared = prepare(&fixture.context(), &fixture.lease, &small_task()).await;
    assert_eq!(prepared.unwrap_err(), AttemptOutcome::Committed { manifest: commit.manifest });
}

/// A task that reads the result of another one.
fn reading(input: TaskId) -> LeasedTask {
    let mut spec = sample::task(2).spec;
    spec.inputs = BTreeMap::from([("trained".to_owned(), input)]);
    leased(spec, 1)
}

fn damage(prepared: Result<(Start, Option<CheckpointLocation>), AttemptOutcome>) -> String {
    let Err(AttemptOutcome::Failed(failure)) = prepared else { panic!("{prepared:?}") };
    assert_eq!(failure.kind, FailureKind::Damaged);
    failure.message
}

#[tokio::test]
async fn the_results_that_a_task_reads_are_files_in_folders_of_its_own() {
    let fixture = AttemptFixture::new();
    let input = sample::task(1).id;
    let commit = sample::attempt(&fixture.store, input, 1).await.unwrap().commit().unwrap();
    fixture.store.commit(&commit).await.unwrap();
    let (start, _) = prepare(&fixture.context(), &fixture.lease, &reading(input)).await.unwrap();
    let folder = Path::new(&start.inputs["trained"]);
    assert_eq!(folder.parent(), Some(fixture.scratch.path()));
    assert_eq!(std::fs::read(folder.join(key::RESULT)).unwrap(), b"weights");
}

#[tokio::test]
async fn an_input_that_is_gone_or_changed_is_damage_and_never_trained_on() {
    let fixture = AttemptFixture::new();
    let input = sample::task(1).id;
    let context = fixture.context();
    let why = damage(prepare(&context, &fixture.lease, &reading(input)).await);
    assert!(why.contains("trained") && why.contains("has no commit"), "{why}");

    let commit = sample::attempt(&fixture.store, input, 1).await.unwrap().commit().unwrap();
    fixture.store.commit(&commit).await.unwrap();
    let result = format!("{}/{}", key::attempt(&input, commit.attempt, &commit.lease), key::RESULT);
    fixture.store.put(&result, Bytes::from_static(b"weight5")).await.unwrap();
    let why = damage(prepare(&context, &fixture.lease, &reading(input)).await);
    assert!(why.contains(key::RESULT), "{why}");
    fixture.store.delete(&result).await.unwrap();
    damage(prepare(&context, &fixture.lease, &reading(input)).await);
}

#[tokio::test]
async fn data_that_nobody_imported_are_missing_and_the_message_names_them() {
    let fixture = AttemptFixture::new();
    let mut spec = sample::task(3).spec;
    let name = DatasetName::new("leaves").unwrap();
    spec.data = Some(Dataset { name, digest: Digest::of(b"leaves") });
    let prepared = prepare(&fixture.context(), &fixture.lease, &leased(spec, 1)).await;
    let Err(AttemptOutcome::Failed(failure)) = prepared else { panic!("{prepared:?}") };
    assert_eq!(failure.kind, FailureKind::MissingData);
    assert!(failure.message.starts_with("data set leaves"), "{failure:?}");
}

#[test]
fn a_span_without_end_is_the_longest_that_can_be_said() {
    assert_eq!(milliseconds(Duration::MAX), u64::MAX);
    assert_eq!(milliseconds(Duration::from_micros(999)), 0);
}
