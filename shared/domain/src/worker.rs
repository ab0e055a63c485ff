//! Workers: what one is, the leases that it holds, and how far its tasks are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{LeaseId, TaskId};

/// A worker's description.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WorkerDescription {
    /// The host's name, for people.
    pub host: String,
    /// `cpu`, `cuda`.
    pub device: String,
    /// The memory that an executor may use, in bytes: its device's memory, or its share of the machine's; 0 if that isn't known.
    #[serde(default)]
    pub memory: u64,
    /// Executors.
    pub slots: u32,
    /// Threads an executor.
    pub threads: u32,
    /// The program's version.
    pub version: String,
    /// The kernels' code path (`avx512`, `avx2`, `portable`).
    pub code_path: String,
    /// Labels for placement.
    pub labels: BTreeMap<String, String>,
}

/// How far a task is. Never journalled.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Steps of the optimiser done.
    pub iteration: u64,
    /// Steps in all.
    pub iterations: u64,
    /// Passes over the data done.
    pub epoch: u32,
    /// Passes in all.
    pub epochs: u32,
    /// The latest loss.
    pub loss: Option<f64>,
    /// Seconds that a step takes at present.
    pub step_seconds: Option<f64>,
    /// How long ago its executor last showed progress, in milliseconds, if a worker says so.
    #[serde(default)]
    pub silent_ms: Option<u64>,
    /// It is trained, and its worker holds the result until the store takes it.
    #[serde(default)]
    pub is_held: bool,
    /// The share of all its work that is done, evaluations and probes included, if its worker says so.
    #[serde(default)]
    pub done_share: Option<f64>,
    /// Training examples that steps were made with, a second of wall time, on average over the last seconds; none of what doesn't train on
    /// examples.
    #[serde(default)]
    pub examples_per_second: Option<f64>,
}

impl Progress {
    /// The share of the task's work that is done, from 0 to 1, as far as it is told: by steps where nothing else is said.
    pub fn share(&self) -> f64 {
        if self.is_held {
            return 1.0;
        }
        let by_steps = (self.iterations > 0).then(|| self.iteration as f64 / self.iterations as f64);
        let told = self.done_share.filter(|share| share.is_finite()).or(by_steps);
        told.unwrap_or(0.0).clamp(0.0, 1.0)
    }

    /// The training examples a second that it takes now: none once it is trained.
    pub fn current_examples_per_second(&self) -> Option<f64> {
        self.examples_per_second.filter(|rate| !self.is_held && is_example_rate(rate))
    }
}

/// More examples a second than any worker trains on.
const MOST_EXAMPLES_PER_SECOND: f64 = 1e15;

/// Whether a number can be a rate of training: finite, not negative, and such as a machine may reach.
pub fn is_example_rate(rate: &f64) -> bool {
    (0.0..=MOST_EXAMPLES_PER_SECOND).contains(rate)
}

/// More cores than any machine has.
pub const MOST_CORES: u32 = 1 << 20;
/// More bytes of memory than any machine has.
pub const MOST_MEMORY: u64 = 1 << 60;

/// What the processes of a worker use of its machine: the agent's, its executors', and those that these have started. Never journalled,
/// and nothing is decided by it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct WorkerUsage {
    /// Cores that they kept busy, on average over the last seconds; none before that is known, or where the system doesn't tell.
    pub cpu_cores: Option<f64>,
    /// Cores that they may use; 0 if that isn't known.
    pub cores: u32,
    /// Bytes that they have in memory, with files that several of them have mapped once; none where the system doesn't tell.
    pub memory: Option<u64>,
    /// Bytes that the machine has, or that the worker's control group allows; 0 if that isn't known.
    pub memory_limit: u64,
}

/// A lease that a worker holds.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldLease {
    /// The lease.
    pub lease: LeaseId,
    /// How far each of its unfinished tasks is.
    pub progress: Vec<(TaskId, Progress)>,
}

/// Why a worker should give up a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationReason {
    /// The lease ended, or was never this worker's.
    Lost,
    /// No sweep wants its tasks any more: release.
    Cancelled,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_is_trained_takes_no_more_examples_and_no_rate_is_beyond_measure() {
        let rate = |rate| Progress { examples_per_second: Some(rate), ..Progress::default() };
        assert_eq!(rate(640.0).current_examples_per_second(), Some(640.0));
        assert_eq!(Progress { is_held: true, ..rate(640.0) }.current_examples_per_second(), None);
        for absurd in [f64::NAN, f64::INFINITY, -1.0, 1e16] {
            assert_eq!(rate(absurd).current_examples_per_second(), None, "{absurd}");
        }
        assert_eq!(Progress::default().current_examples_per_second(), None);
    }

    #[test]
    fn a_share_is_what_a_worker_says_else_that_of_its_steps() {
        let by_steps = Progress { iteration: 3, iterations: 4, ..Progress::default() };
        assert_eq!(by_steps.share(), 0.75);
        assert_eq!(Progress { done_share: Some(0.5), ..by_steps }.share(), 0.5);
        assert_eq!(Progress { is_held: true, ..by_steps }.share(), 1.0);
        assert_eq!(Progress::default().share(), 0.0);
        for (told, share) in [(f64::NAN, 0.75), (f64::INFINITY, 0.75), (7.0, 1.0), (-1.0, 0.0)] {
            assert_eq!(Progress { done_share: Some(told), ..by_steps }.share(), share, "{told}");
        }
    }
}
