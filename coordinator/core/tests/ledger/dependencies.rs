use basin_core::command::{Adopt, Cancel, RetryFailed};
use basin_core::view::{Phase, SweepState};
use basin_core::why::{Input, Why};
use basin_domain::failure::FailureKind;
use basin_domain::id::TaskId;

use crate::story::{Story, commit, launch, listed, seeds, spec_after, sweep, tasks};

/// Two roots, a task that reads both, and one that reads that; launched with the readers first.
fn chain(story: &mut Story) -> (Vec<TaskId>, TaskId, TaskId) {
    let roots = seeds(8, 2);
    let ids: Vec<TaskId> = roots.iter().map(|task| task.id).collect();
    let middle = listed("middle", spec_after(9, &ids));
    let last = listed("last", spec_after(10, &[middle.id]));
    let (middle_id, last_id) = (middle.id, last.id);
    story.launch("a", [vec![last, middle], roots].concat());
    (ids, middle_id, last_id)
}

#[test]
fn a_task_waits_for_all_its_inputs() {
    let mut story = Story::new();
    let (roots, middle, last) = chain(&mut story);
    assert_eq!((story.phase(middle), story.phase(last)), (Phase::Blocked, Phase::Blocked));
    let first = story.grant("w");
    let second = story.grant("v");
    assert_eq!([tasks(&first), tasks(&second)].concat(), roots);
    story.complete(&first);
    assert_eq!(story.phase(middle), Phase::Blocked);
    let input = Input { task: roots[1], phase: Phase::Running };
    assert_eq!(story.ledger.why(&middle, story.now), Some(Why::WaitsForInputs(vec![input])));
    story.complete(&second);
    assert_eq!(story.phase(middle), Phase::Queued);
    let third = story.grant("w");
    assert_eq!(tasks(&third), [middle]);
    story.complete(&third);
    assert_eq!(tasks(&story.grant("w")), [last]);
}

#[test]
fn a_failed_task_blocks_what_needs_it_and_that_is_visible() {
    let mut story = Story::new();
    let (_, middle, last) = chain(&mut story);
    let first = story.grant("w");
    story.fail(&first, FailureKind::InvalidParameters);
    assert_eq!((story.phase(middle), story.phase(last)), (Phase::UpstreamFailed, Phase::UpstreamFailed));
    assert_eq!(story.state("a"), SweepState::Running, "a root is still to run");
    let second = story.grant("w");
    story.complete(&second);
    assert_eq!(story.state("a"), SweepState::Done);
    let counts = story.ledger.sweep(&sweep("a")).unwrap().counts;
    assert_eq!((counts.failed, counts.upstream_failed, counts.completed), (1, 2, 1));
}

#[test]
fn retrying_a_failed_task_frees_what_needs_it() {
    let mut story = Story::new();
    let (roots, middle, last) = chain(&mut story);
    let first = story.grant("w");
    story.fail(&first, FailureKind::InvalidParameters);
    let second = story.grant("w");
    story.complete(&second);
    story.tell(RetryFailed(sweep("a")));
    assert_eq!((story.phase(middle), story.phase(last)), (Phase::Blocked, Phase::Blocked));
    assert_eq!(story.ledger.sweep(&sweep("a")).unwrap().finished_at, None);
    let again = story.grant("w");
    assert_eq!(tasks(&again), [roots[0]]);
    story.complete(&again);
    assert_eq!(story.phase(middle), Phase::Queued);
}

#[test]
fn a_commit_found_for_a_failed_task_frees_what_needs_it() {
    let mut story = Story::new();
    let (roots, middle, _) = chain(&mut story);
    let first = story.grant("w");
    story.fail(&first, FailureKind::InvalidParameters);
    let second = story.grant("w");
    story.complete(&second);
    story.tell(Adopt(commit(roots[0], &first.lease, 1)));
    assert_eq!(story.phase(middle), Phase::Queued);
}

#[test]
fn a_sweep_wants_the_inputs_that_only_another_lists() {
    let mut story = Story::new();
    let root = seeds(8, 1);
    story.launch("a", root.clone());
    story.launch("b", vec![listed("reader", spec_after(9, &[root[0].id]))]);
    story.tell(Cancel(sweep("a")));
    assert_eq!(tasks(&story.grant("w")), [root[0].id]);
    let experiments: Vec<_> = story
        .ledger
        .sweep(&sweep("b"))
        .unwrap()
        .experiments
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_eq!(experiments, ["reader", "(inputs)"]);
    let again = launch("b", vec![listed("reader", spec_after(9, &[root[0].id]))]);
    assert_eq!(story.tell(again), vec![]);
}
