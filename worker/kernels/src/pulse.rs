//! Signs that work goes on within one long operation: the large loops beat, and whoever drives them can see that they do.
//!
//! Nothing beats by a clock, so that a loop that hangs is silent. A thread that nobody follows beats into the void.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

thread_local! {
    static PULSE: RefCell<Option<Pulse>> = const { RefCell::new(None) };
}

/// A count of pieces of work that are done.
#[derive(Debug, Clone, Default)]
pub struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// From now on what this thread does counts here.
    pub fn follow_this_thread(&self) {
        PULSE.with_borrow_mut(|pulse| *pulse = Some(self.clone()));
    }

    /// How many pieces of work were done.
    pub fn beats(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A piece of work was done by this thread. Never part of the loop that it is called from: that one stays as it was compiled.
#[inline(never)]
pub fn beat() {
    PULSE.with_borrow(|pulse| {
        if let Some(Pulse(beats)) = pulse {
            beats.fetch_add(1, Ordering::Relaxed);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_counts_where_its_thread_is_followed_and_nowhere_else() {
        let (first, second) = (Pulse::default(), Pulse::default());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                first.follow_this_thread();
                (0..3).for_each(|_| beat());
            });
            scope.spawn(|| {
                beat();
                second.follow_this_thread();
                beat();
            });
        });
        assert_eq!((first.beats(), second.beats()), (3, 1));
    }
}
