//! `interpolate`: the line through two solutions.

use basin_domain::experiment::Interpolate;
use basin_domain::experiment::series::Unit;
use basin_domain::experiment::series::interpolate::BARRIERS;
use basin_domain::metrics::{Axis, Metrics};
use basin_domain::task::TaskSpec;

use super::inputs::{self, Visitor};
use super::{EvaluatedExamples, Landscape, WeightPoint, WeightPoints};
use crate::model::Model;
use crate::tensors::NamedTensors;
use crate::training::LearningProblem;
use crate::{Assets, ExperimentError, Run};

/// Starts or resumes a run of `interpolate`.
pub(crate) fn start(
    spec: &TaskSpec,
    parameters: &Interpolate,
    assets: &Assets,
    checkpoint: Option<&[u8]>,
) -> Result<Box<dyn Run>, ExperimentError> {
    if parameters.ratios.count < 2 {
        return Err(ExperimentError::InvalidParameters("a line needs at least two ratios".to_owned()));
    }
    inputs::visit(spec, &parameters.trained, assets, Start { spec, parameters, assets, checkpoint })
}

struct Start<'a> {
    spec: &'a TaskSpec,
    parameters: &'a Interpolate,
    assets: &'a Assets,
    checkpoint: Option<&'a [u8]>,
}

impl Visitor for Start<'_> {
    fn start<P: LearningProblem + 'static>(
        self,
        problem: P,
        model: Model,
    ) -> Result<Box<dyn Run>, ExperimentError> {
        let (from, to) = (inputs::read(self.assets, "from")?, inputs::read(self.assets, "to")?);
        let (Some(from), Some(to)) = (from, to) else {
            return Landscape::without_solution(self.spec, problem, model);
        };
        let end = |name: &str, tensors: &NamedTensors| inputs::flat_weights(&model, tensors, name, "model");
        let buffers =
            [inputs::flat_buffers(&model, &from, "from")?, inputs::flat_buffers(&model, &to, "to")?];
        let (from, to) = (end("from", &from)?, end("to", &to)?);
        let variances = model.buffers().iter().flat_map(|(name, buffer)| {
            std::iter::repeat_n(name.ends_with("running_variance"), buffer.elem_count())
        });
        let variances = variances.collect();
        let line = Line {
            from,
            to,
            buffers,
            variances,
            ratios: self.parameters.ratios.iter().collect(),
            barrier: self.parameters.barrier,
        };
        let examples = EvaluatedExamples { splits: &inputs::BOTH, most: self.parameters.examples };
        Ok(Box::new(Landscape::start(self.spec, problem, model, line, examples, self.checkpoint)?))
    }
}

/// θ(α) = (1 − α)θ₁ + αθ₂. Running statistics lie on the line too, but for variances, which don't go below zero beyond its ends.
struct Line {
    from: Vec<f64>,
    to: Vec<f64>,
    /// The buffers at both ends.
    buffers: [Vec<f64>; 2],
    /// Which of them are variances.
    variances: Vec<bool>,
    ratios: Vec<f64>,
    /// Whether the barriers between its ends are measured.
    barrier: bool,
}

impl WeightPoints for Line {
    fn count(&self) -> usize {
        self.ratios.len()
    }

    /// At 0 and 1 these are the solutions themselves, to the last bit: one term is theirs, the other is zero.
    fn point(&self, index: usize) -> WeightPoint {
        let ratio = self.ratios[index];
        let between = |(from, to): (&f64, &f64)| (1.0 - ratio) * from + ratio * to;
        let weights = self.from.iter().zip(&self.to).map(between).collect();
        let [from, to] = &self.buffers;
        let buffers = from.iter().zip(to).map(between).zip(&self.variances);
        let buffers = buffers.map(|(value, is_variance)| if *is_variance { value.max(0.0) } else { value });
        WeightPoint {
            weights,
            buffers: buffers.collect(),
            axis: Axis::Ratio,
            x: ratio,
            coordinates: Vec::new(),
        }
    }

    fn describe(&self, _: &mut Metrics) {}

    fn conclude(&self, metrics: &mut Metrics) {
        for (measured, barrier) in BARRIERS.iter().filter(|_| self.barrier) {
            let Some(series) = metrics.series.get(measured.name) else { continue };
            let value = |value: f64| if measured.unit == Unit::Loss { value } else { 1.0 - value };
            let points: Vec<(f64, f64)> =
                series.points.iter().map(|&(ratio, measured)| (ratio, value(measured))).collect();
            if let Some(height) = barrier_height(&points) {
                metrics.record(barrier, 0.0, height);
            }
        }
    }
}

/// How much higher a curve is at most at a ratio from 0 to 1 than the mean of its values at both; none if it has no values there.
fn barrier_height(points: &[(f64, f64)]) -> Option<f64> {
    let at = |ratio: f64| points.iter().find(|point| point.0 == ratio).map(|point| point.1);
    let mean = f64::midpoint(at(0.0)?, at(1.0)?);
    let between = points.iter().filter(|point| (0.0..=1.0).contains(&point.0)).map(|point| point.1);
    // A value that isn't finite is a barrier that nothing crosses.
    let highest = between.reduce(|a, b| if a.is_nan() || b <= a { a } else { b })?;
    Some(highest - mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_barrier_is_the_height_above_the_mean_of_the_ends() {
        let points = [(-1.0, 9.0), (0.0, 1.0), (0.25, 2.0), (0.5, 4.0), (1.0, 2.0), (2.0, 9.0)];
        assert_eq!(barrier_height(&points), Some(2.5));
        let flat = [(0.0, 1.0), (0.5, 0.5), (1.0, 1.0)];
        assert_eq!(barrier_height(&flat), Some(0.0));
        let unequal = [(0.0, 1.0), (0.5, 1.0), (1.0, 2.0)];
        assert_eq!(barrier_height(&unequal), Some(0.5), "the mean of the ends is what a step is above");
        assert_eq!(barrier_height(&points[2..4]), None);
        assert!(barrier_height(&[(0.0, 1.0), (0.5, f64::NAN), (1.0, 1.0)]).unwrap().is_nan());
        assert_eq!(barrier_height(&[(0.0, 1.0), (0.5, f64::INFINITY), (1.0, 1.0)]), Some(f64::INFINITY));
    }
}
