use basin_core::Ledger;
use basin_core::command::{
    Adopt, Complete, Fail, Launch, Policy, Rebuilt, Refusal, Settled, Withdraw, Withdrawal,
};
use basin_core::event::{Change, Event};
use basin_core::view::{Phase, SweepState};
use basin_core::why::Why;
use basin_domain::failure::{Failure, FailureKind};
use basin_domain::id::Attempt;

use crate::story::{Story, commit, launch, lease, seeds, tasks};

fn rebuilt(highest_seen: u32) -> Rebuilt {
    Rebuilt { highest_seen: Attempt(highest_seen) }
}

#[test]
fn attempts_of_a_rebuilt_ledger_have_numbers_that_none_before_had() {
    for (seen, next) in [(0, 1_001), (7, 1_001), (1_000, 2_001), (1_003, 2_001), (u32::MAX, 1_073_742_001)] {
        let mut story = Story::new();
        story.launch("a", seeds(8, 1));
        story.tell(rebuilt(seen));
        assert_eq!(story.grant("w").tasks[0].attempt, Attempt(next), "after {seen}");
    }
}

#[test]
fn rebuilt_twice_over_the_same_it_is_done_once() {
    let mut story = Story::new();
    assert_eq!(story.tell(rebuilt(3)), vec![Change::Rebuilt { attempts: Attempt(1_000) }]);
    assert_eq!(story.tell(rebuilt(5)), vec![]);
    assert_eq!(story.tell(rebuilt(1_000)), vec![Change::Rebuilt { attempts: Attempt(2_000) }]);
}

#[test]
fn a_worker_of_before_that_commits_is_believed_and_one_that_comes_too_late_is_not() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    story.tell(rebuilt(2));
    let first = story.grant("w");
    let task = tasks(&first)[0];
    let other = seeds(8, 2).into_iter().map(|listed| listed.id).find(|id| *id != task).unwrap();
    // The store has its commit, under a lease that nobody here granted: the new attempt is superseded.
    let of_before = commit(task, &lease("of-before"), 3);
    assert_eq!(story.ask(Complete(of_before.clone())).unwrap().1, Settled { held: false });
    assert_eq!(story.phase(task), Phase::Completed);
    let late = Complete(commit(task, &first.lease, 1_001));
    assert!(matches!(story.ask(late), Err(Refusal::CommittedOtherwise { .. })));
    // A number that neither era has is nobody's.
    let nobodys = Complete(commit(other, &lease("of-nobody"), 1_001));
    assert!(matches!(story.ask(nobodys), Err(Refusal::NotOfThisLease { .. })));
    let second = story.grant("w");
    story.complete(&second);
    assert_eq!(story.state("a"), SweepState::Done);
    assert_eq!(story.tell(Adopt(of_before)), vec![]);
}

#[test]
fn what_failed_says_how_many_attempts_are_known() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    story.tell(rebuilt(2));
    let grant = story.grant("w");
    let task = tasks(&grant)[0];
    let failure = Failure::new(FailureKind::InvalidParameters, "no");
    story.tell(Fail { lease: grant.lease.clone(), task, failure });
    let why = story.ledger.why(&task, story.now);
    assert!(matches!(why, Some(Why::HasFailed { attempts: 1, .. })), "{why:?}");
    assert_eq!(story.ledger.task(&task).unwrap().begun, 1);
}

#[test]
fn a_commit_of_before_that_is_withdrawn_is_followed_by_a_number_of_now() {
    let mut story = Story::new();
    let task = seeds(8, 1)[0].id;
    let committed = vec![commit(task, &lease("of-before"), 7)];
    story.tell(Launch { committed, ..launch("a", seeds(8, 1)) });
    story.tell(rebuilt(7));
    let withdrawal = Withdrawal { task, lease: lease("of-before"), attempt: Attempt(7) };
    story.tell(Withdraw { sweep: None, commits: vec![withdrawal] });
    assert_eq!(story.ledger.task(&task).unwrap().begun, 0, "nothing is known of them");
    assert_eq!(story.grant("w").tasks[0].attempt, Attempt(1_001));
}

#[test]
fn that_it_was_rebuilt_outlives_a_restart_and_a_snapshot() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    story.tell(rebuilt(4));
    let mut replayed = Ledger::new(Policy::default());
    for event in &story.events {
        assert!(event.is_durable());
        let text = serde_json::to_string(event).unwrap();
        replayed.apply(&serde_json::from_str::<Event>(&text).unwrap());
    }
    assert_eq!(replayed, story.ledger);
    let text = serde_json::to_string(&story.ledger.snapshot()).unwrap();
    let restored = Ledger::restore(Policy::default(), serde_json::from_str(&text).unwrap()).unwrap();
    assert_eq!(restored, story.ledger);
    story.ledger = restored;
    assert_eq!(story.grant("w").tasks[0].attempt, Attempt(1_001));
}
