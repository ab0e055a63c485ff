//! Tasks: one run of one experiment with one seed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::data::Dataset;
use crate::digest::Digest;
use crate::experiment::Experiment;
use crate::id::{Attempt, ExperimentId, TaskId};
use crate::value::Value;

/// Everything a task's result depends on, and nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// The experiment with its parameters.
    pub experiment: Experiment,
    /// The version of the experiment's kind (see [`Experiment::version`]).
    pub version: u32,
    /// The seed of every random stream of the run.
    pub seed: u64,
    /// The data set, if the kind reads one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub data: Option<Dataset>,
    /// The tasks whose results this one reads, by the name under which it reads them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub inputs: BTreeMap<String, TaskId>,
}

impl TaskSpec {
    /// The canonical text: JSON with fields in the order of their declaration. What is hashed, stored and sent.
    pub fn canonical(&self) -> String {
        serde_json::to_string(self).expect("a task's spec has text keys and finite numbers only")
    }

    /// The task's id: the BLAKE3 digest of [`TaskSpec::canonical`].
    pub fn id(&self) -> TaskId {
        TaskId(Digest::of(self.canonical().as_bytes()))
    }

    /// The digest of the spec without its seed: tasks of one shape can train together as lanes of a pack.
    pub fn shape(&self) -> Digest {
        Digest::of(Self { seed: 0, ..self.clone() }.canonical().as_bytes())
    }
}

/// A task of a lease.
#[derive(Debug, Clone, PartialEq)]
pub struct LeasedTask {
    /// The id of `spec`.
    pub id: TaskId,
    /// The number of this attempt.
    pub attempt: Attempt,
    /// The spec that is run.
    pub spec: TaskSpec,
}

/// A task as a sweep sees it: its spec, and where in the sweep it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The id of `spec`.
    pub id: TaskId,
    /// The experiment of the sweep file.
    pub experiment: ExperimentId,
    /// The parameters that the sweep file varies in this experiment, with this task's values; dotted names.
    pub point: BTreeMap<String, Value>,
    /// The spec that is run.
    pub spec: TaskSpec,
}
