use basin_domain::claim::{Best, Check, Claim, Selection};
use basin_domain::figure::{Drawing, Figure};
use basin_domain::metrics::Outcome;
use basin_domain::value::Value;

use super::assert_tidy;
use crate::samples::points::{architectures, batch_sizes, critical_points, point_figures};
use crate::{Run, RunState, figures};
use basin_charts::layout::{Captions, lay_out};
use basin_charts::style::Color;
use basin_charts::{Chart, Mark, Swatch};

fn all(seeds: u64) -> Vec<Run> {
    [batch_sizes(seeds.min(5)), architectures(seeds.min(3)), critical_points(seeds)].concat()
}

fn figure(id: &str) -> Figure {
    point_figures().into_iter().find(|figure| figure.id.as_str() == id).unwrap()
}

/// The chart of a figure, found tidy, its notes in one line, and its data.
fn drawn(figure: &Figure, runs: &[Run]) -> (Chart, String, String) {
    let (chart, rows) = figures::chart(figure, runs, &[], &[]);
    for captions in [Captions::Included, Captions::Omitted] {
        assert_tidy(&lay_out(&chart, captions), figure.id.as_str());
    }
    let svg = figures::draw(figure, runs, &[], &[]).svg;
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{}", figure.id);
    let notes = chart.notes.join(" ");
    (chart, notes, rows.into_csv())
}

fn points(chart: &Chart, panel: usize, is_filled: bool) -> usize {
    let panels: Vec<_> = chart.rows.iter().flat_map(|row| &row.panels).collect();
    let of = |mark: &Mark| match mark {
        Mark::Points { points, marker } if marker.is_filled == is_filled => points.len(),
        _ => 0,
    };
    panels[panel].marks.iter().map(of).sum()
}

#[test]
fn every_number_of_runs_gives_tidy_figures() {
    for seeds in [0, 1, 2, 5, 100] {
        for figure in point_figures() {
            drawn(&figure, &all(seeds));
        }
    }
}

#[test]
fn each_batch_size_has_its_mean_and_interval_and_says_who_is_missing() {
    let (chart, notes, csv) = drawn(&figure("9-batch-size"), &batch_sizes(3));
    assert!(
        notes.starts_with(
            "n = 3 runs a point; but “batch size 512”: n = 2, 1 diverged; “batch size 1,024”: n = 2, 1 missing."
        ),
        "{notes}"
    );
    assert!(notes.contains("a cross is the last finite value"), "{notes}");
    assert_eq!(chart.rows.iter().map(|row| row.panels.len()).collect::<Vec<_>>(), [2, 2]);
    let labels: Vec<&str> = chart.legend.iter().map(|entry| entry.label.as_str()).collect();
    assert_eq!(labels, ["training", "test", "diverged"]);
    let first = &chart.rows[0].panels[0];
    assert_eq!((first.x.label.as_str(), first.y.label.as_str()), ("batch size", "loss (nats)"));
    let bars: usize = first
        .marks
        .iter()
        .map(|mark| if let Mark::ErrorBars { points, .. } = mark { points.len() } else { 0 })
        .sum();
    assert_eq!(bars, 2 * 3, "an interval takes three runs");
    // Three means, and the two runs of either of the others, for both measures.
    assert_eq!(points(&chart, 0, true), 2 * (3 + 4));
    assert!(csv.contains("final_train_loss,,all runs,mean,,batch_size,64,"), "{csv}");
    assert!(csv.contains("sensitivity,,all runs,geometric-mean,,batch_size,256,"));
    assert!(csv.contains("sharpness,,all runs,run,0,batch_size,512,"));
}

#[test]
fn ten_networks_stand_at_their_numbers_of_parameters_and_no_line_joins_them() {
    let (chart, notes, csv) = drawn(&figure("7-parameters"), &architectures(3));
    assert!(notes.starts_with("n = 3 runs a point."), "{notes}");
    let panel = &chart.rows[0].panels[1];
    // What would lie between two networks?
    assert!(!panel.marks.iter().any(|mark| matches!(mark, Mark::Line { .. })));
    assert!(chart.legend.iter().all(|entry| matches!(entry.swatch, Swatch::Point(_))), "{:?}", chart.legend);
    assert_eq!(points(&chart, 1, true), 2 * 10);
    assert_eq!((panel.x.label.as_str(), panel.y.label.as_str()), ("parameters", "accuracy"));
    assert_eq!(csv.lines().count(), 1 + 4 * 10);
}

#[test]
fn a_hundred_points_have_their_correlation_and_those_that_did_not_converge_are_hollow() {
    let (chart, notes, csv) = drawn(&figure("6-minimal-ratio"), &critical_points(100));
    assert!(
        notes.starts_with("n = 100: each run is a point. 3 of them are not converged: hollow"),
        "{notes}"
    );
    assert!(
        notes.contains("The correlation is that of 97 runs. ")
            && notes.contains("1 value that isn't positive has no place on a logarithmic axis."),
        "{notes}"
    );
    assert_eq!((points(&chart, 0, true), points(&chart, 0, false)), (97, 3));
    let said = |panel: usize| chart.rows[0].panels[panel].annotation.clone().unwrap();
    assert!(said(0).starts_with("ρ = 0.") && said(0).ends_with(']'), "{}", said(0));
    assert!(said(1).starts_with("ρ = −0."), "{}", said(1));
    assert_eq!(said(2), "no rank correlation");
    assert_eq!(csv.lines().count(), 1 + 3 * 100);
    assert!(csv.contains(",hollow-run,29,final_loss,"));
}

/// Where the error bars of a panel stand.
fn bars(chart: &Chart, panel: usize) -> Vec<f64> {
    let of = |mark: &Mark| match mark {
        Mark::ErrorBars { points, .. } => points.iter().map(|bar| bar.x).collect(),
        _ => Vec::new(),
    };
    chart.rows.iter().flat_map(|row| &row.panels).nth(panel).unwrap().marks.iter().flat_map(of).collect()
}

#[test]
fn bars_of_training_and_test_stand_side_by_side() {
    let (chart, ..) = drawn(&figure("9-batch-size"), &batch_sizes(3));
    let places = bars(&chart, 0);
    let (training, test) = places.split_at(places.len() / 2);
    assert!(training.iter().zip(test).all(|(a, b)| a < b && b / a < 1.2), "{places:?}");
    assert_eq!(bars(&chart, 3)[0], 64.0, "a single measure stands where its value is");
}

/// Ten networks, each trained by two optimisers.
fn by_two_optimizers() -> Vec<Run> {
    let with = |name: &str, by: f64| {
        let mut runs = architectures(3);
        for run in &mut runs {
            run.task.point.insert("optimizer.name".to_owned(), Value::Text(name.to_owned()));
            crate::samples::measure(run, |metrics| {
                let loss = metrics.last("final_train_loss").unwrap();
                metrics.set("final_train_loss", loss * by);
            });
        }
        runs
    };
    [with("adam", 1.0), with("sgd", 1.5)].concat()
}

#[test]
fn runs_of_one_size_that_differ_in_more_than_their_seed_are_no_one_point() {
    let runs = by_two_optimizers();
    let (chart, notes, csv) = drawn(&figure("7-parameters"), &runs);
    let labels: Vec<&str> = chart.legend.iter().map(|entry| entry.label.as_str()).collect();
    assert_eq!(labels[..4], ["adam · training", "adam · test", "sgd · training", "sgd · test"]);
    assert!(notes.starts_with("n = 3 runs a point."), "{notes}");
    assert!(notes.contains("runs that differ in their seed;"), "{notes}");
    let means = csv.lines().filter(|line| line.starts_with("final_train_loss,,adam,mean,")).count();
    assert_eq!(means, 10);
    assert!(csv.lines().skip(1).all(|line| line.ends_with(",3")), "{csv}");
    // Whoever asks for it by name gets it, and is told.
    let Drawing::Against { x, log_x, y, log_y, .. } = figure("7-parameters").drawing else { panic!() };
    let drawing = Drawing::Against { x, log_x, y, log_y, group: vec!["experiment".to_owned()] };
    let (_, notes, _) = drawn(&Figure { drawing, ..figure("7-parameters") }, &runs);
    assert!(notes.contains("runs that differ in their seed and in optimizer"), "{notes}");
}

#[test]
fn a_network_of_which_a_claim_says_that_it_is_the_best_has_a_ring() {
    let runs = architectures(3);
    let ninth = &runs[8 * 3].task;
    let of = Selection { experiment: ninth.experiment.clone(), values: ninth.point.clone() };
    let check = Check::Best { of, y: "test_accuracy".to_owned(), best: Best::Highest };
    let claims = [Claim { text: String::new(), checks: vec![check], analysis: Default::default() }];
    let (chart, _) = figures::chart(&figure("7-parameters"), &runs, &[], &claims);
    assert_tidy(&lay_out(&chart, Captions::Included), "7-parameters");
    assert_eq!(points(&chart, 0, false), 2, "one a measure");
    let notes = chart.notes.join(" ");
    assert!(
        notes.contains(
            "Ringed: convolutions (96, 128), dense layers 128, of which a claim says that it is the best."
        ),
        "{notes}"
    );
    assert_eq!(chart.legend.last().unwrap().label, "best, by a claim");
    // On an axis of its own parameter a point is named by that.
    let batches = batch_sizes(3);
    let first = &batches[0].task;
    let of = Selection { experiment: first.experiment.clone(), values: first.point.clone() };
    let check = Check::Best { of, y: "test_accuracy".to_owned(), best: Best::Highest };
    let claims = [Claim { text: String::new(), checks: vec![check], analysis: Default::default() }];
    let (chart, _) = figures::chart(&figure("9-batch-size"), &batches, &[], &claims);
    assert!(!chart.notes.join(" ").contains("Ringed"));
}

#[test]
fn points_that_lie_on_each_other_show_what_is_below_them() {
    let (chart, ..) = drawn(&figure("6-minimal-ratio"), &critical_points(100));
    let solid = chart.rows[0].panels[0].marks.iter().find_map(|mark| match mark {
        Mark::Points { marker, .. } if marker.is_filled => Some(*marker),
        _ => None,
    });
    assert!(solid.unwrap().opacity < 0.5);
}

/// Takes the measure `name` from the record of a run, and says that the run diverged if it `diverges`.
fn without(run: &mut Run, name: &str, diverges: bool) {
    let RunState::Committed { metrics: record, commit, .. } = &mut run.state else { panic!() };
    assert!(record.series.remove(name).is_some());
    if diverges {
        commit.outcome = Outcome::Diverged { iteration: 9 };
    }
}

fn crosses(chart: &Chart, panel: usize) -> Vec<(f64, f64)> {
    let of = |mark: &Mark| if let Mark::Cross { at, .. } = mark { Some(*at) } else { None };
    chart.rows.iter().flat_map(|row| &row.panels).nth(panel).unwrap().marks.iter().filter_map(of).collect()
}

#[test]
fn a_diverged_run_without_a_finite_value_is_a_cross_at_the_upper_edge() {
    let mut runs = batch_sizes(3);
    without(&mut runs[0], "sharpness", true);
    let (chart, notes, _) = drawn(&figure("9-batch-size"), &runs);
    assert_eq!(crosses(&chart, 3)[0], (64.0, f64::INFINITY));
    assert!(notes.contains("at the upper edge if it has none"), "{notes}");
}

#[test]
fn a_measure_that_completed_runs_lack_is_said() {
    let mut runs = batch_sizes(3);
    without(&mut runs[0], "sharpness", false);
    let (_, notes, _) = drawn(&figure("9-batch-size"), &runs);
    assert!(notes.contains("Sharpness (%): not recorded by 1 run."), "{notes}");
    let mut runs = critical_points(100);
    without(&mut runs[0], "minimal_ratio_near_zero", false);
    without(&mut runs[1], "final_loss", false);
    let (chart, notes, _) = drawn(&figure("6-minimal-ratio"), &runs);
    assert!(notes.contains("Minimal ratio: near zero: not recorded by 1 run."), "{notes}");
    assert!(notes.contains("final loss (horizontal): not recorded by 1 run."), "{notes}");
    assert_eq!(points(&chart, 0, true) + points(&chart, 0, false), 98);
}

/// Runs of two optimisers, told apart by nothing but the parameter `optimizer`.
fn of_two_optimisers(mut runs: Vec<Run>) -> Vec<Run> {
    for run in &mut runs {
        let optimizer = if run.task.spec.seed.is_multiple_of(2) { "adam" } else { "sgd" };
        run.task.point.insert("optimizer".to_owned(), Value::Text(optimizer.to_owned()));
    }
    runs
}

#[test]
fn runs_that_differ_in_more_than_their_seed_are_said_to() {
    let runs = of_two_optimisers(batch_sizes(4));
    let mut figure = figure("9-batch-size");
    let (_, notes, _) = drawn(&figure, &runs);
    assert!(!notes.contains("optimizer:"), "{notes}");
    let Drawing::Against { group, .. } = &mut figure.drawing else { panic!() };
    *group = vec!["experiment".to_owned()];
    let (_, notes, _) = drawn(&figure, &runs);
    assert!(notes.contains("over runs that differ in their seed and in optimizer; bars"), "{notes}");
}

#[test]
fn the_correlation_of_several_groups_is_said_to_be_over_all_and_hollow_points_are_of_no_group() {
    let (chart, notes, _) = drawn(&figure("6-minimal-ratio"), &critical_points(100));
    assert!(notes.contains("Spearman's rank correlation, with its 95 %"), "{notes}");
    let hollow = |chart: &Chart| match chart.legend.last().unwrap().swatch {
        Swatch::Point(marker) => marker,
        other => panic!("{other:?}"),
    };
    assert_eq!(hollow(&chart).color, Color::Group(0));
    let (chart, notes, _) = drawn(&figure("6-minimal-ratio"), &of_two_optimisers(critical_points(100)));
    assert!(
        notes.contains("rank correlation over the runs of all groups together, with its 95 %"),
        "{notes}"
    );
    assert_eq!(hollow(&chart).color, Color::Ink);
}

#[test]
fn a_correlation_of_perfect_order_says_where_its_interval_is_from() {
    let mut runs = critical_points(10);
    for run in &mut runs {
        let seed = run.task.spec.seed as f64;
        let RunState::Committed { metrics: record, .. } = &mut run.state else { panic!() };
        record.set("final_loss", 1.0 + seed);
        record.set("minimal_ratio_near_zero", 0.01 * seed);
    }
    let (chart, notes, _) = drawn(&figure("6-minimal-ratio"), &runs);
    let said = chart.rows[0].panels[0].annotation.clone().unwrap();
    assert!(said.starts_with("ρ = 1.00 [0.96, 1.00]"), "{said}");
    assert!(
        notes.contains("Minimal ratio: near zero: in perfect order; the interval is that of Fisher's z."),
        "{notes}"
    );
}

#[test]
fn the_correlations_of_facets_name_them() {
    let mut figure = figure("6-minimal-ratio");
    figure.facet = Some("optimizer".to_owned());
    let (_, notes, _) = drawn(&figure, &of_two_optimisers(critical_points(101)));
    assert!(notes.contains("Optimizer: adam, minimal ratio: near zero"), "{notes}");
    assert!(notes.contains("Optimizer: sgd, minimal ratio: near zero"), "{notes}");
}

#[test]
fn a_run_whose_number_has_no_logarithm_is_said_to_have_no_place() {
    let mut runs = architectures(3);
    let RunState::Committed { metrics: record, .. } = &mut runs[0].state else { panic!() };
    record.set("parameters", 0.0);
    let (_, notes, _) = drawn(&figure("7-parameters"), &runs);
    assert!(notes.contains("Parameters: 1 run has no place on the axis."), "{notes}");
}

#[test]
fn diverged_runs_of_a_scatter_plot_are_crosses_beside_the_correlation() {
    let mut runs = critical_points(100);
    without(&mut runs[0], "minimal_ratio_near_zero", true);
    let (chart, notes, csv) = drawn(&figure("6-minimal-ratio"), &runs);
    assert!(notes.starts_with("n = 99, 1 diverged: each run is a point."), "{notes}");
    assert_eq!(crosses(&chart, 0)[0].1, f64::INFINITY);
    assert!(crosses(&chart, 1)[0].1 < 1.0);
    assert!(chart.legend.iter().any(|entry| entry.label == "diverged"));
    assert!(csv.contains("minimal_ratio_sampled,,all runs,diverged-run,0,final_loss,"));
}

#[test]
fn runs_without_a_result_are_no_panic() {
    let mut runs = all(3);
    for run in &mut runs {
        run.state = RunState::Missing;
    }
    for figure in point_figures() {
        let (_, notes, csv) = drawn(&figure, &runs);
        assert!(notes.contains("missing"), "{notes}");
        assert_eq!(csv.lines().count(), 1);
    }
}
