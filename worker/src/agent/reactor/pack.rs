//! How many tasks a worker asks for in one lease.

use std::time::Duration;

/// A lease's tasks should last about so long: then a call to the coordinator costs little, and what is leased and waits for its turn
/// on a worker doesn't wait long.
const LEASE_LASTS: Duration = Duration::from_secs(2);

/// The size of packs, which follows from how long tasks take.
#[derive(Debug, Clone, Copy)]
pub(super) struct PackSize {
    most: u32,
    least: u32,
    current: u32,
}

impl PackSize {
    /// Packs of at most `most` tasks for executors of `threads` threads, each of which can train one: so many are asked for
    /// until it is known how long they take.
    pub(super) fn new(most: u32, threads: u32) -> Self {
        let least = threads.clamp(1, most.max(1));
        Self { most: most.max(1), least, current: least }
    }

    /// The size to ask for.
    pub(super) const fn current(self) -> u32 {
        self.current
    }

    /// A lease of so many tasks took so long.
    pub(super) fn learn(&mut self, tasks: usize, took: Duration) {
        let each = took.as_secs_f64() / tasks.max(1) as f64;
        let fitting = (LEASE_LASTS.as_secs_f64() / each.max(1e-6)).round();
        self.current = (fitting as u32).clamp(self.least, self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_tasks_are_asked_for_in_large_packs_and_long_ones_by_threads() {
        let mut size = PackSize::new(64, 4);
        assert_eq!(size.current(), 4);
        size.learn(4, Duration::from_millis(400));
        assert_eq!(size.current(), 20);
        size.learn(20, Duration::from_millis(1));
        assert_eq!(size.current(), 64);
        size.learn(64, Duration::from_secs(6_400));
        assert_eq!(size.current(), 4);
        size.learn(0, Duration::ZERO);
        assert_eq!(size.current(), 64);
    }

    #[test]
    fn a_pack_is_never_larger_than_what_was_set() {
        let mut size = PackSize::new(1, 16);
        assert_eq!(size.current(), 1);
        size.learn(1, Duration::from_millis(1));
        assert_eq!(size.current(), 1);
    }
}
