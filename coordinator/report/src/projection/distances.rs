//! Distances between recorded weights: what a claim about where runs end is decided by.

use std::collections::BTreeMap;

use super::comparable::ComparableRuns;
use super::recorded::ALL_LAYERS;
use super::weights_file::WeightsFiles;
use crate::runs::Run;

/// Distances between the recorded weights of the runs that a check looks at, over all parameters. Runs are named by
/// their seeds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Distances {
    /// Between the last recorded weights of each pair of runs, in plan order.
    pub between_last: Vec<PairDistance>,
    /// From each run's first to its last recorded weights, in plan order.
    pub first_to_last: Vec<RunDistance>,
    /// The runs of the selection that aren't among them, each with why, in words: `seed 3: is missing`.
    pub left_out: Vec<String>,
}

/// The distance between recorded weights of two runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairDistance {
    /// The seed of one run.
    pub a: u64,
    /// The seed of the other.
    pub b: u64,
    /// ‖a − b‖₂.
    pub distance: f64,
}

/// The distance between two recorded weights of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RunDistance {
    /// The run's seed.
    pub seed: u64,
    /// ‖a − b‖₂.
    pub distance: f64,
}

/// Where a check stands in a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CheckPlace {
    /// The claim's place among the sweep's claims.
    pub claim: usize,
    /// The check's place in the claim.
    pub check: usize,
}

/// The distances of every [`basin_domain::claim::Check::Together`]. There is one for every such check, of nothing if no run has weights.
pub type DistancesByCheck = BTreeMap<CheckPlace, Distances>;

/// The distances of those of `selected` whose weights can be compared.
pub(super) fn measure(selected: &[&Run], files: &WeightsFiles) -> Distances {
    let comparable = ComparableRuns::of(ALL_LAYERS, selected, files, |recorded| vec![0, recorded - 1]);
    let seeds: Vec<u64> = comparable.runs.iter().map(|run| run.run.task.spec.seed).collect();
    // Two snapshots a run, the first and the last recorded; the same one twice if there is only one.
    let (first, last) = (|run: usize| 2 * run, |run: usize| 2 * run + 1);
    let mut between_last = Vec::new();
    for (place, &a) in seeds.iter().enumerate() {
        for (other, &b) in seeds.iter().enumerate().skip(place + 1) {
            let distance = comparable.gram.distance(last(place), last(other));
            between_last.push(PairDistance { a, b, distance });
        }
    }
    let first_to_last = seeds
        .iter()
        .enumerate()
        .map(|(run, &seed)| RunDistance { seed, distance: comparable.gram.distance(first(run), last(run)) })
        .collect();
    let seed_of = |task| selected.iter().find(|run| run.task.id == task).map(|run| run.task.spec.seed);
    let left_out = comparable.left_out.iter().map(|left_out| match seed_of(left_out.task) {
        Some(seed) => format!("seed {seed}: {}", left_out.why),
        None => left_out.why.clone(),
    });
    Distances { between_last, first_to_last, left_out: left_out.collect() }
}
