use basin_domain::metrics::Outcome;

use super::assert_tidy;
use crate::samples::lines::{interpolations, line_figures, searches, spectra};
use crate::{Run, RunState, figures};
use basin_charts::layout::{Captions, lay_out};
use basin_charts::{Chart, Mark};

fn all(seeds: u64) -> Vec<Run> {
    [interpolations(seeds.min(5)), spectra(seeds.min(3)), searches(seeds)].concat()
}

/// The chart of the figure `id`, found tidy, its notes in one line, and its data.
fn drawn(id: &str, runs: &[Run]) -> (Chart, String, String) {
    let figure = line_figures().into_iter().find(|figure| figure.id.as_str() == id).unwrap();
    let (chart, rows) = figures::chart(&figure, runs, &[], &[]);
    for captions in [Captions::Included, Captions::Omitted] {
        assert_tidy(&lay_out(&chart, captions), id);
    }
    let drawn = figures::draw(&figure, runs, &[], &[]);
    assert!(!drawn.svg.contains("NaN") && !drawn.svg.contains("inf"), "{id}");
    let notes = chart.notes.join(" ");
    (chart, notes, rows.into_csv())
}

#[test]
fn every_number_of_runs_gives_tidy_figures() {
    for seeds in [0, 1, 2, 5, 100] {
        for figure in line_figures() {
            drawn(figure.id.as_str(), &all(seeds));
        }
    }
}

#[test]
fn an_interpolation_marks_both_solutions_and_says_what_is_missing_and_what_has_no_place() {
    let (chart, notes, csv) = drawn("8-interpolation", &interpolations(5));
    assert!(notes.starts_with("n = 4 runs a group (1 missing)."), "{notes}");
    assert!(notes.contains("Training loss: 1 value that isn't finite has no place on the axis."), "{notes}");
    let labels: Vec<&str> = chart.rows[0].panels.iter().map(|panel| panel.y.label.as_str()).collect();
    assert_eq!(labels, ["loss (nats)", "accuracy"]);
    let legend: Vec<&str> = chart.legend.iter().map(|entry| entry.label.as_str()).collect();
    assert_eq!(legend, ["training", "test"]);
    for panel in &chart.rows[0].panels {
        let uprights: Vec<f64> = panel
            .marks
            .iter()
            .filter_map(|mark| if let Mark::VerticalLine { x } = mark { Some(*x) } else { None })
            .collect();
        assert_eq!(uprights, [0.0, 1.0]);
        assert_eq!(panel.marks.iter().filter(|mark| matches!(mark, Mark::Line { .. })).count(), 2);
    }
    assert!(csv.contains("train_loss,,all runs,geometric-mean,,ratio,-1,"), "{}", &csv[..300]);
    assert!(csv.contains("test_accuracy,,all runs,mean,,ratio,0.5,"));
}

#[test]
fn an_interpolation_of_two_seeds_draws_each() {
    let (chart, notes, csv) = drawn("8-interpolation", &interpolations(2));
    assert!(notes.contains("Groups of fewer than 3 runs"), "{notes}");
    let lines = chart.rows[0].panels[0].marks.iter().filter(|mark| matches!(mark, Mark::Line { .. })).count();
    assert_eq!(lines, 4);
    assert!(csv.contains(",run,1,ratio,"));
}

#[test]
fn a_spectrum_is_a_line_a_run_above_the_floor_with_its_largest_eigenvalue() {
    let (chart, notes, csv) = drawn("spectrum", &spectra(3));
    assert!(notes.contains("n = 3 runs a group; but “(8, 12, 32)”: n = 2, 1 diverged."), "{notes}");
    let panel = &chart.rows[0].panels[0];
    let lines: Vec<_> = panel
        .marks
        .iter()
        .filter_map(|mark| if let Mark::Line { points, .. } = mark { Some(points) } else { None })
        .collect();
    assert_eq!(lines.len(), 5);
    let densities =
        || lines.iter().flat_map(|points| points.iter().map(|point| point.1)).filter(|it| it.is_finite());
    let (low, high) = (densities().fold(f64::MAX, f64::min), densities().fold(0.0, f64::max));
    assert!(low >= 1e-7 * high, "{low} {high}");
    assert_eq!(panel.marks.iter().filter(|mark| matches!(mark, Mark::Label { .. })).count(), 5);
    assert_eq!(csv.lines().count(), 1 + 5 * 400, "the data has what the axis cuts off");
}

#[test]
fn a_hundred_searches_are_a_hundred_lines_and_laggards_are_counted() {
    let (chart, notes, csv) = drawn("6-searches", &searches(100));
    assert!(notes.starts_with("n = 99, 1 diverged: each run is a line."), "{notes}");
    assert!(notes.contains("3 of them did not converge: dashed."), "{notes}");
    assert!(notes.contains("Upright line: iteration 60,"), "{notes}");
    for panel in &chart.rows[0].panels {
        assert_eq!(panel.marks.iter().filter(|mark| matches!(mark, Mark::Line { .. })).count(), 100);
        assert_eq!(panel.marks.iter().filter(|mark| matches!(mark, Mark::Cross { .. })).count(), 1);
    }
    let legend: Vec<&str> = chart.legend.iter().map(|entry| entry.label.as_str()).collect();
    assert_eq!(legend, ["converged", "not converged", "diverged"]);
    assert!(csv.contains("diverged-run") && csv.contains("gradient_norm,,all runs,run,99,iteration,1,"));
}

#[test]
fn what_completed_runs_did_not_record_or_an_axis_cannot_show_is_said() {
    let cases = [
        ("8-interpolation", interpolations(5), "test_accuracy", "Test accuracy: not recorded by 1 run."),
        ("spectrum", spectra(3), "spectral_density", "The spectrum: not recorded by 1 run."),
        ("6-searches", searches(5), "gradient_norm", "Gradient norm: not recorded by 1 run."),
    ];
    for (id, mut runs, series, sentence) in cases {
        let RunState::Committed { metrics: record, .. } = &mut runs[0].state else { panic!() };
        record.series.remove(series).unwrap();
        let (_, notes, _) = drawn(id, &runs);
        assert!(notes.contains(sentence), "{notes}");
    }
    let mut runs = searches(5);
    let RunState::Committed { metrics: record, .. } = &mut runs[0].state else { panic!() };
    record.series.get_mut("gradient_norm").unwrap().points[3].1 = 0.0;
    let (_, notes, _) = drawn("6-searches", &runs);
    assert!(notes.contains("1 value that isn't positive has no place"), "{notes}");
}

#[test]
fn a_diverged_interpolation_is_counted_and_said_not_to_be_drawn() {
    let mut runs = interpolations(5);
    let RunState::Committed { commit, .. } = &mut runs[0].state else { panic!() };
    commit.outcome = Outcome::Diverged { iteration: 1 };
    let (chart, notes, _) = drawn("8-interpolation", &runs);
    assert!(notes.contains("1 diverged") && notes.contains("Diverged runs are not drawn."), "{notes}");
    assert!(chart.notes.iter().all(|note| !note.is_empty()));
}

#[test]
fn runs_without_a_result_are_no_panic() {
    let mut runs = all(5);
    for run in &mut runs {
        run.state = RunState::Missing;
    }
    for figure in line_figures() {
        let (_, notes, csv) = drawn(figure.id.as_str(), &runs);
        assert!(notes.contains("missing"), "{notes}");
        assert_eq!(csv.lines().count(), 1);
    }
}
