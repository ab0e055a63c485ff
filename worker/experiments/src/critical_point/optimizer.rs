//! The optimisers of [`basin_kernels::optimizer`] over one flat vector.

use basin_domain::optimizer::Optimizer;
use basin_kernels::optimizer::{AdamRule, SgdRule};

/// An optimiser with its accumulators, each as long as θ.
#[derive(Debug, Clone)]
pub(super) struct FlatOptimizer {
    rule: Optimizer,
    pub(super) steps: u64,
    /// Adam's first and second moment; the velocity of SGD.
    pub(super) accumulators: Vec<Vec<f64>>,
}

impl FlatOptimizer {
    /// The optimiser before its first step over `parameters` parameters.
    pub(super) fn new(rule: Optimizer, parameters: usize) -> Self {
        let accumulators = match rule {
            Optimizer::Adam { .. } => 2,
            Optimizer::Sgd { .. } => 1,
        };
        Self { rule, steps: 0, accumulators: vec![vec![0.0; parameters]; accumulators] }
    }

    /// One step of θ along `gradient`.
    pub(super) fn step(&mut self, theta: &mut [f64], gradient: &[f64]) {
        self.steps += 1;
        match (self.rule, self.accumulators.as_mut_slice()) {
            (Optimizer::Adam { learning_rate, beta1, beta2, epsilon, weight_decay }, [first, second]) => {
                let rule = AdamRule { learning_rate, beta1, beta2, epsilon, weight_decay };
                rule.step(self.steps, theta, gradient, [first, second]);
            }
            (Optimizer::Sgd { learning_rate, momentum, weight_decay }, [velocity]) => {
                SgdRule { learning_rate, momentum, weight_decay }.step(theta, gradient, velocity);
            }
            (Optimizer::Adam { .. } | Optimizer::Sgd { .. }, _) => {
                unreachable!("an optimiser has the accumulators that it was made with")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use basin_kernels::backward;
    use candle_core::{Device, Var};

    use super::*;
    use crate::training::step;

    /// The loss of the test is Σ cθ⁴, far from a quadratic one.
    #[test]
    fn twenty_steps_are_those_of_the_optimisers_over_tensors() {
        let sgd = Optimizer::Sgd { learning_rate: 0.01, momentum: 0.9, weight_decay: 1e-2 };
        let adam = Optimizer::Adam {
            learning_rate: 0.1,
            beta1: 0.8,
            beta2: 0.99,
            epsilon: 1e-6,
            weight_decay: 1e-3,
        };
        for rule in [sgd, adam] {
            let mut theta = vec![0.5, -1.25, 0.75, 2.0, 0.0];
            let tensor = Var::new(theta.as_slice(), &Device::Cpu).unwrap();
            let parameters = BTreeMap::from([("theta".to_owned(), tensor.clone())]);
            let mut expected = step::optimizer(&rule, &parameters).unwrap();
            let mut optimizer = FlatOptimizer::new(rule, theta.len());
            for _ in 0..20 {
                let loss = (tensor.sqr().unwrap().sqr().unwrap() * 0.3).unwrap().sum_all().unwrap();
                let gradients = backward(&loss).unwrap();
                let gradient = gradients.get(&tensor).unwrap().to_vec1::<f64>().unwrap();
                expected.step(&gradients).unwrap();
                optimizer.step(&mut theta, &gradient);
                assert_eq!(theta, tensor.as_detached_tensor().to_vec1::<f64>().unwrap());
            }
            assert_eq!(optimizer.steps, 20);
        }
    }
}
