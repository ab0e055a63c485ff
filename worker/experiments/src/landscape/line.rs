//! `interpolate`: the line through two solutions.

use basin_domain::experiment::Interpolate;
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
        let (from, to) = (end("from", &from)?, end("to", &to)?);
        let line = Line { from, to, ratios: self.parameters.ratios.iter().collect() };
        let examples = EvaluatedExamples { splits: &inputs::BOTH, most: self.parameters.examples };
        Ok(Box::new(Landscape::start(self.spec, problem, model, line, examples, self.checkpoint)?))
    }
}

/// θ(α) = (1 − α)θ₁ + αθ₂.
struct Line {
    from: Vec<f64>,
    to: Vec<f64>,
    ratios: Vec<f64>,
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
        WeightPoint { weights, axis: Axis::Ratio, x: ratio, coordinates: Vec::new() }
    }

    fn describe(&self, _: &mut Metrics) {}
}
