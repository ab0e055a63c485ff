//! Every backend runs the whole suite.

use std::time::Duration;

use basin_storage::testing::{Conditions, Fault, FaultyStore, Operation, conformance};
use basin_storage::{ConditionalWrites, StorageError, Store};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn local_files_conform() {
    let folder = tempfile::tempdir().unwrap();
    conformance::run(&Store::open(folder.path().to_str().unwrap()).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_conforms() {
    conformance::run(&Store::open("memory://conformance").unwrap()).await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_conforms() {
    let slow = FaultyStore::in_memory();
    for operation in [Operation::Put, Operation::Get, Operation::List, Operation::Delete] {
        slow.on(operation, "", u32::MAX, Fault::Delay(Duration::from_millis(300)));
    }
    conformance::run(&slow.store()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_probe_tells_stores_that_ignore_conditions() {
    for conditions in [Conditions::Ignored, Conditions::OneAtATime] {
        let store = FaultyStore::in_memory().with_conditions(conditions).store();
        assert_eq!(store.probe().await.unwrap(), ConditionalWrites::Ignored, "{conditions:?}");
        assert_eq!(store.list("").await.unwrap(), [], "{conditions:?}");
    }
}

#[tokio::test]
async fn the_same_name_is_the_same_memory() {
    let one = Store::open("memory://shared-by-name").unwrap();
    one.put("key", "value".into()).await.unwrap();
    assert_eq!(Store::open("memory://shared-by-name").unwrap().get("key").await.unwrap(), "value");
    assert!(!Store::open("memory://another-name").unwrap().exists("key").await.unwrap());
    assert_eq!(one.url(), "memory://shared-by-name");
}

#[test]
fn what_is_no_store_is_refused_with_a_hint() {
    for (url, expected) in [
        ("s4://bucket", "`s4://bucket` is not a store: the scheme `s4` is unknown"),
        ("", "`` is not a store: it is empty"),
        (
            "memory://",
            "`memory://` is not a store: 1 to 100 letters, digits, `-`, `_` and `.` are expected after `memory://`",
        ),
        (
            "memory://a/b",
            "`memory://a/b` is not a store: 1 to 100 letters, digits, `-`, `_` and `.` are expected after `memory://`",
        ),
        (
            "file://host/x",
            "`file://host/x` is not a store: three slashes and an absolute path are expected after `file:`",
        ),
        ("file:///x?y", "`file:///x?y` is not a store: `?` and `#` have no meaning here"),
    ] {
        let error = Store::open(url).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    assert!(matches!(Store::open_existing("memory://never-made"), Err(StorageError::NoStore { .. })));
}
