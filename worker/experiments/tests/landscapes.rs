//! Interpolations and surfaces against what the runs that they read said of themselves.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use basin_domain::experiment::{
    Experiment, Interpolate, Interval, Plane, Ratios, Surface, Tile, TrainingTime,
};
use basin_domain::failure::FailureKind;
use basin_domain::metrics::{Axis, Metrics, Outcome};
use basin_domain::optimizer::Optimizer;
use basin_domain::task::TaskSpec;
use basin_experiments::{Advance, Assets, start};
use common::{assert_same, classify, finish, fit, reading, stack, tiny_images, train};

fn interpolation(of: &TaskSpec, examples: Option<u32>) -> TaskSpec {
    let trained = of.experiment.trained_model().unwrap();
    let ratios = Ratios { start: -1.0, stop: 2.0, count: 7 };
    reading(
        of,
        Experiment::Interpolate(Interpolate { trained, ratios, examples, barrier: false }),
        &["from", "to"],
    )
}

fn surface(of: &TaskSpec, plane: Plane, tile: Tile) -> TaskSpec {
    let trained = of.experiment.trained_model().unwrap();
    let parameters = Surface { trained, plane, resolution: 5, tile, examples: None };
    reading(of, Experiment::Surface(parameters), &["of"])
}

fn at(metrics: &Metrics, series: &str, x: f64) -> f64 {
    let points = &metrics.series[series].points;
    points.iter().find(|point| point.0 == x).unwrap_or_else(|| panic!("{series} has no {x}")).1
}

#[test]
fn an_interpolations_ends_have_the_solutions_own_figures_bit_by_bit() {
    let (mut assets, data) = tiny_images(700, 530);
    let from = classify(&data, |p| p.data.label_noise = 0.25);
    let to = classify(&data, |p| {
        p.data.label_noise = 0.25;
        p.batch_size = 64;
    });
    let (first, second) = (train(&from, &assets), train(&to, &assets));
    assert_ne!(first.result, second.result);
    assets.inputs =
        [("from".to_owned(), first.result.clone()), ("to".to_owned(), second.result.clone())].into();
    let metrics = train(&interpolation(&from, None), &assets).metrics;
    assert_eq!(metrics.series["test_loss"].axis, Axis::Ratio);
    let xs: Vec<f64> = metrics.series["train_loss"].points.iter().map(|point| point.0).collect();
    assert_eq!(xs, [-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0]);
    for (x, run) in [(0.0, &first.metrics), (1.0, &second.metrics)] {
        let own = ["final_train_loss", "final_train_accuracy", "test_loss", "test_accuracy"];
        for (series, own) in ["train_loss", "train_accuracy", "test_loss", "test_accuracy"].iter().zip(own) {
            assert_eq!(
                at(&metrics, series, x).to_bits(),
                run.last(own).unwrap().to_bits(),
                "{series} at {x}"
            );
        }
    }
    assert!(at(&metrics, "train_loss", 0.5).is_finite());
    let few = train(&interpolation(&from, Some(10)), &assets).metrics;
    assert_ne!(at(&few, "test_loss", 0.0), at(&metrics, "test_loss", 0.0));
}

#[test]
fn a_fitted_functions_interpolation_ends_where_its_runs_did() {
    let (from, to) = (fit(|_| {}), fit(|p| p.budget = TrainingTime::Epochs(20)));
    let (first, second) = (train(&from, &Assets::default()), train(&to, &Assets::default()));
    let inputs = [("from".to_owned(), first.result), ("to".to_owned(), second.result)].into();
    let assets = Assets { inputs, ..Assets::default() };
    let metrics = train(&interpolation(&from, None), &assets).metrics;
    assert!(!metrics.series.contains_key("test_loss") && !metrics.series.contains_key("train_accuracy"));
    assert_eq!(at(&metrics, "train_loss", 0.0), first.metrics.last("train_loss").unwrap());
    assert_eq!(at(&metrics, "train_loss", 1.0), second.metrics.last("train_loss").unwrap());
}

#[test]
fn a_surface_has_the_solutions_loss_in_its_middle_and_tiles_are_parts_of_the_whole() {
    let (mut assets, data) = tiny_images(60, 20);
    let of = classify(&data, |_| {});
    let trained = train(&of, &assets);
    assets.inputs = [("of".to_owned(), trained.result.clone())].into();
    let plane = Plane::Random { extent: 0.5 };
    let whole = train(&surface(&of, plane, Tile { index: 0, of: 1 }), &assets).metrics;
    assert_eq!(whole.series["train_loss"].points.len(), 25);
    assert_eq!((at(&whole, "alpha", 12.0), at(&whole, "beta", 12.0)), (0.0, 0.0));
    assert_eq!((at(&whole, "alpha", 4.0), at(&whole, "beta", 4.0)), (0.5, -0.5));
    assert_eq!(at(&whole, "train_loss", 12.0), trained.metrics.last("final_train_loss").unwrap());
    assert_eq!(at(&whole, "train_accuracy", 12.0), trained.metrics.last("final_train_accuracy").unwrap());
    for name in ["alpha", "beta", "train_loss", "train_accuracy"] {
        let tiles = (0..3).map(|index| train(&surface(&of, plane, Tile { index, of: 3 }), &assets).metrics);
        let points: Vec<_> = tiles.flat_map(|metrics| metrics.series[name].points.clone()).collect();
        assert_eq!(points, whole.series[name].points, "{name}");
    }
}

#[test]
fn a_plane_of_principal_components_holds_the_whole_trajectory() {
    let (mut assets, data) = tiny_images(60, 20);
    let of = classify(&data, |p| {
        p.budget = TrainingTime::Epochs(4);
        p.training.record.weights_every = Some(Interval::Epochs(1));
    });
    let trained = train(&of, &assets);
    assets.inputs = [("of".to_owned(), trained.result.clone())].into();
    let metrics =
        train(&surface(&of, Plane::Pca { margin: 0.25 }, Tile { index: 0, of: 1 }), &assets).metrics;
    let (alpha, beta) =
        (&metrics.series["trajectory_alpha"].points, &metrics.series["trajectory_beta"].points);
    assert_eq!((alpha.len(), beta.len()), (5, 5));
    assert_eq!((alpha[4], beta[4]), ((4.0, 0.0), (4.0, 0.0)), "it ends at the solution");
    let explained =
        ["explained_variance_alpha", "explained_variance_beta"].map(|name| metrics.last(name).unwrap());
    assert!(explained[0] >= explained[1] && explained[1] > 0.0 && explained[0] + explained[1] <= 1.0 + 1e-12);
    for (trajectory, coordinate) in [(alpha, "alpha"), (beta, "beta")] {
        let cells: Vec<f64> = metrics.series[coordinate].points.iter().map(|point| point.1).collect();
        let (low, high) =
            (cells.iter().copied().fold(f64::MAX, f64::min), cells.iter().copied().fold(f64::MIN, f64::max));
        assert!(trajectory.iter().all(|point| (low..=high).contains(&point.1)), "{coordinate}");
    }
}

#[test]
fn landscapes_go_on_from_any_checkpoint_and_end_with_the_same_bytes() {
    let (mut assets, data) = tiny_images(40, 530);
    let of = classify(&data, |p| p.training.record.weights_every = Some(Interval::Epochs(1)));
    let result = train(&of, &assets).result;
    assets.inputs = ["from", "to", "of"].map(|name| (name.to_owned(), result.clone())).into();
    let line = interpolation(&of, None);
    let plane = surface(&of, Plane::Pca { margin: 0.1 }, Tile { index: 1, of: 2 });
    for spec in [line, plane] {
        let undisturbed = train(&spec, &assets);
        let mut run = start(&spec, &assets, None).unwrap();
        let mut checkpoints = vec![run.checkpoint().unwrap()];
        while run.advance().unwrap() == Advance::More {
            checkpoints.push(run.checkpoint().unwrap());
        }
        checkpoints.push(run.checkpoint().unwrap());
        assert_same(&run.finish().unwrap(), &undisturbed, "taking checkpoints changes nothing");
        let advances = checkpoints.len() - 1;
        for (done, checkpoint) in checkpoints.iter().enumerate().take(advances) {
            let mut resumed = start(&spec, &assets, Some(checkpoint)).unwrap();
            let left =
                std::iter::from_fn(|| (resumed.advance().unwrap() == Advance::More).then_some(())).count();
            assert_eq!(done + left + 1, advances, "nothing is done twice");
            assert_same(&resumed.finish().unwrap(), &undisturbed, spec.experiment.kind());
        }
        let ended = start(&spec, &assets, Some(&checkpoints[advances])).unwrap();
        assert_same(&finish(ended), &undisturbed, "from the end");
    }
}

/// A run that diverged keeps the weights before the step that failed: finite, and no solution.
#[test]
fn a_landscape_of_a_run_that_diverged_has_diverged_too() {
    let (mut assets, data) = tiny_images(40, 20);
    let wild = Optimizer::sgd(1e30, 0.9, 0.0);
    let of = classify(&data, |p| {
        p.training.optimizer = wild;
        p.training.record.weights_every = Some(Interval::Epochs(1));
    });
    let (diverged, solved) = (train(&of, &assets), train(&classify(&data, |_| {}), &assets));
    assert!(matches!(diverged.outcome, Outcome::Diverged { .. }));
    let planes = [Plane::Random { extent: 0.5 }, Plane::Pca { margin: 0.1 }];
    let surfaces = planes.map(|plane| surface(&of, plane, Tile { index: 1, of: 2 }));
    let line = interpolation(&of, None);
    for (spec, names) in
        [(&surfaces[0], [("of", &diverged); 2]), (&surfaces[1], [("of", &diverged); 2])].into_iter().chain([
            (&line, [("from", &diverged), ("to", &solved)]),
            (&line, [("from", &solved), ("to", &diverged)]),
        ])
    {
        assets.inputs = names.map(|(name, run)| (name.to_owned(), run.result.clone())).into();
        let mut run = start(spec, &assets, None).unwrap();
        let resumed = start(spec, &assets, Some(&run.checkpoint().unwrap())).unwrap();
        for run in [run, resumed] {
            let finished = finish(run);
            assert_eq!(finished.outcome, Outcome::Diverged { iteration: 0 });
            assert!(finished.metrics.series.is_empty());
        }
    }
}

#[test]
fn a_trajectory_without_two_directions_is_no_plane() {
    let (mut assets, data) = tiny_images(40, 20);
    let of = classify(&data, |p| {
        p.budget = TrainingTime::Epochs(3);
        p.training.record.weights_every = Some(Interval::Epochs(3));
    });
    assets.inputs = [("of".to_owned(), train(&of, &assets).result)].into();
    let spec = surface(&of, Plane::Pca { margin: 0.1 }, Tile { index: 0, of: 1 });
    assert_eq!(
        start(&spec, &assets, None).err().unwrap().to_string(),
        "the input `of` can't be used: its recorded weights span no plane: before its end there must be two that lie in \
         different directions"
    );
}

#[test]
fn inputs_that_cannot_be_used_are_named() {
    let (mut assets, data) = tiny_images(40, 20);
    let of = classify(&data, |_| {});
    let result = train(&of, &assets).result;
    let failed = |assets: &Assets, spec: &TaskSpec| {
        let error = start(spec, assets, None).err().unwrap();
        assert_eq!(error.failure().kind, FailureKind::Experiment);
        error.to_string()
    };
    let line = interpolation(&of, None);
    assert_eq!(failed(&assets, &line), "the input `from` can't be used: isn't there");
    assets.inputs.insert("from".to_owned(), result.clone());
    assets.inputs.insert("to".to_owned(), b"not safetensors".to_vec());
    assert!(failed(&assets, &line).starts_with("the input `to` can't be used: "));
    let other = classify(&data, |p| stack(p).conv = vec![3, 5]);
    assets.inputs.insert("to".to_owned(), train(&other, &assets).result);
    assert_eq!(
        failed(&assets, &line),
        "the input `to` can't be used: `model/conv1.bias` has the shape [5], not [4]"
    );
    assets.inputs.insert("of".to_owned(), result);
    let plane = surface(&of, Plane::Pca { margin: 0.0 }, Tile { index: 0, of: 1 });
    assert_eq!(failed(&assets, &plane), "the input `of` can't be used: it has no recorded weights");
}
