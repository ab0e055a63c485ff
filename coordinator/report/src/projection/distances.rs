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
    /// Between the last recorded weights of each pair of runs, in plan order: (one seed, the other, ‖a − b‖₂).
    pub between_last: Vec<((u64, u64), f64)>,
    /// From each run's first to its last recorded weights, in plan order: (seed, ‖a − b‖₂).
    pub first_to_last: Vec<(u64, f64)>,
    /// The runs of the selection that aren't among them, each with why, in words: `seed 3: is missing`.
    pub left_out: Vec<String>,
}

/// The distances of every [`basin_domain::claim::Check::Together`]: by the claim's place among the sweep's claims, and the
/// check's place in the claim. There is one for every such check, of nothing if no run has weights.
pub type DistancesByCheck = BTreeMap<(usize, usize), Distances>;

/// The distances of those of `selected` whose weights can be compared.
pub(super) fn measure(selected: &[&Run], files: &WeightsFiles) -> Distances {
    let comparable = ComparableRuns::of(ALL_LAYERS, selected, files, |recorded| vec![0, recorded - 1]);
    let seeds: Vec<u64> = comparable.runs.iter().map(|run| run.run.task.spec.seed).collect();
    // Two snapshots a run, the first and the last recorded; the same one twice if there is only one.
    let (first, last) = (|run: usize| 2 * run, |run: usize| 2 * run + 1);
    let mut between_last = Vec::new();
    for (a, &one) in seeds.iter().enumerate() {
        for (b, &other) in seeds.iter().enumerate().skip(a + 1) {
            between_last.push(((one, other), comparable.gram.distance(last(a), last(b))));
        }
    }
    let first_to_last = seeds
        .iter()
        .enumerate()
        .map(|(run, &seed)| (seed, comparable.gram.distance(first(run), last(run))))
        .collect();
    let seed_of = |task| selected.iter().find(|run| run.task.id == task).map(|run| run.task.spec.seed);
    let left_out = comparable.left_out.iter().map(|left_out| match seed_of(left_out.task) {
        Some(seed) => format!("seed {seed}: {}", left_out.why),
        None => left_out.why.clone(),
    });
    Distances { between_last, first_to_last, left_out: left_out.collect() }
}
