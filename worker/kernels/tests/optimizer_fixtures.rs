//! Fifty steps of each optimiser with each option against values computed by PyTorch (`fixtures/make_optimizer_fixture.py`), and the
//! same bytes on each code path.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::{BTreeMap, HashMap};

use basin_kernels::optimizer::{
    BoundedGradients, Clipping, Gradient, Gradients, Optimizer, Perturbation, Rule, Stepped, WeightDecayOn,
};
use candle_core::{DType, Device, Tensor, TensorId, Var, WithDType};
use common::{Numbers, bits, doubles, on_each_path, rules, turn};

const PARAMETERS: [&str; 4] = ["bias", "conv", "tall", "wide"];

struct Fixture(HashMap<String, Tensor>);

/// The gradients aθ³ − b.
struct Cubic(HashMap<TensorId, Tensor>);

impl Gradients for Cubic {
    fn of(&self, parameter: &Var) -> Option<Gradient<'_>> {
        self.0.get(&parameter.id()).map(Gradient::Tensor)
    }
}

impl Cubic {
    fn norm(&self, parameters: &BTreeMap<String, Var>) -> f64 {
        let gradients = parameters.values().flat_map(|parameter| doubles(&self.0[&parameter.id()]));
        gradients.map(|value| value * value).sum::<f64>().sqrt()
    }

    /// The same within a bound.
    fn clipped(&self, bound: Clipping, norm: f64) -> Self {
        let within = |gradient: &Tensor| match gradient.dtype() {
            DType::F32 => clipped::<f32>(gradient, bound, norm),
            _ => clipped::<f64>(gradient, bound, norm),
        };
        Self(self.0.iter().map(|(parameter, gradient)| (*parameter, within(gradient))).collect())
    }
}

fn clipped<T: WithDType>(gradient: &Tensor, bound: Clipping, norm: f64) -> Tensor {
    let mut elements = gradient.flatten_all().unwrap().to_vec1::<T>().unwrap();
    bound.clip(norm, &mut elements);
    Tensor::from_vec(elements, gradient.shape(), &Device::Cpu).unwrap()
}

/// What a run does beside a rule's steps.
#[derive(Default)]
struct Options {
    weight_decay_on: WeightDecayOn,
    clipping: Option<Clipping>,
    perturbation: Option<Perturbation>,
}

impl Fixture {
    fn load() -> Self {
        let bytes = include_bytes!("fixtures/optimizers.safetensors");
        Self(candle_core::safetensors::load_buffer(bytes, &Device::Cpu).unwrap())
    }

    fn parameters(&self, dtype: DType) -> BTreeMap<String, Var> {
        let initial =
            |name: &str| self.0[&format!("initial.{name}")].to_dtype(dtype).unwrap().copy().unwrap();
        PARAMETERS
            .iter()
            .map(|name| ((*name).to_owned(), Var::from_tensor(&initial(name)).unwrap()))
            .collect()
    }

    fn gradients(&self, parameters: &BTreeMap<String, Var>) -> Cubic {
        let of = |(name, parameter): (&String, &Var)| {
            let [a, b] = ["a", "b"].map(|kind| doubles(&self.0[&format!("{kind}.{name}")]));
            let values = doubles(parameter).into_iter().zip(a).zip(b);
            let values: Vec<f64> = values.map(|((theta, a), b)| a * (theta * theta * theta) - b).collect();
            let gradient = Tensor::from_vec(values, parameter.shape(), &Device::Cpu).unwrap();
            (parameter.id(), gradient.to_dtype(parameter.dtype()).unwrap())
        };
        Cubic(parameters.iter().map(of).collect())
    }

    /// The parameters after fifty steps, which are taken up from an exported state halfway.
    fn run(&self, dtype: DType, rule: fn() -> Box<dyn Rule>, options: &Options) -> BTreeMap<String, Var> {
        let parameters = self.parameters(dtype);
        let make = || {
            let stepped = Stepped::with_rule(&parameters, rule()).unwrap();
            stepped.with_weight_decay_on(options.weight_decay_on)
        };
        let mut optimizer = make();
        for step in 0..50 {
            if step == 25 {
                let (steps, state) = (optimizer.steps(), optimizer.state().unwrap());
                optimizer = make();
                optimizer.restore(steps, &state).unwrap();
            }
            let mut gradients = self.gradients(&parameters);
            if let Some(perturbation) = options.perturbation {
                let before: Vec<_> = parameters.values().map(|var| bits(var)).collect();
                let weights = perturbation.apply(parameters.values(), &gradients).unwrap();
                gradients = self.gradients(&parameters);
                weights.restore().unwrap();
                assert_eq!(parameters.values().map(|var| bits(var)).collect::<Vec<_>>(), before);
            }
            match options.clipping {
                None => optimizer.step(1.0, &gradients).unwrap(),
                Some(bound) => {
                    let norm = gradients.norm(&parameters);
                    optimizer.step(1.0, &BoundedGradients::new(bound, norm, &gradients)).unwrap();
                }
            }
        }
        parameters
    }

    fn check(&self, name: &str, rule: fn() -> Box<dyn Rule>, options: &Options) {
        let _turn = turn();
        for (parameter, value) in self.run(DType::F64, rule, options) {
            let expected = doubles(&self.0[&format!("{name}.{parameter}")]);
            for (found, expected) in doubles(&value).into_iter().zip(expected) {
                assert!((found - expected).abs() < 1e-10, "{name}, {parameter}: {found} against {expected}");
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "it takes too long in an interpreter")]
fn fifty_steps_of_each_rule_end_where_pytorch_ends() {
    let fixture = Fixture::load();
    for (name, rule) in rules() {
        fixture.check(name, rule, &Options::default());
    }
}

#[test]
#[cfg_attr(miri, ignore = "it takes too long in an interpreter")]
fn fifty_steps_with_each_option_end_where_pytorch_ends() {
    let fixture = Fixture::load();
    let (_, sgd) = rules().remove(0);
    let decay = Options { weight_decay_on: WeightDecayOn::Weights, ..Options::default() };
    fixture.check("weights_decay", sgd, &decay);
    for (name, bound) in [("clip_norm", Clipping::Norm(0.75)), ("clip_value", Clipping::Value(0.25))] {
        fixture.check(name, sgd, &Options { clipping: Some(bound), ..Options::default() });
    }
    for (name, rho, adaptive) in [("sam", 0.05, false), ("asam", 0.5, true)] {
        let perturbation = Some(Perturbation { rho, adaptive });
        fixture.check(name, sgd, &Options { perturbation, ..Options::default() });
    }
}

#[test]
#[cfg_attr(miri, ignore = "it takes too long in an interpreter")]
fn fifty_steps_have_the_same_bytes_on_each_path() {
    let fixture = Fixture::load();
    for dtype in [DType::F32, DType::F64] {
        let options = Options {
            clipping: Some(Clipping::Norm(0.75)),
            perturbation: Some(Perturbation { rho: 0.05, adaptive: true }),
            ..Options::default()
        };
        let mut expected: BTreeMap<(&str, bool), Vec<u64>> = BTreeMap::new();
        on_each_path(|path| {
            for (name, rule) in rules() {
                for (with_options, options) in [(false, &Options::default()), (true, &options)] {
                    let end = fixture.run(dtype, rule, options);
                    let found: Vec<u64> = end.values().flat_map(|parameter| bits(parameter)).collect();
                    let expected = expected.entry((name, with_options)).or_insert_with(|| found.clone());
                    assert!(*expected == found, "{name} on {path}");
                }
            }
        });
    }
}

/// The parameters and the state after three steps of a rule within a bound: bounded in the pass that steps along the gradients, or in one
/// before it. One parameter is longer than what a thread steps at a time.
fn bounded_steps(dtype: DType, rule: fn() -> Box<dyn Rule>, bound: Clipping, in_one_pass: bool) -> Vec<u64> {
    let mut numbers = Numbers(31);
    let parameters: BTreeMap<String, Var> =
        [("long", vec![20_003]), ("matrix", vec![40, 30]), ("one", vec![1])]
            .into_iter()
            .map(|(name, dims)| {
                let values = numbers.tensor(&dims).to_dtype(dtype).unwrap();
                (name.to_owned(), Var::from_tensor(&values).unwrap())
            })
            .collect();
    let mut optimizer = Stepped::with_rule(&parameters, rule()).unwrap();
    for _ in 0..3 {
        let of = |parameter: &Var| {
            let gradient = numbers.tensor(parameter.dims()).to_dtype(dtype).unwrap();
            (parameter.id(), gradient)
        };
        let gradients = Cubic(parameters.values().map(of).collect());
        let norm = gradients.norm(&parameters);
        if in_one_pass {
            optimizer.step(1.0, &BoundedGradients::new(bound, norm, &gradients)).unwrap();
        } else {
            optimizer.step(1.0, &gradients.clipped(bound, norm)).unwrap();
        }
    }
    let state = optimizer.state().unwrap();
    let parameters = parameters.values().flat_map(|parameter| bits(parameter));
    parameters.chain(state.values().flat_map(bits)).collect()
}

#[test]
#[cfg_attr(miri, ignore = "it takes too long in an interpreter")]
fn a_bound_within_the_step_gives_the_bytes_of_one_before_it_on_each_path() {
    for (dtype, bound) in [
        (DType::F32, Clipping::Norm(0.75)),
        (DType::F64, Clipping::Norm(0.75)),
        // Wider than the gradients: nothing is to change.
        (DType::F32, Clipping::Norm(1e9)),
        (DType::F32, Clipping::Value(0.25)),
        (DType::F64, Clipping::Value(0.25)),
    ] {
        on_each_path(|path| {
            for (name, rule) in rules() {
                let [within, before] = [true, false].map(|it| bounded_steps(dtype, rule, bound, it));
                assert!(within == before, "{name}, {dtype:?}, {bound:?} on {path}");
            }
        });
    }
    let [bounded, free] = [0.25, 1e9].map(|bound| {
        let _turn = turn();
        let (_, sgd) = rules().remove(0);
        bounded_steps(DType::F32, sgd, Clipping::Value(bound), true)
    });
    assert!(bounded != free, "the bound is not there for nothing");
}
