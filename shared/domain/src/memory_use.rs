//! How much memory an executor had while it worked on a task, and how much was predicted.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::placement::ByteSize;

/// How much memory an executor had while it worked on a task, in bytes. Nothing that a result depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryUse {
    /// The most that it had ever had when the attempt began.
    pub before: u64,
    /// The most that it had ever had when the task was trained: its program, the data set's file, and what lay beside the task in it, too.
    pub peak: u64,
    /// What was predicted, if anybody could ([`crate::experiment::Experiment::executor_memory`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted: Option<u64>,
}

impl MemoryUse {
    /// The most that the executor had while it worked on the task. None where it had had as much before: it keeps what it has had, so that
    /// nothing is known then but that the task needed no more.
    pub fn used(&self) -> Option<u64> {
        (self.peak > self.before).then_some(self.peak)
    }

    /// How many times as much was used as was predicted, where both are known.
    pub fn factor(&self) -> Option<f64> {
        let predicted = self.predicted.filter(|predicted| *predicted > 0)?;
        Some(self.used()? as f64 / predicted as f64)
    }
}

/// `predicted 210 MiB, used 198 MiB at most (−6 %)`.
impl fmt::Display for MemoryUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(predicted) = self.predicted {
            write!(f, "predicted {}, ", ByteSize(predicted))?;
        }
        match self.used() {
            Some(used) => write!(f, "used {} at most", ByteSize(used))?,
            None => write!(f, "used no more than the {} of tasks before it", ByteSize(self.peak))?,
        }
        match self.factor() {
            Some(factor) => write!(f, " ({})", Deviation(factor)),
            None => Ok(()),
        }
    }
}

/// By how much something differs from what was predicted: `−6 %`, of a factor of 0.94.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Deviation(pub f64);

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = ((self.0 - 1.0) * 100.0).round();
        let sign = match percent {
            ..0.0 => "−",
            0.0 => "±",
            _ => "+",
        };
        write!(f, "{sign}{} %", percent.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn what_was_used_stands_beside_what_was_predicted() {
        let of = |before: u64, peak: u64, predicted: Option<u64>| {
            let predicted = predicted.map(|predicted| predicted * MIB);
            MemoryUse { before: before * MIB, peak: peak * MIB, predicted }.to_string()
        };
        assert_eq!(of(20, 198, Some(210)), "predicted 210 MiB, used 198 MiB at most (−6 %)");
        assert_eq!(of(20, 300, Some(200)), "predicted 200 MiB, used 300 MiB at most (+50 %)");
        assert_eq!(of(20, 200, Some(200)), "predicted 200 MiB, used 200 MiB at most (±0 %)");
        assert_eq!(of(20, 198, None), "used 198 MiB at most");
        assert_eq!(
            of(300, 300, Some(210)),
            "predicted 210 MiB, used no more than the 300 MiB of tasks before it"
        );
    }

    #[test]
    fn an_executor_that_had_as_much_before_tells_nothing_of_the_task() {
        let memory = MemoryUse { before: 7, peak: 7, predicted: Some(0) };
        assert_eq!((memory.used(), memory.factor()), (None, None));
        let text = serde_json::to_string(&MemoryUse { predicted: None, ..memory }).unwrap();
        assert_eq!(text, r#"{"before":7,"peak":7}"#);
        assert_eq!(serde_json::from_str::<MemoryUse>(&text).unwrap().predicted, None);
    }
}
