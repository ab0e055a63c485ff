//! The hundred runs of the shipped sweep: each ends certified or with a cause, and every certificate is confirmed with 70 digits.
#![allow(
    clippy::disallowed_methods,
    reason = "tests compare with the system's library and Candle's operations"
)]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "../common/mod.rs"]
mod common;
mod fixed;

use std::time::Instant;

use basin_domain::experiment::series::critical_point as series;
use basin_domain::experiment::{Activation, CriticalPoint, Experiment, SearchStart};
use basin_domain::metrics::{Metrics, Outcome};
use basin_domain::sweep::{Source, SweepFile};
use basin_domain::task::TaskSpec;
use basin_experiments::critical_point::Network;
use basin_experiments::{Assets, Finished};
use candle_core::Device;
use common::train;
use fixed::Fixed;
use rayon::prelude::*;

/// The runs of `sweeps/critical-points.toml`.
fn shipped() -> Vec<TaskSpec> {
    let source = Source {
        file: "critical-points.toml".to_owned(),
        text: include_str!("../../../../sweeps/critical-points.toml").to_owned(),
        profile: None,
        overrides: vec![],
        kinds: vec![],
    };
    let plan = SweepFile::parse(&source).unwrap().expand(&Default::default(), 1_000).unwrap();
    plan.tasks.into_iter().map(|task| task.spec).collect()
}

fn number(metrics: &Metrics, name: &str) -> f64 {
    metrics.last(name).unwrap_or_else(|| panic!("`{name}` is recorded"))
}

fn parameters(spec: &TaskSpec) -> &CriticalPoint {
    let Experiment::CriticalPoint(parameters) = &spec.experiment else { panic!("{}", spec.canonical()) };
    parameters
}

/// The points that are fitted.
fn points(of: &CriticalPoint) -> (Vec<f64>, Vec<f64>) {
    let (low, high) = of.interval;
    let share = |index: u32| f64::from(index) / f64::from(of.points - 1);
    let inputs: Vec<f64> = (0..of.points).map(|index| low + (high - low) * share(index)).collect();
    let targets = inputs.iter().map(|&input| of.function.at(input)).collect();
    (inputs, targets)
}

/// θ as the result has it, of a network with one hidden layer.
fn theta(finished: &Finished) -> Vec<f64> {
    let tensors = candle_core::safetensors::load_buffer(&finished.result, &Device::Cpu).unwrap();
    let names = ["dense0.weight", "dense0.bias", "output.weight", "output.bias"];
    let of = |name: &str| tensors[&format!("model/{name}")].flatten_all().unwrap().to_vec1::<f64>().unwrap();
    names.into_iter().flat_map(of).collect()
}

/// Half of the gradient's sum over points: its zeros are those of the gradient.
fn gradient(theta: &[Fixed], inputs: &[f64], targets: &[f64]) -> Vec<Fixed> {
    let units = (theta.len() - 1) / 3;
    let mut sums = vec![Fixed::ZERO; theta.len()];
    for (&input, &target) in inputs.iter().zip(targets) {
        let input = Fixed::of(input);
        let activations: Vec<Fixed> =
            (0..units).map(|unit| theta[unit].mul(input).add(theta[units + unit]).tanh()).collect();
        let output = (0..units)
            .fold(theta[3 * units], |sum, unit| sum.add(theta[2 * units + unit].mul(activations[unit])));
        let error = output.sub(Fixed::of(target));
        for (unit, &activation) in activations.iter().enumerate() {
            let slope = Fixed::ONE.sub(activation.mul(activation));
            let by_sum = error.mul(theta[2 * units + unit]).mul(slope);
            sums[unit] = sums[unit].add(by_sum.mul(input));
            sums[units + unit] = sums[units + unit].add(by_sum);
            sums[2 * units + unit] = sums[2 * units + unit].add(error.mul(activation));
        }
        sums[3 * units] = sums[3 * units].add(error);
    }
    sums
}

fn norm(vector: impl IntoIterator<Item = f64>) -> f64 {
    vector.into_iter().map(|element| element * element).sum::<f64>().sqrt()
}

/// A zero of the gradient along the eigenvectors whose eigenvalues count, to 60 digits: how far it is from θ, and what is left of the
/// gradient there, relative to ‖H‖‖θ‖. With the pseudo-inverse at θ, each step gains as many digits as H has right.
fn confirmed(spec: &TaskSpec, theta: &[f64]) -> (f64, f64) {
    let of = parameters(spec);
    assert_eq!((of.hidden.len(), of.activation), (1, Activation::Tanh));
    let (inputs, targets) = points(of);
    let network = Network::new(&of.hidden, of.activation, inputs.clone(), targets.clone()).unwrap();
    let eigen = network.hessian(theta).symmetric_eigen();
    let largest = eigen.eigenvalues.amax();
    let counts = |value: f64| value.abs() > of.zero * largest;
    let scale = f64::from(of.points) / 2.0;
    let start: Vec<Fixed> = theta.iter().copied().map(Fixed::of).collect();
    let mut at = start.clone();
    for _ in 0..60 {
        let slopes: Vec<f64> =
            gradient(&at, &inputs, &targets).into_iter().map(|slope| slope.to_f64() / scale).collect();
        let (mut step, mut all) = (vec![0.0; theta.len()], 0.0_f64);
        for (value, vector) in eigen.eigenvalues.iter().zip(eigen.eigenvectors.column_iter()) {
            if counts(*value) {
                let along: f64 = vector.iter().zip(&slopes).map(|(a, b)| a * b).sum();
                all = all.max(along.abs());
                step.iter_mut().zip(&vector).for_each(|(step, component)| *step -= along / value * component);
            }
        }
        if all < 1e-62 {
            break;
        }
        for (parameter, step) in at.iter_mut().zip(step) {
            *parameter = parameter.add(Fixed::of(step));
        }
    }
    let left = norm(gradient(&at, &inputs, &targets).into_iter().map(|slope| slope.to_f64() / scale));
    let distance = norm(at.iter().zip(&start).map(|(end, start)| end.sub(*start).to_f64()));
    (distance, left / (largest * norm(theta.iter().copied())))
}

#[test]
fn each_of_the_hundred_runs_ends_certified_or_with_a_cause_and_certificates_hold_to_seventy_digits() {
    let specs = shipped();
    assert_eq!(specs.len(), 100);
    let endings: Vec<&'static str> = specs
        .par_iter()
        .map(|spec| {
            let finished = train(spec, &Assets::default());
            let metrics = &finished.metrics;
            let ends: Vec<&str> = series::ENDINGS.iter().map(|ending| ending.name).collect();
            let ends: Vec<&str> = ends.into_iter().filter(|name| number(metrics, name) == 1.0).collect();
            let [ending] = ends[..] else { panic!("seed {}: {ends:?}", spec.seed) };
            let certified = number(metrics, "certified") == 1.0;
            assert_eq!(certified, ending.starts_with("certified"), "seed {}", spec.seed);
            assert_eq!(finished.outcome == Outcome::Completed, ending != "cause_diverged");
            if certified {
                let theta = theta(&finished);
                let (distance, left) = confirmed(spec, &theta);
                let bound = number(metrics, "distance_bound");
                let context =
                    format!("seed {}, {ending}: {distance:e}, at most {bound:e}; {left:e}", spec.seed);
                assert!(number(metrics, "kantorovich_h") <= 0.5, "{context}");
                // The bound stands on a gradient of 32 digits: what that rounds is beside it.
                assert!(distance <= bound * (1.0 + 1e-12) + 1e-27, "{context}");
                assert!(bound < 1e-6, "{context}");
                // Of a regular point nothing is left; of a valley what a part below its zero has.
                let most = if number(metrics, "degenerate_eigenvalues") == 0.0 { 1e-50 } else { 1e-24 };
                assert!(left < most, "{context}");
            }
            series::ENDINGS.iter().map(|declared| declared.name).find(|name| *name == ending).unwrap()
        })
        .collect();
    let count = |name: &str| endings.iter().filter(|ending| **ending == name).count();
    for declared in series::ENDINGS {
        println!("{}: {}", declared.name, count(declared.name));
    }
    assert!(count("certified_minimum") + count("certified_degenerate") >= 10, "{endings:?}");
    assert!(count("certified_saddle") >= 10, "{endings:?}");
    let certified = endings.iter().filter(|ending| ending.starts_with("certified")).count();
    assert!(certified >= 80, "{certified} of 100");
}

/// `cargo test --release -p basin-experiments --test certificates -- --ignored --nocapture`
#[test]
#[ignore = "prints how runs end under other settings, and takes a minute"]
fn other_settings_end_like_this() {
    type Change = fn(&mut CriticalPoint);
    let settings: [(&str, Change); 8] = [
        ("as shipped", |_| ()),
        ("3 units", |p| p.hidden = vec![3]),
        ("4 units", |p| p.hidden = vec![4]),
        ("6 units", |p| p.hidden = vec![6]),
        ("12 units", |p| p.hidden = vec![12]),
        ("2 layers of 3 units", |p| p.hidden = vec![3, 3]),
        ("3 times as large", |p| p.initial_scale = 3.0),
        ("from the end", |p| p.start = SearchStart::Last),
    ];
    for (name, change) in settings {
        let start = Instant::now();
        let records: Vec<Metrics> = shipped()
            .into_par_iter()
            .map(|mut spec| {
                let Experiment::CriticalPoint(parameters) = &mut spec.experiment else { unreachable!() };
                change(parameters);
                train(&spec, &Assets::default()).metrics
            })
            .collect();
        println!("{name}: {:?} for 100 runs", start.elapsed());
        for ending in series::ENDINGS {
            let of: Vec<&Metrics> =
                records.iter().filter(|metrics| metrics.last(ending.name) == Some(1.0)).collect();
            if of.is_empty() {
                continue;
            }
            println!("  {}: {}", ending.name, of.len());
            for name in [
                "final_loss",
                "index",
                "degenerate_eigenvalues",
                "kantorovich_h",
                "distance_bound",
                "restarts",
            ] {
                let mut sorted: Vec<f64> = of.iter().filter_map(|metrics| metrics.last(name)).collect();
                sorted.sort_by(f64::total_cmp);
                let quarters = (0..5).filter_map(|quarter| sorted.get(quarter * (sorted.len() - 1) / 4));
                let words: Vec<String> = quarters.map(|value| format!("{value:.3e}")).collect();
                println!("    {name}: {}", words.join(" "));
            }
        }
    }
}
