//! How much work a task is, roughly: long tasks are begun first.

use super::{ConvNet, Experiment, TrainedModel, dense_products};
use crate::data::DataUse;

/// Examples where the file doesn't limit them: those of CIFAR-10.
const EXAMPLES: u64 = 50_000;
/// Images are taken for this size, `[channels, height, width]`.
const IMAGE: [u32; 3] = [3, 32, 32];
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
                let steps = product(&[u64::from(it.epochs), images(it.data), STEP]);
                steps.saturating_mul(of_image(&it.model))
            }
            Self::FitFunction(it) => {
                product(&[u64::from(it.epochs), u64::from(it.points), STEP, it.parameter_count()])
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
        }
    }
}

fn images(data: DataUse) -> u64 {
    data.train_limit.unwrap_or(EXAMPLES)
}

/// One pass over the examples of a trained model.
fn of_evaluation(trained: &TrainedModel, examples: Option<u32>) -> u64 {
    let (all, each) = match trained {
        TrainedModel::Classify { model, data } => (images(*data), of_image(model)),
        TrainedModel::FitFunction { hidden, points, .. } => (u64::from(*points), of_point(hidden)),
    };
    examples.map_or(all, |examples| all.min(u64::from(examples))).saturating_mul(each)
}

/// The multiplications of a forward pass of one image.
fn of_image(net: &ConvNet) -> u64 {
    sum(net.products(IMAGE, CLASSES))
}

/// The multiplications of a forward pass of one number.
fn of_point(hidden: &[u32]) -> u64 {
    sum(dense_products(1, hidden, 1))
}

fn sum(products: Vec<u64>) -> u64 {
    products.into_iter().fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_multiplications_of_an_image_are_those_of_the_layers() {
        let net = ConvNet { conv: vec![32, 64], kernel: 3, dense: vec![128] };
        let convolutions = 3 * 9 * 32 * 32 * 32 + 32 * 9 * 64 * 16 * 16;
        assert_eq!(of_image(&net), convolutions + 64 * 8 * 8 * 128 + 128 * 10);
        assert_eq!(of_point(&[32, 64]), 32 + 32 * 64 + 64);
    }

    #[test]
    fn networks_of_any_size_have_a_magnitude() {
        let net = ConvNet { conv: vec![u32::MAX; 9], kernel: u32::MAX, dense: vec![u32::MAX; 3] };
        assert_eq!(of_image(&net), u64::MAX);
    }
}
