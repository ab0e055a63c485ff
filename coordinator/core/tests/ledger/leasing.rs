use basin_core::command::{
    Complete, Exited, Expire, ExpiredLease, LeasedTask, Policy, Progress, RevocationReason, Tick,
};
use basin_core::event::Change;
use basin_core::view::Phase;
use basin_domain::id::Attempt;

use crate::story::{START, Says, Story, commit, lease, seconds, seeds, tasks, worker};

fn heard_only(changes: &[Change]) -> bool {
    matches!(changes, [Change::HeartbeatReceived(_)])
}

#[test]
fn an_idle_worker_gets_as_many_leases_as_it_has_slots() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 3));
    let says = story.says("w", 2);
    let synced = story.sync(says);
    assert_eq!(synced.grants.len(), 2);
    for grant in &synced.grants {
        assert_eq!(grant.expires, START + Policy::default().lease_duration);
        let [LeasedTask { id, attempt, spec }] = &grant.tasks[..] else { panic!("{grant:?}") };
        assert_eq!((*attempt, spec.id()), (Attempt(1), *id));
        assert_eq!(story.phase(*id), Phase::Running);
    }
    assert_eq!(story.ledger.queue_depth(), 1);
}

#[test]
fn no_more_leases_are_granted_than_there_are_fresh_ids() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 3));
    let mut says = story.says("w", 1);
    says.0.free_slots = 3;
    assert_eq!(story.sync(says).grants.len(), 1);
}

#[test]
fn an_id_that_is_not_fresh_is_not_used() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 3));
    let first = story.grant("w");
    let mut says = story.says("v", 2);
    says.0.fresh = vec![first.lease.clone(), lease("fresh"), lease("fresh")];
    says.0.free_slots = 3;
    let granted: Vec<_> = story.sync(says).grants.into_iter().map(|grant| grant.lease).collect();
    assert_eq!(granted, [lease("fresh")]);
}

#[test]
fn a_lease_that_is_held_is_renewed() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    story.pass(seconds(20));
    let says = story.says("w", 0).holding(&[&grant.lease]);
    let synced = story.sync(says);
    assert_eq!(synced.renewed, [(grant.lease, START + seconds(50))]);
    assert_eq!((synced.grants, synced.stop), (vec![], vec![]));
    story.pass(seconds(29));
    assert_eq!(story.tick(), vec![]);
}

#[test]
fn an_expired_lease_waits_for_a_look_into_the_store() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    story.pass(seconds(30));
    let (changes, _) = story.ask(Tick).unwrap();
    assert_eq!(changes, [Change::Expired { lease: grant.lease.clone() }]);
    assert_eq!(story.phase(tasks(&grant)[0]), Phase::Expiring);
    let says = story.says("v", 1);
    assert_eq!(story.sync(says).grants, vec![], "nobody gets it before the store was asked");
    // Each tick tells it again, until it is settled.
    assert_eq!(story.tick(), [ExpiredLease { lease: grant.lease.clone(), tasks: tasks(&grant) }]);
    assert_eq!(story.tell(Tick), vec![]);
}

#[test]
fn an_expired_lease_returns_its_task_to_the_queue() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    story.pass(seconds(30));
    story.tick();
    story.tell(Expire { lease: grant.lease.clone(), tasks: tasks(&grant) });
    assert_eq!(story.phase(tasks(&grant)[0]), Phase::Queued);
    story.pass(seconds(1));
    let again = story.grant("v");
    assert_eq!(tasks(&again), tasks(&grant));
    assert_eq!(again.tasks[0].attempt, Attempt(2));
    assert_eq!(story.tell(Expire { lease: grant.lease.clone(), tasks: tasks(&grant) }), vec![]);
}

#[test]
fn a_worker_that_returns_after_its_lease_expired_is_told_to_stop() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    story.pass(seconds(30));
    story.tick();
    let says = story.says("w", 0).holding(&[&grant.lease]);
    let synced = story.sync(says);
    assert_eq!(synced.stop, [(grant.lease, RevocationReason::Lost)]);
    assert_eq!(synced.renewed, vec![]);
}

#[test]
fn another_workers_lease_is_none_to_hold() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    let says = story.says("v", 0).holding(&[&grant.lease, &lease("unheard-of")]);
    let synced = story.sync(says);
    assert_eq!(
        synced.stop,
        [(grant.lease, RevocationReason::Lost), (lease("unheard-of"), RevocationReason::Lost)]
    );
}

#[test]
fn a_lease_whose_answer_was_lost_is_granted_again() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    let says = story.says("w", 1);
    let lost = story.sync_in_vain(says);
    story.pass(seconds(5));
    let says = story.says("w", 1);
    let (changes, _) = story.ask(says.0.clone()).unwrap();
    assert!(heard_only(&changes), "{changes:?}");
    let again = story.sync(says);
    assert_eq!(again.grants.len(), 1, "the free slot is taken by what was granted before");
    assert_eq!(
        (&again.grants[0].lease, &again.grants[0].tasks),
        (&lost.grants[0].lease, &lost.grants[0].tasks)
    );
    assert_eq!(again.grants[0].expires, START + seconds(35));
    assert!(again.answer > lost.answer);
}

#[test]
fn a_lease_that_was_seen_and_is_not_held_has_ended() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    let says = story.says("w", 1);
    let synced = story.sync(says);
    assert_eq!(synced.grants, vec![]);
    assert_eq!(story.phase(tasks(&grant)[0]), Phase::Expiring);
    assert_eq!(story.tick(), [ExpiredLease { lease: grant.lease.clone(), tasks: tasks(&grant) }]);
}

#[test]
fn an_old_sync_that_arrives_late_loses_no_lease() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let late = story.says("w", 1);
    let grant = story.grant("w");
    let synced = story.sync_in_vain(late);
    assert_eq!(synced.grants.len(), 1, "granted again, to nobody who listens");
    assert_eq!(story.phase(tasks(&grant)[0]), Phase::Running);
}

#[test]
fn tasks_of_one_shape_that_are_next_form_a_pack() {
    let mut story = Story::new();
    story.launch("a", [seeds(8, 3), seeds(9, 2)].concat());
    let says = story.says("w", 3).packs(8);
    let packs: Vec<usize> = story.sync(says).grants.iter().map(|grant| grant.tasks.len()).collect();
    assert_eq!(packs, [3, 2]);
}

#[test]
fn a_pack_is_no_longer_than_the_worker_takes() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 5));
    let says = story.says("w", 2).packs(2);
    let packs: Vec<usize> = story.sync(says).grants.iter().map(|grant| grant.tasks.len()).collect();
    assert_eq!(packs, [2, 2]);
    assert_eq!(story.ledger.queue_depth(), 1);
}

#[test]
fn long_tasks_of_a_sweep_are_granted_first_and_those_of_one_magnitude_in_their_order() {
    let mut story = Story::new();
    let listed = [seeds(8, 1), seeds(2_000, 1), seeds(9, 1), seeds(300, 1)].concat();
    let ids: Vec<_> = listed.iter().map(|task| task.id).collect();
    story.launch("a", listed);
    let granted: Vec<_> = (0..4).map(|_| tasks(&story.grant("w"))[0]).collect();
    assert_eq!(granted, [ids[1], ids[3], ids[0], ids[2]]);
}

#[test]
fn a_pack_leaves_something_for_every_other_slot() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 12));
    let with_slots = |mut says: Says, slots: u32| {
        says.0.description.slots = slots;
        says
    };
    let other = with_slots(story.says("other", 0), 3);
    story.sync(other);
    let packs = |story: &mut Story| -> Vec<usize> {
        let says = with_slots(story.says("w", 1).packs(64), 1);
        story.sync(says).grants.iter().map(|grant| grant.tasks.len()).collect()
    };
    // A quarter of what is queued, each time.
    assert_eq!([packs(&mut story), packs(&mut story), packs(&mut story)], [[3], [3], [2]]);
    // Whoever wasn't heard for longer than a lease counts no more.
    story.pass(story.ledger.policy().lease_duration * 2);
    assert_eq!(packs(&mut story), [4]);
}

#[test]
fn a_pack_ends_with_its_last_task() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    let says = story.says("w", 1).packs(2);
    let pack = story.sync(says).grants.remove(0);
    story.complete(&pack);
    let says = story.says("w", 0).holding(&[&pack.lease]);
    assert_eq!(story.sync(says).renewed.len(), 1);
    let LeasedTask { id: second, attempt, .. } = &pack.tasks[1];
    story.tell(Complete(commit(*second, &pack.lease, attempt.0)));
    let says = story.says("w", 0).holding(&[&pack.lease]);
    assert_eq!(story.sync(says).stop, [(pack.lease, RevocationReason::Lost)]);
}

#[test]
fn progress_is_shown_while_the_task_runs_and_never_journalled() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    let task = tasks(&grant)[0];
    let progress = Progress { iteration: 7, iterations: 10, loss: Some(0.5), ..Progress::default() };
    let says = story.says("w", 0).holding(&[&grant.lease]).progress(task, progress);
    story.sync(says);
    assert_eq!(story.ledger.task(&task).unwrap().progress, Some(progress));
    assert!(!story.events.last().unwrap().is_durable());
    story.complete(&grant);
    assert_eq!(story.ledger.task(&task).unwrap().progress, None);
}

#[test]
fn the_examples_that_a_workers_tasks_take_add_up_until_its_process_has_ended() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 3));
    let says = story.says("w", 3);
    let grants = story.sync(says).grants;
    let rate = |story: &Story| {
        let worker = story.ledger.workers().next().unwrap();
        story.ledger.examples_per_second(&worker)
    };
    assert_eq!(rate(&story), None);
    let leases: Vec<_> = grants.iter().map(|grant| &grant.lease).collect();
    let mut says = story.says("w", 0).holding(&leases);
    let said = [(Some(100.0), false), (Some(28.0), false), (Some(1e6), true)];
    for ((held, grant), (examples_per_second, is_held)) in says.0.holds.iter_mut().zip(&grants).zip(said) {
        let progress = Progress { examples_per_second, is_held, ..Progress::default() };
        held.progress.push((tasks(grant)[0], progress));
    }
    story.sync(says);
    assert_eq!(rate(&story), Some(128.0));
    let says = story.says("w", 0).holding(&leases[1..]);
    story.sync(says);
    assert_eq!(rate(&story), None, "it says nothing of those that it still has");
}

#[test]
fn who_holds_nothing_or_has_ended_takes_no_examples() {
    let rate = |story: &Story, id: &str| {
        let view = story.ledger.worker(&worker(id)).unwrap();
        story.ledger.examples_per_second(&view)
    };
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    let grants = ["w", "v"].map(|id| story.grant(id));
    for (id, grant) in ["w", "v"].into_iter().zip(&grants) {
        let progress = Progress { examples_per_second: Some(64.0), ..Progress::default() };
        let said = story.says(id, 0).holding(&[&grant.lease]).progress(tasks(grant)[0], progress);
        story.sync(said);
        assert_eq!(rate(&story, id), Some(64.0));
    }
    story.tell(Exited(worker("w")));
    story.complete(&grants[1]);
    assert_eq!(["w", "v"].map(|id| rate(&story, id)), [None, None]);
}

#[test]
fn progress_of_a_task_that_the_lease_does_not_cover_is_ignored() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    let grant = story.grant("w");
    let other = story.grant("v");
    let said = story.says("w", 0).holding(&[&grant.lease]).progress(tasks(&other)[0], Progress::default());
    story.sync(said);
    assert_eq!(story.ledger.task(&tasks(&other)[0]).unwrap().progress, None);
}

#[test]
fn a_worker_hears_that_there_is_nothing_to_come() {
    let mut story = Story::new();
    let says = story.says("w", 1);
    assert!(story.sync(says).idle);
    story.launch("a", seeds(8, 1));
    let grant = story.grant("w");
    let says = story.says("v", 1);
    assert!(!story.sync(says).idle, "the leased task may come back");
    story.complete(&grant);
    let says = story.says("v", 1);
    assert!(story.sync(says).idle);
}
