//! `fit-function`: a dense network is fitted to a function of one variable.

use std::ops::Range;

use basin_domain::experiment::{FitFunction, Function};
use basin_domain::record::{Axis, Record};
use basin_domain::task::TaskSpec;
use basin_kernels::{LossSums, mean_squared_error};
use candle_core::{DType, Device, Tensor};

use crate::model::Model;
use crate::training::{Part, Problem, Schedule, Training, TrainingLoss};
use crate::{ExperimentError, Run};

/// The points at which the fitted curve is recorded: enough for a smooth line on paper.
const CURVE_POINTS: u32 = 200;

/// Starts or resumes a run of `fit-function`.
pub(crate) fn start(
    spec: &TaskSpec,
    parameters: &FitFunction,
    checkpoint: Option<&[u8]>,
) -> Result<Box<dyn Run>, ExperimentError> {
    let (low, high) = parameters.interval;
    if parameters.points < 2 || !(low < high && low.is_finite() && high.is_finite()) {
        let reason = format!("{} points on [{low}, {high}] are no grid", parameters.points);
        return Err(ExperimentError::InvalidParameters(reason));
    }
    let model = Model::dense_net(1, &parameters.hidden, 1, spec.seed)?;
    debug_assert_eq!(model.parameter_count() as u64, parameters.parameter_count());
    let schedule = Schedule {
        batch_size: parameters.batch_size.unwrap_or(parameters.points) as usize,
        epochs: parameters.epochs,
        optimizer: parameters.optimizer,
        record: parameters.record,
    };
    let problem = Fit::new(parameters.function, parameters.interval, parameters.points)?;
    Ok(Box::new(Training::start(spec, schedule, problem, model, checkpoint)?))
}

/// Evenly spaced points of a function, both ends of the interval included.
struct Fit {
    function: Function,
    interval: (f64, f64),
    inputs: Vec<f32>,
    targets: Vec<f32>,
    /// All of them as `[points, 1]`.
    all: (Tensor, Tensor),
}

fn evenly_spaced((low, high): (f64, f64), points: u32) -> impl Iterator<Item = f64> {
    (0..points).map(move |index| low + (high - low) * (f64::from(index) / f64::from(points - 1)))
}

fn column(values: Vec<f32>) -> Result<Tensor, ExperimentError> {
    let rows = values.len();
    Ok(Tensor::from_vec(values, (rows, 1), &Device::Cpu)?)
}

impl Fit {
    fn new(function: Function, interval: (f64, f64), points: u32) -> Result<Self, ExperimentError> {
        let inputs: Vec<f32> = evenly_spaced(interval, points).map(|x| x as f32).collect();
        let targets: Vec<f32> = evenly_spaced(interval, points).map(|x| function.at(x) as f32).collect();
        let all = (column(inputs.clone())?, column(targets.clone())?);
        Ok(Self { function, interval, inputs, targets, all })
    }

    fn batch(&self, indices: &[u32]) -> Result<(Tensor, Tensor), ExperimentError> {
        // One batch of all points is in their own order (see `Training`).
        if indices.len() == self.inputs.len() {
            return Ok(self.all.clone());
        }
        let pick = |from: &[f32]| column(indices.iter().map(|&index| from[index as usize]).collect());
        Ok((pick(&self.inputs)?, pick(&self.targets)?))
    }
}

fn sums(mean: &Tensor, count: usize) -> Result<LossSums, ExperimentError> {
    let mean = mean.to_dtype(DType::F64)?.to_scalar::<f64>()?;
    Ok(LossSums { loss: mean * count as f64, correct: 0, count: count as u64 })
}

impl Problem for Fit {
    const TRAINING_LOSS: TrainingLoss = TrainingLoss::Evaluated;
    const HAS_ACCURACY: bool = false;

    fn examples(&self, part: Part) -> usize {
        match part {
            Part::Train => self.inputs.len(),
            Part::Test => 0,
        }
    }

    fn loss(&self, model: &Model, batch: &[u32]) -> Result<(Tensor, LossSums), ExperimentError> {
        let (inputs, targets) = self.batch(batch)?;
        let loss = mean_squared_error(&model.forward(&inputs)?, &targets)?;
        let sums = sums(&loss, batch.len())?;
        Ok((loss, sums))
    }

    fn evaluate(&self, model: &Model, _: Part, range: Range<usize>) -> Result<LossSums, ExperimentError> {
        let (inputs, targets) = if range.len() == self.inputs.len() {
            self.all.clone()
        } else {
            (column(self.inputs[range.clone()].to_vec())?, column(self.targets[range.clone()].to_vec())?)
        };
        sums(&mean_squared_error(&model.evaluate(&inputs)?, &targets)?, range.len())
    }

    /// Records the fitted curve and the function over the interval.
    fn conclude(&self, model: &Model, record: &mut Record) -> Result<(), ExperimentError> {
        let inputs = column(evenly_spaced(self.interval, CURVE_POINTS).map(|x| x as f32).collect())?;
        let outputs = model.evaluate(&inputs)?.flatten_all()?.to_vec1::<f32>()?;
        for (x, output) in evenly_spaced(self.interval, CURVE_POINTS).zip(outputs) {
            record.push("prediction", Axis::Input, x, f64::from(output));
            record.push("target", Axis::Input, x, self.function.at(x));
        }
        Ok(())
    }
}
