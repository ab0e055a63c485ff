//! The commit, with every way in which a store's answer and its effect can differ.

use std::sync::Arc;
use std::time::Duration;

use basin_domain::id::TaskId;
use basin_domain::key;
use basin_storage::testing::{Fault, FaultyStore, InjectedError, Operation, sample};
use basin_storage::{Commit, CommitOutcome, Retry, StorageError, Store};
use futures::future::join_all;
use object_store::memory::InMemory;
use proptest::prelude::*;

fn task() -> TaskId {
    sample::task(1).id
}

/// A store whose commits meet these faults, one after the other.
fn store_with(faults: &[Fault]) -> FaultyStore {
    let faulty = FaultyStore::in_memory();
    for fault in faults {
        faulty.on(Operation::Put, "commit.json", 1, *fault);
    }
    faulty
}

/// Commits through the faults; gives the outcome, and how often the commit was written.
async fn commit_through(faults: &[Fault]) -> (Result<CommitOutcome, StorageError>, usize) {
    let faulty = store_with(faults);
    let outcome = faulty.store().commit(&sample::commit(task(), 1)).await;
    (outcome, faulty.calls(Operation::Put, "commit.json"))
}

#[tokio::test(start_paused = true)]
async fn a_conflict_with_nothing_landed_is_tried_again() {
    let (outcome, writes) = commit_through(&[Fault::Fail(InjectedError::AlreadyExists)]).await;
    assert_eq!((outcome.unwrap(), writes), (CommitOutcome::Committed, 2));
}

#[tokio::test(start_paused = true)]
async fn our_own_write_reported_as_a_rivals_is_ours() {
    let (outcome, writes) = commit_through(&[Fault::ApplyThenFail(InjectedError::AlreadyExists)]).await;
    assert_eq!((outcome.unwrap(), writes), (CommitOutcome::Committed, 1));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_with_the_write_landed_is_a_commit() {
    for fault in [Fault::ApplyThenFail(InjectedError::TimedOut), Fault::ApplyThenHang] {
        let (outcome, writes) = commit_through(&[fault]).await;
        assert_eq!((outcome.unwrap(), writes), (CommitOutcome::Committed, 1), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_with_nothing_landed_is_tried_again() {
    for fault in [Fault::Fail(InjectedError::TimedOut), Fault::Hang] {
        let (outcome, writes) = commit_through(&[fault]).await;
        assert_eq!((outcome.unwrap(), writes), (CommitOutcome::Committed, 2), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_lands_late_meets_our_own_second_one() {
    for later in [1, 100, 5_000, 3_600_000] {
        let fault = Fault::FailThenApply(InjectedError::TimedOut, Duration::from_millis(later));
        let faulty = store_with(&[fault]);
        let commit = sample::commit(task(), 1);
        assert_eq!(faulty.store().commit(&commit).await.unwrap(), CommitOutcome::Committed, "{later} ms");
        tokio::time::sleep(Duration::from_secs(7200)).await;
        assert_eq!(faulty.store().read_commit(&task()).await.unwrap(), Some(commit), "{later} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_write_of_one_who_gave_up_supersedes_or_is_refused() {
    // Before the next attempt's commit: that one is superseded. After it: the condition refuses the late one.
    for (later, winner) in [(60, 1), (7_200, 2)] {
        let faulty = FaultyStore::in_memory();
        faulty.on(
            Operation::Put,
            "commit.json",
            7,
            Fault::FailThenApply(InjectedError::TimedOut, Duration::from_secs(later)),
        );
        let store = faulty.store();
        let (first, second) = (sample::commit(task(), 1), sample::commit(task(), 2));
        let error = store.commit(&first).await.unwrap_err();
        assert!(matches!(error, StorageError::CommitInDoubt { tries: 7, .. }), "{error}");
        assert!(error.is_transient());

        tokio::time::sleep(Duration::from_secs(3_600)).await;
        let outcome = store.commit(&second).await.unwrap();
        tokio::time::sleep(Duration::from_secs(14_400)).await;
        let found = store.read_commit(&task()).await.unwrap().unwrap();
        match winner {
            1 => assert_eq!((outcome, found), (CommitOutcome::Superseded(first.clone()), first.clone())),
            _ => assert_eq!((outcome, found), (CommitOutcome::Committed, second)),
        }
        // Asked again, the one who gave up hears what became of it.
        let again = store.commit(&first).await.unwrap();
        assert_eq!(again == CommitOutcome::Committed, winner == 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rivals_commit_is_told_whatever_the_store_says() {
    for fault in [
        None,
        Some(Fault::Fail(InjectedError::Unavailable)),
        Some(Fault::Fail(InjectedError::TimedOut)),
        Some(Fault::ApplyThenFail(InjectedError::TimedOut)),
        Some(Fault::Hang),
    ] {
        let faulty = FaultyStore::in_memory();
        let rival = sample::commit(task(), 2);
        assert_eq!(faulty.store().commit(&rival).await.unwrap(), CommitOutcome::Committed);
        if let Some(fault) = fault {
            faulty.on(Operation::Put, "commit.json", 1, fault);
        }
        let outcome = faulty.store().commit(&sample::commit(task(), 1)).await.unwrap();
        assert_eq!(outcome, CommitOutcome::Superseded(rival), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_for_a_while_is_waited_for() {
    let faulty = FaultyStore::in_memory();
    faulty.down_for(Duration::from_millis(50));
    assert_eq!(faulty.store().commit(&sample::commit(task(), 1)).await.unwrap(), CommitOutcome::Committed);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_stays_down_leaves_the_commit_in_doubt_within_bounded_time() {
    let faulty = FaultyStore::in_memory();
    faulty.down_for(Duration::from_secs(86_400));
    let begun = tokio::time::Instant::now();
    let error = faulty.store().commit(&sample::commit(task(), 1)).await.unwrap_err();
    assert!(matches!(error, StorageError::CommitInDoubt { tries: 7, .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_read_that_fails_after_the_write_leaves_no_wrong_answer() {
    let faulty = store_with(&[Fault::ApplyThenFail(InjectedError::TimedOut)]);
    faulty.on(Operation::Get, "commit.json", 3, Fault::Fail(InjectedError::Unavailable));
    let outcome = faulty.store().commit(&sample::commit(task(), 1)).await.unwrap();
    assert_eq!(outcome, CommitOutcome::Committed);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_an_error_at_once_and_no_doubt() {
    let faulty = store_with(&[Fault::Fail(InjectedError::Denied)]);
    let error = faulty.store().commit(&sample::commit(task(), 1)).await.unwrap_err();
    assert!(matches!(error, StorageError::Denied { .. }), "{error}");
    assert_eq!(faulty.calls(Operation::Put, "commit.json"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_after_a_timeout_is_still_a_doubt() {
    // Credentials that ran out between the two say nothing about the first write, which may yet land.
    let faulty = FaultyStore::in_memory();
    faulty.on(
        Operation::Put,
        "commit.json",
        1,
        Fault::FailThenApply(InjectedError::TimedOut, Duration::from_secs(3_600)),
    );
    faulty.on(Operation::Put, "commit.json", u32::MAX, Fault::Fail(InjectedError::Denied));
    let error = faulty.store().commit(&sample::commit(task(), 1)).await.unwrap_err();
    assert!(matches!(error, StorageError::CommitInDoubt { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_commit_in_a_commits_place_is_named() {
    for garbage in ["", "{}", "null", "{\"task\":", "\u{0}\u{0}\u{0}"] {
        let store = FaultyStore::in_memory().store();
        store.put(&key::commit(&task()), garbage.into()).await.unwrap();
        for error in [
            store.read_commit(&task()).await.unwrap_err(),
            store.commit(&sample::commit(task(), 1)).await.unwrap_err(),
        ] {
            assert!(
                matches!(&error, StorageError::Corrupt { key, .. } if *key == key::commit(&task())),
                "{error}"
            );
        }
    }
    let store = FaultyStore::in_memory().store();
    let other = sample::commit(sample::task(2).id, 1);
    store.put(&key::commit(&task()), other.to_bytes().into()).await.unwrap();
    let error = store.read_commit(&task()).await.unwrap_err();
    assert!(error.to_string().contains("it commits task"), "{error}");
    let huge = vec![b' '; 1 << 20];
    store.put(&key::commit(&task()), huge.into()).await.unwrap();
    assert!(matches!(store.read_commit(&task()).await, Err(StorageError::Corrupt { .. })));
}

/// A fault of one write of a commit, or of one read of it.
fn fault() -> impl Strategy<Value = (Operation, Fault)> {
    let said = prop_oneof![
        Just(InjectedError::AlreadyExists),
        Just(InjectedError::Unavailable),
        Just(InjectedError::TimedOut),
        Just(InjectedError::Denied)
    ];
    let later = (0_u64..100_000).prop_map(Duration::from_millis);
    let of_put = prop_oneof![
        said.clone().prop_map(Fault::Fail),
        // Whoever says "denied" has not done it, and whoever says that or "exists" has not kept it to do it later.
        said.clone()
            .prop_filter("not done", |said| *said != InjectedError::Denied)
            .prop_map(Fault::ApplyThenFail),
        (prop_oneof![Just(InjectedError::Unavailable), Just(InjectedError::TimedOut)], later.clone())
            .prop_map(|(said, later)| Fault::FailThenApply(said, later)),
        later.clone().prop_map(Fault::Delay),
        Just(Fault::Hang),
        Just(Fault::ApplyThenHang),
    ];
    let of_get = prop_oneof![
        said.prop_filter("reads don't say this", |said| *said != InjectedError::AlreadyExists)
            .prop_map(Fault::Fail),
        later.prop_map(Fault::Delay),
        Just(Fault::Hang),
    ];
    prop_oneof![of_put.prop_map(|f| (Operation::Put, f)), of_get.prop_map(|f| (Operation::Get, f))]
}

/// A rival: when it commits, and what its calls meet.
fn rival() -> impl Strategy<Value = (Duration, Vec<(Operation, Fault)>)> {
    ((0_u64..30_000).prop_map(Duration::from_millis), prop::collection::vec(fault(), 0..12))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_fails_one_attempt_at_most_is_the_result(rivals in prop::collection::vec(rival(), 1..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(race(rivals));
    }
}

async fn race(rivals: Vec<(Duration, Vec<(Operation, Fault)>)>) {
    let memory = Arc::new(InMemory::new());
    let truth = Store::from_object_store(memory.clone(), "memory://truth");
    let runs = rivals.into_iter().enumerate().map(|(i, (begins, faults))| {
        let faulty = FaultyStore::over(memory.clone());
        for (operation, fault) in faults {
            faulty.on(operation, "commit.json", 1, fault);
        }
        let commit = sample::commit(task(), i as u32 + 1);
        async move {
            tokio::time::sleep(begins).await;
            let outcome = faulty.store().commit(&commit).await;
            (commit, outcome)
        }
    });
    let told = join_all(runs).await;
    let at_the_end_of_the_race = truth.read_commit(&task()).await.unwrap();
    // Everything that was still under way lands, or doesn't.
    tokio::time::sleep(Duration::from_secs(86_400)).await;
    let result = truth.read_commit(&task()).await.unwrap();
    if at_the_end_of_the_race.is_some() {
        assert_eq!(result, at_the_end_of_the_race, "a commit never changes");
    }
    for (commit, outcome) in &told {
        match outcome {
            Ok(CommitOutcome::Committed) => assert_eq!(result.as_ref(), Some(commit)),
            Ok(CommitOutcome::Superseded(by)) => {
                assert_ne!(by, commit);
                assert_eq!(result.as_ref(), Some(by));
            }
            Err(StorageError::CommitInDoubt { .. }) => {}
            Err(error) => assert!(result.as_ref() != Some(commit), "{error}, and yet it is there"),
        }
    }
    // Asked again without faults, everybody hears the same.
    let mut committed = 0;
    for (commit, _) in &told {
        match truth.commit(commit).await.unwrap() {
            CommitOutcome::Committed => committed += 1,
            CommitOutcome::Superseded(by) => assert_ne!(by, *commit),
        }
    }
    assert_eq!(committed, 1);
}

#[tokio::test(start_paused = true)]
async fn a_commit_without_patience_is_written_once() {
    let faulty = FaultyStore::in_memory();
    faulty.on(Operation::Put, "commit.json", u32::MAX, Fault::Fail(InjectedError::Unavailable));
    let store = faulty.store().with_retry(Retry { tries: 1, ..Retry::default() });
    let commit: Commit = sample::commit(task(), 1);
    assert!(matches!(store.commit(&commit).await, Err(StorageError::CommitInDoubt { tries: 1, .. })));
    assert_eq!(faulty.calls(Operation::Put, "commit.json"), 1);
}
