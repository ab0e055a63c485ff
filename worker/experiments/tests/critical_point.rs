//! Runs of `critical-point`, from start to end.
#![allow(
    clippy::disallowed_methods,
    reason = "tests compare with the system's library and Candle's operations"
)]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::time::Instant;

use basin_domain::experiment::{Activation, CriticalPoint, Experiment, Function, MinimalRatio, Search};
use basin_domain::failure::FailureKind;
use basin_domain::metrics::{Axis, Metrics, Outcome};
use basin_domain::optimizer::Optimizer;
use basin_domain::task::TaskSpec;
use basin_experiments::critical_point::Network;
use basin_experiments::{Advance, Assets, ExperimentError, start};
use candle_core::{DType, Device};
use common::{SGD, assert_same, finish, train};

const DESCENT: Search = Search::GradientNorm { learning_rate: 1e-3 };

/// A small task.
fn task(change: impl FnOnce(&mut CriticalPoint)) -> TaskSpec {
    let mut parameters = CriticalPoint {
        function: Function::Sin,
        hidden: vec![4],
        activation: Activation::Tanh,
        interval: (-9.0, 9.0),
        points: 32,
        epochs: 130,
        optimizer: Optimizer::adam(1e-2),
        search: Search::LevenbergMarquardt,
        threshold: 1e-8,
        iterations: 400,
        minimal_ratio: MinimalRatio { near_zero: 0.01, positive: 1e-8, radius: 0.01, samples: 600 },
    };
    change(&mut parameters);
    TaskSpec {
        experiment: Experiment::CriticalPoint(parameters),
        version: CriticalPoint::VERSION,
        seed: 3,
        data: None,
        inputs: Default::default(),
    }
}

/// Both methods, both optimisers, both activations, no steps on the loss, no search.
fn tasks() -> Vec<TaskSpec> {
    vec![
        task(|p| p.iterations = 12),
        task(|p| {
            p.search = DESCENT;
            p.optimizer = SGD;
            p.hidden = vec![3, 3];
            p.iterations = 150;
        }),
        task(|p| {
            p.activation = Activation::Relu;
            p.epochs = 0;
            p.iterations = 5;
        }),
        task(|p| {
            p.hidden = vec![];
            p.iterations = 0;
        }),
        task(|p| p.optimizer = Optimizer::sgd(1e6, 0.0, 0.0)),
    ]
}

fn number(metrics: &Metrics, name: &str) -> f64 {
    metrics.last(name).unwrap_or_else(|| panic!("`{name}` is recorded"))
}

/// θ as the result has it.
fn theta(result: &[u8], layers: &[&str]) -> Vec<f64> {
    let tensors = candle_core::safetensors::load_buffer(result, &Device::Cpu).unwrap();
    let parts =
        layers.iter().flat_map(|layer| ["weight", "bias"].map(|part| format!("model/{layer}.{part}")));
    parts.flat_map(|name| tensors[&name].flatten_all().unwrap().to_vec1::<f64>().unwrap()).collect()
}

#[test]
fn levenberg_marquardt_finds_a_point_whose_gradient_is_zero_by_differences_too() {
    let spec = task(|p| p.hidden = vec![2]);
    let finished = train(&spec, &Assets::default());
    assert_eq!(finished.outcome, Outcome::Completed);
    let metrics = &finished.metrics;
    assert_eq!(number(metrics, "converged"), 1.0, "{:?}", metrics.last("gradient_norm"));
    assert!(number(metrics, "final_gradient_norm") < 1e-8);
    assert!(number(metrics, "search_iterations") > 1.0);

    let theta = theta(&finished.result, &["dense0", "output"]);
    let inputs: Vec<f64> = (0..32).map(|index| -9.0 + 18.0 * f64::from(index) / 31.0).collect();
    let targets = inputs.iter().map(|x| x.sin()).collect();
    let network = Network::new(&[2], Activation::Tanh, inputs, targets).unwrap();
    assert!((network.loss(&theta) - number(metrics, "final_loss")).abs() < 1e-14);
    for at in 0..theta.len() {
        let along = |length: f64| {
            let mut moved = theta.clone();
            moved[at] += length;
            network.loss(&moved)
        };
        let slope = (along(1e-4) - along(-1e-4)) / 2e-4;
        assert!(slope.abs() < 1e-7, "{at}: {slope}");
    }
    let mut eigenvalues = network.hessian(&theta).symmetric_eigenvalues().as_slice().to_vec();
    eigenvalues.sort_by(f64::total_cmp);
    assert!((eigenvalues[0] - number(metrics, "smallest_eigenvalue")).abs() < 1e-10);
    assert!((eigenvalues[eigenvalues.len() - 1] - number(metrics, "largest_eigenvalue")).abs() < 1e-10);
}

#[test]
fn levenberg_marquardt_never_raises_the_gradient_norm_and_adam_lowers_it_in_the_end() {
    for (search, iterations) in [(Search::LevenbergMarquardt, 60), (DESCENT, 1_000)] {
        let spec = task(|p| (p.search, p.iterations, p.epochs) = (search, iterations, 20));
        let metrics = train(&spec, &Assets::default()).metrics;
        let norms: Vec<f64> =
            metrics.series["gradient_norm"].points[19..].iter().map(|point| point.1).collect();
        assert!(norms[norms.len() - 1] < 0.2 * norms[0], "{} to {:?}", norms[0], norms.last());
        if search == Search::LevenbergMarquardt {
            assert!(norms.windows(2).all(|pair| pair[1] <= pair[0]));
        }
    }
}

#[test]
fn what_is_recorded_is_what_the_vocabulary_names_against_its_axes() {
    let spec = task(|p| p.iterations = 5);
    let finished = train(&spec, &Assets::default());
    let Experiment::CriticalPoint(parameters) = &spec.experiment else { panic!() };
    let mut named: Vec<&str> = parameters.series().into_iter().chain(parameters.numbers()).collect();
    named.sort_unstable();
    assert_eq!(finished.metrics.series.keys().collect::<Vec<_>>(), named);
    for name in parameters.series() {
        let series = &finished.metrics.series[name];
        assert_eq!(series.axis, Axis::Iteration);
        let xs: Vec<f64> = series.points.iter().map(|point| point.0).collect();
        assert_eq!(xs, (0..=135).map(f64::from).collect::<Vec<_>>());
    }
    let number = |name| number(&finished.metrics, name);
    assert_eq!(number("parameters"), 13.0);
    assert_eq!(
        (number("converged"), number("trained_iterations"), number("search_iterations")),
        (0.0, 130.0, 5.0)
    );
    assert_eq!(finished.metrics.series["loss"].points.last().unwrap().1, number("final_loss"));
    assert_eq!(
        finished.metrics.series["gradient_norm"].points.last().unwrap().1,
        number("final_gradient_norm")
    );

    let tensors = candle_core::safetensors::load_buffer(&finished.result, &Device::Cpu).unwrap();
    let mut shapes: Vec<_> =
        tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.dims().to_vec())).collect();
    shapes.sort();
    let expected = [
        ("hessian/eigenvalues", vec![13]),
        ("model/dense0.bias", vec![4]),
        ("model/dense0.weight", vec![4, 1]),
        ("model/output.bias", vec![1]),
        ("model/output.weight", vec![1, 4]),
    ];
    assert_eq!(shapes, expected);
    assert!(tensors.values().all(|tensor| tensor.dtype() == DType::F64));
    let eigenvalues = tensors["hessian/eigenvalues"].to_vec1::<f64>().unwrap();
    assert!(eigenvalues.is_sorted());
    assert_eq!(eigenvalues[0], number("smallest_eigenvalue"));
    assert_eq!(eigenvalues[12], number("largest_eigenvalue"));
}

/// The best line through points of an odd function: half of its two parameters are zero, both eigenvalues are known, and
/// every other point is higher.
#[test]
fn the_minimal_ratios_of_a_linear_model_are_known() {
    let metrics = train(&task(|p| p.hidden = vec![]), &Assets::default()).metrics;
    let number = |name| number(&metrics, name);
    assert_eq!(number("converged"), 1.0);
    assert_eq!(number("minimal_ratio_near_zero"), 0.5);
    assert_eq!(number("minimal_ratio_positive_eigenvalues"), 1.0);
    assert_eq!(number("minimal_ratio_sampled"), 1.0);
    let squares = (0..32).map(|index| (-9.0 + 18.0 * f64::from(index) / 31.0).powi(2)).sum::<f64>();
    assert!((number("smallest_eigenvalue") - 2.0).abs() < 1e-12);
    assert!((number("largest_eigenvalue") - 2.0 * squares / 32.0).abs() < 1e-12);
}

#[test]
fn a_run_that_goes_on_from_any_checkpoint_ends_with_the_same_bytes() {
    for spec in tasks() {
        let undisturbed = train(&spec, &Assets::default());
        let mut run = start(&spec, &Assets::default(), None).unwrap();
        let mut checkpoints = vec![run.checkpoint().unwrap()];
        while run.advance().unwrap() == Advance::More {
            checkpoints.push(run.checkpoint().unwrap());
        }
        checkpoints.push(run.checkpoint().unwrap());
        assert_same(&run.finish().unwrap(), &undisturbed, "taking checkpoints changes nothing");
        for (advances, checkpoint) in checkpoints.iter().enumerate() {
            let mut resumed = start(&spec, &Assets::default(), Some(checkpoint)).unwrap();
            assert!(resumed.checkpoint().unwrap() == *checkpoint, "after {advances} advances");
            let context = format!("after {advances} advances of {}", spec.canonical());
            assert_same(&finish(resumed), &undisturbed, &context);
        }
    }
}

#[test]
fn one_two_and_four_threads_give_the_same_bytes() {
    for spec in tasks() {
        let [one, two, four] = [1, 2, 4].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| train(&spec, &Assets::default()))
        });
        assert_same(&one, &two, &spec.canonical());
        assert_same(&one, &four, &spec.canonical());
    }
}

#[test]
fn seeds_give_different_runs() {
    let spec = task(|p| p.iterations = 5);
    let other = TaskSpec { seed: 4, ..spec.clone() };
    assert!(train(&spec, &Assets::default()).result != train(&other, &Assets::default()).result);
}

#[test]
fn a_checkpoint_of_another_task_or_with_a_flipped_bit_is_refused() {
    let spec = task(|p| p.iterations = 5);
    let mut run = start(&spec, &Assets::default(), None).unwrap();
    run.advance().unwrap();
    let good = run.checkpoint().unwrap();
    let refused = |spec: &TaskSpec, bytes: &[u8], what: String| {
        let error = start(spec, &Assets::default(), Some(bytes)).err();
        assert!(matches!(error, Some(ExperimentError::BadCheckpoint(_))), "{what}: {error:?}");
    };
    refused(&TaskSpec { seed: 4, ..spec.clone() }, &good, "another seed".to_owned());
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        refused(&spec, &bytes, format!("byte {at}"));
    }
    assert!(start(&spec, &Assets::default(), Some(&good)).is_ok());
}

#[test]
fn divergence_is_a_result_with_the_record_so_far() {
    let wild = Optimizer::sgd(1e6, 0.0, 0.0);
    let relu = task(|p| (p.optimizer, p.activation) = (wild, Activation::Relu));
    let linear = task(|p| (p.optimizer, p.hidden) = (wild, vec![]));
    let search = task(|p| {
        p.search = Search::GradientNorm { learning_rate: 1e300 };
        p.activation = Activation::Relu;
    });
    for spec in [relu, linear, search] {
        let finished = train(&spec, &Assets::default());
        let Outcome::Diverged { iteration } = finished.outcome else { panic!("{:?}", finished.outcome) };
        assert!(iteration >= 1);
        for name in ["loss", "gradient_norm"] {
            let points = &finished.metrics.series[name].points;
            assert_eq!(points.last().unwrap().0, iteration as f64);
            assert_eq!(points.len() as u64, iteration + 1);
        }
        assert!(!finished.metrics.last("gradient_norm").unwrap().is_finite());
        assert_eq!(number(&finished.metrics, "converged"), 0.0);
        assert_eq!(finished.metrics.last("minimal_ratio_sampled"), None);
        assert!(candle_core::safetensors::load_buffer(&finished.result, &Device::Cpu).is_ok());
    }
    let spec = task(|p| (p.function, p.interval) = (Function::Cube, (-1e200, 1e200)));
    let finished = train(&spec, &Assets::default());
    assert_eq!(finished.outcome, Outcome::Diverged { iteration: 0 });
    assert_eq!(finished.metrics.series["loss"].points.len(), 1);
}

#[test]
fn a_run_that_takes_no_step_has_the_point_where_it_began() {
    let spec = task(|p| (p.epochs, p.iterations) = (0, 0));
    let metrics = train(&spec, &Assets::default()).metrics;
    for (series, last) in [("loss", "final_loss"), ("gradient_norm", "final_gradient_norm")] {
        assert_eq!(metrics.series[series].points, [(0.0, number(&metrics, last))]);
    }
}

#[test]
fn progress_counts_both_phases() {
    let spec = task(|p| p.iterations = 7);
    let mut run = start(&spec, &Assets::default(), None).unwrap();
    let progress = run.progress();
    assert_eq!(
        (progress.iteration, progress.iterations, progress.epochs, progress.loss),
        (0, 137, 130, None)
    );
    let mut seen = vec![progress];
    while run.advance().unwrap() == Advance::More {
        seen.push(run.progress());
    }
    let last = run.progress();
    assert_eq!((last.iteration, last.epoch), (137, 130));
    assert!(last.loss.unwrap() > 0.0);
    assert!(seen.windows(2).all(|pair| pair[0].iteration <= pair[1].iteration));
    assert!(seen.iter().any(|progress| progress.epoch == 64));
}

#[test]
fn results_before_the_end_are_refused() {
    let run = start(&task(|_| {}), &Assets::default(), None).unwrap();
    assert_eq!(run.finish().unwrap_err().to_string(), "the run hasn't ended yet, so it has no results");
}

#[test]
fn parameters_that_cannot_be_run_say_why() {
    let refused = |change: fn(&mut CriticalPoint)| {
        let failure = start(&task(change), &Assets::default(), None).err().unwrap().failure();
        assert_eq!(failure.kind, FailureKind::InvalidParameters);
        failure.message.strip_prefix("the parameters can't be trained: ").unwrap().to_owned()
    };
    assert_eq!(refused(|p| p.points = 1), "1 points on [-9, 9] are no grid");
    assert_eq!(refused(|p| p.interval = (1.0, 1.0)), "32 points on [1, 1] are no grid");
    assert_eq!(refused(|p| p.interval.1 = f64::NAN), "32 points on [-9, NaN] are no grid");
    assert_eq!(refused(|p| p.hidden = vec![3, 0]), "the layer `dense1` has no units");
    assert_eq!(
        refused(|p| p.hidden = vec![u32::MAX, u32::MAX]),
        "a layer of 4294967295 units has more than 2000 parameters"
    );
    assert_eq!(
        refused(|p| p.hidden = vec![50, 50]),
        "2701 parameters are too many for an exact Hessian: 2000 are the most"
    );
    assert_eq!(
        refused(|p| (p.hidden, p.points) = (vec![40, 40], 6_000)),
        "6000 points are too many for an exact Hessian of 1761 parameters: 5539 are the most"
    );
    assert_eq!(refused(|p| p.threshold = 0.0), "the threshold is 0, which isn't above zero");
    assert_eq!(
        refused(|p| p.search = Search::GradientNorm { learning_rate: -1.0 }),
        "the learning_rate of the search is -1, which isn't above zero"
    );
    assert_eq!(refused(|p| p.minimal_ratio.near_zero = 0.0), "the near_zero is 0, which isn't above zero");
    assert_eq!(
        refused(|p| p.minimal_ratio.radius = f64::INFINITY),
        "the radius is inf, which isn't above zero"
    );
    assert_eq!(
        refused(|p| p.minimal_ratio.positive = -1.0),
        "an eigenvalue above -1 can't be said to be positive"
    );
    assert_eq!(
        refused(|p| p.minimal_ratio.samples = 0),
        "no random points are asked for, so none can be counted"
    );
}

/// Ranks from 0; equal numbers share the mean of theirs.
fn ranks(numbers: &[f64]) -> Vec<f64> {
    let below = |number: f64| numbers.iter().filter(|&&other| other < number).count() as f64;
    let equal = |number: f64| numbers.iter().filter(|&&other| other == number).count() as f64;
    numbers.iter().map(|&number| below(number) + (equal(number) - 1.0) / 2.0).collect()
}

/// Spearman's: Pearson's correlation of the ranks.
fn rank_correlation(x: &[f64], y: &[f64]) -> f64 {
    let middle = (x.len() as f64 - 1.0) / 2.0;
    let (x, y) = (ranks(x), ranks(y));
    let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - middle) * (b - middle)).sum::<f64>();
    sum(&x, &y) / (sum(&x, &x) * sum(&y, &y)).sqrt()
}

/// `cargo test --release -p basin-experiments --test critical_point -- --ignored --nocapture`
#[test]
#[ignore = "takes seconds in an optimised build, and minutes in another"]
fn most_of_a_hundred_runs_converge_at_points_of_very_different_losses() {
    for (hidden, threshold) in [(vec![12], 1e-5), (vec![10, 10], 1e-4)] {
        let spec = task(|p| {
            p.hidden.clone_from(&hidden);
            (p.interval, p.points, p.epochs) = ((-3.0, 3.0), 64, 60);
            (p.threshold, p.iterations) = (threshold, 1_000);
            p.minimal_ratio = MinimalRatio { near_zero: 0.1, positive: 1e-6, radius: 0.1, samples: 1_000 };
        });
        let start = Instant::now();
        let records: Vec<Metrics> = (0..100)
            .map(|seed| train(&TaskSpec { seed, ..spec.clone() }, &Assets::default()).metrics)
            .filter(|metrics| number(metrics, "converged") == 1.0)
            .collect();
        let took = start.elapsed() / 100;
        let numbers =
            |name: &str| -> Vec<f64> { records.iter().map(|metrics| number(metrics, name)).collect() };
        let quartiles = |name: &str| {
            let mut sorted = numbers(name);
            sorted.sort_by(f64::total_cmp);
            [0, 1, 2, 3, 4].map(|quarter| sorted[quarter * (sorted.len() - 1) / 4])
        };
        println!("{hidden:?} below {threshold:e}: {} of 100 converged, {took:?} a run", records.len());
        for name in ["final_loss", "search_iterations", "smallest_eigenvalue"] {
            println!("  {name}: {:?}", quartiles(name));
        }
        let losses = numbers("final_loss");
        for name in ["near_zero", "positive_eigenvalues", "sampled"] {
            let name = format!("minimal_ratio_{name}");
            let correlation = rank_correlation(&numbers(&name), &losses);
            println!("  {name}: {:?}, rank correlation with the loss {correlation:.3}", quartiles(&name));
        }
        assert!(records.len() >= 80, "{} converged", records.len());
        let [least, .., most] = quartiles("final_loss");
        assert!(most > 1e3 * least, "{least} to {most}");
    }
}
