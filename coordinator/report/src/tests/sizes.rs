//! Every kind of figure of one, two, hundreds and thousands of runs.

use std::time::{Duration, Instant};

use basin_domain::digest::Digest;
use basin_domain::experiment::{Experiment, SnapshotPlace};
use basin_domain::figure::{Drawing, Figure, Layout};
use basin_domain::id::{FigureId, TaskId};
use basin_domain::metrics::{Axis, Metrics};
use basin_domain::value::Value;

use super::assert_tidy;
use crate::projection::{ExcludedRun, PathPoint, Projection, WeightPath};
use crate::samples::Noise;
use crate::{Run, RunState, figures, samples};
use basin_charts::layout::{Captions, lay_out};

/// The sizes of a sweep.
const SIZES: [usize; 4] = [1, 2, 400, 10_000];
/// The largest picture: a page that has twenty of them still opens.
const LARGEST: usize = 4 << 20;
/// The most lines of a legend: 35 groups of two measures each, and what is said once.
const LONGEST: usize = 2 * 35 + 6;
/// Long enough for a machine that does something else, too, and for a build without optimisation.
const TIME: Duration = Duration::from_secs(300);

fn figure(drawing: Drawing, facet: Option<&str>) -> Figure {
    Figure {
        id: FigureId::new("f").unwrap(),
        title: "Many runs".to_owned(),
        experiments: vec!["many".parse().unwrap()],
        facet: facet.map(str::to_owned),
        middle: None,
        drawing,
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// Every kind of figure, of everything together and by a parameter that every run has a value of its own of.
fn drawings(group: &[&str]) -> Vec<Drawing> {
    let group = names(group);
    let curves = |each| Drawing::Curves {
        y: names(&["loss", "norm"]),
        group: group.clone(),
        log_y: names(&["norm"]),
        layout: Layout::Row,
        each,
    };
    vec![
        curves(false),
        curves(true),
        Drawing::Predictions,
        Drawing::Against {
            x: "width".to_owned(),
            log_x: false,
            y: vec![names(&["end", "size"])],
            log_y: vec![],
            group: group.clone(),
        },
        Drawing::Scatter {
            x: "size".to_owned(),
            log_x: true,
            y: names(&["end"]),
            log_y: vec![],
            group: group.clone(),
            // Of many groups the look is of interest, and not their correlation, which takes as long as that of one.
            solid_if: Some(if group == ["width"] { "never" } else { "converged" }.to_owned()),
        },
        Drawing::Trajectories { layers: names(&["all", "conv0"]) },
        Drawing::Surface { y: "train_loss".to_owned(), log: false },
        Drawing::Interpolation {
            y: vec![names(&["train_loss", "test_loss"])],
            log_y: vec![],
            group: group.clone(),
        },
        Drawing::Spectrum { group },
    ]
}

/// As many runs, each of which has all that any figure could ask for, and a value of `width` of its own.
fn runs(count: usize) -> Vec<Run> {
    let images = samples::images(1, 1).remove(0);
    let mut surface = samples::weights::surfaces(1).remove(0);
    if let Experiment::Surface(surface) = &mut surface.task.spec.experiment {
        surface.resolution = 3;
    }
    let of = |seed: usize| {
        let mut run = images.clone();
        run.task.spec.experiment = surface.task.spec.experiment.clone();
        run.task.experiment = "many".parse().unwrap();
        run.task.spec.seed = seed as u64;
        run.task.id = TaskId(Digest::of(&seed.to_le_bytes()));
        run.task.point = [("width".to_owned(), Value::Integer(seed as i64))].into();
        let RunState::Committed { metrics: record, commit, .. } = &mut run.state else { unreachable!() };
        *record = measured(seed);
        commit.metrics = Digest::of(&seed.to_be_bytes());
        if count > 2 && seed % 50 == 7 {
            commit.outcome = basin_domain::metrics::Outcome::Diverged { iteration: 3 };
        }
        if count > 2 && seed % 50 == 8 {
            run.state = RunState::Missing;
        }
        run
    };
    (0..count).map(of).collect()
}

fn measured(seed: usize) -> Metrics {
    let (mut record, mut noise) = (Metrics::default(), Noise::new(seed as u64));
    for step in 0..12 {
        let t = f64::from(step);
        record.push("loss", Axis::Epoch, t, (-0.2 * t).exp() * (0.2 * noise.normal()).exp());
        record.push("norm", Axis::Iteration, t, (0.5 * noise.normal()).exp());
        record.push("prediction", Axis::Input, t, t + noise.normal());
        record.push("target", Axis::Input, t, t);
        record.push("train_loss", Axis::Ratio, t / 6.0 - 0.5, 1.0 + noise.uniform());
        record.push("test_loss", Axis::Ratio, t / 6.0 - 0.5, 2.0 + noise.uniform());
        record.push("spectral_density", Axis::Eigenvalue, t, noise.uniform() + 1e-3);
    }
    for name in ["end", "size"] {
        record.set(name, (noise.normal()).exp());
    }
    record.set("converged", f64::from(u8::from(!seed.is_multiple_of(9))));
    record.set("test_accuracy", noise.uniform());
    record
}

/// The same for a surface, whose loss is against cells.
fn with_cells(mut runs: Vec<Run>) -> Vec<Run> {
    for run in &mut runs {
        let RunState::Committed { metrics: record, .. } = &mut run.state else { continue };
        record.series.remove("train_loss");
        for cell in 0..9 {
            record.push("train_loss", Axis::Cell, f64::from(cell), f64::from(cell * cell % 5));
            record.push("alpha", Axis::Cell, f64::from(cell), f64::from(cell % 3));
            record.push("beta", Axis::Cell, f64::from(cell), f64::from(cell / 3));
        }
    }
    runs
}

/// Recorded weights of as many runs as are projected at most, the others left out.
fn projections(runs: &[Run]) -> Vec<Projection> {
    let completed: Vec<&Run> = runs.iter().filter(|run| run.completed().is_some()).collect();
    let (projected, others) = completed.split_at(completed.len().min(57));
    let path = |run: &&Run| {
        let mut noise = Noise::new(run.task.spec.seed);
        let points = (0..21).map(|epoch| PathPoint {
            recorded: SnapshotPlace::Epoch(epoch),
            first: noise.normal(),
            second: noise.normal(),
        });
        WeightPath { task: run.task.id, points: points.collect() }
    };
    let of_layer = |layer: &str| Projection {
        layer: layer.to_owned(),
        dimension: 100,
        explained: [0.5, 0.2],
        paths: projected.iter().map(path).collect(),
        left_out: others
            .iter()
            .map(|run| ExcludedRun { task: run.task.id, why: "comes after the 1200 snapshots".to_owned() })
            .collect(),
    };
    vec![of_layer("all"), of_layer("conv0")]
}

/// Draws every kind of figure, and looks at what it has become.
fn check(count: usize, group: &[&str], facet: Option<&str>) {
    let (all, surfaces) = (runs(count), with_cells(runs(count)));
    let projections = projections(&all);
    for drawing in drawings(group) {
        let what = format!("{count} runs by {group:?} in {facet:?}: {drawing:?}");
        let runs = if matches!(drawing, Drawing::Surface { .. }) { &surfaces } else { &all };
        let figure = figure(drawing, facet);
        let begun = Instant::now();
        let (chart, _) = figures::chart(&figure, runs, &projections, &[]);
        let scene = lay_out(&chart, Captions::Included);
        let svg = basin_charts::svg::write(&scene, "f", &chart.title, &chart.description);
        let took = begun.elapsed();
        assert!(took < TIME, "{what}: {took:?}");
        assert!(svg.len() <= LARGEST, "{what}: {} bytes", svg.len());
        assert!(chart.legend.len() <= LONGEST, "{what}: {} lines in the legend", chart.legend.len());
        assert!(chart.rows.iter().map(|row| row.panels.len()).sum::<usize>() <= 48, "{what}");
        let notes = chart.notes.join(" ");
        assert!(notes.len() < 4_000 && chart.description.len() < 20_000, "{what}: {notes}");
        if facet.is_none() || count < 400 {
            assert_tidy(&scene, &what);
        }
        // The groups, facets, lines and points that a figure doesn't draw are counted.
        let is_whole = count <= 2;
        let is_said = notes.contains(" drawn; the others are in the figure's data.")
            || (notes.contains("eft out:") && notes.contains("more runs (comes after"));
        let has_one_group = group == ["experiment"] && facet.is_none();
        assert!(is_whole || is_said || has_one_group, "{what}: {notes}");
    }
}

#[test]
fn every_figure_of_any_number_of_runs_in_one_group_stays_a_picture() {
    for count in SIZES {
        check(count, &["experiment"], None);
    }
}

#[test]
fn every_figure_of_any_number_of_groups_stays_a_picture_and_counts_the_rest() {
    for count in SIZES {
        check(count, &["width"], None);
    }
}

#[test]
fn every_figure_of_any_number_of_facets_stays_a_picture_and_counts_the_rest() {
    for count in SIZES {
        check(count, &["experiment"], Some("width"));
    }
}

#[test]
fn four_hundred_trajectories_have_one_line_in_the_legend_for_those_that_are_not_drawn() {
    let runs = runs(400);
    let figure = figure(Drawing::Trajectories { layers: names(&["all"]) }, None);
    let (chart, _) = figures::chart(&figure, &runs, &projections(&runs), &[]);
    let labels: Vec<&str> = chart.legend.iter().map(|entry| entry.label.as_str()).collect();
    assert_eq!(labels.len(), 35 + 2 + 2);
    assert_eq!(
        labels[35..],
        ["22 more (drawn in the same pens again)", "343 more (not drawn)", "first epoch", "last epoch"]
    );
}
