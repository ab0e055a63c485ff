//! Optimisers: their state, and what they refuse.
#![allow(
    clippy::disallowed_methods,
    reason = "tests compare with the system's library and Candle's operations"
)]
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::{BTreeMap, HashMap};

use basin_kernels::optimizer::{Adam, AdamRule, Gradient, Gradients, Optimizer, Sgd, SgdRule};
use candle_core::{DType, Device, Tensor, Var};
use common::{Numbers, bits, doubles};

fn parameters() -> BTreeMap<String, Var> {
    let mut numbers = Numbers(12);
    BTreeMap::from([("b".to_owned(), numbers.var(&[3, 2])), ("a".to_owned(), numbers.var(&[4]))])
}

fn adam(parameters: &BTreeMap<String, Var>) -> Box<dyn Optimizer> {
    Box::new(Adam::new(parameters, 0.05, (0.9, 0.99), 1e-8, 0.01).unwrap())
}

fn sgd(parameters: &BTreeMap<String, Var>) -> Box<dyn Optimizer> {
    Box::new(Sgd::new(parameters, 0.05, 0.9, 0.01).unwrap())
}

fn train(parameters: &BTreeMap<String, Var>, optimizer: &mut dyn Optimizer, steps: usize) {
    for _ in 0..steps {
        let loss = (parameters["a"].powf(4.0).unwrap().sum_all().unwrap()
            + parameters["b"].sqr().unwrap().sum_all().unwrap())
        .unwrap();
        optimizer.step(&loss.backward().unwrap()).unwrap();
    }
}

fn all_bits(parameters: &BTreeMap<String, Var>) -> Vec<Vec<u64>> {
    parameters.values().map(|parameter| bits(parameter)).collect()
}

#[test]
fn going_on_from_an_exported_state_gives_the_same_bytes() {
    for make in [adam, sgd] {
        let whole = parameters();
        let mut optimizer = make(&whole);
        train(&whole, optimizer.as_mut(), 9);

        let first = parameters();
        let mut optimizer = make(&first);
        train(&first, optimizer.as_mut(), 4);
        let (steps, state) = (optimizer.steps(), optimizer.state().unwrap());
        assert_eq!(steps, 4);
        let second: BTreeMap<String, Var> = first
            .iter()
            .map(|(name, parameter)| {
                (name.clone(), Var::from_tensor(&parameter.as_detached_tensor().copy().unwrap()).unwrap())
            })
            .collect();
        train(&first, optimizer.as_mut(), 1);

        let mut resumed = make(&second);
        resumed.restore(steps, &state).unwrap();
        train(&second, resumed.as_mut(), 5);
        assert_eq!(all_bits(&second), all_bits(&whole));
        assert_eq!(resumed.steps(), 9);
    }
}

#[test]
fn state_is_named_by_kind_and_parameter() {
    let parameters = parameters();
    let names = |optimizer: Box<dyn Optimizer>| optimizer.state().unwrap().into_keys().collect::<Vec<_>>();
    assert_eq!(
        names(adam(&parameters)),
        ["first_moment/a", "first_moment/b", "second_moment/a", "second_moment/b"]
    );
    assert_eq!(names(sgd(&parameters)), ["velocity/a", "velocity/b"]);
}

#[test]
fn a_missing_gradient_is_refused_by_name_and_nothing_changes() {
    let parameters = parameters();
    let before = all_bits(&parameters);
    let mut optimizer = adam(&parameters);
    let gradients = parameters["a"].sum_all().unwrap().backward().unwrap();
    let error = optimizer.step(&gradients).unwrap_err().to_string();
    assert!(error.contains("the parameter \"b\" received no gradient"), "{error}");
    assert_eq!((all_bits(&parameters), optimizer.steps()), (before, 0));
}

#[test]
fn a_state_that_does_not_fit_is_refused_and_nothing_changes() {
    let parameters = parameters();
    let mut optimizer = adam(&parameters);
    train(&parameters, optimizer.as_mut(), 2);
    let state = optimizer.state().unwrap();
    let mut lacking = state.clone();
    lacking.remove("second_moment/b");
    let mut renamed = lacking.clone();
    renamed.insert("second_moment/c".to_owned(), state["second_moment/b"].clone());
    let mut reshaped = state.clone();
    reshaped.insert("first_moment/a".to_owned(), state["first_moment/b"].clone());
    let mut retyped = state.clone();
    retyped.insert(
        "first_moment/a".to_owned(),
        state["first_moment/a"].to_dtype(candle_core::DType::F32).unwrap(),
    );
    for bad in [lacking, renamed, reshaped, retyped] {
        assert!(optimizer.restore(7, &bad).is_err());
    }
    assert_eq!(optimizer.steps(), 2);
    let same = |(name, tensor): (&String, &Tensor)| bits(tensor) == bits(&state[name]);
    assert!(optimizer.state().unwrap().iter().all(same));
}

/// Gradients that a test makes by hand.
struct Given(HashMap<candle_core::TensorId, Tensor>);

impl Gradients for Given {
    fn of(&self, parameter: &Var) -> Option<Gradient<'_>> {
        self.0.get(&parameter.id()).map(Gradient::Tensor)
    }
}

/// Gradients of elements alone, as networks in memory of their own give them.
struct Elements<'a>(&'a [f32]);

impl Gradients for Elements<'_> {
    fn of(&self, _: &Var) -> Option<Gradient<'_>> {
        Some(Gradient::Elements(self.0))
    }
}

#[test]
fn a_gradient_of_another_size_or_type_is_refused_and_no_parameter_moves() {
    for make in [adam, sgd] {
        let parameters = parameters();
        let (a, b) = (&parameters["a"], &parameters["b"]);
        let before = all_bits(&parameters);
        let mut optimizer = make(&parameters);
        let fits = a.ones_like().unwrap();
        for (bad, why) in [
            (Tensor::ones((3, 3), DType::F64, &Device::Cpu).unwrap(), "has 9 numbers, not 6"),
            (Tensor::ones(5, DType::F64, &Device::Cpu).unwrap(), "has 5 numbers, not 6"),
            (Tensor::ones((3, 2), DType::F32, &Device::Cpu).unwrap(), "is in f32"),
        ] {
            let given = Given(HashMap::from([(a.id(), fits.clone()), (b.id(), bad)]));
            let error = optimizer.step(&given).unwrap_err().to_string();
            assert!(error.contains("the gradient of \"b\"") && error.contains(why), "{error}");
        }
        let error = optimizer.step(&Elements(&[0.0; 4])).unwrap_err().to_string();
        assert!(error.contains("the gradient of \"a\" is in f32"), "{error}");
        assert_eq!((all_bits(&parameters), optimizer.steps()), (before, 0));
        let state = optimizer.state().unwrap();
        assert!(state.values().all(|tensor| doubles(tensor).iter().all(|value| *value == 0.0)));
    }
}

#[test]
fn a_parameter_of_whole_numbers_has_no_optimiser() {
    let parameters =
        BTreeMap::from([("labels".to_owned(), Var::zeros(3, DType::U32, &Device::Cpu).unwrap())]);
    let error = Adam::new(&parameters, 0.1, (0.9, 0.999), 1e-8, 0.0).err().unwrap().to_string();
    assert!(error.contains("an optimiser takes f32 or f64, not U32"), "{error}");
    assert!(Sgd::new(&parameters, 0.1, 0.0, 0.0).is_err());
}

#[test]
fn a_gradient_that_does_not_lie_in_one_piece_gives_the_same_bytes() {
    for make in [adam, sgd] {
        let step = |gradient: Tensor| {
            let mut numbers = Numbers(13);
            let parameter = numbers.var(&[3, 2]);
            let mut optimizer = make(&BTreeMap::from([("b".to_owned(), parameter.clone())]));
            optimizer.step(&Given(HashMap::from([(parameter.id(), gradient)]))).unwrap();
            bits(&parameter)
        };
        let transposed = Numbers(14).tensor(&[2, 3]).t().unwrap();
        assert_eq!(step(transposed.clone()), step(transposed.force_contiguous().unwrap()));
    }
}

#[test]
fn the_rules_step_flat_vectors_as_the_optimisers_step_tensors() {
    let adam_rule =
        AdamRule { learning_rate: 0.05, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weight_decay: 0.01 };
    let sgd_rule = SgdRule { learning_rate: 0.05, momentum: 0.9, weight_decay: 0.01 };
    let mut numbers = Numbers(15);
    let start = numbers.var(&[17]);
    for is_adam in [true, false] {
        let parameter = Var::from_tensor(&start.as_detached_tensor().copy().unwrap()).unwrap();
        let named = BTreeMap::from([("p".to_owned(), parameter.clone())]);
        let mut optimizer = if is_adam { adam(&named) } else { sgd(&named) };
        let mut flat = doubles(&start);
        let (mut first, mut second) = (vec![0.0; 17], vec![0.0; 17]);
        for step in 1..=6 {
            let gradient = numbers.tensor(&[17]);
            optimizer.step(&Given(HashMap::from([(parameter.id(), gradient.clone())]))).unwrap();
            let gradient = doubles(&gradient);
            if is_adam {
                adam_rule.step(step, &mut flat, &gradient, [&mut first, &mut second]);
            } else {
                sgd_rule.step(&mut flat, &gradient, &mut first);
            }
            assert_eq!(doubles(&parameter), flat, "step {step}");
        }
    }
}
