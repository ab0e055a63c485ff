//! The measurements of runs, and their ends.
#![allow(
    clippy::disallowed_methods,
    reason = "tests compare with the system's library and Candle's operations"
)]

mod common;

use std::path::PathBuf;
use std::sync::Arc;

use basin_domain::data::{Dataset as NamedDataset, built_in_digest};
use basin_domain::experiment::{Experiment, Function};
use basin_domain::failure::FailureKind;
use basin_domain::id::DatasetName;
use basin_domain::metrics::{Axis, Metrics, Outcome};
use basin_domain::optimizer::Optimizer;
use basin_experiments::dataset::{self, Dataset};
use basin_experiments::{Advance, Assets, start};
use candle_core::{Device, safetensors};
use common::{ALL, SGD, all_probes, classify, fit, tiny_images, train};

fn values(metrics: &Metrics, name: &str) -> Vec<f64> {
    metrics.series[name].points.iter().map(|&(_, value)| value).collect()
}

fn xs(metrics: &Metrics, name: &str) -> Vec<f64> {
    metrics.series[name].points.iter().map(|&(x, _)| x).collect()
}

#[test]
fn classify_records_its_series_against_their_axes() {
    let (assets, data) = tiny_images(40, 20);
    let spec = classify(&data, |p| {
        p.epochs = 3;
        p.record = ALL;
    });
    let finished = train(&spec, &assets);
    let metrics = &finished.metrics;
    for name in ["train_loss", "train_accuracy", "test_loss", "test_accuracy"] {
        assert_eq!(metrics.series[name].axis, Axis::Epoch);
        assert_eq!(xs(metrics, name), [0.0, 1.0, 2.0, 3.0], "{name}");
    }
    for name in ["loss", "gradient_norm"] {
        assert_eq!(metrics.series[name].axis, Axis::Iteration);
        assert_eq!(xs(metrics, name), (1..=9).map(f64::from).collect::<Vec<_>>(), "{name}");
    }
    for name in ["parameters", "final_train_loss", "final_train_accuracy"] {
        assert_eq!((metrics.series[name].axis, metrics.series[name].points.len()), (Axis::Once, 1), "{name}");
    }
    let Experiment::Classify(parameters) = &spec.experiment else { panic!() };
    assert_eq!(metrics.last("parameters"), Some(parameters.model.parameter_count(1, 28, 10) as f64));
    // The running mean weighs the last, smaller batch (8 of 40) by its examples.
    let losses = values(metrics, "loss");
    let mean = (16.0 * losses[0] + 16.0 * losses[1] + 8.0 * losses[2]) / 40.0;
    assert!((values(metrics, "train_loss")[1] - mean).abs() < 1e-12);
    // Chance: log 10 for ten classes.
    assert!((values(metrics, "test_loss")[0] - 10f64.ln()).abs() < 0.3);

    let tensors = safetensors::load_buffer(&finished.result, &Device::Cpu).unwrap();
    let names = |prefix: &str| tensors.keys().filter(|name| name.starts_with(prefix)).count();
    assert_eq!((names("model/"), names("weights/0/"), names("weights/2/")), (8, 8, 8));
    assert_eq!(tensors.len(), 24);
    let distance = |a: &str, b: &str| {
        let difference =
            (&tensors[a] - &tensors[b]).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        difference.iter().map(|value| value.abs()).fold(0f32, f32::max)
    };
    assert!(distance("weights/0/conv0.weight", "weights/2/conv0.weight") > 1e-4, "snapshots are copies");
    assert!(distance("weights/2/conv0.weight", "model/conv0.weight") > 1e-5);
}

#[test]
fn the_recorded_gradient_norm_is_that_of_the_first_gradient() {
    // One linear layer from x to ax + b over symmetric points: the gradient has a closed form.
    let spec = fit(|p| {
        p.function = Function::Cube;
        p.hidden = vec![];
        p.interval = (-1.0, 1.0);
        p.points = 3;
        p.epochs = 1;
        p.record = ALL;
    });
    let finished = train(&spec, &Assets::default());
    let tensors = safetensors::load_buffer(&finished.result, &Device::Cpu).unwrap();
    let initial = |name: &str| {
        f64::from(tensors[&format!("weights/0/{name}")].flatten_all().unwrap().to_vec1::<f32>().unwrap()[0])
    };
    let (a, b) = (initial("output.weight"), initial("output.bias"));
    // L = 1/3 Σ (ax + b − x³)² over x ∈ {−1, 0, 1} = (2(a − 1)² + 3b²) / 3.
    let norm = ((4.0 / 3.0 * (a - 1.0)).powi(2) + (2.0 * b).powi(2)).sqrt();
    let loss = (2.0 * (a - 1.0).powi(2) + 3.0 * b * b) / 3.0;
    assert!((values(&finished.metrics, "gradient_norm")[0] - norm).abs() < 1e-5);
    assert!((values(&finished.metrics, "loss")[0] - loss).abs() < 1e-5);
    assert!((values(&finished.metrics, "train_loss")[0] - loss).abs() < 1e-5);
}

#[test]
fn sin_and_cube_are_fitted() {
    for (function, most) in [(Function::Sin, 2e-3), (Function::Cube, 0.3)] {
        let spec = fit(|p| {
            p.function = function;
            p.hidden = vec![32, 64];
            p.points = 128;
            p.epochs = 800;
            p.optimizer = Optimizer::adam(5e-3);
        });
        let metrics = train(&spec, &Assets::default()).metrics;
        let losses = values(&metrics, "train_loss");
        assert_eq!(losses.len(), 801);
        assert!(losses[800] < most, "{function:?}: {} to {}", losses[0], losses[800]);
        assert_eq!(metrics.last("final_train_loss"), Some(losses[800]));
        let targets = &metrics.series["target"].points;
        assert_eq!((targets.len(), targets[0].0, targets[199].0), (200, -3.0, 3.0));
        assert!(targets.iter().all(|&(x, value)| value == function.at(x)));
        let errors =
            values(&metrics, "prediction").into_iter().zip(targets).map(|(p, &(_, t))| (p - t).powi(2));
        assert!(errors.sum::<f64>() / 200.0 < 2.0 * most);
    }
}

#[test]
fn a_small_network_learns_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let name = DatasetName::new("shapes").unwrap();
    let file = folder.path().join("data.basin");
    dataset::generate(&name, &file).unwrap();
    let assets = Assets { dataset: Some(Arc::new(Dataset::open(&file).unwrap())), ..Assets::default() };
    let data = NamedDataset { digest: built_in_digest("shapes").unwrap(), name };
    let spec = classify(&data, |p| {
        p.model.conv = vec![8, 16];
        p.model.dense = vec![32];
        p.data.train_limit = Some(3000);
        p.data.test_limit = Some(1000);
        p.batch_size = 32;
        p.epochs = 4;
        p.optimizer = Optimizer::adam(3e-3);
    });
    let metrics = train(&spec, &assets).metrics;
    let (losses, accuracies) = (values(&metrics, "train_loss"), values(&metrics, "test_accuracy"));
    assert!(losses[4] < 0.8 * losses[0], "{losses:?}");
    assert!(accuracies[0] < 0.2 && accuracies[4] > 0.3, "{accuracies:?}");
}

#[test]
fn random_labels_are_learnt_by_heart() {
    let (assets, data) = tiny_images(60, 60);
    let spec = classify(&data, |p| {
        p.data.label_noise = 1.0;
        p.model.dense = vec![32];
        p.epochs = 60;
        p.optimizer = Optimizer::adam(5e-3);
    });
    let metrics = train(&spec, &assets).metrics;
    assert_eq!(metrics.last("final_train_accuracy"), Some(1.0));
    assert!(metrics.last("test_accuracy").unwrap() < 0.35);
}

#[test]
fn divergence_is_a_result_with_the_record_so_far() {
    let (assets, data) = tiny_images(40, 20);
    let Optimizer::Sgd { momentum, weight_decay, .. } = SGD else { panic!() };
    let wild = Optimizer::Sgd { learning_rate: 1e30, momentum, weight_decay };
    let spec = classify(&data, |p| {
        p.optimizer = wild;
        p.record = ALL;
    });
    let finished = train(&spec, &assets);
    let Outcome::Diverged { iteration } = finished.outcome else { panic!("{:?}", finished.outcome) };
    assert!((1..=6).contains(&iteration), "{iteration}");
    assert_eq!(xs(&finished.metrics, "gradient_norm").last(), Some(&(iteration as f64)));
    assert!(finished.metrics.series.contains_key("train_loss"));
    assert!(safetensors::load_buffer(&finished.result, &Device::Cpu).is_ok());

    let spec = fit(|p| p.optimizer = wild);
    assert!(matches!(train(&spec, &Assets::default()).outcome, Outcome::Diverged { .. }));
}

#[test]
fn progress_counts_steps_and_epochs() {
    let (assets, data) = tiny_images(40, 20);
    let spec = classify(&data, |_| {});
    let mut run = start(&spec, &assets, None).unwrap();
    let progress = run.progress();
    assert_eq!((progress.iteration, progress.iterations, progress.epochs, progress.loss), (0, 6, 2, None));
    let mut seen = vec![progress];
    while run.advance().unwrap() == Advance::More {
        seen.push(run.progress());
    }
    let last = run.progress();
    assert_eq!((last.iteration, last.epoch), (6, 2));
    assert!(last.loss.unwrap() > 0.0);
    assert!(seen.windows(2).all(|pair| pair[0].iteration <= pair[1].iteration));
    // Before: train, test; two epochs of three steps and a test; the last evaluation.
    assert_eq!(seen.len(), 2 + 2 * 4 + 1);
}

#[test]
fn results_before_the_end_are_refused() {
    let run = start(&fit(|_| {}), &Assets::default(), None).unwrap();
    assert_eq!(run.finish().unwrap_err().to_string(), "the run hasn't ended yet, so it has no results");
}

#[test]
fn tasks_that_cannot_run_say_why() {
    let (assets, data) = tiny_images(40, 20);
    let refused = |spec, assets: &Assets| {
        let failure = start(&spec, assets, None).err().expect("the task is refused").failure();
        (failure.kind, failure.message)
    };
    let invalid =
        |text: &str| (FailureKind::InvalidParameters, format!("the parameters can't be trained: {text}"));
    let missing = |text: &str| (FailureKind::MissingData, format!("the data set can't be used: {text}"));
    assert_eq!(
        refused(classify(&data, |p| p.model.conv = vec![2; 5]), &assets),
        invalid("the pool of `conv4` leaves no pixel: its input has 1×1; 5 convolutions are too many")
    );
    assert_eq!(
        refused(classify(&data, |p| p.data.train_limit = Some(41)), &assets),
        invalid("`train_limit` is 41, and the data set has 40 such examples")
    );
    assert_eq!(
        refused(classify(&data, |p| p.data.label_noise = 1.5), &assets),
        invalid("`label_noise` is 1.5, not a share in [0, 1]")
    );
    assert_eq!(
        refused(classify(&data, |p| p.batch_size = 0), &assets),
        invalid("a batch needs at least one example")
    );
    assert_eq!(refused(fit(|p| p.points = 1), &assets), invalid("1 points on [-3, 3] are no grid"));
    let mut newer = fit(|_| {});
    newer.version = 9;
    assert_eq!(
        refused(newer, &assets),
        invalid("the task is of version 9 of `fit-function`, and this is version 3")
    );

    assert_eq!(refused(classify(&data, |_| {}), &Assets::default()), missing("`fashion-mnist` isn't there"));
    let cifar = NamedDataset { name: DatasetName::new("cifar10").unwrap(), digest: data.digest };
    assert_eq!(
        refused(classify(&cifar, |_| {}), &assets),
        missing("it is `fashion-mnist` where the task names `cifar10`")
    );
    let mut without = classify(&data, |_| {});
    without.data = None;
    assert_eq!(refused(without, &assets), missing("the task names none"));
}

/// Needs the real data: a folder with `cifar10/train-*.parquet`, named by `BASIN_TEST_DATA`.
#[test]
fn real_cifar10_is_imported_the_same_way_twice() {
    let Some(folder) = std::env::var_os("BASIN_TEST_DATA").map(PathBuf::from) else {
        println!("not checked: BASIN_TEST_DATA names no folder with cifar10/");
        return;
    };
    let out = tempfile::tempdir().unwrap();
    let name = DatasetName::new("cifar10").unwrap();
    let [first, second] = ["first", "second"].map(|file| {
        let imported = dataset::import(&name, &folder.join("cifar10"), &out.path().join(file)).unwrap();
        println!("{imported:?}");
        imported
    });
    assert_eq!(first, second);
    assert_eq!((first.train, first.test, first.shape), (50_000, 10_000, [3, 32, 32]));
    let dataset = Dataset::open(&out.path().join("first")).unwrap();
    for (split, each) in [(dataset.train(), 5_000), (dataset.test(), 1_000)] {
        for class in 0..10 {
            assert_eq!(split.labels.iter().filter(|&&label| label == class).count(), each);
        }
    }
    // The statistics of the original training images are (0.4914, 0.4822, 0.4465) and (0.2470, 0.2435, 0.2616).
    for (value, expected) in dataset.mean().iter().zip([0.4914, 0.4822, 0.4465]) {
        assert!((value - expected).abs() < 2e-3, "{:?}", dataset.mean());
    }
    for (value, expected) in dataset.std().iter().zip([0.2470, 0.2435, 0.2616]) {
        assert!((value - expected).abs() < 2e-3, "{:?}", dataset.std());
    }
}

#[test]
fn probes_measure_at_the_end_or_every_so_many_epochs_and_the_spectrum_at_the_end_alone() {
    let (assets, data) = tiny_images(40, 20);
    let probed = |every| {
        let spec = classify(&data, |p| {
            p.epochs = 5;
            p.probes = all_probes(every);
        });
        train(&spec, &assets).metrics
    };
    let numbers =
        ["sensitivity", "input_gradient", "sharpness", "largest_eigenvalue", "largest_eigenvalue_residual"];
    let (end, between) = (probed(None), probed(Some(2)));
    for name in numbers {
        assert_eq!(end.series[name].axis, Axis::Epoch);
        assert_eq!((xs(&end, name), xs(&between, name)), (vec![5.0], vec![0.0, 2.0, 4.0, 5.0]), "{name}");
        assert_eq!(end.last(name), between.last(name), "{name}");
        assert!(values(&between, name).iter().all(|value| value.is_finite() && *value > 0.0), "{name}");
    }
    assert_eq!(end.series["spectral_density"].axis, Axis::Eigenvalue);
    assert_eq!(end.series["spectral_density"], between.series["spectral_density"]);
    // The weights are the same with and without probes.
    assert_eq!(values(&end, "test_loss"), values(&between, "test_loss"));
}
