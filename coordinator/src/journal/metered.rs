//! A journal that counts what passes through it: what `/metrics` tells of leases, attempts and the disk.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use basin_core::Event;
use basin_core::event::Change;
use basin_domain::failure::FailureKind;

use super::{EncodedSnapshot, Journal, JournalError, Recovered};

/// The upper ends of the classes of [`Meter::appends`], in seconds; what is above the last has a class of its own.
pub const CLASSES: [f64; 10] = [0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5];

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
    appends: Mutex<Histogram>,
}

/// How long something took, how often.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Histogram {
    /// How often it took no longer than the class's end in [`CLASSES`], and longer than the end before.
    pub classes: [u64; CLASSES.len()],
    /// How often there was anything to take time.
    pub count: u64,
    /// All of it together, in seconds.
    pub sum: f64,
}

impl Histogram {
    fn note(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        if let Some(class) = CLASSES.iter().position(|end| seconds <= *end) {
            self.classes[class] += 1;
        }
        self.count += 1;
        self.sum += seconds;
    }
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
    pub fn appends(&self) -> Histogram {
        *self.0.appends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, events: &[Event], took: Duration) {
        for event in events {
            if let Some(counter) = self.counter(&event.change) {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.0.events.fetch_add(events.len() as u64, Ordering::Relaxed);
        self.0.appends.lock().unwrap_or_else(PoisonError::into_inner).note(took);
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
            | Change::Restarted { .. } => None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_falls_into_the_class_that_it_does_not_exceed() {
        let mut histogram = Histogram::default();
        histogram.note(Duration::from_micros(100));
        histogram.note(Duration::from_micros(101));
        histogram.note(Duration::from_secs(60));
        assert_eq!(histogram.classes, [1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(histogram.count, 3, "what is above every class counts all the same");
        assert!((histogram.sum - 60.000_201).abs() < 1e-9);
    }
}
