//! When an executor was told to begin with a task, began, and ended: what of an attempt's time went by around what it measures itself.

use std::time::Instant;

use basin_domain::time_spent::{Activity, TimeSpent};
use basin_proto::executor::from_executor;

/// These moments, by a clock that never goes back.
#[derive(Debug, Clone, Copy)]
pub(super) struct ExecutorTimes {
    told: Instant,
    began: Instant,
    ended: Instant,
}

impl ExecutorTimes {
    /// Of an executor that is told to begin now.
    pub(super) const fn told(now: Instant) -> Self {
        Self { told: now, began: now, ended: now }
    }

    /// It said this.
    pub(super) fn hear(&mut self, message: &from_executor::Message, at: Instant) {
        if let from_executor::Message::Started(_) = message {
            self.began = at;
        } else if let from_executor::Message::Finished(_) = message {
            self.ended = at;
        }
    }

    /// All that the executor spent time on, given what it says of it itself: also its start, and the turns of other tasks.
    pub(super) fn spent(&self, said: &str) -> TimeSpent {
        let mut spent: TimeSpent = serde_json::from_str(said).unwrap_or_default();
        // It says that it has begun once everything is loaded.
        let load = spent.of(Activity::Load);
        let until_begun = self.began.saturating_duration_since(self.told);
        let afterwards = self.ended.saturating_duration_since(self.began);
        let worked = spent.total().saturating_sub(load);
        spent.add(Activity::Start, until_begun.saturating_sub(load));
        spent.add(Activity::Turns, afterwards.saturating_sub(worked));
        spent
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use basin_proto::executor::{Finished, Started};

    use super::*;

    #[test]
    fn what_an_executor_does_not_measure_is_its_start_and_the_turns_of_others() {
        let told = Instant::now();
        let after = |seconds| told + Duration::from_secs(seconds);
        let mut times = ExecutorTimes::told(told);
        times.hear(&from_executor::Message::Started(Started::default()), after(5));
        times.hear(&from_executor::Message::Progressed(Default::default()), after(7));
        times.hear(&from_executor::Message::Finished(Finished::default()), after(25));
        let spent = times.spent(r#"{"load": 2.0, "training": 11.0, "results": 1.0}"#);
        let expected = [("start", 3.0), ("load", 2.0), ("training", 11.0), ("turns", 8.0), ("results", 1.0)];
        assert_eq!(spent.in_order(), expected);
        assert_eq!(spent.total(), Duration::from_secs(25));
    }

    #[test]
    fn of_an_executor_that_says_nothing_or_too_much_no_time_is_negative() {
        let told = Instant::now();
        let mut times = ExecutorTimes::told(told);
        times.hear(&from_executor::Message::Started(Started::default()), told + Duration::from_secs(1));
        times.hear(&from_executor::Message::Finished(Finished::default()), told + Duration::from_secs(4));
        assert_eq!(times.spent("").in_order(), [("start", 1.0), ("turns", 3.0)]);
        assert_eq!(times.spent(r#"{"training": 9.0}"#).in_order(), [("start", 1.0), ("training", 9.0)]);
    }
}
