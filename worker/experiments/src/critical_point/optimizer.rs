//! The optimisers of [`basin_kernels::optimizer`] over one flat vector.

use basin_domain::optimizer::{Muon, Optimizer, Rule as Named};
use basin_kernels::optimizer::{Clipping, ParameterOptions, Rule, StepAt, WeightDecayOn};

use crate::optimizer::{clipping, rule, weight_decay_on};

/// An optimiser of a vector θ whose parts are a network's parameters.
pub(super) struct FlatOptimizer {
    rule: Box<dyn Rule>,
    weight_decay_on: WeightDecayOn,
    clipping: Option<Clipping>,
    pub(super) steps: u64,
    parts: Vec<FlatPart>,
}

/// A parameter in θ.
struct FlatPart {
    /// The dimensions in which the rule sees it.
    dims: Vec<usize>,
    is_weight: bool,
    length: usize,
    accumulators: Vec<Vec<f64>>,
}

impl FlatOptimizer {
    /// The optimiser before its first step over parameters of these dimensions, which lie in θ one behind the other, those of the output
    /// layer last: weights and biases.
    pub(super) fn new(settings: &Optimizer, parts: impl IntoIterator<Item = Vec<usize>>) -> Self {
        let rule = rule(&settings.rule);
        let parts: Vec<Vec<usize>> = parts.into_iter().collect();
        let leaves_output = matches!(settings.rule, Named::Muon(Muon { output_by_others: true, .. }));
        let output = parts.len().saturating_sub(2);
        let part = |(place, dims): (usize, Vec<usize>)| {
            let of_dims = ParameterOptions::of_dims(&dims);
            let options = ParameterOptions { is_flat: leaves_output && place >= output, ..of_dims };
            let (dims, length) = (options.seen_by_rules(&dims), dims.iter().product());
            let accumulators = vec![vec![0.0; length]; rule.accumulators(&dims).len()];
            FlatPart { dims, is_weight: options.is_weight, length, accumulators }
        };
        let parts = parts.into_iter().enumerate().map(part).collect();
        Self {
            weight_decay_on: weight_decay_on(settings.weight_decay_on),
            clipping: settings.clipping.map(clipping),
            steps: 0,
            parts,
            rule,
        }
    }

    /// One step of θ along `gradient`, whose learning rate is `learning_rate_factor` times that of the settings.
    pub(super) fn step(&mut self, learning_rate_factor: f64, theta: &mut [f64], gradient: &[f64]) {
        self.steps += 1;
        let mut clipped = Vec::new();
        let gradient = match self.clipping {
            None => gradient,
            Some(clipping) => {
                let norm = gradient.iter().map(|element| element * element).sum::<f64>().sqrt();
                clipped.extend_from_slice(gradient);
                clipping.clip(norm, &mut clipped);
                clipped.as_slice()
            }
        };
        let mut start = 0;
        for FlatPart { dims, is_weight, length, accumulators } in &mut self.parts {
            let place = start..start + *length;
            let at = StepAt {
                number: self.steps,
                learning_rate_factor,
                decays: self.weight_decay_on.covers(*is_weight),
            };
            self.rule.step_f64(at, dims, &mut theta[place.clone()], &gradient[place], accumulators);
            start += *length;
        }
    }

    /// The accumulators, each as long as θ: the first of all parameters, the second, and so on; zero where a parameter has fewer.
    pub(super) fn accumulators(&self) -> Vec<Vec<f64>> {
        let count = self.parts.iter().map(|part| part.accumulators.len()).max().unwrap_or(0);
        let of = |index: usize| {
            let of_part = |part: &FlatPart| match part.accumulators.get(index) {
                Some(accumulator) => accumulator.clone(),
                None => vec![0.0; part.length],
            };
            self.parts.iter().flat_map(of_part).collect()
        };
        (0..count).map(of).collect()
    }

    /// Takes the accumulators of [`FlatOptimizer::accumulators`] back.
    pub(super) fn set_accumulators(&mut self, all: &[Vec<f64>]) {
        let mut start = 0;
        for part in &mut self.parts {
            for (own, all) in part.accumulators.iter_mut().zip(all) {
                own.copy_from_slice(&all[start..start + part.length]);
            }
            start += part.length;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use basin_domain::optimizer::{
        Adam, AdamW, Clipping, Lion, Muon, OtherRule, RmsProp, Rule, Sgd, WeightDecayOn,
    };
    use basin_kernels::optimizer::BoundedGradients;
    use candle_core::{Device, Var};

    use super::*;
    use crate::optimizer::optimizer;

    fn rules() -> [Rule; 8] {
        let sgd = Sgd { dampening: 0.5, ..Sgd::new(0.01, 0.9, 1e-2) };
        let adam = Adam { learning_rate: 0.1, beta1: 0.8, beta2: 0.99, epsilon: 1e-6, weight_decay: 1e-3 };
        let Adam { learning_rate, beta1, beta2, epsilon, weight_decay } = adam;
        let adam_w = AdamW { learning_rate, beta1, beta2, epsilon, weight_decay };
        let rms_prop = RmsProp {
            learning_rate: 0.01,
            rho: 0.9,
            epsilon: 1e-8,
            momentum: 0.9,
            centered: true,
            weight_decay: 1e-2,
        };
        let muon = |others| Muon {
            learning_rate: 0.02,
            momentum: 0.95,
            nesterov: true,
            weight_decay: 0.1,
            iterations: 5,
            others,
            output_by_others: false,
            normalized: false,
        };
        [
            Rule::Sgd(sgd),
            Rule::Sgd(Sgd { nesterov: true, ..Sgd::new(0.01, 0.9, 1e-2) }),
            Rule::Adam(adam),
            Rule::AdamW(adam_w),
            Rule::RmsProp(rms_prop),
            Rule::Lion(Lion { learning_rate: 0.01, beta1: 0.9, beta2: 0.99, weight_decay: 0.1 }),
            Rule::Muon(muon(OtherRule::AdamW(adam_w))),
            Rule::Muon(muon(OtherRule::Sgd(sgd))),
        ]
    }

    /// The loss of the test is Σ cθ⁴ over a matrix and a vector, far from a quadratic one.
    #[test]
    fn twenty_steps_are_those_of_the_optimisers_over_tensors() {
        for rule in rules() {
            for (weight_decay_on, clipping) in [
                (WeightDecayOn::All, None),
                (WeightDecayOn::Weights, Some(Clipping::Norm { bound: 0.75 })),
                (WeightDecayOn::Weights, Some(Clipping::Value { bound: 0.25 })),
            ] {
                let settings = Optimizer { weight_decay_on, clipping, ..Optimizer::new(rule) };
                check(&settings);
            }
        }
    }

    #[test]
    fn the_output_s_weights_are_stepped_by_the_rule_of_the_others_where_that_is_asked_for() {
        let others = Sgd { nesterov: true, ..Sgd::new(0.01, 0.9, 1e-2) };
        let muon = Muon {
            learning_rate: 0.02,
            momentum: 0.95,
            nesterov: true,
            weight_decay: 0.1,
            iterations: 5,
            others: OtherRule::Sgd(others),
            output_by_others: true,
            normalized: true,
        };
        let settings = |rule| Optimizer { weight_decay_on: WeightDecayOn::Weights, ..Optimizer::new(rule) };
        let dims = [vec![2, 3], vec![2], vec![1, 2], vec![1]];
        let mut by_muon = FlatOptimizer::new(&settings(Rule::Muon(muon)), dims.clone());
        let mut by_sgd = FlatOptimizer::new(&settings(Rule::Sgd(others)), dims);
        let start: Vec<f64> = (0..11).map(|at| f64::from(at * 3 % 7) - 2.5).collect();
        let (mut found, mut expected) = (start.clone(), start);
        for step in 0..5 {
            let gradient: Vec<f64> = (0..11).map(|at| f64::from((at + step) * 5 % 9) - 4.5).collect();
            by_muon.step(1.0, &mut found, &gradient);
            by_sgd.step(1.0, &mut expected, &gradient);
        }
        assert_eq!(found[6..], expected[6..]);
        assert!(found[..6].iter().zip(&expected[..6]).all(|(found, expected)| found != expected));
    }

    fn check(settings: &Optimizer) {
        let mut theta = vec![0.5, -1.25, 0.75, 2.0, 0.0, 1.5, -0.5, 0.25];
        let weight = Var::from_slice(&theta[..6], (2, 3), &Device::Cpu).unwrap();
        let bias = Var::from_slice(&theta[6..], 2, &Device::Cpu).unwrap();
        // In the order of θ, which is that of their names.
        let parameters = BTreeMap::from([("a".to_owned(), weight.clone()), ("b".to_owned(), bias.clone())]);
        let mut expected = optimizer(settings, &parameters).unwrap();
        let mut flat = FlatOptimizer::new(settings, [vec![2, 3], vec![2]]);
        for step in 0..20 {
            let quartic = |var: &Var| (var.sqr().unwrap().sqr().unwrap() * 0.3).unwrap().sum_all().unwrap();
            let gradients = (quartic(&weight) + quartic(&bias)).unwrap().backward().unwrap();
            let gradient: Vec<f64> = [&weight, &bias]
                .iter()
                .flat_map(|var| gradients.get(var).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap())
                .collect();
            let norm = gradient.iter().map(|value| value * value).sum::<f64>().sqrt();
            match settings.clipping {
                None => expected.step(1.0, &gradients).unwrap(),
                Some(bound) => {
                    let bounded = BoundedGradients::new(clipping(bound), norm, &gradients);
                    expected.step(1.0, &bounded).unwrap();
                }
            }
            if step == 10 {
                let mut resumed = FlatOptimizer::new(settings, [vec![2, 3], vec![2]]);
                resumed.set_accumulators(&flat.accumulators());
                resumed.steps = flat.steps;
                flat = resumed;
            }
            flat.step(1.0, &mut theta, &gradient);
            let mut found = weight.as_detached_tensor().flatten_all().unwrap().to_vec1::<f64>().unwrap();
            found.extend(bias.as_detached_tensor().to_vec1::<f64>().unwrap());
            assert_eq!(theta, found, "{settings:?}, step {step}");
        }
        assert_eq!(flat.steps, 20);
    }
}
