//! How many training examples a task takes a second while it trains: on average over the last seconds, since a single step says little.

use std::time::{Duration, Instant};

/// The time that the average is taken over; all of it before it has trained for so long.
const WINDOW: Duration = Duration::from_secs(10);

/// The rate of a run.
#[derive(Debug)]
pub(super) struct ExampleRate {
    /// When it was last looked, and how many examples there had been by then.
    looked: Instant,
    examples: u64,
    /// When the first step began, as far as looks show it.
    began: Instant,
    /// None before a step has ended.
    rate: Option<f64>,
}

impl ExampleRate {
    /// Of a run that begins now, and has taken so many examples before.
    pub(super) const fn new(examples: u64, now: Instant) -> Self {
        Self { looked: now, examples, began: now, rate: None }
    }

    /// It has taken so many examples by now: how many a second. Time counts from the first step on, evaluations and the turns of other
    /// tasks included.
    pub(super) fn update(&mut self, examples: u64, now: Instant) -> Option<f64> {
        let took = now.saturating_duration_since(self.looked).as_secs_f64();
        if took <= 0.0 {
            return self.rate;
        }
        let new = examples.saturating_sub(self.examples);
        let before = std::mem::replace(&mut self.looked, now);
        self.examples = examples;
        if self.rate.is_none() {
            if new == 0 {
                return None;
            }
            self.began = before;
        }
        let averaged = now.saturating_duration_since(self.began).min(WINDOW).as_secs_f64();
        let weight = (took / averaged).min(1.0);
        let rate = self.rate.unwrap_or_default();
        self.rate = Some(rate + weight * (new as f64 / took - rate));
        self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Duration = Duration::from_millis(250);

    /// Looks four times a second, each time after so many more examples; the last rate.
    fn run(rate: &mut ExampleRate, now: &mut Instant, examples: &mut u64, looks: &[u64]) -> Option<f64> {
        let mut told = None;
        for new in looks {
            (*now, *examples) = (*now + LOOK, *examples + new);
            told = rate.update(*examples, *now);
        }
        told
    }

    #[test]
    fn what_goes_on_before_the_first_step_does_not_count_and_neither_does_what_was_trained_before() {
        let (mut now, mut examples) = (Instant::now(), 70_000);
        let mut rate = ExampleRate::new(examples, now);
        assert_eq!(run(&mut rate, &mut now, &mut examples, &[0; 100]), None);
        assert_eq!(run(&mut rate, &mut now, &mut examples, &[64]), Some(256.0));
        assert_eq!(rate.update(examples, now), Some(256.0), "no time has passed");
    }

    #[test]
    fn the_first_seconds_are_averaged_as_they_are() {
        let (mut now, mut examples) = (Instant::now(), 0);
        let mut rate = ExampleRate::new(0, now);
        let told = run(&mut rate, &mut now, &mut examples, &[10, 30, 0, 40]).unwrap();
        assert!((told - 80.0).abs() < 1e-9, "{told}");
    }

    #[test]
    fn a_training_that_grows_slow_or_stops_for_an_evaluation_is_said_within_seconds() {
        let (mut now, mut examples) = (Instant::now(), 0);
        let mut rate = ExampleRate::new(0, now);
        let steady = run(&mut rate, &mut now, &mut examples, &[100; 400]).unwrap();
        assert!((steady - 400.0).abs() < 1e-6, "{steady}");
        let pausing = run(&mut rate, &mut now, &mut examples, &[0; 8]).unwrap();
        assert!((300.0..400.0).contains(&pausing), "{pausing}");
        let slow = run(&mut rate, &mut now, &mut examples, &[25; 160]).unwrap();
        assert!((100.0..110.0).contains(&slow), "{slow}");
    }

    #[test]
    fn steps_that_take_longer_than_the_average_is_taken_over_count_alone() {
        let now = Instant::now();
        let mut rate = ExampleRate::new(0, now);
        assert_eq!(rate.update(3_000, now + Duration::from_secs(30)), Some(100.0));
        assert_eq!(rate.update(3_600, now + Duration::from_secs(60)), Some(20.0));
        assert_eq!(rate.update(0, now + Duration::from_secs(61)).map(|rate| rate < 20.0), Some(true));
    }
}
