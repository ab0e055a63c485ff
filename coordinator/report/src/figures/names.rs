//! Series and parameters as figures and tables name them.

use std::collections::BTreeSet;

use basin_domain::experiment::{Classify, CriticalPoint, Experiment, FitFunction, TrainedModel};
use basin_domain::metrics::Axis;
use basin_domain::value::Value;

use super::labels;
use crate::runs::Run;

/// A series' quantity with its unit, as an axis says it.
pub(crate) fn quantity(series: &str, runs: &[&Run]) -> String {
    let kinds: BTreeSet<&str> = runs.iter().map(|run| trained(&run.task.spec.experiment)).collect();
    let loss_unit = match kinds.iter().collect::<Vec<_>>()[..] {
        [&"fit-function" | &"critical-point"] => " (mean squared error)",
        [&"classify"] => " (nats)",
        _ => "",
    };
    match series {
        "train_loss" => format!("training loss{loss_unit}"),
        "test_loss" => format!("test loss{loss_unit}"),
        "loss" if kinds.contains(CriticalPoint::KIND) => format!("loss{loss_unit}"),
        "loss" => format!("batch loss{loss_unit}"),
        "train_accuracy" => "training accuracy".to_owned(),
        "test_accuracy" => "test accuracy".to_owned(),
        "final_loss" => format!("loss{loss_unit}"),
        "final_train_loss" => format!("training loss{loss_unit}, final"),
        "final_train_accuracy" => "training accuracy, final".to_owned(),
        "gradient_norm" | "final_gradient_norm" => "gradient norm ‖g‖₂".to_owned(),
        "sensitivity" => "sensitivity: mean ‖∂p/∂x‖".to_owned(),
        "input_gradient" => "input gradient: mean ‖∂L/∂x‖".to_owned(),
        "sharpness" => "sharpness (%)".to_owned(),
        "largest_eigenvalue" => "largest eigenvalue of the Hessian".to_owned(),
        "smallest_eigenvalue" => "smallest eigenvalue of the Hessian".to_owned(),
        "minimal_ratio_near_zero" => "minimal ratio: near zero".to_owned(),
        "minimal_ratio_positive_eigenvalues" => "minimal ratio: eigenvalues".to_owned(),
        "minimal_ratio_sampled" => "minimal ratio: sampled".to_owned(),
        "parameters" => "parameters".to_owned(),
        "batch_size" => "batch size".to_owned(),
        other => parameter(other),
    }
}

/// The quantity of several series that share an axis: `loss (nats)` for those of training and test.
pub(crate) fn common_quantity(series: &[String], runs: &[&Run]) -> String {
    let [first, rest @ ..] = series else { return String::new() };
    if rest.is_empty() {
        return quantity(first, runs);
    }
    let named: Vec<String> = series.iter().map(|series| quantity(series, runs)).collect();
    let of_part = |quantity: &String| {
        let rest = quantity.strip_prefix("training ").or_else(|| quantity.strip_prefix("test "))?;
        Some(rest.strip_suffix(", final").unwrap_or(rest).to_owned())
    };
    let common: Option<BTreeSet<String>> = named.iter().map(of_part).collect();
    match common.as_ref().and_then(|common| Some((common.len(), common.first()?))) {
        Some((1, common)) => common.clone(),
        _ => named.join(", "),
    }
}

/// What the series at this position of every panel have in common: `training`, `test`, or all their names. A panel of one
/// series names it on its axis, and doesn't count beside panels of several.
pub(crate) fn position(panels: &[Vec<String>], position: usize) -> String {
    let several = panels.iter().any(|panel| panel.len() > 1);
    let telling = panels.iter().filter(|panel| panel.len() > 1 || !several);
    let series: Vec<&str> = telling.filter_map(|panel| panel.get(position)).map(String::as_str).collect();
    let part = |series: &&str| {
        let name = series.strip_prefix("final_").unwrap_or(series);
        match name.split('_').next() {
            Some("train") => Some("training"),
            Some("test") => Some("test"),
            _ => None,
        }
    };
    let parts: Option<BTreeSet<&str>> = series.iter().map(part).collect();
    match parts.as_ref().and_then(|parts| Some((parts.len(), parts.first()?))) {
        Some((1, part)) => (*part).to_owned(),
        _ => series.into_iter().map(|series| quantity(series, &[])).collect::<Vec<_>>().join(" / "),
    }
}

/// The kind of the network that an experiment trains or looks at.
const fn trained(experiment: &Experiment) -> &'static str {
    let trained = match experiment {
        Experiment::FitFunction(_) | Experiment::Classify(_) | Experiment::CriticalPoint(_) => {
            return experiment.kind();
        }
        Experiment::Interpolate(interpolate) => &interpolate.trained,
        Experiment::Surface(surface) => &surface.trained,
    };
    match trained {
        TrainedModel::Classify { .. } => Classify::KIND,
        TrainedModel::FitFunction { .. } => FitFunction::KIND,
    }
}

/// What an axis counts.
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

fn parameters_of(experiment: &Experiment) -> serde_json::Value {
    serde_json::to_value(experiment).expect("an experiment has text keys and finite numbers only")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_in_print() {
        assert_eq!(value(&Value::Float(1e-3)), "0.001");
        assert_eq!(value(&Value::Float(-3e-5)), "−3×10⁻⁵");
        assert_eq!(value(&Value::Integer(1024)), "1,024");
        assert_eq!(value(&Value::List(vec![Value::Integer(32), Value::Integer(64)])), "(32, 64)");
    }

    #[test]
    fn a_parameters_name_loses_its_prefix() {
        assert_eq!(parameter("optimizer.learning_rate"), "learning rate");
        assert_eq!(parameter("model.conv"), "convolutions");
    }
}
