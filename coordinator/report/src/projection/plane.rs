//! The plane of the first two principal components of runs' recorded weights.

use super::comparable::ComparableRuns;
use super::components::principal;
use super::gather::WeightsFiles;
use super::{ExcludedRun, Projection, WeightPath};
use crate::runs::Run;

/// The recorded weights of `layer` of completed runs, projected together.
pub(super) fn project(layer: &str, completed: &[&Run], files: &WeightsFiles) -> Projection {
    let comparable = ComparableRuns::of(layer, completed, files, |recorded| (0..recorded).collect());
    let mut left_out = comparable.left_out;
    let Some(components) = principal(&comparable.gram, 2) else {
        let why = "has weights whose principal components weren't found".to_owned();
        left_out.extend(
            comparable.runs.iter().map(|run| ExcludedRun { task: run.run.task.id, why: why.clone() }),
        );
        return Projection {
            layer: layer.to_owned(),
            dimension: 0,
            explained: [0.0; 2],
            paths: vec![],
            left_out,
        };
    };
    let mut scores = components.scores[0].iter().zip(&components.scores[1]);
    let paths = comparable
        .runs
        .iter()
        .map(|run| {
            let points = run
                .epochs
                .iter()
                .zip(scores.by_ref())
                .map(|(&epoch, (&first, &second))| (epoch, first, second));
            WeightPath { task: run.run.task.id, points: points.collect() }
        })
        .collect();
    let explained = [components.explained[0], components.explained[1]];
    Projection { layer: layer.to_owned(), dimension: comparable.dimension, explained, paths, left_out }
}
