//! Series and parameters as figures and tables name them.

use std::collections::BTreeSet;

use basin_charts::Bounds;
use basin_domain::claim::Best;
use basin_domain::custom_kind::RecordedSeries;
use basin_domain::data::TargetKind;
use basin_domain::experiment::Experiment;
use basin_domain::experiment::series::{self, Loss, SeriesDeclaration, Unit, ValueRange};
use basin_domain::figure::Figure;
use basin_domain::id::ExperimentId;
use basin_domain::metrics::Axis;
use basin_domain::value::Value;

use super::labels;
use crate::runs::Run;

/// The quantity of a series, a single number or a parameter with its unit, as an axis says it.
pub(crate) fn quantity(name: &str, runs: &[&Run]) -> String {
    if let Some(recorded) = recorded_series(name, runs) {
        return match &recorded.unit {
            Some(unit) => format!("{} ({unit})", recorded.label),
            None => recorded.label.clone(),
        };
    }
    let Some(declared) = declaration(name, runs) else { return parameter(name) };
    let split = declared.split.map_or_else(String::new, |split| format!("{} ", split.words()));
    let end = if declared.is_final { ", final" } else { "" };
    format!("{split}{}{end}", without_split(declared, runs))
}

/// The series as the first of these runs' kinds declares it that isn't one of Basin's own.
fn recorded_series<'r>(name: &str, runs: &[&'r Run]) -> Option<&'r RecordedSeries> {
    runs.iter().find_map(|run| run.declaration.as_ref()?.series().get(name))
}

/// The declaration of a series by the kinds of these runs.
fn declaration(name: &str, runs: &[&Run]) -> Option<&'static SeriesDeclaration> {
    let kinds: BTreeSet<&str> = runs.iter().map(|run| run.task.spec.experiment.kind()).collect();
    series::find(name, kinds)
}

/// The values that a measure can have.
pub(crate) fn bounds(name: &str, runs: &[&Run]) -> Bounds {
    if recorded_series(name, runs).is_some() {
        return Bounds::NONE;
    }
    match declaration(name, runs).map_or(ValueRange::Any, |declared| declared.range) {
        ValueRange::Any => Bounds::NONE,
        ValueRange::NotNegative | ValueRange::Count => Bounds { low: 0.0, ..Bounds::NONE },
        ValueRange::Share => Bounds { low: 0.0, high: 1.0 },
    }
}

/// The values that measures which share an axis can have.
pub(crate) fn common_bounds(series: &[String], runs: &[&Run]) -> Bounds {
    let each = series.iter().map(|name| bounds(name, runs));
    let widest =
        |all: Bounds, one: Bounds| Bounds { low: all.low.min(one.low), high: all.high.max(one.high) };
    each.reduce(widest).unwrap_or(Bounds::NONE)
}

/// Whether one end of a measure is the better one.
pub(crate) fn has_better_end(name: &str, runs: &[&Run]) -> bool {
    recorded_series(name, runs).is_none()
        && declaration(name, runs).is_some_and(|declared| declared.best.is_some())
}

/// Whether a measure is the share of examples that are classified rightly.
fn is_accuracy(name: &str, runs: &[&Run]) -> bool {
    let is = |declared: &SeriesDeclaration| {
        declared.range == ValueRange::Share
            && declared.best == Some(Best::Highest)
            && declared.split.is_some()
    };
    recorded_series(name, runs).is_none() && declaration(name, runs).is_some_and(is)
}

/// The share of examples that guesses get right on average, where all of `series` are accuracies of runs that tell as many
/// classes apart.
pub(crate) fn chance(series: &[String], runs: &[&Run]) -> Option<f64> {
    let are_accuracies = !series.is_empty() && series.iter().all(|name| is_accuracy(name, runs));
    classes(runs).filter(|_| are_accuracies).map(|classes| 1.0 / f64::from(classes))
}

/// How many classes there are, if that is the same for all of these runs.
pub(crate) fn classes(runs: &[&Run]) -> Option<u32> {
    let of = |run: &&Run| match run.data.as_ref()?.target {
        TargetKind::Classes(classes) => Some(classes).filter(|classes| *classes > 1),
        TargetKind::Values(_) => None,
    };
    let mut known = runs.iter().map(of);
    let first = known.next()??;
    known.all(|classes| classes == Some(first)).then_some(first)
}

/// The quantity with its unit, whatever examples it is measured on. The unit of a loss is known of runs that train one kind of
/// network.
fn without_split(declared: &SeriesDeclaration, runs: &[&Run]) -> String {
    let unit = match declared.unit {
        Unit::One => None,
        Unit::Percent => Some("%"),
        Unit::Loss => {
            let kinds: BTreeSet<&str> =
                runs.iter().map(|run| run.task.spec.experiment.trained_kind()).collect();
            let loss = runs.first().and_then(|run| run.task.spec.experiment.loss()).map(Loss::unit);
            loss.filter(|_| kinds.len() == 1)
        }
    };
    match unit {
        Some(unit) => format!("{} ({unit})", declared.label),
        None => declared.label.to_owned(),
    }
}

/// The quantities of series or measures, one after the other.
pub(crate) fn listed<'n>(series: impl IntoIterator<Item = &'n String>) -> String {
    series.into_iter().map(|name| quantity(name, &[])).collect::<Vec<_>>().join(", ")
}

/// The quantity of several series that share an axis: `loss (nats)` for those of training and test.
pub(crate) fn common_quantity(series: &[String], runs: &[&Run]) -> String {
    if let [only] = series {
        return quantity(only, runs);
    }
    let of_split = |name: &String| {
        if recorded_series(name, runs).is_some() {
            return None;
        }
        let declared = declaration(name, runs).filter(|declared| declared.split.is_some())?;
        Some(without_split(declared, runs))
    };
    let common: Option<BTreeSet<String>> = series.iter().map(of_split).collect();
    match common.as_ref().and_then(|common| Some((common.len(), common.first()?))) {
        Some((1, common)) => common.clone(),
        _ => series.iter().map(|name| quantity(name, runs)).collect::<Vec<_>>().join(", "),
    }
}

/// The word that the series at this position of every panel have in common: `training`, `test`, or all their names. A panel of
/// one series names it on its axis, and doesn't count beside panels of several.
pub(crate) fn position(panels: &[Vec<String>], position: usize) -> String {
    let several = panels.iter().any(|panel| panel.len() > 1);
    let telling = panels.iter().filter(|panel| panel.len() > 1 || !several);
    let series: Vec<&str> = telling.filter_map(|panel| panel.get(position)).map(String::as_str).collect();
    let part = |series: &&str| Some(declaration(series, &[])?.split?.words());
    let parts: Option<BTreeSet<&str>> = series.iter().map(part).collect();
    match parts.as_ref().and_then(|parts| Some((parts.len(), parts.first()?))) {
        Some((1, part)) => (*part).to_owned(),
        _ => series.into_iter().map(|series| quantity(series, &[])).collect::<Vec<_>>().join(" / "),
    }
}

/// The title of a figure. One that the sweep file doesn't give is of names as files have them: here it has those of people.
pub(crate) fn title(figure: &Figure) -> String {
    let ids = figure.experiments.iter().map(ExperimentId::as_str).collect::<Vec<_>>().join(", ");
    let end = format!(" ({ids})");
    let Some(body) = figure.title.strip_suffix(&end) else { return figure.title.clone() };
    let for_people = |word: &str| {
        let name = word.trim_end_matches(',');
        if name.contains('_') { word.replacen(name, &quantity(name, &[]), 1) } else { word.to_owned() }
    };
    capitalised(&body.split(' ').map(for_people).collect::<Vec<_>>().join(" ")) + &end
}

/// A text that begins a sentence.
pub(crate) fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// The name of an axis.
pub(crate) const fn axis(axis: Axis) -> &'static str {
    match axis {
        Axis::Epoch => "epoch",
        Axis::Iteration => "iteration",
        Axis::Input => "x",
        Axis::Ratio => "interpolation ratio α",
        Axis::Cell => "cell",
        Axis::Eigenvalue => "eigenvalue",
        Axis::Once => "",
    }
}

/// A parameter's name for people: the last part of its dotted name.
pub(crate) fn parameter(name: &str) -> String {
    match name {
        "hidden" => "hidden layers".to_owned(),
        "model.conv" => "convolutions".to_owned(),
        "model.dense" => "dense layers".to_owned(),
        "optimizer" | "optimizer.name" => "optimizer".to_owned(),
        "data.name" => "data set".to_owned(),
        "model" | "model.family" => "network".to_owned(),
        other => other.rsplit('.').next().unwrap_or(other).replace('_', " "),
    }
}

/// A parameter's value for people, by itself; values beside each other are [`Labels`](super::labels::Labels).
pub(crate) fn value(value: &Value) -> String {
    labels::alone(value)
}

/// A run's value of a parameter: what the sweep varies, else what the experiment's parameters say; `experiment` is the
/// experiment's id, `seed` the run's seed.
pub(crate) fn value_of(run: &Run, name: &str) -> Option<Value> {
    if let Some(value) = run.task.point.get(name) {
        return Some(value.clone());
    }
    match name {
        "experiment" => return Some(Value::Text(run.task.experiment.to_string())),
        "seed" => return i64::try_from(run.task.spec.seed).ok().map(Value::Integer),
        _ => {}
    }
    let parameters = parameters_of(&run.task.spec.experiment);
    let found = name
        .split('.')
        .try_fold(&parameters, |at, part| at.get(part))
        .or_else(|| parameters.get("optimizer")?.get(name));
    found.and_then(|found| serde_json::from_value(found.clone()).ok())
}

/// All parameters of an experiment, as JSON.
pub(crate) fn parameters_of(experiment: &Experiment) -> serde_json::Value {
    let parameters = match experiment.custom() {
        Some(custom) => serde_json::to_value(&custom.parameters),
        None => serde_json::to_value(experiment),
    };
    parameters.expect("an experiment has text keys and finite numbers only")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use basin_domain::custom_kind::{Declaration, KindDeclaration};

    use super::*;
    use crate::samples;

    #[test]
    fn a_series_of_a_kind_of_ones_own_is_called_what_its_declaration_calls_it() {
        let overlap = RecordedSeries::against(Axis::Iteration, "overlap").in_unit("spins");
        let declared = Declaration::new("hopfield", 1).records("m", overlap);
        let mut run = samples::images(1, 1).remove(0);
        run.declaration = Some(Arc::new(KindDeclaration::new(declared).unwrap()));
        assert_eq!(quantity("m", &[&run]), "overlap (spins)");
        assert_eq!(quantity("m", &[]), "m");
        assert_eq!(
            common_quantity(&["m".to_owned(), "train_loss".to_owned()], &[&run]),
            "overlap (spins), training loss (nats)"
        );
    }

    #[test]
    fn values_read_as_in_print() {
        assert_eq!(value(&Value::Float(1e-3)), "0.001");
        assert_eq!(value(&Value::Float(-3e-5)), "−3×10⁻⁵");
        assert_eq!(value(&Value::Integer(1024)), "1,024");
        assert_eq!(value(&Value::List(vec![Value::Integer(32), Value::Integer(64)])), "(32, 64)");
    }

    #[test]
    fn a_title_that_nobody_wrote_is_of_names_that_people_read() {
        let figure = |title: &str| Figure { title: title.to_owned(), ..samples::figures().remove(0) };
        assert_eq!(
            title(&figure("train_loss, test_accuracy against batch_size (functions)")),
            "Training loss, test accuracy against batch size (functions)"
        );
        assert_eq!(title(&figure("My train_loss")), "My train_loss");
    }

    #[test]
    fn a_parameters_name_loses_its_prefix() {
        assert_eq!(parameter("optimizer.learning_rate"), "learning rate");
        assert_eq!(parameter("model.conv"), "convolutions");
    }
}
