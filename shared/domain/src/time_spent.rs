//! What an attempt at a task spent its time on.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What an attempt spends time on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Its data set comes to the worker's machine, or is found there.
    Data,
    /// The results of other tasks that it reads come to the worker.
    Inputs,
    /// The checkpoint that it goes on from is looked for and comes to the worker.
    Restore,
    /// Its executor starts, or is busy with other tasks before it.
    Start,
    /// Its executor opens what it reads and makes what trains.
    Load,
    /// Steps of the optimiser, or of what a kind of one's own calls a step.
    Training,
    /// Losses and accuracies over examples.
    Evaluation,
    /// A probe, by its name.
    Probe(&'static str),
    /// A search for a critical point.
    Search,
    /// What is measured where the search has ended.
    Measurement,
    /// A program of a user's, which does what it likes.
    Program,
    /// Checkpoints are made and written; their way into the store costs the training nothing.
    Checkpoints,
    /// Other tasks of its executor have their turn.
    Turns,
    /// What it made is written to files.
    Results,
    /// These files come into the store.
    Upload,
}

/// The names in the order in which an attempt comes to them; probes are behind `evaluation`.
const ORDER: [&str; 14] = [
    "data",
    "inputs",
    "restore",
    "start",
    "load",
    "training",
    "evaluation",
    "search",
    "measurement",
    "program",
    "checkpoints",
    "turns",
    "results",
    "upload",
];
/// How the names of probes begin.
const PROBE: &str = "probe ";

impl Activity {
    /// The name under which its time is kept.
    pub fn name(self) -> Cow<'static, str> {
        match self {
            Self::Data => "data".into(),
            Self::Inputs => "inputs".into(),
            Self::Restore => "restore".into(),
            Self::Start => "start".into(),
            Self::Load => "load".into(),
            Self::Training => "training".into(),
            Self::Evaluation => "evaluation".into(),
            Self::Probe(probe) => format!("{PROBE}{probe}").into(),
            Self::Search => "search".into(),
            Self::Measurement => "measurement".into(),
            Self::Program => "program".into(),
            Self::Checkpoints => "checkpoints".into(),
            Self::Turns => "turns".into(),
            Self::Results => "results".into(),
            Self::Upload => "upload".into(),
        }
    }
}

/// How long an attempt spent on what: seconds by the names of [`Activity`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimeSpent(BTreeMap<String, f64>);

impl TimeSpent {
    /// Adds what it spent on this.
    pub fn add(&mut self, activity: Activity, took: Duration) {
        if took.is_zero() {
            return;
        }
        let name = activity.name();
        match self.0.get_mut(&*name) {
            Some(seconds) => *seconds += took.as_secs_f64(),
            None => {
                self.0.insert(name.into_owned(), took.as_secs_f64());
            }
        }
    }

    /// Adds what somebody else measured.
    pub fn add_all(&mut self, other: Self) {
        for (name, seconds) in other.0 {
            *self.0.entry(name).or_default() += seconds;
        }
    }

    /// What it spent on this.
    pub fn of(&self, activity: Activity) -> Duration {
        let seconds = self.0.get(&*activity.name()).copied();
        seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default()
    }

    /// All of it together.
    pub fn total(&self) -> Duration {
        Duration::try_from_secs_f64(self.0.values().sum()).unwrap_or_default()
    }

    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Seconds by name, in the order in which an attempt comes to them; what this version doesn't know is behind all else.
    pub fn in_order(&self) -> Vec<(&str, f64)> {
        let mut parts: Vec<(&str, f64)> =
            self.0.iter().map(|(name, seconds)| (name.as_str(), *seconds)).collect();
        parts.sort_by_key(|(name, _)| place(name));
        parts
    }
}

/// The place of a name among all; those of one place stay in their own order.
fn place(name: &str) -> usize {
    let name = if name.starts_with(PROBE) { "evaluation" } else { name };
    ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_adds_up_and_is_told_in_the_order_of_an_attempt() {
        let mut spent = TimeSpent::default();
        spent.add(Activity::Upload, Duration::from_millis(250));
        spent.add(Activity::Training, Duration::from_secs(2));
        spent.add(Activity::Probe("sharpness"), Duration::from_secs(1));
        spent.add(Activity::Evaluation, Duration::from_millis(500));
        spent.add(Activity::Training, Duration::from_secs(1));
        spent.add(Activity::Restore, Duration::ZERO);
        let mut more: TimeSpent = serde_json::from_str(r#"{"later": 4.0, "data": 0.5}"#).unwrap();
        more.add_all(spent);
        let expected = [
            ("data", 0.5),
            ("training", 3.0),
            ("evaluation", 0.5),
            ("probe sharpness", 1.0),
            ("upload", 0.25),
            ("later", 4.0),
        ];
        assert_eq!(more.in_order(), expected);
        assert_eq!(more.of(Activity::Training), Duration::from_secs(3));
        assert_eq!(more.of(Activity::Restore), Duration::ZERO);
        assert_eq!(more.total(), Duration::from_millis(9_250));
    }

    #[test]
    fn every_name_has_a_place_and_comes_back_from_json() {
        let mut spent = TimeSpent::default();
        assert!(spent.is_empty());
        for name in ORDER {
            assert_eq!(ORDER[place(name)], name);
        }
        spent.add(Activity::Probe("trace"), Duration::from_millis(3));
        assert_eq!(place("probe trace"), place("evaluation"));
        let text = serde_json::to_string(&spent).unwrap();
        assert_eq!(text, r#"{"probe trace":0.003}"#);
        assert_eq!(serde_json::from_str::<TimeSpent>(&text).unwrap(), spent);
    }
}
