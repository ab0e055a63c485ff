//! Curves over training, of any series and by any parameter: means over seeds, and nothing else averaged.

use std::collections::BTreeSet;

use basin_domain::experiment::{Experiment, series};
use basin_domain::figure::{Drawing, Figure, Layout};
use basin_domain::id::{ExperimentId, FigureId};
use basin_domain::metrics::Axis;
use serde::Serialize;

use crate::figures::{self, names};
use crate::results::Results;
use crate::runs::{Run, of_experiments};

/// Curves of a series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curves {
    /// What they are.
    pub title: String,
    /// The quantity of x.
    pub x_label: String,
    /// The quantity of y, with its unit.
    pub y_label: String,
    /// Whether y belongs on a logarithmic axis.
    pub log_y: bool,
    /// What is averaged, and what is left out.
    pub note: String,
    /// The curves.
    pub groups: Vec<CurveGroup>,
}

/// The mean of runs that differ in their seeds alone, or one run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CurveGroup {
    /// What tells it from the others.
    pub label: String,
    /// How many runs it is the mean of, at most.
    pub n: usize,
    /// Where.
    pub x: Vec<f64>,
    /// The mean there.
    pub mean: Vec<f64>,
    /// The lower end of its 95 % interval over seeds, where there are runs enough.
    pub low: Vec<Option<f64>>,
    /// The upper end.
    pub high: Vec<Option<f64>>,
    /// How many of the runs go on.
    pub running: usize,
}

/// The series against epochs or iterations that runs of an experiment have recorded by now.
pub fn curve_series(runs: &[Run], experiment: &ExperimentId) -> Vec<String> {
    let runs = of_experiments(runs, std::slice::from_ref(experiment));
    let recorded = runs.iter().filter_map(|run| run.metrics()).flat_map(|metrics| &metrics.series);
    let against = recorded.filter(|(_, series)| matches!(series.axis, Axis::Epoch | Axis::Iteration));
    let names: BTreeSet<&String> = against.map(|(name, _)| name).collect();
    names.into_iter().cloned().collect()
}

/// The series against epochs or iterations that the runs of an experiment record, as their kind declares them: what there will be, before
/// any run is committed.
pub fn declared_series(runs: &[Run], experiment: &ExperimentId) -> Vec<String> {
    let runs = of_experiments(runs, std::slice::from_ref(experiment));
    let Some(run) = runs.first() else { return Vec::new() };
    let parameters = &run.task.spec.experiment;
    // Their series have the names of training's, and go along a path or a surface.
    if matches!(parameters, Experiment::Interpolate(_) | Experiment::Surface(_)) {
        return Vec::new();
    }
    let axis = |name: &str| match &run.declaration {
        Some(declaration) => declaration.series().get(name).map(|series| series.axis),
        None => series::find(name, [parameters.kind()]).map(|declared| declared.axis),
    };
    let names: BTreeSet<String> = match &run.declaration {
        Some(declaration) => declaration.series().keys().cloned().collect(),
        None => parameters.series().into_iter().map(str::to_owned).collect(),
    };
    names.into_iter().filter(|name| matches!(axis(name), Some(Axis::Epoch | Axis::Iteration))).collect()
}

/// The parameters that an experiment varies, beside its seeds.
pub fn varied_parameters(runs: &[Run], experiment: &ExperimentId) -> Vec<String> {
    let runs = of_experiments(runs, std::slice::from_ref(experiment));
    let names: BTreeSet<&String> = runs.iter().flat_map(|run| run.task.point.keys()).collect();
    names.into_iter().filter(|name| *name != "seed").cloned().collect()
}

/// Whether a figure of curves has this series on a logarithmic axis; none of one that doesn't show it.
fn is_logarithmic(figure: &Figure, series: &str) -> Option<bool> {
    let Drawing::Curves { y, log_y, .. } = &figure.drawing else { return None };
    y.iter().any(|name| name == series).then(|| log_y.iter().any(|name| name == series))
}

/// The curves of a series over the runs of an experiment, those of one value of `by` beside each other: a group a point, so that
/// nothing but seeds is averaged. Axis and middle are those of the first of the sweep's figures that shows the series of the experiment.
pub fn curves(results: &Results, experiment: &ExperimentId, series: &str, by: Option<&str>) -> Curves {
    let runs = &results.runs;
    let mut figures_of_it = results.figures.iter().filter(|figure| figure.experiments.contains(experiment));
    let shown = figures_of_it.find_map(|figure| Some((figure.middle, is_logarithmic(figure, series)?)));
    let (middle, log_y) = shown.unwrap_or_default();
    let own = of_experiments(runs, std::slice::from_ref(experiment));
    let quantity = names::quantity(series, &own);
    let title = format!("{experiment}: {quantity}");
    let nothing = |note: String| Curves {
        title: title.clone(),
        x_label: String::new(),
        y_label: quantity.clone(),
        log_y,
        note,
        groups: Vec::new(),
    };
    if own.is_empty() {
        return nothing(String::new());
    }
    let varied = varied_parameters(runs, experiment);
    let first = by.filter(|by| varied.iter().any(|name| name == by));
    let others = varied.iter().filter(|name| Some(name.as_str()) != first).cloned();
    let group: Vec<String> = first.map(str::to_owned).into_iter().chain(others).collect();
    // Without parameters a figure groups by all that varies, which is nothing.
    let figure = Figure {
        id: FigureId::new("curves").expect("it is an id"),
        title: String::new(),
        experiments: vec![experiment.clone()],
        facet: None,
        middle,
        drawing: Drawing::Curves {
            y: vec![series.to_owned()],
            group,
            log_y: if log_y { vec![series.to_owned()] } else { Vec::new() },
            layout: Layout::default(),
            each: false,
        },
    };
    let (chart, _) = figures::chart(&figure, runs, &[], &[]);
    let note = chart.notes.join(" ");
    let Some(panel) = chart.rows.into_iter().flat_map(|row| row.panels).next() else {
        return nothing(note);
    };
    let drawn = panel.readings.iter().filter(|readings| !readings.points.is_empty());
    let groups = drawn.map(|readings| {
        let points = &readings.points;
        let label = match (&readings.run, readings.label.as_str()) {
            (None, label) => label.to_owned(),
            (Some(run), "") => run.clone(),
            (Some(run), label) => format!("{label}, {run}"),
        };
        CurveGroup {
            label,
            n: points.iter().map(|point| point.n).max().unwrap_or(0),
            x: points.iter().map(|point| point.x).collect(),
            mean: points.iter().map(|point| point.at.1).collect(),
            low: points.iter().map(|point| point.interval.map(|(low, _)| low)).collect(),
            high: points.iter().map(|point| point.interval.map(|(_, high)| high)).collect(),
            running: 0,
        }
    });
    let groups = groups.collect();
    Curves { title, x_label: panel.x.label, y_label: panel.y.label, log_y, note, groups }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use crate::tests::results_with_claims;

    fn id(text: &str) -> ExperimentId {
        ExperimentId::new(text).unwrap()
    }

    #[test]
    fn a_group_is_a_point_whatever_it_is_ordered_by_and_its_interval_is_over_seeds() {
        let runs = samples::functions(5);
        assert_eq!(varied_parameters(&runs, &id("functions")), ["function", "hidden"]);
        assert!(curve_series(&runs, &id("functions")).contains(&"train_loss".to_owned()));
        assert_eq!(declared_series(&runs, &id("functions")), ["train_loss"], "nothing else is asked for");
        let results = results_with_claims(runs, Vec::new());
        let drawn = curves(&results, &id("functions"), "train_loss", Some("hidden"));
        let means: Vec<&CurveGroup> = drawn.groups.iter().filter(|group| group.n > 1).collect();
        assert_eq!(means.len(), 4, "two functions, two networks: {:?}", drawn.groups);
        assert_eq!((drawn.x_label.as_str(), drawn.log_y), ("epoch", false));
        for group in means {
            let place = group.low.iter().position(Option::is_some).unwrap();
            assert!(
                group.low[place].unwrap() < group.mean[place]
                    && group.mean[place] < group.high[place].unwrap()
            );
            assert_eq!(group.x.len(), group.low.len());
        }
    }

    #[test]
    fn of_what_is_not_there_there_are_no_curves() {
        let results = results_with_claims(samples::functions(2), Vec::new());
        assert!(curves(&results, &id("elsewhere"), "train_loss", None).groups.is_empty());
        assert!(curves(&results, &id("functions"), "nonsense", Some("seed")).groups.is_empty());
        assert_eq!(curve_series(&results.runs, &id("elsewhere")), Vec::<String>::new());
        assert_eq!(declared_series(&results.runs, &id("elsewhere")), Vec::<String>::new());
    }

    #[test]
    fn an_axis_is_logarithmic_where_the_sweeps_own_figure_of_the_series_has_it_so() {
        let mut results = results_with_claims(samples::functions(3), Vec::new());
        let drawing = |log_y: &[&str]| Drawing::Curves {
            y: vec!["train_loss".to_owned(), "test_loss".to_owned()],
            group: Vec::new(),
            log_y: log_y.iter().map(|&name| name.to_owned()).collect(),
            layout: Layout::default(),
            each: false,
        };
        let figure = |of: &str, log_y: &[&str]| Figure {
            id: FigureId::new("loss").unwrap(),
            title: String::new(),
            experiments: vec![id(of)],
            facet: None,
            middle: None,
            drawing: drawing(log_y),
        };
        results.figures = vec![
            figure("elsewhere", &["test_loss"]),
            figure("functions", &["train_loss"]),
            figure("functions", &["test_loss"]),
        ];
        let drawn = |series: &str| curves(&results, &id("functions"), series, None);
        assert!(drawn("train_loss").log_y && !drawn("test_loss").log_y && !drawn("gradient_norm").log_y);
        let mean =
            |drawn: Curves| *drawn.groups.iter().find(|group| group.n > 1).unwrap().mean.last().unwrap();
        let geometric = mean(drawn("train_loss"));
        results.figures.clear();
        let arithmetic = mean(curves(&results, &id("functions"), "train_loss", None));
        assert!(geometric < arithmetic, "the middle is the one that belongs to the axis");
    }
}
