//! Data sets are whole or not there.

use std::path::Path;
use std::time::Duration;

use basin_domain::data::{Dataset, Examples};
use basin_domain::digest::Digest;
use basin_domain::id::DatasetName;
use basin_storage::testing::{Fault, FaultyStore, Operation, Said};
use basin_storage::{StorageError, Store};

const CONTENTS: &[u8] = b"decoded images and labels";

fn dataset() -> Dataset {
    Dataset { name: DatasetName::new("cifar10").unwrap(), digest: Digest::of(CONTENTS) }
}

async fn import(store: &Store, folder: &Path) {
    let file = folder.join("decoded");
    std::fs::write(&file, CONTENTS).unwrap();
    store.put_dataset(&dataset(), &file, "two images", "test").await.unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[tokio::test]
async fn a_file_with_another_digest_is_not_imported() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("decoded");
    std::fs::write(&file, b"decoded images and labelz").unwrap();
    let store = FaultyStore::in_memory().store();
    let error = store.put_dataset(&dataset(), &file, "", "").await.unwrap_err();
    assert!(matches!(&error, StorageError::OtherContents { path, .. } if *path == file), "{error}");
    assert_eq!(store.list("").await.unwrap(), []);
    let error = store.put_dataset(&dataset(), &folder.path().join("nothing"), "", "").await.unwrap_err();
    assert!(matches!(error, StorageError::File { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_damaged_copy_never_gets_its_name() {
    for fault in [Fault::Flip, Fault::Truncate, Fault::Refuse(Said::Unavailable)] {
        let faulty = FaultyStore::in_memory();
        let folder = tempfile::tempdir().unwrap();
        import(&faulty.store(), folder.path()).await;
        let cache = folder.path().join("cache");
        let to = cache.join("data.basin");
        faulty.on(Operation::Get, "data.basin", u32::MAX, fault);
        let error = faulty.store().fetch_dataset(&dataset(), &to).await.unwrap_err();
        match fault {
            Fault::Flip => assert!(matches!(error, StorageError::Corrupt { .. }), "{error}"),
            // What ends early is an interruption, and in the end one too many.
            _ => assert!(matches!(error, StorageError::Unavailable { .. }), "{error}"),
        }
        assert_eq!(names(&cache), Vec::<String>::new(), "{fault:?}");
    }
}

#[tokio::test]
async fn a_wrong_file_in_the_cache_is_replaced_and_a_right_one_is_kept() {
    let faulty = FaultyStore::in_memory();
    let folder = tempfile::tempdir().unwrap();
    import(&faulty.store(), folder.path()).await;
    let to = folder.path().join("data.basin");
    std::fs::write(&to, b"half of it").unwrap();
    faulty.store().fetch_dataset(&dataset(), &to).await.unwrap();
    assert_eq!(std::fs::read(&to).unwrap(), CONTENTS);
    let reads = faulty.calls(Operation::Get, "data.basin");
    faulty.store().fetch_dataset(&dataset(), &to).await.unwrap();
    assert_eq!(faulty.calls(Operation::Get, "data.basin"), reads);
}

#[tokio::test]
async fn a_data_set_without_its_note_is_not_there() {
    let faulty = FaultyStore::in_memory();
    let folder = tempfile::tempdir().unwrap();
    faulty.on(Operation::Put, "dataset.json", 1, Fault::Refuse(Said::Denied));
    let file = folder.path().join("decoded");
    std::fs::write(&file, CONTENTS).unwrap();
    faulty.store().put_dataset(&dataset(), &file, "", "").await.unwrap_err();
    assert_eq!(faulty.store().list_datasets().await.unwrap(), []);
    assert!(faulty.store().fetch_dataset(&dataset(), &file).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn what_a_killed_process_left_half_fetched_goes_with_the_next_fetch_and_what_is_under_way_stays() {
    let store = FaultyStore::in_memory().store();
    let folder = tempfile::tempdir().unwrap();
    import(&store, folder.path()).await;
    let cache = folder.path().join("cache");
    std::fs::create_dir(&cache).unwrap();
    for (name, minutes) in [(".fetch-abandoned", 90), (".fetch-under-way", 1), ("somebody-elses", 90)] {
        let file = std::fs::File::create(cache.join(name)).unwrap();
        file.set_modified(std::time::SystemTime::now() - Duration::from_secs(60 * minutes)).unwrap();
    }
    store.fetch_dataset(&dataset(), &cache.join("data.basin")).await.unwrap();
    let mut left = names(&cache);
    left.sort_unstable();
    assert_eq!(left, [".fetch-under-way", "data.basin", "somebody-elses"]);
}

#[tokio::test]
async fn a_data_set_says_how_many_examples_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let store = FaultyStore::in_memory().store();
    assert_eq!(store.dataset_examples(&dataset()).await.unwrap(), None);
    import(&store, folder.path()).await;
    assert_eq!(store.dataset_examples(&dataset()).await.unwrap(), None, "it is no decoded file");
    let header = br#"{"name":"cifar10","train":50,"test":10}"#;
    let size = u32::try_from(header.len()).unwrap().to_le_bytes();
    let contents = [&b"basin\0ds"[..], &1_u32.to_le_bytes(), &size, header, &[3; 70_000]].concat();
    let decoded = Dataset { digest: Digest::of(&contents), ..dataset() };
    let file = folder.path().join("decoded");
    std::fs::write(&file, &contents).unwrap();
    store.put_dataset(&decoded, &file, "sixty images", "test").await.unwrap();
    assert_eq!(store.dataset_examples(&decoded).await.unwrap(), Some(Examples { train: 50, test: 10 }));
}
