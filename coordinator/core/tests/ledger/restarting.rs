use basin_core::Ledger;
use basin_core::command::{ExpiredLease, Policy, Restarted};
use basin_core::event::Event;

use crate::story::{Story, seconds, seeds, tasks};

/// The coordinator dies and comes back with what was durable.
fn restart(story: &mut Story) {
    let mut ledger = Ledger::new(Policy::default());
    story.events.iter().filter(|event| event.is_durable()).for_each(|event| ledger.apply(event));
    story.ledger = ledger;
    story.tell(Restarted);
}

#[test]
fn live_leases_get_a_full_term_after_a_restart() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    story.pass(seconds(500));
    restart(&mut story);
    assert_eq!(story.tick(), vec![]);
    story.pass(seconds(29));
    assert_eq!(story.tick(), vec![]);
    let says = story.says("w", 0).holding(&[&grant.lease]);
    assert_eq!(story.sync(says).renewed.len(), 1, "the worker is attached again");
}

#[test]
fn a_lease_granted_just_before_the_crash_is_granted_again() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let says = story.says("w", 0);
    story.sync(says);
    let says = story.says("w", 1);
    let lost = story.sync_in_vain(says);
    restart(&mut story);
    let says = story.says("w", 1);
    let again = story.sync(says);
    assert_eq!(again.grants[0].lease, lost.grants[0].lease);
    assert!(again.answer > lost.answer);
}

#[test]
fn answers_keep_rising_over_a_restart() {
    let mut story = Story::new();
    let says = story.says("w", 0);
    story.sync(says.clone());
    story.sync(says.clone());
    let before = story.sync(says);
    story.launch("a", seeds(8, 1));
    restart(&mut story);
    let late = story.says("w", 1).seen(0);
    story.pass(seconds(1));
    assert!(story.sync_in_vain(late).answer > before.answer);
    let says = story.says("w", 1);
    assert_eq!(story.sync(says).grants.len(), 1, "what an old message was granted isn't counted as lost");
}

#[test]
fn leases_that_were_being_looked_up_are_named_again() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    story.pass(seconds(30));
    story.tick();
    restart(&mut story);
    assert_eq!(story.tick(), [ExpiredLease { lease: grant.lease.clone(), tasks: tasks(&grant) }]);
}

#[test]
fn an_ended_lease_looks_the_same_whether_or_not_its_renewals_are_remembered() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    story.pass(seconds(20));
    let says = story.says("w", 0).holding(&[&grant.lease]);
    story.sync(says);
    let says = story.says("w", 0);
    story.sync(says);
    let before = story.ledger.snapshot();
    restart(&mut story);
    assert_eq!(story.ledger.snapshot(), before);
}

#[test]
fn events_survive_their_text() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    let grant = story.grant("w");
    story.complete(&grant);
    let grant = story.grant("w");
    story.fail(&grant, basin_domain::failure::FailureKind::Crashed);
    for event in &story.events {
        let text = serde_json::to_string(event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), *event, "{text}");
    }
}

#[test]
fn a_snapshot_that_contradicts_itself_is_refused() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    let text = serde_json::to_string(&story.ledger.snapshot()).unwrap();
    let restored = Ledger::restore(Policy::default(), serde_json::from_str(&text).unwrap()).unwrap();
    assert_eq!(restored, story.ledger);
    for (from, to) in [
        ("\"shape\":0", "\"shape\":9"),
        ("{\"task\":1,", "{\"task\":9,"),
        ("\"experiment\":0}", "\"experiment\":9}"),
    ] {
        let broken = text.replacen(from, to, 1);
        assert_ne!(broken, text);
        Ledger::restore(Policy::default(), serde_json::from_str(&broken).unwrap()).unwrap_err();
    }
}
