use basin_core::view::{Phase, SweepState};
use basin_domain::id::LeaseId;
use basin_domain::task::Task;
use basin_storage::ObjectProblem;
use basin_storage::testing::sample;

use super::*;

const NOW: Timestamp = Timestamp(10_000);

fn id(name: &str) -> SweepId {
    SweepId::new(name).unwrap()
}

fn tasks(seeds: std::ops::Range<u64>) -> Vec<Task> {
    seeds.map(sample::task).collect()
}

fn sweep(name: &str, launched: u64, seeds: std::ops::Range<u64>) -> StoredSweep {
    let launched_at = Some(Timestamp(launched));
    StoredSweep { id: id(name), launched_at, tasks: tasks(seeds), needs: Ok(BTreeMap::new()) }
}

fn proved(seed: u64, attempt: u32, finished: u64) -> (TaskId, ProvedCommit) {
    let task = sample::task(seed).id;
    (task, ProvedCommit { commit: sample::commit(task, attempt), finished_at: Timestamp(finished) })
}

fn stored(
    sweeps: Vec<StoredSweep>,
    commits: impl IntoIterator<Item = (TaskId, ProvedCommit)>,
) -> StoredSweeps {
    StoredSweeps { sweeps, commits: commits.into_iter().collect(), ..StoredSweeps::default() }
}

/// The ledger that a journal with this history leads to.
fn replayed(history: &History) -> Ledger {
    let mut ledger = Ledger::new(Policy::default());
    for event in &history.events {
        assert!(event.is_durable());
        ledger.apply(event);
    }
    ledger.audit().unwrap();
    assert!(history.events.is_sorted_by_key(|event| event.at));
    assert!(ledger.time() <= NOW);
    ledger
}

fn times(ledger: &Ledger, name: &str) -> (u64, Option<u64>) {
    let view = ledger.sweep(&id(name)).unwrap();
    (view.launched_at.0, view.finished_at.map(|at| at.0))
}

#[test]
fn sweeps_were_launched_when_they_were_and_are_over_since_their_last_attempt_ended() {
    let stored = stored(
        // In the order of their ids, which isn't that of their launches.
        vec![sweep("a", 500, 0..2), sweep("b", 100, 0..3), sweep("c", 700, 3..4)],
        [proved(0, 1, 150), proved(1, 2, 180), proved(2, 1, 600)],
    );
    let history = History::of(&stored, NOW, false).unwrap();
    let ledger = replayed(&history);
    assert_eq!(times(&ledger, "b"), (100, Some(600)));
    assert_eq!(times(&ledger, "a"), (500, Some(500)), "all of it was there when it was launched");
    assert_eq!(times(&ledger, "c"), (700, None));
    assert_eq!(ledger.sweep(&id("c")).unwrap().state, SweepState::Running);
    let rebuilt: Vec<_> =
        history.sweeps.iter().map(|it| (it.id.as_str(), it.tasks, it.committed, it.is_paused)).collect();
    assert_eq!(rebuilt, [("b", 3, 3, false), ("a", 2, 2, false), ("c", 1, 0, false)]);
    let commit = ledger.task(&sample::task(1).id).unwrap().commit.cloned().unwrap();
    assert_eq!(commit, commit_record(&sample::commit(sample::task(1).id, 2)));
    assert!(commit.digest.is_some());
}

#[test]
fn clocks_that_were_wrong_change_no_order() {
    let unknown = StoredSweep { launched_at: None, ..sweep("old", 0, 0..1) };
    let stored = stored(
        vec![sweep("future", NOW.0 + 5_000, 1..2), unknown, sweep("a", 400, 2..3)],
        [proved(0, 1, 3), proved(1, 1, u64::MAX), proved(2, 1, 7)],
    );
    let ledger = replayed(&History::of(&stored, NOW, false).unwrap());
    assert_eq!(times(&ledger, "future"), (NOW.0, Some(NOW.0)));
    assert_eq!(times(&ledger, "old"), (NOW.0, Some(NOW.0)));
    assert_eq!(times(&ledger, "a"), (400, Some(400)), "nothing ends before it begins");
}

#[test]
fn what_is_damaged_is_not_done_and_is_named() {
    let mut stored = stored(vec![sweep("a", 1, 0..2)], [proved(0, 1, 2)]);
    let damaged = sample::task(1).id;
    stored.damaged.insert(damaged, vec![ObjectProblem { key: "key".to_owned(), why: "why".to_owned() }]);
    let history = History::of(&stored, NOW, false).unwrap();
    assert_eq!((history.sweeps[0].committed, &history.sweeps[0].damaged[..]), (1, &[damaged][..]));
    assert_eq!(replayed(&history).task(&damaged).unwrap().phase, Phase::Queued);
}

#[test]
fn sweeps_that_are_not_over_wait_where_that_is_asked_for_or_where_nobody_knows_what_they_need() {
    let unreadable = StoredSweep { needs: Err("line 3".to_owned()), ..sweep("b", 2, 1..2) };
    let done = StoredSweep { needs: Err("line 3".to_owned()), ..sweep("c", 3, 2..3) };
    let stored = stored(vec![sweep("a", 1, 0..1), unreadable, done], [proved(2, 1, 5)]);
    for (pauses, expected) in [
        (false, [SweepState::Running, SweepState::Paused, SweepState::Done]),
        (true, [SweepState::Paused, SweepState::Paused, SweepState::Done]),
    ] {
        let history = History::of(&stored, NOW, pauses).unwrap();
        let ledger = replayed(&history);
        let states = ["a", "b", "c"].map(|name| ledger.sweep(&id(name)).unwrap().state);
        assert_eq!(states, expected);
        assert_eq!(history.sweeps[1].unknown_needs.as_deref(), Some("line 3"));
    }
}

#[test]
fn needs_of_experiments_are_the_sweeps_again() {
    let needs = basin_domain::placement::Requirements { memory: Some(1 << 30), ..Default::default() };
    let of_fit = [(sample::task(0).experiment, needs)].into();
    let stored = stored(vec![StoredSweep { needs: Ok(of_fit), ..sweep("a", 1, 0..1) }], []);
    let ledger = replayed(&History::of(&stored, NOW, false).unwrap());
    assert!(matches!(
        ledger.why(&sample::task(0).id, NOW),
        Some(basin_core::why::Why::WaitsForWorker { requirements, .. }) if requirements.len() == 1
    ));
}

#[test]
fn what_was_withdrawn_never_counts_again() {
    let task = sample::task(0).id;
    let mut stored = stored(vec![sweep("a", 1, 0..1)], []);
    let of = |task, attempt: u32| Withdrawal {
        task,
        lease: LeaseId::new(format!("lease-{attempt}")).unwrap(),
        attempt: Attempt(attempt),
    };
    // Of a task that no sweep lists nothing is remembered.
    stored.withdrawn = vec![of(task, 4), of(sample::task(9).id, 5)];
    let ledger = replayed(&History::of(&stored, NOW, false).unwrap());
    let refused = decide(&ledger, NOW, Adopt(commit_record(&sample::commit(task, 4))));
    assert!(matches!(refused, Err(Refusal::Withdrawn { .. })));
    decide(&ledger, NOW, Adopt(commit_record(&sample::commit(task, 6)))).unwrap();
}

#[test]
fn attempts_begin_above_all_that_the_store_tells_of() {
    let below = |highest: Option<u32>, committed: u32| {
        let mut stored = stored(vec![sweep("a", 1, 0..2)], [proved(0, committed, 2)]);
        stored.highest_attempt = highest.map(Attempt);
        History::of(&stored, NOW, false).unwrap().attempts_below.0
    };
    assert_eq!((below(None, 1), below(Some(7), 1)), (1_000, 1_000));
    assert_eq!((below(Some(1_001), 1), below(Some(3), 2_500)), (2_000, 3_000));
}

#[test]
fn a_sweep_that_reads_what_nobody_has_is_left_out_and_the_others_are_not() {
    let mut reader = sample::task(1);
    reader.spec.inputs = [("from".to_owned(), sample::task(0).id)].into();
    reader.id = reader.spec.id();
    let alone = StoredSweep { tasks: vec![reader.clone()], ..sweep("b", 2, 0..0) };
    let of_reader = ProvedCommit { commit: sample::commit(reader.id, 1), finished_at: Timestamp(3) };
    let history =
        History::of(&stored(vec![sweep("a", 1, 5..6), alone.clone()], [(reader.id, of_reader)]), NOW, false);
    let history = history.unwrap();
    assert_eq!(history.left_out.len(), 1);
    assert!(history.left_out[0].why.contains("which is not there"), "{:?}", history.left_out);
    assert_eq!(replayed(&history).sweeps().count(), 1);
    // With the sweep that has it before, it isn't left out.
    let both = stored(vec![sweep("a", 1, 0..1), alone], []);
    assert!(History::of(&both, NOW, false).unwrap().left_out.is_empty());
}

#[test]
fn a_store_without_sweeps_has_a_history_of_nothing() {
    let history = History::of(&StoredSweeps::default(), NOW, false).unwrap();
    assert_eq!((history.events.len(), history.sweeps.len()), (1, 0));
}
