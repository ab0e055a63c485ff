//! A worker's process ends, and somebody saw it.

use basin_core::Ledger;
use basin_core::command::{Exited, Expire, ExpiredLease, LeasedTask, Policy};
use basin_core::event::Change;
use basin_core::view::Phase;
use basin_domain::failure::FailureKind;

use crate::story::{START, Story, seconds, seeds, tasks, worker};

#[test]
fn the_tasks_of_a_worker_that_was_seen_to_end_are_looked_up_at_once() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    let grant = story.grant("w");
    let task = tasks(&grant)[0];
    let changes = story.tell(Exited(worker("w")));
    assert_eq!(changes, [Change::Expired { lease: grant.lease.clone() }, Change::Exited(worker("w"))]);
    assert_eq!(story.phase(task), Phase::Expiring);
    assert_eq!(
        story.tick(),
        [ExpiredLease { lease: grant.lease.clone(), tasks: vec![task] }],
        "without any time"
    );
    story.tell(Expire { lease: grant.lease, tasks: vec![task] });
    let view = story.ledger.task(&task).unwrap();
    let failure = view.first_failure.unwrap();
    assert_eq!((failure.kind, view.charged), (FailureKind::WorkerLost, 1));
    assert!(failure.message.contains("ended"), "{}", failure.message);
    assert_eq!(story.tell(Exited(worker("w"))), vec![], "it is said once");
    assert_eq!(story.tell(Exited(worker("nobody"))), vec![]);
}

#[test]
fn what_a_worker_sent_before_it_ended_brings_it_no_lease() {
    let mut story = Story::new();
    let says = story.says("w", 1);
    story.sync(says);
    story.tell(Exited(worker("w")));
    story.launch("a", seeds(8, 1));
    let late = story.says("w", 1);
    let synced = story.sync(late);
    assert!(synced.grants.is_empty() && synced.drain, "{synced:?}");
    assert!(story.ledger.worker(&worker("w")).unwrap().exited);
    assert_eq!(story.grant("other").tasks.len(), 1);
}

#[test]
fn a_worker_that_ended_is_no_other_worker_that_could_do_it() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let says = story.says("other", 0);
    story.sync(says);
    let grant = story.grant("w");
    story.fail(&grant, FailureKind::Experiment);
    story.pass(seconds(2));
    story.tell(Exited(worker("other")));
    assert_eq!(
        story.grant("w").tasks,
        grant
            .tasks
            .iter()
            .map(|task| LeasedTask { attempt: basin_domain::id::Attempt(2), ..task.clone() })
            .collect::<Vec<_>>()
    );
}

#[test]
fn a_worker_gets_no_more_leases_than_it_says_it_has_slots() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 20));
    let mut says = story.says("w", 10);
    says.0.description.slots = 2;
    let first = story.sync(says);
    assert_eq!(first.grants.len(), 2);
    let held: Vec<_> = first.grants.iter().map(|grant| grant.lease.clone()).collect();
    let mut says = story.says("w", 10).holding(&[&held[0], &held[1]]);
    says.0.description.slots = 2;
    assert_eq!(story.sync(says).grants, vec![]);
    story.complete(&first.grants[0]);
    let mut says = story.says("w", 10).holding(&[&held[1]]);
    says.0.description.slots = 2;
    assert_eq!(story.sync(says).grants.len(), 1);
}

#[test]
fn a_ledger_knows_its_time_from_a_snapshot_and_from_one_of_before() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    story.pass(seconds(7));
    let grant = story.grant("w");
    story.pass(seconds(3));
    story.fail(&grant, FailureKind::Crashed);
    assert_eq!(story.ledger.time(), START + seconds(10));
    let restored =
        |text: &str| Ledger::restore(Policy::default(), serde_json::from_str(text).unwrap()).unwrap().time();
    let text = serde_json::to_string(&story.ledger.snapshot()).unwrap();
    assert_eq!(restored(&text), START + seconds(10));
    let old = text.replace(&format!(",\"at\":{}", story.ledger.time().0), "");
    assert!(old.len() < text.len() && !old.contains("\"at\":"), "{old}");
    assert_eq!(restored(&old), START + seconds(10), "the end of the attempt is the latest that it tells of");
}

#[test]
fn the_next_thing_to_happen_by_itself_is_known() {
    let mut story = Story::new();
    assert_eq!(story.ledger.next_due(story.now), None);
    story.launch("a", seeds(8, 2));
    let grant = story.grant("w");
    assert_eq!(story.ledger.next_due(story.now), Some(START + seconds(30)));
    story.fail(&grant, FailureKind::Crashed);
    assert_eq!(story.ledger.next_due(story.now), Some(START + seconds(1)), "it is tried again");
    story.pass(seconds(1));
    assert_eq!(story.ledger.next_due(story.now), None, "what is due already isn't waited for");
}
