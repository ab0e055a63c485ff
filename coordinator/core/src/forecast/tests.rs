//! Sweeps that are played through, and what is foretold of them meanwhile.

use std::collections::VecDeque;

use basin_domain::digest::Digest;
use basin_domain::failure::{Failure, FailureKind};
use basin_domain::id::{Attempt, LeaseId, TaskId, WorkerId};
use basin_domain::random::Stream;
use basin_domain::time::Timestamp;

use super::work_tally::TaskStand;
use super::*;
use crate::attempt::{AttemptEnd, AttemptRecord};
use crate::phase::Phase;

/// How often workers tell how far they are.
const TELL_EVERY: f64 = 2.0;

/// A task that is played.
#[derive(Debug, Clone)]
struct Played {
    id: TaskId,
    experiment: usize,
    expected: f64,
    /// The seconds that it takes in truth.
    takes: f64,
    inputs: Vec<TaskId>,
    lease: usize,
    leased: f64,
    began: f64,
    ended: f64,
}

/// A sweep that was played to its end.
struct Play {
    tasks: Vec<Played>,
    experiments: usize,
    slots: u32,
    ended: f64,
}

impl Play {
    /// Plays tasks of experiments, each given by the number of its tasks, the seconds that one is expected to take, and those that it takes
    /// about; leases are packs of so many at most, one after the other in their slot. `after` names experiments that wait for others.
    fn new(
        experiments: &[(u32, f64, f64)],
        after: &[(usize, usize)],
        slots: u32,
        pack: usize,
        seed: u64,
    ) -> Self {
        let mut noise = Stream::new(seed, "noise");
        let mut tasks = Vec::new();
        for (experiment, (count, expected, takes)) in experiments.iter().enumerate() {
            for number in 0..*count {
                let id = TaskId(Digest::of(format!("{experiment} {number}").as_bytes()));
                let takes = takes * (0.08 * noise.normal()).exp();
                let [leased, began, ended] = [f64::INFINITY; 3];
                let (expected, inputs) = (*expected, Vec::new());
                tasks.push(Played {
                    id,
                    experiment,
                    expected,
                    takes,
                    inputs,
                    lease: 0,
                    leased,
                    began,
                    ended,
                });
            }
        }
        for (later, earlier) in after {
            let inputs: Vec<TaskId> =
                tasks.iter().filter(|task| task.experiment == *earlier).map(|task| task.id).collect();
            tasks
                .iter_mut()
                .filter(|task| task.experiment == *later)
                .for_each(|task| task.inputs.clone_from(&inputs));
        }
        let mut play = Self { tasks, experiments: experiments.len(), slots, ended: 0.0 };
        play.play(pack);
        play
    }

    fn play(&mut self, pack: usize) {
        let mut free = vec![0.0; self.slots as usize];
        let mut leases = 0;
        while self.tasks.iter().any(|task| task.leased.is_infinite()) {
            free.sort_by(f64::total_cmp);
            let now: f64 = free[0];
            let ended = |id: &TaskId| self.tasks.iter().any(|task| task.id == *id && task.ended <= now);
            let is_ready = |task: &Played| task.leased.is_infinite() && task.inputs.iter().all(ended);
            let ready = self.tasks.iter().enumerate().filter(|(_, task)| is_ready(task));
            // As the ledger does it: long ones first, by their order of magnitude, and then by their places.
            let rank = |expected: f64| expected.log2().floor() as i64;
            let Some((_, first)) = ready.clone().min_by_key(|(place, task)| (-rank(task.expected), *place))
            else {
                // All slots that are free wait for one that isn't.
                let later = free.iter().copied().filter(|at| *at > now).fold(f64::INFINITY, f64::min);
                free.iter_mut().filter(|at| **at <= now).for_each(|at| *at = later);
                continue;
            };
            let experiment = first.experiment;
            // As many as last about two seconds.
            let most = pack.min((2.0 / first.takes) as usize).max(1);
            let of_experiment = ready.filter(|(_, task)| task.experiment == experiment);
            let taken: Vec<usize> = of_experiment.map(|(place, _)| place).take(most).collect();
            leases += 1;
            let mut at = now;
            for place in taken {
                let task = &mut self.tasks[place];
                (task.lease, task.leased, task.began) = (leases, now, at);
                at += task.takes;
                task.ended = at;
            }
            free[0] = at;
        }
        self.ended = self.tasks.iter().map(|task| task.ended).fold(0.0, f64::max);
    }

    fn expected(&self, is_of_these_workers: bool) -> ExpectedWork {
        let of_task = |task: &Played| (task.id, TaskWork::seconds(task.expected));
        let tasks = self.tasks.iter().map(of_task).collect();
        ExpectedWork { tasks, is_of_these_workers, slots: Some(self.slots), ..ExpectedWork::default() }
    }

    /// The forecast at a time.
    fn at(&self, now: f64, expected: &ExpectedWork) -> Forecast {
        let mut tally = WorkTally::default();
        tally.begin(&(0..self.experiments).map(|number| number.to_string()).collect::<Vec<_>>());
        let told = (now / TELL_EVERY).floor() * TELL_EVERY;
        let ms = |seconds: f64| Timestamp((seconds * 1e3).round() as u64);
        for task in &self.tasks {
            let ended = |id: &TaskId| self.tasks.iter().any(|task| task.id == *id && task.ended <= now);
            let phase = match () {
                () if task.ended <= now => Phase::Completed,
                () if task.leased <= now => Phase::Running,
                () if task.inputs.iter().all(ended) => Phase::Queued,
                () => Phase::Blocked,
            };
            let end = (task.ended <= now).then(|| (ms(task.ended), AttemptEnd::Committed));
            let attempts: Vec<AttemptRecord> =
                (task.leased <= now).then(|| attempt(task.lease, ms(task.leased), end)).into_iter().collect();
            let share = ((told - task.began) / task.takes).clamp(0.0, 1.0);
            let stand = TaskStand {
                id: task.id,
                experiment: task.experiment,
                phase,
                share,
                told: Some(ms(told)),
                attempts: &attempts,
                inputs: if phase == Phase::Blocked { task.inputs.clone() } else { Vec::new() },
            };
            tally.add(&stand, expected, ms(now));
        }
        tally.forecast(expected, Some(self.slots), true)
    }

    /// By how much the time left was wrong from the first tenth of the sweep to the last, as shares of what it was.
    fn errors(&self, is_of_these_workers: bool) -> Vec<f64> {
        let expected = self.expected(is_of_these_workers);
        let times = (10..=90).map(|percent| self.ended * f64::from(percent) / 100.0);
        times
            .map(|now| {
                let left = self.at(now, &expected).left.expect("enough was seen");
                assert!(left.least <= left.seconds && left.seconds <= left.most, "{left:?}");
                left.seconds / (self.ended - now) - 1.0
            })
            .collect()
    }
}

fn attempt(lease: usize, started: Timestamp, end: Option<(Timestamp, AttemptEnd)>) -> AttemptRecord {
    let lease = LeaseId::new(format!("lease-{lease}")).unwrap();
    AttemptRecord { attempt: Attempt(1), lease, worker: WorkerId::new("w").unwrap(), started, end }
}

/// A sweep like the homework: many short tasks, few long ones, and some that wait for others. The expectation of each experiment is wrong by
/// about `spread`, and all of them by `all`.
fn homework(seed: u64, spread: f64, all: f64, slots: u32) -> Play {
    let mut stream = Stream::new(seed, "factors");
    let mut experiments: Vec<(u32, f64, f64)> = [
        (12, 0.1),
        (6, 2.5),
        (8, 1.8),
        (3, 2.4),
        (100, 0.04),
        (15, 2.9),
        (9, 0.3),
        (9, 1.4),
        (9, 4.0),
        (3, 9.2),
        (15, 3.3),
        (3, 4.0),
    ]
    .iter()
    .map(|&(count, expected)| (count, expected, expected))
    .collect();
    for (_, _, takes) in &mut experiments {
        *takes *= all * (spread * stream.normal()).exp();
    }
    Play::new(&experiments, &[(11, 10)], slots, 4, seed)
}

/// Asserts that of these errors nearly all are within a quarter, and none is far outside.
#[track_caller]
fn are_small(errors: &[f64]) {
    let within = errors.iter().filter(|error| error.abs() <= 0.25).count() as f64 / errors.len() as f64;
    let worst = errors.iter().fold(0.0, |worst: f64, error| worst.max(error.abs()));
    assert!(within >= 0.92 && worst < 0.6, "{within} are within a quarter, the worst is {worst}: {errors:?}");
}

#[test]
fn from_the_first_tenth_on_the_time_left_is_right_within_a_quarter() {
    let errors: Vec<f64> = (0..10).flat_map(|seed| homework(seed, 0.12, 1.0, 2).errors(true)).collect();
    are_small(&errors);
    let errors: Vec<f64> = (0..10).flat_map(|seed| homework(seed, 0.12, 1.0, 4).errors(true)).collect();
    are_small(&errors);
}

#[test]
fn workers_of_another_pace_are_known_by_what_they_did() {
    let plays = || (0..10).map(|seed| homework(seed, 0.12, 7.0, 3));
    are_small(&plays().flat_map(|play| play.errors(false)).collect::<Vec<_>>());
    for play in plays() {
        assert_eq!(play.at(0.0, &play.expected(false)).left, None, "nothing was seen yet");
    }
}

#[test]
fn what_was_planned_stands_until_something_was_seen() {
    let play = homework(0, 0.0, 1.0, 2);
    let left = play.at(0.0, &play.expected(true)).left.unwrap();
    assert!((left.seconds / play.ended - 1.0).abs() < 0.1, "{left:?} of {}", play.ended);
    assert!(left.most / left.least > 1.5, "it isn't sure: {left:?}");
    let later = play.at(0.8 * play.ended, &play.expected(true)).left.unwrap();
    assert!(later.most / later.least < left.most / left.least, "{later:?}");
}

#[test]
fn short_tasks_in_packs_are_counted_by_their_leases() {
    let play = Play::new(&[(400, 0.1, 0.35)], &[], 2, 16, 3);
    are_small(&play.errors(true));
    are_small(&play.errors(false));
}

#[test]
fn the_share_is_whole_at_the_end_alone() {
    let play = homework(1, 0.12, 1.0, 2);
    let expected = play.expected(true);
    let at = |share: f64| play.at(play.ended * share, &expected);
    let shares: Vec<f64> = (0..=20).map(|step| at(f64::from(step) / 20.0).done_share).collect();
    assert!(shares[..20].iter().all(|share| *share < 1.0) && shares[20] == 1.0, "{shares:?}");
    assert_eq!(at(1.0).left.unwrap().seconds, 0.0);
    let last = play.tasks.iter().map(|task| task.began).fold(0.0, f64::max);
    assert!(play.at(last + 0.01, &expected).done_share < 1.0);
    let half = at(0.5).done_share;
    assert!((0.4..0.6).contains(&half), "{half}");
}

#[test]
fn a_chain_is_not_shortened_by_more_slots() {
    let rounds: Vec<(u32, f64, f64)> = vec![(1, 1.0, 1.0); 10];
    let after: Vec<(usize, usize)> = (1..10).map(|round| (round, round - 1)).collect();
    let play = Play::new(&rounds, &after, 8, 1, 0);
    assert!((play.ended - 10.0).abs() < 1.5, "{}", play.ended);
    are_small(&play.errors(true));
}

/// A tally of one experiment with these tasks: phase, share, attempts.
fn tally(expected: &ExpectedWork, now: u64, tasks: &[(Phase, f64, Vec<AttemptRecord>)]) -> WorkTally {
    let mut tally = WorkTally::default();
    tally.begin(&["only".to_owned()]);
    for (number, (phase, share, attempts)) in tasks.iter().enumerate() {
        let (phase, share) = (*phase, *share);
        let (id, told) = (task_id(number), Some(Timestamp(now)));
        let stand = TaskStand { id, experiment: 0, phase, share, told, attempts, inputs: Vec::new() };
        tally.add(&stand, expected, Timestamp(now));
    }
    tally
}

fn task_id(number: usize) -> TaskId {
    TaskId(Digest::of(&number.to_le_bytes()))
}

fn ended(lease: usize, from: u64, to: u64, end: AttemptEnd) -> AttemptRecord {
    attempt(lease, Timestamp(from), Some((Timestamp(to), end)))
}

/// Four tasks of ten seconds each.
fn tens() -> ExpectedWork {
    let tasks = (0..4).map(|number| (task_id(number), TaskWork::seconds(10.0))).collect();
    ExpectedWork { tasks, is_of_these_workers: true, ..ExpectedWork::default() }
}

#[test]
fn a_pause_takes_no_time_of_the_work() {
    let done = || vec![ended(1, 0, 20_000, AttemptEnd::Committed)];
    let stands = |now| {
        let open = || (Phase::Queued, 0.0, vec![]);
        tally(&tens(), now, &[(Phase::Completed, 1.0, done()), open(), open(), open()])
    };
    let left = |now| stands(now).forecast(&tens(), Some(1), true).left.unwrap();
    assert_eq!(left(20_000), left(9_000_000));
    assert!((50.0..=60.0).contains(&left(20_000).seconds), "{:?}", left(20_000));
    assert_eq!(stands(20_000).forecast(&tens(), Some(1), false).left, None, "it waits for a person");
    assert_eq!(stands(20_000).forecast(&tens(), None, true).left, None, "nobody works on it");
}

#[test]
fn what_was_done_before_says_nothing_of_these_workers() {
    // Three are reused: they have no attempts.
    let reused = || (Phase::Completed, 1.0, vec![]);
    let all = [reused(), reused(), reused(), (Phase::Queued, 0.0, vec![])];
    let forecast = tally(&tens(), 5_000, &all).forecast(&tens(), Some(1), true);
    assert_eq!((forecast.done_share, forecast.left.unwrap().seconds), (0.75, 10.0));
    assert_eq!(forecast.experiments[0].measured, None);
}

#[test]
fn what_other_workers_took_before_says_nothing_either() {
    let done = |from: u64, to: u64| {
        (Phase::Completed, 1.0, vec![ended(from as usize, from, to, AttemptEnd::Committed)])
    };
    let resumed = vec![
        ended(7, 2_000, 9_000, AttemptEnd::Released(basin_domain::failure::ReleaseReason::Stopped)),
        attempt(8, Timestamp(100_000), None),
    ];
    let tasks = [done(1_000, 90_000), done(100_001, 112_001), (Phase::Running, 0.9, resumed)];
    let expected = ExpectedWork { since: Timestamp(100_000), ..tens() };
    let forecast = tally(&expected, 112_001, &tasks).forecast(&expected, Some(1), true);
    assert_eq!(forecast.experiments[0].measured, Some(MeasuredWork { seconds: 12.0, expected: 10.0 }));
}

#[test]
fn a_task_that_was_given_back_took_all_its_leases_time() {
    let attempts = vec![
        ended(1, 0, 12_000, AttemptEnd::Released(basin_domain::failure::ReleaseReason::Drain)),
        ended(2, 500_000, 508_000, AttemptEnd::Committed),
    ];
    let forecast =
        tally(&tens(), 508_000, &[(Phase::Completed, 1.0, attempts)]).forecast(&tens(), Some(1), true);
    assert_eq!(forecast.experiments[0].measured, Some(MeasuredWork { seconds: 20.0, expected: 10.0 }));
}

#[test]
fn a_lost_worker_is_no_measurement() {
    // It was lost after some seconds, and found lost an hour later.
    let lost = Failure::new(FailureKind::WorkerLost, "lost");
    let attempts =
        vec![ended(1, 0, 3_600_000, AttemptEnd::Failed(lost)), attempt(2, Timestamp(3_600_000), None)];
    let running = [(Phase::Running, 0.5, attempts), (Phase::Queued, 0.0, vec![])];
    let forecast = tally(&tens(), 3_605_000, &running).forecast(&tens(), Some(1), true);
    assert_eq!(forecast.experiments[0].measured, Some(MeasuredWork { seconds: 5.0, expected: 5.0 }));
    assert_eq!(forecast.left.unwrap().seconds, 15.0);
}

#[test]
fn a_failed_task_is_not_waited_for() {
    let failed = Failure::new(FailureKind::Experiment, "no");
    let tasks = [
        (Phase::Failed, 0.0, vec![ended(1, 0, 1_000, AttemptEnd::Failed(failed))]),
        (Phase::UpstreamFailed, 0.0, vec![]),
    ];
    let forecast = tally(&tens(), 1_000, &tasks).forecast(&tens(), Some(1), true);
    assert_eq!((forecast.done_share, forecast.left.map(|left| left.seconds)), (1.0, Some(0.0)));
}

#[test]
fn a_program_is_known_by_its_own_runs_alone() {
    let expected = ExpectedWork { is_of_these_workers: true, ..ExpectedWork::default() };
    let queue: VecDeque<_> = vec![(Phase::Queued, 0.0, vec![]); 3].into();
    let with = |first| {
        let mut all = queue.clone();
        all.push_front(first);
        tally(&expected, 30_000, all.make_contiguous()).forecast(&expected, Some(2), true)
    };
    assert_eq!(with((Phase::Running, 0.0, vec![attempt(1, Timestamp(0), None)])).left, None);
    let half = with((Phase::Running, 0.5, vec![attempt(1, Timestamp(0), None)]));
    assert_eq!(half.left.unwrap().seconds, (30.0 + 3.0 * 60.0) / 2.0);
    assert_eq!(half.experiments[0].measured, None, "it was expected to take no particular time");
}

#[test]
fn amounts_that_cannot_be_are_taken_for_others() {
    for amount in [f64::NAN, f64::INFINITY, -1.0, 0.0] {
        let tasks = [(task_id(0), TaskWork::seconds(amount))].into();
        let expected = ExpectedWork { tasks, is_of_these_workers: true, ..ExpectedWork::default() };
        let forecast =
            tally(&expected, 0, &[(Phase::Queued, 0.0, vec![])]).forecast(&expected, Some(1), true);
        assert!(forecast.left.unwrap().seconds.is_finite(), "{amount}");
        assert_eq!(forecast.done_share, 0.0, "{amount}");
    }
}
