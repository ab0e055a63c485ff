//! Errors that pass are waited for, and others are returned at once.

use std::time::Duration;

use basin_storage::testing::{Fault, FaultyStore, InjectedError, Operation};
use basin_storage::{ConditionalWrites, Contents, ListedObject, StorageError};

#[tokio::test(start_paused = true)]
async fn transient_errors_are_retried_on_every_call() {
    let faulty = FaultyStore::in_memory();
    let store = faulty.store();
    for operation in [Operation::Put, Operation::Get, Operation::List, Operation::Delete] {
        faulty.on(operation, "", 3, Fault::Fail(InjectedError::Unavailable));
    }
    store.put("a/b", "value".into()).await.unwrap();
    assert_eq!(store.get("a/b").await.unwrap(), "value");
    assert_eq!(store.list("a").await.unwrap(), [ListedObject { key: "a/b".to_owned(), size: 5 }]);
    store.delete("a/b").await.unwrap();
    assert_eq!(faulty.calls(Operation::Put, ""), 4);
    assert_eq!(faulty.calls(Operation::Delete, ""), 4);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_never_answered_is_given_up_and_repeated() {
    let faulty = FaultyStore::in_memory();
    for operation in [Operation::Put, Operation::Get, Operation::List] {
        faulty.on(operation, "", 1, Fault::Hang);
    }
    let store = faulty.store();
    store.put("key", "value".into()).await.unwrap();
    assert_eq!(store.get("key").await.unwrap(), "value");
    assert_eq!(store.list("").await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn patience_ends_and_the_error_says_so() {
    let faulty = FaultyStore::in_memory();
    faulty.down_for(Duration::from_secs(86_400));
    let begun = tokio::time::Instant::now();
    let error = faulty.store().get("a/b").await.unwrap_err();
    assert_eq!(error.to_string(), "faulty://store is unavailable: `a/b` failed 7 times");
    assert!((16.0..=25.0).contains(&begun.elapsed().as_secs_f64()), "{:?}", begun.elapsed());
    assert!(error.is_transient());
}

#[tokio::test(start_paused = true)]
async fn a_denied_call_is_not_repeated() {
    let faulty = FaultyStore::in_memory();
    faulty.on(Operation::Put, "", u32::MAX, Fault::Fail(InjectedError::Denied));
    let error = faulty.store().put("key", "value".into()).await.unwrap_err();
    assert!(matches!(error, StorageError::Denied { .. }), "{error}");
    assert_eq!(faulty.calls(Operation::Put, ""), 1);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_ends_early_is_read_again() {
    let faulty = FaultyStore::in_memory();
    let store = faulty.store();
    store.put("key", "a longer value".into()).await.unwrap();
    faulty.on(Operation::Get, "key", 2, Fault::Truncate);
    assert_eq!(store.get("key").await.unwrap(), "a longer value");
}

#[tokio::test(start_paused = true)]
async fn a_large_object_goes_on_where_it_was_interrupted() {
    let faulty = FaultyStore::in_memory();
    let store = faulty.store();
    let bytes: Vec<u8> = (0..1000_u32).map(|i| (i * 7) as u8).collect();
    store.put("key", bytes.clone().into()).await.unwrap();
    // Half of it comes, then half of the rest, then an error, then all that is left.
    faulty.on(Operation::Get, "key", 2, Fault::Truncate);
    faulty.on(Operation::Get, "key", 1, Fault::Fail(InjectedError::Unavailable));
    assert_eq!(store.contents("key").await.unwrap(), Contents::of(&bytes));
    assert_eq!(faulty.calls(Operation::Get, "key"), 4);
}

#[tokio::test(start_paused = true)]
async fn an_object_of_which_nothing_comes_is_given_up() {
    let faulty = FaultyStore::in_memory();
    let store = faulty.store();
    store.put("key", "x".into()).await.unwrap();
    faulty.on(Operation::Get, "key", u32::MAX, Fault::Truncate);
    let error = store.contents("key").await.unwrap_err();
    assert!(matches!(error, StorageError::Unavailable { tries: 7, .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_plain_write_that_another_one_is_in_the_way_of_is_repeated() {
    let faulty = FaultyStore::in_memory();
    faulty.on(Operation::Put, "key", 2, Fault::Fail(InjectedError::AlreadyExists));
    faulty.store().put("key", "value".into()).await.unwrap();
    assert_eq!(faulty.calls(Operation::Put, "key"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_race_in_which_a_writer_got_no_answer_is_run_again() {
    for fault in [
        Fault::Fail(InjectedError::Unavailable),
        Fault::ApplyThenFail(InjectedError::Unavailable),
        Fault::Hang,
    ] {
        let faulty = FaultyStore::in_memory();
        faulty.on(Operation::Put, "-0-0", 2, fault);
        faulty.on(Operation::Put, "-3-0", 1, fault);
        assert_eq!(faulty.store().probe().await.unwrap(), ConditionalWrites::Honoured, "{fault:?}");
        assert_eq!(faulty.store().list("").await.unwrap(), [], "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_of_a_store_that_cannot_be_written_is_an_error_and_no_verdict() {
    let faulty = FaultyStore::in_memory();
    faulty.on(Operation::Put, "", u32::MAX, Fault::Fail(InjectedError::Denied));
    assert!(matches!(faulty.store().probe().await, Err(StorageError::Denied { .. })));
    let faulty = FaultyStore::in_memory();
    faulty.down_for(Duration::from_secs(86_400));
    assert!(matches!(faulty.store().probe().await, Err(StorageError::Unavailable { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_for_fifteen_seconds_fails_no_call() {
    for _ in 0..20 {
        let faulty = FaultyStore::in_memory();
        let store = faulty.store();
        faulty.down_for(Duration::from_secs(15));
        store.put("a/b", "value".into()).await.unwrap();
        faulty.down_for(Duration::from_secs(15));
        assert_eq!(store.list("a").await.unwrap().len(), 1);
        faulty.down_for(Duration::from_secs(15));
        assert_eq!(store.contents("a/b").await.unwrap(), Contents::of(b"value"));
        faulty.down_for(Duration::from_secs(15));
        assert_eq!(store.probe().await.unwrap(), ConditionalWrites::Honoured);
    }
}
