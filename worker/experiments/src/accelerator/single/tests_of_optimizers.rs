//! Every optimiser with all that is done around it on Candle's processor device, against the kernels, in `f64`.

use std::collections::HashMap;

use basin_domain::network::Network;
use basin_domain::network::layer::{BatchNorm, Convolution, Dense, Dropout, Layer, Output};
use basin_domain::network::{Activation, LayerList, Parametrization};
use basin_domain::optimizer::{
    Adam, AdamW, Clipping, Lion, Muon, Optimizer, OtherRule, RmsProp, Rule, Sam, Sgd, WeightAverage,
    WeightDecayOn,
};
use basin_kernels::Loss;
use basin_kernels::network::{Mode, Program};
use basin_kernels::optimizer::{
    BoundedGradients, Gradient, Gradients, Optimizer as OptimizerState, Perturbation,
};
use candle_core::{DType, Device, Tensor, TensorId, Var};

use super::testing::{Examples, IMAGE, assert_near, gradients_at_home, model, on_device, values};
use super::{SingleNetwork, SingleNumbers, Work};
use crate::model::Model;
use crate::optimizer::{clipping, optimizer_of};
use crate::training::share_of_latest_weights;

const LOSS: Loss = Loss::CrossEntropy;
const STEPS: u64 = 24;

/// Weights of two and four dimensions, scales and shifts, statistics and draws; no bias whose gradient is rounding alone.
fn network(parametrization: Parametrization) -> Network {
    let layers = vec![
        Layer::Conv(Convolution { bias: false, ..Convolution::new(6, 3) }),
        Layer::BatchNorm(BatchNorm::default()),
        Layer::Activation(Activation::Tanh),
        Layer::Dropout(Dropout { probability: 0.2 }),
        Layer::Dense(Dense::new(7)),
        Layer::Activation(Activation::Gelu),
        Layer::Output(Output::default()),
    ];
    Network::Layers(LayerList { parametrization, ..LayerList::new(layers) })
}

fn optimizers() -> Vec<(&'static str, Optimizer)> {
    let adam_w = AdamW { learning_rate: 1e-2, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1 };
    let rms = |momentum, centered| {
        let settings =
            RmsProp { learning_rate: 1e-2, rho: 0.9, epsilon: 1e-6, momentum, centered, weight_decay: 1e-2 };
        Optimizer::new(Rule::RmsProp(settings))
    };
    let settings_of_muon = |nesterov, others| Muon {
        learning_rate: 0.02,
        momentum: 0.9,
        nesterov,
        weight_decay: 0.1,
        iterations: 5,
        others,
        output_by_others: false,
        normalized: false,
    };
    let muon = |nesterov, others| Optimizer::new(Rule::Muon(settings_of_muon(nesterov, others)));
    let sgd = Sgd::new(0.05, 0.9, 1e-2);
    let by_nesterov = OtherRule::Sgd(Sgd { nesterov: true, ..sgd });
    let of_speed_runs =
        Muon { output_by_others: true, normalized: true, ..settings_of_muon(true, by_nesterov) };
    let lion = Lion { learning_rate: 1e-3, beta1: 0.9, beta2: 0.99, weight_decay: 0.1 };
    vec![
        ("Adam", Optimizer::new(Rule::Adam(Adam { weight_decay: 1e-2, ..Adam::new(1e-2) }))),
        (
            "AdamW on weights, EMA",
            Optimizer {
                weight_decay_on: WeightDecayOn::Weights,
                average: Some(WeightAverage::Ema { decay: 0.9, warm_up: true }),
                ..Optimizer::new(Rule::AdamW(adam_w))
            },
        ),
        ("SGD", Optimizer::sgd(0.05, 0.0, 0.0)),
        (
            "SGD with momentum, clipped by norm, SWA",
            Optimizer {
                clipping: Some(Clipping::Norm { bound: 0.3 }),
                average: Some(WeightAverage::Swa { start: 5, every: 3 }),
                ..Optimizer::new(Rule::Sgd(Sgd { dampening: 0.3, ..sgd }))
            },
        ),
        (
            "SGD by Nesterov, clipped by value",
            Optimizer {
                clipping: Some(Clipping::Value { bound: 0.01 }),
                ..Optimizer::new(Rule::Sgd(Sgd { nesterov: true, ..sgd }))
            },
        ),
        ("RMSprop", rms(0.0, false)),
        ("RMSprop, centred", rms(0.0, true)),
        ("RMSprop with momentum", rms(0.5, false)),
        ("RMSprop with momentum, centred", rms(0.5, true)),
        ("Lion", Optimizer::new(Rule::Lion(lion))),
        ("Muon and AdamW", muon(true, OtherRule::AdamW(adam_w))),
        ("Muon and SGD", muon(false, OtherRule::Sgd(sgd))),
        ("Muon of normalised matrices, SGD of the output", Optimizer::new(Rule::Muon(of_speed_runs))),
        (
            "SAM around SGD",
            Optimizer { sam: Some(Sam { rho: 0.05, adaptive: false }), ..Optimizer::new(Rule::Sgd(sgd)) },
        ),
        (
            "adaptive SAM around Muon, clipped",
            Optimizer {
                sam: Some(Sam { rho: 0.5, adaptive: true }),
                clipping: Some(Clipping::Norm { bound: 0.5 }),
                ..muon(true, OtherRule::AdamW(adam_w))
            },
        ),
    ]
}

/// The course of the learning rate's factor, as a schedule would give it.
fn factor(step: u64) -> f64 {
    (1.0 + step as f64).min(4.0) / 4.0 - 0.01 * step as f64
}

/// Gradients by their parameters.
struct Given(HashMap<TensorId, Tensor>);

impl Gradients for Given {
    fn of(&self, parameter: &Var) -> Option<Gradient<'_>> {
        self.0.get(&parameter.id()).map(Gradient::Tensor)
    }
}

/// A network at home, stepped by the kernels.
struct Home {
    settings: Optimizer,
    model: Model,
    program: Program<f64>,
    state: Box<dyn OptimizerState>,
    average: Option<Vec<Vec<f64>>>,
}

impl Home {
    fn new(settings: Optimizer, network: &Network) -> Self {
        let model = model(network, &IMAGE);
        let state = optimizer_of(&settings, &model).unwrap();
        let average = settings.average.map(|_| weights(&model));
        Self { settings, program: model.program().unwrap(), model, state, average }
    }

    fn gradients(&mut self, examples: &Examples, updates_statistics: bool) -> (Given, f64) {
        let mode = Mode::Training { step: self.state.steps(), updates_statistics };
        let found = gradients_at_home(&mut self.program, &self.model, LOSS, examples, mode);
        let norm = found.iter().flatten().map(|value| value * value).sum::<f64>().sqrt();
        let given = self.model.parameters().values().zip(found).map(|(parameter, gradient)| {
            (parameter.id(), Tensor::from_vec(gradient, parameter.shape(), &Device::Cpu).unwrap())
        });
        (Given(given.collect()), norm)
    }

    fn step(&mut self, examples: &Examples) {
        let (mut gradients, mut norm) = self.gradients(examples, true);
        if let Some(Sam { rho, adaptive }) = self.settings.sam {
            let perturbation = Perturbation { rho, adaptive };
            let before = perturbation.apply(self.model.parameters().values(), &gradients).unwrap();
            (gradients, norm) = self.gradients(examples, false);
            before.restore().unwrap();
        }
        let factor = factor(self.state.steps());
        match self.settings.clipping {
            None => self.state.step(factor, &gradients).unwrap(),
            Some(bound) => {
                let bounded = BoundedGradients::new(clipping(bound), norm, &gradients);
                self.state.step(factor, &bounded).unwrap();
            }
        }
        let share = self.settings.average.and_then(|it| share_of_latest_weights(it, self.state.steps()));
        if let (Some(average), Some(share)) = (&mut self.average, share) {
            for (average, now) in average.iter_mut().flatten().zip(weights(&self.model).iter().flatten()) {
                *average += share * (now - *average);
            }
        }
    }
}

fn weights(model: &Model) -> Vec<Vec<f64>> {
    model.parameters().values().map(|it| values(&it.as_detached_tensor())).collect()
}

fn examples(step: u64) -> Examples {
    Examples::of(&IMAGE, 6, &format!("step {step}"))
}

fn step_there(there: &mut SingleNetwork, step: u64) {
    let work = Work::Step { learning_rate_factor: factor(step) };
    let found = there.pass(work, LOSS, &examples(step).on_device(&IMAGE), 1 << 30).unwrap();
    assert!(found.gradient_norm.is_finite());
}

#[test]
fn weights_accumulators_statistics_and_averages_are_those_of_the_kernels() {
    let wide = Parametrization::Mup { base_width: 2 };
    for parametrization in [Parametrization::Standard, wide] {
        for (name, settings) in optimizers() {
            let mut home = Home::new(settings, &network(parametrization));
            let mut there = on_device(&home.model, settings, home.state.as_ref());
            for step in 0..STEPS {
                home.step(&examples(step));
                step_there(&mut there, step);
            }
            let found = there.numbers().unwrap();
            assert_eq!(found.steps, STEPS);
            for (parameter, expected) in home.model.parameters() {
                let expected = values(&expected.as_detached_tensor());
                assert_near(
                    &values(&found.parameters[parameter]),
                    &expected,
                    0.0,
                    &format!("{name}: {parameter}"),
                );
            }
            for (buffer, expected) in home.model.buffers() {
                let expected = values(&expected.as_detached_tensor());
                assert_near(&values(&found.buffers[buffer]), &expected, 0.0, &format!("{name}: {buffer}"));
            }
            let state = home.state.state().unwrap();
            assert_eq!(found.accumulators.keys().collect::<Vec<_>>(), state.keys().collect::<Vec<_>>());
            for (kind, expected) in &state {
                assert_near(
                    &values(&found.accumulators[kind]),
                    &values(expected),
                    1e-6,
                    &format!("{name}: {kind}"),
                );
            }
            assert_eq!(found.average.is_some(), settings.average.is_some());
            for (found, expected) in
                found.average.iter().flat_map(|it| it.values()).zip(home.average.iter().flatten())
            {
                assert_near(&values(found), expected, 0.0, &format!("{name}: the average"));
            }
        }
    }
}

#[test]
fn the_averaged_weights_are_evaluated_in_the_place_of_the_others() {
    for average in
        [WeightAverage::Ema { decay: 0.8, warm_up: false }, WeightAverage::Swa { start: 3, every: 2 }]
    {
        let settings = Optimizer { average: Some(average), ..Optimizer::sgd(0.05, 0.9, 0.0) };
        let mut home = Home::new(settings, &network(Parametrization::Standard));
        let mut there = on_device(&home.model, settings, home.state.as_ref());
        for step in 0..8 {
            home.step(&examples(step));
            step_there(&mut there, step);
            let batch = examples(100);
            let kept = home.model.flat_parameters().unwrap();
            let is_averaging = average.count_after(step + 1) > 0;
            if let Some(average) = home.average.as_ref().filter(|_| is_averaging) {
                home.model.set_parameters(&average.concat()).unwrap();
            }
            let outputs = home.program.evaluate(&batch.inputs).unwrap();
            home.model.set_parameters(&kept).unwrap();
            let expected = LOSS.sums(&outputs, &batch.labels).unwrap();
            let batch = batch.on_device(&IMAGE);
            let found = there.pass(Work::EvaluateAverage, LOSS, &batch, 1 << 30).unwrap().sums;
            assert_near(&[found.loss], &[expected.loss], 0.0, &format!("{average:?} after step {step}"));
            let own = there.pass(Work::Evaluate, LOSS, &batch, 1 << 30).unwrap().sums;
            assert!(!is_averaging || step < 3 || own.loss != found.loss, "the average is another network");
        }
    }
}

#[test]
fn going_on_from_exported_numbers_gives_the_same_bytes() {
    for dtype in [DType::F32, DType::F64] {
        for (name, settings) in optimizers() {
            let home = Home::new(settings, &network(Parametrization::Standard));
            let start = on_device(&home.model, settings, home.state.as_ref());
            let of = |numbers: &SingleNumbers| {
                SingleNetwork::new(start.settings.clone(), numbers, &Device::Cpu, dtype).unwrap()
            };
            let rows = |network: &SingleNetwork| {
                let numbers = network.numbers().unwrap();
                let average = numbers.average.unwrap_or_default();
                let all = [numbers.parameters, numbers.buffers, numbers.accumulators, average];
                let bits = |tensor: Tensor| {
                    let numbers = values(&tensor.to_dtype(DType::F64).unwrap());
                    numbers.into_iter().map(f64::to_bits).collect::<Vec<_>>()
                };
                all.map(|named| named.into_iter().map(|(name, it)| (name, bits(it))).collect::<Vec<_>>())
            };
            let batch = |step: u64| {
                let mut batch = examples(step).on_device(&IMAGE);
                batch.inputs = batch.inputs.to_dtype(dtype).unwrap();
                batch
            };
            let step = |network: &mut SingleNetwork, step: u64| {
                let work = Work::Step { learning_rate_factor: factor(step) };
                network.pass(work, LOSS, &batch(step), 1 << 30).unwrap();
            };
            let mut whole = of(&start.numbers().unwrap());
            let mut resumed = of(&start.numbers().unwrap());
            for number in 0..9 {
                step(&mut whole, number);
                step(&mut resumed, number);
                if number % 4 == 2 {
                    resumed = of(&resumed.numbers().unwrap());
                }
            }
            assert_eq!(rows(&resumed), rows(&whole), "{name} in {dtype:?}");
        }
    }
}

#[test]
fn a_step_along_a_gradient_that_is_not_finite_moves_no_weight() {
    let settings = Optimizer::adam(1e-2);
    let home = Home::new(settings, &network(Parametrization::Standard));
    let mut there = on_device(&home.model, settings, home.state.as_ref());
    let mut batch = examples(0).on_device(&IMAGE);
    batch.inputs = (batch.inputs * f64::MAX).unwrap();
    let work = Work::Step { learning_rate_factor: 1.0 };
    let found = there.pass(work, LOSS, &batch, 1 << 30).unwrap();
    assert!(!found.gradient_norm.is_finite());
    let numbers = there.numbers().unwrap();
    assert_eq!(numbers.steps, 0);
    for (name, parameter) in home.model.parameters() {
        assert_eq!(values(&numbers.parameters[name]), values(&parameter.as_detached_tensor()));
    }
}
