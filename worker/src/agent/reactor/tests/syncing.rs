//! When the coordinator is called, and what is said.

use basin_domain::failure::{Failure, FailureKind};
use basin_domain::outage::{Outage, OutageKind};
use basin_domain::worker::Progress;

use super::*;

#[test]
fn an_idle_worker_calls_at_the_pace_that_the_coordinator_asks_for() {
    let mut story = Story::of(settings());
    assert_eq!(story.is_answered(pausing()), [Effect::SetTimer(story.now + PAUSE)]);
    story.waits_until(PAUSE - Duration::from_millis(1));
    assert_eq!(story.hears(Message::Timer), [Effect::SetTimer(story.at(PAUSE))]);
    let request = story.waits_until(PAUSE).calls();
    assert_eq!((request.free_slots, request.max_pack, request.draining), (2, 1, false));
    assert_eq!((request.holds, request.waiting, request.seen), (vec![], None, 0));
}

#[test]
fn an_answer_to_a_call_that_was_given_up_is_nobodys() {
    let mut story = Story::of(settings());
    let reply = SyncReply { grants: vec![grant("a", &[1])], ..pausing() };
    assert_eq!(story.hears(Message::SyncAnswered { call: 7, reply: reply.clone() }), []);
    story.is_answered(pausing());
    assert_eq!(story.hears(Message::SyncAnswered { call: 1, reply }), []);
}

#[test]
fn a_slot_that_becomes_free_is_offered_at_once() {
    let mut story = Story::holding(settings(), "a", &[1]);
    let request = story.waits_until(PAUSE).calls();
    assert_eq!((holds(&request), request.free_slots), (vec![("a", 1)], 1));
    story.is_answered(pausing());
    story.hears(ended("a", 1, AttemptOutcome::Failed(Failure::new(FailureKind::Crashed, "x"))));
    let effects = story.hears(reported("a", 1));
    let [Effect::ForgetLease(_), Effect::Sync { request, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((holds(request), request.free_slots), (vec![], 2));
}

#[test]
fn a_slot_that_becomes_free_during_a_call_is_offered_as_soon_as_that_has_ended() {
    let mut story = Story::holding(settings(), "a", &[1]);
    story.waits_until(PAUSE).calls();
    story.hears(ended("a", 1, AttemptOutcome::Released(ReleaseReason::Stopped)));
    assert_eq!(story.hears(reported("a", 1)), [Effect::ForgetLease(id("a"))]);
    let effects = story.is_answered(pausing());
    assert!(matches!(&effects[..], [Effect::Sync { call: 3, .. }]), "{effects:?}");
}

#[test]
fn the_number_of_the_newest_answer_and_the_progress_of_tasks_are_said() {
    let mut story = Story::holding(settings(), "a", &[1, 2]);
    story.waits_until(PAUSE).calls();
    story.is_answered(SyncReply { answer: 9, ..pausing() });
    let progress = Progress { iteration: 7, iterations: 70, ..Progress::default() };
    story.hears(Message::Progressed { lease: id("a"), task: task_id(1), progress });
    story.hears(Message::Trained { lease: id("a"), task: task_id(2) });
    let request = story.waits_until(2 * PAUSE).calls();
    assert_eq!(request.seen, 9);
    let silent_ms = Some(3_000);
    let trained = Progress { is_held: true, ..Progress::default() };
    assert_eq!(
        request.holds[0].progress,
        [(task_id(1), Progress { silent_ms, ..progress }), (task_id(2), trained)]
    );
}

#[test]
fn no_lease_is_asked_for_while_an_outage_is_waited_for() {
    let mut story = Story::of(settings());
    story.is_answered(pausing());
    let outage = Outage::new(OutageKind::Full, "quota");
    let news = Message::OutageBegan { wait: 3, outage: outage.clone(), holds_result: true };
    assert_eq!(story.hears(news), []);
    let request = story.waits_until(PAUSE).calls();
    let waiting = request.waiting.unwrap();
    assert_eq!((request.free_slots, waiting.outage, waiting.results, waiting.lasting), (0, outage, 1, PAUSE));
    story.is_answered(pausing());
    assert_eq!(story.hears(Message::OutageEnded { wait: 3 }), []);
    let request = story.waits_until(2 * PAUSE).calls();
    assert_eq!((request.free_slots, request.waiting), (2, None));
}

#[test]
fn a_busy_coordinator_says_when_to_call_again() {
    let mut story = Story::of(settings());
    let busy = SyncFailure { retry_after: Some(Duration::from_millis(200)), ..SyncFailure::default() };
    assert_eq!(story.is_not_answered(busy), [Effect::SetTimer(story.now + Duration::from_millis(200))]);
    story.waits_until(seconds(1)).calls();
    let busy = SyncFailure { retry_after: Some(seconds(60)), ..SyncFailure::default() };
    assert_eq!(story.is_not_answered(busy), [Effect::SetTimer(story.now + seconds(1))]);
}

#[test]
fn a_worker_whose_token_is_refused_ends_at_once_if_it_cannot_have_another() {
    let mut story = Story::of(settings());
    let refused = SyncFailure { is_refused: true, ..SyncFailure::default() };
    assert_eq!(story.is_not_answered(refused), [Effect::ExitRefused]);
    assert_eq!(story.hears(Message::Timer), []);
}

#[test]
fn a_worker_whose_token_may_change_is_refused_for_a_while_and_one_that_is_heard_again_goes_on() {
    let refused = SyncFailure { is_refused: true, ..SyncFailure::default() };
    let mut story = Story::of(ReactorSettings { token_grace: seconds(150), ..settings() });
    story.is_not_answered(refused);
    for second in 1..100 {
        story.waits_until(seconds(second)).calls();
        assert_eq!(story.is_not_answered(refused), [Effect::SetTimer(story.now + seconds(1))]);
    }
    story.waits_until(seconds(100)).calls();
    story.is_answered(pausing());
    story.waits_until(seconds(103)).calls();
    story.is_not_answered(refused);
    story.waits_until(seconds(252)).calls();
    story.is_not_answered(refused);
    story.waits_until(seconds(253));
    assert_eq!(story.hears(Message::Timer), [Effect::ExitRefused]);
}
