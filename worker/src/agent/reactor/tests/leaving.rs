//! A worker leaves when it is told to, when its walltime is over, and when it has been idle for long enough.

use super::*;

fn stopped(effects: &[Effect]) -> bool {
    matches!(effects, [.., Effect::StopAttempts])
}

#[test]
fn a_signal_gives_everything_back_and_the_worker_leaves_once_that_is_heard() {
    let mut story = Story::holding(settings(), "a", &[1]);
    let effects = story.hears(Message::Shutdown);
    let given_back = direct("a", Directive::GiveBack(ReleaseReason::Preemption));
    let [first, Effect::Sync { request, .. }, Effect::SetTimer(latest)] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!((first, latest), (&given_back, &story.at(seconds(20))));
    assert_eq!((holds(request), request.free_slots, request.draining), (vec![("a", 1)], 0, true));
    // A second signal changes nothing.
    assert_eq!(story.hears(Message::Shutdown), []);
    let released = AttemptOutcome::Released(ReleaseReason::Preemption);
    assert_eq!(story.hears(ended("a", 1, released.clone())), [report("a", 1, released)]);
    assert_eq!(story.hears(reported("a", 1)), [Effect::ForgetLease(id("a")), Effect::StopAttempts]);
    let effects = story.hears(Message::AttemptsStopped);
    let [Effect::Deregister { exit: ExitReason::Drained, releases, request }] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!((releases.len(), holds(request), request.free_slots), (0, vec![], 0));
    assert_eq!(story.hears(Message::Timer), []);
}

#[test]
fn an_idle_worker_leaves_at_once_when_it_is_told_to() {
    let mut story = Story::of(settings());
    assert_eq!(story.hears(Message::Shutdown), [Effect::StopAttempts]);
}

#[test]
fn what_the_grace_was_too_short_for_is_given_back_at_the_end() {
    let mut story = Story::holding(settings(), "a", &[1, 2, 3]);
    story.hears(Message::Shutdown);
    story.hears(ended("a", 1, AttemptOutcome::Released(ReleaseReason::Preemption)));
    story.hears(reported("a", 1));
    story.waits_until(seconds(20));
    assert!(stopped(&story.hears(Message::Timer)));
    // An attempt that ends while everything is being stopped is reported no more.
    assert_eq!(story.hears(ended("a", 2, AttemptOutcome::Released(ReleaseReason::Preemption))), []);
    let effects = story.hears(Message::AttemptsStopped);
    let [Effect::Deregister { releases, request, .. }] = &effects[..] else { panic!("{effects:?}") };
    let reason = ReleaseReason::Preemption;
    let released = |number| ReleasedTask { lease: id("a"), task: task_id(number), reason };
    assert_eq!(*releases, [released(2), released(3)]);
    assert_eq!(holds(request), []);
}

#[test]
fn a_lost_lease_is_not_given_back() {
    let mut story = Story::holding(settings(), "a", &[1]);
    story.waits_until(seconds(10)).hears(Message::Shutdown);
    story.waits_until(seconds(30));
    assert!(stopped(&story.hears(Message::Timer)));
    let effects = story.hears(Message::AttemptsStopped);
    assert!(matches!(&effects[..], [Effect::Deregister { releases, .. }] if releases.is_empty()));
}

#[test]
fn a_lease_that_comes_while_a_worker_leaves_is_given_back_unbegun() {
    let mut story = Story::holding(settings(), "a", &[1]);
    story.hears(Message::Shutdown);
    let effects = story.is_answered(SyncReply { grants: vec![grant("b", &[2, 3])], ..pausing() });
    let released = AttemptOutcome::Released(ReleaseReason::Drain);
    let timer = Effect::SetTimer(story.now + PAUSE);
    assert_eq!(effects, [report("b", 2, released.clone()), report("b", 3, released), timer]);
}

#[test]
fn a_worker_that_the_coordinator_drains_gives_its_leases_back_for_that_reason() {
    let mut story = Story::holding(settings(), "a", &[1]);
    story.waits_until(PAUSE).calls();
    let effects = story.is_answered(SyncReply { drain: true, ..pausing() });
    let given_back = direct("a", Directive::GiveBack(ReleaseReason::Drain));
    assert_eq!(effects, [given_back, Effect::SetTimer(story.now + PAUSE)]);
}

#[test]
fn a_walltime_ends_a_grace_early() {
    let walltime = Some(seconds(600));
    let mut story = Story::holding(ReactorSettings { walltime, ..settings() }, "a", &[1]);
    for round in 1..=193 {
        story.waits_until(PAUSE * round).calls();
        story.is_answered(SyncReply { renewed: vec![(id("a"), LEASE)], ..pausing() });
    }
    story.waits_until(seconds(580));
    let effects = story.hears(Message::Timer);
    assert_eq!(effects[0], direct("a", Directive::GiveBack(ReleaseReason::Walltime)));
    assert!(matches!(&effects[1..], [Effect::Sync { .. }, Effect::SetTimer(_)]), "{effects:?}");
    story.hears(ended("a", 1, AttemptOutcome::Released(ReleaseReason::Walltime)));
    assert!(stopped(&story.hears(reported("a", 1))));
    let effects = story.hears(Message::AttemptsStopped);
    assert!(matches!(&effects[..], [Effect::Deregister { exit: ExitReason::Walltime, .. }]));
}

#[test]
fn nothing_is_taken_that_would_not_reach_a_checkpoint_and_an_idle_worker_leaves_then() {
    let walltime = Some(seconds(600));
    let settings = ReactorSettings { walltime, ..settings() };
    let mut busy = Story::holding(settings, "a", &[1]);
    let request = busy.waits_until(seconds(519)).hears(Message::Timer);
    assert!(
        matches!(&request[..], [.., Effect::Sync { request, .. }, Effect::SetTimer(_)] if request.free_slots == 1)
    );
    busy.is_answered(pausing());
    let request = busy.waits_until(seconds(522)).hears(Message::Timer);
    assert!(
        matches!(&request[..], [.., Effect::Sync { request, .. }, Effect::SetTimer(_)] if request.free_slots == 0)
    );

    let mut idle = Story::of(settings);
    idle.is_answered(SyncReply { next_sync: seconds(1_000), ..SyncReply::default() });
    idle.waits_until(seconds(519));
    assert_eq!(idle.hears(Message::Timer), [Effect::SetTimer(idle.at(seconds(520)))]);
    assert!(stopped(&idle.waits_until(seconds(520)).hears(Message::Timer)));
}

#[test]
fn a_worker_whose_last_lease_settles_when_it_takes_no_more_leaves_without_another_call() {
    let settings = ReactorSettings { walltime: Some(seconds(600)), ..settings() };
    let mut story = Story::holding(settings, "a", &[1]);
    for round in 1..=174 {
        story.waits_until(PAUSE * round).calls();
        story.is_answered(SyncReply { renewed: vec![(id("a"), LEASE)], ..pausing() });
    }
    story.hears(ended("a", 1, AttemptOutcome::Released(ReleaseReason::Stopped)));
    assert_eq!(story.hears(reported("a", 1)), [Effect::ForgetLease(id("a")), Effect::StopAttempts]);
}

#[test]
fn a_short_walltime_is_used_for_half_of_it() {
    let settings = ReactorSettings { walltime: Some(seconds(5)), grace: seconds(1), ..settings() };
    let mut story = Story::of(settings);
    story.is_answered(pausing());
    story.waits_until(Duration::from_millis(1_999));
    assert_eq!(story.hears(Message::Timer), [Effect::SetTimer(story.at(seconds(2)))]);
    assert!(stopped(&story.waits_until(seconds(2)).hears(Message::Timer)));
}

#[test]
fn a_worker_without_work_waits_for_as_long_as_it_should_since_its_last_lease() {
    let settings = ReactorSettings { idle_exit: Some(seconds(10)), ..settings() };
    let mut story = Story::holding(settings, "a", &[1]);
    story.waits_until(seconds(2)).hears(ended("a", 1, AttemptOutcome::Released(ReleaseReason::Stopped)));
    story.waits_until(seconds(5)).hears(reported("a", 1));
    // A call is held by the coordinator meanwhile.
    story.waits_until(Duration::from_millis(14_999));
    assert_eq!(story.hears(Message::Timer), [Effect::SetTimer(story.at(seconds(15)))]);
    story.waits_until(seconds(15));
    assert_eq!(story.hears(Message::Timer), [Effect::StopAttempts]);
    let effects = story.hears(Message::AttemptsStopped);
    assert!(matches!(&effects[..], [Effect::Deregister { exit: ExitReason::Idle, .. }]));
}

#[test]
fn a_walltime_shorter_than_the_grace_is_over_at_once() {
    for walltime in [Duration::ZERO, seconds(20)] {
        let settings = ReactorSettings { walltime: Some(walltime), ..settings() };
        let now = BootInstant::since_boot(seconds(1_000));
        assert_eq!(Reactor::new(settings, now).handle(Message::Timer, now), [Effect::StopAttempts]);
    }
    let settings = ReactorSettings { walltime: Some(Duration::MAX), ..settings() };
    let mut story = Story::of(settings);
    story.is_answered(pausing());
    story.waits_until(seconds(1 << 30));
    assert_eq!(story.calls().free_slots, 2, "one without an end is no walltime");
}

#[test]
fn a_worker_that_should_not_be_idle_at_all_leaves_before_its_first_call() {
    let settings = ReactorSettings { idle_exit: Some(Duration::ZERO), ..settings() };
    let now = BootInstant::since_boot(seconds(1_000));
    assert_eq!(Reactor::new(settings, now).handle(Message::Timer, now), [Effect::StopAttempts]);
}

#[test]
fn a_signal_during_a_drain_leaves_its_deadline_and_its_reason_as_they_are() {
    let mut story = Story::holding(settings(), "a", &[1]);
    story.waits_until(PAUSE).calls();
    story.is_answered(SyncReply { drain: true, ..pausing() });
    story.waits_until(seconds(15)).hears(Message::Shutdown);
    story.waits_until(seconds(23) - Duration::from_millis(1));
    assert!(!stopped(&story.hears(Message::Timer)));
    // The grace counts from the drain.
    assert!(stopped(&story.waits_until(seconds(23)).hears(Message::Timer)));
}

#[test]
fn a_worker_that_leaves_keeps_its_leases_alive_until_they_are_given_back() {
    let settings = ReactorSettings { grace: seconds(600), ..settings() };
    let mut story = Story::holding(settings, "a", &[1]);
    story.hears(Message::Shutdown);
    story.is_answered(SyncReply { renewed: vec![(id("a"), LEASE)], ..pausing() });
    for round in 1..20 {
        let request = story.waits_until(PAUSE * round).calls();
        assert_eq!((holds(&request), request.draining), (vec![("a", 1)], true));
        story.is_answered(SyncReply { renewed: vec![(id("a"), LEASE)], ..pausing() });
    }
}
