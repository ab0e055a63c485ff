//! Sweeps, and the proof that one is whole.

use basin_domain::key;
use basin_storage::testing::{FaultyStore, sample};
use basin_storage::{CommitOutcome, ObjectProblem, StorageError, Store, SweepRecord};
use bytes::Bytes;

/// A sweep of three tasks, each committed.
async fn whole_sweep() -> (Store, SweepRecord) {
    let store = FaultyStore::in_memory().store();
    let sweep = sample::sweep("sample-1");
    let tasks: Vec<_> = (0..3).map(sample::task).collect();
    store.put_sweep(&sweep, &tasks).await.unwrap();
    for task in &tasks {
        let manifest = sample::attempt(&store, task.id, 1).await.unwrap();
        assert_eq!(store.commit(&manifest.commit().unwrap()).await.unwrap(), CommitOutcome::Committed);
    }
    (store, sweep)
}

#[tokio::test]
async fn a_whole_sweep_is_proved() {
    let (store, sweep) = whole_sweep().await;
    let verification = store.verify(&sweep.id).await.unwrap();
    assert!(verification.is_whole(), "{verification:?}");
    assert_eq!((verification.tasks, verification.committed, verification.artifacts), (3, 3, 9));
    assert!(verification.bytes > 0 && verification.strays.is_empty());
}

#[tokio::test]
async fn every_kind_of_damage_is_found_by_its_key() {
    let task = sample::task(1).id;
    let folder = format!("{}/1-lease-1", key::attempts(&task));
    let artifact = |name: &str| format!("{folder}/{name}");
    for (key, damage, expected) in [
        (artifact(key::RESULT), None, "it is missing"),
        (artifact(key::LOG), Some("attempt 2"), "its digest is "),
        (artifact(key::LOG), Some("attempt"), "it has 7 bytes, not 9"),
        (artifact(key::MANIFEST), None, "it is missing"),
        (artifact(key::MANIFEST), Some("{}"), "missing field"),
        (key::commit(&task), Some("garbage"), "expected value"),
    ] {
        let (store, sweep) = whole_sweep().await;
        match damage {
            Some(bytes) => store.put(&key, Bytes::from_static(bytes.as_bytes())).await.unwrap(),
            None => store.delete(&key).await.unwrap(),
        }
        let verification = store.verify(&sweep.id).await.unwrap();
        assert!(!verification.is_whole());
        let [ObjectProblem { key: named, why }] = &verification.problems[..] else {
            panic!("{verification:?}")
        };
        assert_eq!(*named, key);
        assert!(why.starts_with(expected), "{why}");
    }
}

/// Whether or not the commit carries its digest: then it is the manifest that tells.
#[tokio::test]
async fn a_changed_outcome_or_worker_of_a_commit_is_found() {
    let id = sample::task(1).id;
    let key = key::commit(&id);
    for has_digest in [true, false] {
        let (store, sweep) = whole_sweep().await;
        let written = store.read_commit(&id).await.unwrap().unwrap().to_bytes();
        let mut document: serde_json::Value = serde_json::from_slice(&written).unwrap();
        let text = String::from_utf8(written).unwrap();
        let of_before = text[..text.rfind(",\n  \"digest\"").unwrap()].to_owned() + "\n}\n";
        let text = if has_digest { text } else { of_before };
        store.put(&key, text.clone().into()).await.unwrap();
        let coverage = store.verify(&sweep.id).await.unwrap().coverage;
        assert_eq!(
            (coverage.commits_with_digest, coverage.commits_of_before),
            if has_digest { (3, 0) } else { (2, 1) }
        );
        assert!(coverage.record_with_digest && coverage.tasks_with_digest);
        for (is, becomes) in
            [("worker-1", "worker-2"), ("\"completed\"", "\"diverged\",\n  \"iteration\": 7")]
        {
            assert!(text.contains(is), "{text}");
            store.put(&key, text.replace(is, becomes).into()).await.unwrap();
            let verification = store.verify(&sweep.id).await.unwrap();
            let [ObjectProblem { key: named, .. }] = &verification.problems[..] else {
                panic!("{verification:?}")
            };
            assert_eq!(*named, key);
        }
        document["digest"] = "0".repeat(64).into();
        store.put(&key, document.to_string().into()).await.unwrap();
        assert_eq!(store.verify(&sweep.id).await.unwrap().problems.len(), 1);
    }
}

#[tokio::test]
async fn a_changed_record_or_list_of_tasks_is_found_and_a_record_of_before_is_read() {
    let (store, sweep) = whole_sweep().await;
    let record = format!("{}/sweep.json", key::sweep(&sweep.id));
    let text = String::from_utf8(store.get(&record).await.unwrap().to_vec()).unwrap();
    store.put(&record, text.replace("1000", "1001").into()).await.unwrap();
    assert!(matches!(store.read_sweep(&sweep.id).await, Err(StorageError::Corrupt { .. })));
    assert_eq!(store.verify(&sweep.id).await.unwrap().problems[0].key, record);
    let of_before = serde_json::to_vec_pretty(&sweep).unwrap();
    store.put(&record, of_before.into()).await.unwrap();
    assert_eq!(store.read_sweep(&sweep.id).await.unwrap(), sweep);
    let verification = store.verify(&sweep.id).await.unwrap();
    assert!(verification.is_whole() && !verification.coverage.record_with_digest);
    store.put(&record, text.into()).await.unwrap();
    // Another sweep's tasks are tasks like any, but not these.
    let other = sample::sweep("sample-2");
    store.put_sweep(&other, &[sample::task(1)]).await.unwrap();
    let tasks = store.get(&format!("{}/tasks.parquet", key::sweep(&other.id))).await.unwrap();
    store.put(&format!("{}/tasks.parquet", key::sweep(&sweep.id)), tasks).await.unwrap();
    assert!(matches!(store.read_tasks(&sweep.id).await, Err(StorageError::Corrupt { .. })));
}

#[tokio::test]
async fn a_manifest_that_is_not_the_committed_one_is_found() {
    let (store, sweep) = whole_sweep().await;
    let commit = store.read_commit(&sample::task(1).id).await.unwrap().unwrap();
    let mut manifest = store.read_manifest(&commit).await.unwrap();
    manifest.provenance.host = "another".to_owned();
    let key = format!("{}/{}", manifest.folder(), key::MANIFEST);
    store.put(&key, manifest.to_bytes().into()).await.unwrap();
    let error = store.read_manifest(&commit).await.unwrap_err();
    assert!(matches!(&error, StorageError::Corrupt { key: named, .. } if *named == key), "{error}");
    assert_eq!(store.verify(&sweep.id).await.unwrap().problems.len(), 1);
}

#[tokio::test]
async fn a_task_without_a_commit_and_attempts_too_many_are_listed() {
    let (store, sweep) = whole_sweep().await;
    let (task, other) = (sample::task(1).id, sample::task(2).id);
    store.delete(&key::commit(&task)).await.unwrap();
    sample::attempt(&store, other, 2).await.unwrap();
    let verification = store.verify(&sweep.id).await.unwrap();
    assert_eq!(verification.uncommitted, [task]);
    assert!(verification.problems.is_empty() && !verification.is_whole());
    let mut folders: Vec<_> =
        verification.strays.iter().map(|stray| (stray.folder.clone(), stray.finished)).collect();
    folders.sort();
    let mut expected = vec![
        (format!("{}/1-lease-1", key::attempts(&task)), true),
        (format!("{}/2-lease-2", key::attempts(&other)), true),
    ];
    expected.sort();
    assert_eq!(folders, expected);
}

#[tokio::test]
async fn a_damaged_sweep_is_named_and_hides_no_other() {
    let (store, sweep) = whole_sweep().await;
    let other = sample::sweep("sample-2");
    store.put_sweep(&other, &[]).await.unwrap();
    assert_eq!(store.read_tasks(&other.id).await.unwrap(), []);
    let record = format!("{}/sweep.json", key::sweep(&other.id));
    store.put(&record, "{\"id\":".into()).await.unwrap();
    assert!(
        matches!(store.read_sweep(&other.id).await, Err(StorageError::Corrupt { key, .. }) if key == record)
    );
    assert_eq!(store.list_sweeps().await.unwrap(), std::slice::from_ref(&sweep));
    // Launching again mends it.
    store.put_sweep(&other, &[]).await.unwrap();
    assert_eq!(store.list_sweeps().await.unwrap(), [sweep, other]);
}

#[tokio::test]
async fn tasks_that_are_not_what_their_id_says_are_refused() {
    let (store, sweep) = whole_sweep().await;
    let mut task = sample::task(7);
    task.spec.seed = 8;
    store.put_sweep(&sweep, &[sample::task(1), task]).await.unwrap();
    let error = store.read_tasks(&sweep.id).await.unwrap_err();
    assert!(error.to_string().ends_with("task 1: its id is not the digest of its spec"), "{error}");
    store.put(&format!("{}/tasks.parquet", key::sweep(&sweep.id)), "PAR1".into()).await.unwrap();
    assert!(matches!(store.read_tasks(&sweep.id).await, Err(StorageError::Corrupt { .. })));
}
