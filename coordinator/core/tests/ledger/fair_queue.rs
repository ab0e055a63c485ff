//! Whose turn it is: priorities, fair shares, limits.

use std::num::NonZeroU32;

use basin_core::command::{
    Adjust, Cancel, Launch, LaunchTask, Pause, Policy, Refusal, Resume, RevocationReason,
};
use basin_core::event::Change;
use basin_core::pending_reason::PendingReason;
use basin_core::view::SweepState;
use basin_domain::placement::Requirements;
use basin_domain::scheduling::{SchedulingChange, SchedulingOptions, SlotLimit, UserName};

use crate::story::{Story, launch, listed, seconds, seeds, spec, sweep, tasks};

fn user(name: &str) -> UserName {
    UserName::new(name).unwrap()
}

fn slots(slots: u32) -> NonZeroU32 {
    NonZeroU32::new(slots).unwrap()
}

fn priority(priority: i32) -> SchedulingChange {
    SchedulingChange { priority: Some(priority), max_slots: None }
}

fn at_most(limit: u32) -> SchedulingChange {
    SchedulingChange { priority: None, max_slots: Some(SlotLimit::AtMost(slots(limit))) }
}

fn adjust(id: &str, adjustment: SchedulingChange) -> Adjust {
    Adjust { sweep: sweep(id), adjustment }
}

/// A sweep whose tasks take a GPU.
fn on_gpus(id: &str, adjustment: SchedulingChange, tasks: Vec<LaunchTask>) -> Launch {
    let needs = Requirements { device: Some("cuda".to_owned()), ..Requirements::default() };
    Launch { adjustment, needs: [("fit".to_owned(), needs)].into(), ..launch(id, tasks) }
}

/// A sweep of someone's, its tasks of a shape of its own.
fn of(name: &str, id: &str, tasks: Vec<LaunchTask>) -> Launch {
    Launch { user: Some(user(name)), ..launch(id, tasks) }
}

/// The sweeps on whose turns a worker with so many free slots gets leases.
fn turns(story: &mut Story, worker: &str, free: u32) -> Vec<String> {
    let says = story.says(worker, free);
    let (changes, _) = story.ask(says.0).unwrap();
    changes
        .into_iter()
        .filter_map(|change| match change {
            Change::Granted(granted) => Some(granted.sweep.unwrap().to_string()),
            _ => None,
        })
        .collect()
}

#[test]
fn sweeps_take_turns_and_the_earlier_launch_has_the_first() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 3));
    story.launch("b", seeds(9, 3));
    story.launch("c", seeds(10, 1));
    assert_eq!(turns(&mut story, "w", 7), ["a", "b", "c", "a", "b", "a", "b"]);
}

#[test]
fn who_has_fewer_slots_comes_first_however_they_came_to_be_so_few() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 6));
    assert_eq!(turns(&mut story, "w", 2), ["a", "a"]);
    story.launch("b", seeds(9, 9));
    assert_eq!(turns(&mut story, "v", 3), ["b", "b", "a"]);
    // The leases of `w` run out, and those of `v` are renewed: `a` is behind.
    story.pass(seconds(20));
    let held: Vec<_> =
        story.ledger.leases_of(&crate::story::worker("v")).map(|lease| lease.id.clone()).collect();
    let says = story.says("v", 0).holding(&held.iter().collect::<Vec<_>>());
    story.sync(says);
    story.pass(seconds(15));
    story.tick();
    assert_eq!(turns(&mut story, "u", 3), ["a", "a", "b"]);
}

#[test]
fn a_sweep_of_a_higher_priority_comes_first_as_long_as_it_waits() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 4));
    story.launch("b", seeds(9, 4));
    story.tell(Launch { adjustment: priority(5), ..launch("urgent", seeds(10, 2)) });
    story.tell(Launch { adjustment: priority(-1), ..launch("idle", seeds(11, 1)) });
    assert_eq!(turns(&mut story, "w", 5), ["urgent", "urgent", "a", "b", "a"]);
    assert_eq!(turns(&mut story, "v", 9), ["b", "a", "b", "a", "b", "idle"]);
}

#[test]
fn a_priority_can_be_changed_at_any_time() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    story.launch("b", seeds(9, 2));
    let share = SchedulingOptions { priority: 1, max_slots: None };
    assert_eq!(story.tell(adjust("b", priority(1))), [Change::Adjusted { sweep: sweep("b"), share }]);
    assert_eq!(story.tell(adjust("b", priority(1))), [], "it is so already");
    assert_eq!(turns(&mut story, "w", 3), ["b", "b", "a"]);
    // A launch that asks for nothing leaves it, one that asks changes it.
    assert_eq!(story.tell(launch("b", seeds(9, 2))), []);
    let again = Launch { adjustment: priority(-3), ..launch("b", seeds(9, 2)) };
    let share = SchedulingOptions { priority: -3, max_slots: None };
    assert_eq!(story.tell(again), [Change::Adjusted { sweep: sweep("b"), share }]);
    assert_eq!(story.ledger.sweep(&sweep("b")).unwrap().share, share);
    let unknown = story.ask(adjust("none", priority(1))).unwrap_err();
    assert_eq!(unknown, Refusal::UnknownSweep(sweep("none")));
}

#[test]
fn a_user_with_many_sweeps_gets_no_more_than_one_with_a_single_one() {
    let mut story = Story::new();
    for (number, id) in ["a1", "a2", "a3"].into_iter().enumerate() {
        story.tell(of("ann", id, seeds(8 + number as u32, 4)));
    }
    story.tell(of("bob", "b", seeds(20, 9)));
    story.launch("nobodys", seeds(21, 1));
    assert_eq!(turns(&mut story, "w", 9), ["a1", "b", "nobodys", "a2", "b", "a3", "b", "a1", "b"]);
}

#[test]
fn a_sweep_takes_no_more_slots_than_it_may() {
    let mut story = Story::new();
    story.tell(Launch { adjustment: at_most(2), ..launch("a", seeds(8, 5)) });
    assert_eq!(story.ledger.queue_depth(), 2, "more workers than that would help nobody");
    let granted = (story.grant("w"), story.grant("v"));
    assert_eq!(turns(&mut story, "u", 3), [""; 0]);
    let says = story.says("u", 1);
    assert!(!story.sync(says).idle, "there is work, if not now");
    assert_eq!(story.ledger.queue_depth(), 0);
    let limited = PendingReason::SweepLimit { sweep: &sweep("a"), limit: 2 };
    let waiting = seeds(8, 5)[2].id;
    assert_eq!(story.ledger.pending_reason(&waiting, story.now), Some(limited));
    assert_eq!(story.ledger.pending_reason(&tasks(&granted.0)[0], story.now), None, "it runs");
    let view = story.ledger.sweep(&sweep("a")).unwrap();
    assert_eq!((view.slots, view.max_slots), (2, Some(2)));
    // A slot that is given back is granted again.
    story.complete(&granted.0);
    assert_eq!(turns(&mut story, "u", 3), ["a"]);
    // A limit that is raised or lifted counts at once.
    story.tell(adjust("a", at_most(3)));
    assert_eq!(turns(&mut story, "x", 3), ["a"]);
    let unlimited = SchedulingChange { max_slots: Some(SlotLimit::None), ..SchedulingChange::default() };
    story.tell(adjust("a", unlimited));
    assert_eq!(turns(&mut story, "y", 3), ["a"]);
}

#[test]
fn lowering_a_limit_stops_nothing_that_runs() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 4));
    let grants = [story.grant("w"), story.grant("v")];
    story.tell(adjust("a", at_most(1)));
    for (worker, grant) in ["w", "v"].into_iter().zip(&grants) {
        let says = story.says(worker, 1).holding(&[&grant.lease]);
        let synced = story.sync(says);
        assert_eq!((synced.renewed.len(), synced.stop, synced.grants), (1, vec![], vec![]));
    }
    story.complete(&grants[0]);
    assert_eq!(turns(&mut story, "u", 1), [""; 0], "one still runs");
    story.complete(&grants[1]);
    assert_eq!(turns(&mut story, "u", 2), ["a"]);
}

#[test]
fn a_user_takes_no_more_slots_than_users_may() {
    let mut story = Story::with(Policy { max_slots_of_user: Some(slots(3)), ..Policy::default() });
    story.tell(of("ann", "a1", seeds(8, 2)));
    story.tell(of("ann", "a2", seeds(9, 9)));
    story.tell(of("bob", "b", seeds(10, 2)));
    assert_eq!(story.ledger.queue_depth(), 5);
    assert_eq!(turns(&mut story, "w", 9), ["a1", "b", "a2", "b", "a1"]);
    assert_eq!(story.ledger.queue_depth(), 0);
    let (waiting, ann) = (seeds(9, 9)[1].id, user("ann"));
    assert_eq!(
        story.ledger.pending_reason(&waiting, story.now),
        Some(PendingReason::UserLimit { user: Some(&ann), limit: 3 })
    );
}

#[test]
fn everybodys_limit_holds_for_each_sweep_whatever_it_asks_for() {
    let mut story = Story::with(Policy { max_slots_of_sweep: Some(slots(2)), ..Policy::default() });
    story.tell(Launch { adjustment: at_most(9), ..launch("a", seeds(8, 5)) });
    story.tell(Launch { adjustment: at_most(1), ..launch("b", seeds(9, 5)) });
    assert_eq!(turns(&mut story, "w", 9), ["a", "b", "a"]);
}

#[test]
fn a_pack_takes_one_slot_and_is_measured_by_the_slots_that_its_sweep_can_hope_for() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 8));
    story.launch("b", seeds(9, 8));
    let mut says = story.says("w", 4).packs(64);
    says.0.description.slots = 4;
    let grants = story.sync(says).grants;
    // Two slots for each of the two sweeps.
    assert_eq!(grants.iter().map(|grant| grant.tasks.len()).collect::<Vec<_>>(), [4, 4, 4, 4]);
    assert_eq!(story.ledger.sweep(&sweep("a")).unwrap().slots, 2);
    story.launch("c", seeds(10, 8));
    story.tell(adjust("c", at_most(1)));
    let mut says = story.says("v", 4).packs(64);
    says.0.description.slots = 4;
    let packs: Vec<usize> = story.sync(says).grants.iter().map(|grant| grant.tasks.len()).collect();
    assert_eq!(packs, [8], "all that it has on the one slot that it may have");
}

#[test]
fn a_task_that_several_sweeps_list_comes_with_whichever_has_its_turn_first() {
    let mut story = Story::new();
    story.tell(Launch { adjustment: at_most(1), ..launch("a", seeds(8, 3)) });
    story.launch("b", seeds(8, 3));
    assert_eq!(story.ledger.queue_depth(), 3);
    let says = story.says("w", 9);
    let grants = story.sync(says).grants;
    let mut granted: Vec<_> = grants.iter().flat_map(tasks).collect();
    granted.sort_unstable();
    let mut listed: Vec<_> = seeds(8, 3).iter().map(|task| task.id).collect();
    listed.sort_unstable();
    assert_eq!(granted, listed, "each once, though `a` may have but one slot");
    let view = |id: &str| story.ledger.sweep(&sweep(id)).unwrap();
    assert_eq!((view("a").slots, view("b").slots), (1, 2));
    assert_eq!((view("a").counts.running, view("b").counts.running), (3, 3));
}

#[test]
fn a_task_is_held_back_only_if_everybody_who_wants_it_is() {
    let mut story = Story::new();
    let task = seeds(8, 2)[1].id;
    story.tell(Launch { adjustment: at_most(1), ..launch("a", seeds(8, 2)) });
    story.grant("w");
    assert!(matches!(story.ledger.pending_reason(&task, story.now), Some(PendingReason::SweepLimit { .. })));
    story.launch("b", seeds(8, 2));
    assert_eq!(story.ledger.pending_reason(&task, story.now), None);
    story.tell(Launch { adjustment: priority(2), ..launch("c", seeds(9, 1)) });
    story.tell(Launch { adjustment: priority(1), ..launch("d", seeds(10, 1)) });
    let first = sweep("c");
    assert_eq!(
        story.ledger.pending_reason(&task, story.now),
        Some(PendingReason::Priority { sweep: &first, more: 1 })
    );
    story.tell(Pause(sweep("c")));
    story.tell(Pause(sweep("d")));
    assert_eq!(story.ledger.pending_reason(&task, story.now), None, "what is paused comes before nobody");
}

#[test]
fn one_sweeps_tasks_to_try_again_pass_no_other_sweep() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    let grant = story.grant("w");
    story.fail(&grant, basin_domain::failure::FailureKind::Crashed);
    story.tell(Launch { adjustment: priority(1), ..launch("urgent", seeds(9, 1)) });
    story.pass(seconds(5));
    let says = story.says("v", 2);
    let granted: Vec<_> = story.sync(says).grants.iter().flat_map(tasks).collect();
    assert_eq!(
        granted,
        [seeds(9, 1)[0].id, tasks(&grant)[0]],
        "but they come before what is new of their own"
    );
}

#[test]
fn a_sweep_whose_tasks_suit_no_worker_of_these_keeps_nobody_waiting() {
    let mut story = Story::new();
    story.tell(on_gpus("gpu", priority(9), seeds(8, 2)));
    story.launch("a", seeds(9, 1));
    assert_eq!(turns(&mut story, "w", 2), ["a"]);
}

#[test]
fn pausing_and_cancelling_take_a_sweep_out_of_the_turns() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 3));
    story.launch("b", seeds(9, 3));
    let grant = story.grant("w");
    story.tell(Pause(sweep("a")));
    assert_eq!(turns(&mut story, "v", 1), ["b"]);
    story.tell(Resume(sweep("a")));
    assert_eq!(turns(&mut story, "u", 1), ["a"]);
    story.tell(Cancel(sweep("a")));
    assert_eq!(turns(&mut story, "t", 9), ["b", "b"]);
    let says = story.says("w", 0).holding(&[&grant.lease]);
    assert_eq!(story.sync(says).stop, [(grant.lease.clone(), RevocationReason::Cancelled)]);
    assert_eq!(story.ledger.sweep(&sweep("a")).unwrap().slots, 2, "until they are given back");
    assert_eq!(story.state("a"), SweepState::Cancelled);
}

#[test]
fn the_slots_of_a_cancelled_sweep_are_theirs_who_want_its_tasks() {
    let mut story = Story::with(Policy { max_slots_of_user: Some(slots(2)), ..Policy::default() });
    story.tell(of("ann", "a", seeds(8, 2)));
    story.tell(of("bob", "b", seeds(8, 2)));
    story.tell(Pause(sweep("b")));
    assert_eq!(turns(&mut story, "w", 2), ["a", "a"]);
    story.tell(of("ann", "later", seeds(9, 1)));
    assert_eq!(turns(&mut story, "v", 1), [""; 0]);
    story.tell(Cancel(sweep("a")));
    let view = |story: &Story, id: &str| story.ledger.sweep(&sweep(id)).unwrap().slots;
    assert_eq!((view(&story, "a"), view(&story, "b")), (0, 2));
    assert_eq!(turns(&mut story, "v", 1), ["later"]);
}

#[test]
fn a_sweep_takes_its_turns_for_workers_that_it_can_use_itself() {
    let mut story = Story::new();
    story.tell(on_gpus("a", at_most(1), [seeds(8, 2), seeds(9, 1)].concat()));
    story.launch("b", seeds(8, 2));
    // A task that both list goes to a worker without a GPU for `b` alone.
    assert_eq!(turns(&mut story, "w", 9), ["b", "b"]);
    let mut says = story.says("gpu", 1);
    says.0.description.device = "cuda".to_owned();
    assert_eq!(story.sync(says).grants.len(), 1, "the slot of `a` is still free");
}

#[test]
fn packs_are_not_cut_for_sweeps_that_can_take_no_slots() {
    let mut story = Story::new();
    for number in 0..9 {
        let full = format!("full-{number}");
        story.tell(Launch { adjustment: at_most(1), ..launch(&full, seeds(20 + number, 2)) });
    }
    let with_slots = |story: &mut Story, worker: &str, free: u32| {
        let mut says = story.says(worker, free).packs(64);
        says.0.description.slots = 100;
        story.sync(says).grants
    };
    let full = with_slots(&mut story, "w", 9);
    assert_eq!(full.len(), 9);
    story.launch("open", seeds(8, 91));
    let mut says =
        story.says("w", 91).packs(64).holding(&full.iter().map(|grant| &grant.lease).collect::<Vec<_>>());
    says.0.description.slots = 100;
    let packs = story.sync(says).grants;
    assert_eq!(packs.len(), 91, "a task for each free slot");
}

#[test]
fn a_users_limit_counts_when_packs_are_measured() {
    let mut story = Story::with(Policy { max_slots_of_user: Some(slots(2)), ..Policy::default() });
    story.tell(of("ann", "a", seeds(8, 12)));
    let mut says = story.says("w", 8).packs(64);
    says.0.description.slots = 8;
    let packs: Vec<usize> = story.sync(says).grants.iter().map(|grant| grant.tasks.len()).collect();
    assert_eq!(packs, [6, 6]);
}

#[test]
fn nobody_waits_for_a_sweep_of_a_higher_priority_that_nobody_here_can_train() {
    let mut story = Story::new();
    story.tell(on_gpus("gpu", priority(9), seeds(8, 2)));
    story.launch("a", seeds(9, 2));
    assert_eq!(turns(&mut story, "w", 1), ["a"]);
    let waiting = story.ledger.next_of(&sweep("a"), story.now).unwrap();
    assert_eq!(waiting, seeds(9, 2)[1].id);
    assert_eq!(story.ledger.pending_reason(&waiting, story.now), None);
    let mut says = story.says("gpu", 0);
    says.0.description.device = "cuda".to_owned();
    story.sync(says);
    let gpu = sweep("gpu");
    assert_eq!(
        story.ledger.pending_reason(&waiting, story.now),
        Some(PendingReason::Priority { sweep: &gpu, more: 0 })
    );
}

#[test]
fn what_is_to_try_again_by_now_is_the_next_of_its_sweep() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 2));
    let grant = story.grant("w");
    story.fail(&grant, basin_domain::failure::FailureKind::Crashed);
    let (again, new) = (tasks(&grant)[0], seeds(8, 2)[1].id);
    assert_eq!(story.ledger.next_of(&sweep("a"), story.now), Some(new));
    story.pass(seconds(5));
    assert_eq!(story.ledger.next_of(&sweep("a"), story.now), Some(again));
    assert_eq!(story.ledger.next_of(&sweep("none"), story.now), None);
}

#[test]
fn a_sweep_of_nobody_is_whose_who_launches_it_again_and_a_cancelled_one_too() {
    let mut story = Story::with(Policy { max_slots_of_user: Some(slots(1)), ..Policy::default() });
    story.launch("a", seeds(8, 3));
    story.grant("w");
    let owned = |name: &str| Change::OwnerChanged { sweep: sweep("a"), user: user(name) };
    assert_eq!(story.tell(of("ann", "a", seeds(8, 3))), [owned("ann")]);
    assert_eq!(story.tell(of("bob", "a", seeds(8, 3))), [], "hers it stays");
    // The slot that it has is hers, too.
    story.tell(of("ann", "a2", seeds(9, 1)));
    story.tell(of("bob", "b", seeds(10, 1)));
    assert_eq!(turns(&mut story, "v", 3), ["b"]);
    story.tell(Cancel(sweep("a")));
    assert_eq!(story.tell(of("bob", "a", seeds(8, 3))), [owned("bob"), Change::Resumed(sweep("a"))]);
    assert_eq!(turns(&mut story, "u", 3), ["a2"]);
}

#[test]
fn the_user_and_the_claim_of_a_sweep_survive_a_restart() {
    let mut story = Story::new();
    let asked = SchedulingChange { priority: Some(4), ..at_most(2) };
    story.tell(Launch {
        user: Some(user("ann")),
        adjustment: asked,
        ..launch("a", vec![listed("fit", spec(8, 0)), listed("fit", spec(8, 1))])
    });
    story.grant("w");
    let snapshot = serde_json::to_string(&story.ledger.snapshot()).unwrap();
    let restored =
        basin_core::Ledger::restore(Policy::default(), serde_json::from_str(&snapshot).unwrap()).unwrap();
    restored.audit().unwrap();
    let view = restored.sweep(&sweep("a")).unwrap();
    assert_eq!(view.user, Some(&user("ann")));
    assert_eq!(view.share, SchedulingOptions { priority: 4, max_slots: Some(slots(2)) });
    assert_eq!(view.slots, 1);
    // Launched again by somebody else it stays hers.
    story.tell(of("bob", "a", vec![listed("fit", spec(8, 0)), listed("fit", spec(8, 1))]));
    assert_eq!(story.ledger.sweep(&sweep("a")).unwrap().user, Some(&user("ann")));
}

#[test]
fn what_only_paused_sweeps_list_waits_for_a_person() {
    let mut story = Story::new();
    story.launch("a", seeds(8, 1));
    story.tell(Pause(sweep("a")));
    assert_eq!(story.ledger.pending_reason(&seeds(8, 1)[0].id, story.now), Some(PendingReason::Pause));
    story.tell(Resume(sweep("a")));
    assert_eq!(story.ledger.pending_reason(&seeds(8, 1)[0].id, story.now), None);
}

#[test]
fn slots_of_workers_that_leave_are_nobodys_and_their_leases_take_none() {
    let mut story = Story::new();
    story.launch("x", seeds(8, 4));
    let leaving = story.says("leaving", 4);
    let held = story.sync(leaving).grants;
    assert_eq!(held.len(), 4);
    story.launch("y", seeds(9, 64));
    let leases: Vec<_> = held.iter().map(|grant| &grant.lease).collect();
    let says = story.says("leaving", 0).holding(&leases).draining();
    story.sync(says);
    let mut says = story.says("w", 4).packs(64);
    says.0.description.slots = 4;
    let packs: Vec<usize> = story.sync(says).grants.iter().map(|grant| grant.tasks.len()).collect();
    assert_eq!(packs, [16, 16, 16, 16]);
}

#[test]
fn a_gpu_sweeps_packs_are_measured_by_the_gpus() {
    let mut story = Story::new();
    let mut says = story.says("cpus", 0);
    says.0.description.slots = 99;
    story.sync(says);
    story.tell(on_gpus("gpu", SchedulingChange::default(), seeds(8, 50)));
    let mut says = story.says("gpu", 1).packs(64);
    (says.0.description.slots, says.0.description.device) = (1, "cuda".to_owned());
    let packs: Vec<usize> = story.sync(says).grants.iter().map(|grant| grant.tasks.len()).collect();
    assert_eq!(packs, [50]);
}
