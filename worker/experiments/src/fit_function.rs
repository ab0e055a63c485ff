//! `fit-function`: a dense network is fitted to a function of one variable.

use std::sync::Arc;

use basin_domain::experiment::series::fit_function as series;
use basin_domain::experiment::{FitFunction, Function};
use basin_domain::metrics::Metrics;
use basin_domain::task::TaskSpec;
use basin_kernels::{LossSums, mean_squared_error, squared_error_sums};
use candle_core::{DType, Device, Tensor};

use crate::accelerator::{Selection, Source, Targets};
use crate::model::Model;
use crate::training::{Batch, LearningProblem, Outputs, Schedule, Split, Training, TrainingLoss};
use crate::{Assets, ExperimentError, Run};

/// The points at which the fitted curve is recorded: enough for a smooth line on paper.
const CURVE_POINTS: u32 = 200;

/// Starts or resumes a run of `fit-function`.
pub(crate) fn start(
    spec: &TaskSpec,
    parameters: &FitFunction,
    assets: &Assets,
    checkpoint: Option<&[u8]>,
) -> Result<Box<dyn Run>, ExperimentError> {
    let problem = FunctionFit::new(parameters.function, parameters.interval, parameters.points)?;
    let model = Model::dense_net(1, &parameters.hidden, 1, spec.seed)?;
    debug_assert_eq!(model.parameter_count() as u64, parameters.parameter_count());
    let schedule = Schedule {
        batch_size: parameters.batch_size.unwrap_or(parameters.points) as usize,
        epochs: parameters.epochs,
        optimizer: parameters.optimizer,
        recording: parameters.record,
        probes: parameters.probes.clone(),
    };
    Ok(Box::new(Training::start(spec, schedule, problem, model, assets.accelerator.as_ref(), checkpoint)?))
}

/// Evenly spaced points of a function, both ends of the interval included.
pub(crate) struct FunctionFit {
    function: Function,
    interval: (f64, f64),
    inputs: Arc<[f32]>,
    targets: Vec<f32>,
    /// All of them as `[points, 1]`.
    all: Batch,
}

/// The points of an interval at even distances, both ends included; `points` is at least 2.
pub(crate) fn evenly_spaced((low, high): (f64, f64), points: u32) -> impl Iterator<Item = f64> {
    (0..points).map(move |index| low + (high - low) * (f64::from(index) / f64::from(points - 1)))
}

fn column(values: Vec<f32>) -> Result<Tensor, ExperimentError> {
    let rows = values.len();
    Ok(Tensor::from_vec(values, (rows, 1), &Device::Cpu)?)
}

impl FunctionFit {
    /// The points that a task reads.
    ///
    /// # Errors
    /// If they are no grid.
    pub(crate) fn new(
        function: Function,
        interval: (f64, f64),
        points: u32,
    ) -> Result<Self, ExperimentError> {
        let (low, high) = interval;
        if points < 2 || !(low < high && low.is_finite() && high.is_finite()) {
            let reason = format!("{points} points on [{low}, {high}] are no grid");
            return Err(ExperimentError::InvalidParameters(reason));
        }
        let inputs: Arc<[f32]> = evenly_spaced(interval, points).map(|x| x as f32).collect();
        let targets: Vec<f32> = evenly_spaced(interval, points).map(|x| function.at(x) as f32).collect();
        let all = Batch { inputs: column(inputs.to_vec())?, targets: column(targets.clone())? };
        Ok(Self { function, interval, inputs, targets, all })
    }
}

impl LearningProblem for FunctionFit {
    const TRAINING_LOSS: TrainingLoss = TrainingLoss::Evaluated;
    const HAS_ACCURACY: bool = false;
    const OUTPUTS: Outputs = Outputs::Values;

    fn examples(&self, split: Split) -> usize {
        match split {
            Split::Train => self.inputs.len(),
            Split::Test => 0,
        }
    }

    fn batch(&self, _: Split, positions: &[u32], dtype: DType) -> Result<Batch, ExperimentError> {
        // One batch of all points is in their own order (see `Training`).
        let batch = if positions.len() == self.inputs.len() {
            self.all.clone()
        } else {
            let pick = |from: &[f32]| column(positions.iter().map(|&at| from[at as usize]).collect());
            Batch { inputs: pick(&self.inputs)?, targets: pick(&self.targets)? }
        };
        Ok(Batch { inputs: batch.inputs.to_dtype(dtype)?, targets: batch.targets.to_dtype(dtype)? })
    }

    fn selection(&self, _: Split, positions: &[u32]) -> Selection {
        let targets = positions.iter().map(|&at| self.targets[at as usize]).collect();
        Selection {
            source: Source::Numbers { shape: [1, 1, 1], numbers: Arc::clone(&self.inputs) },
            indices: positions.to_vec(),
            targets: Targets::Numbers(targets),
        }
    }

    fn loss(&self, outputs: &Tensor, targets: &Tensor) -> Result<Tensor, ExperimentError> {
        Ok(mean_squared_error(outputs, targets)?)
    }

    fn sums(&self, outputs: &Tensor, targets: &Tensor) -> Result<LossSums, ExperimentError> {
        Ok(squared_error_sums(outputs, targets)?)
    }

    /// Records the fitted curve and the function over the interval.
    fn conclude(&self, model: &Model, metrics: &mut Metrics) -> Result<(), ExperimentError> {
        let inputs = column(evenly_spaced(self.interval, CURVE_POINTS).map(|x| x as f32).collect())?;
        let outputs = model.evaluate(&inputs)?.flatten_all()?.to_vec1::<f32>()?;
        for (x, output) in evenly_spaced(self.interval, CURVE_POINTS).zip(outputs) {
            metrics.record(&series::PREDICTION, x, f64::from(output));
            metrics.record(&series::TARGET, x, self.function.at(x));
        }
        Ok(())
    }
}
