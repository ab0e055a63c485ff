//! The measurements of runs, and their ends.
#![allow(
    clippy::disallowed_methods,
    reason = "tests compare with the system's library and Candle's operations"
)]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::path::PathBuf;
use std::sync::Arc;

use basin_domain::data::{
    Augmentation, Contents, Dataset as NamedDataset, Encoding, InputKind, ModularOperation, Pixels, Recipe,
    SplitSizes, TargetKind, built_in_digest,
};
use basin_domain::experiment::{Classify, Experiment, Function, Sampling, StreamSeeds, TrainingTime};
use basin_domain::failure::FailureKind;
use basin_domain::id::DatasetName;
use basin_domain::metrics::{Axis, Metrics, Outcome};
use basin_domain::optimizer::Optimizer;
use basin_experiments::dataset::{self, Dataset, ImportOptions};
use basin_experiments::{Advance, Assets, start};
use candle_core::{Device, safetensors};
use common::{ALL, all_probes, classify, fit, made, stack, tiny_images, train};

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
        p.budget = TrainingTime::Epochs(3);
        p.training.record = ALL;
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
    assert_eq!(
        metrics.last("parameters"),
        Some(parameters.model.conv_net().unwrap().parameter_count(1, 28, 10) as f64)
    );
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
        p.budget = TrainingTime::Epochs(1);
        p.training.record = ALL;
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
            p.function = function.clone();
            p.hidden = vec![32, 64];
            p.points = 128;
            p.budget = TrainingTime::Epochs(800);
            p.training.optimizer = Optimizer::adam(5e-3);
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
fn functions_of_two_variables_are_fitted() {
    let spec = fit(|p| {
        p.function = "sin(2*x1)*x2".parse().unwrap();
        p.layout.other_intervals = vec![(-1.0, 1.0)];
        p.layout.sampling = Sampling::Random;
        p.interval = (-1.5, 1.5);
        p.hidden = vec![32, 32];
        p.points = 200;
        p.budget = TrainingTime::Epochs(600);
        p.training.optimizer = Optimizer::adam(5e-3);
    });
    let metrics = train(&spec, &Assets::default()).metrics;
    let losses = values(&metrics, "train_loss");
    assert!(losses[600] < 0.02 * losses[0], "{} to {}", losses[0], losses[600]);
    assert!(!metrics.series.contains_key("target"), "a curve is of one variable");
}

#[test]
fn a_dense_network_learns_modular_addition_from_tokens() {
    let operation = ModularOperation::Addition;
    let recipe = Recipe::ModularArithmetic { operation, modulus: 11, train_share: 0.8, seed: 0 };
    let (assets, data) = made(&recipe);
    let spec = classify(&data, |p| {
        p.data.recipe = Some(recipe);
        p.data.encoding = Encoding::OneHot;
        stack(p).conv = vec![];
        stack(p).dense = vec![64];
        p.batch_size = 32;
        p.budget = TrainingTime::Epochs(150);
        p.training.optimizer = Optimizer::adam(1e-2);
    });
    let metrics = train(&spec, &assets).metrics;
    assert_eq!(metrics.last("final_train_accuracy"), Some(1.0));
}

#[test]
fn spirals_are_told_apart() {
    let recipe = Recipe::Spirals { classes: 2, turns: 1.0, noise: 0.02, train: 400, test: 200, seed: 0 };
    let (assets, data) = made(&recipe);
    let spec = classify(&data, |p| {
        p.data.recipe = Some(recipe);
        stack(p).conv = vec![];
        stack(p).dense = vec![32, 32];
        p.batch_size = 32;
        p.budget = TrainingTime::Epochs(60);
        p.training.optimizer = Optimizer::adam(1e-2);
    });
    let accuracy = train(&spec, &assets).metrics.last("test_accuracy").unwrap();
    assert!(accuracy > 0.9, "{accuracy}");
}

#[test]
fn a_seed_of_its_own_holds_one_source_of_chance_still() {
    let (assets, data) = tiny_images(40, 20);
    let run = |seed: u64, change: &dyn Fn(&mut Classify)| {
        let mut spec = classify(&data, |p| {
            p.training.record = ALL;
            change(p);
        });
        spec.seed = seed;
        let result = train(&spec, &assets).result;
        let tensors = safetensors::load_buffer(&result, &Device::Cpu).unwrap();
        let of = |name: &str| tensors[name].flatten_all().unwrap().to_vec1::<f32>().unwrap();
        (of("weights/0/conv0.weight"), of("model/conv0.weight"))
    };
    let initialization = |p: &mut Classify| p.seeds.initialization = Some(7);
    let (one, other) = (run(1, &initialization), run(2, &initialization));
    assert_eq!(one.0, other.0, "the weights before training are those of the seed that is fixed");
    assert_ne!(one.1, other.1, "the order isn't");
    let both = |p: &mut Classify| {
        p.seeds = StreamSeeds { initialization: Some(7), order: Some(8), augmentation: None };
    };
    assert_eq!(run(1, &both), run(2, &both));
    let noisy = |p: &mut Classify| {
        both(p);
        p.data.label_noise = 0.9;
    };
    assert_ne!(run(1, &noisy), run(2, &noisy), "the labels are drawn by the run's seed");
    let all = |p: &mut Classify| {
        noisy(p);
        p.data.noise_seed = Some(9);
    };
    assert_eq!(run(1, &all), run(2, &all));
    let augmented = |p: &mut Classify| {
        all(p);
        p.augmentation = Augmentation { crop: 3, flip: true, cutout: 5, ..Augmentation::default() };
    };
    assert_ne!(run(1, &augmented), run(1, &all));
    assert_ne!(run(1, &augmented), run(2, &augmented));
    let everything = |p: &mut Classify| {
        augmented(p);
        p.seeds.augmentation = Some(10);
    };
    assert_eq!(run(1, &everything), run(2, &everything));
}

#[test]
fn copies_and_corrupted_pixels_reach_the_network() {
    let (assets, data) = tiny_images(20, 10);
    let first_loss = |change: &dyn Fn(&mut Classify)| {
        let metrics = train(&classify(&data, |p| change(p)), &assets).metrics;
        (values(&metrics, "train_loss")[0], values(&metrics, "test_loss")[0])
    };
    let plain = first_loss(&|_| {});
    for pixels in [Pixels::Shuffled, Pixels::ShuffledEach, Pixels::Gaussian] {
        let (train, test) = first_loss(&|p| p.data.pixels = pixels);
        assert!(train != plain.0 && test != plain.1, "{pixels:?}: training and test images alike");
    }
    let (train, test) = first_loss(&|p| p.data.label_copies = 3);
    assert!(train != plain.0 && test == plain.1, "the test labels stay");
}

#[test]
fn a_small_network_learns_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let name = DatasetName::new("shapes").unwrap();
    let file = folder.path().join("data.basin");
    dataset::generate(&name, None, &file).unwrap();
    let assets = Assets { dataset: Some(Arc::new(Dataset::open(&file).unwrap())), ..Assets::default() };
    let data = NamedDataset { digest: built_in_digest("shapes").unwrap(), name };
    let spec = classify(&data, |p| {
        stack(p).conv = vec![8, 16];
        stack(p).dense = vec![32];
        p.data.train_limit = Some(3000);
        p.data.test_limit = Some(1000);
        p.batch_size = 32;
        p.budget = TrainingTime::Epochs(4);
        p.training.optimizer = Optimizer::adam(3e-3);
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
        stack(p).dense = vec![32];
        p.budget = TrainingTime::Epochs(60);
        p.training.optimizer = Optimizer::adam(5e-3);
    });
    let metrics = train(&spec, &assets).metrics;
    assert_eq!(metrics.last("final_train_accuracy"), Some(1.0));
    assert!(metrics.last("test_accuracy").unwrap() < 0.35);
}

#[test]
fn divergence_is_a_result_with_the_record_so_far() {
    let (assets, data) = tiny_images(40, 20);
    let wild = Optimizer::sgd(1e30, 0.9, 1e-4);
    let spec = classify(&data, |p| {
        p.training.optimizer = wild;
        p.training.record = ALL;
    });
    let finished = train(&spec, &assets);
    let Outcome::Diverged { iteration } = finished.outcome else { panic!("{:?}", finished.outcome) };
    assert!((1..=6).contains(&iteration), "{iteration}");
    assert_eq!(xs(&finished.metrics, "gradient_norm").last(), Some(&(iteration as f64)));
    assert!(finished.metrics.series.contains_key("train_loss"));
    assert!(safetensors::load_buffer(&finished.result, &Device::Cpu).is_ok());

    let spec = fit(|p| p.training.optimizer = wild);
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
        refused(classify(&data, |p| stack(p).conv = vec![2; 5]), &assets),
        invalid("`conv[4]` leaves no pixel: its pool takes 2×2 pixels, and its input has 1×1 of them")
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
        let imported = dataset::import(
            &name,
            &folder.join("cifar10"),
            &ImportOptions::default(),
            &out.path().join(file),
        )
        .unwrap();
        println!("{imported:?}");
        imported
    });
    assert_eq!(first, second);
    let expected = Contents {
        sizes: SplitSizes { train: 50_000, test: 10_000 },
        example: InputKind::Image([3, 32, 32]),
        target: TargetKind::Classes(10),
    };
    assert_eq!(first.contents, expected);
    let dataset = Dataset::open(&out.path().join("first")).unwrap();
    for (split, each) in [(dataset.train(), 5_000), (dataset.test(), 1_000)] {
        let labels = split.labels(&(0..split.len() as u32).collect::<Vec<_>>());
        for class in 0..10 {
            assert_eq!(labels.iter().filter(|&&label| label == class).count(), each);
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
fn the_done_share_counts_evaluations_and_probes() {
    let (assets, data) = tiny_images(40, 20);
    let fitted = fit(|p| p.budget = TrainingTime::Epochs(3));
    let probed = classify(&data, |p| p.training.probes = all_probes(Some(1)));
    for (spec, assets) in [(probed, &assets), (fitted, &Assets::default())] {
        let mut run = start(&spec, assets, None).unwrap();
        let mut seen = vec![run.progress()];
        while run.advance().unwrap() == Advance::More {
            seen.push(run.progress());
        }
        let shares: Vec<f64> = seen.iter().map(|progress| progress.done_share.unwrap()).collect();
        assert_eq!((shares[0], run.progress().done_share), (0.0, Some(1.0)));
        assert!(shares.windows(2).all(|pair| pair[0] <= pair[1] + 1e-9), "{shares:?}");
        // All steps are taken, and something is to come.
        let trained = seen.iter().position(|progress| progress.iteration == progress.iterations).unwrap();
        assert!(shares[trained..].iter().all(|share| *share < 1.0), "{shares:?}");
        // A run that goes on from a checkpoint is as far as the one that wrote it.
        let mut half = start(&spec, assets, None).unwrap();
        for _ in 0..seen.len() / 2 {
            half.advance().unwrap();
        }
        let resumed = start(&spec, assets, Some(&half.checkpoint().unwrap())).unwrap();
        assert_eq!(resumed.progress().done_share, half.progress().done_share);
    }
}

#[test]
fn probes_measure_at_the_end_or_every_so_many_epochs_and_the_spectrum_at_the_end_alone() {
    let (assets, data) = tiny_images(40, 20);
    let probed = |every| {
        let spec = classify(&data, |p| {
            p.budget = TrainingTime::Epochs(5);
            p.training.probes = all_probes(every);
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
