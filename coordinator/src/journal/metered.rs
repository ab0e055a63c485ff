//! A journal that counts what passes through it: what `/metrics` tells of leases, attempts and the disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use basin_core::Event;
use basin_core::event::Change;
use basin_domain::failure::FailureKind;
use basin_storage::Histogram;

use super::{EncodedSnapshot, Journal, JournalError, Recovered};

/// Counters of a journal's traffic since it was opened; they only rise. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    launched: AtomicU64,
    granted: AtomicU64,
    expired: AtomicU64,
    committed: AtomicU64,
    released: AtomicU64,
    failed: [AtomicU64; FailureKind::ALL.len()],
    events: AtomicU64,
    appends: Histogram,
}

impl Meter {
    /// Sweeps launched.
    pub fn launched(&self) -> u64 {
        self.0.launched.load(Ordering::Relaxed)
    }

    /// Leases granted.
    pub fn granted(&self) -> u64 {
        self.0.granted.load(Ordering::Relaxed)
    }

    /// Leases that ran out.
    pub fn expired(&self) -> u64 {
        self.0.expired.load(Ordering::Relaxed)
    }

    /// Tasks committed.
    pub fn committed(&self) -> u64 {
        self.0.committed.load(Ordering::Relaxed)
    }

    /// Tasks given back without having failed.
    pub fn released(&self) -> u64 {
        self.0.released.load(Ordering::Relaxed)
    }

    /// Attempts that failed, by cause.
    pub fn failed(&self) -> impl Iterator<Item = (FailureKind, u64)> {
        FailureKind::ALL.into_iter().zip(self.0.failed.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    /// Events kept.
    pub fn events(&self) -> u64 {
        self.0.events.load(Ordering::Relaxed)
    }

    /// How long appending took.
    pub fn appends(&self) -> &Histogram {
        &self.0.appends
    }

    fn count(&self, events: &[Event], took: Duration) {
        for event in events {
            if let Some(counter) = self.counter(&event.change) {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.0.events.fetch_add(events.len() as u64, Ordering::Relaxed);
        self.0.appends.note(took);
    }

    fn counter(&self, change: &Change) -> Option<&AtomicU64> {
        let counters = &self.0;
        match change {
            Change::Launched(_) | Change::Opened(_) => Some(&counters.launched),
            Change::Granted(_) => Some(&counters.granted),
            Change::Expired { .. } => Some(&counters.expired),
            Change::Committed(_) => Some(&counters.committed),
            Change::Released { .. } => Some(&counters.released),
            Change::Failed { failure, .. } => {
                let kind = FailureKind::ALL.iter().position(|kind| *kind == failure.kind);
                kind.map(|kind| &counters.failed[kind])
            }
            Change::NeedsChanged { .. }
            | Change::Adjusted { .. }
            | Change::OwnerChanged { .. }
            | Change::CommitDecided(_)
            | Change::Withdrawn(_)
            | Change::Paused(_)
            | Change::Resumed(_)
            | Change::Cancelled(_)
            | Change::SweepForgotten(_)
            | Change::Retried { .. }
            | Change::Announced(_)
            | Change::Extended(_)
            | Change::HeartbeatReceived(_)
            | Change::Exited(_)
            | Change::Drained(_)
            | Change::Avoided { .. }
            | Change::Forgotten(_)
            | Change::Restarted { .. }
            | Change::Rebuilt { .. } => None,
        }
    }
}

/// A journal whose appended events are counted.
#[derive(Debug)]
pub struct Metered<J> {
    journal: J,
    meter: Meter,
}

impl<J> Metered<J> {
    /// Counts what `journal` keeps.
    pub const fn new(journal: J, meter: Meter) -> Self {
        Self { journal, meter }
    }
}

impl<J: Journal> Journal for Metered<J> {
    fn load(&mut self) -> Result<Recovered, JournalError> {
        self.journal.load()
    }

    fn append(&mut self, events: &[Event]) -> Result<(), JournalError> {
        let began = Instant::now();
        self.journal.append(events)?;
        self.meter.count(events, began.elapsed());
        Ok(())
    }

    fn confirm(&mut self) -> Result<(), JournalError> {
        self.journal.confirm()
    }

    fn sequence(&self) -> u64 {
        self.journal.sequence()
    }

    fn keep_snapshot(&mut self, snapshot: &EncodedSnapshot) -> Result<(), JournalError> {
        self.journal.keep_snapshot(snapshot)
    }
}
