//! Tasks: one run of one experiment with one seed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::data::{Contents, Dataset};
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

    /// What its data set holds, if it reads one and that is known: those that Basin makes itself are, and `stored` knows others.
    pub fn contents(&self, stored: impl FnOnce(&Dataset) -> Option<Contents>) -> Option<Contents> {
        if let Some(recipe) = self.experiment.recipe() {
            return Some(Contents::of_recipe(recipe));
        }
        let data = self.data.as_ref()?;
        stored(data).or_else(|| Contents::of_built_in(data.name.as_str()))
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

impl Task {
    /// The name that people know it by, within its sweep: `batch-sizes batch_size=256 seed 2`. Its experiment, what the sweep varies
    /// there, and its seed.
    pub fn name(&self) -> String {
        let mut name = self.experiment.to_string();
        for (parameter, value) in &self.point {
            name.push_str(&format!(" {parameter}={}", in_one_word(value)));
        }
        name.push_str(&format!(" seed {}", self.spec.seed));
        name
    }
}

/// A value without spaces, so that a name falls into its words at them.
fn in_one_word(value: &Value) -> String {
    value.to_string().replace(", ", ",").split_whitespace().collect::<Vec<_>>().join("_")
}

/// Whether a person who typed `words` may mean the task of this name: all of it, or some of its words in any order.
pub fn is_meant(name: &str, words: &str) -> bool {
    let of_name: Vec<&str> = parts(name);
    let typed = parts(words);
    !typed.is_empty() && typed.iter().all(|word| of_name.contains(word))
}

/// The words of a name; `seed 2` is one.
fn parts(name: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = name.trim();
    while !rest.is_empty() {
        let mut end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        if &rest[..end] == "seed" && end < rest.len() {
            let number = end + rest[end..].find(|it: char| !it.is_whitespace()).unwrap_or(0);
            end = number + rest[number..].find(char::is_whitespace).unwrap_or(rest.len() - number);
        }
        parts.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_words_of_a_name_are_enough_and_a_number_is_not_the_beginning_of_another() {
        let name = "batch-sizes batch_size=256 model.dense=[64,32] seed 12";
        for words in [name, "batch_size=256 seed 12", "seed 12 batch-sizes", "model.dense=[64,32]"] {
            assert!(is_meant(name, words), "{words}");
        }
        for words in ["", "seed 1", "seed 2", "batch_size=25", "12", "batch"] {
            assert!(!is_meant(name, words), "{words}");
        }
    }
}
