//! One step of an optimiser.

use basin_domain::optimizer::Optimizer;
use basin_kernels::network::Program;
use basin_kernels::optimizer::{Mask, Optimizer as OptimizerState};
use basin_kernels::{Loss, LossSums};
use candle_core::DType;

use super::around_step::AroundStep;
use super::{Batch, LearningProblem, Split, WeightAverage};
use crate::ExperimentError;
use crate::accelerator::{Accelerator, AtHome, Lane, PassSums, Work};
use crate::model::Model;
use crate::optimizer::optimizer_of;

/// Steps of a model: its optimiser, the backend that computes gradients, and the batch that was gathered ahead.
pub struct Stepper {
    optimizer: Box<dyn OptimizerState>,
    around: AroundStep,
    /// The average of the weights, if one is kept.
    average: Option<WeightAverage>,
    backend: Backend,
    /// The batch after the last one, which was gathered while that was computed with.
    prefetched: Option<PrefetchedBatch>,
}

/// How sums and gradients are computed.
enum Backend {
    /// By the compiled network, on the processor.
    Program(Program<f32>),
    /// On a device.
    Accelerator(Lane),
}

/// Examples, gathered before they are asked for.
struct PrefetchedBatch {
    pass: Pass,
    positions: Vec<u32>,
    batch: Batch,
}

/// What examples are gathered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// Steps of an epoch, from 1.
    Training { epoch: u32 },
    /// An evaluation on a split.
    Evaluation(Split),
}

impl Pass {
    fn gather<P: LearningProblem>(self, problem: &P, positions: &[u32]) -> Result<Batch, ExperimentError> {
        match self {
            Self::Training { epoch } => problem.training_batch(epoch, positions),
            Self::Evaluation(split) => problem.batch(split, positions, DType::F32),
        }
    }
}

impl Stepper {
    /// A stepper of `model`, before its first step; on a device if there is one.
    ///
    /// # Errors
    /// If the optimiser's state can't be made.
    pub fn new(
        by: &Optimizer,
        model: &Model,
        accelerator: Option<&Accelerator>,
    ) -> Result<Self, ExperimentError> {
        let optimizer = optimizer_of(by, model)?;
        let average = by.average.map(|settings| WeightAverage::new(settings, model)).transpose()?;
        let backend = match accelerator {
            Some(accelerator) => Backend::Accelerator(Lane::new(accelerator.clone(), *by)),
            None => Backend::Program(model.program()?),
        };
        Ok(Self { optimizer, around: AroundStep::of(by), average, backend, prefetched: None })
    }

    /// The average of the weights, if one is kept.
    pub(super) const fn average(&self) -> Option<&WeightAverage> {
        self.average.as_ref()
    }

    /// The average of the weights, to be restored.
    pub(super) const fn average_mut(&mut self) -> Option<&mut WeightAverage> {
        self.average.as_mut()
    }

    /// Takes the weights after step `step`, from 1 on, into their average; a device has done so with the step.
    ///
    /// # Errors
    /// If the weights can't be read.
    pub(super) fn average_in(&mut self, step: u64, model: &Model) -> Result<(), ExperimentError> {
        match (&self.backend, &mut self.average) {
            (Backend::Program(_), Some(average)) => average.add(step, model),
            (Backend::Accelerator(_), _) | (_, None) => Ok(()),
        }
    }

    /// Holds weights at zero in every step that is taken on the processor.
    pub(crate) fn hold_at_zero(&mut self, mask: Mask) {
        self.around.hold_at_zero(mask);
    }

    /// The optimiser.
    pub fn optimizer(&self) -> &dyn OptimizerState {
        self.optimizer.as_ref()
    }

    /// The optimiser, to be restored.
    pub fn optimizer_mut(&mut self) -> &mut dyn OptimizerState {
        self.optimizer.as_mut()
    }

    /// Brings `model`, the optimiser and the average up to date, if their steps were taken on a device.
    ///
    /// # Errors
    /// [`ExperimentError::Accelerator`] if the device fails.
    pub fn sync_to_host(&mut self, model: &Model) -> Result<(), ExperimentError> {
        match &mut self.backend {
            Backend::Program(_) => Ok(()),
            Backend::Accelerator(lane) => {
                lane.sync_to_host(model, self.optimizer.as_mut(), self.average.as_mut())
            }
        }
    }

    /// Takes a step of an epoch (from 1) on some training examples, whose learning rate is `learning_rate_factor` times that of the
    /// settings; gives the sums over them before the step, and ‖g‖₂ over all parameters. The `next` examples, if there are any, are gathered
    /// meanwhile.
    ///
    /// If ‖g‖₂ isn't finite, no step is taken: the weights stay as they were before.
    ///
    /// # Errors
    /// [`ExperimentError::NoGradient`] if the loss doesn't depend on one of the parameters.
    pub fn step<P: LearningProblem>(
        &mut self,
        problem: &P,
        model: &Model,
        epoch: u32,
        learning_rate_factor: f64,
        positions: &[u32],
        next: &[u32],
    ) -> Result<PassSums, ExperimentError> {
        if let Backend::Accelerator(lane) = &mut self.backend {
            let examples = problem.training_selection(epoch, positions)?;
            let home = AtHome { model, optimizer: self.optimizer.as_ref(), average: self.average.as_ref() };
            return lane.pass(home, problem.loss(), examples, Work::Step { learning_rate_factor });
        }
        self.prefetch(problem, Pass::Training { epoch }, positions, next, |stepper, batch| {
            stepper.step_on(problem, model, learning_rate_factor, batch)
        })
    }

    /// Computes with some examples, and gathers the next ones meanwhile.
    fn prefetch<P: LearningProblem, T: Send>(
        &mut self,
        problem: &P,
        pass: Pass,
        positions: &[u32],
        next: &[u32],
        compute: impl FnOnce(&mut Self, &Batch) -> Result<T, ExperimentError> + Send,
    ) -> Result<T, ExperimentError> {
        let prefetched = self
            .prefetched
            .take()
            .filter(|prefetched| prefetched.pass == pass && prefetched.positions == positions);
        let batch = match prefetched {
            Some(prefetched) => prefetched.batch,
            None => pass.gather(problem, positions)?,
        };
        if next.is_empty() {
            return compute(self, &batch);
        }
        let (computed, gathered) = rayon::join(|| compute(self, &batch), || pass.gather(problem, next));
        self.prefetched = Some(PrefetchedBatch { pass, positions: next.to_vec(), batch: gathered? });
        computed
    }

    fn step_on<P: LearningProblem>(
        &mut self,
        problem: &P,
        model: &Model,
        learning_rate_factor: f64,
        batch: &Batch,
    ) -> Result<PassSums, ExperimentError> {
        let Backend::Program(program) = &mut self.backend else {
            unreachable!("a device takes its steps itself")
        };
        let optimizer = self.optimizer.as_mut();
        self.around.step(program, model, optimizer, learning_rate_factor, problem.loss(), batch)
    }

    /// The sums over some examples, each of them by itself. The `next` examples, if there are any, are gathered meanwhile.
    ///
    /// # Errors
    /// If an operation fails.
    pub fn evaluate<P: LearningProblem>(
        &mut self,
        problem: &P,
        model: &Model,
        split: Split,
        positions: &[u32],
        next: &[u32],
    ) -> Result<LossSums, ExperimentError> {
        if let Backend::Accelerator(_) = &self.backend {
            return self.evaluate_there(problem, model, split, positions, Work::Evaluate);
        }
        self.prefetch(problem, Pass::Evaluation(split), positions, next, |stepper, batch| match &mut stepper
            .backend
        {
            Backend::Program(program) => {
                let outputs = program.evaluate(&batch.inputs)?;
                Ok(problem.loss_on(split).sums(&outputs, &batch.targets)?)
            }
            Backend::Accelerator(_) => unreachable!("a device evaluates itself"),
        })
    }

    /// The sums over some examples with the averaged weights in the model's place; with the model's own where none is kept.
    ///
    /// # Errors
    /// If an operation fails.
    pub(super) fn evaluate_average<P: LearningProblem>(
        &mut self,
        problem: &P,
        model: &Model,
        split: Split,
        positions: &[u32],
    ) -> Result<LossSums, ExperimentError> {
        if let Backend::Accelerator(_) = &self.backend {
            return self.evaluate_there(problem, model, split, positions, Work::EvaluateAverage);
        }
        // Out of its place, since the evaluation takes all of the rest.
        let average = self.average.take();
        let sums = match &average {
            Some(average) => average.in_place(model, || self.evaluate(problem, model, split, positions, &[])),
            None => self.evaluate(problem, model, split, positions, &[]),
        };
        self.average = average;
        sums
    }

    /// An evaluation on the device.
    fn evaluate_there<P: LearningProblem>(
        &mut self,
        problem: &P,
        model: &Model,
        split: Split,
        positions: &[u32],
        work: Work,
    ) -> Result<LossSums, ExperimentError> {
        let Backend::Accelerator(lane) = &mut self.backend else {
            unreachable!("the processor evaluates by its program")
        };
        let examples = problem.selection(split, positions)?;
        let home = AtHome { model, optimizer: self.optimizer.as_ref(), average: self.average.as_ref() };
        Ok(lane.pass(home, problem.loss_on(split), examples, work)?.sums)
    }
}

/// Takes a step on a batch, whose learning rate is `learning_rate_factor` times that of the settings; gives the sums over it before the
/// step, and ‖g‖₂ over all parameters.
///
/// If ‖g‖₂ isn't finite, no step is taken: the weights stay as they were before.
///
/// # Errors
/// [`ExperimentError::NoGradient`] if the network doesn't have one of the parameters.
pub fn step(
    program: &mut Program<f32>,
    model: &Model,
    optimizer: &mut dyn OptimizerState,
    learning_rate_factor: f64,
    loss: Loss,
    batch: &Batch,
) -> Result<PassSums, ExperimentError> {
    AroundStep::default().step(program, model, optimizer, learning_rate_factor, loss, batch)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use basin_domain::experiment::{Function, SampledFunction};
    use basin_domain::metrics::Metrics;
    use basin_kernels::Loss;

    use super::*;
    use crate::accelerator::Selection;
    use crate::fit_function::FunctionFit;
    use crate::training::{Outputs, TrainingLoss, evaluate};

    /// A fit that keeps a list of the batches that were gathered.
    struct Watched {
        fit: FunctionFit,
        gathered: Mutex<Vec<Vec<u32>>>,
    }

    impl Watched {
        fn new() -> Self {
            let fit = FunctionFit::new(&SampledFunction::line(Function::Sin, (-2.0, 2.0), 12)).unwrap();
            Self { fit, gathered: Mutex::default() }
        }

        fn gathered(&self) -> Vec<Vec<u32>> {
            std::mem::take(&mut self.gathered.lock().unwrap())
        }
    }

    impl LearningProblem for Watched {
        const TRAINING_LOSS: TrainingLoss = TrainingLoss::Evaluated;
        const HAS_ACCURACY: bool = false;

        fn examples(&self, split: Split) -> usize {
            self.fit.examples(split)
        }

        fn batch(&self, split: Split, positions: &[u32], dtype: DType) -> Result<Batch, ExperimentError> {
            self.gathered.lock().unwrap().push(positions.to_vec());
            self.fit.batch(split, positions, dtype)
        }

        fn selection(&self, split: Split, positions: &[u32]) -> Result<Selection, ExperimentError> {
            self.fit.selection(split, positions)
        }

        fn loss(&self) -> Loss {
            self.fit.loss()
        }

        fn outputs(&self) -> Outputs {
            Outputs::Values
        }

        fn conclude(&self, model: &Model, metrics: &mut Metrics) -> Result<(), ExperimentError> {
            self.fit.conclude(model, metrics)
        }
    }

    fn stepper(model: &Model) -> Stepper {
        Stepper::new(&Optimizer::adam(1e-2), model, None).unwrap()
    }

    #[test]
    fn a_batch_that_was_gathered_ahead_is_not_gathered_again_and_gives_the_same_bytes() {
        let problem = Watched::new();
        let batches: [&[u32]; 3] = [&[0, 3, 7], &[1, 2, 11], &[5]];
        let train = |ahead: bool| {
            let model = Model::dense_net(1, &[5], 1, 2).unwrap();
            let mut stepper = stepper(&model);
            let mut results = Vec::new();
            for (index, batch) in batches.iter().enumerate() {
                let next = if ahead { batches.get(index + 1).copied().unwrap_or_default() } else { &[] };
                let PassSums { sums, gradient_norm: norm } =
                    stepper.step(&problem, &model, 1, 1.0, batch, next).unwrap();
                results.push((sums.loss.to_bits(), norm.to_bits()));
            }
            (results, model.flat_parameters().unwrap())
        };
        let plain = train(false);
        assert_eq!(problem.gathered(), batches.map(<[u32]>::to_vec));
        assert_eq!(train(true), plain);
        let mut gathered = problem.gathered();
        gathered.sort();
        let mut once = batches.map(<[u32]>::to_vec);
        once.sort();
        assert_eq!(gathered, once);
    }

    #[test]
    fn a_batch_that_was_gathered_ahead_in_vain_is_dropped() {
        let problem = Watched::new();
        let model = Model::dense_net(1, &[5], 1, 2).unwrap();
        let mut stepper = stepper(&model);
        stepper.step(&problem, &model, 1, 1.0, &[0], &[1]).unwrap();
        let expected = evaluate(&problem.fit, &model, Split::Train, 2..3).unwrap();
        assert_eq!(stepper.evaluate(&problem, &model, Split::Train, &[2], &[]).unwrap(), expected);
        stepper.step(&problem, &model, 1, 1.0, &[1], &[]).unwrap();
        let gathered = problem.gathered();
        assert_eq!(gathered.iter().filter(|batch| **batch == [1]).count(), 2, "{gathered:?}");
    }

    #[test]
    fn a_step_along_a_gradient_that_is_not_finite_moves_nothing() {
        let problem = Watched::new();
        let model = Model::dense_net(1, &[5], 1, 2).unwrap();
        let mut flat = model.flat_parameters().unwrap();
        flat[0] = f64::from(f32::MAX);
        flat[1] = f64::from(f32::MAX);
        model.set_parameters(&flat).unwrap();
        let mut stepper = stepper(&model);
        let norm = stepper.step(&problem, &model, 1, 1.0, &[0, 1, 2], &[]).unwrap().gradient_norm;
        assert!(!norm.is_finite());
        assert_eq!(model.flat_parameters().unwrap(), flat);
        assert_eq!(stepper.optimizer().steps(), 0);
    }
}
