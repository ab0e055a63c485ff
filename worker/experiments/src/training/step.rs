//! One step of an optimiser.

use std::collections::BTreeMap;

use basin_domain::optimizer::Optimizer;
use basin_kernels::optimizer::{Adam, Gradient, Gradients, Optimizer as OptimizerState, Sgd};
use basin_kernels::{Loss, LossSums, Mlp, backward, squared_norm, squared_norm_of};
use candle_core::{DType, Tensor, Var};

use super::{Batch, LearningProblem, Outputs, Split};
use crate::ExperimentError;
use crate::accelerator::{Accelerator, Lane, PassSums};
use crate::model::Model;

/// The optimiser with these parameters, before its first step over `parameters`.
///
/// # Errors
/// If its state can't be made.
pub fn optimizer(
    optimizer: &Optimizer,
    parameters: &BTreeMap<String, Var>,
) -> Result<Box<dyn OptimizerState>, ExperimentError> {
    Ok(match *optimizer {
        Optimizer::Adam { learning_rate, beta1, beta2, epsilon, weight_decay } => {
            Box::new(Adam::new(parameters, learning_rate, (beta1, beta2), epsilon, weight_decay)?)
        }
        Optimizer::Sgd { learning_rate, momentum, weight_decay } => {
            Box::new(Sgd::new(parameters, learning_rate, momentum, weight_decay)?)
        }
    })
}

/// Steps of a model: its optimiser, the backend that computes gradients, and the batch that was gathered ahead.
pub struct Stepper {
    optimizer: Box<dyn OptimizerState>,
    backend: Backend,
    /// The batch after the last one, which was gathered while that was computed with.
    prefetched: Option<PrefetchedBatch>,
}

/// How sums and gradients are computed.
enum Backend {
    /// Through Candle's graph, on the processor.
    Graph,
    /// In memory of the network's own, on the processor: networks of dense layers alone. The same bytes as through the graph.
    Mlp(Mlp),
    /// On a device.
    Accelerator(Lane),
}

/// Examples, gathered before they are asked for.
struct PrefetchedBatch {
    split: Split,
    positions: Vec<u32>,
    batch: Batch,
}

impl Stepper {
    /// A stepper of `model`, before its first step; on a device if there is one.
    ///
    /// # Errors
    /// If the optimiser's state can't be made.
    pub fn new<P: LearningProblem>(
        by: &Optimizer,
        model: &Model,
        accelerator: Option<&Accelerator>,
    ) -> Result<Self, ExperimentError> {
        let optimizer = optimizer(by, model.parameters())?;
        let backend = match (accelerator, model.dense_layers()) {
            (Some(accelerator), _) => {
                Backend::Accelerator(Lane::new(accelerator.clone(), *by, loss_of::<P>()))
            }
            (None, Some(layers)) => Backend::Mlp(Mlp::new(&layers)?),
            (None, None) => Backend::Graph,
        };
        Ok(Self { optimizer, backend, prefetched: None })
    }

    /// The optimiser.
    pub fn optimizer(&self) -> &dyn OptimizerState {
        self.optimizer.as_ref()
    }

    /// The optimiser, to be restored.
    pub fn optimizer_mut(&mut self) -> &mut dyn OptimizerState {
        self.optimizer.as_mut()
    }

    /// Brings `model` and the optimiser up to date, if their steps were taken on a device.
    ///
    /// # Errors
    /// [`ExperimentError::Accelerator`] if the device fails.
    pub fn sync_to_host(&mut self, model: &Model) -> Result<(), ExperimentError> {
        match &mut self.backend {
            Backend::Graph | Backend::Mlp(_) => Ok(()),
            Backend::Accelerator(lane) => lane.sync_to_host(model, self.optimizer.as_mut()),
        }
    }

    /// Takes a step on some training examples; gives the sums over them before the step, and ‖g‖₂ over all parameters. The
    /// `next` examples, if there are any, are gathered meanwhile.
    ///
    /// If ‖g‖₂ isn't finite, no step is taken: the weights stay as they were before.
    ///
    /// # Errors
    /// [`ExperimentError::NoGradient`] if the loss doesn't depend on one of the parameters.
    pub fn step<P: LearningProblem>(
        &mut self,
        problem: &P,
        model: &Model,
        positions: &[u32],
        next: &[u32],
    ) -> Result<PassSums, ExperimentError> {
        if let Backend::Accelerator(lane) = &mut self.backend {
            let examples = problem.selection(Split::Train, positions);
            return lane.pass(model, self.optimizer.as_ref(), examples, true);
        }
        self.prefetch(problem, Split::Train, positions, next, |stepper, batch| {
            stepper.step_on(problem, model, batch)
        })
    }

    /// Computes with some examples, and gathers the next ones meanwhile.
    fn prefetch<P: LearningProblem, T: Send>(
        &mut self,
        problem: &P,
        split: Split,
        positions: &[u32],
        next: &[u32],
        compute: impl FnOnce(&mut Self, &Batch) -> Result<T, ExperimentError> + Send,
    ) -> Result<T, ExperimentError> {
        let prefetched = self
            .prefetched
            .take()
            .filter(|prefetched| prefetched.split == split && prefetched.positions == positions);
        let batch = match prefetched {
            Some(prefetched) => prefetched.batch,
            None => problem.batch(split, positions, DType::F32)?,
        };
        if next.is_empty() {
            return compute(self, &batch);
        }
        let (computed, gathered) =
            rayon::join(|| compute(self, &batch), || problem.batch(split, next, DType::F32));
        self.prefetched = Some(PrefetchedBatch { split, positions: next.to_vec(), batch: gathered? });
        computed
    }

    fn step_on<P: LearningProblem>(
        &mut self,
        problem: &P,
        model: &Model,
        batch: &Batch,
    ) -> Result<PassSums, ExperimentError> {
        let Batch { inputs, targets } = batch;
        let Backend::Mlp(mlp) = &mut self.backend else {
            let outputs = model.forward(inputs)?;
            let loss = problem.loss(&outputs, targets)?;
            let sums = problem.sums(&outputs, targets)?;
            let gradient_norm = step(model, self.optimizer.as_mut(), &loss)?;
            return Ok(PassSums { sums, gradient_norm });
        };
        let sums = mlp.gradients(inputs, targets, loss_of::<P>())?;
        let mut squares = 0.0;
        for (name, parameter) in model.parameters() {
            let Some(Gradient::Elements(gradient)) = mlp.of(parameter) else {
                return Err(ExperimentError::NoGradient { parameter: name.clone() });
            };
            squares += squared_norm_of(gradient);
        }
        let gradient_norm = squares.sqrt();
        if gradient_norm.is_finite() {
            self.optimizer.step(mlp)?;
        }
        Ok(PassSums { sums, gradient_norm })
    }

    /// The sums over some examples, as [`LearningProblem::sums`] gives them. The `next` examples, if there are any, are gathered meanwhile.
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
        if let Backend::Accelerator(lane) = &mut self.backend {
            let examples = problem.selection(split, positions);
            return Ok(lane.pass(model, self.optimizer.as_ref(), examples, false)?.sums);
        }
        self.prefetch(problem, split, positions, next, |stepper, batch| match &mut stepper.backend {
            Backend::Mlp(mlp) => Ok(mlp.evaluate(&batch.inputs, &batch.targets, loss_of::<P>())?),
            Backend::Graph | Backend::Accelerator(_) => {
                problem.sums(&model.evaluate(&batch.inputs)?, &batch.targets)
            }
        })
    }
}

/// The loss that a problem's outputs are held against.
const fn loss_of<P: LearningProblem>() -> Loss {
    match P::OUTPUTS {
        Outputs::Logits => Loss::CrossEntropy,
        Outputs::Values => Loss::MeanSquaredError,
    }
}

/// Goes backward from `loss` and takes a step; gives ‖g‖₂ over all parameters.
///
/// If ‖g‖₂ isn't finite, no step is taken: the weights stay as they were before.
///
/// # Errors
/// [`ExperimentError::NoGradient`] if the loss doesn't depend on one of the parameters.
pub fn step(
    model: &Model,
    optimizer: &mut dyn OptimizerState,
    loss: &Tensor,
) -> Result<f64, ExperimentError> {
    let gradients = backward(loss)?;
    let mut all = Vec::with_capacity(model.parameters().len());
    for (name, parameter) in model.parameters() {
        let gradient = gradients.get(parameter);
        all.push(gradient.ok_or_else(|| ExperimentError::NoGradient { parameter: name.clone() })?);
    }
    let norm = squared_norm(all)?.sqrt();
    if norm.is_finite() {
        optimizer.step(&gradients)?;
    }
    Ok(norm)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use basin_domain::experiment::Function;
    use basin_domain::metrics::Metrics;
    use candle_core::Device;

    use super::*;
    use crate::accelerator::Selection;
    use crate::fit_function::FunctionFit;
    use crate::training::TrainingLoss;

    #[test]
    fn a_parameter_without_a_gradient_is_named() {
        let model = Model::dense_net(1, &[3], 1, 0).unwrap();
        let mut adam = optimizer(&Optimizer::adam(1e-3), model.parameters()).unwrap();
        let unrelated = Var::new(1f32, &Device::Cpu).unwrap();
        let error = step(&model, adam.as_mut(), &unrelated).unwrap_err();
        assert_eq!(error.to_string(), "the parameter `dense0.bias` received no gradient");
    }

    /// A fit that keeps a list of the batches that were gathered.
    struct Watched {
        fit: FunctionFit,
        gathered: Mutex<Vec<Vec<u32>>>,
    }

    impl Watched {
        fn new() -> Self {
            let fit = FunctionFit::new(Function::Sin, (-2.0, 2.0), 12).unwrap();
            Self { fit, gathered: Mutex::default() }
        }

        fn gathered(&self) -> Vec<Vec<u32>> {
            std::mem::take(&mut self.gathered.lock().unwrap())
        }
    }

    impl LearningProblem for Watched {
        const TRAINING_LOSS: TrainingLoss = TrainingLoss::Evaluated;
        const HAS_ACCURACY: bool = false;
        const OUTPUTS: Outputs = Outputs::Values;

        fn examples(&self, split: Split) -> usize {
            self.fit.examples(split)
        }

        fn batch(&self, split: Split, positions: &[u32], dtype: DType) -> Result<Batch, ExperimentError> {
            self.gathered.lock().unwrap().push(positions.to_vec());
            self.fit.batch(split, positions, dtype)
        }

        fn selection(&self, split: Split, positions: &[u32]) -> Selection {
            self.fit.selection(split, positions)
        }

        fn loss(&self, outputs: &Tensor, targets: &Tensor) -> Result<Tensor, ExperimentError> {
            self.fit.loss(outputs, targets)
        }

        fn sums(&self, outputs: &Tensor, targets: &Tensor) -> Result<LossSums, ExperimentError> {
            self.fit.sums(outputs, targets)
        }

        fn conclude(&self, model: &Model, metrics: &mut Metrics) -> Result<(), ExperimentError> {
            self.fit.conclude(model, metrics)
        }
    }

    fn stepper(model: &Model) -> Stepper {
        Stepper::new::<Watched>(&Optimizer::adam(1e-2), model, None).unwrap()
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
                    stepper.step(&problem, &model, batch, next).unwrap();
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
        stepper.step(&problem, &model, &[0], &[1]).unwrap();
        let expected = problem.fit.sums(
            &model.evaluate(&problem.fit.batch(Split::Train, &[2], DType::F32).unwrap().inputs).unwrap(),
            &problem.fit.batch(Split::Train, &[2], DType::F32).unwrap().targets,
        );
        assert_eq!(stepper.evaluate(&problem, &model, Split::Train, &[2], &[]).unwrap(), expected.unwrap());
        stepper.step(&problem, &model, &[1], &[]).unwrap();
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
        let norm = stepper.step(&problem, &model, &[0, 1, 2], &[]).unwrap().gradient_norm;
        assert!(!norm.is_finite());
        assert_eq!(model.flat_parameters().unwrap(), flat);
        assert_eq!(stepper.optimizer().steps(), 0);
    }
}
