//! `fit-function`: a dense network is fitted to a function of one or several variables.

use std::sync::Arc;

use basin_domain::experiment::series::fit_function as series;
use basin_domain::experiment::{FitFunction, Function, SampledFunction, ValueLoss};
use basin_domain::metrics::Metrics;
use basin_domain::task::TaskSpec;
use basin_kernels::Loss;
use candle_core::{DType, Device, Tensor};

use crate::accelerator::{Selection, Source, Targets};
use crate::loss;
use crate::model::Model;
use crate::training::{Batch, LearningProblem, Outputs, Schedule, Split, Training, TrainingLoss};
use crate::{Assets, ExperimentError, Run};

/// The points at which the fitted curve is recorded: enough for a smooth line on paper.
const CURVE_POINTS: u32 = 200;
/// The most points.
const MOST_POINTS: u64 = 1_000_000;

/// Starts or resumes a run of `fit-function`.
pub(crate) fn start(
    spec: &TaskSpec,
    parameters: &FitFunction,
    assets: &Assets,
    checkpoint: Option<&[u8]>,
) -> Result<Box<dyn Run>, ExperimentError> {
    let problem = FunctionFit::new(&parameters.sampled())?.under(parameters.loss)?;
    let seed = parameters.seeds.initialization.unwrap_or(spec.seed);
    let model = Model::new(&parameters.network(), &parameters.example(), 1, seed)?;
    debug_assert_eq!(model.parameter_count() as u64, parameters.parameter_count());
    let schedule = Schedule {
        batch_size: parameters.batch_size.map_or(problem.targets.len(), |size| size as usize),
        budget: parameters.budget,
        order_seed: parameters.seeds.order,
        settings: parameters.training.clone(),
    };
    Ok(Box::new(Training::start(spec, schedule, problem, model, assets, checkpoint)?))
}

/// A function with the points on which it is fitted.
pub(crate) struct FunctionFit {
    function: Function,
    interval: (f64, f64),
    variables: usize,
    loss: Loss,
    /// `[points, variables]`.
    inputs: Arc<[f32]>,
    targets: Vec<f32>,
    /// All of them.
    all: Batch,
}

/// The points of an interval at even distances, both ends included; `points` is at least 2.
pub(crate) fn evenly_spaced((low, high): (f64, f64), points: u32) -> impl Iterator<Item = f64> {
    (0..points).map(move |index| low + (high - low) * (f64::from(index) / f64::from(points - 1)))
}

fn matrix(values: Vec<f32>, columns: usize) -> Result<Tensor, ExperimentError> {
    let rows = values.len() / columns;
    Ok(Tensor::from_vec(values, (rows, columns), &Device::Cpu)?)
}

impl FunctionFit {
    /// The points that a task reads.
    ///
    /// # Errors
    /// If they are no points of the function.
    pub(crate) fn new(sampled: &SampledFunction) -> Result<Self, ExperimentError> {
        let (points, intervals) = (sampled.points, sampled.intervals());
        for (low, high) in &intervals {
            if points < 2 || !(low < high && low.is_finite() && high.is_finite()) {
                let reason = format!("{points} points on [{low}, {high}] are no grid");
                return Err(ExperimentError::InvalidParameters(reason));
            }
        }
        let (variables, count) = (sampled.function.variables(), sampled.count());
        if intervals.len() != variables || count > MOST_POINTS {
            let reason =
                format!("{count} points in {} intervals don't fit {variables} variables", intervals.len());
            return Err(ExperimentError::InvalidParameters(reason));
        }
        let (mut inputs, mut targets) = (Vec::new(), Vec::new());
        sampled.for_each(|point| {
            inputs.extend(point.iter().map(|&x| x as f32));
            targets.push(sampled.function.at_point(point) as f32);
            Ok::<(), ExperimentError>(())
        })?;
        let all = Batch { inputs: matrix(inputs.clone(), variables)?, targets: matrix(targets.clone(), 1)? };
        let (function, interval) = (sampled.function.clone(), sampled.interval);
        let loss = Loss::MeanSquaredError;
        Ok(Self { function, interval, variables, loss, inputs: inputs.into(), targets, all })
    }

    /// The same points under this loss.
    ///
    /// # Errors
    /// If there is no such loss.
    pub(crate) fn under(self, by: ValueLoss) -> Result<Self, ExperimentError> {
        Ok(Self { loss: loss::of_values(by)?, ..self })
    }
}

impl LearningProblem for FunctionFit {
    const TRAINING_LOSS: TrainingLoss = TrainingLoss::Evaluated;
    const HAS_ACCURACY: bool = false;

    fn examples(&self, split: Split) -> usize {
        match split {
            Split::Train => self.targets.len(),
            Split::Test => 0,
        }
    }

    fn batch(&self, _: Split, positions: &[u32], dtype: DType) -> Result<Batch, ExperimentError> {
        // One batch of all points is in their own order (see `Training`).
        let batch = if positions.len() == self.targets.len() {
            self.all.clone()
        } else {
            let row = |at: &u32| &self.inputs[*at as usize * self.variables..][..self.variables];
            let inputs: Vec<f32> = positions.iter().flat_map(row).copied().collect();
            let targets: Vec<f32> = positions.iter().map(|&at| self.targets[at as usize]).collect();
            Batch { inputs: matrix(inputs, self.variables)?, targets: matrix(targets, 1)? }
        };
        Ok(Batch { inputs: batch.inputs.to_dtype(dtype)?, targets: batch.targets.to_dtype(dtype)? })
    }

    fn selection(&self, _: Split, positions: &[u32]) -> Result<Selection, ExperimentError> {
        let targets = positions.iter().map(|&at| self.targets[at as usize]).collect();
        Ok(Selection {
            source: Source::Numbers { shape: [self.variables, 1, 1], numbers: Arc::clone(&self.inputs) },
            indices: positions.to_vec(),
            targets: Targets::Numbers(targets),
        })
    }

    fn outputs(&self) -> Outputs {
        Outputs::Values
    }

    fn loss(&self) -> Loss {
        self.loss
    }

    /// Records the fitted curve and the function over the interval, where there is one variable.
    fn conclude(&self, model: &Model, metrics: &mut Metrics) -> Result<(), ExperimentError> {
        if self.variables > 1 {
            return Ok(());
        }
        let inputs = matrix(evenly_spaced(self.interval, CURVE_POINTS).map(|x| x as f32).collect(), 1)?;
        let outputs = model.evaluate(&inputs)?.flatten_all()?.to_vec1::<f32>()?;
        for (x, output) in evenly_spaced(self.interval, CURVE_POINTS).zip(outputs) {
            metrics.record(&series::PREDICTION, x, f64::from(output));
            metrics.record(&series::TARGET, x, self.function.at(x));
        }
        Ok(())
    }
}
