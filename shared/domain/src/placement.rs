//! The requirements of an experiment on the worker that trains it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::worker::WorkerDescription;

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
        let labels = labels.iter().map(|(key, value)| format!("label {key}={value}"));
        let all: Vec<String> = device.chain(memory).chain(labels).collect();
        f.write_str(&if all.is_empty() { "any worker".to_owned() } else { all.join(", ") })
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
