//! How much work a task is, roughly: long tasks are begun first.

use super::{Experiment, TrainedModel, TrainingTime};
use crate::data::DataUse;
use crate::network::{ExampleShape, Network};

/// Examples where the file doesn't limit them: those of CIFAR-10.
const EXAMPLES: u64 = 50_000;
/// Examples are taken for the first of these of which there is such a network: the true ones aren't known here.
const SHAPES: [ExampleShape; 5] = [
    ExampleShape::Image { channels: 3, height: 32, width: 32 },
    ExampleShape::Image { channels: 1, height: 28, width: 28 },
    ExampleShape::Image { channels: 3, height: 224, width: 224 },
    ExampleShape::Tokens { positions: 3, vocabulary: 100 },
    ExampleShape::Vector { length: 1_000 },
];
/// And for so many classes.
const CLASSES: u32 = 10;
/// A step's backward pass takes twice as long as its forward pass.
const STEP: u64 = 3;

impl Experiment {
    /// The binary order of magnitude of the multiplications that a task takes. Probes, test examples and the true size of data
    /// sets don't count: it is only ever compared with other tasks' of the sweep.
    pub fn magnitude(&self) -> u32 {
        self.multiplications().max(1).ilog2()
    }

    fn multiplications(&self) -> u64 {
        let product =
            |factors: &[u64]| factors.iter().fold(1, |product: u64, factor| product.saturating_mul(*factor));
        match self {
            Self::Classify(it) => {
                let seen = examples_seen(it.budget, images(&it.data), it.batch_size);
                let steps = product(&[seen, STEP]);
                steps.saturating_mul(of_image(&it.model))
            }
            Self::Regress(it) => {
                let seen = examples_seen(it.budget, images(&it.data), it.batch_size);
                product(&[seen, STEP, of_image(&it.model)])
            }
            Self::FitFunction(it) => {
                let count = it.sampled().count();
                let batch_size = it.batch_size.unwrap_or(u32::try_from(count).unwrap_or(u32::MAX));
                let seen = examples_seen(it.budget, count, batch_size);
                product(&[seen, STEP, of_point(&it.network(), it.function.example())])
            }
            Self::CriticalPoint(it) => {
                let points = u64::from(it.points);
                let training = product(&[u64::from(it.epochs), points, STEP, it.parameter_count()]);
                let hessian = product(&[points, it.parameter_count(), it.parameter_count()]);
                training.saturating_add(hessian.saturating_mul(u64::from(it.iterations.min(100))))
            }
            Self::Interpolate(it) => {
                product(&[u64::from(it.ratios.count), of_evaluation(&it.trained, it.examples)])
            }
            Self::Surface(it) => {
                let rows = it.tile.rows(it.resolution).len() as u64;
                product(&[rows, u64::from(it.resolution), of_evaluation(&it.trained, it.examples)])
            }
            // Nobody knows.
            Self::Command(_) => 1,
            Self::Custom(it) => 1_u64.checked_shl(it.work).unwrap_or(u64::MAX),
        }
    }
}

/// The examples that are trained on, each as often as it is.
fn examples_seen(budget: TrainingTime, examples: u64, batch_size: u32) -> u64 {
    match budget {
        TrainingTime::Epochs(epochs) => examples.saturating_mul(u64::from(epochs)),
        TrainingTime::Steps(steps) => steps.saturating_mul(examples.min(u64::from(batch_size))),
    }
}

fn images(data: &DataUse) -> u64 {
    data.train_limit.unwrap_or(EXAMPLES).saturating_mul(u64::from(data.label_copies) + 1)
}

/// One pass over the examples of a trained model.
fn of_evaluation(trained: &TrainedModel, examples: Option<u32>) -> u64 {
    let (all, each) = match trained {
        TrainedModel::Classify { model, data, .. } | TrainedModel::Regress { model, data, .. } => {
            (images(data), of_image(model))
        }
        TrainedModel::FitFunction { function, points, .. } => {
            (u64::from(*points), of_point(&trained.network(), function.example()))
        }
    };
    examples.map_or(all, |examples| all.min(u64::from(examples))).saturating_mul(each)
}

/// The multiplications of a forward pass of one example; the greatest number for a network that none of the shapes fits.
fn of_image(network: &Network) -> u64 {
    let graphs = SHAPES.iter().filter_map(|shape| network.graph(shape, CLASSES).ok());
    graphs.map(|graph| graph.products()).next().unwrap_or(u64::MAX)
}

/// The multiplications of a forward pass of one number; the greatest number for a network that can't be built.
fn of_point(network: &Network, example: ExampleShape) -> u64 {
    network.graph(&example, 1).map_or(u64::MAX, |graph| graph.products())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::ConvNet;

    #[test]
    fn the_multiplications_of_an_image_are_those_of_the_layers() {
        let net = ConvNet { conv: vec![32, 64], kernel: 3, dense: vec![128] }.into();
        let convolutions = 3 * 9 * 32 * 32 * 32 + 32 * 9 * 64 * 16 * 16;
        assert_eq!(of_image(&net), convolutions + 64 * 8 * 8 * 128 + 128 * 10);
        assert_eq!(
            of_point(&Network::of_dense(&[32, 64]), ExampleShape::Vector { length: 1 }),
            32 + 32 * 64 + 64
        );
    }

    #[test]
    fn networks_of_any_size_have_a_magnitude() {
        let net = ConvNet { conv: vec![u32::MAX; 9], kernel: u32::MAX, dense: vec![u32::MAX; 3] }.into();
        assert_eq!(of_image(&net), u64::MAX);
    }
}
