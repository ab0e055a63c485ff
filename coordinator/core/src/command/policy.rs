//! The ledger's settings.

use std::num::NonZeroU32;
use std::time::Duration;

/// The ledger's settings: part of its construction, the same at replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How long a lease lasts without renewal.
    pub lease_duration: Duration,
    /// Charged attempts after which a task fails.
    pub max_attempts: u32,
    /// Distinct workers on which a task must fail before a retryable failure becomes final early ("fails everywhere").
    pub quarantine_workers: u32,
    /// Failures in a row after which a worker gets no leases for `avoid_for`.
    pub bad_worker_failures: u32,
    /// How long a bad worker is avoided.
    pub avoid_for: Duration,
    /// Tasks that one launch may bring.
    pub max_tasks: u64,
    /// Slots of workers that the tasks of one sweep may take at once, whatever was asked for it.
    pub max_slots_of_sweep: Option<NonZeroU32>,
    /// Slots of workers that the tasks of one user's sweeps may take at once.
    pub max_slots_of_user: Option<NonZeroU32>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            lease_duration: Duration::from_secs(30),
            max_attempts: 3,
            quarantine_workers: 3,
            bad_worker_failures: 5,
            avoid_for: Duration::from_secs(300),
            max_tasks: 100_000,
            max_slots_of_sweep: None,
            max_slots_of_user: None,
        }
    }
}
