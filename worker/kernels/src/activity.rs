//! Signs of progress within one long operation: the large loops tick a counter, and whoever drives them can read it.
//!
//! Nothing ticks by a clock, so that a loop that hangs is silent. On a thread without a counter a tick does nothing.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

thread_local! {
    static COUNTER: RefCell<Option<ActivityCounter>> = const { RefCell::new(None) };
}

/// A count of pieces of work that are done.
#[derive(Debug, Clone, Default)]
pub struct ActivityCounter(Arc<AtomicU64>);

impl ActivityCounter {
    /// From now on what this thread does counts here.
    pub fn count_this_thread(&self) {
        COUNTER.with_borrow_mut(|counter| *counter = Some(self.clone()));
    }

    /// How many pieces of work were done.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A piece of work was done by this thread. Never part of the loop that it is called from: that one stays as it was compiled.
#[inline(never)]
pub fn tick() {
    COUNTER.with_borrow(|counter| {
        if let Some(ActivityCounter(count)) = counter {
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_counts_where_its_thread_is_followed_and_nowhere_else() {
        let (first, second) = (ActivityCounter::default(), ActivityCounter::default());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                first.count_this_thread();
                (0..3).for_each(|_| tick());
            });
            scope.spawn(|| {
                tick();
                second.count_this_thread();
                tick();
            });
        });
        assert_eq!((first.count(), second.count()), (3, 1));
    }
}
