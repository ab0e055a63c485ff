//! Chaos on real processes: workers, coordinators, standbys and stores are killed, stopped and cut off, disks filled, clocks
//! set, journals cut off, blocks damaged, at times that a seed draws. Every sweep must come to its end with the bytes of one that nobody
//! disturbed.
//!
//! `BASIN_CHAOS_RUNS=100` runs as many seeds, from 1 or from `BASIN_CHAOS_FROM`; `BASIN_CHAOS_SEED=17` runs one.
//! `BASIN_CHAOS_LANES` says how many run side by side, `BASIN_CHAOS_KEEP=FOLDER` where broken ones are kept. With `-- --nocapture`
//! each fault has a line with its time.

#![allow(clippy::print_stderr, reason = "what happens is told")]
#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

#[cfg(test)]
mod cluster;
#[cfg(test)]
mod cuts;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod database;
#[cfg(test)]
mod ending;
#[cfg(test)]
mod fault;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod kept;
#[cfg(test)]
mod machine;
#[cfg(test)]
mod plan;
#[cfg(test)]
mod run;
#[cfg(test)]
mod sweeps;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use basin_tests::{Radosgw, number_from};
use machine::Machine;
use run::{Outcome, run};

/// So many seeds run where nobody says how many.
const RUNS: u64 = 3;

/// The seeds that are asked for.
fn seeds() -> std::ops::Range<u64> {
    if let Some(seed) = number_from("BASIN_CHAOS_SEED") {
        return seed..seed + 1;
    }
    let first = number_from("BASIN_CHAOS_FROM").unwrap_or(1);
    first..first + number_from("BASIN_CHAOS_RUNS").unwrap_or(RUNS)
}

/// The ends of all seeds, by seed.
fn run_seeds(seeds: std::ops::Range<u64>, machine: &Machine) -> BTreeMap<u64, Result<Outcome, String>> {
    let next = AtomicU64::new(seeds.start);
    let (ends, starting) = (Mutex::new(BTreeMap::new()), Mutex::new(()));
    let lanes = number_from("BASIN_CHAOS_LANES").unwrap_or(3).min(seeds.end - seeds.start);
    std::thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(|| {
                // Killed at this lane's own times.
                // One after the other: each looks for ports that are free.
                let radosgw = {
                    let _alone = starting.lock().unwrap_or_else(PoisonError::into_inner);
                    machine.has_radosgw.then(Radosgw::start).flatten()
                };
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= seeds.end {
                        return;
                    }
                    let began = Instant::now();
                    let one = || run(seed, machine, radosgw.as_ref());
                    let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(one))
                        .unwrap_or_else(|_| Err("the test itself gave up, see above".to_owned()));
                    let word = if end.is_ok() { "byte-identical" } else { "BROKEN" };
                    eprintln!("[seed {seed}] {word} after {:.1} s", began.elapsed().as_secs_f64());
                    ends.lock().unwrap().insert(seed, end);
                }
            });
        }
    });
    ends.into_inner().unwrap()
}

#[test]
fn whatever_goes_wrong_when_every_sweep_ends_with_the_same_bytes() {
    let machine = Machine::look();
    let (seeds, began) = (seeds(), Instant::now());
    eprintln!("seeds {} to {}; {machine}", seeds.start, seeds.end - 1);
    let ends = run_seeds(seeds, &machine);
    let mut tally: BTreeMap<&str, usize> = BTreeMap::new();
    for kind in ends.values().flatten().flat_map(|outcome| outcome.faults.iter().copied()) {
        *tally.entry(kind).or_default() += 1;
    }
    let broken: Vec<String> = ends
        .iter()
        .filter_map(|(seed, end)| Some(format!("BASIN_CHAOS_SEED={seed}: {}", end.as_ref().err()?)))
        .collect();
    let well = ends.len() - broken.len();
    let seconds = began.elapsed().as_secs_f64();
    eprintln!("{well} of {} runs byte-identical, in {seconds:.0} s; faults: {tally:#?}", ends.len());
    assert!(broken.is_empty(), "broken:\n{}", broken.join("\n"));
    if ends.len() >= 100 {
        check_tally(&tally, &machine);
    }
}

/// A fault that never happens isn't tested.
fn check_tally(tally: &BTreeMap<&str, usize>, machine: &Machine) {
    let always = [
        "workers killed",
        "workers killed with all their processes",
        "executors killed",
        "workers stopped",
        "executors stopped",
        "workers asked to leave",
        "coordinators killed",
        "coordinators stopped",
        "ways to a coordinator cut",
        "ways to the store cut",
        "stores that refused",
        "stores killed",
        "journals cut off",
        "journals damaged",
        "cached data sets damaged",
        "staged files damaged",
        "checkpoints damaged",
        "committed objects damaged",
    ];
    let sometimes = [
        (machine.database.is_some(), "ways to the database cut"),
        (machine.has_small_disks, "disks filled"),
        (machine.has_small_disks, "stores that could only be read"),
        (machine.faketime.is_some(), "clocks stepped"),
    ];
    let sometimes = sometimes.into_iter().filter_map(|(has, kind)| has.then_some(kind));
    for kind in always.into_iter().chain(sometimes) {
        assert!(tally.contains_key(kind), "it never happened: {kind}");
    }
}
