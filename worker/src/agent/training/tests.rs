//! Stories of a task that trains, told with a clock that is stepped: each says all that is to be done.

use basin_domain::live_series::SeriesPoint;
use basin_domain::metrics::Axis;
use basin_proto::executor::{Failed, Hindered, Recorded, Stopped, Working};
use basin_proto::v1;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(120);

/// A task and its clock.
struct Story {
    training: Training,
    now: Instant,
    /// The moment at which the executor last said anything of any task.
    last_message_at: Instant,
}

fn checkpoint(attempt: &str, number: u64) -> CheckpointLocation {
    CheckpointLocation { folder: attempt.to_owned(), number }
}

fn started() -> from_executor::Message {
    from_executor::Message::Started(Started { checkpoint_refused: None })
}

fn progressed(iteration: u64) -> from_executor::Message {
    from_executor::Message::Progressed(v1::Progress {
        iteration,
        iterations: 1_000,
        ..v1::Progress::default()
    })
}

impl Story {
    /// A task whose executor was told to begin it, from this checkpoint.
    fn of(resumed: Option<CheckpointLocation>) -> Self {
        let now = Instant::now();
        Self { training: Training::new(resumed, TIMEOUT, now), now, last_message_at: now }
    }

    /// A task that trains.
    fn training() -> Self {
        let mut story = Self::of(None);
        assert_eq!(story.hears(started()), [Action::NoteBegun]);
        story
    }

    fn handles(&mut self, event: Event) -> Vec<Action> {
        self.training.handle(event, self.now)
    }

    fn hears(&mut self, message: from_executor::Message) -> Vec<Action> {
        self.handles(Event::Heard(message))
    }

    /// Nothing is heard for so many seconds, in which the clock is looked at; when that is too long, what is done.
    fn is_silent_for(&mut self, seconds: u32, others_train: bool) -> Vec<Action> {
        let last_message_at = self.last_message_at;
        for _ in 0..seconds {
            self.now += SECOND;
            let actions = self.handles(Event::Checked { others_train, last_message_at });
            if !actions.is_empty() {
                return actions;
            }
        }
        vec![]
    }
}

#[test]
fn a_task_is_trained_and_its_progress_told() {
    let mut story = Story::of(Some(checkpoint("a", 3)));
    assert_eq!(story.hears(started()), [Action::NoteBegun]);
    for iteration in [40, 50] {
        let progress = Progress { iteration, iterations: 1_000, ..Progress::default() };
        assert_eq!(story.hears(progressed(iteration)), [Action::NoteProgress(progress)]);
    }
    assert_eq!(story.hears(from_executor::Message::Working(Working {})), []);
    let finished = Finished { outcome_json: "x".to_owned(), ..Finished::default() };
    assert_eq!(
        story.hears(from_executor::Message::Finished(finished.clone())),
        [Action::End(End::Finished(finished))]
    );
    assert_eq!((story.training.resumed_from_step(), story.training.steps()), (Some(40), 10));
}

#[test]
fn what_a_task_records_is_told_as_far_as_it_can_be_understood() {
    let mut story = Story::training();
    let curve = |name: &str| v1::SeriesCurve {
        name: name.to_owned(),
        axis: v1::SeriesAxis::Epoch.into(),
        x: vec![0.0, 1.0],
        values: vec![0.25, f64::NAN],
    };
    let recorded = Recorded { series: vec![curve("test_loss"), curve("no name"), curve("train_loss")] };
    let points = vec![SeriesPoint { x: 0.0, value: 0.25 }];
    let told = ["test_loss", "train_loss"].map(|name| LiveSeries::new(name, Axis::Epoch, points.clone()));
    assert_eq!(
        story.hears(from_executor::Message::Recorded(recorded)),
        [Action::NoteRecorded(told.into_iter().flatten().collect())]
    );
    assert_eq!(story.training.steps(), 0, "how far it is, it says elsewhere");
}

#[test]
fn a_lease_that_is_to_be_given_back_asks_for_a_checkpoint_and_ends_when_the_executor_has_stopped() {
    let mut story = Story::training();
    let reason = ReleaseReason::Walltime;
    assert_eq!(
        story.handles(Event::Directed(Directive::GiveBack(reason))),
        [Action::RequestCheckpoint, Action::RequestStop]
    );
    let written = Checkpointed { number: 7, path: "p".to_owned(), digest: None };
    assert_eq!(
        story.hears(from_executor::Message::Checkpointed(written.clone())),
        [Action::StoreCheckpoint(written)]
    );
    assert_eq!(
        story.hears(from_executor::Message::Stopped(Stopped {})),
        [Action::End(End::Released(reason))]
    );
}

#[test]
fn an_executor_that_is_silent_for_too_long_hangs() {
    let mut story = Story::training();
    story.hears(progressed(12));
    assert_eq!(story.is_silent_for(120, false), []);
    let actions = story.is_silent_for(2, true);
    let [Action::End(End::Hung(failure))] = &actions[..] else { panic!("{actions:?}") };
    assert_eq!(failure.kind, FailureKind::Hung);
    assert!(failure.message.contains("no progress for 121 s, where 120 s were allowed"), "{failure:?}");
    assert!(failure.message.contains("at step 12 of 1000"), "{failure:?}");
}

#[test]
fn a_task_that_waits_for_its_turn_behind_others_does_not_hang() {
    let mut story = Story::of(None);
    assert_eq!(story.is_silent_for(1_000, true), []);
    // Nobody trains, and the executor says nothing: it hangs before any task, which says nothing against this one.
    assert_eq!(story.is_silent_for(1, false), [Action::End(End::NeverBegan { hangs: true })]);
}

#[test]
fn a_death_is_the_tasks_own_only_if_it_had_begun_and_no_other_hung() {
    let died = |was_hung| Event::Died { was_hung };
    assert_eq!(Story::training().handles(died(false)), [Action::End(End::Crashed)]);
    assert_eq!(Story::training().handles(died(true)), [Action::End(End::Interrupted)]);
    assert_eq!(Story::of(None).handles(died(false)), [Action::End(End::NeverBegan { hangs: false })]);
    assert_eq!(Story::of(None).handles(died(true)), [Action::End(End::Interrupted)]);
}

#[test]
fn checkpoints_that_the_executor_refuses_are_passed_over_until_one_fits_or_there_is_none() {
    let mut story = Story::of(Some(checkpoint("c", 9)));
    let refused = || from_executor::Message::Started(Started { checkpoint_refused: Some("bad".to_owned()) });
    let actions = story.hears(refused());
    assert_eq!(actions, [Action::NoteBegun, Action::Restore(vec![checkpoint("c", 9)])]);
    assert_eq!(story.handles(Event::Restored(Some(checkpoint("b", 5)))), [Action::RequestStop]);
    story.hears(progressed(1));
    assert_eq!(story.hears(from_executor::Message::Stopped(Stopped {})), [Action::StartAgain]);
    let actions = story.hears(refused());
    assert_eq!(actions, [Action::NoteBegun, Action::Restore(vec![checkpoint("c", 9), checkpoint("b", 5)])]);
    // There is no other: what began anew goes on.
    assert_eq!(story.handles(Event::Restored(None)), []);
    story.hears(progressed(0));
    assert_eq!(story.training.resumed_from_step(), None);
}

#[test]
fn an_older_checkpoint_is_not_begun_with_once_the_lease_is_to_be_given_back() {
    let mut story = Story::of(Some(checkpoint("c", 9)));
    story.hears(from_executor::Message::Started(Started { checkpoint_refused: Some("bad".to_owned()) }));
    story.handles(Event::Restored(Some(checkpoint("b", 5))));
    let reason = ReleaseReason::Drain;
    story.handles(Event::Directed(Directive::GiveBack(reason)));
    assert_eq!(
        story.hears(from_executor::Message::Stopped(Stopped {})),
        [Action::End(End::Released(reason))]
    );
}

#[test]
fn checkpoints_that_are_not_taken_are_an_outage_until_one_is() {
    let mut story = Story::training();
    let outage = || Outage::new(OutageKind::Full, "quota");
    assert_eq!(
        story.handles(Event::CheckpointStored(Some(outage()))),
        [Action::NoteOutage { outage: outage(), holds_result: false }]
    );
    assert_eq!(story.handles(Event::CheckpointStored(None)), [Action::EndOutage]);
}

#[test]
fn a_result_that_the_executors_disk_does_not_take_is_held() {
    let mut story = Story::training();
    let actions = story.hears(from_executor::Message::Hindered(Hindered { why: "full".to_owned() }));
    let outage = Outage::new(OutageKind::LocalDisk, "full");
    assert_eq!(actions, [Action::NoteOutage { outage, holds_result: true }, Action::NoteTrained]);
}

#[test]
fn a_failure_is_what_the_executor_says() {
    let failed = |kind: &str| {
        from_executor::Message::Failed(Failed {
            kind: kind.to_owned(),
            message: "NaN".to_owned(),
            ..Failed::default()
        })
    };
    let failure = Failure::new(FailureKind::OutOfMemory, "NaN");
    assert_eq!(
        Story::training().hears(failed(FailureKind::OutOfMemory.as_str())),
        [Action::End(End::Failed(failure))]
    );
    let actions = Story::training().hears(failed("unheard-of"));
    assert!(
        matches!(&actions[..], [Action::End(End::Failed(failure))] if failure.kind == FailureKind::Crashed)
    );
}

#[test]
fn a_lost_lease_tells_the_executor_nothing_and_is_never_reported_as_given_back() {
    let mut story = Story::training();
    assert_eq!(story.handles(Event::Directed(Directive::Abandon)), []);
    assert_eq!(story.hears(from_executor::Message::Stopped(Stopped {})), [Action::End(End::Abandoned)]);
}

#[test]
fn an_executor_that_stops_with_a_task_by_itself_gives_it_back() {
    let end = End::Released(ReleaseReason::Stopped);
    assert_eq!(Story::training().hears(from_executor::Message::Stopped(Stopped {})), [Action::End(end)]);
}

#[test]
fn any_word_of_the_task_is_a_sign_of_life_and_a_word_of_another_is_none() {
    let mut story = Story::training();
    for _ in 0..5 {
        assert_eq!(story.is_silent_for(119, true), []);
        story.hears(from_executor::Message::Working(Working {}));
        story.now += SECOND;
    }
    // Another task of the executor is heard of all the time.
    for _ in 0..1_190 {
        story.now += SECOND;
        let now = story.now;
        let actions = story.handles(Event::Checked { others_train: true, last_message_at: now });
        assert_eq!(actions, []);
    }
    story.now += 2 * SECOND;
    let now = story.now;
    let actions: Vec<Action> = (0..100)
        .flat_map(|second| {
            story
                .training
                .handle(Event::Checked { others_train: true, last_message_at: now }, now + second * SECOND)
        })
        .collect();
    assert!(matches!(&actions[..], [Action::End(End::Hung(_)), ..]), "{actions:?}");
}

#[test]
fn a_task_that_is_slow_by_its_own_word_has_longer() {
    let mut story = Story::training();
    let slow = v1::Progress { iteration: 1, step_seconds: Some(60.0), ..v1::Progress::default() };
    story.hears(from_executor::Message::Progressed(slow));
    assert_eq!(story.is_silent_for(600, true), []);
    assert!(matches!(&story.is_silent_for(2, true)[..], [Action::End(End::Hung(_))]));
}

#[test]
fn numbers_of_an_executor_that_make_no_sense_are_borne() {
    let mut story = Story::training();
    for step_seconds in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
        let progress =
            v1::Progress { iteration: 50, step_seconds: Some(step_seconds), ..v1::Progress::default() };
        story.hears(from_executor::Message::Progressed(progress));
    }
    // Back before where it began.
    story.hears(progressed(3));
    assert_eq!(story.training.steps(), 0);
    assert!(!story.is_silent_for(122, true).is_empty(), "the floor still holds");
}

#[test]
fn a_task_without_a_timeout_never_hangs() {
    let now = Instant::now();
    let mut training = Training::new(None, Duration::ZERO, now);
    training.handle(Event::Heard(started()), now);
    for hour in 0..1_000 {
        let at = now + hour * 3_600 * SECOND;
        assert_eq!(training.handle(Event::Checked { others_train: false, last_message_at: now }, at), []);
    }
}

#[test]
fn a_task_begun_again_from_an_older_checkpoint_counts_its_steps_from_there() {
    let mut story = Story::of(Some(checkpoint("c", 9)));
    story.hears(from_executor::Message::Started(Started { checkpoint_refused: Some("bad".to_owned()) }));
    story.hears(progressed(0));
    story.hears(progressed(70));
    story.handles(Event::Restored(Some(checkpoint("b", 5))));
    story.hears(from_executor::Message::Stopped(Stopped {}));
    assert_eq!((story.training.resumed_from_step(), story.training.steps()), (None, 0));
    assert_eq!(story.hears(started()), [Action::NoteBegun]);
    story.hears(progressed(50));
    story.hears(progressed(55));
    assert_eq!((story.training.resumed_from_step(), story.training.steps()), (Some(50), 5));
    // A second stop is one that nobody asked for.
    let end = End::Released(ReleaseReason::Stopped);
    assert_eq!(story.hears(from_executor::Message::Stopped(Stopped {})), [Action::End(end)]);
}
