//! The points of an experiment: its runs that differ in their seed only.

use std::collections::{BTreeSet, HashMap};

use basin_domain::value::Value;

use crate::duplicates::{self, PointNames};
use crate::figures::labels::{Labels, Setting};
use crate::runs::{Counts, Run};

/// The points of an experiment, in plan order.
pub(super) struct Points<'a> {
    /// The parameters that tell them apart.
    pub(super) parameters: Vec<String>,
    /// The points.
    pub(super) points: Vec<Point<'a>>,
}

/// A point.
pub(super) struct Point<'a> {
    /// Its name.
    pub(super) name: String,
    /// Its values of the parameters.
    pub(super) settings: Vec<ShownSetting>,
    /// Its runs, one a seed.
    pub(super) runs: Vec<&'a Run>,
}

/// A parameter's value as a table shows it.
pub(super) struct ShownSetting {
    /// For people.
    pub(super) text: String,
    /// The number to sort by, if it is one.
    pub(super) number: Option<f64>,
}

impl Point<'_> {
    /// What became of its runs.
    pub(super) fn counts(&self) -> Counts {
        Counts::of(self.runs.iter().copied())
    }
}

/// The points of these runs.
pub(super) fn points<'a>(runs: &[&'a Run]) -> Points<'a> {
    let parameters: BTreeSet<&String> =
        runs.iter().flat_map(|run| run.task.point.keys()).filter(|name| *name != "seed").collect();
    let settings = |name: &String| -> Vec<Setting> {
        runs.iter().map(|run| run.task.point.get(name).cloned()).collect()
    };
    let labels: Vec<(&String, Labels)> =
        parameters.iter().map(|name| (*name, Labels::of(&settings(name)))).collect();
    let names = PointNames::of(runs);
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut points: Vec<Point<'a>> = Vec::new();
    for run in runs {
        let place = *places.entry(duplicates::point(run)).or_insert(points.len());
        if place == points.len() {
            let shown = labels.iter().map(|(name, labels)| {
                let setting = run.task.point.get(*name).cloned();
                let number = setting.as_ref().and_then(Value::as_f64);
                ShownSetting { text: labels.text(&setting), number }
            });
            points.push(Point {
                name: names.name(run).to_owned(),
                settings: shown.collect(),
                runs: Vec::new(),
            });
        }
        points[place].runs.push(run);
    }
    Points { parameters: parameters.into_iter().cloned().collect(), points }
}
