//! Data sets on this machine: fetched, made, damaged, half there, and out of reach.

use std::fs::File;

use basin_domain::failure::ReleaseReason;
use basin_domain::id::DatasetName;
use basin_storage::testing::{Fault, InjectedError, Operation};

use super::super::reactor::{Directive, Message};
use super::super::testing::AttemptFixture;
use super::*;

const CONTENTS: &[u8] = b"a decoded data set, as far as a store knows";

/// The data set of these contents, in the store.
async fn stored(fixture: &AttemptFixture) -> Dataset {
    let dataset = Dataset { name: DatasetName::new("leaves").unwrap(), digest: Digest::of(CONTENTS) };
    let file = fixture.file("leaves", CONTENTS);
    fixture.store.put_dataset(&dataset, Path::new(&file), "leaves", "a test").await.unwrap();
    dataset
}

async fn fetched(fixture: &AttemptFixture, dataset: &Dataset) -> PathBuf {
    fixture.cache.path(dataset, None, &fixture.lease).await.ok().unwrap()
}

fn reads(fixture: &AttemptFixture) -> usize {
    fixture.faults.calls(Operation::Get, "data.basin")
}

async fn missing(fixture: &AttemptFixture, dataset: &Dataset) -> Failure {
    match fixture.cache.path(dataset, None, &fixture.lease).await {
        Err(DataError::Missing(failure)) => failure,
        Err(DataError::Outage(error)) => panic!("{error:?}"),
        Ok(path) => panic!("{path:?}"),
    }
}

#[tokio::test]
async fn a_data_set_is_fetched_once() {
    let fixture = AttemptFixture::new();
    let dataset = stored(&fixture).await;
    let path = fetched(&fixture, &dataset).await;
    assert_eq!(fs::read(&path).unwrap(), CONTENTS);
    let calls = reads(&fixture);
    assert_eq!(fetched(&fixture, &dataset).await, path);
    assert_eq!(reads(&fixture), calls);
    // Another process finds it, and believes it once it has looked.
    let other = DataCache::new(
        fixture.scratch.path().join("cache"),
        fixture.store.clone(),
        Arc::clone(&fixture.outages),
    );
    assert_eq!(other.path(&dataset, None, &fixture.lease).await.ok().unwrap(), path);
    assert_eq!(reads(&fixture), calls);
}

#[tokio::test]
async fn a_cached_file_that_is_no_more_what_was_checked_is_fetched_again() {
    let fixture = AttemptFixture::new();
    let dataset = stored(&fixture).await;
    let path = fetched(&fixture, &dataset).await;
    let changed = CONTENTS.to_ascii_uppercase();
    let damages: [(&str, &dyn Fn()); 4] = [
        ("cut", &|| fs::write(&path, &CONTENTS[..9]).unwrap()),
        ("emptied", &|| fs::write(&path, []).unwrap()),
        ("changed in place", &|| fs::write(&path, &changed).unwrap()),
        ("removed", &|| fs::remove_file(&path).unwrap()),
    ];
    for (what, damage) in damages {
        damage();
        let calls = reads(&fixture);
        assert_eq!(fetched(&fixture, &dataset).await, path, "{what}");
        assert_eq!(fs::read(&path).unwrap(), CONTENTS, "{what}");
        assert!(reads(&fixture) > calls, "{what}");
    }
}

#[tokio::test]
async fn a_data_set_that_the_store_has_damaged_or_not_at_all_is_missing() {
    let fixture = AttemptFixture::new();
    let dataset = stored(&fixture).await;
    let unknown = Dataset { digest: Digest::of(b"other"), ..dataset.clone() };
    let failure = missing(&fixture, &unknown).await;
    assert_eq!(failure.kind, FailureKind::MissingData);
    assert!(failure.message.contains(&unknown.digest.short()), "{failure:?}");

    let key = format!("datasets/leaves/{}/data.basin", dataset.digest);
    fixture.store.put(&key, CONTENTS.to_ascii_uppercase().into()).await.unwrap();
    let failure = missing(&fixture, &dataset).await;
    assert!(failure.kind == FailureKind::MissingData && failure.message.contains("damaged"), "{failure:?}");
    // Nothing of it is left where others would find it.
    let folder = fixture.scratch.path().join("cache/leaves").join(dataset.digest.to_string());
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_is_waited_for_and_given_up_when_the_worker_leaves() {
    let mut fixture = AttemptFixture::new();
    let dataset = stored(&fixture).await;
    fixture.faults.on(Operation::Get, "data.basin", 20, Fault::Fail(InjectedError::Denied));
    fetched(&fixture, &dataset).await;
    let told = fixture.told();
    assert!(matches!(told.first(), Some(Message::OutageBegan { holds_result: false, .. })), "{told:?}");

    let fixture = AttemptFixture::new();
    let dataset = stored(&fixture).await;
    fixture.faults.down_for(Duration::from_secs(1_000_000));
    fixture.directives.send_replace(Directive::GiveBack(ReleaseReason::Drain));
    let found = fixture.cache.path(&dataset, None, &fixture.lease).await;
    assert!(matches!(found, Err(DataError::Outage(_))));
}

/// A data set that is made from parameters.
fn recipe(seed: u64) -> (Dataset, Recipe) {
    let recipe = Recipe::SparseParity { bits: 5, relevant: 2, train: 20, test: 10, seed };
    (Dataset { name: DatasetName::new(recipe.name()).unwrap(), digest: recipe.digest() }, recipe)
}

#[tokio::test]
async fn a_data_set_that_is_made_from_parameters_needs_no_store_and_is_made_again_once_damaged() {
    let fixture = AttemptFixture::new();
    fixture.faults.down_for(Duration::from_secs(1_000_000));
    let (dataset, recipe) = recipe(1);
    let made = async || fixture.cache.path(&dataset, Some(&recipe), &fixture.lease).await.ok().unwrap();
    let path = made().await;
    let whole = fs::read(&path).unwrap();
    let folder = path.parent().unwrap();
    assert_eq!(read_digest(folder), Some(Digest::of(&whole)));
    let forged = Digest::of(b"forged").to_string();
    let damages: [(&str, &dyn Fn()); 4] = [
        ("cut", &|| fs::write(&path, &whole[..whole.len() / 2]).unwrap()),
        ("without its digest", &|| {
            fs::write(&path, &whole).unwrap();
            fs::remove_file(digest_file(folder)).unwrap();
        }),
        ("with no digest beside it", &|| {
            fs::write(&path, b"x").unwrap();
            fs::write(digest_file(folder), "what?").unwrap();
        }),
        ("with another's digest", &|| {
            fs::write(&path, &whole).unwrap();
            fs::write(digest_file(folder), &forged).unwrap();
        }),
    ];
    for (what, damage) in damages {
        damage();
        assert_eq!(made().await, path, "{what}");
        assert!(fs::read(&path).unwrap() == whole, "{what}");
        assert_eq!(read_digest(folder), Some(Digest::of(&whole)), "{what}");
    }
}

#[tokio::test]
async fn parameters_of_other_contents_than_the_task_names_are_not_made_but_looked_for() {
    let fixture = AttemptFixture::new();
    let ((dataset, _), (_, other)) = (recipe(1), recipe(2));
    let found = fixture.cache.path(&dataset, Some(&other), &fixture.lease).await;
    assert!(matches!(found, Err(DataError::Missing(_))));
}

#[tokio::test]
async fn workers_that_share_the_folder_make_a_data_set_at_once() {
    let fixture = AttemptFixture::new();
    let (dataset, recipe) = recipe(1);
    let folder = fixture.scratch.path().join("cache");
    // Each as another process has it, with a list of checked files of its own.
    let caches: Vec<_> = (0..8)
        .map(|_| DataCache::new(folder.clone(), fixture.store.clone(), Arc::clone(&fixture.outages)))
        .collect();
    let made = caches.iter().map(|cache| cache.path(&dataset, Some(&recipe), &fixture.lease));
    for path in futures::future::join_all(made).await {
        assert!(path.ok().unwrap().exists());
    }
}

#[test]
fn only_what_killed_processes_have_left_long_ago_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let long_ago = SystemTime::now() - ABANDONED_AFTER - Duration::from_secs(1);
    for (name, is_old) in [
        (".data.basin.7.partial", true),
        (".data.blake3.7.partial", false),
        ("data.basin", true),
        (".data.basin.7.part", true),
        (".other.partial", true),
    ] {
        let file = File::create(folder.path().join(name)).unwrap();
        if is_old {
            file.set_modified(long_ago).unwrap();
        }
    }
    remove_abandoned(folder.path());
    remove_abandoned(&folder.path().join("no such folder"));
    let mut left: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, [".data.basin.7.part", ".data.blake3.7.partial", ".other.partial", "data.basin"]);
}
