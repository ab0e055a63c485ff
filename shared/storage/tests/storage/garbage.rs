//! What no sweep needs is freed, and nothing else, whoever launches meanwhile and wherever a collection is killed.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, SystemTime};

use basin_domain::data::Dataset;
use basin_domain::digest::Digest;
use basin_domain::id::{Attempt, DatasetName, SweepId, TaskId};
use basin_domain::key;
use basin_storage::testing::{Conditions, Fault, FaultyStore, InjectedError, Operation, sample};
use basin_storage::{
    AttemptWriter, Collected, CommitMode, CommitOutcome, CommitState, DatasetImport, GarbageCollection,
    Needed, OtherWriters, Space, StorageError, Store,
};
use bytes::Bytes;

/// Nobody else writes.
const ALONE: GarbageCollection = GarbageCollection {
    is_dry_run: false,
    with_datasets: false,
    other_writers: OtherWriters::None,
    commits: Some(CommitMode::Conditional),
};
/// Others may write, and what they wrote is old enough at once.
const SHARED: GarbageCollection =
    GarbageCollection { other_writers: OtherWriters::Possible { grace: Duration::ZERO }, ..ALONE };

/// Stores of both kinds.
fn stores() -> [(Store, Option<tempfile::TempDir>); 2] {
    let folder = tempfile::tempdir().unwrap();
    let of_folder = Store::open(folder.path().to_str().unwrap()).unwrap();
    [(FaultyStore::in_memory().store(), None), (of_folder, Some(folder))]
}

fn id(sweep: &str) -> SweepId {
    sample::sweep(sweep).id
}

fn ids(seeds: impl IntoIterator<Item = u64>) -> Vec<TaskId> {
    seeds.into_iter().map(|seed| sample::task(seed).id).collect()
}

async fn commit(store: &Store, task: TaskId, number: u32) {
    let manifest = sample::attempt(store, task, number).await.unwrap();
    assert_eq!(store.commit(&manifest.commit().unwrap()).await.unwrap(), CommitOutcome::Committed);
}

/// A sweep of the tasks with these seeds, each committed.
async fn launch(store: &Store, sweep: &str, seeds: std::ops::Range<u64>) {
    let tasks: Vec<_> = seeds.map(sample::task).collect();
    store.put_sweep(&sample::sweep(sweep), &tasks).await.unwrap();
    for task in tasks {
        if store.read_commit(&task.id).await.unwrap().is_none() {
            commit(store, task.id, 1).await;
        }
    }
}

async fn collect(store: &Store, how: GarbageCollection) -> Collected {
    store.collect_garbage(&how, Needed::default(), None, Duration::MAX).await.unwrap()
}

/// All objects with their bytes.
async fn contents(store: &Store) -> Vec<(String, Bytes)> {
    let mut found = Vec::new();
    for object in store.list("").await.unwrap() {
        let bytes = store.get(&object.key).await.unwrap();
        found.push((object.key, bytes));
    }
    found
}

async fn keys(store: &Store) -> BTreeSet<String> {
    store.list("").await.unwrap().into_iter().map(|object| object.key).collect()
}

async fn assert_whole(store: &Store, sweep: &str) {
    let verification = store.verify(&id(sweep)).await.unwrap();
    assert!(verification.is_whole(), "{verification:?}");
}

#[tokio::test]
async fn what_only_a_removed_sweep_listed_goes_and_a_dry_run_changes_nothing() {
    for (store, _folder) in stores() {
        launch(&store, "a-1", 0..4).await;
        launch(&store, "b-1", 3..6).await;
        assert_eq!(collect(&store, ALONE).await, Collected::default(), "all of it is listed");
        store.remove_sweep(&id("a-1")).await.unwrap();
        let before = contents(&store).await;
        let dry = collect(&store, GarbageCollection { is_dry_run: true, ..ALONE }).await;
        assert_eq!(contents(&store).await, before);
        assert_eq!(dry.freed.tasks.count, 3);
        let bytes_of = |tasks: Vec<TaskId>| {
            let folders: Vec<String> = tasks.iter().map(key::task).collect();
            let of = before.iter().filter(|(key, _)| folders.iter().any(|folder| key.starts_with(folder)));
            of.map(|(_, bytes)| bytes.len() as u64).sum::<u64>()
        };
        assert_eq!(dry.freed.tasks.bytes, bytes_of(ids(0..3)));
        assert_eq!(collect(&store, ALONE).await, dry);
        for task in ids(0..3) {
            assert_eq!(store.list(&key::task(&task)).await.unwrap(), []);
        }
        assert_whole(&store, "b-1").await;
        assert_eq!(collect(&store, ALONE).await, Collected::default(), "nothing is left");
    }
}

#[tokio::test]
async fn a_folder_is_left_without_empty_folders_and_locks() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().to_str().unwrap()).unwrap();
    launch(&store, "a-1", 0..1).await;
    let task = ids(0..1)[0];
    // It was repaired once.
    store.put(&key::commit(&task), "{".into()).await.unwrap();
    let damaged = store.find_damaged(&[task]).await.unwrap();
    store.withdraw(&damaged[0], CommitMode::Conditional).await.unwrap();
    commit(&store, task, 2).await;
    store.remove_sweep(&id("a-1")).await.unwrap();
    assert_eq!(collect(&store, ALONE).await.freed.tasks.count, 1);
    assert!(!folder.path().join(key::task(&task)).exists());
    assert!(!folder.path().join("sweeps/a-1").exists());
}

#[tokio::test]
async fn where_others_write_a_note_stays_and_nothing_late_counts() {
    for (store, _folder) in stores() {
        launch(&store, "a-1", 0..2).await;
        let [committed, begun] = ids([0, 7])[..] else { panic!("they are two") };
        // An attempt that has come to its end, and a commit that may be on its way.
        let late = sample::attempt(&store, begun, 1).await.unwrap().commit().unwrap();
        let first = store.read_commit(&committed).await.unwrap().unwrap();
        store.remove_sweep(&id("a-1")).await.unwrap();
        let freed = collect(&store, SHARED).await.freed;
        assert_eq!(freed.tasks.count, 3);
        for (task, attempt) in [(committed, first), (begun, late)] {
            let CommitState::Withdrawn(note) = store.read_commit_state(&task).await.unwrap() else {
                panic!("a note stays");
            };
            assert!(note.names(&attempt.lease) && note.reasons == ["no sweep needed it"], "{note:?}");
            let refused = store.commit(&attempt).await.unwrap_err();
            assert!(matches!(refused, StorageError::Withdrawn { .. }), "{refused}");
            assert_eq!(store.list(&key::attempts(&task)).await.unwrap(), []);
        }
        let before = contents(&store).await;
        assert_eq!(collect(&store, SHARED).await, Collected::default(), "of notes nothing is freed");
        assert_eq!(contents(&store).await.len(), before.len());
        // Launched again, its tasks run again.
        let tasks: Vec<_> = (0..2).map(sample::task).collect();
        store.put_sweep(&sample::sweep("a-1"), &tasks).await.unwrap();
        let found = store.find_commits(&ids(0..2)).await.unwrap();
        assert_eq!((found.commits.len(), found.withdrawn.len(), found.damaged.len()), (0, 2, 0));
        for task in tasks {
            commit(&store, task.id, 2).await;
        }
        assert_whole(&store, "a-1").await;
    }
}

#[tokio::test]
async fn what_is_younger_than_the_grace_stays() {
    let grace = Duration::from_secs(60);
    let patient = GarbageCollection { other_writers: OtherWriters::Possible { grace }, ..SHARED };
    for (store, _folder) in stores() {
        launch(&store, "a-1", 0..2).await;
        commit(&store, ids([9])[0], 1).await;
        sample::attempt(&store, ids([0])[0], 2).await.unwrap();
        let before = contents(&store).await;
        let found = collect(&store, patient).await;
        assert_eq!((found.freed, found.young.count), (Default::default(), 2), "{found:?}");
        assert_eq!(contents(&store).await, before);
    }
}

#[tokio::test]
async fn attempts_that_do_not_count_and_checkpoints_of_those_that_do_go() {
    for (how, (store, _folder)) in [ALONE, SHARED].into_iter().zip(stores()) {
        launch(&store, "a-1", 0..1).await;
        let (task, waiting) = (ids([0])[0], ids([1])[0]);
        let tasks: Vec<_> = (0..2).map(sample::task).collect();
        store.put_sweep(&sample::sweep("b-1"), &tasks).await.unwrap();
        let checkpoint = async |task: TaskId, number: u32| {
            let writer =
                AttemptWriter::new(store.clone(), task, Attempt(number), sample::lease(number.into()));
            writer.put_checkpoint(3, Bytes::from_static(b"state")).await.unwrap();
        };
        checkpoint(task, 1).await;
        checkpoint(task, 2).await;
        checkpoint(waiting, 1).await;
        checkpoint(waiting, 2).await;
        let before = keys(&store).await;
        let freed = collect(&store, how).await.freed;
        assert_eq!((freed.tasks.count, freed.attempts.count, freed.checkpoints.count), (0, 1, 2));
        let gone: Vec<String> = before.difference(&keys(&store).await).cloned().collect();
        assert!(gone.len() == 4 && gone.iter().all(|key| key.contains("/checkpoint-")), "{gone:?}");
        assert!(gone.iter().all(|key| key.starts_with(&key::task(&task))), "{gone:?}");
        assert!(store.newest_checkpoint(&waiting).await.unwrap().is_some(), "it goes on there");
        assert_whole(&store, "a-1").await;
    }
}

#[tokio::test]
async fn while_the_list_of_a_sweep_cannot_be_read_no_task_goes() {
    for (name, damage) in
        [("sweep.json", Some("{\"id\":")), ("tasks.parquet", Some("PAR1")), ("tasks.parquet", None)]
    {
        for (store, _folder) in stores() {
            launch(&store, "a-1", 0..2).await;
            launch(&store, "b-1", 4..5).await;
            sample::attempt(&store, ids([4])[0], 2).await.unwrap();
            let key = format!("{}/{name}", key::sweep(&id("a-1")));
            match damage {
                Some(bytes) => store.put(&key, bytes.into()).await.unwrap(),
                None => store.delete(&key).await.unwrap(),
            }
            let found = collect(&store, ALONE).await;
            assert_eq!(found.unreadable.len(), 1, "{found:?}");
            assert_eq!(found.unreadable[0].key, key);
            assert_eq!((found.freed.tasks, found.freed.attempts.count), (Space::default(), 1));
            // Launched again it is whole, and then what isn't listed goes.
            let tasks: Vec<_> = (0..2).map(sample::task).collect();
            store.put_sweep(&sample::sweep("a-1"), &tasks).await.unwrap();
            commit(&store, ids([9])[0], 1).await;
            let found = collect(&store, ALONE).await;
            assert_eq!((found.unreadable.len(), found.freed.tasks.count), (0, 1));
            assert_whole(&store, "a-1").await;
        }
    }
}

#[tokio::test]
async fn what_a_journal_knows_is_needed_too() {
    for (store, _folder) in stores() {
        commit(&store, ids([0])[0], 1).await;
        commit(&store, ids([1])[0], 1).await;
        let known = Needed { tasks: ids([0]).into_iter().collect(), ..Needed::default() };
        let found = store.collect_garbage(&ALONE, known, None, Duration::MAX).await.unwrap();
        assert_eq!(found.freed.tasks.count, 1);
        assert!(store.read_commit(&ids([0])[0]).await.unwrap().is_some());
    }
}

/// What the inputs of a listed task were committed as is needed, also where no sweep lists them themselves.
#[tokio::test]
async fn what_a_listed_task_reads_is_needed() {
    for (store, _folder) in stores() {
        let input = sample::task(0);
        commit(&store, input.id, 1).await;
        let mut reader = sample::task(1);
        reader.spec.inputs = [("from".to_owned(), input.id)].into();
        reader.id = reader.spec.id();
        store.put_sweep(&sample::sweep("a-1"), &[reader]).await.unwrap();
        assert_eq!(collect(&store, ALONE).await, Collected::default());
    }
}

/// The collection has judged a task and stands still before it announces itself; meanwhile a sweep is launched that lists the task.
#[tokio::test]
async fn a_sweep_that_comes_before_the_announcement_keeps_its_tasks() {
    let faulty = FaultyStore::in_memory();
    let store = faulty.store();
    commit(&store, ids([0])[0], 1).await;
    faulty.on(Operation::Put, key::COLLECTION, 1, Fault::Delay(Duration::from_millis(600)));
    let collecting = tokio::spawn({
        let store = store.clone();
        async move { collect(&store, SHARED).await }
    });
    while faulty.calls(Operation::Put, key::COLLECTION) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    store.put_sweep(&sample::sweep("a-1"), &[sample::task(0)]).await.unwrap();
    assert_eq!(collecting.await.unwrap().freed.tasks, Space::default());
    assert_whole(&store, "a-1").await;
}

/// Each removal and each write in turn is the last that a collection comes to. The time that an announcement holds passes at once.
#[tokio::test(start_paused = true)]
async fn a_collection_that_is_killed_anywhere_leaves_a_sound_store_and_the_next_one_goes_on() {
    for how in [ALONE, SHARED] {
        for operation in [Operation::Delete, Operation::Put] {
            let mut fails_at = 0;
            loop {
                let faulty = FaultyStore::in_memory();
                let store = faulty.store();
                launch(&store, "a-1", 0..2).await;
                launch(&store, "b-1", 1..3).await;
                sample::attempt(&store, ids([2])[0], 2).await.unwrap();
                store.remove_sweep(&id("a-1")).await.unwrap();
                // Those before it pass, and from then on nothing does.
                faulty.on(operation, "", fails_at, Fault::Delay(Duration::ZERO));
                faulty.on(operation, "", u32::MAX, Fault::Fail(InjectedError::Denied));
                let killed = store.collect_garbage(&how, Needed::default(), None, Duration::MAX).await;
                faulty.heal();
                assert_whole(&store, "b-1").await;
                let found = store.find_commits(&ids([0])).await.unwrap();
                for commit in found.commits.values() {
                    // As long as it counts all of it is there.
                    store.read_manifest(commit).await.unwrap();
                    store.read_metrics(commit).await.unwrap();
                    store.read_result(commit).await.unwrap();
                }
                collect(&store, how).await;
                assert_eq!(store.list(&key::attempts(&ids([0])[0])).await.unwrap(), []);
                assert_eq!(store.find_commits(&ids([0])).await.unwrap().commits.len(), 0);
                assert_whole(&store, "b-1").await;
                assert!(store.verify(&id("b-1")).await.unwrap().strays.is_empty());
                if killed.is_ok() {
                    break;
                }
                fails_at += 1;
            }
            assert!(fails_at > 0, "{operation:?} was never the last");
        }
    }
}

#[tokio::test]
async fn a_call_looks_at_some_shards_and_the_next_goes_on() {
    for (store, _folder) in stores() {
        for task in ids(0..40) {
            commit(&store, task, 1).await;
        }
        let (mut all, mut after, mut calls) = (Collected::default(), None, 0);
        loop {
            let some = store.collect_garbage(&ALONE, Needed::default(), after, Duration::ZERO).await.unwrap();
            after = some.next_after;
            all.add(some);
            calls += 1;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((all.freed.tasks.count, calls), (40, 256));
        assert_eq!(store.list("tasks").await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_store_that_ignores_conditions_is_cleaned_by_its_one_writer_alone() {
    let faulty = FaultyStore::in_memory().with_conditions(Conditions::Ignored);
    let store = faulty.store();
    let manifest = sample::attempt(&store, ids([0])[0], 1).await.unwrap();
    assert_eq!(store.commit_serialised(&manifest.commit().unwrap()).await.unwrap(), CommitOutcome::Committed);
    let found = collect(&store, SHARED).await;
    assert_eq!((found.freed.tasks.count, found.irreplaceable.count), (0, 1));
    assert!(store.read_commit(&ids([0])[0]).await.unwrap().is_some());
    assert_eq!(collect(&store, GarbageCollection { commits: None, ..SHARED }).await, found);
    let serialised = Some(CommitMode::Serialised);
    let found = collect(&store, GarbageCollection { commits: serialised, ..SHARED }).await;
    assert_eq!((found.freed.tasks.count, found.irreplaceable.count), (1, 0));
    assert_eq!(store.read_commit(&ids([0])[0]).await.unwrap(), None);
}

/// Makes all files below a folder as old as that.
fn age(folder: &Path, by: Duration) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            age(&path, by);
        } else {
            let file = std::fs::File::options().write(true).open(path).unwrap();
            file.set_modified(SystemTime::now() - by).unwrap();
        }
    }
}

const TWO_HOURS: Duration = Duration::from_secs(2 * 60 * 60);

async fn import(store: &Store, folder: &Path, contents: &[u8]) -> Dataset {
    let file = folder.join("imported");
    std::fs::write(&file, contents).unwrap();
    let dataset = Dataset { name: DatasetName::new("leaves").unwrap(), digest: Digest::of(contents) };
    let import = DatasetImport {
        dataset: &dataset,
        file: &file,
        description: "leaves",
        imported_from: "a test",
        replaces: true,
        now_unix_ms: 1,
    };
    store.import_dataset(import).await.unwrap();
    dataset
}

#[tokio::test]
async fn versions_of_data_that_no_sweep_reads_go_where_that_is_asked_for() {
    let with_datasets = GarbageCollection { with_datasets: true, ..ALONE };
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Store::open(folder.path().to_str().unwrap()).unwrap();
    let read = import(&store, elsewhere.path(), b"read by a task").await;
    let recorded = import(&store, elsewhere.path(), b"of a sweep's record").await;
    let old = import(&store, elsewhere.path(), b"nobody's").await;
    let current = import(&store, elsewhere.path(), b"what the name means").await;
    let mut task = sample::task(0);
    task.spec.data = Some(read.clone());
    task.id = task.spec.id();
    let mut sweep = sample::sweep("a-1");
    sweep.datasets.insert("leaves".parse().unwrap(), recorded.digest);
    store.put_sweep(&sweep, &[task]).await.unwrap();
    assert_eq!(collect(&store, with_datasets).await.freed.datasets, Space::default(), "they are young");
    age(folder.path(), TWO_HOURS);
    assert_eq!(collect(&store, ALONE).await.freed, Default::default());
    let freed = collect(&store, with_datasets).await.freed;
    assert_eq!(freed.datasets.count, 1);
    assert_eq!(store.read_dataset(&old).await.unwrap(), None);
    for kept in [&read, &recorded, &current] {
        let to = elsewhere.path().join("fetched");
        store.fetch_dataset(kept, &to).await.unwrap();
        std::fs::remove_file(to).unwrap();
    }
    assert_eq!(store.dataset_versions(&old.name).await.unwrap().current().unwrap().unwrap().dataset, current);
}

#[tokio::test]
async fn what_killed_processes_left_goes_once_it_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().to_str().unwrap()).unwrap();
    launch(&store, "a-1", 0..1).await;
    launch(&store, "b-1", 1..2).await;
    store.put("probe/x", "basin".into()).await.unwrap();
    store.put("mine/notes.txt", "mine".into()).await.unwrap();
    // A launch that was never finished, and a task that it would list.
    store.delete(&format!("{}/sweep.json", key::sweep(&id("b-1")))).await.unwrap();
    let staged = folder.path().join(key::task(&ids([0])[0])).join("result.safetensors#1");
    std::fs::write(&staged, "half").unwrap();
    let found = collect(&store, ALONE).await;
    assert_eq!((found.freed, found.unreadable.len()), (Default::default(), 0), "all of it is young");
    age(folder.path(), TWO_HOURS);
    let found = collect(&store, ALONE).await;
    assert_eq!(found.freed.leftovers.count, 4, "a probe, a staged file, a list of tasks and a sweep's file");
    assert_eq!(found.freed.tasks.count, 1, "its task is no sweep's");
    assert!(!staged.exists());
    assert_eq!(store.get("mine/notes.txt").await.unwrap(), "mine");
    assert_eq!(store.sweep_folders().await.unwrap(), [id("a-1")]);
    assert_whole(&store, "a-1").await;
    assert_eq!(collect(&store, ALONE).await, Collected::default());
}

#[tokio::test]
async fn a_removal_that_is_killed_leaves_no_sweep_and_the_next_one_goes_on() {
    for passes in 0..4 {
        let faulty = FaultyStore::in_memory();
        let store = faulty.store();
        launch(&store, "a-1", 0..2).await;
        faulty.on(Operation::Delete, "", passes, Fault::Delay(Duration::ZERO));
        faulty.on(Operation::Delete, "", u32::MAX, Fault::Fail(InjectedError::Denied));
        let killed = store.remove_sweep(&id("a-1")).await;
        faulty.heal();
        assert_eq!(killed.is_ok(), passes == 3);
        // As soon as anything is gone it is no sweep any more; until the end it is known what it listed.
        assert_eq!(store.list_sweeps().await.unwrap().len(), usize::from(passes == 0));
        assert_eq!(store.read_tasks(&id("a-1")).await.is_ok(), passes < 3);
        store.remove_sweep(&id("a-1")).await.unwrap();
        assert_eq!(store.list("sweeps").await.unwrap(), []);
        store.remove_sweep(&id("a-1")).await.unwrap();
    }
}
