//! Peculiarities of folders.

use std::path::Path;

use basin_domain::key;
use basin_storage::testing::sample;
use basin_storage::{CommitOutcome, StorageError, Store};

fn open(folder: &Path) -> Store {
    Store::open(folder.to_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_missing_folder_is_made_and_its_url_opens_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let nested = folder.path().join("not yet/there ü");
    let store = open(&nested);
    store.put("a/b", "value".into()).await.unwrap();
    assert!(store.url().starts_with("file:///"), "{}", store.url());
    assert_eq!(Store::open(store.url()).unwrap().get("a/b").await.unwrap(), "value");
    assert_eq!(Store::open_existing(store.url()).unwrap().url(), store.url());
    assert_eq!(std::fs::read(nested.join("a/b")).unwrap(), b"value");
}

#[test]
fn a_store_that_must_be_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("mistyped");
    let error = Store::open_existing(missing.to_str().unwrap()).unwrap_err();
    assert!(matches!(error, StorageError::NoStore { .. }), "{error}");
    assert!(!missing.exists());
}

#[test]
fn a_file_is_not_a_store() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Store::open(file.path().to_str().unwrap()).unwrap_err();
    assert!(error.to_string().ends_with("is a file, and a folder is needed"), "{error}");
}

/// `/sys` takes no files from anybody, root included.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let error = Store::open("/sys/basin-store").unwrap_err();
    assert!(matches!(error, StorageError::Denied { .. }), "{error:?}");
    assert_eq!(error.to_string(), "no permission for file:///sys/basin-store");
    let error = Store::open("/sys/kernel").unwrap().put("basin", "value".into()).await.unwrap_err();
    assert!(matches!(error, StorageError::Denied { .. }), "{error:?}");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("/sys/kernel/basin"), "{cause}");
}

#[tokio::test]
async fn what_a_killed_writer_left_is_neither_listed_nor_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let task = sample::task(1).id;
    let manifest = sample::attempt(&store, task, 1).await.unwrap();
    let attempt = folder.path().join(manifest.folder());
    let left = [attempt.join("result.safetensors#1"), attempt.join("checkpoint-000000000007.safetensors#12")];
    left.iter().for_each(|file| std::fs::write(file, b"half").unwrap());
    // A name that only looks alike.
    std::fs::write(attempt.join("notes#1a"), b"kept").unwrap();
    let commit_staged = folder.path().join(format!("{}#1", key::commit(&task)));
    std::fs::write(&commit_staged, b"half").unwrap();

    let again = sample::attempt(&store, task, 1).await.unwrap();
    assert_eq!(again, manifest);
    let names: Vec<String> =
        store.list(&manifest.folder()).await.unwrap().into_iter().map(|object| object.key).collect();
    assert!(names.iter().all(|name| !name.ends_with("#1") && !name.ends_with("#12")), "{names:?}");
    assert_eq!(store.commit(&manifest.commit().unwrap()).await.unwrap(), CommitOutcome::Committed);

    store.remove_checkpoints(&task).await.unwrap();
    assert!(left.iter().all(|file| !file.exists()));
    assert!(attempt.join("notes#1a").exists());
    assert_eq!(store.read_result(&manifest.commit().unwrap()).await.unwrap(), "weights");
}

#[tokio::test]
async fn something_in_a_folders_place_is_an_error_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).with_retry(basin_storage::Retry { tries: 1, ..Default::default() });
    std::fs::write(folder.path().join("tasks"), b"a file").unwrap();
    let task = sample::task(1).id;
    assert!(sample::attempt(&store, task, 1).await.is_err());
    assert!(store.commit(&sample::commit(task, 1)).await.is_err());
    std::fs::create_dir_all(folder.path().join("object/inner")).unwrap();
    assert!(store.put("object", "value".into()).await.is_err());
    assert!(store.get("object").await.is_err());
}
