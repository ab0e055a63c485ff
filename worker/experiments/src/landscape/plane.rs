//! `surface`: part of a grid in a plane through a solution.

use basin_domain::experiment::series::surface as series;
use basin_domain::experiment::{Plane, SnapshotPlace, Surface};
use basin_domain::metrics::{Axis, Metrics};
use basin_domain::task::TaskSpec;

use super::directions::{self, Principal};
use super::inputs::{self, Visitor, unusable};
use super::{EvaluatedExamples, Landscape, WeightPoint, WeightPoints};
use crate::model::Model;
use crate::training::{LearningProblem, Split};
use crate::{Assets, ExperimentError, Run};

/// Starts or resumes a run of `surface`.
pub(crate) fn start(
    spec: &TaskSpec,
    parameters: &Surface,
    assets: &Assets,
    checkpoint: Option<&[u8]>,
) -> Result<Box<dyn Run>, ExperimentError> {
    let Surface { resolution, tile, .. } = parameters;
    if *resolution < 2 || tile.index >= tile.of {
        let reason = format!(
            "{resolution} cells along each direction and tile {} of {} are no grid",
            tile.index, tile.of
        );
        return Err(ExperimentError::InvalidParameters(reason));
    }
    inputs::visit(spec, &parameters.trained, assets, Start { spec, parameters, assets, checkpoint })
}

struct Start<'a> {
    spec: &'a TaskSpec,
    parameters: &'a Surface,
    assets: &'a Assets,
    checkpoint: Option<&'a [u8]>,
}

impl Visitor for Start<'_> {
    fn start<P: LearningProblem + 'static>(
        self,
        problem: P,
        model: Model,
    ) -> Result<Box<dyn Run>, ExperimentError> {
        let Some(tensors) = inputs::read(self.assets, "of")? else {
            return Landscape::without_solution(self.spec, problem, model);
        };
        let solution = inputs::flat_weights(&model, &tensors, "of", "model")?;
        // Running statistics stay those of the solution.
        model.set_buffers(&inputs::flat_buffers(&model, &tensors, "of")?)?;
        let Surface { plane, resolution, tile, examples, .. } = *self.parameters;
        let grid = match plane {
            Plane::Random { extent } => {
                let direction = |name| directions::filter_normalised(&model, &solution, self.spec.seed, name);
                Grid {
                    directions: [direction("surface/alpha"), direction("surface/beta")],
                    spans: [Span { start: -extent, stop: extent }; 2],
                    trajectory: None,
                    solution,
                    resolution,
                    rows: tile.rows(resolution),
                }
            }
            Plane::Pca { margin } => {
                let places = inputs::recorded_places(&tensors);
                if places.is_empty() {
                    return Err(unusable("of", "it has no recorded weights"));
                }
                let at = |place: &SnapshotPlace| {
                    inputs::flat_weights(&model, &tensors, "of", &format!("weights/{place}"))
                };
                let trajectory: Vec<Vec<f64>> = places.iter().map(at).collect::<Result<_, _>>()?;
                drop(tensors);
                let principal = directions::principal(trajectory, &solution);
                if !principal.is_plane() {
                    let why = "its recorded weights span no plane: before its end there must be two that lie in different directions";
                    return Err(unusable("of", why));
                }
                let spans = [0, 1].map(|axis| span(principal.scores.iter().map(|score| score[axis]), margin));
                let Principal { directions, explained, scores } = principal;
                Grid {
                    directions,
                    spans,
                    trajectory: Some(Trajectory { places, scores, explained }),
                    solution,
                    resolution,
                    rows: tile.rows(resolution),
                }
            }
        };
        let examples = EvaluatedExamples { splits: &[Split::Train], most: examples };
        Ok(Box::new(Landscape::start(self.spec, problem, model, grid, examples, self.checkpoint)?))
    }
}

/// The coordinates that a grid has along a direction.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Span {
    start: f64,
    stop: f64,
}

/// From the least to the greatest coordinate, the solution's 0 included, with a margin on both sides.
fn span(scores: impl Iterator<Item = f64>, margin: f64) -> Span {
    let (low, high) = scores.fold((0.0f64, 0.0f64), |(low, high), score| (low.min(score), high.max(score)));
    if low == high {
        return Span { start: -1.0, stop: 1.0 };
    }
    Span { start: low - margin * (high - low), stop: high + margin * (high - low) }
}

/// A trajectory in the plane.
struct Trajectory {
    places: Vec<SnapshotPlace>,
    scores: Vec<[f64; 2]>,
    explained: [f64; 2],
}

/// θ + αδ + βη over some rows of a grid; a row is a value of β.
struct Grid {
    solution: Vec<f64>,
    directions: [Vec<f64>; 2],
    spans: [Span; 2],
    resolution: u32,
    rows: std::ops::Range<u32>,
    trajectory: Option<Trajectory>,
}

impl Grid {
    fn coordinate(&self, axis: usize, index: u32) -> f64 {
        let Span { start, stop } = self.spans[axis];
        start + (stop - start) * (f64::from(index) / f64::from(self.resolution - 1))
    }
}

impl WeightPoints for Grid {
    fn count(&self) -> usize {
        self.rows.len() * self.resolution as usize
    }

    fn point(&self, index: usize) -> WeightPoint {
        let (row, column) = (index as u32 / self.resolution, index as u32 % self.resolution);
        let row = self.rows.start + row;
        let (alpha, beta) = (self.coordinate(0, column), self.coordinate(1, row));
        let [first, second] = &self.directions;
        let weights = self.solution.iter().zip(first).zip(second);
        let weights = weights.map(|((solution, first), second)| solution + alpha * first + beta * second);
        WeightPoint {
            weights: weights.collect(),
            buffers: Vec::new(),
            axis: Axis::Cell,
            x: f64::from(row) * f64::from(self.resolution) + f64::from(column),
            coordinates: vec![(series::ALPHA.name, alpha), (series::BETA.name, beta)],
        }
    }

    fn describe(&self, metrics: &mut Metrics) {
        let Some(Trajectory { places, scores, explained }) = &self.trajectory else { return };
        for (place, [alpha, beta]) in places.iter().zip(scores) {
            let (axis, x) = (place.axis(), place.number() as f64);
            metrics.record(&series::TRAJECTORY_ALPHA.against(axis), x, *alpha);
            metrics.record(&series::TRAJECTORY_BETA.against(axis), x, *beta);
        }
        metrics.record(&series::EXPLAINED_VARIANCE_ALPHA, 0.0, explained[0]);
        metrics.record(&series::EXPLAINED_VARIANCE_BETA, 0.0, explained[1]);
    }
}
