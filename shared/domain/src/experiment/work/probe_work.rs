//! What a probe costs.

use super::{NetworkWork, WorkSeconds};
use crate::data::SplitSizes;
use crate::experiment::Probe;

/// The products after which the iteration for the largest eigenvalue is usually close enough to end.
const USUAL_PRODUCTS: u32 = 25;
/// The further products that each further eigenvalue takes.
const FURTHER_PRODUCTS: u32 = 8;

impl Probe {
    /// The passes over its examples that the probe of a network of so many layers usually makes: gradients of the sharpness, products with the
    /// Hessian of the others. One of those that go through their examples once.
    pub fn usual_passes(&self, layers: u64) -> u64 {
        let layers = layers.min(Self::MOST_LAYERS as u64).max(1);
        match *self {
            Self::Sensitivity { .. } | Self::InputGradient { .. } | Self::TestAugmentation { .. } => 1,
            Self::Sharpness { steps, .. } => u64::from(steps) + 1,
            Self::LargestEigenvalue { steps, .. } => u64::from(steps.min(USUAL_PRODUCTS)),
            Self::TopEigenvalues { steps, count, .. } => {
                let usual = USUAL_PRODUCTS.saturating_add(count.saturating_mul(FURTHER_PRODUCTS));
                u64::from(steps.min(usual))
            }
            Self::LayerEigenvalues { steps, .. } => {
                layers.saturating_mul(u64::from(steps.min(USUAL_PRODUCTS)))
            }
            Self::Trace { vectors, .. } => u64::from(vectors),
            Self::Spectrum { steps, vectors, .. } => u64::from(steps).saturating_mul(u64::from(vectors)),
            Self::LayerSpectra { steps, .. } => layers.saturating_mul(u64::from(steps)),
        }
    }
}

/// The work of a probe in a run with these examples.
pub(super) fn probe_work(probe: &Probe, network: &NetworkWork, examples: SplitSizes) -> WorkSeconds {
    let outside = if examples.test > 0 { examples.test } else { examples.train };
    let of_outside = |most: Option<u32>| most.map_or(outside, |most| outside.min(u64::from(most))) as f64;
    let of_train = |most: u32| examples.train.min(u64::from(most)) as f64;
    let passes = probe.usual_passes(network.layers()) as f64;
    match *probe {
        Probe::Sensitivity { examples } => network.input_derivatives(of_outside(examples), true),
        Probe::InputGradient { examples } => network.input_derivatives(of_outside(examples), false),
        Probe::TestAugmentation { examples, shift } => {
            let views = if shift == 0 { 2.0 } else { 6.0 };
            network.evaluation(of_outside(examples)) * views
        }
        Probe::Sharpness { examples, .. } => network.double_gradient(of_train(examples)) * passes,
        Probe::LargestEigenvalue { examples, .. }
        | Probe::TopEigenvalues { examples, .. }
        | Probe::Trace { examples, .. }
        | Probe::LayerEigenvalues { examples, .. }
        | Probe::Spectrum { examples, .. }
        | Probe::LayerSpectra { examples, .. } => network.hessian_product(of_train(examples)) * passes,
    }
}
