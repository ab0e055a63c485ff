use basin_core::command::{Cancel, Drain, Pause, Refusal, Release, Resume, RetryFailed};
use basin_core::event::Change;
use basin_core::view::{Phase, SweepState};
use basin_domain::failure::{FailureKind, ReleaseReason};

use crate::story::{CANCEL, PAUSE, RESUME, RETRY_FAILED, START, Story, seconds, seeds, sweep, tasks, worker};

#[test]
fn a_paused_sweep_gets_no_new_leases_and_keeps_its_running_ones() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    let grant = story.grant("w");
    assert_eq!(story.tell(Pause(sweep("a"))), [Change::Paused(sweep("a"))]);
    let says = story.says("w", 1).holding(&[&grant.lease]);
    let synced = story.sync(says);
    assert_eq!((synced.renewed.len(), synced.grants), (1, vec![]));
    assert_eq!(story.tell(Resume(sweep("a"))), [Change::Resumed(sweep("a"))]);
    assert_eq!(story.ledger.queue_depth(), 1);
}

#[test]
fn steering_twice_is_steering_once() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    for steer in [RESUME, PAUSE, PAUSE, CANCEL, CANCEL] {
        steer(&mut story, sweep("a")).unwrap();
    }
    assert_eq!(story.events.len(), 3, "launched, paused, cancelled");
    for steer in [PAUSE, RESUME, RETRY_FAILED] {
        assert_eq!(steer(&mut story, sweep("a")), Ok(vec![]), "a cancelled sweep stays so");
    }
}

#[test]
fn a_cancelled_sweep_has_an_end() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    story.pass(seconds(9));
    story.tell(Cancel(sweep("a")));
    let view = story.ledger.sweep(&sweep("a")).unwrap();
    assert_eq!((view.state, view.finished_at), (SweepState::Cancelled, Some(START + seconds(9))));
}

#[test]
fn a_task_given_back_by_a_cancelled_sweep_is_not_granted() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    story.tell(Cancel(sweep("a")));
    let (lease, task) = (grant.lease.clone(), tasks(&grant)[0]);
    story.tell(Release { lease, task, reason: ReleaseReason::Stopped });
    assert_eq!((story.phase(task), story.ledger.queue_depth()), (Phase::Queued, 0));
    let says = story.says("w", 1);
    assert!(story.sync(says).idle);
}

#[test]
fn a_sweep_that_is_over_cannot_be_cancelled() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    story.complete(&grant);
    assert_eq!(story.tell(Cancel(sweep("a"))), vec![]);
    assert_eq!(story.state("a"), SweepState::Done);
}

#[test]
fn failed_tasks_start_over_with_a_fresh_budget() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    let grant = story.grant("w");
    story.fail(&grant, FailureKind::InvalidParameters);
    let task = tasks(&grant)[0];
    let changes = story.tell(RetryFailed(sweep("a")));
    assert_eq!(changes, [Change::Retried { sweep: sweep("a"), tasks: vec![task] }]);
    let view = story.ledger.task(&task).unwrap();
    assert_eq!((view.phase, view.charged, view.first_failure), (Phase::Queued, 0, None));
    assert_eq!(view.attempts.len(), 1, "what happened is remembered");
    assert_eq!(story.grant("w").tasks[0].attempt.0, 2, "attempt numbers go on");
}

#[test]
fn an_unknown_sweep_or_worker_is_refused() {
    let mut story = Story::new();
    for steer in [PAUSE, RESUME, CANCEL, RETRY_FAILED] {
        assert_eq!(steer(&mut story, sweep("x")), Err(Refusal::UnknownSweep(sweep("x"))));
    }
    assert_eq!(story.ask(Drain(worker("x"))).unwrap_err(), Refusal::UnknownWorker(worker("x")));
}
