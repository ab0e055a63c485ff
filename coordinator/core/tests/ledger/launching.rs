use basin_core::command::{Cancel, LaunchCounts, Pause, Policy, Refusal};
use basin_core::event::Change;
use basin_core::view::SweepState;
use basin_domain::digest::Digest;
use basin_domain::id::TaskId;

use crate::story::{START, Story, commit, launch, lease, listed, seeds, spec, spec_after, sweep, tasks};

#[test]
fn a_launched_sweep_queues_its_tasks_in_order() {
    let mut story = Story::new();
    let reply = story.launch("a", seeds(8, 3));
    assert_eq!(reply, LaunchCounts { new: 3, reused: 0, shared: 0 });
    let order: Vec<TaskId> = (0..3).map(|_| tasks(&story.grant("w"))[0]).collect();
    // A worker that doesn't say that it holds them has lost them; the order is what matters here.
    assert_eq!(order, seeds(8, 3).iter().map(|task| task.id).collect::<Vec<_>>());
}

#[test]
fn a_launch_is_one_event_that_names_each_shape_once() {
    let mut story = Story::new();
    let changes = story.tell(launch("a", [seeds(8, 3), seeds(9, 2), seeds(8, 4)].concat()));
    let [Change::Launched(launched)] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!(launched.shapes.len(), 2);
    assert_eq!(launched.entries.len(), 9);
    assert_eq!(launched.entries.iter().filter(|entry| entry.new.is_some()).count(), 6);
}

#[test]
fn launching_again_changes_nothing() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 3));
    let grant = story.grant("w");
    story.complete(&grant);
    let (changes, reply) = story.ask(launch("a", seeds(8, 3))).unwrap();
    assert_eq!(changes, vec![]);
    assert_eq!(reply, LaunchCounts { new: 0, reused: 1, shared: 2 });
}

#[test]
fn what_the_store_has_is_not_run() {
    let mut story = Story::new();
    let found = seeds(8, 2);
    let committed = vec![commit(found[0].id, &lease("earlier"), 1)];
    let (_, reply) =
        story.ask(basin_core::command::Launch { committed, ..launch("a", found.clone()) }).unwrap();
    assert_eq!(reply, LaunchCounts { new: 1, reused: 1, shared: 0 });
    assert_eq!(tasks(&story.grant("w")), [found[1].id]);
}

#[test]
fn a_sweep_that_is_all_in_the_store_is_done_at_once() {
    let mut story = Story::new();
    let found = seeds(8, 2);
    let committed = found.iter().map(|task| commit(task.id, &lease("earlier"), 1)).collect();
    story.tell(basin_core::command::Launch { committed, ..launch("a", found) });
    assert_eq!(story.state("a"), SweepState::Done);
    assert_eq!(story.ledger.sweep(&sweep("a")).unwrap().finished_at, Some(START));
}

#[test]
fn a_cancelled_sweep_that_is_launched_again_goes_on() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    story.tell(Cancel(sweep("a")));
    let changes = story.tell(launch("a", seeds(8, 2)));
    assert_eq!(changes, [Change::Resumed(sweep("a"))]);
    assert_eq!(story.state("a"), SweepState::Running);
    assert_eq!(story.ledger.queue_depth(), 2);
}

#[test]
fn a_paused_sweep_that_is_launched_again_stays_paused() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    story.tell(Pause(sweep("a")));
    assert_eq!(story.tell(launch("a", seeds(8, 2))), vec![]);
    assert_eq!(story.state("a"), SweepState::Paused);
}

#[test]
fn another_sweep_under_a_known_id_is_refused() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    let refusal = story.ask(launch("a", seeds(8, 3))).unwrap_err();
    assert_eq!(refusal, Refusal::LaunchedOtherwise(sweep("a")));
}

#[test]
fn a_task_whose_id_is_not_its_digest_is_refused() {
    let mut story = Story::new();
    let mut forged = seeds(8, 2);
    forged[1].spec.seed = 7;
    let id = forged[1].id;
    assert_eq!(story.ask(launch("a", forged)).unwrap_err(), Refusal::WrongTaskId(id));
    assert_eq!(story.ledger.sweeps().count(), 0);
}

#[test]
fn a_sweep_beyond_the_limit_is_refused() {
    let mut story = Story::with(Policy { max_tasks: 2, ..Policy::default() });
    let refusal = story.ask(launch("a", seeds(8, 3))).unwrap_err();
    assert_eq!(refusal, Refusal::TooMany { what: "tasks of one sweep", asked: 3, limit: 2 });
}

#[test]
fn a_task_that_needs_an_unknown_one_is_refused() {
    let mut story = Story::new();
    let missing = spec(8, 0).id();
    let task = listed("after", spec_after(8, &[missing]));
    let id = task.id;
    let refusal = story.ask(launch("a", vec![task])).unwrap_err();
    assert_eq!(refusal, Refusal::MissingInput { task: id, input: missing });
}

#[test]
fn tasks_in_a_circle_are_refused() {
    let mut story = Story::new();
    let [one, two] = [b"1", b"2"].map(|text| TaskId(Digest::of(text)));
    let circle = [(one, two), (two, one)].map(|(id, input)| basin_core::command::LaunchTask {
        id,
        ..listed("circle", spec_after(8, &[input]))
    });
    let refusal = story.ask(launch("a", circle.to_vec())).unwrap_err();
    assert!(matches!(refusal, Refusal::Cycle(id) if id == one || id == two), "{refusal}");
}

#[test]
fn a_sweep_without_tasks_is_done_at_once() {
    let mut story = Story::new();
    story.launch("a", vec![]);
    assert_eq!(story.state("a"), SweepState::Done);
}
