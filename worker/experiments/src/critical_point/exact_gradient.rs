//! The gradient to twice the precision.
//!
//! Near a critical point the terms of a gradient cancel to less than the rounding of doubles. In double-doubles it keeps its digits:
//! the gradient of the network whose parameters are these very doubles.

use basin_math::DoubleDouble;

use super::network::Network;
use super::workspace::Workspace;

/// What the gradient is computed in.
#[derive(Debug)]
pub(super) struct ExactGradient {
    workspace: Workspace<DoubleDouble>,
    gradient: Vec<DoubleDouble>,
}

impl ExactGradient {
    /// Memory for this network.
    pub(super) fn new(network: &Network) -> Self {
        let gradient = vec![DoubleDouble::default(); network.parameter_count()];
        Self { workspace: Workspace::new(network), gradient }
    }

    /// The gradient at θ, each element rounded once.
    pub(super) fn at(&mut self, network: &Network, theta: &[f64]) -> Vec<f64> {
        let theta: Vec<DoubleDouble> = theta.iter().copied().map(DoubleDouble::from).collect();
        self.at_exactly(network, &theta)
    }

    /// The gradient where the parameters aren't doubles.
    pub(super) fn at_exactly(&mut self, network: &Network, theta: &[DoubleDouble]) -> Vec<f64> {
        network.gradient_in(theta, &mut self.workspace, &mut self.gradient);
        self.gradient.iter().map(|element| element.high()).collect()
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::experiment::Activation;

    use super::*;

    #[test]
    fn it_is_the_gradient_in_doubles_with_more_digits() {
        let inputs: Vec<f64> = (0..20).map(|index| f64::from(index) * 0.3 - 3.0).collect();
        let targets: Vec<f64> = inputs.iter().map(|x| x.sin()).collect();
        for activation in Activation::ALL {
            let network = Network::new(&[4, 3], activation, inputs.clone(), targets.clone()).unwrap();
            let mut exact = ExactGradient::new(&network);
            for seed in 0..10 {
                let theta = network.initial(seed);
                let pairs = exact.at(&network, &theta).into_iter().zip(network.gradient(&theta));
                for (exact, double) in pairs {
                    assert!((exact - double).abs() < 1e-14, "{activation:?}: {exact} and {double}");
                }
            }
        }
    }

    /// tanh is odd: with two opposite units the gradient by the output's bias is 2·(mean target) alone, exactly.
    #[test]
    fn terms_cancel_to_their_last_digit() {
        let inputs = vec![-1.0, 0.5, 2.0];
        let network = Network::new(&[2], Activation::Tanh, inputs, vec![1e-25, -2e-25, 4e-25]).unwrap();
        let theta = [0.7, -0.7, 0.3, -0.3, 1.5, 1.5, 0.0];
        let gradient = ExactGradient::new(&network).at(&network, &theta);
        assert!((gradient[6] + 2e-25).abs() < 1e-31, "{}", gradient[6]);
    }
}
