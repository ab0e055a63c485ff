//! The properties that Basin needs of a store. Every backend runs all of it.
//!
//! The keys are fresh at every run, so that a bucket with other things in it will do.

use std::collections::BTreeSet;
use std::sync::Arc;

use basin_domain::data::Dataset;
use basin_domain::digest::Digest;
use basin_domain::id::{Attempt, DatasetName, TaskId};
use basin_domain::key;
use bytes::Bytes;
use futures::future::join_all;

use super::sample;
use crate::{AttemptWriter, CommitOutcome, ConditionalWrites, Contents, ListedObject, StorageError, Store};

/// Runs the whole suite.
pub async fn run(store: &Store) {
    run_without_conditions(store).await;
    one_of_many_racing_writers_wins(store).await;
    of_32_racing_commits_one_is_the_result(store).await;
}

/// Runs all of it that a store can pass that ignores conditions.
pub async fn run_without_conditions(store: &Store) {
    what_was_put_comes_back(store).await;
    what_is_not_there_is_said_to_be_missing(store).await;
    ranges_end_where_the_object_ends(store).await;
    listing_goes_by_whole_segments(store).await;
    files_of_any_size_arrive_whole(store).await;
    a_reader_never_sees_half_a_write(store).await;
    keys_outside_the_prefix_are_refused(store).await;
    an_attempt_is_read_back_as_it_was_written(store).await;
    commits_are_found_among_many_tasks(store).await;
    a_sweep_is_read_back_as_it_was_launched(store).await;
    a_data_set_is_fetched_whole_by_many_at_once(store).await;
}

fn fresh() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn fresh_task() -> TaskId {
    TaskId(Digest::of(fresh().as_bytes()))
}

/// Objects of any size come back bit by bit, the last write's.
pub async fn what_was_put_comes_back(store: &Store) {
    let key = format!("conformance/{}/object", fresh());
    for size in [0, 1, 1000, 1 << 20] {
        let bytes: Bytes = (0..size).map(|i: u32| (i * 31 + size) as u8).collect();
        store.put(&key, bytes.clone()).await.unwrap();
        assert_eq!(store.get(&key).await.unwrap(), bytes);
        assert_eq!(store.size(&key).await.unwrap(), u64::from(size));
        assert_eq!(store.contents(&key).await.unwrap(), Contents::of(&bytes));
    }
    assert!(store.exists(&key).await.unwrap());
    store.delete(&key).await.unwrap();
    assert!(!store.exists(&key).await.unwrap());
}

/// A missing object is `NotFound`, and removing it is no error.
pub async fn what_is_not_there_is_said_to_be_missing(store: &Store) {
    let key = format!("conformance/{}/nothing", fresh());
    assert!(store.get(&key).await.unwrap_err().is_not_found());
    assert!(store.size(&key).await.unwrap_err().is_not_found());
    assert!(store.contents(&key).await.unwrap_err().is_not_found());
    assert!(store.get_range(&key, 0..1).await.unwrap_err().is_not_found());
    store.delete(&key).await.unwrap();
    assert_eq!(store.list(&key).await.unwrap(), []);
    assert_eq!(store.list_folders(&key).await.unwrap(), Vec::<String>::new());
    assert_eq!(store.read_commit(&fresh_task()).await.unwrap(), None);
    assert_eq!(store.newest_checkpoint(&fresh_task()).await.unwrap(), None);
}

/// Ranges that leave the object are cut.
pub async fn ranges_end_where_the_object_ends(store: &Store) {
    let key = format!("conformance/{}/object", fresh());
    store.put(&key, Bytes::from_static(b"0123456789")).await.unwrap();
    for (range, expected) in
        [(0..10, "0123456789"), (3..5, "34"), (8..99, "89"), (10..12, ""), (99..100, ""), (4..4, "")]
    {
        assert_eq!(store.get_range(&key, range.clone()).await.unwrap(), expected, "{range:?}");
    }
    store.delete(&key).await.unwrap();
}

/// `a/b` lists `a/b/c` and not `a/bc`, sorted by key, with sizes.
pub async fn listing_goes_by_whole_segments(store: &Store) {
    let root = format!("conformance/{}", fresh());
    for (name, size) in [("a/b/2", 2), ("a/b/1", 1), ("a/bc", 3), ("a/b.d/4", 4), ("e", 5)] {
        store.put(&format!("{root}/{name}"), vec![0; size].into()).await.unwrap();
    }
    let listed = |names: &[(&str, u64)]| -> Vec<ListedObject> {
        names.iter().map(|&(name, size)| ListedObject { key: format!("{root}/{name}"), size }).collect()
    };
    assert_eq!(store.list(&format!("{root}/a/b")).await.unwrap(), listed(&[("a/b/1", 1), ("a/b/2", 2)]));
    let all = [("a/b.d/4", 4), ("a/b/1", 1), ("a/b/2", 2), ("a/bc", 3), ("e", 5)];
    assert_eq!(store.list(&root).await.unwrap(), listed(&all));
    assert_eq!(store.list_folders(&root).await.unwrap(), ["a"]);
    assert_eq!(store.list_folders(&format!("{root}/a")).await.unwrap(), ["b", "b.d"]);
    for ListedObject { key, .. } in store.list(&root).await.unwrap() {
        store.delete(&key).await.unwrap();
    }
    assert_eq!(store.list(&root).await.unwrap(), []);
}

/// Files below and above the size from which they go in parts.
pub async fn files_of_any_size_arrive_whole(store: &Store) {
    let folder = tempfile::tempdir().unwrap();
    let key = format!("conformance/{}/file", fresh());
    for size in [0_usize, 5, 8 << 20, (8 << 20) + 1, 20 << 20] {
        let bytes: Vec<u8> = (0..size).map(|i| (i / 7 + size) as u8).collect();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::write(&from, &bytes).unwrap();
        let contents = store.put_file(&key, &from).await.unwrap();
        assert_eq!(contents, Contents::of(&bytes), "{size}");
        assert_eq!(store.contents(&key).await.unwrap(), contents, "{size}");
        store.download(&key, &contents, &to).await.unwrap();
        assert_eq!(std::fs::read(&to).unwrap(), bytes, "{size}");
    }
    store.delete(&key).await.unwrap();
}

/// Overwriting is all or nothing.
pub async fn a_reader_never_sees_half_a_write(store: &Store) {
    let key = &format!("conformance/{}/object", fresh());
    let whole = |byte: u8| Bytes::from(vec![byte; 300_000]);
    store.put(key, whole(0)).await.unwrap();
    let writers = join_all((1..=8).map(|byte| store.put(key, whole(byte))));
    let readers = join_all((0..16).map(|_| store.get(key)));
    let (written, read) = futures::future::join(writers, readers).await;
    written.into_iter().for_each(|written| written.unwrap());
    for bytes in read {
        let bytes = bytes.unwrap();
        assert_eq!(bytes, whole(bytes[0]));
    }
    store.delete(key).await.unwrap();
}

/// No call takes a key that could leave the prefix.
pub async fn keys_outside_the_prefix_are_refused(store: &Store) {
    for key in ["../escaped", "a/../../escaped", "/etc/passwd", "a//b", "", "a/./b"] {
        let invalid =
            |error: StorageError| assert!(matches!(error, StorageError::InvalidKey { .. }), "{key}: {error}");
        invalid(store.put(key, Bytes::new()).await.unwrap_err());
        invalid(store.get(key).await.unwrap_err());
        invalid(store.delete(key).await.unwrap_err());
        invalid(store.exists(key).await.unwrap_err());
        if !key.is_empty() {
            invalid(store.list(key).await.unwrap_err());
        }
    }
}

/// The probe finds that conditions are honoured, and leaves nothing.
pub async fn one_of_many_racing_writers_wins(store: &Store) {
    let before = store.list("probe").await.unwrap();
    assert_eq!(store.probe().await.unwrap(), ConditionalWrites::Honoured);
    assert_eq!(store.list("probe").await.unwrap(), before);
}

/// One is `Committed`, all others are `Superseded` by it, and asking again gives the same answers.
pub async fn of_32_racing_commits_one_is_the_result(store: &Store) {
    let task = fresh_task();
    let commits: Vec<_> = (1..=32).map(|n| sample::commit(task, n)).collect();
    for _ in 0..2 {
        let outcomes = join_all(commits.iter().map(|commit| {
            let (store, commit) = (store.clone(), commit.clone());
            async move { tokio::spawn(async move { store.commit(&commit).await }).await.unwrap().unwrap() }
        }))
        .await;
        let winner = store.read_commit(&task).await.unwrap().unwrap();
        for (commit, outcome) in commits.iter().zip(outcomes) {
            match *commit == winner {
                true => assert_eq!(outcome, CommitOutcome::Committed),
                false => assert_eq!(outcome, CommitOutcome::Superseded(winner.clone())),
            }
        }
    }
    store.delete(&key::commit(&task)).await.unwrap();
}

/// Artifacts, checkpoints, manifest and commit.
pub async fn an_attempt_is_read_back_as_it_was_written(store: &Store) {
    let task = fresh_task();
    let writer = AttemptWriter::new(store.clone(), task, Attempt(1), sample::lease(1));
    for step in [100, 200] {
        writer.put_checkpoint(step, Bytes::from(format!("at {step}"))).await.unwrap();
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "at 300").unwrap();
    let digest = Digest::of(b"at 300");
    writer.put_checkpoint_file(300, file.path(), Some(digest)).await.unwrap();
    let newest = store.newest_checkpoint(&task).await.unwrap().unwrap();
    assert_eq!((newest.number, &newest.bytes[..], newest.folder), (300, &b"at 300"[..], writer.folder()));
    let checkpoints = store.list(&writer.folder()).await.unwrap();
    assert_eq!(checkpoints.len(), 4, "two checkpoints, each with its note: {checkpoints:?}");
    // One that has changed since it was written gets no note.
    std::fs::write(file.path(), "at 301").unwrap();
    let other = AttemptWriter::new(store.clone(), fresh_task(), Attempt(1), sample::lease(1));
    let changed = other.put_checkpoint_file(301, file.path(), Some(digest)).await;
    assert!(matches!(changed, Err(StorageError::OtherContents { .. })), "{changed:?}");
    let left = store.list(&other.folder()).await.unwrap();
    assert!(left.iter().all(|object| !object.key.ends_with(".json")), "{left:?}");

    let manifest = sample::attempt(store, task, 1).await.unwrap();
    let commit = manifest.commit().unwrap();
    assert_eq!(store.commit(&commit).await.unwrap(), CommitOutcome::Committed);
    assert_eq!(store.read_commit(&task).await.unwrap(), Some(commit.clone()));
    assert_eq!(store.read_manifest(&commit).await.unwrap(), manifest);
    assert_eq!(store.read_artifact(&manifest, key::LOG).await.unwrap(), "attempt 1");
    assert_eq!(store.read_result(&commit).await.unwrap(), "weights");
    assert_eq!(store.read_metrics(&commit).await.unwrap().last("parameters"), Some(2241.0));

    store.remove_checkpoints(&task).await.unwrap();
    assert_eq!(store.newest_checkpoint(&task).await.unwrap(), None);
    assert_eq!(store.list(&writer.folder()).await.unwrap().len(), 4, "three artifacts and the manifest stay");
}

/// Also where most tasks have nothing, or artifacts without a commit.
pub async fn commits_are_found_among_many_tasks(store: &Store) {
    let tasks: Vec<TaskId> = (0..2000).map(|_| fresh_task()).collect();
    let committed: BTreeSet<TaskId> = tasks.iter().step_by(50).copied().collect();
    for task in &committed {
        store.commit(&sample::commit(*task, 1)).await.unwrap();
    }
    for task in tasks.iter().skip(1).step_by(100) {
        store.put(&format!("{}/1-lease-1/{}", key::attempts(task), key::LOG), Bytes::new()).await.unwrap();
    }
    for asked in [&tasks[..], &tasks[..3], &[]] {
        let found = store.find_commits(asked).await.unwrap().commits;
        let expected: BTreeSet<TaskId> =
            asked.iter().filter(|task| committed.contains(task)).copied().collect();
        assert_eq!(found.keys().copied().collect::<BTreeSet<_>>(), expected);
        assert!(found.iter().all(|(task, commit)| commit.task == *task));
    }
}

/// Record, file and tasks; launching again keeps the first time.
pub async fn a_sweep_is_read_back_as_it_was_launched(store: &Store) {
    let sweep = sample::sweep(&format!("sample-{}", fresh()));
    let tasks: Vec<_> = (0..300).map(|seed| sample::task(u64::MAX - seed)).collect();
    store.put_sweep(&sweep, &tasks).await.unwrap();
    let later = crate::SweepRecord { launched_unix_ms: Some(2_000), ..sweep.clone() };
    store.put_sweep(&later, &tasks).await.unwrap();
    assert_eq!(store.read_sweep(&sweep.id).await.unwrap(), sweep);
    assert_eq!(store.read_tasks(&sweep.id).await.unwrap(), tasks);
    assert!(store.list_sweeps().await.unwrap().contains(&sweep));
    let text = store.get(&format!("{}/sweep.toml", key::sweep(&sweep.id))).await.unwrap();
    assert_eq!(text, sweep.source.text);
}

/// All get the same whole file.
pub async fn a_data_set_is_fetched_whole_by_many_at_once(store: &Store) {
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = fresh().into_bytes().into_iter().cycle().take(9 << 20).collect();
    let from = folder.path().join("decoded");
    std::fs::write(&from, &bytes).unwrap();
    let dataset = Dataset { name: DatasetName::new("conformance").unwrap(), digest: Digest::of(&bytes) };
    assert!(store.fetch_dataset(&dataset, &from).await.unwrap_err().is_not_found());
    let stored = store.put_dataset(&dataset, &from, "repeated text", "nowhere").await.unwrap();
    assert!(store.list_datasets().await.unwrap().contains(&stored));
    let to = Arc::new(folder.path().join("cache/data.basin"));
    let fetched = join_all((0..4).map(|_| store.fetch_dataset(&dataset, &to))).await;
    fetched.into_iter().for_each(|fetched| fetched.unwrap());
    assert!(std::fs::read(&*to).unwrap() == bytes, "the fetched file differs");
    let left: Vec<_> = std::fs::read_dir(to.parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "temporary files were left: {left:?}");
}
