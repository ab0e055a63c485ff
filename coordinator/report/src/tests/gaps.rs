//! Values that a figure draws and values that it counts below: together, all there are.

use basin_domain::figure::{Drawing, Figure, Layout};
use basin_domain::id::FigureId;
use basin_domain::metrics::{Axis, Metrics};
use basin_domain::value::Value;
use proptest::prelude::*;

use crate::{Run, figures, samples};
use basin_charts::scale::is_drawable;
use basin_charts::{Chart, Mark};

/// Values of which each has something to be said.
fn value() -> impl Strategy<Value = f64> {
    let odd = vec![0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e-250, 1e305];
    prop_oneof![0.1..10.0_f64, prop::sample::select(odd)]
}

/// Runs with these series on `axis`, under the name `v` (and `target`, where there is an input).
fn runs(series: &[Vec<f64>], axis: Axis, name: &str) -> Vec<Run> {
    let of = |(seed, values): (usize, &Vec<f64>)| {
        let mut run = samples::images(1, 1).remove(0);
        run.task.spec.seed = seed as u64;
        run.task.id = run.task.spec.id();
        samples::measure(&mut run, |record| {
            *record = Metrics::default();
            for (place, &value) in values.iter().enumerate() {
                record.push(name, axis, place as f64, value);
                if axis == Axis::Input {
                    record.push("target", axis, place as f64, 0.0);
                }
            }
        });
        run
    };
    series.iter().enumerate().map(of).collect()
}

fn figure(drawing: Drawing) -> Figure {
    Figure {
        id: FigureId::new("f").unwrap(),
        title: String::new(),
        experiments: vec!["shallow".parse().unwrap()],
        facet: None,
        middle: None,
        drawing,
    }
}

/// How many values the notes say to have no place.
fn counted(chart: &Chart) -> usize {
    let notes = chart.notes.join(" ");
    let words: Vec<&str> = notes.split_whitespace().collect();
    let is_count = |three: &&[&str]| {
        matches!(three[1], "value" | "values") && matches!(three[2], "that" | "has" | "have")
    };
    let numbers =
        words.windows(3).filter(is_count).filter_map(|three| three[0].replace(',', "").parse::<usize>().ok());
    numbers.sum()
}

/// How many points the lines and markers of the first panel have with a place on its axes.
fn drawn(chart: &Chart, is_line: bool) -> usize {
    let panel = &chart.rows[0].panels[0];
    let place = |at: &&(f64, f64)| is_drawable(panel.x.scale, at.0) && is_drawable(panel.y.scale, at.1);
    let of = |mark: &Mark| match mark {
        Mark::Line { points, .. } if is_line => points.iter().filter(place).count(),
        Mark::Points { points, .. } if !is_line => points.iter().filter(place).count(),
        _ => 0,
    };
    panel.marks.iter().map(of).sum()
}

/// The sum of the n of all rows with a mean.
fn averaged(csv: &str) -> usize {
    let rows = csv.lines().skip(1).filter(|row| row.contains(",mean,") || row.contains(",geometric-mean,"));
    rows.map(|row| row.rsplit(',').next().unwrap().parse::<usize>().unwrap()).sum()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn curves(is_logarithmic: bool, each: bool) -> Figure {
    let log_y = if is_logarithmic { names(&["v"]) } else { vec![] };
    figure(Drawing::Curves { y: names(&["v"]), group: vec![], log_y, layout: Layout::Row, each })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_value_of_a_line_is_drawn_or_counted(
        series in prop::collection::vec(prop::collection::vec(value(), 1..9), 1..3),
        is_logarithmic in any::<bool>(),
        each in any::<bool>(),
    ) {
        let all: usize = series.iter().map(Vec::len).sum();
        let (chart, rows) =
            figures::chart(&curves(is_logarithmic, each), &runs(&series, Axis::Epoch, "v"), &[], &[]);
        prop_assert_eq!(drawn(&chart, true) + counted(&chart), all, "{:?}", chart.notes);
        prop_assert_eq!(rows.into_csv().lines().count(), 1 + all);
        let log_y = if is_logarithmic { names(&["v"]) } else { vec![] };
        let line = figure(Drawing::Interpolation { y: vec![names(&["v"])], log_y, group: vec![] });
        let (chart, _) = figures::chart(&line, &runs(&series, Axis::Ratio, "v"), &[], &[]);
        prop_assert_eq!(drawn(&chart, true) + counted(&chart), all, "{:?}", chart.notes);
    }

    #[test]
    fn every_prediction_is_drawn_or_counted(series in prop::collection::vec(prop::collection::vec(value(), 1..9), 1..3)) {
        let all: usize = series.iter().map(Vec::len).sum();
        let truth = series[0].len();
        let runs = runs(&series, Axis::Input, "prediction");
        let (chart, _) = figures::chart(&figure(Drawing::Predictions), &runs, &[], &[]);
        prop_assert_eq!(drawn(&chart, true) + counted(&chart), all + truth, "{:?}", chart.notes);
    }

    #[test]
    fn every_value_of_a_mean_is_in_its_n_or_counted(
        values in prop::collection::vec(prop_oneof![0.1..10.0_f64, prop::sample::select(vec![0.0, -1.0, f64::NAN, f64::INFINITY])], 12),
        is_logarithmic in any::<bool>(),
    ) {
        let series: Vec<Vec<f64>> = values.chunks(3).map(<[f64]>::to_vec).collect();
        let (chart, rows) =
            figures::chart(&curves(is_logarithmic, false), &runs(&series, Axis::Epoch, "v"), &[], &[]);
        prop_assert_eq!(averaged(&rows.into_csv()) + counted(&chart), 12, "{:?}", chart.notes);
    }

    #[test]
    fn every_run_of_a_point_is_drawn_or_counted(
        values in prop::collection::vec(value(), 1..3),
        is_logarithmic in any::<bool>(),
    ) {
        let series: Vec<Vec<f64>> = values.iter().map(|&value| vec![value]).collect();
        let mut runs = runs(&series, Axis::Epoch, "v");
        let log_y = if is_logarithmic { names(&["v"]) } else { vec![] };
        let against = figure(Drawing::Against {
            x: "batch_size".to_owned(), log_x: true, y: vec![names(&["v"])], log_y: log_y.clone(), group: vec![],
        });
        let (chart, rows) = figures::chart(&against, &runs, &[], &[]);
        prop_assert_eq!(drawn(&chart, false) + counted(&chart), values.len(), "{:?}", chart.notes);
        prop_assert_eq!(rows.into_csv().lines().filter(|row| row.contains(",run,")).count(), values.len());
        for run in &mut runs {
            samples::measure(run, |record| record.set("x", 2.0));
        }
        let scatter = figure(Drawing::Scatter {
            x: "x".to_owned(), log_x: false, y: names(&["v"]), log_y, group: vec![], solid_if: None,
        });
        let (chart, _) = figures::chart(&scatter, &runs, &[], &[]);
        prop_assert_eq!(drawn(&chart, false) + counted(&chart), values.len(), "{:?}", chart.notes);
    }

    #[test]
    fn every_density_is_drawn_or_counted(series in prop::collection::vec(prop::collection::vec(value(), 3..9), 1..3)) {
        let runs = runs(&series, Axis::Eigenvalue, "spectral_density");
        let (chart, _) = figures::chart(&figure(Drawing::Spectrum { group: vec![] }), &runs, &[], &[]);
        let peak = series.iter().flatten().copied().filter(|value| value.is_finite()).fold(0.0, f64::max);
        let below = series.iter().flatten().filter(|value| value.is_finite() && **value < 1e-7 * peak).count();
        let all: usize = series.iter().map(Vec::len).sum();
        prop_assert!(chart.notes[1].contains(&format!("are left out ({below} of {all})")), "{:?}", chart.notes);
        prop_assert_eq!(drawn(&chart, true) + below + counted(&chart), all, "{:?}", chart.notes);
    }
}

#[test]
fn values_of_several_facets_are_all_counted() {
    let mut runs = runs(&[vec![f64::NAN], vec![f64::NAN], vec![1.0]], Axis::Ratio, "v");
    for run in &mut runs {
        run.task.point.insert("p".to_owned(), Value::Integer(run.task.spec.seed as i64));
    }
    let line = Drawing::Interpolation { y: vec![names(&["v"])], log_y: vec![], group: vec![] };
    let figure = Figure { facet: Some("p".to_owned()), ..figure(line) };
    assert_eq!(counted(&figures::chart(&figure, &runs, &[], &[]).0), 2);
}

/// Batches of all of 200 images are one run a seed, at four places.
#[test]
fn copies_of_one_run_are_drawn_again_hollow_and_counted_once() {
    let mut all = Vec::new();
    for size in [16_i64, 64, 256, 512, 1024, 2048] {
        for seed in 0..3_usize {
            let mut run = runs(&[vec![], vec![], vec![]][..=seed], Axis::Epoch, "v").remove(seed);
            run.task.point.insert("batch_size".to_owned(), Value::Integer(size));
            samples::measure(&mut run, |record| {
                record.push("v", Axis::Epoch, 1.0, size.min(200) as f64 + seed as f64);
            });
            all.push(run);
        }
    }
    let drawing = Drawing::Against {
        x: "batch_size".to_owned(),
        log_x: true,
        y: vec![names(&["v"])],
        log_y: vec![],
        group: vec![],
    };
    let (chart, rows) = figures::chart(&figure(drawing), &all, &[], &[]);
    let notes = chart.notes.join(" ");
    assert!(
        notes
            .contains("Batch size 256, 512, 1,024 and 2,048 are one run (of each of 3 seeds): counted once."),
        "{notes}"
    );
    assert!(notes.contains("Hollow points: runs that stand at a smaller value already"), "{notes}");
    let hollow = chart.rows[0].panels[0].marks.iter().map(|mark| match mark {
        Mark::Points { points, marker } if !marker.is_filled => points.len(),
        _ => 0,
    });
    assert_eq!(hollow.sum::<usize>(), 3);
    let csv = rows.into_csv();
    assert_eq!(csv.matches(",mean-again,").count(), 3);
    assert_eq!(averaged(&csv), 9, "three points of three runs");
}
