//! The figures of a sweep that asks for none: of each experiment what its kind and its series call for, and what the claims speak of.

use std::collections::BTreeSet;

use basin_domain::claim::{Check, Claim, Selection};
use basin_domain::experiment::series::fit_function::PREDICTION;
use basin_domain::experiment::series::probe::SPECTRAL_DENSITY;
use basin_domain::experiment::{CriticalPoint, Experiment, Interpolate, Surface};
use basin_domain::figure::{Drawing, Figure, Layout};
use basin_domain::id::{ExperimentId, FigureId};
use basin_domain::metrics::Axis;
use basin_domain::value::Value;

use super::figures::names;
use super::runs::{Run, experiments};

/// Losses and accuracies against epochs or ratios, a panel each.
const LEARNING: [&str; 4] = ["train_loss", "test_loss", "train_accuracy", "test_accuracy"];
/// Losses and accuracies where runs end, those that share a panel together.
const ENDS: [[&str; 2]; 2] = [["final_train_loss", "test_loss"], ["final_train_accuracy", "test_accuracy"]];
/// The most panels of a figure of series that no kind of Basin's own records.
const MOST_PANELS: usize = 4;
/// An axis whose values span so much is logarithmic.
const WIDE: f64 = 8.0;

/// The figures of these runs, in the order of their experiments.
pub(super) fn of(runs: &[Run], claims: &[Claim]) -> Vec<Figure> {
    let mut figures = Vec::new();
    for id in experiments(runs) {
        let runs: Vec<&Run> = runs.iter().filter(|run| run.task.experiment == *id).collect();
        let of_experiment = ExperimentRuns { id, runs };
        let mut drawn = of_experiment.figures();
        for check in claims.iter().flat_map(|claim| &claim.checks) {
            let more = of_experiment.of_check(check);
            drawn.extend(more.filter(|more| !drawn.iter().any(|figure| shows(figure, more))));
        }
        figures.extend(drawn);
    }
    figures
}

/// The runs of an experiment.
struct ExperimentRuns<'a> {
    id: &'a ExperimentId,
    runs: Vec<&'a Run>,
}

impl ExperimentRuns<'_> {
    /// The figures that kind and series call for.
    fn figures(&self) -> Vec<Figure> {
        let kind = self.runs.first().map_or("", |run| run.task.spec.experiment.kind());
        let mut figures = Vec::new();
        match kind {
            Surface::KIND => {
                let drawing = Drawing::Surface { y: "train_loss".to_owned(), log: false };
                figures.extend(self.figure("surface", "the loss around a solution", drawing));
            }
            Interpolate::KIND => {
                let y = panels(&[&LEARNING[..2], &LEARNING[2..]], |name| self.has(name));
                let drawing = Drawing::Interpolation { y, log_y: Vec::new(), group: Vec::new() };
                figures.extend(self.figure("interpolation", "on the line through two solutions", drawing));
            }
            CriticalPoint::KIND => {
                let y = vec!["gradient_norm".to_owned(), "loss".to_owned()];
                figures.extend(self.figure("runs", "each run on its way", curves(y.clone(), y, true)));
            }
            _ => figures.extend(self.learning_curves()),
        }
        if self.has(PREDICTION.name) {
            figures.extend(self.figure("predictions", "predictions and the truth", Drawing::Predictions));
        }
        for x in self.parameters_of_numbers() {
            figures.extend(self.against(&x));
        }
        if self.has(SPECTRAL_DENSITY.name) {
            let drawing = Drawing::Spectrum { group: Vec::new() };
            figures.extend(self.figure("spectrum", "the spectrum of the Hessian", drawing));
        }
        figures
    }

    /// A figure of what a check speaks of, if it speaks of this experiment and a figure can show it.
    fn of_check(&self, check: &Check) -> Option<Figure> {
        let (of, y): (&Selection, &str) = match check {
            Check::Equivalent { a, y, .. } | Check::Greater { a, y, .. } => (a, y),
            Check::Trend { of, y, .. }
            | Check::Correlation { of, y, .. }
            | Check::Within { of, y, .. }
            | Check::Best { of, y, .. }
            | Check::Smooth { of, y, .. } => (of, y),
            Check::Together { .. } => return None,
        };
        if of.experiment != *self.id || !self.has(y) {
            return None;
        }
        let title = names::quantity(y, &self.runs);
        if let Check::Correlation { x, .. } = check {
            let drawing =
                if self.has(x) { scatter(x, y) } else { self.against_of(x, vec![vec![y.to_owned()]]) };
            let title = format!("{title} against {}", names::quantity(x, &self.runs));
            return self.figure(&format!("{}-by-{}", identifier(y), identifier(x)), &title, drawing);
        }
        if matches!(self.axis(y), Some(Axis::Epoch | Axis::Iteration)) {
            return self.figure(&identifier(y), &title, curves(vec![y.to_owned()], Vec::new(), false));
        }
        let x = self.parameters_of_numbers().into_iter().next()?;
        let title = format!("{title} against {}", names::parameter(&x));
        let id = format!("{}-by-{}", identifier(y), identifier(&x));
        self.figure(&id, &title, self.against_of(&x, vec![vec![y.to_owned()]]))
    }

    /// Losses and accuracies on the way; where there are none, the first series against epochs or iterations that runs recorded.
    fn learning_curves(&self) -> Option<Figure> {
        let mut y: Vec<String> =
            LEARNING.iter().filter(|name| self.has(name)).map(|&name| name.to_owned()).collect();
        if y.is_empty() {
            let recorded: BTreeSet<&String> = self
                .runs
                .iter()
                .filter_map(|run| run.metrics())
                .flat_map(|metrics| metrics.series.keys())
                .collect();
            let is_on_the_way =
                |name: &&&String| matches!(self.axis(name), Some(Axis::Epoch | Axis::Iteration));
            y = recorded.iter().filter(is_on_the_way).take(MOST_PANELS).map(|&name| name.clone()).collect();
        }
        // Losses of functions that are fitted span orders of magnitude.
        let is_fitted = self.has(PREDICTION.name);
        let log_y = y.iter().filter(|name| is_fitted && name.ends_with("loss")).cloned().collect();
        if y.is_empty() { None } else { self.figure("curves", "on the way", curves(y, log_y, false)) }
    }

    /// Where runs end, against a parameter.
    fn against(&self, x: &str) -> Option<Figure> {
        let ends = ENDS.each_ref().map(|panel| &panel[..]);
        let mut y = panels(&ends, |name| self.has(name));
        if y.is_empty() {
            let numbers: BTreeSet<&str> =
                self.runs.iter().flat_map(|run| run.task.spec.experiment.numbers()).collect();
            y = numbers.into_iter().take(MOST_PANELS).map(|name| vec![name.to_owned()]).collect();
        }
        let title = format!("where runs end, by {}", names::parameter(x));
        let id = format!("by-{}", identifier(x));
        if y.is_empty() { None } else { self.figure(&id, &title, self.against_of(x, y)) }
    }

    fn against_of(&self, x: &str, y: Vec<Vec<String>>) -> Drawing {
        let values = self.runs.iter().filter_map(|run| names::value_of(run, x)?.as_f64());
        let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(low, high), x| (low.min(x), high.max(x)));
        let log_x = low > 0.0 && high >= WIDE * low;
        Drawing::Against { x: x.to_owned(), log_x, y, log_y: Vec::new(), group: Vec::new() }
    }

    /// The varied parameters all of whose values are numbers, and not all the same.
    fn parameters_of_numbers(&self) -> Vec<String> {
        let varied: BTreeSet<&String> = self.runs.iter().flat_map(|run| run.task.point.keys()).collect();
        let is_of_numbers = |name: &&String| {
            let values = self.runs.iter().map(|run| run.task.point.get(*name).and_then(Value::as_f64));
            let values: Option<Vec<u64>> = values.map(|value| value.map(f64::to_bits)).collect();
            values.is_some_and(|values| values.iter().collect::<BTreeSet<_>>().len() > 1)
        };
        // The seed makes no group, and tiles are parts of one run.
        let varied = varied.into_iter().filter(|name| !matches!(name.as_str(), "seed" | "tile"));
        varied.filter(is_of_numbers).cloned().collect()
    }

    /// Whether a run records this, or is to.
    fn has(&self, name: &str) -> bool {
        let declares = |experiment: &Experiment| {
            experiment.series().into_iter().chain(experiment.numbers()).any(|declared| declared == name)
        };
        self.axis(name).is_some() || self.runs.iter().any(|run| declares(&run.task.spec.experiment))
    }

    /// What a recorded series is against.
    fn axis(&self, name: &str) -> Option<Axis> {
        self.runs.iter().find_map(|run| Some(run.metrics()?.series.get(name)?.axis))
    }

    fn figure(&self, id: &str, title: &str, drawing: Drawing) -> Option<Figure> {
        Some(Figure {
            // Ids of experiments are spelled as those of figures are.
            id: FigureId::new(format!("{}-{id}", self.id)).ok()?,
            title: format!("{}: {title}", self.id),
            experiments: vec![self.id.clone()],
            facet: None,
            middle: None,
            drawing,
        })
    }
}

/// A name as part of an id.
fn identifier(name: &str) -> String {
    name.replace(['_', '.'], "-")
}

fn curves(y: Vec<String>, log_y: Vec<String>, each: bool) -> Drawing {
    Drawing::Curves { y, group: Vec::new(), log_y, layout: Layout::Row, each }
}

fn scatter(x: &str, y: &str) -> Drawing {
    Drawing::Scatter {
        x: x.to_owned(),
        log_x: false,
        y: vec![y.to_owned()],
        log_y: Vec::new(),
        group: Vec::new(),
        solid_if: None,
    }
}

/// Those of the panels' measures that there are, without panels of none.
fn panels(panels: &[&[&str]], has: impl Fn(&str) -> bool) -> Vec<Vec<String>> {
    let of = |panel: &&[&str]| -> Vec<String> {
        panel.iter().filter(|name| has(name)).map(|&name| name.to_owned()).collect()
    };
    panels.iter().map(of).filter(|panel| !panel.is_empty()).collect()
}

/// Whether `figure` shows what `other` does.
fn shows(figure: &Figure, other: &Figure) -> bool {
    let has_all = |of: &[String], wanted: &[String]| wanted.iter().all(|name| of.contains(name));
    match (&figure.drawing, &other.drawing) {
        (Drawing::Curves { y, .. }, Drawing::Curves { y: wanted, .. }) => has_all(y, wanted),
        (Drawing::Against { x, y, .. }, Drawing::Against { x: other, y: wanted, .. }) => {
            x == other && has_all(&y.concat(), &wanted.concat())
        }
        (Drawing::Scatter { x, y, .. }, Drawing::Scatter { x: other, y: wanted, .. }) => {
            x == other && has_all(y, wanted)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::claim::Direction;

    use super::*;
    use crate::samples;

    fn ids(runs: &[Run], claims: &[Claim]) -> Vec<String> {
        of(runs, claims).iter().map(|figure| figure.id.to_string()).collect()
    }

    #[test]
    fn a_sweep_that_asks_for_no_figure_gets_those_of_its_kinds() {
        let mut runs = samples::functions(2);
        runs.extend(samples::points::batch_sizes(2));
        runs.extend(samples::lines::interpolations(2));
        runs.extend(samples::weights::surfaces(1));
        runs.extend(samples::lines::searches(2));
        assert_eq!(
            ids(&runs, &[]),
            [
                "functions-curves",
                "functions-predictions",
                "batch-sizes-curves",
                "batch-sizes-by-batch-size",
                "line-interpolation",
                "random-plane-surface",
                "pca-plane-surface",
                "points-runs"
            ]
        );
        let figures = of(&runs, &[]);
        let Drawing::Against { x, log_x, y, .. } = &figures[3].drawing else { panic!("{:?}", figures[3]) };
        assert_eq!((x.as_str(), log_x, y.len()), ("batch_size", &true, 2));
        assert_eq!(figures[3].title, "batch-sizes: where runs end, by batch size");
    }

    #[test]
    fn measures_that_claims_speak_of_are_drawn_too_and_none_twice() {
        let runs = samples::points::batch_sizes(2);
        let of = Selection { experiment: runs[0].task.experiment.clone(), values: Default::default() };
        let claim = |y: &str| Claim {
            analysis: Default::default(),
            text: String::new(),
            checks: vec![Check::Correlation {
                of: of.clone(),
                x: "batch_size".to_owned(),
                y: y.to_owned(),
                direction: Direction::Falls,
                only_if: None,
            }],
        };
        let all = ids(&runs, &[claim("test_accuracy"), claim("sensitivity"), claim("nothing")]);
        assert_eq!(
            all,
            ["batch-sizes-curves", "batch-sizes-by-batch-size", "batch-sizes-sensitivity-by-batch-size"]
        );
    }

    #[test]
    fn a_parameter_that_is_no_number_is_on_no_axis() {
        let mut runs = samples::images(2, 10);
        for (number, run) in runs.iter_mut().enumerate() {
            let name = ["adam", "sgd"][number % 2];
            run.task.point.insert("optimizer.name".to_owned(), Value::Text(name.to_owned()));
        }
        assert_eq!(ids(&runs, &[]), ["shallow-curves", "deep-curves"]);
    }
}
