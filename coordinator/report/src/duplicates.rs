//! Points of a sweep that are the same computation: one run, said once and counted once.
//!
//! A point where a parameter has no part (every batch size beyond the number of examples, a momentum that the optimiser
//! hasn't) is no further evidence. [`Run::computation`] says which runs are one; the sentences here say it to people.

use std::collections::{BTreeMap, BTreeSet};

use super::figures::labels::{self, Labels, Setting};
use super::figures::names;
use super::runs::{Computation, Run};

/// The most points that a sentence names.
const MAX_NAMED: usize = 8;
/// The most sentences.
const MAX_SENTENCES: usize = 4;

/// The names of the points of runs: all that the runs are told apart by, but their seed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PointNames {
    names: BTreeMap<String, String>,
}

impl PointNames {
    /// The points of these runs. Parameters that all of them share are not named, unless it is one point.
    pub(crate) fn of(runs: &[&Run]) -> Self {
        let mut parameters: BTreeMap<&str, Vec<Setting>> = BTreeMap::new();
        for name in runs.iter().flat_map(|run| run.task.point.keys()).filter(|name| *name != "seed") {
            parameters.entry(name).or_default();
        }
        for (name, settings) in &mut parameters {
            settings.extend(runs.iter().map(|run| run.task.point.get(*name).cloned()));
        }
        let experiments: BTreeSet<&str> = runs.iter().map(|run| run.task.experiment.as_str()).collect();
        let texts: Vec<(&str, Labels)> =
            parameters.iter().map(|(name, settings)| (*name, Labels::of(settings))).collect();
        let name_of = |run: &Run| {
            let parts = texts.iter().filter_map(|(name, labels)| {
                let setting = run.task.point.get(*name).cloned();
                setting.is_some().then(|| format!("{} {}", names::parameter(name), labels.text(&setting)))
            });
            let experiment = (experiments.len() > 1).then(|| run.task.experiment.to_string());
            experiment.into_iter().chain(parts).collect::<Vec<_>>().join(", ")
        };
        let mut names = BTreeMap::new();
        for run in runs {
            names.entry(point(run)).or_insert_with(|| name_of(run));
        }
        Self { names }
    }

    /// How many points there are.
    pub(crate) fn count(&self) -> usize {
        self.names.len()
    }

    /// The name of a run's point; empty if the run isn't one of them.
    pub(crate) fn name(&self, run: &Run) -> &str {
        self.names.get(&point(run)).map_or("", String::as_str)
    }
}

/// A text that tells points apart: experiment and coordinates, but the seed.
pub(crate) fn point(run: &Run) -> String {
    let mut point = run.task.experiment.to_string();
    for (name, value) in run.task.point.iter().filter(|(name, _)| *name != "seed") {
        point += &format!("\n{name}={}", labels::key(&Some(value.clone())));
    }
    point
}

/// The points of `runs` that are one run, in sentences without their full stop: `batch size 256, 512 and 1,024 are one
/// run`. None if every run is a computation of its own.
pub(crate) fn sentences(runs: &[&Run]) -> Vec<String> {
    let mut members: BTreeMap<Computation<'_>, Vec<&Run>> = BTreeMap::new();
    for run in runs {
        members.entry(run.computation()).or_default().push(run);
    }
    // The points that are one, in plan order, with the number of seeds in which they are.
    let mut order: Vec<Vec<&Run>> = Vec::new();
    let mut seeds: BTreeMap<Vec<String>, (usize, usize)> = BTreeMap::new();
    for run in runs {
        let Some(same) = members.remove(&run.computation()) else { continue };
        let mut known = BTreeSet::new();
        let same: Vec<&Run> = same.into_iter().filter(|run| known.insert(point(run))).collect();
        if same.len() < 2 {
            continue;
        }
        let key = same.iter().map(|run| point(run)).collect();
        let entry = seeds.entry(key).or_insert_with(|| {
            order.push(same);
            (order.len() - 1, 0)
        });
        entry.1 += 1;
    }
    let mut of_seeds = vec![0; order.len()];
    for (place, count) in seeds.into_values() {
        of_seeds[place] = count;
    }
    let said = order.iter().zip(&of_seeds).take(MAX_SENTENCES);
    let mut sentences: Vec<String> = said.map(|(points, &seeds)| sentence(points, seeds)).collect();
    if order.len() > MAX_SENTENCES {
        sentences.push(format!("and so are the points of {} more runs", order.len() - MAX_SENTENCES));
    }
    sentences
}

fn sentence(points: &[&Run], seeds: usize) -> String {
    let named = listed(&values(points));
    if seeds == 1 {
        format!("{named} are one run")
    } else {
        format!("{named} are one run (of each of {seeds} seeds)")
    }
}

/// The points by the values of the one parameter that tells them apart, `batch size 256`, `512`; by their names where there
/// are several.
fn values(points: &[&Run]) -> Vec<String> {
    let parameters: BTreeSet<&String> = points.iter().flat_map(|run| run.task.point.keys()).collect();
    let settings =
        |name: &str| points.iter().map(|run| run.task.point.get(name).cloned()).collect::<Vec<Setting>>();
    let differs = |name: &&&String| {
        let keys: BTreeSet<String> = settings(name).iter().map(labels::key).collect();
        name.as_str() != "seed" && keys.len() > 1
    };
    let differing: Vec<&&String> = parameters.iter().filter(differs).collect();
    let is_one_experiment = points.iter().all(|run| run.task.experiment == points[0].task.experiment);
    if let ([only], true) = (&differing[..], is_one_experiment) {
        let settings = settings(only);
        let texts = Labels::of(&settings);
        let mut values: Vec<String> = settings.iter().map(|setting| texts.text(setting)).collect();
        values[0] = format!("{} {}", names::parameter(only), values[0]);
        return values;
    }
    let names = PointNames::of(points);
    points.iter().map(|run| format!("“{}”", names.name(run))).collect()
}

/// `a`, `a and b`, `a, b and c`; the first ones of many.
fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        many if many.len() > MAX_NAMED => {
            format!("{} and {} more points", many[..MAX_NAMED].join(", "), many.len() - MAX_NAMED)
        }
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::value::Value;

    use super::*;
    use crate::samples;

    #[test]
    fn points_that_are_one_run_are_named_by_what_tells_them_apart() {
        let mut runs = Vec::new();
        for batch_size in [16, 64, 256, 512, 1024] {
            for mut run in samples::images(2, 3).into_iter().take(2) {
                run.task.point.insert("batch_size".to_owned(), Value::Integer(batch_size));
                let is_full = batch_size >= 256;
                samples::measure(&mut run, |metrics| {
                    metrics.set("size", if is_full { 200.0 } else { batch_size as f64 });
                });
                runs.push(run);
            }
        }
        let all: Vec<&Run> = runs.iter().collect();
        assert_eq!(sentences(&all), ["batch size 256, 512 and 1,024 are one run (of each of 2 seeds)"]);
        assert_eq!(sentences(&all[..4]), [""; 0]);
        assert_eq!(crate::runs::distinct(all).len(), 6);
    }

    #[test]
    fn a_task_of_two_experiments_is_one_run_even_before_it_has_run() {
        let mut runs: Vec<Run> = samples::images(1, 3);
        runs[1].task.id = runs[0].task.id;
        runs.iter_mut().for_each(|run| run.state = crate::RunState::Missing);
        assert_eq!(sentences(&runs.iter().collect::<Vec<_>>()), ["“shallow” and “deep” are one run"]);
    }
}
