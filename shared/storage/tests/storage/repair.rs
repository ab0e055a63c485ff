//! A damaged commit is withdrawn, and the next attempt's takes its place: once, whoever races, whatever comes late.

use std::sync::Arc;
use std::time::Duration;

use basin_domain::id::TaskId;
use basin_domain::key;
use basin_storage::testing::{Conditions, Fault, FaultyStore, InjectedError, Operation, sample};
use basin_storage::{
    Commit, CommitMode, CommitOutcome, CommitState, Manifest, StorageError, Store, WithdrawOutcome,
    WithdrawnAttempt,
};
use bytes::Bytes;
use futures::future::join_all;
use object_store::local::LocalFileSystem;

fn task() -> TaskId {
    sample::task(1).id
}

/// Stores of both kinds: replaced by the object's tag, and by a lock beside the file.
fn stores() -> [(Store, Option<tempfile::TempDir>); 2] {
    let folder = tempfile::tempdir().unwrap();
    let of_folder = Store::open(folder.path().to_str().unwrap()).unwrap();
    [(FaultyStore::in_memory().store(), None), (of_folder, Some(folder))]
}

async fn committed(store: &Store, n: u32) -> (Manifest, Commit) {
    let manifest = sample::attempt(store, task(), n).await.unwrap();
    let commit = manifest.commit().unwrap();
    assert_eq!(store.commit(&commit).await.unwrap(), CommitOutcome::Committed);
    (manifest, commit)
}

#[tokio::test]
async fn a_result_of_other_bytes_than_were_committed_is_damaged_and_named() {
    for (store, _folder) in stores() {
        let (manifest, commit) = committed(&store, 1).await;
        let result = format!("{}/{}", manifest.folder(), key::RESULT);
        assert_eq!(store.read_result(&commit).await.unwrap(), "weights");
        // As long, and of other bytes.
        store.put(&result, "weightz".into()).await.unwrap();
        let error = store.read_result(&commit).await.unwrap_err();
        assert!(matches!(&error, StorageError::Corrupt { key, .. } if *key == result), "{error}");
    }
}

async fn withdraw(store: &Store) -> WithdrawOutcome {
    let damaged = store.find_damaged(&[task()]).await.unwrap();
    assert_eq!(damaged.len(), 1);
    store.withdraw(&damaged[0], CommitMode::Conditional).await.unwrap()
}

#[tokio::test]
async fn a_cut_off_commit_gives_way_to_the_next_attempts() {
    for (store, _folder) in stores() {
        let (_, first) = committed(&store, 1).await;
        let half = first.to_bytes()[..100].to_vec();
        store.put(&key::commit(&task()), half.clone().into()).await.unwrap();
        assert!(matches!(store.read_commit(&task()).await, Err(StorageError::Corrupt { .. })));
        // Before it is withdrawn nothing takes its place.
        let error = store.commit(&sample::commit(task(), 2)).await.unwrap_err();
        assert!(matches!(error, StorageError::Corrupt { .. }), "{error}");

        let WithdrawOutcome::Withdrawn(note) = withdraw(&store).await else { panic!("it had changed") };
        // Whose it was can't be read: of all that have ended none commits again.
        assert!(note.names(&first.lease), "{note:?}");
        let again = store.commit(&first).await.unwrap_err();
        assert!(matches!(again, StorageError::Withdrawn { .. }), "{again}");
        assert_eq!(store.read_commit(&task()).await.unwrap(), None);
        let kept = store.list(&key::withdrawn(&task())).await.unwrap();
        assert_eq!(kept.len(), 1);
        assert_eq!(store.get(&kept[0].key).await.unwrap(), half, "what was there is kept");
        let second = sample::attempt(&store, task(), 2).await.unwrap().commit().unwrap();
        assert_eq!(store.commit(&second).await.unwrap(), CommitOutcome::Committed);
        assert_eq!(store.read_commit_state(&task()).await.unwrap(), CommitState::Committed(second.clone()));
        assert_eq!(store.commit(&second).await.unwrap(), CommitOutcome::Committed, "asked again");
        assert!(store.find_damaged(&[task()]).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_commit_whose_result_is_damaged_or_gone_is_withdrawn_and_its_attempt_never_commits_again() {
    for (store, _folder) in stores() {
        for name in [key::RESULT, key::METRICS, key::MANIFEST] {
            let (manifest, first) = committed(&store, 1).await;
            store.delete(&format!("{}/{name}", manifest.folder())).await.unwrap();
            let WithdrawOutcome::Withdrawn(note) = withdraw(&store).await else { panic!("it had changed") };
            let one = WithdrawnAttempt { attempt: first.attempt, lease: first.lease.clone() };
            assert_eq!(note.withdrawn, [one], "{name}");
            assert!(note.reasons[0].contains(name), "{:?}", note.reasons);
            let again = store.commit(&first).await.unwrap_err();
            assert!(matches!(again, StorageError::Withdrawn { .. }), "{again}");
            let (_, second) = committed(&store, 2).await;
            assert_eq!(store.commit(&first).await.unwrap(), CommitOutcome::Superseded(second));
            // For the next name it begins anew.
            for object in store.list(&key::task(&task())).await.unwrap() {
                store.delete(&object.key).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn of_32_commits_that_race_for_a_withdrawn_ones_place_one_is_the_result() {
    for (store, _folder) in stores() {
        committed(&store, 1).await;
        store.put(&key::commit(&task()), "{".into()).await.unwrap();
        withdraw(&store).await;
        let commits: Vec<_> = (2..=33).map(|n| sample::commit(task(), n)).collect();
        let outcomes = join_all(commits.iter().map(|commit| {
            let (store, commit) = (store.clone(), commit.clone());
            async move { tokio::spawn(async move { store.commit(&commit).await }).await.unwrap().unwrap() }
        }))
        .await;
        let winner = store.read_commit(&task()).await.unwrap().unwrap();
        for (commit, outcome) in commits.iter().zip(outcomes) {
            match *commit == winner {
                true => assert_eq!(outcome, CommitOutcome::Committed),
                false => assert_eq!(outcome, CommitOutcome::Superseded(winner.clone())),
            }
        }
    }
}

#[tokio::test]
async fn a_repair_that_comes_late_takes_nothing_that_came_in_between() {
    for (store, _folder) in stores() {
        committed(&store, 1).await;
        store.put(&key::commit(&task()), "{".into()).await.unwrap();
        let damaged = store.find_damaged(&[task()]).await.unwrap();
        withdraw(&store).await;
        let (_, second) = committed(&store, 2).await;
        assert_eq!(
            store.withdraw(&damaged[0], CommitMode::Conditional).await.unwrap(),
            WithdrawOutcome::Changed
        );
        assert_eq!(store.read_commit(&task()).await.unwrap(), Some(second));
    }
}

#[tokio::test(start_paused = true)]
async fn writes_that_land_late_replace_only_what_they_were_meant_to() {
    // The second attempt's write is given up and lands in an hour; by then the third has committed.
    let faulty = FaultyStore::in_memory();
    let store = faulty.store();
    committed(&store, 1).await;
    store.put(&key::commit(&task()), "{".into()).await.unwrap();
    withdraw(&store).await;
    let late = Fault::FailThenApply(InjectedError::TimedOut, Duration::from_secs(3_600));
    faulty.on(Operation::Put, "commit.json", 20, late);
    let second = sample::commit(task(), 2);
    let error = store.commit(&second).await.unwrap_err();
    assert!(matches!(error, StorageError::CommitInDoubt { .. }), "{error}");
    let third = sample::commit(task(), 3);
    let truth = FaultyStore::over(Arc::new(faulty.clone())).store();
    // The faults that are left are spent, and land late too.
    while truth.commit(&third).await.is_err() {}
    tokio::time::sleep(Duration::from_secs(14_400)).await;
    let found = store.read_commit(&task()).await.unwrap().unwrap();
    let said = [store.commit(&second).await.unwrap(), store.commit(&third).await.unwrap()];
    let wins = said.iter().filter(|outcome| **outcome == CommitOutcome::Committed).count();
    assert_eq!(wins, 1, "{said:?}, and {} is there", found.lease);
}

#[tokio::test]
async fn a_store_that_ignores_conditions_is_repaired_by_its_one_writer_alone() {
    let faulty = FaultyStore::in_memory().with_conditions(Conditions::Ignored);
    let store = faulty.store();
    let manifest = sample::attempt(&store, task(), 1).await.unwrap();
    assert_eq!(store.commit_serialised(&manifest.commit().unwrap()).await.unwrap(), CommitOutcome::Committed);
    store.put(&key::commit(&task()), "{".into()).await.unwrap();
    let damaged = store.find_damaged(&[task()]).await.unwrap();
    let error = store.withdraw(&damaged[0], CommitMode::Conditional).await.unwrap_err();
    assert!(matches!(error, StorageError::NotWithdrawable { .. }), "{error}");
    assert_eq!(store.get(&key::commit(&task())).await.unwrap(), "{", "nothing was written");
    let done = store.withdraw(&damaged[0], CommitMode::Serialised).await.unwrap();
    assert!(matches!(done, WithdrawOutcome::Withdrawn(_)));
    let second = sample::attempt(&store, task(), 2).await.unwrap().commit().unwrap();
    assert_eq!(store.commit_serialised(&second).await.unwrap(), CommitOutcome::Committed);
    assert_eq!(store.read_commit(&task()).await.unwrap(), Some(second));
}

#[tokio::test]
async fn a_commit_that_is_gone_does_not_come_back_late() {
    for (store, _folder) in stores() {
        let (_, first) = committed(&store, 1).await;
        let one = WithdrawnAttempt { attempt: first.attempt, lease: first.lease.clone() };
        let id = task();
        let withdraw = || store.withdraw_absent(&id, one.clone(), CommitMode::Conditional);
        assert_eq!(withdraw().await.unwrap(), WithdrawOutcome::Changed, "it isn't gone");
        store.delete(&key::commit(&task())).await.unwrap();
        for _ in 0..2 {
            let WithdrawOutcome::Withdrawn(note) = withdraw().await.unwrap() else {
                panic!("it had changed")
            };
            assert!(note.names(&first.lease));
        }
        assert!(matches!(store.commit(&first).await, Err(StorageError::Withdrawn { .. })));
        let (_, second) = committed(&store, 2).await;
        assert_eq!(withdraw().await.unwrap(), WithdrawOutcome::Changed);
        assert_eq!(store.read_commit(&task()).await.unwrap(), Some(second));
    }
}

#[tokio::test]
async fn one_damaged_commit_hides_no_other() {
    let store = FaultyStore::in_memory().store();
    let tasks: Vec<TaskId> = (0..4).map(|seed| sample::task(seed).id).collect();
    for task in &tasks {
        store.commit(&sample::commit(*task, 1)).await.unwrap();
    }
    store.put(&key::commit(&tasks[2]), Bytes::from_static(b"{\"task\"")).await.unwrap();
    let found = store.find_commits(&tasks).await.unwrap();
    assert_eq!(found.commits.len(), 3);
    assert_eq!(found.damaged.keys().collect::<Vec<_>>(), [&tasks[2]]);
}

/// A write that fails after its effect is read back as ours; in a folder its name may not be on disk then.
#[tokio::test(start_paused = true)]
async fn a_commit_whose_name_cannot_be_synced_is_in_doubt() {
    let folder = tempfile::tempdir().unwrap();
    let commit = sample::commit(task(), 1);
    for (root, is_synced) in [(folder.path().join("not-there"), false), (folder.path().to_path_buf(), true)] {
        let faulty = FaultyStore::over(Arc::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap()));
        faulty.on(Operation::Put, "commit.json", 1, Fault::ApplyThenFail(InjectedError::TimedOut));
        let store = Store::from_object_store_in(Arc::new(faulty), "faulty://store", root);
        let outcome = store.commit(&commit).await;
        match is_synced {
            true => assert_eq!(outcome.unwrap(), CommitOutcome::Committed),
            false => assert!(matches!(outcome, Err(StorageError::CommitInDoubt { .. })), "{outcome:?}"),
        }
    }
}

#[tokio::test]
async fn what_killed_writers_left_long_ago_goes_and_what_is_being_written_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().to_str().unwrap()).unwrap();
    store.put("sweeps/a/sweep.toml", "text".into()).await.unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["sweeps/a/sweep.toml#1", "sweeps/a/tasks.parquet#7", "sweeps/a/sweep.toml#0"] {
        std::fs::write(at(name), "half").unwrap();
    }
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(2 * 86_400);
    for name in ["sweeps/a/sweep.toml", "sweeps/a/sweep.toml#1", "sweeps/a/sweep.toml#0"] {
        std::fs::File::options().write(true).open(at(name)).unwrap().set_modified(long_ago).unwrap();
    }
    assert_eq!(store.remove_abandoned().await.unwrap(), 1);
    assert!(!at("sweeps/a/sweep.toml#1").exists());
    for name in ["sweeps/a/sweep.toml", "sweeps/a/tasks.parquet#7", "sweeps/a/sweep.toml#0"] {
        assert!(at(name).exists(), "{name}");
    }
}
