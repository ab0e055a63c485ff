//! The requirements of an experiment on the worker that trains it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{CommandName, KindName};
use crate::worker::WorkerDescription;

/// The labels of commands that a worker's operator allows begin with this. A label of that name is advertised by the worker that
/// has the command, and needed by the experiments that run it: so placement knows of labels alone.
const COMMAND_LABEL: &str = "command/";

/// The labels of kinds that a worker's own program brings begin with this.
const KIND_LABEL: &str = "kind/";

/// The label of a worker whose program has this version of a kind.
pub fn kind_label(kind: &KindName, version: u32) -> (String, String) {
    (format!("{KIND_LABEL}{kind}/{version}"), "known".to_owned())
}

/// The label of a worker whose operator allows this command.
pub fn command_label(command: &CommandName) -> (String, String) {
    (format!("{COMMAND_LABEL}{command}"), "allowed".to_owned())
}

/// An experiment's requirements on a worker. They change nothing about results, so no task's id depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Requirements {
    /// The kind of device: `cpu`, `cuda`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The least memory for a task, in bytes: the device's, or an executor's share of the machine's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Labels that the worker must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl Requirements {
    /// The same, of a worker whose operator allows this command.
    pub fn add_command(&mut self, command: &CommandName) {
        let (key, value) = command_label(command);
        self.labels.insert(key, value);
    }

    /// The same, of a worker whose program has this version of a kind.
    pub fn add_kind(&mut self, kind: &KindName, version: u32) {
        let (key, value) = kind_label(kind, version);
        self.labels.insert(key, value);
    }

    /// The commands that a worker must allow.
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        self.labels.keys().filter_map(|key| key.strip_prefix(COMMAND_LABEL))
    }

    /// Whether any worker will do.
    pub fn is_empty(&self) -> bool {
        let Self { device, memory, labels } = self;
        device.is_none() && memory.is_none() && labels.is_empty()
    }

    /// Whether the worker has all of it. A worker that doesn't say how much memory it has is taken to have none.
    pub fn are_met_by(&self, worker: &WorkerDescription) -> bool {
        let Self { device, memory, labels } = self;
        device.as_ref().is_none_or(|device| *device == worker.device)
            && memory.is_none_or(|memory| memory <= worker.memory)
            && labels.iter().all(|(key, value)| worker.labels.get(key) == Some(value))
    }
}

impl fmt::Display for Requirements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device, memory, labels } = self;
        let device = device.iter().map(|device| format!("device {device}"));
        let memory = memory.iter().map(|memory| format!("{} of memory", ByteSize(*memory)));
        let labels = labels.iter().map(|(key, value)| label_words(key, value));
        let all: Vec<String> = device.chain(memory).chain(labels).collect();
        f.write_str(&if all.is_empty() { "any worker".to_owned() } else { all.join(", ") })
    }
}

/// What a label asks for, in words.
fn label_words(key: &str, value: &str) -> String {
    if let Some(command) = key.strip_prefix(COMMAND_LABEL) {
        return format!("the command {command}, which its operator must allow");
    }
    match key.strip_prefix(KIND_LABEL).and_then(|kind| kind.split_once('/')) {
        Some((kind, version)) => format!("version {version} of the kind {kind}, which its program must have"),
        None => format!("label {key}={value}"),
    }
}

/// A number of bytes, in words: `8 GiB`, `1.5 GiB`, `12 MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteSize(pub u64);

/// The units in which memory is given, largest first.
const UNITS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match UNITS.iter().find(|(_, unit)| self.0 >= *unit) {
            Some((name, unit)) if self.0.is_multiple_of(*unit) => write!(f, "{} {name}", self.0 / unit),
            Some((name, unit)) => write!(f, "{:.1} {name}", self.0 as f64 / *unit as f64),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

impl std::str::FromStr for ByteSize {
    type Err = InvalidByteSize;

    /// Reads `8GiB`, `8 GiB`, `512MiB`: a whole number and its unit.
    fn from_str(text: &str) -> Result<Self, InvalidByteSize> {
        let bytes = UNITS.iter().find_map(|(name, unit)| {
            let number: u64 = text.trim().strip_suffix(name)?.trim_end().parse().ok()?;
            number.checked_mul(*unit)
        });
        bytes.filter(|bytes| *bytes > 0).map(Self).ok_or_else(|| InvalidByteSize(text.to_owned()))
    }
}

/// A text that is no amount of memory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no amount of memory: give a whole number and KiB, MiB, GiB or TiB, like 8GiB")]
pub struct InvalidByteSize(String);

#[cfg(test)]
mod tests {
    use super::*;

    fn worker() -> WorkerDescription {
        let labels = [("zone".to_owned(), "a".to_owned()), ("rack".to_owned(), "7".to_owned())].into();
        WorkerDescription {
            device: "cuda".to_owned(),
            memory: 8 << 30,
            labels,
            ..WorkerDescription::default()
        }
    }

    fn needs(device: &str, memory: u64, label: (&str, &str)) -> Requirements {
        let labels = [(label.0.to_owned(), label.1.to_owned())].into();
        Requirements { device: Some(device.to_owned()), memory: Some(memory), labels }
    }

    #[test]
    fn a_worker_must_have_all_that_is_needed() {
        assert!(Requirements::default().are_met_by(&WorkerDescription::default()));
        assert!(needs("cuda", 8 << 30, ("zone", "a")).are_met_by(&worker()));
        assert!(!needs("cpu", 8 << 30, ("zone", "a")).are_met_by(&worker()));
        assert!(!needs("cuda", (8 << 30) + 1, ("zone", "a")).are_met_by(&worker()));
        assert!(!needs("cuda", 1, ("zone", "b")).are_met_by(&worker()));
        assert!(!needs("cuda", 1, ("floor", "a")).are_met_by(&worker()));
    }

    #[test]
    fn a_command_is_run_where_it_is_allowed_and_said_as_what_it_is() {
        let train: CommandName = "train".parse().unwrap();
        let mut needs = Requirements::default();
        needs.add_command(&train);
        assert!(!needs.are_met_by(&worker()));
        let labels = [command_label(&train)].into();
        assert!(needs.are_met_by(&WorkerDescription { labels, ..worker() }));
        assert_eq!(needs.to_string(), "the command train, which its operator must allow");
        assert_eq!(needs.commands().collect::<Vec<_>>(), ["train"]);
    }

    #[test]
    fn a_kind_is_run_where_the_program_has_its_version() {
        let kind: KindName = "hopfield".parse().unwrap();
        let mut needs = Requirements::default();
        needs.add_kind(&kind, 2);
        let with = |version| WorkerDescription { labels: [kind_label(&kind, version)].into(), ..worker() };
        assert!(needs.are_met_by(&with(2)) && !needs.are_met_by(&with(1)));
        assert_eq!(needs.to_string(), "version 2 of the kind hopfield, which its program must have");
    }

    #[test]
    fn memory_is_read_with_its_unit_and_written_back() {
        assert_eq!("8GiB".parse(), Ok(ByteSize(8 << 30)));
        assert_eq!(" 512 MiB".parse(), Ok(ByteSize(512 << 20)));
        for wrong in ["8", "8GB", "GiB", "-1GiB", "1.5GiB", "0KiB", "99999999TiB"] {
            assert!(wrong.parse::<ByteSize>().is_err(), "{wrong}");
        }
        assert_eq!(ByteSize(3 << 29).to_string(), "1.5 GiB");
        assert_eq!(
            needs("cuda", 8 << 30, ("zone", "a")).to_string(),
            "device cuda, 8 GiB of memory, label zone=a"
        );
    }
}
