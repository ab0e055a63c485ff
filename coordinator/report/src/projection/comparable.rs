//! The runs whose weights can be compared, and their Gram matrix.

use basin_domain::error_chain;
use basin_domain::experiment::SnapshotPlace;
use basin_domain::id::TaskId;

use super::gram::{Gram, block_for};
use super::recorded::{ALL_LAYERS, RecordedWeights, parameters_of};
use super::snapshots::Snapshots;
use super::weights_file::WeightsFile;
use super::weights_file::WeightsFiles;
use crate::runs::Run;

/// The most snapshots that are compared: the eigenvalues of a larger Gram matrix take minutes.
pub(super) const MAX_SNAPSHOTS: usize = 1_200;

/// A completed run that could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExcludedRun {
    /// The run.
    pub task: TaskId,
    /// Why, in words: `has recorded no weights`.
    pub why: String,
}

/// A run whose weights are compared.
#[derive(Debug)]
pub(super) struct ComparableRun<'a> {
    /// The run.
    pub(super) run: &'a Run,
    /// Where the snapshots that are compared were recorded, in their order.
    pub(super) recorded: Vec<SnapshotPlace>,
    file: &'a WeightsFile,
    places: Vec<usize>,
}

/// Runs whose weights have the same shapes, with the Gram matrix of their snapshots: run by run, in the order of training.
#[derive(Debug)]
pub(super) struct ComparableRuns<'a> {
    /// The runs, in plan order.
    pub(super) runs: Vec<ComparableRun<'a>>,
    /// Those that couldn't be used.
    pub(super) left_out: Vec<ExcludedRun>,
    /// The number of coordinates.
    pub(super) dimension: usize,
    /// The inner products of their snapshots.
    pub(super) gram: Gram,
}

impl<'a> ComparableRuns<'a> {
    /// Of `runs`, those whose weights of `layer` can be read, are finite, and have the shapes of the first such run's;
    /// of their recorded snapshots, those that `choose` picks by their places.
    pub(super) fn of(
        layer: &str,
        runs: &[&'a Run],
        files: &'a WeightsFiles,
        choose: impl Fn(usize) -> Vec<usize>,
    ) -> Self {
        let (mut comparable, mut left_out): (Vec<ComparableRun<'a>>, Vec<ExcludedRun>) =
            (Vec::new(), Vec::new());
        let mut snapshots = 0;
        for &run in runs {
            let task = run.task.id;
            let file = match files.get(&task) {
                Some(Ok(file)) => file,
                Some(Err(why)) => {
                    left_out.push(ExcludedRun { task, why: why.clone() });
                    continue;
                }
                None => {
                    left_out.push(ExcludedRun { task, why: format!("is {}", run.outcome()) });
                    continue;
                }
            };
            let places = choose(file.recorded.len());
            match incompatibility(layer, file, comparable.first().map(|first| first.file)) {
                Some(why) => left_out.push(ExcludedRun { task, why }),
                None if snapshots + places.len() > MAX_SNAPSHOTS => {
                    let why = format!("comes after the {MAX_SNAPSHOTS} snapshots that are compared at most");
                    left_out.push(ExcludedRun { task, why });
                }
                None => {
                    snapshots += places.len();
                    let recorded = places.iter().map(|&place| file.recorded[place].place).collect();
                    comparable.push(ComparableRun { run, recorded, file, places });
                }
            }
        }
        loop {
            let chosen: Vec<(&WeightsFile, Vec<usize>)> =
                comparable.iter().map(|run| (run.file, run.places.clone())).collect();
            let mut source = RecordedWeights::new(&chosen, layer);
            let (count, dimension) = (source.count(), source.dimension());
            match Gram::of(&mut source, block_for(count, dimension)) {
                Ok(gram) => {
                    let order = |task| runs.iter().position(|run| run.task.id == task);
                    left_out.sort_by_key(|left_out| order(left_out.task));
                    return Self { runs: comparable, left_out, dimension, gram };
                }
                Err(error) => {
                    let removed = comparable.remove(source.file_of(error.snapshot()));
                    left_out.push(ExcludedRun {
                        task: removed.run.task.id,
                        why: error_chain::with_causes(&error),
                    });
                }
            }
        }
    }
}

/// Why the weights of a file can't be compared with those of the `first`, if they can't.
fn incompatibility(layer: &str, file: &WeightsFile, first: Option<&WeightsFile>) -> Option<String> {
    let parameters = parameters_of(file, layer);
    if parameters.is_empty() {
        return Some(format!("has no layer “{layer}”"));
    }
    if first.is_some_and(|first| parameters_of(first, layer) != parameters) {
        let what = if layer == ALL_LAYERS { "weights".to_owned() } else { format!("layer “{layer}”") };
        return Some(format!("has {what} of other shapes than the first run"));
    }
    None
}
