//! Leases become attempts on slots, and attempts reports.

use basin_domain::digest::Digest;

use super::*;

fn committed() -> AttemptOutcome {
    AttemptOutcome::Committed { manifest: Digest::of(b"manifest") }
}

#[test]
fn a_lease_goes_to_the_slot_that_has_the_fewest_and_waits_there_for_its_turn() {
    let mut story = Story::of(settings());
    let grants = vec![grant("a", &[1]), grant("b", &[2]), grant("c", &[3])];
    let effects = story.is_answered(SyncReply { grants, ..pausing() });
    assert_eq!(effects, [begin(0, "a", 1, 1), begin(1, "b", 1, 2), Effect::SetTimer(story.now + PAUSE)]);
    story.hears(ended("b", 2, committed()));
    // The slot of the first becomes free, not that of the second.
    let effects = story.hears(reported("b", 2));
    assert!(matches!(&effects[..], [Effect::ForgetLease(_), Effect::Sync { .. }, ..]), "{effects:?}");
    story.hears(ended("a", 1, committed()));
    let effects = story.hears(reported("a", 1));
    assert_eq!(effects, [Effect::ForgetLease(id("a")), begin(0, "c", 1, 3)]);
}

#[test]
fn some_more_tasks_are_made_ready_than_an_executor_has_threads() {
    let tasks = [1, 2, 3, 4, 5, 6];
    let mut story = Story::of(settings());
    let effects = story.is_answered(SyncReply { grants: vec![grant("a", &tasks)], ..pausing() });
    let begun: Vec<_> = [1, 2, 3, 4].into_iter().map(|number| begin(0, "a", 6, number)).collect();
    assert_eq!(effects[..4], begun);
    assert_eq!(effects[4..], [Effect::SetTimer(story.now + PAUSE)]);
    // One that is being reported counts until that is heard.
    assert_eq!(story.hears(ended("a", 3, committed())), [report("a", 3, committed())]);
    assert_eq!(story.hears(reported("a", 3)), [begin(0, "a", 6, 5)]);
}

#[test]
fn a_lease_that_is_granted_twice_is_held_once() {
    let mut story = Story::holding(settings(), "a", &[1]);
    story.waits_until(PAUSE).calls();
    let effects = story.is_answered(SyncReply { grants: vec![grant("a", &[1])], ..pausing() });
    assert_eq!(effects, [Effect::SetTimer(story.now + PAUSE)]);
    // And it was renewed by that.
    story.waits_until(FENCE);
    assert_eq!(holds(&story.calls()), [("a", 1)]);
}

#[test]
fn tasks_that_were_not_begun_when_a_lease_is_given_back_are_released_in_turn() {
    let mut story = Story::holding(settings(), "a", &[1, 2, 3, 4, 5]);
    story.waits_until(PAUSE).calls();
    let stop = vec![(id("a"), RevocationReason::Cancelled)];
    story.is_answered(SyncReply { stop, ..pausing() });
    let released = AttemptOutcome::Released(ReleaseReason::Stopped);
    assert_eq!(story.hears(ended("a", 1, released.clone())), [report("a", 1, released.clone())]);
    assert_eq!(story.hears(reported("a", 1)), [report("a", 5, released)]);
}

#[test]
fn tasks_that_were_not_begun_when_a_lease_is_lost_are_never_begun() {
    let mut story = Story::holding(settings(), "a", &[1, 2, 3, 4, 5, 6]);
    story.waits_until(PAUSE).calls();
    story.is_answered(SyncReply { stop: vec![(id("a"), RevocationReason::Lost)], ..pausing() });
    for number in 1..=3 {
        assert_eq!(story.hears(ended("a", number, AttemptOutcome::Abandoned)), []);
    }
    let effects = story.hears(ended("a", 4, AttemptOutcome::Abandoned));
    assert!(matches!(&effects[..], [Effect::ForgetLease(_), Effect::Sync { .. }]), "{effects:?}");
}

#[test]
fn packs_grow_where_tasks_are_short() {
    let mut story = Story::of(settings());
    let effects = story.is_answered(SyncReply { grants: vec![grant("a", &[1])], ..pausing() });
    assert_eq!(effects[0], begin(0, "a", 1, 1));
    story.waits_until(Duration::from_millis(400));
    story.hears(ended("a", 1, committed()));
    let effects = story.hears(reported("a", 1));
    let [_, Effect::Sync { request, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(request.max_pack, 5);
}
