use basin_core::attempt::AttemptEnd;
use basin_core::command::{Adopt, Complete, Fail, Refusal, Settled, Withdraw, Withdrawal};
use basin_core::event::{Change, FinalReason};
use basin_core::view::{Phase, SweepState};
use basin_domain::failure::{Failure, FailureKind, ReleaseReason};
use basin_domain::id::{Attempt, LeaseId, TaskId};

use crate::story::{Story, commit, launch, lease, listed, seeds, spec_after, sweep, tasks};

fn withdraw(commits: &[(TaskId, &LeaseId, u32)]) -> Withdraw {
    let commits = commits.iter().map(|(task, lease, attempt)| Withdrawal {
        task: *task,
        lease: (*lease).clone(),
        attempt: Attempt(*attempt),
    });
    Withdraw { sweep: Some(sweep("a")), commits: commits.collect() }
}

#[test]
fn a_withdrawn_commit_lets_its_task_run_again_under_a_higher_number() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let first = story.grant("w");
    let task = tasks(&first)[0];
    story.complete(&first);
    assert_eq!(story.state("a"), SweepState::Done);
    let told = story.tell(withdraw(&[(task, &first.lease, 1)]));
    assert!(matches!(&told[..], [Change::Withdrawn(_)]), "{told:?}");
    assert_eq!((story.phase(task), story.state("a")), (Phase::Queued, SweepState::Running));
    assert_eq!(story.tell(withdraw(&[(task, &first.lease, 1)])), vec![], "asked twice it is done once");
    let second = story.grant("w");
    assert_eq!(second.tasks[0].attempt, Attempt(2));
    assert_eq!(story.complete(&second), Settled { held: true });
    let view = story.ledger.task(&task).unwrap();
    let ends: Vec<_> = view.attempts.iter().map(|attempt| attempt.end.clone().unwrap().1).collect();
    assert_eq!(ends, [AttemptEnd::Withdrawn, AttemptEnd::Committed]);
    assert_eq!(story.state("a"), SweepState::Done);
}

#[test]
fn the_number_is_above_that_of_a_commit_from_another_ledgers_time() {
    let mut story = Story::new();
    let task = seeds(8, 1)[0].id;
    let committed = vec![commit(task, &lease("of-before"), 7)];
    story.tell(basin_core::command::Launch { committed, ..launch("a", seeds(8, 1)) });
    story.tell(withdraw(&[(task, &lease("of-before"), 7)]));
    assert_eq!(story.grant("w").tasks[0].attempt, Attempt(8));
}

#[test]
fn what_was_withdrawn_is_never_taken_again_whoever_brings_it() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let first = story.grant("w");
    let task = tasks(&first)[0];
    let stale = commit(task, &first.lease, 1);
    // The ledger had not even heard of it: somebody has read it in the store before it was withdrawn there.
    story.tell(withdraw(&[(task, &first.lease, 1)]));
    assert_eq!(story.phase(task), Phase::Queued);
    let refusal = Refusal::Withdrawn { task, lease: first.lease.clone() };
    assert_eq!(story.ask(Complete(stale.clone())), Err(refusal.clone()));
    assert_eq!(story.ask(Adopt(stale.clone())), Err(refusal));
    story.tell(basin_core::command::Launch { committed: vec![stale], ..launch("a", seeds(8, 1)) });
    assert_eq!(story.phase(task), Phase::Queued);
    let second = story.grant("w");
    story.complete(&second);
    // And a second withdrawal of the first takes nothing of the second.
    assert_eq!(story.tell(withdraw(&[(task, &first.lease, 1)])), vec![]);
    assert_eq!(story.phase(task), Phase::Completed);
}

#[test]
fn a_withdrawal_of_another_commit_than_the_ledgers_leaves_that_alone() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    let task = tasks(&grant)[0];
    story.complete(&grant);
    story.tell(withdraw(&[(task, &lease("other"), 9)]));
    assert_eq!(story.phase(task), Phase::Completed);
}

#[test]
fn what_reads_a_withdrawn_result_waits_and_what_has_read_it_stays() {
    let mut story = Story::new();
    let root = seeds(8, 1).remove(0);
    let done = listed("reader", spec_after(9, &[root.id]));
    let runs = listed("reader", spec_after(10, &[root.id]));
    let waits = listed("reader", spec_after(11, &[root.id]));
    let all = vec![root.clone(), done.clone(), runs.clone(), waits.clone()];
    story.launch("a", all);
    let first = story.grant("w");
    story.complete(&first);
    let (one, two) = (story.grant("w"), story.grant("v"));
    let (done, runs) = (tasks(&one)[0], tasks(&two)[0]);
    story.complete(&one);
    story.tell(withdraw(&[(root.id, &first.lease, 1)]));
    assert_eq!(story.phase(done), Phase::Completed, "its result is the same as it will be");
    assert_eq!(story.phase(runs), Phase::Running);
    let waits = [done, runs, waits.id, spec_after(9, &[root.id]).id(), spec_after(10, &[root.id]).id()]
        .into_iter()
        .find(|id| story.phase(*id) == Phase::Blocked)
        .unwrap();
    // One that finds its input withdrawn gives its task back, free.
    let failure = Failure::new(FailureKind::Damaged, "input has no commit");
    let told = story.tell(Fail { lease: two.lease.clone(), task: runs, failure });
    assert!(matches!(&told[..], [Change::Released { reason: ReleaseReason::Stopped, .. }]), "{told:?}");
    assert_eq!((story.phase(runs), story.ledger.task(&runs).unwrap().charged), (Phase::Blocked, 0));
    let again = story.grant("w");
    assert_eq!(tasks(&again), [root.id]);
    story.complete(&again);
    assert_eq!((story.phase(runs), story.phase(waits)), (Phase::Queued, Phase::Queued));
}

#[test]
fn a_task_that_failed_for_something_damaged_is_tried_once_and_again_after_a_repair() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    let grant = story.grant("w");
    let task = tasks(&grant)[0];
    story.fail(&grant, FailureKind::Damaged);
    assert_eq!(story.ledger.task(&task).unwrap().failed, Some(FinalReason::Damaged));
    let other = story.grant("w");
    story.fail(&other, FailureKind::InvalidParameters);
    let told = story.tell(withdraw(&[]));
    assert_eq!(told, [Change::Retried { sweep: sweep("a"), tasks: vec![task] }], "and no other");
    assert_eq!(story.phase(task), Phase::Queued);
}

#[test]
fn a_withdrawal_in_an_unknown_sweep_or_of_an_unknown_task_is_refused() {
    let mut story = Story::new();
    assert_eq!(story.ask(withdraw(&[])).unwrap_err(), Refusal::UnknownSweep(sweep("a")));
    story.launch("a", seeds(8, 1));
    let task = seeds(8, 2)[1].id;
    assert_eq!(story.ask(withdraw(&[(task, &lease("l"), 1)])).unwrap_err(), Refusal::UnknownTask(task));
}
