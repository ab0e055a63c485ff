use basin_core::attempt::AttemptEnd;
use basin_core::command::{
    Adopt, CommitDecision, CommitRecord, Complete, Expire, Fail, Policy, Refusal, Release, Settled,
};
use basin_core::event::{Change, FinalReason, RetryDecision};
use basin_core::view::{Phase, SweepState};
use basin_domain::experiment::StopReason;
use basin_domain::failure::{Failure, FailureKind, ReleaseReason};
use basin_domain::id::Attempt;
use basin_domain::metrics::Outcome;

use crate::story::{START, Story, commit, lease, seconds, seeds, spec, sweep, tasks};

fn patient() -> Policy {
    Policy { quarantine_workers: 100, max_attempts: 3, ..Policy::default() }
}

#[test]
fn a_committed_task_is_done() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    story.pass(seconds(5));
    assert_eq!(story.complete(&grant), Settled { held: true });
    let sweep = story.ledger.sweep(&sweep("a")).unwrap();
    assert_eq!((sweep.state, sweep.counts.completed), (SweepState::Done, 1));
    assert_eq!(sweep.finished_at, Some(START + seconds(5)));
}

#[test]
fn a_task_that_a_rule_stopped_is_a_result_of_its_own_kind() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    let mut stopped = commit(tasks(&grant)[0], &grant.lease, 1);
    stopped.outcome = Outcome::Stopped { iteration: 12, rule: StopReason::NoImprovement };
    story.tell(Complete(stopped));
    let sweep = story.ledger.sweep(&sweep("a")).unwrap();
    let counts = sweep.counts;
    assert_eq!((counts.stopped, counts.completed, counts.committed()), (1, 0, 1));
    assert_eq!(sweep.state, SweepState::Done);
}

#[test]
fn a_diverged_task_is_a_result() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    let mut diverged = commit(tasks(&grant)[0], &grant.lease, 1);
    diverged.outcome = Outcome::Diverged { iteration: 12 };
    story.tell(Complete(diverged));
    let counts = story.ledger.sweep(&sweep("a")).unwrap().counts;
    assert_eq!((counts.diverged, counts.failed, counts.committed()), (1, 0, 1));
}

#[test]
fn completing_twice_is_completing_once() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    story.complete(&grant);
    let again = story.ask(Complete(commit(tasks(&grant)[0], &grant.lease, 1))).unwrap();
    assert_eq!(again, (vec![], Settled { held: false }));
}

#[test]
fn another_commit_of_a_committed_task_is_refused() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    story.complete(&grant);
    let task = tasks(&grant)[0];
    let other = commit(task, &lease("other"), 2);
    let refusal = Refusal::CommittedOtherwise { task, recorded: grant.lease };
    assert_eq!(story.ask(Complete(other.clone())), Err(refusal.clone()));
    assert_eq!(story.ask(Adopt(other)), Err(refusal));
}

#[test]
fn a_commit_under_a_lease_that_ran_out_counts() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let late = story.grant("w");
    story.pass(seconds(30));
    story.tick();
    assert_eq!(story.complete(&late), Settled { held: false });
    assert_eq!(story.phase(tasks(&late)[0]), Phase::Completed);
    assert_eq!(story.tick(), vec![]);
}

#[test]
fn a_commit_that_comes_after_the_task_was_granted_again_ends_the_second_lease() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let late = story.grant("w");
    story.pass(seconds(30));
    story.tick();
    story.tell(Expire { lease: late.lease.clone(), tasks: tasks(&late) });
    story.pass(seconds(1));
    let second = story.grant("v");
    story.complete(&late);
    let task = story.ledger.task(&tasks(&late)[0]).unwrap();
    let ends: Vec<_> = task.attempts.iter().map(|attempt| attempt.end.clone().unwrap().1).collect();
    assert_eq!(ends, [AttemptEnd::Committed, AttemptEnd::Superseded]);
    let says = story.says("v", 0).holding(&[&second.lease]);
    assert_eq!(story.sync(says).stop.len(), 1);
}

#[test]
fn a_commit_found_in_the_store_is_adopted() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    story.pass(seconds(30));
    story.tick();
    let found = commit(tasks(&grant)[0], &grant.lease, 1);
    assert_eq!(story.tell(Adopt(found.clone())), [Change::Committed(found.clone())]);
    assert_eq!(story.tell(Adopt(found)), vec![]);
    assert_eq!(story.tell(Expire { lease: grant.lease.clone(), tasks: tasks(&grant) }), vec![]);
    assert_eq!(story.ledger.task(&tasks(&grant)[0]).unwrap().charged, 0);
}

#[test]
fn a_failed_attempt_is_tried_again_after_a_while() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    let changes = story.fail(&grant, FailureKind::Experiment);
    let [Change::Failed { verdict: RetryDecision::Retry { not_before }, .. }] = &changes[..] else {
        panic!("{changes:?}")
    };
    assert_eq!(*not_before, START + seconds(1));
    let says = story.says("w", 1);
    assert_eq!(story.sync(says).grants, vec![]);
    story.pass(seconds(1));
    let again = story.grant("w");
    assert_eq!(again.tasks[0].attempt, Attempt(2));
    let changes = story.fail(&again, FailureKind::Experiment);
    let [Change::Failed { verdict: RetryDecision::Retry { not_before }, .. }] = &changes[..] else {
        panic!("{changes:?}")
    };
    assert_eq!(*not_before, story.now + seconds(2), "the delay doubles");
}

#[test]
fn attempts_are_charged_by_cause() {
    for kind in FailureKind::ALL.into_iter().filter(|kind| kind.is_retryable()) {
        let mut story = Story::with(patient());
        story.launch("a", seeds(8, 1));
        for attempt in 1..=3 {
            let grant = story.grant("w");
            assert_eq!(grant.tasks[0].attempt, Attempt(attempt), "{kind}");
            story.fail(&grant, kind);
            story.pass(seconds(60));
        }
        let task = story.ledger.task(&seeds(8, 1)[0].id).unwrap();
        assert_eq!((task.phase, task.failed), (Phase::Failed, Some(FinalReason::AttemptsSpent)), "{kind}");
        assert_eq!(story.state("a"), SweepState::Done);
    }
}

#[test]
fn giving_back_is_free() {
    let reasons =
        [ReleaseReason::Drain, ReleaseReason::Preemption, ReleaseReason::Walltime, ReleaseReason::Stopped];
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    for (reason, attempt) in reasons.into_iter().cycle().zip(1..40) {
        let grant = story.grant("w");
        assert_eq!(grant.tasks[0].attempt, Attempt(attempt));
        let task = tasks(&grant)[0];
        let command = Release { lease: grant.lease.clone(), task, reason };
        assert_eq!(
            story.ask(command.clone()).unwrap(),
            (vec![Change::Released { lease: grant.lease.clone(), task, reason }], Settled { held: true })
        );
        assert_eq!(story.ask(command).unwrap(), (vec![], Settled { held: false }));
    }
    let task = story.ledger.task(&seeds(8, 1)[0].id).unwrap();
    assert_eq!((task.charged, task.begun), (0, 39));
    assert_eq!(task.attempts.len(), 16, "of very many attempts some are forgotten");
    assert_eq!(task.attempts[0].attempt, Attempt(1));
}

#[test]
fn invalid_parameters_are_never_tried_again() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    story.fail(&grant, FailureKind::InvalidParameters);
    let task = story.ledger.task(&tasks(&grant)[0]).unwrap();
    assert_eq!(task.failed, Some(FinalReason::InvalidParameters));
}

#[test]
fn a_task_that_fails_on_many_workers_is_quarantined_with_its_first_error() {
    let mut story = Story::with(Policy { max_attempts: 100, quarantine_workers: 2, ..Policy::default() });
    story.launch("a", seeds(8, 1));
    for (name, message) in [("w", "first"), ("w", "second"), ("v", "third")] {
        story.pass(seconds(60));
        let grant = story.grant(name);
        let failure = Failure::new(FailureKind::Crashed, message);
        story.tell(Fail { lease: grant.lease.clone(), task: tasks(&grant)[0], failure });
    }
    let task = story.ledger.task(&seeds(8, 1)[0].id).unwrap();
    assert_eq!(task.failed, Some(FinalReason::Quarantined));
    assert_eq!(task.first_failure.unwrap().message, "first");
}

#[test]
fn a_failure_reported_twice_is_charged_once() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    story.fail(&grant, FailureKind::Storage);
    assert_eq!(story.fail(&grant, FailureKind::Storage), vec![]);
    assert_eq!(story.ledger.task(&tasks(&grant)[0]).unwrap().charged, 1);
}

#[test]
fn a_lease_speaks_only_for_the_tasks_it_covered() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    let grant = story.grant("w");
    let (lease, task) = (grant.lease.clone(), seeds(8, 2)[1].id);
    let refusal = Refusal::NotOfThisLease { lease: lease.clone(), task };
    let failure = Failure::new(FailureKind::Crashed, "");
    assert_eq!(story.ask(Complete(commit(task, &lease, 1))).unwrap_err(), refusal);
    assert_eq!(story.ask(Fail { lease: lease.clone(), task, failure }).unwrap_err(), refusal);
    let reason = ReleaseReason::Drain;
    assert_eq!(story.ask(Release { lease, task, reason }).unwrap_err(), refusal);
}

#[test]
fn a_commit_of_an_attempt_that_was_never_begun_is_refused() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    let task = tasks(&grant)[0];
    for (lease, attempt) in [(&lease("forged"), 1), (&grant.lease, 2), (&grant.lease, 0)] {
        let refusal = story.ask(Complete(commit(task, lease, attempt))).unwrap_err();
        assert_eq!(refusal, Refusal::NotOfThisLease { lease: lease.clone(), task });
    }
}

#[test]
fn an_unknown_task_is_refused() {
    let mut story = Story::new();
    let task = spec(8, 0).id();
    let commit = commit(task, &lease("l"), 1);
    assert_eq!(story.ask(Complete(commit.clone())), Err(Refusal::UnknownTask(task)));
    assert_eq!(story.ask(Adopt(commit)), Err(Refusal::UnknownTask(task)));
}

#[test]
fn a_lane_that_crashed_goes_alone_afterwards() {
    let mut story = Story::with(patient());
    story.launch("a", seeds(8, 3));
    let says = story.says("w", 1).packs(8);
    let pack = story.sync(says).grants.remove(0);
    for (task, kind) in
        tasks(&pack).into_iter().zip([FailureKind::Crashed, FailureKind::Experiment, FailureKind::Experiment])
    {
        story.tell(Fail { lease: pack.lease.clone(), task, failure: Failure::new(kind, "") });
    }
    story.pass(seconds(60));
    let says = story.says("w", 3).packs(8);
    let packs: Vec<_> = story.sync(says).grants.iter().map(tasks).collect();
    assert_eq!(packs, [vec![tasks(&pack)[0]], tasks(&pack)[1..].to_vec()]);
}

#[test]
fn a_long_message_is_cut() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    let failure = Failure { kind: FailureKind::Experiment, message: "é".repeat(1 << 20) };
    story.tell(Fail { lease: grant.lease.clone(), task: tasks(&grant)[0], failure });
    let kept = story.ledger.task(&tasks(&grant)[0]).unwrap().first_failure.unwrap();
    assert!(kept.message.len() <= Failure::MESSAGE_LIMIT);
}

fn decision(commit: CommitRecord) -> CommitDecision {
    let document = format!("{} under {}", commit.task, commit.lease);
    CommitDecision { commit, document }
}

#[test]
fn a_task_has_one_choice_whoever_asks_and_it_goes_with_the_commit() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let first = story.grant("w");
    let task = tasks(&first)[0];
    let one = commit(task, &first.lease, 1);
    let decided = Some(format!("{task} under {}", first.lease));
    let told = story.tell(decision(one.clone()));
    assert!(matches!(&told[..], [Change::CommitDecided(decision)] if decision.commit == one), "{told:?}");
    // Asked again it is no news; and it outlives its lease.
    assert_eq!(story.ask(decision(one.clone())).unwrap(), (vec![], decided.clone()));
    story.pass(seconds(30));
    story.tick();
    assert_eq!(story.ask(decision(commit(task, &lease("other"), 2))).unwrap(), (vec![], decided));
    assert!(story.ledger.decided_commit(&task).is_some());
    story.tell(Adopt(one.clone()));
    assert_eq!(story.ledger.decided_commit(&task), None);
    assert_eq!(story.ask(decision(one)).unwrap(), (vec![], None));
}

#[test]
fn nothing_is_chosen_for_who_does_not_hold_the_task() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    let task = tasks(&grant)[0];
    let refused = |of: &basin_domain::id::LeaseId| Refusal::NotOfThisLease { lease: of.clone(), task };
    assert_eq!(story.ask(decision(commit(task, &lease("x"), 1))).unwrap_err(), refused(&lease("x")));
    assert_eq!(story.ask(decision(commit(task, &grant.lease, 2))).unwrap_err(), refused(&grant.lease));
    story.pass(seconds(30));
    story.tick();
    assert_eq!(story.ask(decision(commit(task, &grant.lease, 1))).unwrap_err(), refused(&grant.lease));
    let long = CommitDecision { commit: commit(task, &grant.lease, 1), document: "x".repeat(5000) };
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let held = story.grant("w");
    let long = CommitDecision { commit: commit(task, &held.lease, 1), ..long };
    assert!(matches!(story.ask(long).unwrap_err(), Refusal::TooMany { .. }));
}
