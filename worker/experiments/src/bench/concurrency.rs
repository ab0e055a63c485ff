//! How long training steps take while several networks train side by side, on one thread each or on several: what decides how a
//! machine's cores are spent on a sweep. No result depends on it.

use std::time::{Duration, Instant};

use basin_domain::experiment::ConvNet;
use basin_domain::network::{ExampleShape, Graph};
use basin_domain::optimizer::Optimizer;
use basin_domain::random::Stream;
use basin_kernels::Loss;
use basin_kernels::network::Program;
use basin_kernels::optimizer::Optimizer as OptimizerState;
use candle_core::{DType, Device, Tensor};
use rayon::ThreadPoolBuilder;

use super::{CLASSES, IMAGE};
use crate::ExperimentError;
use crate::model::Model;
use crate::optimizer::optimizer_of;
use crate::training::{Batch, step};

/// Weights hardly move in steps that only take time, whatever the settings: none of them ends in numbers that are none.
const LEARNING_RATE_FACTOR: f64 = 1e-6;
/// Each step is measured so often, each of the divisions in turn: the least counts, since noise only ever slows down.
const ROUNDS: u32 = 2;
/// The least time that one measurement takes.
const LEAST: Duration = Duration::from_millis(15);

/// Channels of both convolutions and width of the hidden layer of networks that stand for others, and their examples a step.
const SMALL: [u32; 3] = [8, 8, 8];
const LARGE: [u32; 3] = [64, 64, 128];
const REPRESENTATIVE_BATCH: usize = 64;

/// A training step on random examples, to be measured.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingStep {
    /// The network.
    pub graph: Graph,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// Examples of the step.
    pub examples: usize,
}

/// A division of cores: so many networks train at once, each on as many threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoreDivision {
    /// Networks at once.
    pub networks: usize,
    /// Threads of each.
    pub threads: usize,
}

/// The seconds that each of these steps takes one network under each of the divisions, `[step][division]`, measured for about `budget`
/// in all, or two steps each where these take longer.
///
/// # Errors
/// If a network can't be made or trained, or the threads can't be started.
pub fn step_seconds(
    steps: &[TrainingStep],
    divisions: &[CoreDivision],
    budget: Duration,
) -> Result<Vec<Vec<f64>>, ExperimentError> {
    let measurements = (steps.len() * divisions.len()).max(1) as u32 * ROUNDS;
    let each = (budget / measurements).max(LEAST);
    let mut all = Vec::with_capacity(steps.len());
    for step in steps {
        let measured = MeasuredStep::new(step)?;
        let mut least = vec![f64::INFINITY; divisions.len()];
        for _ in 0..ROUNDS {
            for (least, division) in least.iter_mut().zip(divisions) {
                *least = least.min(measured.seconds(*division, each)?);
            }
        }
        all.push(least);
    }
    Ok(all)
}

/// The steps of a small and of a large network on images, for whoever doesn't know what will be trained.
///
/// # Errors
/// If there are no such networks.
pub fn representative_steps() -> Result<Vec<TrainingStep>, ExperimentError> {
    let [channels, height, width] = IMAGE;
    let step = |[first, second, hidden]: [u32; 3]| -> Result<TrainingStep, ExperimentError> {
        let net = ConvNet { conv: vec![first, second], kernel: 3, dense: vec![hidden] };
        let graph = net.graph(&ExampleShape::Image { channels, height, width }, CLASSES);
        let graph = graph.map_err(|error| ExperimentError::InvalidParameters(error.to_string()))?;
        Ok(TrainingStep { graph, optimizer: Optimizer::adam(1e-3), examples: REPRESENTATIVE_BATCH })
    };
    [SMALL, LARGE].into_iter().map(step).collect()
}

/// A step with what it needs.
struct MeasuredStep {
    model: Model,
    optimizer: Optimizer,
    loss: Loss,
    batch: Batch,
}

impl MeasuredStep {
    fn new(step: &TrainingStep) -> Result<Self, ExperimentError> {
        let TrainingStep { graph, optimizer, examples } = step;
        let (loss, batch) = random_batch(graph, (*examples).max(1))?;
        Ok(Self { model: Model::of_graph(graph.clone(), 0)?, optimizer: *optimizer, loss, batch })
    }

    /// The seconds of a step, in the mean over all networks.
    fn seconds(&self, division: CoreDivision, length: Duration) -> Result<f64, ExperimentError> {
        let CoreDivision { networks, threads } = division;
        let trainees: Vec<Trainee<'_>> =
            (0..networks.max(1)).map(|_| Trainee::of(self)).collect::<Result<_, _>>()?;
        std::thread::scope(|scope| {
            let running: Vec<_> = trainees
                .into_iter()
                .map(|trainee| scope.spawn(move || trainee.train(threads.max(1), length)))
                .collect();
            let (mut steps, mut seconds) = (0.0, 0.0);
            for thread in running {
                let (done, took) = match thread.join() {
                    Ok(trained) => trained?,
                    Err(panic) => std::panic::resume_unwind(panic),
                };
                steps += f64::from(done);
                seconds += took;
            }
            Ok(seconds / steps)
        })
    }
}

/// One of several networks that train at once.
struct Trainee<'a> {
    step: &'a MeasuredStep,
    model: Model,
    program: Program<f32>,
    optimizer: Box<dyn OptimizerState>,
}

impl<'a> Trainee<'a> {
    fn of(step: &'a MeasuredStep) -> Result<Self, ExperimentError> {
        let model = step.model.with_dtype(DType::F32)?;
        let (program, optimizer) = (model.program()?, optimizer_of(&step.optimizer, &model)?);
        Ok(Self { step, model, program, optimizer })
    }

    /// Trains for about so long; how many steps these were, and their seconds.
    fn train(mut self, threads: usize, length: Duration) -> Result<(u32, f64), ExperimentError> {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| ExperimentError::InvalidParameters(error.to_string()))?;
        pool.install(|| {
            // Memory that is touched for the first time.
            self.take_step()?;
            let (began, mut steps) = (Instant::now(), 0);
            loop {
                self.take_step()?;
                steps += 1;
                if began.elapsed() >= length {
                    return Ok((steps, began.elapsed().as_secs_f64()));
                }
            }
        })
    }

    fn take_step(&mut self) -> Result<(), ExperimentError> {
        let MeasuredStep { loss, batch, .. } = self.step;
        let optimizer = self.optimizer.as_mut();
        step::step(&mut self.program, &self.model, optimizer, LEARNING_RATE_FACTOR, *loss, batch)?;
        Ok(())
    }
}

/// Random examples of a network's shape, and a loss that they can be held against.
fn random_batch(graph: &Graph, examples: usize) -> Result<(Loss, Batch), ExperimentError> {
    let mut stream = Stream::new(0, "bench/examples");
    let count = graph.input().elements() as usize;
    let inputs: Vec<f32> = match graph.input() {
        ExampleShape::Tokens { vocabulary, .. } => {
            (0..examples * count).map(|_| stream.below(u64::from(vocabulary.max(1))) as f32).collect()
        }
        ExampleShape::Image { .. } | ExampleShape::Vector { .. } | ExampleShape::Sequence { .. } => {
            (0..examples * count).map(|_| stream.normal() as f32).collect()
        }
    };
    let inputs = Tensor::from_vec(inputs, (examples, count), &Device::Cpu)?;
    let outputs = graph.output().elements() as usize;
    let (loss, targets) = if outputs > 1 {
        let labels: Vec<u32> = (0..examples).map(|_| stream.below(outputs as u64) as u32).collect();
        (Loss::CrossEntropy, Tensor::from_vec(labels, examples, &Device::Cpu)?)
    } else {
        let values: Vec<f32> = (0..examples * outputs).map(|_| stream.normal() as f32).collect();
        (Loss::MeanSquaredError, Tensor::from_vec(values, (examples, outputs), &Device::Cpu)?)
    };
    Ok((loss, Batch { inputs, targets }))
}

#[cfg(test)]
mod tests {
    use basin_domain::experiment::FitFunction;
    use basin_domain::network::{
        Family, FamilyNetwork, Initialization, Network, Parametrization, Transformer,
    };

    use super::*;

    fn divisions() -> [CoreDivision; 2] {
        [CoreDivision { networks: 2, threads: 1 }, CoreDivision { networks: 1, threads: 2 }]
    }

    #[test]
    fn every_step_is_measured_under_every_division_whatever_its_loss_and_its_optimiser() {
        let image = ExampleShape::Image { channels: 1, height: 8, width: 8 };
        let conv = ConvNet { conv: vec![4], kernel: 3, dense: vec![] }.graph(&image, 3).unwrap();
        let fit = Network::of_dense(&[4]).graph(&FitFunction::EXAMPLE, 1).unwrap();
        let steps = [
            TrainingStep { graph: conv, optimizer: Optimizer::adam(1e-3), examples: 16 },
            // So fast that weights would leave all bounds if they moved.
            TrainingStep { graph: fit, optimizer: Optimizer::sgd(1e3, 0.9, 0.0), examples: 8 },
        ];
        let seconds = step_seconds(&steps, &divisions(), Duration::from_millis(10)).unwrap();
        assert_eq!(seconds.len(), 2);
        for of_step in &seconds {
            assert_eq!(of_step.len(), 2);
            assert!(of_step.iter().all(|seconds| seconds.is_finite() && *seconds > 0.0), "{seconds:?}");
        }
    }

    #[test]
    fn a_small_and_a_large_network_stand_for_others() {
        let [small, large] = representative_steps().unwrap().try_into().unwrap();
        let products = |step: &TrainingStep| step.graph.products();
        assert!(products(&large) > 10 * products(&small));
    }

    #[test]
    fn a_step_that_takes_longer_than_the_budget_is_measured_all_the_same() {
        let fit = Network::of_dense(&[64, 64]).graph(&FitFunction::EXAMPLE, 1).unwrap();
        let step = TrainingStep { graph: fit, optimizer: Optimizer::adam(1e-3), examples: 64 };
        let measured = MeasuredStep::new(&step).unwrap();
        let division = CoreDivision { networks: 1, threads: 1 };
        let seconds = measured.seconds(division, Duration::ZERO).unwrap();
        assert!(seconds.is_finite() && seconds > 0.0);
    }

    #[test]
    fn a_network_of_tokens_is_measured_on_tokens() {
        let family =
            Family::Transformer(Transformer { depth: 1, width: 4, heads: 2, mlp_ratio: 1, causal: true });
        let (initialization, parametrization) = (Initialization::default(), Parametrization::Standard);
        let network = Network::Family(FamilyNetwork { family, initialization, parametrization });
        let graph = network.graph(&ExampleShape::Tokens { positions: 3, vocabulary: 5 }, 5).unwrap();
        let (_, batch) = random_batch(&graph, 7).unwrap();
        let tokens = batch.inputs.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(tokens.len() == 21 && tokens.iter().all(|token| (0..5).contains(&(*token as i32))));
        let step = TrainingStep { graph, optimizer: Optimizer::adam(1e-3), examples: 7 };
        assert!(MeasuredStep::new(&step).unwrap().seconds(divisions()[1], Duration::ZERO).unwrap() > 0.0);
    }
}
