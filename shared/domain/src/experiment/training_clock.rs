//! How long a run trains, and where in it a step lies.

use super::TrainingTime;

/// The length of a run's training in steps, and how many of them are an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrainingClock {
    examples: u64,
    batch_size: u64,
    steps: u64,
}

impl TrainingClock {
    /// The clock of a run over so many training examples, in batches of which the last of an epoch may be smaller.
    pub fn new(budget: TrainingTime, examples: u64, batch_size: u64) -> Self {
        let batch_size = batch_size.max(1);
        Self { examples, batch_size, steps: budget.steps(examples.div_ceil(batch_size)) }
    }

    /// Steps in all.
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// Steps of an epoch.
    pub const fn steps_an_epoch(&self) -> u64 {
        self.examples.div_ceil(self.batch_size)
    }

    /// The epochs that are begun, in all: the last may end in its middle.
    pub fn epochs(&self) -> u32 {
        u32::try_from(self.steps.div_ceil(self.steps_an_epoch().max(1))).unwrap_or(u32::MAX)
    }

    /// The epochs that are done after so many steps.
    pub fn whole_epochs(&self, step: u64) -> u32 {
        u32::try_from(step / self.steps_an_epoch().max(1)).unwrap_or(u32::MAX)
    }

    /// The epochs that are done after so many steps, with the share of the epoch that is under way.
    pub fn epoch(&self, step: u64) -> f64 {
        step as f64 / self.steps_an_epoch().max(1) as f64
    }

    /// The examples of the epoch under way that are done after so many steps.
    pub fn position(&self, step: u64) -> u64 {
        step % self.steps_an_epoch().max(1) * self.batch_size
    }

    /// The examples that were trained on in the first so many steps, each as often as it was.
    pub fn examples_seen(&self, step: u64) -> u64 {
        u64::from(self.whole_epochs(step)) * self.examples + self.position(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_of_steps_ends_in_the_middle_of_an_epoch() {
        // Batches of 4, 4 and 2.
        let clock = TrainingClock::new(TrainingTime::Steps(7), 10, 4);
        assert_eq!((clock.steps(), clock.steps_an_epoch(), clock.epochs()), (7, 3, 3));
        assert_eq!((clock.whole_epochs(7), clock.position(7), clock.examples_seen(7)), (2, 4, 24));
        assert_eq!(clock.examples_seen(6), 20);
        assert!((clock.epoch(7) - 7.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn epochs_are_whole() {
        let clock = TrainingClock::new(TrainingTime::Epochs(5), 10, 4);
        assert_eq!(
            (clock.steps(), clock.epochs(), clock.whole_epochs(15), clock.position(15)),
            (15, 5, 5, 0)
        );
    }
}
