//! Data sets are whole or not there.

use std::path::Path;
use std::time::Duration;

use basin_domain::data::{Contents, Dataset, InputKind, SplitSizes, TargetKind};
use basin_domain::digest::Digest;
use basin_domain::id::DatasetName;
use basin_storage::testing::{Fault, FaultyStore, InjectedError, Operation};
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
    for fault in [Fault::Flip, Fault::Truncate, Fault::Fail(InjectedError::Unavailable)] {
        let faulty = FaultyStore::in_memory();
        let folder = tempfile::tempdir().unwrap();
        import(&faulty.store(), folder.path()).await;
        let cache = folder.path().join("cache");
        let to = cache.join("data.basin");
        faulty.on(Operation::Get, "data.basin", u32::MAX, fault);
        let error = faulty.store().fetch_dataset(&dataset(), &to).await.unwrap_err();
        match fault {
            Fault::Flip => assert!(matches!(error, StorageError::Corrupt { .. }), "{error}"),
            // A body that ends early is an interruption, and in the end one too many.
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
    faulty.on(Operation::Put, "dataset.json", 1, Fault::Fail(InjectedError::Denied));
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
async fn a_data_set_says_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let store = FaultyStore::in_memory().store();
    assert_eq!(store.dataset_contents(&dataset()).await.unwrap(), None);
    import(&store, folder.path()).await;
    assert_eq!(store.dataset_contents(&dataset()).await.unwrap(), None, "it is no decoded file");
    let header = br#"{"name":"cifar10","channels":3,"height":32,"width":32,"classes":["cat","dog"],"train":50,"test":10}"#;
    let size = u32::try_from(header.len()).unwrap().to_le_bytes();
    let contents = [&b"basin\0ds"[..], &1_u32.to_le_bytes(), &size, header, &[3; 70_000]].concat();
    let decoded = Dataset { digest: Digest::of(&contents), ..dataset() };
    let file = folder.path().join("decoded");
    std::fs::write(&file, &contents).unwrap();
    store.put_dataset(&decoded, &file, "sixty images", "test").await.unwrap();
    assert_eq!(
        store.dataset_contents(&decoded).await.unwrap(),
        Some(Contents {
            sizes: SplitSizes { train: 50, test: 10 },
            example: InputKind::Image([3, 32, 32]),
            target: TargetKind::Classes(2),
        })
    );
}

mod versions {
    //! Names mean one version at a time, in an order that needs no clock.

    use basin_domain::data::DatasetReference;
    use basin_storage::{
        DatasetImport, DatasetVersions, ImportError, ImportOutcome, StoredDataset, UnresolvedDataset,
    };

    use super::*;

    fn of(contents: &str) -> Dataset {
        Dataset { name: DatasetName::new("cifar10").unwrap(), digest: Digest::of(contents.as_bytes()) }
    }

    async fn bring(
        store: &Store,
        contents: &str,
        replaces: bool,
    ) -> Result<(StoredDataset, ImportOutcome), ImportError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("decoded");
        std::fs::write(&file, contents).unwrap();
        let (dataset, description) = (of(contents), "images");
        let import = DatasetImport {
            dataset: &dataset,
            file: &file,
            description,
            imported_from: "test",
            replaces,
            // The clock stands still: nothing is ordered by it.
            now_unix_ms: 1,
        };
        store.import_dataset(import).await
    }

    /// The contents alone, as an import of before left them.
    async fn bring_as_before(store: &Store, contents: &str) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("decoded");
        std::fs::write(&file, contents).unwrap();
        store.put_dataset(&of(contents), &file, "images", "test").await.unwrap();
    }

    async fn versions(store: &Store) -> DatasetVersions {
        store.dataset_versions(&of("").name).await.unwrap()
    }

    async fn current(store: &Store) -> Option<Digest> {
        versions(store).await.current().unwrap().map(|stored| stored.dataset.digest)
    }

    fn digest(contents: &str) -> Option<Digest> {
        Some(of(contents).digest)
    }

    #[tokio::test]
    async fn the_newest_import_is_what_the_name_means_and_the_others_can_be_named() {
        let store = FaultyStore::in_memory().store();
        assert_eq!(current(&store).await, None);
        assert_eq!(bring(&store, "a", false).await.unwrap().1, ImportOutcome::New);
        assert_eq!(bring(&store, "a", false).await.unwrap().1, ImportOutcome::Unchanged);
        let refused = bring(&store, "b", false).await.unwrap_err();
        assert!(
            matches!(&refused, ImportError::OtherContents { there, offered }
                if there.dataset == of("a") && *offered == of("b").digest),
            "{refused}"
        );
        assert_eq!(versions(&store).await.contents.len(), 1, "a refused import leaves nothing");
        assert_eq!(current(&store).await, digest("a"));
        let replaced = ImportOutcome::Replaced { before: of("a").digest };
        assert_eq!(bring(&store, "b", true).await.unwrap().1, replaced);
        assert_eq!(current(&store).await, digest("b"));
        for contents in ["a", "b"] {
            let named: DatasetReference =
                format!("cifar10@{}", &of(contents).digest.to_string()[..6]).parse().unwrap();
            let versions = versions(&store).await;
            assert_eq!(versions.resolve(&named).unwrap().unwrap().dataset, of(contents));
        }
        // And back: what is older by its first import is the newest now.
        bring(&store, "a", true).await.unwrap();
        assert_eq!(current(&store).await, digest("a"));
        let numbers: Vec<_> =
            versions(&store).await.history.iter().map(|it| (it.number, it.digest)).collect();
        assert_eq!(numbers, [(1, digest("a")), (2, digest("b")), (3, digest("a"))]);
        let unknown: DatasetReference = "cifar10@00000000".parse().unwrap();
        let error = versions(&store).await.resolve(&unknown).unwrap_err();
        assert!(matches!(error, UnresolvedDataset::NoVersion { there, .. } if there.len() == 2));
    }

    #[tokio::test]
    async fn stores_of_before_mean_their_only_contents_and_of_two_one_has_to_be_chosen() {
        let store = FaultyStore::in_memory().store();
        bring_as_before(&store, "a").await;
        assert_eq!(current(&store).await, digest("a"));
        assert!(matches!(bring(&store, "b", false).await, Err(ImportError::OtherContents { .. })));
        bring_as_before(&store, "b").await;
        let seen = versions(&store).await;
        assert!(
            matches!(seen.current(), Err(UnresolvedDataset::Unordered { digests, .. }) if digests.len() == 2)
        );
        let refused = bring(&store, "a", false).await.unwrap_err();
        assert!(matches!(refused, ImportError::Unresolved(UnresolvedDataset::Unordered { .. })), "{refused}");
        assert!(store.make_current(&seen, of("b").digest, 2).await.unwrap());
        assert_eq!(current(&store).await, digest("b"));
    }

    #[tokio::test]
    async fn an_import_that_is_ended_anywhere_leaves_what_was_there_or_what_was_imported() {
        for (part, times) in
            [("data.basin", 1), ("dataset.json", 1), ("00000001.json", 1), ("00000002.json", 1)]
        {
            let faulty = FaultyStore::in_memory();
            let store = faulty.store();
            bring_as_before(&store, "a").await;
            faulty.on(Operation::Put, part, times, Fault::Fail(InjectedError::Denied));
            assert!(bring(&store, "b", true).await.is_err(), "{part}");
            assert_eq!(current(&store).await, digest("a"), "{part}");
            bring(&store, "b", true).await.unwrap();
            assert_eq!(current(&store).await, digest("b"), "{part}");
        }
    }

    #[tokio::test]
    async fn a_record_whose_answer_was_lost_counts_once() {
        let faulty = FaultyStore::in_memory();
        faulty.on(Operation::Put, "00000001.json", 1, Fault::ApplyThenFail(InjectedError::AlreadyExists));
        let store = faulty.store();
        assert_eq!(bring(&store, "a", false).await.unwrap().1, ImportOutcome::New);
        assert_eq!(versions(&store).await.history.len(), 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn of_imports_at_the_same_time_one_is_first_and_all_others_are_told() {
        for round in 0..20 {
            let store = FaultyStore::in_memory().store();
            let racing = (0..4).map(|number| {
                let store = store.clone();
                tokio::spawn(async move { bring(&store, &format!("{round} {number}"), false).await })
            });
            let mut won = Vec::new();
            for ended in futures::future::join_all(racing).await {
                match ended.unwrap() {
                    Ok((stored, ImportOutcome::New)) => won.push(stored.dataset.digest),
                    Err(ImportError::OtherContents { .. }) => {}
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(won.len(), 1);
            assert_eq!(current(&store).await, Some(won[0]));
            assert_eq!(versions(&store).await.history.len(), 1);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn replacements_at_the_same_time_get_an_order() {
        let store = FaultyStore::in_memory().store();
        bring_as_before(&store, "old").await;
        let racing = (0..6).map(|number| {
            let store = store.clone();
            tokio::spawn(async move { bring(&store, &number.to_string(), true).await })
        });
        for ended in futures::future::join_all(racing).await {
            assert!(matches!(ended.unwrap(), Ok((_, ImportOutcome::Replaced { .. }))));
        }
        let seen = versions(&store).await;
        assert_eq!(seen.history[0].digest, digest("old"));
        assert_eq!(seen.history.iter().map(|it| it.number).collect::<Vec<_>>(), (1..=7).collect::<Vec<_>>());
        let all: std::collections::BTreeSet<_> = seen.history.iter().map(|it| it.digest).collect();
        assert_eq!(all.len(), 7, "every import was the current one for a while");
    }

    #[tokio::test]
    async fn current_contents_that_were_removed_are_missed_and_come_back() {
        let store = FaultyStore::in_memory().store();
        bring(&store, "a", false).await.unwrap();
        bring(&store, "b", true).await.unwrap();
        for object in store.list(&basin_domain::key::dataset(&of("b"))).await.unwrap() {
            store.delete(&object.key).await.unwrap();
        }
        let gone = versions(&store).await;
        assert!(
            matches!(gone.current(), Err(UnresolvedDataset::Gone { digest: gone, .. }) if gone == of("b").digest)
        );
        bring(&store, "b", false).await.unwrap();
        assert_eq!(current(&store).await, digest("b"));
    }

    #[tokio::test]
    async fn a_damaged_record_is_an_error_that_a_choice_ends() {
        let store = FaultyStore::in_memory().store();
        bring(&store, "a", false).await.unwrap();
        let key = basin_domain::key::dataset_version(&of("a").name, 1);
        store.put(&key, "{".into()).await.unwrap();
        let seen = versions(&store).await;
        assert!(matches!(seen.current(), Err(UnresolvedDataset::DamagedRecord { .. })));
        assert!(store.make_current(&seen, of("a").digest, 2).await.unwrap());
        assert_eq!(current(&store).await, digest("a"));
    }
}
