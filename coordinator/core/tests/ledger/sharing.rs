use basin_core::command::{Cancel, LaunchCounts, Pause, RevocationReason};
use basin_core::view::{Phase, SweepState};

use crate::story::{START, Story, listed, seconds, seeds, sweep, tasks};

#[test]
fn two_sweeps_share_what_they_have_in_common() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    assert_eq!(story.launch("b", seeds(8, 3)), LaunchCounts { new: 1, reused: 0, shared: 2 });
    assert_eq!(story.ledger.queue_depth(), 3);
    for _ in 0..3 {
        let grant = story.grant("w");
        story.complete(&grant);
    }
    assert_eq!((story.state("a"), story.state("b")), (SweepState::Done, SweepState::Done));
}

#[test]
fn cancelling_one_sweep_leaves_the_other_its_tasks() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    story.launch("b", seeds(8, 1));
    let shared = story.grant("w");
    story.tell(Cancel(sweep("a")));
    let says = story.says("w", 1).holding(&[&shared.lease]);
    let synced = story.sync(says);
    assert_eq!((synced.renewed.len(), synced.stop, synced.grants), (1, vec![], vec![]));
    assert_eq!(story.ledger.queue_depth(), 0);
}

#[test]
fn a_lease_that_no_sweep_wants_any_more_is_stopped() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    story.tell(Cancel(sweep("a")));
    let says = story.says("w", 0).holding(&[&grant.lease]);
    let synced = story.sync(says);
    assert_eq!(
        synced.renewed,
        [(grant.lease.clone(), START + seconds(30))],
        "so that there is time to give it back"
    );
    assert_eq!(synced.stop, [(grant.lease, RevocationReason::Cancelled)]);
}

#[test]
fn a_paused_sweeps_tasks_wait_unless_another_wants_them() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    story.tell(Pause(sweep("a")));
    assert_eq!(story.ledger.queue_depth(), 0);
    story.launch("b", seeds(8, 1));
    assert_eq!(tasks(&story.grant("w")), [seeds(8, 1)[0].id]);
    let says = story.says("v", 1);
    assert_eq!(story.sync(says).grants, vec![]);
}

#[test]
fn a_task_listed_twice_runs_once_and_counts_twice() {
    let mut story = Story::new();
    let task = seeds(8, 1).remove(0);
    let other = listed("other", task.spec.clone());
    assert_eq!(story.launch("a", vec![task, other]), LaunchCounts { new: 1, reused: 0, shared: 0 });
    let grant = story.grant("w");
    story.complete(&grant);
    let sweep = story.ledger.sweep(&sweep("a")).unwrap();
    assert_eq!(sweep.counts.completed, 2);
    assert!(sweep.experiments.iter().all(|(_, counts)| counts.completed == 1));
}

#[test]
fn what_one_sweep_has_committed_is_reused_by_the_next() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    story.complete(&grant);
    assert_eq!(story.launch("b", seeds(8, 2)), LaunchCounts { new: 1, reused: 1, shared: 0 });
    assert_eq!(story.phase(tasks(&grant)[0]), Phase::Completed);
}
