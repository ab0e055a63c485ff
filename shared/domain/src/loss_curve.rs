//! The loss of a task while it trains, for people who look on: a bounded number of points, spread over the whole training.

use crate::curve::{Curve, CurvePoint};

/// The loss at a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossPoint {
    /// Steps of the optimiser done.
    pub iteration: u64,
    /// The loss there; finite in a [`LossCurve`].
    pub loss: f64,
}

impl CurvePoint for LossPoint {
    type Position = u64;

    fn position(&self) -> u64 {
        self.iteration
    }

    fn is_finite(&self) -> bool {
        self.loss.is_finite()
    }
}

/// How the loss went over a training.
pub type LossCurve = Curve<LossPoint>;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(iteration: u64) -> LossPoint {
        LossPoint { iteration, loss: 1.0 / (1.0 + iteration as f64) }
    }

    fn curve(capacity: usize, iterations: impl IntoIterator<Item = u64>) -> LossCurve {
        let mut curve = LossCurve::new(capacity);
        iterations.into_iter().for_each(|iteration| curve.push(at(iteration)));
        curve
    }

    fn iterations(curve: &LossCurve) -> Vec<u64> {
        curve.points().iter().map(|point| point.iteration).collect()
    }

    #[test]
    fn a_short_training_is_kept_whole_and_a_step_that_is_said_twice_once() {
        assert_eq!(iterations(&curve(8, [1, 3, 3, 4])), [1, 3, 4]);
        assert_eq!(curve(8, []).points(), []);
    }

    #[test]
    fn a_long_training_stays_within_its_bound_and_is_covered_evenly() {
        for (every, total) in [(1, 1_000), (1, 1_000_000), (37, 50_000)] {
            let mut curve = LossCurve::new(64);
            for iteration in (0..total).step_by(every) {
                curve.push(at(iteration));
                assert!(curve.points().len() < 64);
                assert_eq!(curve.points().last(), Some(&at(iteration)), "the newest is always there");
            }
            let iterations = iterations(&curve);
            assert_eq!(iterations[0], 0);
            assert!(iterations.len() >= 20, "{}", iterations.len());
            let widest = iterations.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
            assert!(widest <= total / 20 + every as u64, "{widest} of {total} steps are in no point");
        }
    }

    #[test]
    fn a_training_that_goes_on_from_an_earlier_step_takes_back_what_came_after_it() {
        assert_eq!(iterations(&curve(8, [1, 2, 3, 4, 2, 5])), [1, 2, 5]);
        assert_eq!(iterations(&curve(8, [7, 0])), [0]);
    }

    #[test]
    fn a_loss_that_is_no_number_is_no_point() {
        let mut curve = curve(8, [1, 2]);
        for loss in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            curve.push(LossPoint { iteration: 3, loss });
        }
        assert_eq!(iterations(&curve), [1, 2]);
    }

    #[test]
    fn the_greatest_steps_that_can_be_said_break_nothing() {
        let mut curve = curve(8, [0, u64::MAX - 1, u64::MAX]);
        for back in 0..100 {
            curve.push(at(u64::MAX / 2 + back));
        }
        assert!(curve.points().len() < 8);
    }

    #[test]
    fn points_that_somebody_else_keeps_are_removed_and_others_stay() {
        let mut curve = curve(8, 1..=7);
        let told = curve.points().to_vec();
        curve.push(at(20));
        curve.remove(&told);
        assert_eq!(iterations(&curve), [20]);
        curve.remove(&[at(20)]);
        (30..33).for_each(|iteration| curve.push(at(iteration)));
        assert_eq!(iterations(&curve), [30, 31, 32], "what comes then is as dense as at first");
    }
}
