use basin_core::command::{Drain, Policy, Refusal, Tick};
use basin_core::event::Change;
use basin_core::view::Phase;
use basin_domain::failure::FailureKind;
use basin_domain::outage::{Outage, OutageKind, OutageWait};

use crate::story::{START, Story, lease, seconds, seeds, tasks, worker};

#[test]
fn a_retry_goes_to_another_worker_if_there_is_one() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let first = story.grant("w");
    story.fail(&first, FailureKind::Crashed);
    let says = story.says("v", 0);
    story.sync(says);
    story.pass(seconds(1));
    let says = story.says("w", 1);
    assert_eq!(story.sync(says).grants, vec![], "kept for the other");
    assert_eq!(tasks(&story.grant("v")), tasks(&first));
}

#[test]
fn a_retry_goes_to_the_same_worker_if_the_others_do_not_take_it() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let first = story.grant("w");
    story.fail(&first, FailureKind::Crashed);
    story.pass(seconds(31));
    let says = story.says("v", 0);
    story.sync(says);
    assert_eq!(tasks(&story.grant("w")), tasks(&first));
}

#[test]
fn tasks_kept_for_others_do_not_hide_the_queue_behind_them() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    let first = story.grant("w");
    story.fail(&first, FailureKind::Crashed);
    let says = story.says("v", 0);
    story.sync(says);
    story.pass(seconds(1));
    assert_eq!(tasks(&story.grant("w")), [seeds(8, 2)[1].id]);
}

#[test]
fn a_worker_that_fails_at_everything_is_avoided_for_a_while() {
    let policy = Policy { bad_worker_failures: 2, ..Policy::default() };
    let mut story = Story::with(policy);
    story.launch("a", seeds(8, 9));
    let says = story.says("good", 0);
    story.sync(says);
    let first = story.grant("bad");
    assert_eq!(story.fail(&first, FailureKind::Crashed).len(), 1);
    let second = story.grant("bad");
    let changes = story.fail(&second, FailureKind::Storage);
    let until = START + policy.avoid_for;
    assert_eq!(changes[1..], [Change::Avoided { worker: worker("bad"), until }]);
    assert_eq!(story.ledger.worker(&worker("bad")).unwrap().avoided_until, Some(until));
    let says = story.says("bad", 1);
    assert_eq!(story.sync(says).grants, vec![]);
    story.pass(policy.avoid_for);
    let says = story.says("good", 0);
    story.sync(says);
    story.grant("bad");
}

#[test]
fn the_only_worker_is_never_avoided() {
    let mut story = Story::with(Policy { bad_worker_failures: 1, ..Policy::default() });
    story.launch("a", seeds(8, 2));
    let first = story.grant("only");
    story.fail(&first, FailureKind::Crashed);
    story.grant("only");
}

#[test]
fn failing_at_one_task_again_and_again_speaks_against_the_task() {
    let policy = Policy { bad_worker_failures: 2, max_attempts: 9, ..Policy::default() };
    let mut story = Story::with(policy);
    story.launch("a", seeds(8, 1));
    for _ in 0..5 {
        let grant = story.grant("w");
        assert_eq!(story.fail(&grant, FailureKind::Crashed).len(), 1);
        story.pass(seconds(60));
    }
}

#[test]
fn a_success_clears_what_was_held_against_a_worker() {
    let mut story = Story::with(Policy { bad_worker_failures: 2, ..Policy::default() });
    story.launch("a", seeds(8, 3));
    let grant = story.grant("w");
    story.fail(&grant, FailureKind::Crashed);
    let grant = story.grant("w");
    story.complete(&grant);
    let grant = story.grant("w");
    assert_eq!(story.fail(&grant, FailureKind::Crashed).len(), 1);
}

#[test]
fn invalid_parameters_speak_against_nobody() {
    let mut story = Story::with(Policy { bad_worker_failures: 1, ..Policy::default() });
    story.launch("a", seeds(8, 2));
    let grant = story.grant("w");
    assert_eq!(story.fail(&grant, FailureKind::InvalidParameters).len(), 1);
}

#[test]
fn a_drained_worker_gets_nothing_new_and_is_told_so() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    let grant = story.grant("w");
    assert_eq!(story.tell(Drain(worker("w"))), [Change::Drained(worker("w"))]);
    assert_eq!(story.tell(Drain(worker("w"))), vec![]);
    let says = story.says("w", 1).holding(&[&grant.lease]);
    let synced = story.sync(says);
    assert!(synced.drain);
    assert_eq!((synced.renewed.len(), synced.grants), (1, vec![]));
}

#[test]
fn a_leaving_worker_gives_back_what_it_never_heard_of() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let says = story.says("w", 1);
    let lost = story.sync_in_vain(says);
    let task = tasks(&lost.grants[0])[0];
    let says = story.says("w", 1).draining();
    assert_eq!(story.sync(says).grants, vec![]);
    assert_eq!(story.phase(task), Phase::Queued);
    assert_eq!(story.ledger.task(&task).unwrap().charged, 0);
}

#[test]
fn a_worker_that_was_silent_for_a_day_is_forgotten() {
    let mut story = Story::new();
    let says = story.says("w", 0);
    story.sync(says);
    story.tell(Drain(worker("w")));
    story.pass(seconds(86_399));
    story.tick();
    assert_eq!(story.ledger.workers().count(), 1);
    story.pass(seconds(1));
    assert_eq!(story.tell(Tick), [Change::Forgotten(worker("w"))]);
    assert_eq!(story.ledger.workers().count(), 0);
}

#[test]
fn workers_cannot_grow_without_bound() {
    let mut story = Story::new();
    let mut says = story.says("w", 0);
    says.0.holds = (0..5000)
        .map(|number| basin_core::command::HeldLease {
            lease: lease(&format!("l{number}")),
            progress: vec![],
        })
        .collect();
    let refusal = story.ask(says.0).unwrap_err();
    assert_eq!(refusal, Refusal::TooMany { what: "leases of one worker", asked: 5000, limit: 4096 });
}

#[test]
fn extreme_numbers_from_a_worker_do_no_harm() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 3));
    let mut says = story.says("w", 1).seen(u64::MAX).packs(u32::MAX);
    says.0.free_slots = u32::MAX;
    let synced = story.sync(says);
    assert_eq!((synced.grants.len(), synced.grants[0].tasks.len()), (1, 3));
    let says = story.says("w", 0);
    story.sync(says);
}

#[test]
fn a_worker_that_waits_for_an_outage_gets_nothing_keeps_its_lease_and_is_no_choice_for_others_tasks() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 3));
    let held = story.grant("w");
    let outage = Outage::new(OutageKind::Full, "507");
    let waiting = OutageWait { outage, results: 1, lasting: seconds(5) };
    let mut says = story.says("w", 2).holding(&[&held.lease]);
    says.0.waiting = Some(waiting.clone());
    let synced = story.sync(says);
    assert_eq!((synced.grants.len(), synced.renewed.len()), (0, 1));
    assert_eq!(story.ledger.worker(&worker("w")).unwrap().waiting, Some(&waiting));
    // A task that failed on another is tried there again: the one that waits can't take it.
    let failed = story.grant("v");
    story.fail(&failed, FailureKind::Crashed);
    story.pass(seconds(1));
    let first = tasks(&failed);
    assert_eq!(tasks(&story.grant("v")), first);
    // The outage is over: nothing was charged, and there is more to do.
    story.complete(&held);
    assert_eq!(story.ledger.task(&tasks(&held)[0]).unwrap().charged, 0);
    story.grant("w");
    assert_eq!(story.ledger.worker(&worker("w")).unwrap().waiting, None);
}
