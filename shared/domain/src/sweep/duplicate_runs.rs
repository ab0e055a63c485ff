//! Points of one experiment that are the same run.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::error::LocatedError;
use super::location::Location;
use super::plan::SweepPlan;
use crate::claim::Selection;
use crate::id::{ExperimentId, TaskId};
use crate::task::Task;
use crate::value::Value;

/// Points of an experiment that are the same run for every seed, though their parameters differ: in what can't matter.
#[derive(Debug, Clone, PartialEq)]
pub struct DuplicateRun {
    /// The experiment.
    pub experiment: ExperimentId,
    /// Its points, in the order of the plan; at least two.
    pub points: Vec<BTreeMap<String, Value>>,
    /// The id of their first task.
    pub task: TaskId,
}

impl DuplicateRun {
    /// The parameters in which the points differ, each with its values in the order of the points.
    pub fn differ(&self) -> BTreeMap<&str, Vec<Option<&Value>>> {
        let names: BTreeSet<&str> =
            self.points.iter().flat_map(|point| point.keys()).map(String::as_str).collect();
        let values = |name: &str| self.points.iter().map(|point| point.get(name)).collect::<Vec<_>>();
        let all = names.into_iter().map(|name| (name, values(name)));
        all.filter(|(_, values)| values.windows(2).any(|pair| pair[0] != pair[1])).collect()
    }

    /// The values that all of the points have in common.
    pub fn shared(&self) -> BTreeMap<&str, &Value> {
        let Some((first, others)) = self.points.split_first() else { return BTreeMap::new() };
        let shared =
            first.iter().filter(|(name, value)| others.iter().all(|point| point.get(*name) == Some(*value)));
        shared.map(|(name, value)| (name.as_str(), value)).collect()
    }
}

impl SweepPlan {
    /// The points of each experiment that are the same run, in the order of the plan.
    pub fn duplicate_runs(&self) -> Vec<DuplicateRun> {
        let mut tasks: HashMap<(&ExperimentId, TaskId), Vec<&Task>> = HashMap::new();
        for task in &self.tasks {
            tasks.entry((&task.experiment, task.id)).or_default().push(task);
        }
        let mut met: HashSet<(&ExperimentId, String)> = HashSet::new();
        let mut same = Vec::new();
        for first in &self.tasks {
            let alike = &tasks[&(&first.experiment, first.id)];
            if alike.len() == 1 || !std::ptr::eq(alike[0], first) {
                continue;
            }
            // The same points with another seed are no other entry.
            let point =
                serde_json::to_string(&first.point).expect("a point has text keys and finite numbers only");
            if met.insert((&first.experiment, point)) {
                let points = alike.iter().map(|task| task.point.clone()).collect();
                same.push(DuplicateRun { experiment: first.experiment.clone(), points, task: first.id });
            }
        }
        same
    }
}

/// Refuses a check that holds a run against itself: its two selections have a run in common. `places` says where the checks of
/// each claim stand.
pub(super) fn are_not_compared(plan: &SweepPlan, locations: &[Vec<Location>]) -> Result<(), LocatedError> {
    for (claim, locations) in plan.claims.iter().zip(locations) {
        for (check, at) in claim.checks.iter().zip(locations) {
            let [a, b] = check.selections()[..] else { continue };
            let of = |selection| {
                plan.tasks.iter().filter(move |task| selects(selection, task)).map(|task| task.id)
            };
            let runs: HashSet<TaskId> = of(a).collect();
            if of(b).any(|id| runs.contains(&id)) {
                return Err(LocatedError::new(*at, "`a` and `b` mean the same runs")
                    .hint("give them values in which they differ, and not in what can't matter"));
            }
        }
    }
    Ok(())
}

/// Whether a claim's selection means this task.
pub(super) fn selects(selection: &Selection, task: &Task) -> bool {
    let has = |(name, value): (&String, &Value)| task.point.get(name).is_some_and(|own| equal(own, value));
    task.experiment == selection.experiment && selection.values.iter().all(has)
}

fn equal(one: &Value, other: &Value) -> bool {
    one == other || one.as_f64().zip(other.as_f64()).is_some_and(|(one, other)| one == other)
}
