//! How often something took how long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How many classes there are.
const CLASSES: usize = 12;

/// How often something took how long, since the process began. Any thread may note, and nobody waits for another.
#[derive(Debug, Default)]
pub struct Histogram {
    /// By class: no longer than the class's end in [`Histogram::ENDS`], and longer than the end before.
    classes: [AtomicU64; CLASSES],
    /// Longer than every class's end.
    above: AtomicU64,
    /// All of it together.
    nanoseconds: AtomicU64,
}

impl Histogram {
    /// The upper ends of the classes, in seconds: from a write on a fast disk to a launch of a large sweep. They are the same for everything, so
    /// that one picture fits all.
    pub const ENDS: [f64; CLASSES] =
        [0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0];

    /// Counts something that took so long.
    pub fn note(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let class = Self::ENDS.iter().position(|end| seconds <= *end);
        let count = class.map_or(&self.above, |class| &self.classes[class]);
        count.fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// What was noted until now.
    pub fn counts(&self) -> HistogramCounts {
        let mut count = 0;
        let mut up_to = [0; CLASSES];
        for (up_to, class) in up_to.iter_mut().zip(&self.classes) {
            count += class.load(Ordering::Relaxed);
            *up_to = count;
        }
        count += self.above.load(Ordering::Relaxed);
        let sum = Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed)).as_secs_f64();
        HistogramCounts { up_to, count, sum }
    }
}

/// The counts of a [`Histogram`] at a time.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HistogramCounts {
    /// How often it took no longer than each end in [`Histogram::ENDS`].
    pub up_to: [u64; CLASSES],
    /// How often there was anything to take time.
    pub count: u64,
    /// All of it together, in seconds.
    pub sum: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_falls_into_the_class_that_it_does_not_exceed() {
        let histogram = Histogram::default();
        for took in [Duration::from_micros(100), Duration::from_micros(101), Duration::from_secs(61)] {
            histogram.note(took);
        }
        let HistogramCounts { up_to, count, sum } = histogram.counts();
        assert_eq!(up_to, [1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
        assert_eq!(count, 3, "what is above every class counts all the same");
        assert!((sum - 61.000_201).abs() < 1e-9);
    }

    #[test]
    fn what_several_threads_note_is_all_there() {
        let histogram = Histogram::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1_000).for_each(|_| histogram.note(Duration::from_millis(1))));
            }
        });
        let HistogramCounts { up_to, count, sum } = histogram.counts();
        assert_eq!((up_to[1], up_to[2], count), (0, 4_000, 4_000));
        assert!((sum - 4.0).abs() < 1e-9, "{sum}");
    }
}
