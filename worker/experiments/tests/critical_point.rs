//! Runs of `critical-point`, from start to end.
#![allow(
    clippy::disallowed_methods,
    reason = "tests compare with the system's library and Candle's operations"
)]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use basin_domain::experiment::{
    Activation, CriticalPoint, Experiment, Function, MinimalRatio, Polish, Search, SearchStart,
};
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
        initial_scale: 1.0,
        start: SearchStart::Last,
        polish: Polish { iterations: 20, restarts: 1 },
        zero: CriticalPoint::ZERO,
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

/// Both methods, both optimisers, every activation, no steps on the loss, no search, no polishing, a start on the way down, several attempts.
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
        task(|p| (p.polish.iterations, p.iterations) = (0, 20)),
        task(|p| {
            (p.start, p.initial_scale, p.activation) = (SearchStart::Random, 2.0, Activation::Linear);
            p.iterations = 10;
        }),
        task(|p| {
            p.hidden = vec![6];
            (p.epochs, p.iterations, p.polish) = (70, 3, Polish { iterations: 6, restarts: 3 });
        }),
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
        let spec = task(|p| {
            (p.search, p.iterations, p.epochs, p.polish.iterations) = (search, iterations, 20, 0);
        });
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
    let number = |name: &str| number(&finished.metrics, name);
    let last: f64 =
        ["trained", "search", "polish"].map(|stage| number(&format!("{stage}_iterations"))).iter().sum();
    for name in parameters.series() {
        let series = &finished.metrics.series[name];
        assert_eq!(series.axis, Axis::Iteration);
        let xs: Vec<f64> = series.points.iter().map(|point| point.0).collect();
        assert_eq!(xs.last(), Some(&last), "every iteration of every stage");
        assert!(xs.iter().enumerate().all(|(index, x)| index as f64 == *x));
    }
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
    assert_eq!(number("minimal_ratio_positive_relative"), 1.0);
    assert_eq!(number("minimal_ratio_sampled"), 1.0);
    assert_eq!((number("certified"), number("certified_minimum")), (1.0, 1.0));
    assert_eq!(
        (number("index"), number("negative_eigenvalues"), number("degenerate_eigenvalues")),
        (0.0, 0.0, 0.0)
    );
    // A quadratic loss: Newton's step leads to the minimum itself.
    assert_eq!((number("hessian_lipschitz"), number("kantorovich_h")), (0.0, 0.0));
    assert!(number("distance_bound") < 1e-15 && number("relative_gradient_norm") < 1e-16);
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
        assert_eq!(
            (number(&finished.metrics, "certified"), number(&finished.metrics, "cause_diverged")),
            (0.0, 1.0)
        );
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
    let spec = task(|p| (p.epochs, p.iterations, p.polish.iterations) = (0, 0, 0));
    let metrics = train(&spec, &Assets::default()).metrics;
    for (series, last) in [("loss", "final_loss"), ("gradient_norm", "final_gradient_norm")] {
        assert_eq!(metrics.series[series].points, [(0.0, number(&metrics, last))]);
    }
}

#[test]
fn progress_counts_every_phase() {
    let spec = task(|p| p.iterations = 7);
    let mut run = start(&spec, &Assets::default(), None).unwrap();
    let progress = run.progress();
    assert_eq!(
        (progress.iteration, progress.iterations, progress.epochs, progress.loss),
        (0, 137 + 2 * (20 + 16 + 1), 130, None)
    );
    let mut seen = vec![progress];
    while run.advance().unwrap() == Advance::More {
        seen.push(run.progress());
    }
    let last = run.progress();
    assert_eq!(last.epoch, 130);
    assert!((137..=last.iterations).contains(&last.iteration), "{}", last.iteration);
    assert!(last.loss.unwrap() > 0.0);
    assert!(seen.windows(2).all(|pair| pair[0].iteration <= pair[1].iteration));
    assert!(seen.iter().any(|progress| progress.epoch == 64));
    assert_eq!((progress.done_share, last.done_share), (Some(0.0), Some(1.0)));
    assert!(seen.iter().all(|progress| progress.done_share.unwrap() < 1.0));
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
    assert_eq!(refused(|p| p.initial_scale = 0.0), "the initial_scale is 0, which isn't above zero");
    assert_eq!(
        refused(|p| p.zero = 1e-13),
        "an eigenvalue of 0.0000000000001 of the largest can't be said to be zero"
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

#[test]
fn a_search_begins_where_its_seed_draws_and_its_run_is_trained_to_the_end_all_the_same() {
    let steps = |seed| {
        let spec = TaskSpec { seed, ..task(|p| (p.start, p.iterations) = (SearchStart::Random, 1)) };
        let metrics = train(&spec, &Assets::default()).metrics;
        let (start, loss) = (number(&metrics, "start_iteration"), &metrics.series["loss"].points);
        assert_eq!(number(&metrics, "trained_iterations"), 130.0);
        assert_eq!(loss[131].1, loss[start as usize].1, "it goes back");
        start
    };
    let all: Vec<f64> = (0..20).map(steps).collect();
    assert!(all.iter().all(|steps| (0.0..=130.0).contains(steps)), "{all:?}");
    assert!(all.iter().any(|steps| *steps < 40.0) && all.iter().any(|steps| *steps > 90.0), "{all:?}");
    assert_eq!(steps(7), all[7]);
}

#[test]
fn the_first_point_is_scaled() {
    let first = |scale| {
        let spec = task(|p| (p.hidden, p.initial_scale, p.iterations) = (vec![], scale, 0));
        train(&spec, &Assets::default()).metrics.series["gradient_norm"].points[0].1
    };
    assert!(first(1.0) != first(2.0));
}

/// Where polishing is off, a small gradient that isn't zero is told apart from a critical point; where it is on, it gets there.
#[test]
fn a_small_gradient_is_no_critical_point_until_it_is_polished() {
    let with = |iterations| {
        let spec = task(|p| {
            (p.hidden, p.interval, p.threshold) = (vec![2], (-3.0, 3.0), 1e-3);
            p.polish = Polish { iterations, restarts: 4 };
        });
        train(&spec, &Assets::default()).metrics
    };
    let (rough, polished) = (with(0), with(200));
    assert_eq!([number(&rough, "converged"), number(&polished, "converged")], [1.0, 1.0]);
    assert_eq!([number(&rough, "certified"), number(&polished, "certified")], [0.0, 1.0]);
    assert!(number(&rough, "kantorovich_h") > 0.5 && number(&rough, "distance_bound").is_infinite());
    assert!(number(&polished, "kantorovich_h") < 0.5 && number(&polished, "distance_bound") < 1e-10);
    assert!(number(&polished, "relative_gradient_norm") < 1e-14);
    assert_eq!((number(&rough, "polish_iterations"), number(&rough, "restarts")), (0.0, 0.0));
}

#[test]
fn where_every_attempt_fails_the_run_ends_where_the_first_one_did() {
    let with = |restarts| {
        let spec = task(|p| {
            (p.hidden, p.epochs, p.iterations) = (vec![6], 70, 3);
            p.polish = Polish { iterations: 6, restarts };
        });
        train(&spec, &Assets::default())
    };
    let (once, often) = (with(0), with(3));
    assert_eq!(number(&once.metrics, "certified"), 0.0);
    assert_eq!((number(&often.metrics, "certified"), number(&often.metrics, "restarts")), (0.0, 3.0));
    assert!(once.result == often.result, "the weights are those of the first attempt");
    for name in ["final_loss", "cause_limit", "cause_slow", "cause_flat"] {
        assert_eq!(number(&once.metrics, name), number(&often.metrics, name), "{name}");
    }
}
