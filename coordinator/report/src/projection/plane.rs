//! The plane of the first two principal components of runs' recorded weights.

use std::collections::BTreeMap;

use basin_domain::experiment::SnapshotPlace;
use basin_domain::id::{FigureId, TaskId};

use super::comparable::{ComparableRuns, ExcludedRun};
use super::components::principal;
use super::weights_file::WeightsFiles;
use crate::runs::Run;

/// The recorded weights of several runs in the plane of their first two principal components.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    /// The layer whose parameters are projected, or `all`.
    pub layer: String,
    /// The number of these parameters: the dimension of what is projected; 0 if no run could be used.
    pub dimension: usize,
    /// The shares of the total variance along the first and the second component.
    pub explained: [f64; 2],
    /// The runs, in plan order.
    pub paths: Vec<WeightPath>,
    /// The completed runs that are not among them, in plan order.
    pub left_out: Vec<ExcludedRun>,
}

/// A run's way through the plane.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightPath {
    /// The run.
    pub task: TaskId,
    /// Its recorded weights, in their order.
    pub points: Vec<PathPoint>,
}

/// Recorded weights in the plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PathPoint {
    /// Where in training they were recorded.
    pub recorded: SnapshotPlace,
    /// The first component.
    pub first: f64,
    /// The second component.
    pub second: f64,
}

impl PathPoint {
    /// The place in the plane: (x, y).
    pub(crate) fn at(&self) -> (f64, f64) {
        (self.first, self.second)
    }
}

/// The projections of every figure of trajectories, one a choice of layers, in the figure's order.
pub type ProjectionsByFigure = BTreeMap<FigureId, Vec<Projection>>;

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
                .recorded
                .iter()
                .zip(scores.by_ref())
                .map(|(&recorded, (&first, &second))| PathPoint { recorded, first, second });
            WeightPath { task: run.run.task.id, points: points.collect() }
        })
        .collect();
    let explained = [components.explained[0], components.explained[1]];
    Projection { layer: layer.to_owned(), dimension: comparable.dimension, explained, paths, left_out }
}
