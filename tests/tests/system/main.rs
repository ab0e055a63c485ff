//! The whole system in one process: coordinators and workers as they ship, with their calls, journals' recovery and commits, under a
//! simulated time, network, disk and store. A seed draws a cluster and what goes wrong; it gives the same run again.
//!
//! Beside the pure model in `simulation`, which runs the ledger and the reactor alone and so sees far more histories, this one runs what
//! lies between them: services, connections, retries, uploads, sessions of leaders.
//!
//! `BASIN_SYSTEM_SEEDS=20000` runs more seeds; `BASIN_SYSTEM_SEED=17` runs one and prints its story.

#![allow(clippy::print_stderr, reason = "a seed that is run alone is told")]
#![allow(clippy::unwrap_used, reason = "a broken promise ends the run")]

#[cfg(test)]
mod chance;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod executor;
#[cfg(test)]
mod host;
#[cfg(test)]
mod network;
#[cfg(test)]
mod nodes;
#[cfg(test)]
mod plan;
#[cfg(test)]
mod platform;
#[cfg(test)]
mod run;
#[cfg(test)]
mod runtime;
#[cfg(test)]
mod shrink;
#[cfg(test)]
mod store;
#[cfg(test)]
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use basin_tests::number_from;
use checks::{ACKNOWLEDGED, CHARGED, ENDS, FENCED, SAME_BYTES, STARVES, Tally};
use plan::{Faults, Plan};
use run::run;
use shrink::{shrink, story};
use store::ONCE;
use world::Flaw;

/// Runs these seeds on all cores; gives how often what happened, or the first plan that breaks a promise.
fn run_seeds(
    seeds: std::ops::Range<u64>,
    faults: Faults,
    flaw: Option<Flaw>,
) -> Result<Tally, Box<(Plan, run::Outcome)>> {
    let next = AtomicU64::new(seeds.start);
    let total = Mutex::new(Ok(Tally::new()));
    // More than there are cores: a run waits for its second thread now and then.
    let threads = 3 * std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || total.lock().unwrap().is_err() {
                        return;
                    }
                    let plan = Plan::draw(seed, faults);
                    let outcome = run(&plan, flaw);
                    let mut total = total.lock().unwrap();
                    match &mut *total {
                        Ok(_) if outcome.broken.is_some() => *total = Err(Box::new((plan, outcome))),
                        Ok(total) => {
                            outcome
                                .tally
                                .into_iter()
                                .for_each(|(what, count)| *total.entry(what).or_default() += count);
                        }
                        Err(_) => {}
                    }
                }
            });
        }
    });
    total.into_inner().unwrap()
}

/// Runs the seed of `BASIN_SYSTEM_SEED` alone, or as many as `BASIN_SYSTEM_SEEDS` says. Nothing if it was one.
#[track_caller]
fn keeps_all_promises(seeds: u64, faults: Faults) -> Option<Tally> {
    if let Some(seed) = number_from("BASIN_SYSTEM_SEED") {
        let plan = Plan::draw(seed, faults);
        let outcome = run(&plan, None);
        for line in plan.lines().iter().chain(&outcome.story) {
            eprintln!("{line}");
        }
        assert_eq!(outcome.broken, None);
        return None;
    }
    let seeds = number_from("BASIN_SYSTEM_SEEDS").unwrap_or(seeds);
    match run_seeds(0..seeds, faults, None) {
        Ok(tally) => Some(tally),
        Err(first) => {
            let (plan, outcome) = *first;
            let drawn = plan.faults.len();
            let (plan, outcome) = shrink(plan, None, outcome);
            panic!("{}", story(&plan, &outcome, drawn));
        }
    }
}

#[test]
fn an_undisturbed_cluster_does_all_its_work() {
    let Some(tally) = keeps_all_promises(10, Faults::None) else { return };
    assert!(!tally.keys().any(|what| what.starts_with("charges")), "{tally:#?}");
}

#[test]
fn the_whole_system_keeps_its_promises_whatever_goes_wrong() {
    let Some(tally) = keeps_all_promises(150, Faults::All) else { return };
    eprintln!("{tally:#?}");
    // A fault that never happens isn't tested.
    for what in [
        "breaks of connections",
        "charges: crashed",
        "charges: worker-lost",
        "clocks set",
        "cuts both ways",
        "cuts one way",
        "kills after a write",
        "kills amid a write",
        "kills: coordinators",
        "kills: workers",
        "leases ended without a word",
        "machines lost",
        "runs resumed",
        "slow ways",
        "store: LostAnswers",
        "tasks given back",
    ] {
        assert!(tally.contains_key(what), "it never happened: {what}");
    }
}

#[test]
fn no_worker_is_lost_and_nobody_is_charged_because_coordinators_are_killed() {
    let Some(tally) = keeps_all_promises(30, Faults::CoordinatorsKilled) else { return };
    assert!(tally.contains_key("kills: coordinators"));
    assert!(!tally.keys().any(|what| what.starts_with("charges")), "{tally:#?}");
}

#[test]
fn a_seed_gives_the_same_run_each_time() {
    for seed in 0..5 {
        let plan = Plan::draw(seed, Faults::All);
        let (first, second) = (run(&plan, None).story, run(&plan, None).story);
        let differs = first.iter().zip(&second).position(|(a, b)| a != b);
        assert_eq!(differs.map(|at| (&first[at], &second[at])), None, "seed {seed}");
        assert_eq!(first.len(), second.len(), "seed {seed}");
    }
}

/// The checks notice what they are there for: with this flaw some seed breaks one of these promises, and still does with the
/// faults left out that it doesn't need.
#[track_caller]
fn is_noticed(flaw: Flaw, faults: Faults, promises: &[&str]) {
    let (plan, outcome) = *run_seeds(0..300, faults, Some(flaw)).expect_err("the flaw is noticed");
    let drawn = plan.faults.len();
    let (plan, outcome) = shrink(plan, Some(flaw), outcome);
    let text = story(&plan, &outcome, drawn);
    let broken = outcome.broken.expect("a shorter plan breaks the promise too");
    assert!(promises.contains(&broken.promise), "{text}");
}

#[test]
fn conditions_that_a_store_ignores_unnoticed_are_noticed() {
    is_noticed(Flaw::ConditionsIgnored, Faults::LateWrites, &[ONCE]);
}

#[test]
fn answers_before_the_disk_has_what_they_say_are_noticed() {
    is_noticed(Flaw::FsyncSkipped, Faults::All, &[ACKNOWLEDGED, FENCED, CHARGED, ENDS, STARVES]);
}

#[test]
fn leases_that_are_granted_again_too_early_are_noticed() {
    is_noticed(Flaw::LeasesEndEarly, Faults::All, &[FENCED, CHARGED]);
}

#[test]
fn charges_for_lost_connections_are_noticed() {
    is_noticed(Flaw::ConnectionsCharged, Faults::All, &[CHARGED]);
}

#[test]
fn steps_that_are_made_twice_after_a_checkpoint_are_noticed() {
    is_noticed(Flaw::CheckpointsStale, Faults::All, &[SAME_BYTES]);
}

#[test]
fn a_coordinator_whose_clock_stands_is_noticed() {
    is_noticed(Flaw::ClocksStand, Faults::All, &[STARVES, ENDS]);
}
