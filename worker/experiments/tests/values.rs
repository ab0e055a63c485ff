//! `regress`, and the losses beside the usual ones: what is recorded, and the same bytes however a run is driven.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use basin_domain::data::Recipe;
use basin_domain::experiment::{
    ClassificationLoss, Experiment, Interpolate, Plane, Ratios, StopRule, Surface, Tile, TrainingTime,
    ValueLoss,
};
use basin_domain::metrics::{Metrics, Outcome};
use basin_domain::optimizer::{Optimizer, Rule, Sgd, WeightAverage};
use basin_domain::task::TaskSpec;
use basin_experiments::{Advance, Assets, start};
use common::{
    ALL, all_probes, assert_same, classify, eigenvalue_probes, finish, fit, made, on_each_path, reading,
    regress, tiny_images, tiny_values, train, turn,
};

fn last(metrics: &Metrics, name: &str) -> f64 {
    metrics.last(name).unwrap_or_else(|| panic!("{name} isn't recorded"))
}

fn smoothed(label_smoothing: f64) -> ClassificationLoss {
    ClassificationLoss::CrossEntropy { label_smoothing }
}

/// Both losses of values, an average, uneven last batches, limits, all probes, a rule.
fn tasks() -> (Assets, Vec<TaskSpec>) {
    let (assets, data) = tiny_values(41, 530);
    let tasks = vec![
        regress(&data, |p| {
            p.training.record = ALL;
            p.training.probes = all_probes(Some(1));
        }),
        regress(&data, |p| {
            p.loss = ValueLoss::Huber { delta: 0.3 };
            p.training.record = ALL;
            p.training.probes = eigenvalue_probes(basin_domain::experiment::Interval::Epochs(1));
            p.training.stop = vec![StopRule::TestLossBelow { value: 1e-9 }];
        }),
        regress(&data, |p| {
            p.data.train_limit = Some(21);
            p.data.test_limit = Some(520);
            p.budget = TrainingTime::Steps(5);
            p.training.optimizer = Optimizer {
                average: Some(WeightAverage::Ema { decay: 0.9, warm_up: false }),
                ..Optimizer::new(Rule::Sgd(Sgd::new(0.05, 0.9, 0.0)))
            };
        }),
    ];
    (assets, tasks)
}

#[test]
fn a_run_that_goes_on_from_any_checkpoint_ends_with_the_same_bytes() {
    let (assets, tasks) = tasks();
    on_each_path(|| {
        for spec in &tasks {
            let undisturbed = train(spec, &assets);
            assert_eq!(undisturbed.outcome, Outcome::Completed);
            let mut run = start(spec, &assets, None).unwrap();
            let mut checkpoints = vec![run.checkpoint().unwrap()];
            while run.advance().unwrap() == Advance::More {
                checkpoints.push(run.checkpoint().unwrap());
            }
            for (advances, checkpoint) in checkpoints.iter().enumerate() {
                let resumed = finish(start(spec, &assets, Some(checkpoint)).unwrap());
                assert_same(&resumed, &undisturbed, &format!("after {advances} of {}", spec.canonical()));
            }
        }
    });
}

#[test]
fn threads_and_code_paths_give_the_same_bytes() {
    let (assets, tasks) = tasks();
    let mut on_first_path = None;
    on_each_path(|| {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| tasks.iter().map(|spec| train(spec, &assets)).collect::<Vec<_>>())
        };
        let first = on_first_path.get_or_insert_with(|| on(1)).clone();
        for threads in [1, 2, 4] {
            for (found, expected) in on(threads).iter().zip(&first) {
                assert_same(found, expected, &format!("{threads} threads"));
            }
        }
    });
}

#[test]
fn a_run_records_what_its_kind_says() {
    let _turn = turn();
    let (assets, tasks) = tasks();
    for spec in &tasks {
        let metrics = train(spec, &assets).metrics;
        let recorded: Vec<&str> = metrics.series.keys().map(String::as_str).collect();
        let mut said = [spec.experiment.series(), spec.experiment.numbers()].concat();
        said.sort_unstable();
        assert_eq!(recorded, said, "{}", spec.canonical());
    }
}

/// A network that has learnt nothing of standardised values has an R² of about 0; one that has learnt them, of nearly 1.
#[test]
fn a_student_learns_its_teacher() {
    let _turn = turn();
    let recipe = Recipe::Teacher { inputs: 4, hidden: 2, noise: 0.0, train: 400, test: 200, seed: 1 };
    let (assets, data) = made(&recipe);
    let spec = regress(&data, |p| {
        p.data.recipe = Some(recipe);
        p.model = basin_domain::network::Network::of_dense(&[32]);
        p.budget = TrainingTime::Epochs(60);
    });
    let metrics = train(&spec, &assets).metrics;
    let explained = &metrics.series["test_r_squared"].points;
    assert!(explained[0].1 < 0.5, "{explained:?}");
    assert!(last(&metrics, "test_r_squared") > 0.95, "{explained:?}");
    // 1 − loss / variance at each point: the variance is one number.
    let losses = &metrics.series["test_loss"].points;
    let variance = |at: usize| losses[at].1 / (1.0 - explained[at].1);
    for at in 1..losses.len() {
        assert!((variance(at) / variance(0) - 1.0).abs() < 1e-9, "point {at}");
    }
}

#[test]
fn test_labels_are_never_smoothed_and_training_is_recorded_as_it_is_minimised() {
    let _turn = turn();
    let (assets, data) = tiny_images(40, 30);
    let untrained = |loss| {
        let spec = classify(&data, |p| {
            p.loss = loss;
            p.budget = TrainingTime::Epochs(0);
        });
        train(&spec, &assets).metrics
    };
    let (plain, smooth) = (untrained(smoothed(0.0)), untrained(smoothed(0.5)));
    assert_eq!(last(&plain, "test_loss").to_bits(), last(&smooth, "test_loss").to_bits());
    assert_ne!(last(&plain, "train_loss"), last(&smooth, "train_loss"));
    assert_eq!(last(&smooth, "train_loss"), last(&smooth, "final_train_loss"));
    assert_eq!(last(&plain, "train_accuracy"), last(&smooth, "train_accuracy"));
    let squared = untrained(ClassificationLoss::MeanSquaredError);
    assert_eq!(last(&plain, "test_accuracy"), last(&squared, "test_accuracy"));
    assert!(last(&squared, "test_loss") < 1.0, "outputs near zero are off by about 1 of 10 classes");
}

#[test]
fn classes_are_learnt_under_each_loss() {
    let _turn = turn();
    let recipe = Recipe::GaussianMixture {
        classes: 3,
        dimensions: 2,
        separation: 4.0,
        train: 300,
        test: 100,
        seed: 2,
    };
    let (assets, data) = made(&recipe);
    for loss in [smoothed(0.0), smoothed(0.1), ClassificationLoss::MeanSquaredError] {
        let spec = classify(&data, |p| {
            p.data.recipe = Some(recipe);
            p.model = basin_domain::network::Network::of_dense(&[16]);
            p.loss = loss;
            p.training.optimizer = Optimizer::adam(1e-2);
            p.budget = TrainingTime::Epochs(10);
        });
        let metrics = train(&spec, &assets).metrics;
        let (first, end) = (metrics.series["test_accuracy"].points[0].1, last(&metrics, "test_accuracy"));
        assert!(end > 0.9 && end > first, "{loss:?}: {first} to {end}");
    }
}

/// Each with its examples: whatever was trained on, a line begins and ends with the solutions' own figures.
#[test]
fn landscapes_have_the_solutions_own_figures_under_each_loss() {
    let _turn = turn();
    let (images, of_images) = tiny_images(60, 40);
    let (values, of_values) = tiny_values(60, 40);
    let cases: Vec<(&Assets, TaskSpec)> = vec![
        (&images, classify(&of_images, |p| p.loss = smoothed(0.2))),
        (&images, classify(&of_images, |p| p.loss = ClassificationLoss::MeanSquaredError)),
        (&values, regress(&of_values, |_| {})),
        (&values, regress(&of_values, |p| p.loss = ValueLoss::Huber { delta: 0.4 })),
        (&images, fit(|p| p.loss = ValueLoss::Huber { delta: 0.1 })),
    ];
    for (assets, spec) in cases {
        let run = train(&spec, assets);
        let inputs = ["from", "to", "of"].map(|name| (name.to_owned(), run.result.clone()));
        let assets = Assets { inputs: inputs.into(), ..assets.clone() };
        let trained = || spec.experiment.trained_model().unwrap();
        let ratios = Ratios { start: 0.0, stop: 1.0, count: 2 };
        let line = Experiment::Interpolate(Interpolate {
            trained: trained(),
            ratios,
            examples: None,
            barrier: false,
        });
        let said = line.series();
        let line = train(&reading(&spec, line, &["from", "to"]), &assets).metrics;
        assert_eq!(line.series.keys().collect::<Vec<_>>().len(), said.len());
        assert_eq!(last(&line, "train_loss"), last(&run.metrics, "final_train_loss"));
        if said.contains(&"test_loss") {
            assert_eq!(last(&line, "test_loss"), last(&run.metrics, "test_loss"));
        }
        let (plane, tile) = (Plane::Random { extent: 0.5 }, Tile { index: 0, of: 1 });
        let surface = Surface { trained: trained(), plane, resolution: 3, tile, examples: None };
        let spec = reading(&spec, Experiment::Surface(surface), &["of"]);
        let undisturbed = train(&spec, &assets);
        assert_eq!(
            undisturbed.metrics.series["train_loss"].points[4].1,
            last(&run.metrics, "final_train_loss")
        );
        let mut run = start(&spec, &assets, None).unwrap();
        run.advance().unwrap();
        let checkpoint = run.checkpoint().unwrap();
        assert_same(
            &finish(start(&spec, &assets, Some(&checkpoint)).unwrap()),
            &undisturbed,
            &spec.canonical(),
        );
    }
}

#[test]
fn losses_that_there_are_not_and_data_of_the_other_sort_are_refused() {
    let _turn = turn();
    let (images, of_images) = tiny_images(10, 5);
    let (values, of_values) = tiny_values(10, 5);
    let error =
        |spec: &TaskSpec, assets: &Assets| start(spec, assets, None).err().expect("it starts").to_string();
    assert!(error(&regress(&of_images, |_| {}), &images).contains("has classes and no values"));
    assert!(error(&classify(&of_values, |_| {}), &values).contains("has no classes"));
    for delta in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let spec = regress(&of_values, |p| p.loss = ValueLoss::Huber { delta });
        assert!(error(&spec, &values).contains("Huber's loss has no δ"), "{delta}");
    }
    for share in [1.0, -0.1, f64::NAN] {
        let spec = classify(&of_images, |p| p.loss = smoothed(share));
        assert!(error(&spec, &images).contains("labels can't be smoothed"), "{share}");
    }
}
