//! The loss of a task while it trains, for people who look on: a bounded number of points, spread over the whole training.

/// The loss at a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossPoint {
    /// Steps of the optimiser done.
    pub iteration: u64,
    /// The loss there; finite in a [`LossCurve`].
    pub loss: f64,
}

/// Points of a training, by ascending steps. However long it trains, there are fewer than `capacity`: when they become as many, half of
/// them go, and later ones come as sparsely.
#[derive(Debug, Clone, PartialEq)]
pub struct LossCurve {
    capacity: usize,
    points: Vec<LossPoint>,
    /// The steps that lie between two points at least, but for the newest one.
    spacing: u64,
}

impl LossCurve {
    /// A curve without points.
    ///
    /// # Panics
    /// If it has no room for eight.
    pub const fn new(capacity: usize) -> Self {
        assert!(capacity >= 8, "a curve of a few points is none");
        Self { capacity, points: Vec::new(), spacing: 0 }
    }

    /// Adds the newest point. A training that goes on from an earlier step takes back what it had said of later ones. A loss that
    /// isn't finite is left out.
    pub fn push(&mut self, point: LossPoint) {
        if !point.loss.is_finite() {
            return;
        }
        while self.points.last().is_some_and(|last| last.iteration >= point.iteration) {
            self.points.pop();
        }
        // The newest point stands for those that came too soon after the one before it.
        if let [.., before, last] = self.points[..]
            && last.iteration - before.iteration < self.spacing
        {
            self.points.pop();
        }
        self.points.push(point);
        if self.points.len() == self.capacity {
            self.thin();
        }
    }

    /// Leaves half of the points, as evenly as they come, the first and the last among them.
    fn thin(&mut self) {
        let (Some(first), Some(last)) = (self.points.first().copied(), self.points.last().copied()) else {
            return;
        };
        self.spacing = (last.iteration - first.iteration).div_ceil(self.capacity as u64 / 2);
        let mut kept = first.iteration;
        let spacing = self.spacing;
        self.points.retain(|point| {
            let is_far = *point == first || point.iteration - kept >= spacing || *point == last;
            if is_far {
                kept = point.iteration;
            }
            is_far
        });
    }

    /// The points, by ascending steps.
    pub fn points(&self) -> &[LossPoint] {
        &self.points
    }

    /// Leaves these points out: somebody else keeps them.
    pub fn remove(&mut self, points: &[LossPoint]) {
        self.points.retain(|point| !points.contains(point));
        if self.points.is_empty() {
            self.spacing = 0;
        }
    }
}

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
