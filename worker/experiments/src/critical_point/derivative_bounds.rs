//! How large the loss's second and third derivatives are at most in a ball, along any direction of length 1.
//!
//! The norm of a symmetric form is its largest value at one vector (Banach 1938, "Über homogene Polynome in (L²)"). So the Hessian
//! changes by at most L·‖θ − θ′‖ within the ball, L being a bound of d³/dt³ loss(θ + tu) over the ball and all u with ‖u‖ = 1. Along such a
//! line, layer by layer, with W the weight and U its direction, ‖U‖ ≤ 1, a the activations before the layer and z its sums:
//!
//! - z′ = U(a, 1) + Wa′, so ‖z′‖ ≤ √(‖a‖² + 1) + ‖W‖‖a′‖;
//! - z″ = 2Ua′ + Wa″, and z‴ = 3Ua″ + Wa‴ likewise;
//! - after the layer a′ = σ′z′, a″ = σ″z′² + σ′z″, a‴ = σ‴z′³ + 3σ″z′z″ + σ′z‴.
//!
//! The bound is one of exact arithmetic; its own rounding is a factor of 1 + 10⁻¹², which it is enlarged by.

use basin_domain::experiment::Activation;

use super::network::{LayerLayout, Network};
use super::points::norm;
use super::workspace::Workspace;

/// The largest magnitude of tanh″, 4/(3√3), rounded up. Those of tanh′ and tanh‴ are 1 and 2.
const SECOND_OF_TANH: f64 = 0.769_800_358_919_502;
/// What rounding may have taken off a bound.
const ROUNDING: f64 = 1.0 + 1e-12;

/// Bounds over a ball around θ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct DerivativeBounds {
    /// Of |uᵀHu|; it bounds the sum of the magnitudes of the terms, too.
    pub(super) second: f64,
    /// Of d³/dt³ loss(θ + tu): the Hessian's Lipschitz constant. Infinite if a ReLU may switch within the ball.
    pub(super) third: f64,
}

/// Bounds of a vector's norm, and of those of its derivatives along a line, over the ball.
#[derive(Debug, Clone, Copy)]
struct Jet {
    value: f64,
    first: f64,
    second: f64,
    third: f64,
}

impl DerivativeBounds {
    /// The bounds over the ball of this radius around θ.
    pub(super) fn of(network: &Network, theta: &[f64], radius: f64, workspace: &mut Workspace) -> Self {
        network.forward(theta, workspace);
        let points = network.points();
        let weights: Vec<f64> =
            network.layers.iter().map(|layer| norm(&theta[layer.offset..layer.bias(0)]) + radius).collect();
        let (mut second, mut third) = (0.0, 0.0);
        for point in 0..points {
            let at =
                |values: &[f64]| -> Vec<f64> { values[point..].iter().step_by(points).copied().collect() };
            let inputs = at(&network.inputs);
            let mut jet = Jet { value: norm(&inputs), first: 0.0, second: 0.0, third: 0.0 };
            let mut before = inputs;
            for (index, (layer, &weight)) in network.layers.iter().zip(&weights).enumerate() {
                let sums = jet.through_layer(weight);
                let after = at(&workspace.activations[index + 1]);
                jet = if index + 1 == network.layers.len() {
                    sums
                } else {
                    let switches = network.activation == Activation::Relu
                        && layer.least_sum(theta, &before) <= radius * sums.first;
                    sums.through(network.activation, switches)
                };
                jet.value = norm(&after) + radius * jet.first;
                if network.activation == Activation::Tanh && index + 1 < network.layers.len() {
                    jet.value = jet.value.min((layer.outputs as f64).sqrt());
                }
                before = after;
            }
            let errors: Vec<f64> =
                before.iter().zip(at(&network.targets)).map(|(output, target)| output - target).collect();
            let error = norm(&errors) + radius * jet.first;
            second += 2.0 * (jet.first * jet.first + error * jet.second);
            third += 2.0 * (3.0 * jet.first * jet.second + error * jet.third);
        }
        let mean = |sum: f64| ROUNDING * sum / points as f64;
        Self { second: mean(second), third: mean(third) }
    }
}

impl Jet {
    /// The jet of a layer's sums, from that of the activations before it; `weight` bounds the weight's norm. Its value isn't set.
    fn through_layer(self, weight: f64) -> Self {
        let moved = (self.value * self.value + 1.0).sqrt();
        Self {
            value: 0.0,
            first: moved + weight * self.first,
            second: 2.0 * self.first + weight * self.second,
            third: 3.0 * self.second + weight * self.third,
        }
    }

    /// The jet of the activations, from that of the sums; `switches` says whether a ReLU may change its side.
    fn through(self, activation: Activation, switches: bool) -> Self {
        let Self { first, second, third, .. } = self;
        match activation {
            Activation::Tanh => Self {
                second: SECOND_OF_TANH * first * first + second,
                third: 2.0 * first * first * first + 3.0 * SECOND_OF_TANH * first * second + third,
                ..self
            },
            Activation::Relu if switches => Self { second: f64::INFINITY, third: f64::INFINITY, ..self },
            Activation::Relu | Activation::Linear => self,
        }
    }
}

impl LayerLayout {
    /// The least magnitude of the layer's sums for these inputs.
    fn least_sum(&self, theta: &[f64], inputs: &[f64]) -> f64 {
        let sum = |unit: usize| {
            let products = theta[self.weight(unit)].iter().zip(inputs).map(|(weight, input)| weight * input);
            theta[self.bias(unit)] + products.sum::<f64>()
        };
        (0..self.outputs).map(|unit| sum(unit).abs()).fold(f64::INFINITY, f64::min)
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::random::Stream;

    use super::*;

    fn network(hidden: &[u32], activation: Activation) -> Network {
        let inputs: Vec<f64> = (0..20).map(|index| f64::from(index) * 0.3 - 3.0).collect();
        let targets = inputs.iter().map(|x| x.sin()).collect();
        Network::new(hidden, activation, inputs, targets).unwrap()
    }

    fn moved(theta: &[f64], direction: &[f64], length: f64) -> Vec<f64> {
        theta.iter().zip(direction).map(|(theta, direction)| theta + length * direction).collect()
    }

    fn unit(count: usize, stream: &mut Stream) -> Vec<f64> {
        let direction: Vec<f64> = (0..count).map(|_| stream.normal()).collect();
        let length = norm(&direction);
        direction.iter().map(|element| element / length).collect()
    }

    /// Anywhere in the ball, and not so large as to say nothing.
    #[test]
    fn no_hessian_in_the_ball_changes_faster_than_the_bound_says() {
        let mut stream = Stream::new(3, "bounds");
        for (hidden, activation) in [
            (&[3][..], Activation::Tanh),
            (&[4, 3], Activation::Tanh),
            (&[3, 2], Activation::Linear),
            (&[], Activation::Tanh),
        ] {
            let network = network(hidden, activation);
            let (mut workspace, count) = (Workspace::new(&network), network.parameter_count());
            let mut closest = 0.0_f64;
            for seed in 0..20 {
                let theta: Vec<f64> = network.initial(seed).iter().map(|theta| 2.0 * theta).collect();
                let radius = 0.5;
                let bounds = DerivativeBounds::of(&network, &theta, radius, &mut workspace);
                for _ in 0..20 {
                    let at = moved(&theta, &unit(count, &mut stream), 0.45 * stream.uniform());
                    let direction = unit(count, &mut stream);
                    let (hessian, after) =
                        (network.hessian(&at), network.hessian(&moved(&at, &direction, 1e-4)));
                    let of = |matrix: nalgebra::DMatrix<f64>| {
                        matrix
                            .symmetric_eigenvalues()
                            .iter()
                            .fold(0.0_f64, |most, value| most.max(value.abs()))
                    };
                    let rate = of(after - &hessian) / 1e-4;
                    assert!(
                        rate <= bounds.third + 1e-7,
                        "{hidden:?} {activation:?}: {rate} above {bounds:?}"
                    );
                    assert!(of(hessian) <= bounds.second, "{hidden:?} {activation:?}");
                    closest = closest.max(rate / bounds.third);
                }
            }
            assert!(hidden.is_empty() || closest > 1e-7, "{hidden:?} {activation:?}: {closest}");
        }
    }

    #[test]
    fn a_linear_models_hessian_does_not_change() {
        let network = network(&[], Activation::Tanh);
        let bounds = DerivativeBounds::of(&network, &[1.0, 2.0], 1.0, &mut Workspace::new(&network));
        assert_eq!(bounds.third, 0.0);
    }

    #[test]
    fn a_relu_that_may_switch_within_the_ball_has_no_bound() {
        let network = network(&[1], Activation::Relu);
        // The kink is at x = 0.05, and the nearest points are 0 and 0.3.
        let theta = [1.0, -0.05, 1.0, 0.0];
        let third =
            |radius| DerivativeBounds::of(&network, &theta, radius, &mut Workspace::new(&network)).third;
        assert!(third(0.01).is_finite());
        assert_eq!(third(0.2), f64::INFINITY);
    }
}
