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
