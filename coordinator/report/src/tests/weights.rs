use std::fs;

use basin_domain::figure::{Drawing, Figure};
use basin_domain::metrics::Axis;
use basin_storage::Store;

use super::assert_tidy;
use crate::samples::weights::{Fate, put_weights, surface_figures, surfaces, weights};
use crate::{CheckPlace, PairDistance, Results, Run, RunDistance, RunState, figures, gather};
use basin_charts::layout::{Captions, lay_out};
use basin_charts::{Mark, Panel};

async fn gathered(name: &str, fate: impl Fn(u64) -> Fate) -> Results {
    let store = Store::open(&format!("memory://{name}")).unwrap();
    let sweep = put_weights(&store, fate).await;
    gather::gather(&store, &sweep.id, None).await.unwrap()
}

fn drawn(results: &Results) -> (figures::DrawnFigure, String) {
    let figure = &results.figures[0];
    let projections = &results.projections[&figure.id];
    let (chart, _) = figures::chart(figure, &results.runs, projections, &[]);
    for captions in [Captions::Included, Captions::Omitted] {
        assert_tidy(&lay_out(&chart, captions), figure.id.as_str());
    }
    let drawn = figures::draw(figure, &results.runs, projections, &[]);
    assert!(!drawn.svg.contains("NaN") && !drawn.svg.contains("inf"));
    let notes = drawn.notes.join(" ");
    (drawn, notes)
}

#[tokio::test]
async fn all_runs_share_a_plane_and_the_data_has_every_recorded_epoch() {
    let results = gathered("weights-whole", |_| Fate::Whole).await;
    let (drawn, notes) = drawn(&results);
    assert!(notes.starts_with("n = 8 runs, 88 snapshots of their weights."), "{notes}");
    assert!(notes.contains("all layers: 834 parameters; layer conv0: 224 parameters"), "{notes}");
    assert!(
        notes.contains("the recorded epochs, 3 apart; beside the last one: the run's final test accuracy")
    );
    let lines: Vec<&str> = drawn.csv.lines().collect();
    assert_eq!(lines[0], "layer,facet,run,seed,epoch,pc1,pc2");
    assert_eq!(lines.len(), 1 + 2 * 8 * 11);
    assert!(lines[1].starts_with("all,,0,0,0,") && lines[88 + 89 - 1].starts_with("conv0,,7,7,30,"));
    let projections = &results.projections[&results.figures[0].id];
    assert!(projections[0].explained[0] > projections[0].explained[1]);
    // Centred: the scores of a component add up to nothing.
    let sum: f64 = projections[0].paths.iter().flat_map(|path| &path.points).map(|point| point.second).sum();
    assert!(sum.abs() < 1e-9, "{sum}");
}

#[tokio::test]
async fn each_of_eight_runs_has_a_line_of_its_own_look() {
    let results = gathered("weights-pens", |_| Fate::Whole).await;
    let figure = &results.figures[0];
    let (chart, _) = figures::chart(figure, &results.runs, &results.projections[&figure.id], &[]);
    let pen = |mark: &Mark| {
        if let Mark::Line { pen, .. } = mark { Some((pen.color.hex(), pen.dashes())) } else { None }
    };
    let pens: Vec<_> = chart.rows[0].panels[0].marks.iter().filter_map(pen).collect();
    let distinct: std::collections::BTreeSet<_> = pens.iter().collect();
    assert_eq!((pens.len(), distinct.len()), (8, 8), "{pens:?}");
}

#[tokio::test]
async fn what_cant_be_projected_is_left_out_and_said() {
    let fate = |seed| match seed {
        1 => Fate::Damaged,
        2 => Fate::Missing,
        4 => Fate::Diverged,
        5 => Fate::OtherShapes,
        6 => Fate::NotFinite,
        _ => Fate::Whole,
    };
    let results = gathered("weights-odd", fate).await;
    let projections = &results.projections[&results.figures[0].id];
    let drawn_runs: Vec<usize> = projections.iter().map(|projection| projection.paths.len()).collect();
    assert_eq!(drawn_runs, [3, 4], "the NaN is in the last layer");
    let (_, notes) = drawn(&results);
    assert!(
        notes.starts_with("n = 4 runs, 44 snapshots of their weights; not drawn: 1 diverged, 1 missing."),
        "{notes}"
    );
    assert!(notes.contains("Left out: seed 1 (its result is damaged: it has 3 bytes, not "), "{notes}");
    assert!(notes.contains("seed 5 (has weights of other shapes than the first run)"), "{notes}");
    assert!(notes.contains("seed 6 (has recorded weights that aren't finite)"), "{notes}");
    let distances = &results.distances[&CheckPlace { claim: 0, check: 1 }];
    assert_eq!(
        distances.first_to_last.iter().map(|run| run.seed).collect::<Vec<_>>(),
        [0, 3, 6, 7],
        "the NaN is at neither end"
    );
    assert_eq!(distances.left_out.len(), 4, "{:?}", distances.left_out);
    assert!(distances.left_out.contains(&"seed 2: is missing".to_owned()), "{:?}", distances.left_out);
    assert!(distances.left_out.contains(&"seed 4: is diverged".to_owned()), "{:?}", distances.left_out);
}

#[tokio::test]
async fn distances_are_measured_between_the_recorded_weights() {
    let results = gathered("weights-distances", |_| Fate::Whole).await;
    assert_eq!(results.distances.len(), 1, "one check of two asks for them");
    let distances = &results.distances[&CheckPlace { claim: 0, check: 1 }];
    assert_eq!((distances.between_last.len(), distances.first_to_last.len()), (28, 8));
    let direct = |a: Vec<f32>, b: Vec<f32>| {
        a.iter().zip(&b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>().sqrt()
    };
    for &PairDistance { a, b, distance } in &distances.between_last {
        assert!((distance - direct(weights(a, 30), weights(b, 30))).abs() < 1e-9, "{a} {b}");
    }
    for &RunDistance { seed, distance } in &distances.first_to_last {
        assert!((distance - direct(weights(seed, 0), weights(seed, 30))).abs() < 1e-9, "{seed}");
    }
}

#[tokio::test]
async fn trajectories_of_nothing_are_drawn_and_said() {
    let results = gathered("weights-none", |_| Fate::Missing).await;
    let (_, notes) = drawn(&results);
    assert!(notes.starts_with("n = 0 runs, 0 snapshots of their weights; not drawn: 8 missing."), "{notes}");
    assert!(results.distances[&CheckPlace { claim: 0, check: 1 }].first_to_last.is_empty());
    let one = gathered("weights-one", |seed| if seed == 2 { Fate::Whole } else { Fate::Missing }).await;
    let (_, notes) = drawn(&one);
    assert!(notes.starts_with("n = 1 run, 11 snapshots"), "{notes}");
}

#[tokio::test]
async fn the_same_weights_give_the_same_bytes() {
    let store = Store::open("memory://weights-bytes").unwrap();
    let sweep = put_weights(&store, |_| Fate::Whole).await;
    let mut files = Vec::new();
    for _ in 0..2 {
        let folder = tempfile::tempdir().unwrap();
        crate::write(&store, &sweep.id, folder.path()).await.unwrap();
        let read = |end: &str| fs::read(folder.path().join(format!("figures/4-trajectories.{end}"))).unwrap();
        files.push((read("svg"), read("png"), read("csv")));
    }
    assert_eq!(files[0], files[1]);
}

fn surface(figure: &Figure, runs: &[Run]) -> (Vec<Panel>, figures::DrawnFigure) {
    let (chart, _) = figures::chart(figure, runs, &[], &[]);
    for captions in [Captions::Included, Captions::Omitted] {
        assert_tidy(&lay_out(&chart, captions), figure.id.as_str());
    }
    let drawn = figures::draw(figure, runs, &[], &[]);
    assert!(!drawn.svg.contains("NaN") && !drawn.svg.contains("inf"));
    (chart.rows.into_iter().flat_map(|row| row.panels).collect(), drawn)
}

#[test]
fn tiles_are_put_together_to_a_panel_a_run() {
    let runs = surfaces(2);
    let (panels, drawn) = surface(&surface_figures()[0], &runs);
    assert_eq!(panels.len(), 2);
    assert_eq!(panels[0].title.as_deref(), Some("seed 0"));
    assert_eq!(panels[0].x.label, "α (filter-normalised random direction)");
    assert_eq!(drawn.notes[0], "n = 2 runs, 41×41 cells each.");
    let lines: Vec<&str> = drawn.csv.lines().collect();
    assert_eq!((lines[0], lines.len()), ("run,what,alpha,beta,value", 1 + 2 * 41 * 41));
    assert!(lines[1].starts_with("0,cell,-1,-1,"), "{}", lines[1]);
    let Mark::Field(field) = &panels[0].marks[0] else { panic!("no surface") };
    assert_eq!((field.grid.columns.len(), field.grid.rows[40]), (41, 1.0));
    assert!(!field.grid.has_holes() && !field.goes_beyond);
}

#[test]
fn the_plane_of_components_shows_the_way_and_a_missing_tile_is_said() {
    let (panels, drawn) = surface(&surface_figures()[1], &surfaces(2));
    assert_eq!(panels[0].x.label, "PC 1 (87 % of variance)");
    assert_eq!(panels[0].y.label, "PC 2 (6.4 % of variance)");
    let notes = drawn.notes.join(" ");
    assert!(notes.starts_with("n = 2 runs, 41×41 cells each; of 8 tiles, 1 missing: hatched."), "{notes}");
    assert!(notes.contains("Seed 1: of 4 tiles, 1 missing."), "{notes}");
    assert_eq!(drawn.csv.matches("\n0,trajectory,").count(), 11);
    let Mark::Field(field) = &panels[1].marks[0] else { panic!("no surface") };
    assert_eq!(field.grid.values.iter().filter(|value| value.is_nan()).count(), 11 * 41);
    assert!((field.grid.rows[40] - 6.5).abs() < 1e-9, "the rows of the missing tile have their places");
}

#[test]
fn the_surfaces_of_one_facet_stand_in_a_row() {
    let mut figure = surface_figures()[0].clone();
    figure.experiments.push("pca-plane".parse().unwrap());
    let rows = |figure: &Figure| -> Vec<Vec<String>> {
        let (chart, _) = figures::chart(figure, &surfaces(2), &[], &[]);
        let titles =
            |row: basin_charts::PanelRow| row.panels.into_iter().filter_map(|panel| panel.title).collect();
        chart.rows.into_iter().map(titles).collect()
    };
    let [a, b, c, d] =
        ["random-plane · seed 0", "random-plane · seed 1", "pca-plane · seed 0", "pca-plane · seed 1"];
    assert_eq!(rows(&figure), [[a, b], [c, d]]);
    figure.facet = Some("seed".to_owned());
    assert_eq!(rows(&figure), [[a, c], [b, d]]);
}

/// The random plane of one run, with other losses.
fn with_losses(change: impl Fn(usize, f64) -> f64) -> Vec<Run> {
    let mut runs = surfaces(1);
    runs.retain(|run| run.task.experiment.as_str() == "random-plane");
    for run in &mut runs {
        if let RunState::Committed { metrics: record, .. } = &mut run.state {
            for (cell, loss) in &mut record.series.get_mut("train_loss").unwrap().points {
                *loss = change(*cell as usize, *loss);
            }
        }
    }
    runs
}

fn figure(log: bool) -> Figure {
    Figure { drawing: Drawing::Surface { y: "train_loss".to_owned(), log }, ..surface_figures()[0].clone() }
}

#[test]
fn values_far_beyond_the_others_dont_take_all_colours() {
    let runs = with_losses(|cell, loss| if cell % 100 == 7 { 1e6 } else { loss });
    let (panels, drawn) = surface(&figure(false), &runs);
    let Mark::Field(field) = &panels[0].marks[0] else { panic!("no surface") };
    assert!(field.goes_beyond && field.levels.last().unwrap().at < 20.0, "{:?}", field.levels);
    let notes = drawn.notes.join(" ");
    assert!(notes.contains("17 of 1,681 cells are above, the largest 1,000,000."), "{notes}");
}

#[test]
fn cells_without_a_place_are_counted_and_never_a_panic() {
    let notes = |log: bool, change: &dyn Fn(usize, f64) -> f64| {
        surface(&figure(log), &with_losses(change)).1.notes.join(" ")
    };
    let odd = |cell: usize, loss: f64| match cell {
        100 => f64::NAN,
        900 => f64::INFINITY,
        901 => -1.0,
        902 => 0.0,
        _ => loss,
    };
    assert!(notes(false, &odd).contains("2 cells aren't finite and hatched."));
    assert!(
        notes(true, &odd).contains("2 values that aren't positive have no place among logarithmic levels")
    );
    let extremes: [&dyn Fn(usize, f64) -> f64; 7] = [
        &|_, _| f64::NAN,
        &|_, _| 0.0,
        &|_, _| 1.5,
        &|_, _| -3.0,
        &|cell, _| if cell == 0 { 1e300 } else { 1e-300 },
        &|cell, _| if cell % 2 == 0 { 1e308 } else { -1e308 },
        &|cell, _| cell as f64 * 1e-320,
    ];
    for change in extremes {
        for log in [false, true] {
            let (_, drawn) = surface(&figure(log), &with_losses(change));
            assert!(basin_charts::png::render(&drawn.svg).is_ok());
        }
    }
}

#[test]
fn a_surface_of_nothing_is_drawn_and_many_are_cut_off_with_a_word() {
    let mut runs = surfaces(1);
    for run in &mut runs {
        run.state = RunState::Missing;
    }
    for figure in surface_figures() {
        let (_, drawn) = surface(&figure, &runs);
        assert!(drawn.notes[0].starts_with("n = 0 runs; of 4 tiles, 4 missing"), "{:?}", drawn.notes);
    }
    let (panels, drawn) = surface(&surface_figures()[0], &surfaces(9));
    assert_eq!(panels.len(), 6);
    assert!(drawn.notes[1].starts_with("6 of 9 surfaces are drawn"), "{:?}", drawn.notes);
    assert!(drawn.csv.contains("\n8,cell,"));
    // A record without the coordinates has nothing to be drawn by.
    let mut runs = surfaces(1);
    for run in &mut runs {
        if let RunState::Committed { metrics: record, .. } = &mut run.state {
            record.series.remove("beta");
            record.push("train_loss", Axis::Cell, 1e9, 1.0);
        }
    }
    let (_, drawn) = surface(&surface_figures()[0], &runs);
    assert!(drawn.notes.join(" ").contains("Too few rows of `train_loss` to be drawn."), "{:?}", drawn.notes);
}
