//! Any sequence of commands keeps what must hold; any journal replays to the same ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use basin_core::command::{
    Adjust, Adopt, CommitRecord, Complete, Drain, Expire, ExpiredLease, Fail, Forget, Grant, Launch,
    LaunchCounts, LaunchTask, LeasedTask, Policy, Progress, Refusal, Release, Restarted, Withdraw,
    Withdrawal,
};
use basin_core::event::{Change, Event};
use basin_core::view::Phase;
use basin_core::{Ledger, Request, Snapshot};
use basin_domain::failure::{Failure, FailureKind, ReleaseReason};
use basin_domain::id::{Attempt, LeaseId, TaskId};
use basin_domain::scheduling::{SchedulingChange, SlotLimit, UserName};
use proptest::prelude::*;

use crate::story::{
    CANCEL, PAUSE, RESUME, RETRY_FAILED, Story, commit, launch, listed, seconds, seeds, spec_after, sweep,
    worker,
};

/// One thing that happens; what it happens to is chosen by the numbers.
#[derive(Debug, Clone)]
enum Step {
    Pass(u64),
    Launch(usize),
    Steer(usize, usize),
    Adjust {
        sweep: usize,
        priority: i32,
        slots: u32,
    },
    Sync {
        worker: usize,
        holds: u32,
        slots: u32,
        pack: u32,
        draining: bool,
        heard: bool,
        stale: bool,
    },
    Settle {
        grant: usize,
        task: usize,
        how: usize,
    },
    Look(u32),
    /// Something that was committed turns out damaged, and is withdrawn; perhaps only in the store so far.
    Withdraw {
        commit: usize,
        is_told: bool,
    },
    Drain(usize),
    Forget(usize),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..40u64).prop_map(Step::Pass),
        2 => (0..3usize).prop_map(Step::Launch),
        2 => (0..4usize, 0..3usize).prop_map(|(what, sweep)| Step::Steer(what, sweep)),
        1 => (0..3usize, -1..2i32, 0..4u32)
            .prop_map(|(sweep, priority, slots)| Step::Adjust { sweep, priority, slots }),
        8 => (0..3usize, any::<u32>(), 0..4u32, 1..4u32, 0..20u32, 0..5u32, 0..9u32).prop_map(
            |(worker, holds, slots, pack, draining, heard, stale)| Step::Sync {
                worker,
                holds,
                slots,
                pack,
                draining: draining == 0,
                heard: heard > 0,
                stale: stale == 0,
            }
        ),
        8 => (0..40usize, 0..4usize, 0..10usize)
            .prop_map(|(grant, task, how)| Step::Settle { grant, task, how }),
        3 => any::<u32>().prop_map(Step::Look),
        2 => (0..20usize, 0..4u32).prop_map(|(commit, told)| Step::Withdraw { commit, is_told: told > 0 }),
        1 => (0..3usize).prop_map(Step::Drain),
        1 => (0..3usize).prop_map(Step::Forget),
        1 => Just(Step::Restart),
    ]
}

const WORKERS: [&str; 3] = ["w0", "w1", "w2"];
const SWEEPS: [&str; 3] = ["s0", "s1", "s2"];

/// Three sweeps that overlap; the second has tasks that read others'.
fn tasks_of(sweep: usize) -> Vec<LaunchTask> {
    let roots = seeds(8, 4);
    let reader = listed("reader", spec_after(9, &[roots[0].id, roots[3].id]));
    let second = listed("second", spec_after(10, &[reader.id]));
    match sweep {
        0 => roots[..3].to_vec(),
        1 => [vec![second, reader], roots[1..].to_vec(), roots[..1].to_vec()].concat(),
        _ => [seeds(11, 2), roots[2..].to_vec(), roots[2..3].to_vec()].concat(),
    }
}

struct Run {
    story: Story,
    grants: Vec<Grant>,
    commits: BTreeMap<TaskId, CommitRecord>,
    committed: BTreeMap<TaskId, LeaseId>,
    /// The commits that the store has withdrawn.
    withdrawn: BTreeSet<(TaskId, LeaseId)>,
    stale: Vec<CommitRecord>,
    begun: BTreeSet<(TaskId, Attempt)>,
}

impl Run {
    fn take(&mut self, step: &Step) {
        let durable =
            |events: &[Event]| events.iter().filter(|event| event.is_durable()).cloned().collect::<Vec<_>>();
        match *step {
            Step::Pass(by) => self.story.pass(seconds(by)),
            Step::Launch(number) => {
                let user = (number < 2).then(|| UserName::new("ann").unwrap());
                let launch = Launch { user, ..launch(SWEEPS[number], tasks_of(number)) };
                self.story.tell(launch);
            }
            Step::Adjust { sweep: number, priority, slots } => {
                let max_slots = Some(NonZeroU32::new(slots).map_or(SlotLimit::None, SlotLimit::AtMost));
                let adjustment = SchedulingChange { priority: Some(priority), max_slots };
                let _ = self.story.ask(Adjust { sweep: sweep(SWEEPS[number]), adjustment });
            }
            Step::Steer(what, number) => {
                let _ = [PAUSE, RESUME, CANCEL, RETRY_FAILED][what](&mut self.story, sweep(SWEEPS[number]));
            }
            Step::Drain(number) => {
                let _ = self.story.ask(Drain(worker(WORKERS[number])));
            }
            Step::Forget(number) => self.forget(number),
            Step::Restart => {
                let mut ledger = Ledger::new(*self.story.ledger.policy());
                durable(&self.story.events).iter().for_each(|event| ledger.apply(event));
                self.story.ledger = ledger;
                self.story.tell(Restarted);
            }
            Step::Look(found) => self.look(found),
            Step::Withdraw { commit, is_told } => self.withdraw(commit, is_told),
            Step::Settle { grant, task, how } => self.settle(grant, task, how),
            Step::Sync { worker, holds, slots, pack, draining, heard, stale } => {
                let mut says = self.story.says(WORKERS[worker], slots).packs(pack);
                says.0.draining = draining;
                if stale {
                    says.0.seen = 0;
                }
                let id = says.0.worker.clone();
                let leases = self.story.ledger.leases_of(&id).enumerate();
                let held: Vec<_> = leases
                    .filter(|(bit, _)| holds & (1 << (bit % 32)) != 0)
                    .map(|(_, lease)| (lease.id.clone(), lease.tasks))
                    .collect();
                says = says.holding(&held.iter().map(|(lease, _)| lease).collect::<Vec<_>>());
                for (said, (_, tasks)) in says.0.holds.iter_mut().zip(&held) {
                    said.progress = tasks.iter().map(|task| (*task, Progress::default())).collect();
                }
                let synced = if heard { self.story.sync(says) } else { self.story.sync_in_vain(says) };
                self.grants.extend(synced.grants);
            }
        }
    }

    /// Asks a store that has what `commits` says, and perhaps one commit more.
    fn look(&mut self, found: u32) {
        for (number, ExpiredLease { lease, tasks }) in self.story.tick().into_iter().enumerate() {
            for task in &tasks {
                let attempt = self.story.ledger.task(task).unwrap().begun;
                if found & (1 << (number % 32)) != 0 {
                    self.commits.entry(*task).or_insert_with(|| commit(*task, &lease, attempt));
                }
                if let Some(commit) = self.commits.get(task).cloned() {
                    self.report(Adopt(commit));
                }
            }
            self.story.tell(Expire { lease, tasks });
        }
    }

    /// The store puts a note in the commit's place, and the ledger hears of it, later if at all. Who has read the commit
    /// before may bring it yet.
    fn withdraw(&mut self, number: usize, is_told: bool) {
        if let Some(commit) = self.commits.values().nth(number % self.commits.len().max(1)).cloned() {
            self.commits.remove(&commit.task);
            self.withdrawn.insert((commit.task, commit.lease.clone()));
            self.stale.push(commit);
        }
        if is_told {
            let known = |task: &TaskId| self.story.ledger.task(task).is_some();
            let told = self.stale.iter().filter(|commit| known(&commit.task));
            let commits = told.map(|commit| Withdrawal {
                task: commit.task,
                lease: commit.lease.clone(),
                attempt: commit.attempt,
            });
            let withdraw = Withdraw { sweep: None, commits: commits.collect() };
            self.story.tell(withdraw.clone());
            assert_eq!(self.story.tell(withdraw), vec![], "asked twice it is done once");
            for stale in self.stale.clone() {
                let phase = self.story.ledger.task(&stale.task).map(|task| task.phase);
                let refusal = self.story.ask(Adopt(stale.clone()));
                assert!(refusal.is_err(), "{stale:?} was taken again in {phase:?}");
            }
        }
    }

    /// A sweep leaves if it is over. What nobody lists or reads any more was never there; commits stay in the store.
    fn forget(&mut self, number: usize) {
        if let Err(refusal) = self.story.ask(Forget(sweep(SWEEPS[number]))) {
            let is_known = matches!(&refusal, Refusal::NotOver(_) | Refusal::StillStopping { .. });
            assert!(is_known || self.story.ledger.sweep(&sweep(SWEEPS[number])).is_none(), "{refusal}");
        }
        let ledger = &self.story.ledger;
        let is_known = |task: &TaskId| ledger.task(task).is_some();
        self.committed.retain(|task, _| is_known(task));
        self.begun.retain(|(task, _)| is_known(task));
        for grant in self.grants.iter().filter(|grant| ledger.worker_of(&grant.lease).is_some()) {
            assert!(grant.tasks.iter().any(|task| is_known(&task.id)), "all tasks of a lease are gone");
        }
    }

    /// A commit that the store has; while the ledger has another, that was withdrawn since, it isn't taken.
    fn report<R: Request>(&mut self, request: R) {
        if let Err(refusal) = self.story.ask(request) {
            let Refusal::CommittedOtherwise { task, recorded } = refusal else { panic!("{refusal}") };
            assert!(self.withdrawn.contains(&(task, recorded)));
        }
    }

    /// Whether the ledger knows an attempt at the task under this lease.
    fn remembers(&self, task: &TaskId, lease: &LeaseId) -> bool {
        let task = self.story.ledger.task(task);
        task.is_some_and(|task| task.attempts.iter().any(|attempt| attempt.lease == *lease))
    }

    fn settle(&mut self, grant: usize, task: usize, how: usize) {
        if self.grants.is_empty() {
            return;
        }
        let grant = self.grants[self.grants.len() - 1 - grant % self.grants.len()].clone();
        let LeasedTask { id: task, attempt, .. } = grant.tasks[task % grant.tasks.len()];
        let lease = grant.lease.clone();
        let ended = match how {
            0..=4 => {
                let commit = match self.withdrawn.contains(&(task, lease.clone())) {
                    // Its own commit was there and counts no more: the store tells it so, and it says nothing.
                    true => return,
                    false => {
                        self.commits.entry(task).or_insert_with(|| commit(task, &lease, attempt.0)).clone()
                    }
                };
                // What was committed before the task was forgotten is found in the store, and adopted.
                match commit.lease == lease || self.remembers(&task, &commit.lease) {
                    true => self.story.ask(Complete(commit)).map(drop),
                    false => self.story.ask(Adopt(commit)).map(drop),
                }
            }
            5..=7 => {
                let kind = FailureKind::ALL[(how + task.0.as_bytes()[0] as usize) % FailureKind::ALL.len()];
                self.story.ask(Fail { lease, task, failure: Failure::new(kind, "it failed") }).map(drop)
            }
            _ => self.story.ask(Release { lease, task, reason: ReleaseReason::Preemption }).map(drop),
        };
        // Of a task with very many attempts the ledger may have forgotten the lease.
        if let Err(refusal) = ended {
            let is_withdrawn = |lease: &LeaseId| self.withdrawn.contains(&(task, lease.clone()));
            match &refusal {
                Refusal::CommittedOtherwise { recorded, .. } => assert!(is_withdrawn(recorded)),
                Refusal::Withdrawn { lease, .. } => assert!(is_withdrawn(lease)),
                Refusal::UnknownTask(unknown) => {
                    assert!(*unknown == task && self.story.ledger.task(&task).is_none());
                }
                _ => assert_eq!(refusal, Refusal::NotOfThisLease { lease: grant.lease.clone(), task }),
            }
        }
    }

    fn check(&mut self, from: usize) {
        for event in &self.story.events[from..] {
            if let Change::Granted(granted) = &event.change {
                let of = self.story.ledger.sweep(granted.sweep.as_ref().unwrap()).unwrap();
                assert!(of.max_slots.is_none_or(|most| of.slots <= most), "a sweep was given too much");
                let of_user = self.story.ledger.sweeps().filter(|other| other.user == of.user);
                let of_user: u32 = of_user.map(|other| other.slots).sum();
                let most = self.story.ledger.policy().max_slots_of_user;
                assert!(most.is_none_or(|most| of_user <= most.get()), "a user was given too much");
                for granted in &granted.tasks {
                    assert!(self.begun.insert(*granted), "attempt {} was begun twice", granted.1);
                    assert!(!self.committed.contains_key(&granted.0), "a committed task was granted");
                }
            }
            if let Change::Committed(commit) = &event.change {
                let before = self.committed.insert(commit.task, commit.lease.clone());
                assert_eq!(before, None, "committed twice");
            }
            if let Change::Withdrawn(Withdrawal { task, lease, .. }) = &event.change {
                assert!(self.withdrawn.contains(&(*task, lease.clone())));
                self.committed
                    .remove(task)
                    .filter(|committed| committed != lease)
                    .map(|other| self.committed.insert(*task, other));
            }
        }
        for task in self.committed.keys() {
            assert!(self.story.phase(*task).is_committed(), "a commit was lost");
        }
        for (task, _) in SWEEPS.iter().filter_map(|id| self.story.ledger.sweep_tasks(&sweep(id))).flatten() {
            let charges = task.charged <= self.story.ledger.policy().max_attempts;
            assert!(charges, "charged {} times", task.charged);
            assert_eq!(task.phase == Phase::Failed, task.failed.is_some());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn any_commands_keep_the_ledger_sound_and_any_journal_replays(
        steps in proptest::collection::vec(step(), 1..80)
    ) {
        let policy = Policy { max_attempts: 3, quarantine_workers: 3, bad_worker_failures: 3, max_slots_of_sweep: NonZeroU32::new(3), max_slots_of_user: NonZeroU32::new(4), ..Policy::default() };
        let mut run = Run {
            story: Story::with(policy),
            grants: vec![],
            commits: BTreeMap::new(),
            committed: BTreeMap::new(),
            withdrawn: BTreeSet::new(),
            stale: vec![],
            begun: BTreeSet::new(),
        };
        let mut since_restart = 0;
        for step in steps {
            let from = run.story.events.len();
            if matches!(step, Step::Restart) {
                since_restart = from;
            }
            run.take(&step);
            run.check(from);
        }

        // Every event again: the same ledger, but for what was said before a restart and not kept.
        let mut replayed = Ledger::new(policy);
        for (number, event) in run.story.events.iter().enumerate() {
            if event.is_durable() || number >= since_restart {
                replayed.apply(event);
            }
        }
        prop_assert_eq!(&replayed, &run.story.ledger);

        // The durable ones alone, and a snapshot of half of them: the same once leases were given a full lease duration.
        let restarted = Event { at: run.story.now, change: Change::Restarted { expires: run.story.now + policy.lease_duration } };
        let durable: Vec<_> = run.story.events.iter().filter(|event| event.is_durable()).cloned().collect();
        let (before, after) = durable.split_at(durable.len() / 2);
        let mut ledger = Ledger::new(policy);
        before.iter().for_each(|event| ledger.apply(event));
        let text = serde_json::to_string(&ledger.snapshot()).unwrap();
        let snapshot: Snapshot = serde_json::from_str(&text).unwrap();
        let mut ledger = Ledger::restore(policy, snapshot).unwrap();
        after.iter().for_each(|event| ledger.apply(event));
        ledger.apply(&restarted);
        run.story.ledger.apply(&restarted);
        prop_assert_eq!(ledger.snapshot(), run.story.ledger.snapshot());
        prop_assert!(ledger.audit().is_ok());
        prop_assert_eq!(ledger.queue_depth(), run.story.ledger.queue_depth());
    }
}

#[test]
fn a_reply_to_a_launch_counts_each_task_once() {
    let mut story = Story::new();
    for (number, id) in SWEEPS.into_iter().enumerate() {
        let LaunchCounts { new, reused, shared } = story.launch(id, tasks_of(number));
        let distinct: BTreeSet<_> = tasks_of(number).iter().map(|task| task.id).collect();
        assert_eq!(new + reused + shared, distinct.len() as u64);
    }
}
