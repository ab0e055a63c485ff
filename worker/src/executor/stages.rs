//! When an executor did what for a task that is traced: each activity from its first piece to its last.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use basin_domain::time_spent::Activity;
use basin_proto::executor::{Stage, Traced};

/// The activities of a task so far, in the order in which it came to them: as many as there are kinds, however long it trains.
#[derive(Debug)]
pub(super) struct Stages {
    /// One moment by both clocks: that of the day is read once, and may be set meanwhile.
    began: (SystemTime, Instant),
    stages: Vec<Pieces>,
}

/// The pieces of an activity.
#[derive(Debug)]
struct Pieces {
    activity: Activity,
    began: Instant,
    ended: Instant,
    took: Duration,
    count: u64,
}

impl Stages {
    /// Of a task that the executor is told of now.
    pub(super) fn new(now: Instant) -> Self {
        Self { began: (SystemTime::now(), now), stages: Vec::new() }
    }

    /// A piece of an activity that has just ended.
    pub(super) fn add(&mut self, activity: Activity, began: Instant, took: Duration) {
        let ended = began + took;
        match self.stages.iter_mut().find(|stage| stage.activity == activity) {
            Some(stage) => {
                stage.ended = ended;
                stage.took += took;
                stage.count += 1;
            }
            None => self.stages.push(Pieces { activity, began, ended, took, count: 1 }),
        }
    }

    /// All of it, for the agent, of a task that ends now.
    pub(super) fn traced(&self, now: Instant) -> Traced {
        let stage = |stage: &Pieces| Stage {
            activity: stage.activity.name().into_owned(),
            began_unix_ns: self.unix_ns(stage.began),
            ended_unix_ns: self.unix_ns(stage.ended),
            seconds: stage.took.as_secs_f64(),
            pieces: stage.count,
        };
        Traced {
            process: std::process::id(),
            ended_unix_ns: self.unix_ns(now),
            stages: self.stages.iter().map(stage).collect(),
        }
    }

    fn unix_ns(&self, at: Instant) -> u64 {
        let (began, moment) = self.began;
        let since =
            began.duration_since(UNIX_EPOCH).unwrap_or_default() + at.saturating_duration_since(moment);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_activity_is_told_from_its_first_piece_to_its_last_with_what_it_took_of_that() {
        let now = Instant::now();
        let mut stages = Stages::new(now);
        let (second, at) = (Duration::from_secs(1), |seconds| now + Duration::from_secs(seconds));
        stages.add(Activity::Load, now, second);
        for step in 0..1_000 {
            stages.add(Activity::Training, at(1 + 2 * step), second);
            stages.add(Activity::Probe("sharpness"), at(2 + 2 * step), second / 2);
        }
        let Traced { process, ended_unix_ns, stages } = stages.traced(at(2_002));
        assert_eq!(process, std::process::id());
        let names: Vec<&str> = stages.iter().map(|stage| stage.activity.as_str()).collect();
        assert_eq!(names, ["load", "training", "probe sharpness"]);
        let (load, training, probe) = (&stages[0], &stages[1], &stages[2]);
        assert_eq!((training.seconds, training.pieces, probe.seconds), (1_000.0, 1_000, 500.0));
        assert_eq!(training.began_unix_ns - load.began_unix_ns, 1_000_000_000);
        assert_eq!(training.ended_unix_ns - training.began_unix_ns, 1_999_000_000_000);
        assert_eq!(ended_unix_ns - load.began_unix_ns, 2_002_000_000_000);
    }
}
