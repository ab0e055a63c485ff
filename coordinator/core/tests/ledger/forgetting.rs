use basin_core::Ledger;
use basin_core::command::{
    Adopt, Cancel, Complete, Forget, ForgetReply, LaunchCounts, LaunchPart, Pause, Policy, Refusal, Release,
    RetryFailed,
};
use basin_core::event::{Change, Event};
use basin_core::view::{Phase, SweepState};
use basin_domain::failure::{FailureKind, ReleaseReason};

use crate::story::{START, Story, commit, launch, lease, listed, seeds, spec_after, sweep, tasks};

const FORGETS: fn(&str) -> Change = |id| Change::SweepForgotten(sweep(id));

/// A sweep of so many tasks of one shape, all of them committed.
fn done(story: &mut Story, id: &str, width: u32, count: u64) {
    story.launch(id, seeds(width, count));
    while story.state(id) != SweepState::Done {
        let grant = story.grant("w");
        story.complete(&grant);
    }
}

#[test]
fn a_sweep_that_is_over_leaves_with_the_tasks_that_are_its_alone() {
    let mut story = Story::new();
    done(&mut story, "a", 8, 3);
    story.launch("b", [seeds(8, 1), seeds(9, 1)].concat());
    let (changes, reply) = story.ask(Forget(sweep("a"))).unwrap();
    assert_eq!((changes, reply), (vec![FORGETS("a")], ForgetReply { tasks: 3 }));
    assert_eq!(story.ledger.sweeps().map(|it| it.id.clone()).collect::<Vec<_>>(), [sweep("b")]);
    let [shared, own, other] = &seeds(8, 3)[..] else { panic!("they are three") };
    assert_eq!(story.phase(shared.id), Phase::Completed, "what another sweep lists stays as it is");
    assert!(story.ledger.task(&own.id).is_none() && story.ledger.task(&other.id).is_none());
    assert_eq!(story.ledger.task(&shared.id).unwrap().sweeps, [(&sweep("b"), "fit")]);
    assert_eq!(story.ledger.counts().total(), 2);
    // What is left goes on.
    assert_eq!(tasks(&story.grant("w")), [seeds(9, 1)[0].id]);
}

#[test]
fn forgetting_twice_is_forgetting_once_and_an_unknown_sweep_is_refused() {
    let mut story = Story::new();
    done(&mut story, "a", 8, 1);
    assert_eq!(story.tell(Forget(sweep("a"))), [FORGETS("a")]);
    assert_eq!(story.ask(Forget(sweep("a"))).unwrap(), (vec![], ForgetReply { tasks: 0 }));
    assert!(story.ledger.was_forgotten(&sweep("a")));
    assert_eq!(story.ask(Forget(sweep("x"))).unwrap_err(), Refusal::UnknownSweep(sweep("x")));
    // Launched again it is a new one.
    assert_eq!(story.launch("a", seeds(8, 1)), LaunchCounts { new: 1, reused: 0, shared: 0 });
    assert!(!story.ledger.was_forgotten(&sweep("a")));
    assert_eq!(story.ask(Forget(sweep("a"))).unwrap_err(), Refusal::NotOver(sweep("a")));
}

#[test]
fn a_sweep_that_goes_on_is_not_forgotten() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    let refused = Refusal::NotOver(sweep("a"));
    assert_eq!(story.ask(Forget(sweep("a"))).unwrap_err(), refused);
    story.tell(Pause(sweep("a")));
    assert_eq!(story.ask(Forget(sweep("a"))).unwrap_err(), refused, "it waits, and may go on");
    story.tell(Cancel(sweep("a")));
    assert_eq!(story.tell(Forget(sweep("a"))), [FORGETS("a")]);
}

#[test]
fn what_is_still_being_stopped_keeps_a_cancelled_sweep() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    let grant = story.grant("w");
    story.tell(Cancel(sweep("a")));
    let stopping = Refusal::StillStopping { sweep: sweep("a"), tasks: 1 };
    assert_eq!(story.ask(Forget(sweep("a"))).unwrap_err(), stopping);
    let (lease, task) = (grant.lease.clone(), tasks(&grant)[0]);
    story.tell(Release { lease, task, reason: ReleaseReason::Stopped });
    assert_eq!(story.tell(Forget(sweep("a"))), [FORGETS("a")]);
    assert!(story.ledger.task(&task).is_none());
}

#[test]
fn a_task_that_another_sweep_wants_goes_on_under_its_lease() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    story.launch("b", seeds(8, 1));
    let grant = story.grant("w");
    let shared = tasks(&grant)[0];
    assert_eq!(shared, seeds(8, 1)[0].id);
    story.tell(Cancel(sweep("a")));
    assert_eq!(story.tell(Forget(sweep("a"))), [FORGETS("a")]);
    assert_eq!(story.ledger.sweep(&sweep("b")).unwrap().slots, 1, "the slot is its");
    let says = story.says("w", 0).holding(&[&grant.lease]);
    let synced = story.sync(says);
    assert_eq!((synced.renewed.len(), synced.stop), (1, vec![]));
    assert!(story.complete(&grant).held);
    assert_eq!(story.state("b"), SweepState::Done);
}

#[test]
fn what_tasks_of_others_read_stays_and_goes_with_them() {
    let mut story = Story::new();
    done(&mut story, "a", 8, 2);
    let input = seeds(8, 2)[1].id;
    let reader = listed("reader", spec_after(9, &[input]));
    story.launch("b", vec![reader.clone()]);
    story.tell(Forget(sweep("a")));
    assert_eq!(story.phase(input), Phase::Completed);
    assert!(story.ledger.task(&seeds(8, 2)[0].id).is_none());
    let grant = story.grant("w");
    assert_eq!(tasks(&grant), [reader.id]);
    story.complete(&grant);
    story.tell(Forget(sweep("b")));
    assert_eq!(story.ledger.counts().total(), 0, "nobody needs it any more");
    assert_eq!(story.ledger.page_of_tasks(None, 9), []);
}

#[test]
fn the_sweeps_launched_later_keep_their_leases_and_their_failures() {
    let mut story = Story::new();
    done(&mut story, "a", 8, 2);
    story.launch("b", seeds(9, 2));
    let failed = story.grant("w");
    story.fail(&failed, FailureKind::InvalidParameters);
    let held = story.grant("w");
    story.launch("c", seeds(10, 1));
    story.tell(Forget(sweep("a")));
    assert_eq!(story.ledger.sweep(&sweep("b")).unwrap().slots, 1);
    let failed_now: Vec<_> = story.ledger.failed_of(&sweep("b")).map(|(task, _)| task.id).collect();
    assert_eq!(failed_now, tasks(&failed));
    let leased: Vec<_> = story.ledger.leased_of(&sweep("b")).map(|(task, _)| task.id).collect();
    assert_eq!(leased, tasks(&held));
    assert!(story.complete(&held).held);
    story.tell(RetryFailed(sweep("b")));
    assert_eq!(story.phase(tasks(&failed)[0]), Phase::Queued);
    assert_eq!(story.ledger.queue_depth(), 2);
}

#[test]
fn news_of_what_was_forgotten_are_refused_and_what_the_store_has_counts_when_it_is_launched_again() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    story.complete(&grant);
    story.tell(Forget(sweep("a")));
    let task = tasks(&grant)[0];
    let known = commit(task, &grant.lease, 1);
    assert_eq!(story.ask(Complete(known.clone())).unwrap_err(), Refusal::UnknownTask(task));
    assert_eq!(story.ask(Adopt(known.clone())).unwrap_err(), Refusal::UnknownTask(task));
    let again = basin_core::command::Launch { committed: vec![known], ..launch("a", seeds(8, 1)) };
    assert_eq!(story.ask(again).unwrap().1, LaunchCounts { new: 0, reused: 1, shared: 0 });
    assert_eq!(story.state("a"), SweepState::Done);
}

#[test]
fn a_launch_that_was_broken_off_can_be_forgotten() {
    let mut story = Story::new();
    let whole = launch("a", seeds(8, 4));
    let tasks = whole.tasks[..2].to_vec();
    let first = LaunchPart {
        launch: basin_core::command::Launch { tasks, ..whole.clone() },
        from: 0,
        of: 4,
        unlisted: vec![],
    };
    story.tell(first);
    assert_eq!(story.tell(Forget(sweep("a"))), [FORGETS("a")]);
    assert_eq!(story.ledger.counts().total(), 0);
    assert_eq!(story.launch("a", seeds(8, 4)), LaunchCounts { new: 4, reused: 0, shared: 0 });
}

#[test]
fn a_ledger_that_forgot_is_restored_from_its_snapshot_and_from_its_events() {
    let mut story = Story::new();
    done(&mut story, "a", 8, 2);
    done(&mut story, "b", 9, 2);
    story.tell(Forget(sweep("a")));
    let text = serde_json::to_string(&story.ledger.snapshot()).unwrap();
    assert!(text.contains(r#""forgotten":["a"]"#), "{text}");
    let restored = Ledger::restore(Policy::default(), serde_json::from_str(&text).unwrap()).unwrap();
    restored.audit().unwrap();
    assert_eq!(restored.snapshot(), story.ledger.snapshot());
    let mut replayed = Ledger::new(Policy::default());
    story.events.iter().filter(|event| event.is_durable()).for_each(|event| replayed.apply(event));
    assert_eq!(replayed.snapshot(), story.ledger.snapshot());
    // A snapshot of before says nothing of it.
    let old = text.replace(r#","forgotten":["a"]"#, "");
    assert_ne!(old, text);
    let restored = Ledger::restore(Policy::default(), serde_json::from_str(&old).unwrap()).unwrap();
    assert!(!restored.was_forgotten(&sweep("a")));
}

/// The words are the journal's for good.
#[test]
fn the_event_is_written_so() {
    let event = Event { at: START, change: FORGETS("a-0123456789") };
    let text = r#"{"at":1000000,"change":{"sweep-forgotten":"a-0123456789"}}"#;
    assert_eq!(serde_json::to_string(&event).unwrap(), text);
    assert_eq!(serde_json::from_str::<Event>(text).unwrap(), event);
    assert!(event.is_durable());
}

#[test]
fn the_pages_of_tasks_are_all_of_them() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 5));
    let mut found = Vec::new();
    loop {
        let page = story.ledger.page_of_tasks(found.last().copied(), 2);
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    let mut all: Vec<_> = seeds(8, 5).iter().map(|task| task.id).collect();
    all.sort_unstable();
    assert_eq!(found, all);
    assert!(!story.ledger.has_leases());
    let grant = story.grant("w");
    assert!(story.ledger.has_leases());
    assert_eq!(grant.lease, lease("lease-1"));
}
