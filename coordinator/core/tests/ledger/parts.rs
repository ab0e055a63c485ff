//! Large sweeps arrive in parts.

use std::collections::BTreeMap;

use basin_core::Ledger;
use basin_core::command::{Cancel, Drain, Launch, LaunchCounts, LaunchPart, LaunchTask, Policy, Refusal};
use basin_core::event::Change;
use basin_core::view::Phase;
use basin_domain::id::TaskId;
use basin_domain::time::Timestamp;
use proptest::prelude::*;

use crate::story::{
    Story, commit, launch, lease, listed, seconds, seeds, spec, spec_after, sweep, tasks, worker,
};

/// The part of a launch from one task to another.
fn part(whole: &Launch, from: usize, to: usize) -> LaunchPart {
    let slice = whole.tasks[from..to].to_vec();
    let is_listed = |id: &TaskId| slice.iter().any(|task| task.id == *id);
    let committed = whole.committed.iter().filter(|commit| is_listed(&commit.task)).cloned().collect();
    let inputs = whole.tasks.iter().flat_map(|task| task.spec.inputs.values().copied());
    let unlisted = inputs.filter(|input| whole.tasks.iter().all(|task| task.id != *input)).collect();
    let launch = Launch { tasks: slice, committed, ..whole.clone() };
    LaunchPart { launch, from: from as u64, of: whole.tasks.len() as u64, unlisted }
}

#[test]
fn nobody_sees_a_sweep_before_its_last_part() {
    let mut story = Story::new();
    let whole = launch("a", seeds(8, 5));
    story.tell(part(&whole, 0, 2));
    story.tell(part(&whole, 2, 4));
    assert_eq!((story.ledger.sweeps().count(), story.ledger.queue_depth()), (0, 0));
    let says = story.says("w", 1);
    assert_eq!(story.sync(says).grants, vec![]);
    assert_eq!(story.ask(Cancel(sweep("a"))), Err(Refusal::UnknownSweep(sweep("a"))));
    let (changes, reply) = story.ask(part(&whole, 4, 5)).unwrap();
    assert_eq!(changes.last(), Some(&Change::Opened(sweep("a"))));
    assert_eq!(reply, LaunchCounts { new: 1, reused: 0, shared: 0 });
    assert_eq!((story.ledger.sweeps().count(), story.ledger.queue_depth()), (1, 5));
    assert_eq!(tasks(&story.grant("w")), [whole.tasks[0].id]);
}

#[test]
fn a_launch_that_was_broken_off_goes_on_where_it_was() {
    let mut story = Story::new();
    let whole = launch("a", seeds(8, 6));
    story.tell(part(&whole, 0, 2));
    story.tell(part(&whole, 2, 4));
    // The coordinator died; the launch is asked for again.
    let mut ledger = Ledger::new(Policy::default());
    story.events.iter().for_each(|event| ledger.apply(event));
    story.ledger = ledger;
    assert_eq!(story.tell(part(&whole, 0, 3)), vec![]);
    let changes = story.tell(part(&whole, 3, 6));
    let [Change::Extended(extended), Change::Opened(_)] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!(extended.entries.len(), 2, "one of these three has arrived");
    // And again, in parts and as a whole.
    assert_eq!(story.tell(part(&whole, 0, 3)), vec![]);
    assert_eq!(story.tell(part(&whole, 3, 6)), vec![]);
    assert_eq!(story.tell(whole), vec![]);
}

#[test]
fn parts_out_of_order_and_of_other_sweeps_are_refused() {
    let mut story = Story::new();
    let whole = launch("a", seeds(8, 5));
    let early = story.ask(part(&whole, 2, 5)).unwrap_err();
    assert_eq!(early, Refusal::MissingPart { sweep: sweep("a"), arrived: 0, from: 2 });
    story.tell(part(&whole, 0, 2));
    let gap = story.ask(part(&whole, 3, 5)).unwrap_err();
    assert_eq!(gap, Refusal::MissingPart { sweep: sweep("a"), arrived: 2, from: 3 });
    let other = launch("a", seeds(9, 5));
    assert_eq!(story.ask(part(&other, 0, 2)).unwrap_err(), Refusal::LaunchedOtherwise(sweep("a")));
    let mut story = Story::with(Policy { max_tasks: 4, ..Policy::default() });
    assert!(matches!(story.ask(part(&whole, 0, 1)), Err(Refusal::TooMany { asked: 5, limit: 4, .. })));
}

#[test]
fn what_no_part_lists_is_wanted_from_the_last_one_on() {
    let mut story = Story::new();
    let inputs = seeds(8, 1);
    story.launch("first", inputs.clone());
    let own: Vec<LaunchTask> =
        vec![listed("fit", spec(9, 0)), listed("after", spec_after(10, &[inputs[0].id, spec(9, 0).id()]))];
    let whole = launch("second", own);
    story.tell(part(&whole, 0, 1));
    story.tell(part(&whole, 1, 2));
    story.tell(Cancel(sweep("first")));
    assert_eq!(story.ledger.queue_depth(), 2, "the input and the sweep's own first task");
}

fn sweep_of(width: u32, count: u64, twice: bool) -> Vec<LaunchTask> {
    let mut tasks = seeds(width, count);
    let read: Vec<TaskId> = tasks.iter().map(|task| task.id).take(2).collect();
    tasks.push(listed("after", spec_after(width, &read)));
    if twice {
        tasks.extend(seeds(width, 1));
    }
    tasks
}

/// All that workers are given, one lease after the other, each committed.
fn order(story: &mut Story) -> Vec<TaskId> {
    let mut order = Vec::new();
    loop {
        let says = story.says("w", 1);
        let Some(grant) = story.sync(says).grants.pop() else { return order };
        order.extend(tasks(&grant));
        story.complete(&grant);
    }
}

proptest! {
    #[test]
    fn a_sweep_in_parts_is_the_sweep_as_a_whole(
        count in 2_u64..12,
        twice: bool,
        sizes in proptest::collection::vec(1_usize..5, 1..20),
        dies_after in 0_usize..8,
        done in proptest::collection::vec(any::<bool>(), 12),
    ) {
        let all = sweep_of(8, count, twice);
        let found = all.iter().zip(&done).filter(|(task, done)| **done && task.spec.inputs.is_empty());
        let committed = found.map(|(task, _)| commit(task.id, &lease("earlier"), 1)).collect();
        let whole = Launch { committed, ..launch("a", all) };
        let mut at_once = Story::new();
        let said = at_once.ask(whole.clone()).unwrap().1;

        let mut in_parts = Story::new();
        let (mut from, mut counted) = (0, [0, 0, 0]);
        for (number, size) in sizes.iter().cycle().enumerate() {
            let to = (from + size).min(whole.tasks.len());
            let reply = in_parts.ask(part(&whole, from, to)).unwrap().1;
            let LaunchCounts { new, reused, shared } = reply;
            counted = [counted[0] + new, counted[1] + reused, counted[2] + shared];
            if number == dies_after {
                let snapshot = serde_json::to_string(&in_parts.ledger.snapshot()).unwrap();
                let restored = Ledger::restore(Policy::default(), serde_json::from_str(&snapshot).unwrap());
                in_parts.ledger = restored.unwrap();
                in_parts.ledger.audit().unwrap();
            }
            from = to;
            if from == whole.tasks.len() {
                break;
            }
        }
        prop_assert_eq!(said, LaunchCounts { new: counted[0], reused: counted[1], shared: counted[2] });
        prop_assert_eq!(in_parts.ledger.sweep(&sweep("a")), at_once.ledger.sweep(&sweep("a")));
        let listed = |story: &Story| {
            let tasks = story.ledger.sweep_tasks(&sweep("a")).unwrap();
            tasks.map(|(task, experiment)| (task.id, experiment.to_owned())).collect::<Vec<_>>()
        };
        prop_assert_eq!(listed(&in_parts), listed(&at_once));
        prop_assert_eq!(order(&mut in_parts), order(&mut at_once));
    }
}

#[test]
fn ids_are_found_by_their_beginnings_without_a_look_at_the_others() {
    let mut story = Story::new();
    let all = seeds(8, 300);
    story.launch("homework-1", all.clone());
    story.launch("homework-2", all[..1].to_vec());
    let mut ids: Vec<TaskId> = all.iter().map(|task| task.id).collect();
    ids.sort_unstable();
    for digits in ["", "0", "f", "a7", "b31", &ids[7].to_string(), &ids[9].to_string()[..63]] {
        let fitting = ids.iter().filter(|id| id.to_string().starts_with(digits)).copied();
        assert_eq!(story.ledger.tasks_beginning_with(digits, 1000), fitting.collect::<Vec<_>>(), "{digits}");
    }
    assert_eq!(story.ledger.tasks_beginning_with("", 2).len(), 2);
    for nonsense in ["A", "xyz", "-", &"0".repeat(65)] {
        assert_eq!(story.ledger.tasks_beginning_with(nonsense, 2), vec![], "{nonsense}");
    }
    let found = |text: &str| story.ledger.sweeps_beginning_with(text, 10).len();
    assert_eq!([found("homework"), found("homework-2"), found(""), found("i"), found("..")], [2, 1, 2, 0, 0]);
    let (page, next) = story.ledger.page_of_sweeps(0, 1);
    assert_eq!((page[0].id.clone(), next), (sweep("homework-1"), Some(1)));
    assert_eq!(story.ledger.page_of_sweeps(1, 1).1, None);
}

#[test]
fn workers_come_in_pages_by_their_ids() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let ids = ["w1", "w2", "w3", "w4"];
    for id in ids {
        let says = story.says(id, 0);
        story.sync(says);
    }
    story.grant("w2");
    story.tell(Drain(worker("w3")));
    let first = story.ledger.page_of_workers(None, 3);
    assert_eq!(first.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ids[..3]);
    let rest = story.ledger.page_of_workers(Some(&worker("w3")), 3);
    assert_eq!(rest.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ids[3..]);
    assert_eq!(story.ledger.worker(&worker("w2")).unwrap().leases, 1);
    assert_eq!(story.ledger.worker(&worker("w")), None);
    let by_id: BTreeMap<_, _> = story.ledger.workers().map(|it| (it.id.clone(), it)).collect();
    assert_eq!(by_id.len(), 4);
}

#[test]
fn the_tasks_of_a_sweep_come_in_pages_in_the_order_of_its_file() {
    let mut story = Story::new();
    let all = seeds(8, 5);
    story.launch("a", all.clone());
    let grant = story.grant("w");
    story.complete(&grant);
    let page = |from, most| story.ledger.page_of_sweep(&sweep("a"), from, most);
    let ids = |from, most| page(from, most).unwrap().iter().map(|task| task.id).collect::<Vec<_>>();
    let expected: Vec<TaskId> = all.iter().map(|task| task.id).collect();
    assert_eq!([ids(0, 3), ids(3, 3), ids(5, 3), ids(usize::MAX, 3)].concat(), expected);
    let phases: Vec<_> = page(0, 2).unwrap().iter().map(|task| (task.experiment, task.phase)).collect();
    assert_eq!(phases, [("fit", Phase::Completed), ("fit", Phase::Queued)]);
    assert_eq!(story.ledger.page_of_sweep(&sweep("b"), 0, 3), None);
}

#[test]
fn a_task_is_of_its_sweeps_until_the_last_of_them_has_ended() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    story.launch("b", seeds(8, 2));
    let shared = seeds(8, 1)[0].id;
    let own = seeds(8, 2)[1].id;
    story.tell(Cancel(sweep("a")));
    assert!(story.ledger.is_of_sweep_after(&shared, story.now), "the other one goes on");
    story.pass(seconds(60));
    story.tell(Cancel(sweep("b")));
    let ended = story.now;
    for task in [shared, own] {
        assert!(story.ledger.is_of_sweep_after(&task, Timestamp(ended.0 - 1)));
        assert!(!story.ledger.is_of_sweep_after(&task, ended));
    }
    assert!(!story.ledger.is_of_sweep_after(&spec(9, 0).id(), Timestamp(0)), "nobody launched it");
}
