//! The newest checkpoint that is whole is restored, and never garbage.

use basin_domain::id::{Attempt, TaskId};
use basin_domain::key;
use basin_storage::testing::{Fault, FaultyStore, InjectedError, Operation, sample};
use basin_storage::{AttemptWriter, CheckpointLocation, StorageError, Store};
use bytes::Bytes;
use proptest::prelude::*;

fn task() -> TaskId {
    sample::task(1).id
}

fn writer(store: &Store, n: u32) -> AttemptWriter {
    AttemptWriter::new(store.clone(), task(), Attempt(n), sample::lease(n.into()))
}

fn at(step: u64) -> Bytes {
    Bytes::from(format!("weights at {step}"))
}

async fn newest_step(store: &Store) -> Option<u64> {
    let newest = store.newest_checkpoint(&task()).await.unwrap()?;
    assert_eq!(newest.bytes, at(newest.number));
    Some(newest.number)
}

#[tokio::test]
async fn the_newest_of_all_attempts_is_restored() {
    let store = FaultyStore::in_memory().store();
    assert_eq!(newest_step(&store).await, None);
    writer(&store, 1).put_checkpoint(50, at(50)).await.unwrap();
    writer(&store, 2).put_checkpoint(40, at(40)).await.unwrap();
    assert_eq!(newest_step(&store).await, Some(50), "the second attempt began from nothing and is behind");
    writer(&store, 2).put_checkpoint(60, at(60)).await.unwrap();
    let newest = store.newest_checkpoint(&task()).await.unwrap().unwrap();
    assert_eq!((newest.number, newest.folder), (60, writer(&store, 2).folder()));
}

#[tokio::test]
async fn a_checkpoint_without_its_note_was_never_finished() {
    let faulty = FaultyStore::in_memory();
    let store = faulty.store();
    writer(&store, 1).put_checkpoint(10, at(10)).await.unwrap();
    faulty.on(Operation::Put, &key::checkpoint_note_name(20), 1, Fault::Fail(InjectedError::Denied));
    writer(&store, 1).put_checkpoint(20, at(20)).await.unwrap_err();
    assert_eq!(newest_step(&store).await, Some(10));
}

#[tokio::test]
async fn a_checkpoint_of_an_impossible_number_and_one_that_was_refused_are_passed_over() {
    let store = FaultyStore::in_memory().store();
    writer(&store, 1).put_checkpoint(10, at(10)).await.unwrap();
    writer(&store, 2).put_checkpoint(20, at(20)).await.unwrap();
    writer(&store, 3).put_checkpoint(u64::MAX, at(u64::MAX)).await.unwrap();
    assert_eq!(newest_step(&store).await, Some(20));
    let mut refused = Vec::new();
    for number in [20, 10] {
        let next = store.newest_checkpoint_except(&task(), &refused).await.unwrap().unwrap();
        assert_eq!(next.number, number);
        refused.push(CheckpointLocation { folder: next.folder, number: next.number });
    }
    assert_eq!(store.newest_checkpoint_except(&task(), &refused).await.unwrap(), None);
}

#[tokio::test]
async fn damaged_checkpoints_are_passed_over() {
    let store = FaultyStore::in_memory().store();
    let writer = writer(&store, 1);
    let object = |step| format!("{}/{}", writer.folder(), key::checkpoint_name(step));
    let note = |step| format!("{}/{}", writer.folder(), key::checkpoint_note_name(step));
    let damages: [(String, Bytes); 6] = [
        (object(20), at(21)),
        (object(20), at(20).slice(1..)),
        (object(20), Bytes::new()),
        (note(20), Bytes::from_static(b"{\"step\":20,\"size\":1")),
        (note(20), store_note(19).await),
        (note(20), Bytes::from(vec![b'['; 1 << 20])),
    ];
    for (key, bytes) in damages {
        writer.put_checkpoint(10, at(10)).await.unwrap();
        writer.put_checkpoint(20, at(20)).await.unwrap();
        assert_eq!(newest_step(&store).await, Some(20));
        store.put(&key, bytes).await.unwrap();
        assert_eq!(newest_step(&store).await, Some(10), "{key}");
    }
    store.put(&object(10), Bytes::new()).await.unwrap();
    assert_eq!(newest_step(&store).await, None);
}

/// The note of a checkpoint at `step`, right for its object.
async fn store_note(step: u64) -> Bytes {
    let store = FaultyStore::in_memory().store();
    writer(&store, 1).put_checkpoint(step, at(step)).await.unwrap();
    store.get(&format!("{}/{}", writer(&store, 1).folder(), key::checkpoint_note_name(step))).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_is_not_a_task_without_checkpoints() {
    let faulty = FaultyStore::in_memory();
    writer(&faulty.store(), 1).put_checkpoint(10, at(10)).await.unwrap();
    faulty.on(Operation::Get, ".safetensors", u32::MAX, Fault::Fail(InjectedError::Unavailable));
    let error = faulty.store().newest_checkpoint(&task()).await.unwrap_err();
    assert!(matches!(error, StorageError::Unavailable { tries: 7, .. }), "{error}");
}

#[tokio::test]
async fn an_attempt_keeps_its_newest_two_and_leaves_others_alone() {
    let store = FaultyStore::in_memory().store();
    writer(&store, 1).put_checkpoint(5, at(5)).await.unwrap();
    for step in [10, 20, 30, 40] {
        writer(&store, 2).put_checkpoint(step, at(step)).await.unwrap();
    }
    let names = |folder: String| {
        let store = store.clone();
        async move {
            let listed = store.list(&folder).await.unwrap();
            listed
                .into_iter()
                .filter_map(|object| key::checkpoint_number(object.key.rsplit('/').next()?))
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(names(writer(&store, 2).folder()).await, [30, 40]);
    assert_eq!(names(writer(&store, 1).folder()).await, [5]);
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_counts_also_when_older_ones_cannot_be_removed() {
    let faulty = FaultyStore::in_memory();
    faulty.on(Operation::Delete, "", u32::MAX, Fault::Fail(InjectedError::Denied));
    for step in [10, 20, 30] {
        writer(&faulty.store(), 1).put_checkpoint(step, at(step)).await.unwrap();
    }
    assert_eq!(newest_step(&faulty.store()).await, Some(30));
}

proptest! {
    /// Whatever lies in the attempts' folders, what is restored is what was written.
    #[test]
    fn garbage_is_never_restored(garbage in prop::collection::vec(("[a-z0-9.-]{1,30}", prop::collection::vec(any::<u8>(), 0..60)), 0..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let store = FaultyStore::in_memory().store();
            writer(&store, 1).put_checkpoint(7, at(7)).await.unwrap();
            let folder = writer(&store, 2).folder();
            for (i, (name, bytes)) in garbage.into_iter().enumerate() {
                let step = 10 + i as u64;
                let names = [name, key::checkpoint_name(step), key::checkpoint_note_name(step)];
                for name in names.into_iter().filter(|name| !name.contains("..") && name != ".") {
                    store.put(&format!("{folder}/{name}"), bytes.clone().into()).await.unwrap();
                }
            }
            assert_eq!(newest_step(&store).await, Some(7));
        });
    }
}
