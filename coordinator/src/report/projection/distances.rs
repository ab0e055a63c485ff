//! Distances between recorded weights: what a claim about where runs end is decided by.

use std::collections::BTreeMap;

/// Distances between the recorded weights of the runs that a check looks at, over all parameters. Runs are named by
/// their seeds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Distances {
    /// Between the last recorded weights of each pair of runs, in plan order: (one seed, the other, ‖a − b‖₂).
    pub between_last: Vec<((u64, u64), f64)>,
    /// From each run's first to its last recorded weights, in plan order: (seed, ‖a − b‖₂).
    pub travelled: Vec<(u64, f64)>,
    /// The runs of the selection that aren't among them, each with why, in words: `seed 3: missing`.
    pub left_out: Vec<String>,
}

/// The distances of every [`basin_domain::claim::Check::Together`]: by the claim's place among the sweep's claims, and the
/// check's place in the claim. There is one for every such check, of nothing if no run has weights.
pub type DistancesByCheck = BTreeMap<(usize, usize), Distances>;
