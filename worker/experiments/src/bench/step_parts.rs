//! Where the time of a training step goes: what `basin bench step` measures.

use std::time::{Duration, Instant};

use basin_domain::experiment::{ConvNet, Function, SampledFunction};
use basin_domain::network::Graph;
use basin_domain::optimizer::Optimizer;
use basin_kernels::network::{Mode, Program, Wanted};
use basin_kernels::optimizer::{BoundedGradients, Clipping, Optimizer as OptimizerState};
use basin_kernels::{Loss, squared_norm_of};
use candle_core::DType;
use serde::Serialize;

use super::{CLASSES, CnnWork, DENSE, Machine, POINTS, Windows, experiment_g, random_images};
use crate::ExperimentError;
use crate::fit_function::FunctionFit;
use crate::model::Model;
use crate::optimizer::{clipping, optimizer};
use crate::training::{Batch, LearningProblem, Split};

/// A network with its examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepWork {
    /// A convolutional network on images.
    Cnn(CnnWork),
    /// A dense network of these widths, fitted to a function.
    Dense(&'static [u32]),
}

/// Seconds of a step's parts, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct StepParts {
    /// The network's outputs.
    pub forward: f64,
    /// The loss, and its gradient in the outputs.
    pub loss: f64,
    /// The gradients of the parameters.
    pub backward: f64,
    /// The gradients' norm.
    pub norm: f64,
    /// The optimiser's pass over the parameters, with a bound on their gradients, if there is one.
    pub update: f64,
}

/// The parts of a step of a network.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepRow {
    /// Channels of each convolution; none of a dense network.
    pub conv: Vec<u32>,
    /// Widths of the hidden dense layers.
    pub dense: Vec<u32>,
    /// Examples a step.
    pub batch: usize,
    /// Numbers that are trained.
    pub parameters: u64,
    /// Accumulators of each of them that the rule keeps, in the mean.
    pub accumulators: f64,
    /// The seconds of its parts.
    pub seconds: StepParts,
}

impl StepParts {
    /// All of them.
    pub fn total(&self) -> f64 {
        self.forward + self.loss + self.backward + self.norm + self.update
    }

    fn add(&mut self, other: Self) {
        self.forward += other.forward;
        self.loss += other.loss;
        self.backward += other.backward;
        self.norm += other.norm;
        self.update += other.update;
    }

    fn over(self, steps: f64) -> Self {
        let Self { forward, loss, backward, norm, update } = self;
        let [forward, loss, backward, norm, update] =
            [forward, loss, backward, norm, update].map(|seconds| seconds / steps);
        Self { forward, loss, backward, norm, update }
    }
}

impl StepRow {
    /// The least seconds of norm and update on a machine: what they read and write.
    pub fn least_update_seconds(&self, machine: &Machine) -> f64 {
        machine.least_update_seconds(self.parameters, self.accumulators)
    }

    /// The share of the step that a rule could save at most that updates each parameter where its gradient becomes final.
    ///
    /// With a accumulators, norm and update go 2a + 4 times over as many numbers as there are parameters: the norm reads the gradient, the update
    /// reads gradient, parameter and accumulators, and writes all but the gradient. Such a rule would read the gradient in neither of them, and
    /// the pass before would not write it: three times less. So it is if memory alone takes time; roots and divisions stay.
    pub fn saved_at_most(&self) -> f64 {
        let StepParts { norm, update, .. } = self.seconds;
        3.0 / (2.0 * self.accumulators + 4.0) * (norm + update) / self.seconds.total()
    }
}

/// The steps that are measured: experiment G's at both batch sizes, and experiment A's dense networks.
pub fn measured_steps() -> impl Iterator<Item = StepWork> {
    experiment_g().map(StepWork::Cnn).chain(DENSE.map(StepWork::Dense))
}

/// Measures the parts of a step by this optimiser, in the best window.
///
/// # Errors
/// If the network can't be made or trained.
pub fn step_parts(
    work: StepWork,
    settings: &Optimizer,
    windows: Windows,
) -> Result<StepRow, ExperimentError> {
    let mut measured = MeasuredParts::new(work, settings)?;
    for _ in 0..2 {
        measured.step()?;
    }
    let mut best: Option<StepParts> = None;
    for _ in 0..windows.count {
        let (mut sum, mut steps, began) = (StepParts::default(), 0.0, Instant::now());
        while began.elapsed() < windows.length {
            sum.add(measured.step()?);
            steps += 1.0;
        }
        let each = sum.over(steps);
        // A window may be over before it has begun.
        if steps > 0.0 && best.is_none_or(|best| each.total() < best.total()) {
            best = Some(each);
        }
    }
    let (conv, dense, batch) = match work {
        StepWork::Cnn(CnnWork { conv, dense, batch, .. }) => (conv.to_vec(), dense.to_vec(), batch),
        StepWork::Dense(hidden) => (Vec::new(), hidden.to_vec(), POINTS),
    };
    let graph: &Graph = measured.model.graph();
    Ok(StepRow {
        conv,
        dense,
        batch,
        parameters: graph.parameter_count(),
        accumulators: measured.optimizer.state()?.len() as f64 / measured.model.parameters().len() as f64,
        seconds: best.unwrap_or_default(),
    })
}

/// A network, stepped part by part as `training/around_step.rs` does.
struct MeasuredParts {
    model: Model,
    program: Program<f32>,
    optimizer: Box<dyn OptimizerState>,
    clipping: Option<Clipping>,
    loss: Loss,
    batch: Batch,
}

impl MeasuredParts {
    fn new(work: StepWork, settings: &Optimizer) -> Result<Self, ExperimentError> {
        let (model, loss, batch) = match work {
            StepWork::Cnn(CnnWork { conv, dense, image, kernel, batch }) => {
                let net = ConvNet { conv: conv.to_vec(), kernel, dense: dense.to_vec() };
                let model = Model::conv_net(&net, image.map(|side| side as usize), CLASSES as usize, 0)?;
                (model, Loss::CrossEntropy, random_images(image, batch)?)
            }
            StepWork::Dense(hidden) => {
                let points = SampledFunction::line(Function::Sin, (-3.0, 3.0), POINTS as u32);
                let positions: Vec<u32> = (0..POINTS as u32).collect();
                let batch = FunctionFit::new(&points)?.batch(Split::Train, &positions, DType::F32)?;
                (Model::dense_net(1, hidden, 1, 0)?, Loss::MeanSquaredError, batch)
            }
        };
        let (program, optimizer) = (model.program()?, optimizer(settings, model.parameters())?);
        Ok(Self { model, program, optimizer, clipping: settings.clipping.map(clipping), loss, batch })
    }

    fn step(&mut self) -> Result<StepParts, ExperimentError> {
        let Self { model, program, optimizer, clipping, loss, batch: Batch { inputs, targets } } = self;
        let mut laps = Laps(Instant::now());
        let mode = Mode::Training { step: optimizer.steps(), updates_statistics: true };
        let outputs = program.forward(inputs, mode)?;
        let forward = laps.lap();
        let sums = loss.sums(outputs, targets)?;
        let gradient = loss.gradient(outputs, targets)?;
        std::hint::black_box(sums);
        let of_loss = laps.lap();
        program.backward(&gradient, Wanted { input: false, parameters: true })?;
        let backward = laps.lap();
        let gradients = model.parameters().values().map(|it| program.parameter_gradient(it));
        let squares: f64 = gradients.map(|gradient| squared_norm_of(gradient.unwrap_or_default())).sum();
        let norm = laps.lap();
        match clipping {
            None => optimizer.step(1.0, &*program)?,
            Some(bound) => optimizer.step(1.0, &BoundedGradients::new(*bound, squares.sqrt(), &*program))?,
        }
        let update = laps.lap();
        Ok(StepParts { forward, loss: of_loss, backward, norm, update })
    }
}

/// Seconds from one look at the clock to the next.
struct Laps(Instant);

impl Laps {
    fn lap(&mut self) -> f64 {
        let now = Instant::now();
        let lap: Duration = now - std::mem::replace(&mut self.0, now);
        lap.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::optimizer::Clipping as Bound;

    use super::*;

    const SMALL: StepWork =
        StepWork::Cnn(CnnWork { conv: &[4], dense: &[8], image: [1, 8, 8], kernel: 3, batch: 16 });

    #[test]
    fn every_part_of_a_step_takes_its_time_and_the_rule_has_its_accumulators() {
        let windows = Windows { count: 2, length: Duration::from_millis(5) };
        let clipped = Optimizer { clipping: Some(Bound::Norm { bound: 1.0 }), ..Optimizer::adam(1e-3) };
        for (settings, accumulators) in
            [(Optimizer::adam(1e-3), 2.0), (Optimizer::sgd(1e-2, 0.9, 0.0), 1.0), (clipped, 2.0)]
        {
            for work in [SMALL, StepWork::Dense(&[8])] {
                let row = step_parts(work, &settings, windows).unwrap();
                let StepParts { forward, loss, backward, norm, update } = row.seconds;
                assert!(
                    [forward, loss, backward, norm, update].iter().all(|seconds| *seconds > 0.0),
                    "{row:?}"
                );
                assert_eq!(row.accumulators, accumulators);
            }
        }
        let row = step_parts(SMALL, &Optimizer::adam(1e-3), windows).unwrap();
        assert_eq!((row.parameters, row.batch), (4 * 9 + 4 + 8 * 64 + 8 + 10 * 8 + 10, 16));
        assert_eq!(measured_steps().count(), 20 + 2);
    }

    #[test]
    fn a_step_part_by_part_is_the_step_of_training() {
        let settings = Optimizer { clipping: Some(Bound::Norm { bound: 0.1 }), ..Optimizer::adam(1e-2) };
        let mut measured = MeasuredParts::new(StepWork::Dense(&[8]), &settings).unwrap();
        let model = Model::dense_net(1, &[8], 1, 0).unwrap();
        let problem =
            FunctionFit::new(&SampledFunction::line(Function::Sin, (-3.0, 3.0), POINTS as u32)).unwrap();
        let mut stepper = crate::training::Stepper::new(&settings, &model, None).unwrap();
        let positions: Vec<u32> = (0..POINTS as u32).collect();
        for _ in 0..3 {
            measured.step().unwrap();
            stepper.step(&problem, &model, 1, 1.0, &positions, &[]).unwrap();
        }
        assert_eq!(measured.model.flat_parameters().unwrap(), model.flat_parameters().unwrap());
    }

    #[test]
    fn what_could_be_saved_is_the_gradients_three_passes() {
        let seconds = StepParts { forward: 1.0, loss: 1.0, backward: 2.0, norm: 1.0, update: 3.0 };
        let row = |accumulators| StepRow {
            conv: vec![8, 8],
            dense: vec![8],
            batch: 64,
            parameters: 1_000,
            accumulators,
            seconds,
        };
        assert_eq!(row(2.0).saved_at_most(), 3.0 / 8.0 * 0.5);
        assert_eq!(row(1.0).saved_at_most(), 3.0 / 6.0 * 0.5);
    }
}
