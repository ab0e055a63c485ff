//! Optimisers: their state, and what they refuse.
#![allow(
    clippy::disallowed_methods,
    reason = "tests compare with the system's library and Candle's operations"
)]
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;

use basin_kernels::optimizer::{Adam, Optimizer, Sgd};
use candle_core::{Tensor, Var};
use common::{Numbers, bits};

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
