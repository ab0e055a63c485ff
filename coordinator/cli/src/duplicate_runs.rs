//! Points that are the same run, in words.

use std::collections::BTreeMap;

use basin_domain::experiment::Experiment;
use basin_domain::sweep::{DuplicateRun, SweepPlan};
use basin_domain::task::Task;
use basin_domain::value::Value;
use serde_json::json;

/// `batch-sizes: batch_size 256, 512 and 1024 are the same run (all 200 training examples in one batch): trained once, counted
/// once`.
pub(super) fn sentence(same: &DuplicateRun, plan: &SweepPlan) -> String {
    let differ = same.differ();
    let points = match differ.iter().next() {
        Some((name, values)) if differ.len() == 1 => {
            let values: Vec<String> = values
                .iter()
                .map(|value| value.map_or_else(|| "not given".to_owned(), ToString::to_string))
                .collect();
            format!("{name} {}", listed(&values))
        }
        _ => {
            let names: Vec<&str> = differ.keys().copied().collect();
            listed(&same.points.iter().map(|point| coordinates(point, &names)).collect::<Vec<_>>())
        }
    };
    let shared = same.shared();
    let at = match shared.is_empty() {
        true => String::new(),
        false => {
            let shared: Vec<String> = shared.iter().map(|(name, value)| format!("{name} {value}")).collect();
            format!(" at {}", shared.join(", "))
        }
    };
    let why = reason(same, plan).map(|why| format!(" ({why})")).unwrap_or_default();
    format!("{}{at}: {points} are the same run{why}: trained once, counted once", same.experiment)
}

/// The same for programs.
pub(super) fn json(same: &DuplicateRun, plan: &SweepPlan) -> serde_json::Value {
    json!({ "experiment": same.experiment.to_string(), "points": same.points, "task": same.task.to_string(),
        "because": reason(same, plan), "says": sentence(same, plan) })
}

/// Why points are one run, where a single parameter tells them apart.
fn reason(same: &DuplicateRun, plan: &SweepPlan) -> Option<String> {
    let differ = same.differ();
    let (name, _) = differ.iter().next().filter(|_| differ.len() == 1)?;
    let Task { spec, .. } = plan.tasks.iter().find(|task| task.id == same.task)?;
    Some(match (*name, &spec.experiment) {
        ("batch_size", Experiment::Classify(it)) => {
            format!("all {} training examples in one batch", it.batch_size)
        }
        ("batch_size", Experiment::Regress(it)) => {
            format!("all {} training examples in one batch", it.batch_size)
        }
        ("batch_size", Experiment::FitFunction(it)) => format!("all {} points in one batch", it.points),
        ("data.train_limit", _) => "the data set has no more training examples".to_owned(),
        ("data.test_limit", _) => "the data set has no more test examples".to_owned(),
        ("model.kernel", _) => "the network has no convolutions".to_owned(),
        (name, _) if name.starts_with("model.") => "they write the same network".to_owned(),
        ("activation", _) => "the network has no hidden layer".to_owned(),
        ("record.weights_every", _) => "weights are recorded before the first epoch alone".to_owned(),
        ("record.every", _) => "they record after the same epochs".to_owned(),
        ("probe.warm_start", _) => "there is one measurement".to_owned(),
        (name, _) if name.starts_with("schedule") => "each step has the same learning rate".to_owned(),
        ("probe.every", _) => "they measure after the same epochs".to_owned(),
        ("examples" | "probe.test_examples" | "probe.train_examples", _) => {
            "there are no more examples".to_owned()
        }
        ("search.method" | "search.learning_rate", _) => "there are no iterations of the search".to_owned(),
        (name, _) if name.starts_with("from.") || name.starts_with("to.") || name.starts_with("of.") => {
            "they read the same run".to_owned()
        }
        (_, Experiment::CriticalPoint(it)) if it.epochs == 0 => "there are no steps on the loss".to_owned(),
        _ => return None,
    })
}

fn coordinates(point: &BTreeMap<String, Value>, names: &[&str]) -> String {
    let given = names.iter().filter_map(|name| Some(format!("{name} {}", point.get(*name)?)));
    format!("({})", given.collect::<Vec<_>>().join(", "))
}

/// `a, b and c`.
fn listed(items: &[String]) -> String {
    match items {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        items => items.concat(),
    }
}
