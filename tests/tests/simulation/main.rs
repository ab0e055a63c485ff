//! A deterministic simulation: the real ledger, writer and journal; workers, a person, a network and a store that fail in
//! every way the design speaks of. Thousands of seeds, each a few minutes of simulated time.
//!
//! Workers decide with the reactor and the training states that ship; calls, executors and clocks are simulated.
//!
//! Checked are the promises 1 (committed once, never lost), 2 (nothing acknowledged is lost), 3 (a coordinator's death
//! doesn't stop training), 6 (a worker stops before its lease can be granted again) and 7 (attempts are charged by
//! cause) of the design.
//!
//! `BASIN_SIMULATION_SEEDS=20000` runs more seeds, from `BASIN_SIMULATION_FROM` on; `BASIN_SIMULATION_SEED=17` runs one and prints all that
//! happens.

#![allow(clippy::print_stderr, reason = "a seed that is run alone is traced")]
#![allow(clippy::unwrap_used, reason = "a broken promise ends the run")]

#[cfg(test)]
mod attempt;
#[cfg(test)]
mod chance;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod client;
#[cfg(test)]
mod command;
#[cfg(test)]
mod coordinator;
#[cfg(test)]
mod executor;
#[cfg(test)]
mod plan;
#[cfg(test)]
mod running;
#[cfg(test)]
mod store;
#[cfg(test)]
mod worker;
#[cfg(test)]
mod world;

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use basin_tests::number_from;
use checks::BrokenPromise;
use world::{Faults, Flaw, Tally, World};

/// How often it is said how far many seeds are.
const SAID_EVERY: u64 = 10_000;

/// Runs these seeds on all cores; the first that breaks a promise ends it.
fn run_seeds(seeds: Range<u64>, faults: Faults, flaw: Option<Flaw>) -> Result<Tally, (u64, BrokenPromise)> {
    let next = AtomicU64::new(seeds.start);
    let total = Mutex::new(Ok(Tally::new()));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    if seed > seeds.start && seed.is_multiple_of(SAID_EVERY) {
                        eprintln!("seed {seed} has begun");
                    }
                    let run = World::new(seed, faults, flaw).run();
                    let mut total = total.lock().unwrap();
                    match (&mut *total, run) {
                        (Ok(total), Ok(tally)) => {
                            tally
                                .into_iter()
                                .for_each(|(what, count)| *total.entry(what).or_default() += count);
                        }
                        (Ok(_), Err(broken)) => *total = Err((seed, broken)),
                        (Err(_), _) => return,
                    }
                }
            });
        }
    });
    total.into_inner().unwrap()
}

/// Runs the seed of `BASIN_SIMULATION_SEED` alone, or as many as `BASIN_SIMULATION_SEEDS` says.
fn keeps_all_promises(seeds: u64, faults: Faults) -> Tally {
    if let Some(seed) = number_from("BASIN_SIMULATION_SEED") {
        return World::new(seed, faults, None).traced().run().unwrap();
    }
    let from = number_from("BASIN_SIMULATION_FROM").unwrap_or(0);
    let seeds = number_from("BASIN_SIMULATION_SEEDS").unwrap_or(seeds);
    run_seeds(from..from + seeds, faults, None).unwrap_or_else(|(seed, broken)| {
        let BrokenPromise { promise, what } = broken;
        panic!("promise {promise} was broken: {what}\nhint: BASIN_SIMULATION_SEED={seed} runs this alone, with a trace")
    })
}

#[test]
fn all_promises_are_kept_whatever_dies_when() {
    let tally = keeps_all_promises(1_000, Faults::MANY);
    eprintln!("{tally:#?}");
    if number_from("BASIN_SIMULATION_SEED").is_some() {
        return;
    }
    // A fault that never happens isn't tested.
    for what in [
        "attempts superseded",
        "commits adopted",
        "coordinator deaths",
        "checkpoints refused",
        "deaths witnessed",
        "executors hung",
        "failed writes",
        "leases expired",
        "leases fenced",
        "leases granted in answers",
        "messages lost",
        "packs",
        "outages of checkpoints",
        "runs resumed",
        "snapshots",
        "sweeps forgotten",
        "tasks failed for good",
        "tasks given back",
        "tasks tried again",
        "worker deaths",
        "workers avoided",
        "workers cut off",
        "workers left",
        "workers lost",
    ] {
        assert!(tally.contains_key(what), "it never happened: {what}");
    }
}

#[test]
fn the_coordinators_deaths_alone_stop_no_training() {
    let tally = keeps_all_promises(300, Faults::COORDINATOR_ALONE);
    assert!(tally.contains_key("coordinator deaths"));
    for what in ["leases fenced", "workers lost"] {
        assert_eq!(tally.get(what), None, "{what}");
    }
}

#[test]
fn leaders_that_hang_and_go_on_when_another_leads_break_no_promise() {
    let tally = keeps_all_promises(200, Faults::PAUSES_TOO);
    if number_from("BASIN_SIMULATION_SEED").is_some() {
        return;
    }
    for what in ["coordinators paused", "superseded leaders found out"] {
        assert!(tally.contains_key(what), "it never happened: {what}");
    }
}

#[test]
fn what_is_damaged_is_withdrawn_and_committed_again_and_no_promise_is_broken() {
    let tally = keeps_all_promises(1_000, Faults::DAMAGE_TOO);
    if number_from("BASIN_SIMULATION_SEED").is_some() {
        return;
    }
    for what in ["commits damaged", "commits withdrawn", "attempts superseded", "coordinator deaths"] {
        assert!(tally.contains_key(what), "it never happened: {what}");
    }
}

#[test]
fn a_seed_gives_the_same_history_each_time() {
    for seed in 0..20 {
        let history = || World::new(seed, Faults::MANY, None).history().unwrap();
        assert_eq!(history(), history(), "seed {seed}");
    }
}

/// The checks notice what they are there for: with this flaw some seed breaks this promise.
#[track_caller]
fn is_noticed(flaw: Flaw, faults: Faults, promises: &[u8]) {
    let (seed, broken) = run_seeds(0..3_000, faults, Some(flaw)).expect_err("the flaw is noticed");
    assert!(promises.contains(&broken.promise), "seed {seed}: {broken:?}");
}

#[test]
fn workers_that_do_not_fence_are_noticed() {
    is_noticed(Flaw::WorkersDoNotFence, Faults::MANY, &[6]);
}

#[test]
fn a_silence_that_is_borne_for_ever_is_noticed() {
    is_noticed(Flaw::SilenceIsBorne, Faults::MANY, &[1]);
}

#[test]
fn a_hang_that_charges_every_lane_is_noticed() {
    is_noticed(Flaw::HangsChargeEveryLane, Faults::MANY, &[7]);
}

#[test]
fn answers_before_the_write_are_noticed() {
    is_noticed(Flaw::AnswersBeforeWriting, Faults::MANY, &[1, 2]);
}

#[test]
fn a_store_that_ignores_conditions_is_noticed() {
    is_noticed(Flaw::StoreIgnoresConditions, Faults::MANY, &[1]);
}

#[test]
fn a_restart_without_a_full_term_is_noticed() {
    is_noticed(Flaw::NoFullTermAfterRestart, Faults::COORDINATOR_ALONE, &[3, 6]);
}

#[test]
fn superseded_leaders_that_answer_are_noticed() {
    is_noticed(Flaw::SupersededLeadersAnswer, Faults::PAUSES_TOO, &[1, 2, 3, 6]);
}
