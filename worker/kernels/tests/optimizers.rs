//! Optimisers: their state, and what they refuse.
#![allow(
    clippy::disallowed_methods,
    reason = "tests compare with the system's library and Candle's operations"
)]
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::{BTreeMap, HashMap};

use basin_kernels::optimizer::{
    Adam, Gradient, Gradients, Optimizer, ParameterOptions, Rule as _, Sgd, StepAt, Stepped,
};
use candle_core::{DType, Device, Tensor, Var};
use common::{Numbers, bits, doubles, rules};

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
        optimizer.step(1.0, &loss.backward().unwrap()).unwrap();
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
    let error = optimizer.step(1.0, &gradients).unwrap_err().to_string();
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
            let error = optimizer.step(1.0, &given).unwrap_err().to_string();
            assert!(error.contains("the gradient of \"b\"") && error.contains(why), "{error}");
        }
        let error = optimizer.step(1.0, &Elements(&[0.0; 4])).unwrap_err().to_string();
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
            optimizer.step(1.0, &Given(HashMap::from([(parameter.id(), gradient)]))).unwrap();
            bits(&parameter)
        };
        let transposed = Numbers(14).tensor(&[2, 3]).t().unwrap();
        assert_eq!(step(transposed.clone()), step(transposed.force_contiguous().unwrap()));
    }
}

#[test]
fn the_rules_step_flat_vectors_as_the_optimisers_step_tensors() {
    let mut numbers = Numbers(15);
    let start = numbers.var(&[5, 3]);
    for (name, rule) in rules() {
        let parameter = Var::from_tensor(&start.as_detached_tensor().copy().unwrap()).unwrap();
        let named = BTreeMap::from([("p".to_owned(), parameter.clone())]);
        let mut optimizer = Stepped::with_rule(&named, rule()).unwrap();
        let (rule, mut flat) = (rule(), doubles(&start));
        let mut accumulators = vec![vec![0.0; 15]; rule.accumulators(&[5, 3]).len()];
        for number in 1..=6 {
            let gradient = numbers.tensor(&[5, 3]);
            optimizer.step(1.0, &Given(HashMap::from([(parameter.id(), gradient.clone())]))).unwrap();
            let at = StepAt { number, learning_rate_factor: 1.0, decays: true };
            rule.step_f64(at, &[5, 3], &mut flat, &doubles(&gradient), &mut accumulators);
            assert_eq!(doubles(&parameter), flat, "{name}, step {number}");
        }
    }
}

#[test]
fn a_matrix_that_is_left_to_the_others_is_stepped_by_their_rule_and_keeps_its_shape() {
    let (_, muon) = rules().into_iter().find(|(name, _)| *name == "muon_sgd").unwrap();
    let flat = ParameterOptions { is_flat: true, ..ParameterOptions::of_dims(&[3, 2]) };
    let options = BTreeMap::from([("b".to_owned(), flat)]);
    let (left, plain) = (parameters(), parameters());
    let mut by_muon = Stepped::with_rule(&left, muon()).unwrap().with_parameter_options(&options);
    let mut by_sgd = sgd(&plain);
    train(&left, &mut by_muon, 3);
    train(&plain, by_sgd.as_mut(), 3);
    assert_eq!(all_bits(&left), all_bits(&plain));
    let state = by_muon.state().unwrap();
    assert_eq!(state.keys().collect::<Vec<_>>(), ["velocity/a", "velocity/b"]);
    assert_eq!(state["velocity/b"].dims(), [3, 2]);
    let mut resumed = Stepped::with_rule(&left, muon()).unwrap().with_parameter_options(&options);
    resumed.restore(3, &state).unwrap();
    let mut whole = Stepped::with_rule(&left, muon()).unwrap();
    assert!(whole.restore(3, &state).is_err(), "without the options it has a momentum there");
}

/// Halves and quarters are exact, so that the bytes can be the same.
#[test]
fn a_step_takes_its_factor_of_the_learning_rate() {
    type Make = fn(&BTreeMap<String, Var>, f64) -> Box<dyn Optimizer>;
    let makes: [Make; 2] = [
        |parameters, rate| Box::new(Adam::new(parameters, rate, (0.9, 0.99), 1e-8, 0.01).unwrap()),
        |parameters, rate| Box::new(Sgd::new(parameters, rate, 0.9, 0.01).unwrap()),
    ];
    for make in makes {
        let end = |rate: f64, factor: f64| {
            let parameters = parameters();
            let mut optimizer = make(&parameters, rate);
            for _ in 0..3 {
                let loss = (parameters["a"].sqr().unwrap().sum_all().unwrap()
                    + parameters["b"].sqr().unwrap().sum_all().unwrap())
                .unwrap();
                optimizer.step(factor, &loss.backward().unwrap()).unwrap();
            }
            all_bits(&parameters)
        };
        assert_eq!(end(0.5, 0.25), end(0.125, 1.0));
        assert_ne!(end(0.5, 0.25), end(0.5, 1.0));
    }
}

/// The parameters and accumulators of each rule after steps along these gradients, from these parameters on.
fn stepped(
    shape: &[usize],
    start: &[f64],
    gradients: &[Vec<f64>],
    at: StepAt,
    mut check: impl FnMut(&str, &[f64], &[Vec<f64>]),
) {
    for (name, rule) in rules() {
        let rule = rule();
        let mut parameter = start.to_vec();
        let mut accumulators = vec![vec![0.0; start.len()]; rule.accumulators(shape).len()];
        for (number, gradient) in (1..).zip(gradients) {
            rule.step_f64(StepAt { number, ..at }, shape, &mut parameter, gradient, &mut accumulators);
        }
        check(name, &parameter, &accumulators);
    }
}

const USUAL: StepAt = StepAt { number: 1, learning_rate_factor: 1.0, decays: true };

#[test]
fn without_any_gradient_nothing_moves_and_nothing_is_divided_by_zero() {
    let mut numbers = Numbers(21);
    for shape in [&[6_usize][..], &[2, 3], &[1, 1], &[3, 2, 1, 1]] {
        let count = shape.iter().product();
        let (zeros, start) = (vec![0.0; count], numbers.values(count));
        let without_decay = StepAt { decays: false, ..USUAL };
        for (start, at) in [(&start, without_decay), (&zeros, USUAL)] {
            stepped(
                shape,
                start,
                &[zeros.clone(), zeros.clone(), zeros.clone()],
                at,
                |name, parameter, accumulators| {
                    assert_eq!(parameter, start, "{name} {shape:?}");
                    assert!(accumulators.iter().flatten().all(|value| *value == 0.0), "{name} {shape:?}");
                },
            );
        }
    }
}

#[test]
fn a_rate_of_zero_moves_nothing_also_where_parameters_decay() {
    let mut numbers = Numbers(22);
    for shape in [&[6_usize][..], &[2, 3]] {
        let start = numbers.values(6);
        let gradients: Vec<Vec<f64>> = (0..3).map(|_| numbers.values(6)).collect();
        let at = StepAt { learning_rate_factor: 0.0, ..USUAL };
        stepped(shape, &start, &gradients, at, |name, parameter, _| {
            assert_eq!(parameter, start, "{name} {shape:?}");
        });
    }
}

#[test]
fn a_gradient_that_is_no_number_spoils_its_own_element_alone() {
    let mut numbers = Numbers(23);
    let start = numbers.values(40);
    let good: Vec<Vec<f64>> = (0..3).map(|_| numbers.values(40)).collect();
    for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut bad = good.clone();
        bad[0][17] = wrong;
        let mut expected = Vec::new();
        stepped(&[40], &start, &good, USUAL, |_, parameter, _| expected.push(parameter.to_vec()));
        let mut expected = expected.into_iter();
        stepped(&[40], &start, &bad, USUAL, |name, parameter, _| {
            let expected = expected.next().unwrap();
            for (at, (found, expected)) in parameter.iter().zip(&expected).enumerate() {
                assert!(
                    at == 17 || found.to_bits() == expected.to_bits(),
                    "{name}: {wrong} reached element {at}"
                );
            }
        });
    }
}

#[test]
fn a_step_against_the_gradient_is_the_step_along_it_backwards() {
    let mut numbers = Numbers(24);
    for shape in [&[6_usize][..], &[2, 3]] {
        let gradients: Vec<Vec<f64>> = (0..4).map(|_| numbers.values(6)).collect();
        let against: Vec<Vec<f64>> =
            gradients.iter().map(|gradient| gradient.iter().map(|value| -value).collect()).collect();
        let mut along = Vec::new();
        stepped(shape, &[0.0; 6], &gradients, USUAL, |_, parameter, _| along.push(parameter.to_vec()));
        let mut along = along.into_iter();
        stepped(shape, &[0.0; 6], &against, USUAL, |name, parameter, _| {
            let expected: Vec<f64> = along.next().unwrap().iter().map(|value| -value).collect();
            assert_eq!(parameter, expected, "{name} {shape:?}");
            assert!(parameter.iter().all(|value| *value != 0.0), "{name} {shape:?}");
        });
    }
}
