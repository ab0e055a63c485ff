//! A lease is given up before it can be granted to somebody else, and at no other time.

use super::*;

const NO_ANSWER: SyncFailure = SyncFailure { nobody_leads: false, retry_after: None, is_refused: false };
const NOBODY_LEADS: SyncFailure = SyncFailure { nobody_leads: true, ..NO_ANSWER };

#[test]
fn a_lease_that_is_renewed_goes_on() {
    let mut story = Story::holding(settings(), "a", &[1]);
    for round in 1..20 {
        story.waits_until(PAUSE * round);
        assert_eq!(holds(&story.calls()), [("a", 1)]);
        let effects = story.is_answered(SyncReply { renewed: vec![(id("a"), LEASE)], ..pausing() });
        assert_eq!(effects, [Effect::SetTimer(story.now + PAUSE)]);
    }
}

#[test]
fn a_lease_that_cannot_be_renewed_is_abandoned_a_sixth_of_its_duration_before_its_end() {
    let mut story = Story::holding(settings(), "a", &[1]);
    story.waits_until(PAUSE).calls();
    // Its end counts from the call that it was granted by.
    story.waits_until(FENCE - Duration::from_millis(1));
    assert_eq!(story.hears(Message::Timer), [Effect::SetTimer(story.at(FENCE))]);
    story.waits_until(FENCE);
    let effects = story.hears(Message::Timer);
    assert_eq!(effects[..2], [direct("a", Directive::Abandon), Effect::CancelSync]);
    assert!(matches!(&effects[2..], [Effect::Sync { call: 3, .. }]), "{effects:?}");
    // A lost lease is held until its attempt has ended, and nothing is reported of it.
    let effects = story.hears(ended("a", 1, AttemptOutcome::Abandoned));
    assert_eq!(effects, [Effect::ForgetLease(id("a"))]);
}

#[test]
fn a_lease_whose_renewal_comes_too_late_stays_abandoned() {
    let mut story = Story::holding(settings(), "a", &[1]);
    story.waits_until(PAUSE).calls();
    story.waits_until(FENCE).hears(Message::Timer);
    let effects = story.is_answered(SyncReply { renewed: vec![(id("a"), LEASE)], ..pausing() });
    assert_eq!(effects, [Effect::SetTimer(story.now + PAUSE)]);
}

#[test]
fn a_machine_that_slept_finds_its_lease_lost_when_it_wakes_whatever_it_hears_first() {
    let mut story = Story::holding(settings(), "a", &[1]);
    story.waits_until(PAUSE).calls();
    story.waits_until(seconds(3_600));
    // The answer was on its way when it fell asleep: it counts from when the call was sent.
    let effects = story.is_answered(SyncReply { renewed: vec![(id("a"), LEASE)], ..pausing() });
    assert_eq!(effects[0], direct("a", Directive::Abandon));
    assert!(matches!(&effects[1..], [Effect::Sync { .. }]), "{effects:?}");
}

#[test]
fn a_lease_outlives_a_coordinator_that_provably_does_not_lead() {
    let mut story = Story::holding(settings(), "a", &[1]);
    story.waits_until(PAUSE).calls();
    for second in 4..200 {
        story.waits_until(seconds(second));
        // Nobody listens at its address: whoever leads next gives a full lease duration.
        assert_eq!(story.is_not_answered(NOBODY_LEADS), [Effect::SetTimer(story.now + seconds(1))]);
        story.waits_until(seconds(second + 1));
        assert_eq!(holds(&story.calls()), [("a", 1)]);
    }
    // From then on nobody answers at all: the last call that proved it was sent at 199 s.
    story.waits_until(seconds(205));
    let effects = story.is_not_answered(NO_ANSWER);
    assert_eq!(effects, [Effect::SetTimer(story.now + seconds(1))]);
    story.waits_until(seconds(199) + FENCE);
    assert_eq!(story.hears(Message::Timer)[0], direct("a", Directive::Abandon));
}

#[test]
fn a_lease_that_has_ended_is_not_brought_back_by_a_coordinator_that_is_gone() {
    let mut story = Story::holding(settings(), "a", &[1]);
    story.waits_until(PAUSE).calls();
    story.waits_until(FENCE - seconds(2)).is_not_answered(NO_ANSWER);
    // This call is sent while the lease lasts, and the worker stands still until it doesn't.
    story.waits_until(FENCE - seconds(1)).calls();
    story.waits_until(LEASE);
    let effects = story.is_not_answered(NOBODY_LEADS);
    assert_eq!(effects[0], direct("a", Directive::Abandon));
}

#[test]
fn a_lease_that_the_coordinator_says_is_lost_is_abandoned_and_one_that_is_cancelled_given_back() {
    let mut story = Story::of(settings());
    let grants = vec![grant("a", &[1]), grant("b", &[2])];
    let effects = story.is_answered(SyncReply { grants, ..pausing() });
    assert_eq!(effects[..2], [begin(0, "a", 1, 1), begin(1, "b", 1, 2)]);
    story.waits_until(PAUSE).calls();
    let stop = vec![
        (id("a"), RevocationReason::Lost),
        (id("b"), RevocationReason::Cancelled),
        (id("c"), RevocationReason::Lost),
    ];
    let effects = story.is_answered(SyncReply { stop, ..pausing() });
    let given_back = direct("b", Directive::GiveBack(ReleaseReason::Stopped));
    assert_eq!(effects, [direct("a", Directive::Abandon), given_back, Effect::SetTimer(story.now + PAUSE)]);
}

#[test]
fn a_lease_that_arrives_when_it_is_over_is_never_begun() {
    let mut story = Story::of(settings());
    story.waits_until(FENCE);
    let effects = story.is_answered(SyncReply { grants: vec![grant("a", &[1, 2])], ..pausing() });
    assert_eq!(effects[..2], [direct("a", Directive::Abandon), Effect::ForgetLease(id("a"))]);
    assert!(
        !effects.iter().any(|effect| matches!(effect, Effect::BeginAttempt { .. } | Effect::Report { .. }))
    );
}

#[test]
fn calls_come_more_often_the_nearer_a_fence_is() {
    let mut story = Story::holding(settings(), "a", &[1]);
    story.waits_until(PAUSE).calls();
    story.waits_until(seconds(23));
    // Two seconds are left, and a quarter of them passes until the next call.
    assert_eq!(story.is_not_answered(NO_ANSWER), [Effect::SetTimer(story.now + Duration::from_millis(500))]);
    story.waits_until(Duration::from_millis(23_500)).calls();
    story.waits_until(Duration::from_millis(24_960));
    // The timer is set for the fence already, which comes before the next call.
    assert_eq!(story.is_not_answered(NO_ANSWER), []);
}
