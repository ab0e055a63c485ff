//! `STATE/pace.json`: how fast this machine was at what ran here, and at training steps that were measured to divide its cores. `basin run`
//! writes it, and a worker one of its own in its cache; whoever predicts or divides reads it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use basin_core::forecast::MeasuredWork;
use basin_domain::experiment::work::{MachinePace, WorkSeconds};
use serde::{Deserialize, Serialize};

/// What was measured longer ago counts as if no more than so many seconds had been: machines and programs change.
const MOST_EVIDENCE: f64 = 120.0;
/// Steps that are kept: beyond so many all that were measured before are forgotten.
const MOST_STEPS: usize = 200;
/// No kind takes so many times as long, or as short, as its arithmetic lets expect.
const MOST_FACTOR: f64 = 1_000.0;

/// The paces that were measured, by the executors that they were measured with.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct PaceFile {
    /// By device or instructions, executors, and threads of each: `avx512 2x1`.
    paces: BTreeMap<String, MeasuredPace>,
    /// The seconds of training steps, by what these are, and by the executors that trained then.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    steps: BTreeMap<String, BTreeMap<String, f64>>,
}

/// How fast some executors are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MeasuredPace {
    /// Of one of their threads.
    pub(crate) machine: MachinePace,
    /// How many times as long the tasks of a kind took as that lets expect.
    #[serde(default)]
    kinds: BTreeMap<String, KindFactor>,
}

/// A correction of what is expected of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct KindFactor {
    factor: f64,
    /// The seconds from which that is known.
    seconds: f64,
}

impl PaceFile {
    /// The file in a folder of local state; an empty one if there is none. What can't be used of it is nothing: then the remark says so.
    pub(crate) fn read(state: &Path) -> (Self, Option<String>) {
        let file = file_in(state);
        let unusable = |why: &dyn std::fmt::Display| {
            let remark = format!("{} can't be used ({why}); the machine is measured anew", file.display());
            (Self::default(), Some(remark))
        };
        let bytes = match std::fs::read(&file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return (Self::default(), None),
            Err(error) => return unusable(&error),
        };
        match serde_json::from_slice::<Self>(&bytes) {
            Ok(found) if found.is_possible() => (found, None),
            Ok(_) => unusable(&"it has numbers that no machine has"),
            Err(error) => unusable(&error),
        }
    }

    /// The pace of these executors, if it was measured, or of others with the same device or instructions.
    pub(crate) fn of(&self, executors: &str) -> Option<&MeasuredPace> {
        let kind = |name: &str| name.rsplit_once(' ').map_or(name, |(kind, _)| kind).to_owned();
        let alike = || self.paces.iter().find(|(name, _)| kind(name) == kind(executors));
        self.paces.get(executors).or_else(|| alike().map(|(_, pace)| pace))
    }

    /// Keeps the pace of these executors, in the place of the one before.
    pub(crate) fn keep(&mut self, executors: &str, pace: MeasuredPace) {
        self.paces.insert(executors.to_owned(), pace);
    }

    /// The seconds of a training step while these executors train, if they were measured.
    pub(crate) fn step_seconds(&self, step: &str, executors: &str) -> Option<f64> {
        self.steps.get(step)?.get(executors).copied()
    }

    /// Keeps the seconds of a training step, in the place of those before.
    pub(crate) fn keep_step(&mut self, step: &str, executors: &str, seconds: f64) {
        if self.steps.len() >= MOST_STEPS && !self.steps.contains_key(step) {
            self.steps.clear();
        }
        self.steps.entry(step.to_owned()).or_default().insert(executors.to_owned(), seconds);
    }

    fn is_possible(&self) -> bool {
        let mut seconds = self.steps.values().flat_map(BTreeMap::values);
        self.paces.values().all(MeasuredPace::is_possible) && seconds.all(|it| it.is_finite() && *it > 0.0)
    }

    /// Writes it, whole or not at all.
    pub(crate) fn write(&self, state: &Path) -> io::Result<()> {
        let file = file_in(state);
        // Workers may share a cache.
        let new = file.with_extension(format!("json.{}.new", std::process::id()));
        std::fs::write(&new, serde_json::to_vec_pretty(self)?)?;
        std::fs::rename(&new, &file)
    }
}

impl MeasuredPace {
    /// Of a machine at which nothing ran yet.
    pub(crate) fn new(machine: MachinePace) -> Self {
        Self { machine, kinds: BTreeMap::new() }
    }

    /// The seconds that a thread takes for a task of a kind.
    pub(crate) fn seconds(&self, kind: &str, work: &WorkSeconds) -> f64 {
        work.at(&self.machine) * self.kinds.get(kind).map_or(1.0, |known| known.factor)
    }

    /// Whether tasks ran here.
    pub(crate) fn is_of_runs(&self) -> bool {
        !self.kinds.is_empty()
    }

    /// Learns what tasks of a kind took that were expected by this pace.
    pub(crate) fn learn(&mut self, kind: &str, MeasuredWork { seconds, expected }: MeasuredWork) {
        let known = self.kinds.get(kind).copied().unwrap_or(KindFactor { factor: 1.0, seconds: 0.0 });
        let before = known.seconds.min(MOST_EVIDENCE);
        let factor = known.factor * (before + seconds) / (before + expected);
        let learnt = KindFactor { factor, seconds: before + expected };
        if learnt.is_possible() {
            self.kinds.insert(kind.to_owned(), learnt);
        }
    }

    fn is_possible(&self) -> bool {
        self.machine.is_possible() && self.kinds.values().all(KindFactor::is_possible)
    }
}

impl KindFactor {
    fn is_possible(&self) -> bool {
        (1.0 / MOST_FACTOR..MOST_FACTOR).contains(&self.factor)
            && self.seconds.is_finite()
            && self.seconds >= 0.0
    }
}

fn file_in(state: &Path) -> PathBuf {
    state.join("pace.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXECUTORS: &str = "avx512 2x1";

    fn work(seconds: f64) -> WorkSeconds {
        WorkSeconds { products: seconds, ..WorkSeconds::default() }
    }

    #[test]
    fn what_was_measured_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(PaceFile::read(folder.path()), (PaceFile::default(), None));
        let mut file = PaceFile::default();
        let mut pace = MeasuredPace::new(MachinePace { products: 2.0, ..MachinePace::REFERENCE });
        assert!(!pace.is_of_runs());
        pace.learn("classify", MeasuredWork { seconds: 30.0, expected: 20.0 });
        file.keep(EXECUTORS, pace.clone());
        file.write(folder.path()).unwrap();
        let (found, remark) = PaceFile::read(folder.path());
        assert_eq!((found.of(EXECUTORS), remark), (Some(&pace), None));
        assert_eq!(found.of("avx512 1x1"), Some(&pace), "others are about as fast");
        assert_eq!(found.of("avx2 2x1"), None);
        file.keep("avx512 1x1", MeasuredPace::new(MachinePace::REFERENCE));
        assert_eq!(file.of(EXECUTORS), Some(&pace));
        assert!((pace.seconds("classify", &work(1.0)) - 3.0).abs() < 1e-12);
        assert_eq!(pace.seconds("surface", &work(1.0)), 2.0);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn measured_steps_are_found_by_what_they_are_and_who_trained() {
        let folder = tempfile::tempdir().unwrap();
        // A file of an earlier version has none.
        std::fs::write(file_in(folder.path()), r#"{"paces":{}}"#).unwrap();
        let (mut file, remark) = PaceFile::read(folder.path());
        assert_eq!((file.step_seconds("step", EXECUTORS), remark), (None, None));
        file.keep_step("step", EXECUTORS, 0.5);
        file.keep_step("step", EXECUTORS, 0.25);
        file.write(folder.path()).unwrap();
        let (mut file, _) = PaceFile::read(folder.path());
        assert_eq!(file.step_seconds("step", EXECUTORS), Some(0.25));
        assert_eq!(
            (file.step_seconds("step", "avx512 1x2"), file.step_seconds("other", EXECUTORS)),
            (None, None)
        );
        (0..MOST_STEPS).for_each(|number| file.keep_step(&number.to_string(), EXECUTORS, 1.0));
        assert!(file.steps.len() <= MOST_STEPS && file.step_seconds("step", EXECUTORS).is_none());
        assert_eq!(file.step_seconds(&(MOST_STEPS - 1).to_string(), EXECUTORS), Some(1.0));
    }

    #[test]
    fn runs_that_take_as_long_as_expected_change_nothing_and_later_ones_count_more() {
        let mut pace = MeasuredPace::new(MachinePace::REFERENCE);
        pace.learn("regress", MeasuredWork { seconds: 20.0, expected: 10.0 });
        assert_eq!(pace.seconds("regress", &work(1.0)), 2.0);
        pace.learn("regress", MeasuredWork { seconds: 70.0, expected: 70.0 });
        assert_eq!(pace.seconds("regress", &work(1.0)), 2.0);
        // The machine has become three times as fast.
        for _ in 0..10 {
            let expected = pace.seconds("regress", &work(300.0));
            pace.learn("regress", MeasuredWork { seconds: 200.0, expected });
        }
        assert!((pace.seconds("regress", &work(1.0)) - 2.0 / 3.0).abs() < 0.05);
    }

    #[test]
    fn a_damaged_file_is_ignored_with_a_remark() {
        let folder = tempfile::tempdir().unwrap();
        let impossible = r#"{"paces":{"x":{"machine":{"products":-1,"elements":1,"double":1,"scalar":1}}}}"#;
        let absurd = r#"{"paces":{"x":{"machine":{"products":1,"elements":1,"double":1,"scalar":1},"kinds":{"classify":{"factor":1e9,"seconds":1}}}}}"#;
        let never = r#"{"paces":{},"steps":{"step":{"avx512 2x1":0.0}}}"#;
        for text in ["", "{", "[1]", impossible, absurd, never] {
            std::fs::write(file_in(folder.path()), text).unwrap();
            let (found, remark) = PaceFile::read(folder.path());
            assert_eq!(found, PaceFile::default(), "{text}");
            assert!(remark.unwrap().contains("pace.json can't be used"), "{text}");
        }
    }

    #[test]
    fn what_cannot_have_been_measured_is_not_learnt() {
        let mut pace = MeasuredPace::new(MachinePace::REFERENCE);
        for (seconds, expected) in [(0.0, 1.0), (1.0, 0.0), (f64::NAN, 1.0), (1e9, 1.0), (1.0, f64::INFINITY)]
        {
            pace.learn("classify", MeasuredWork { seconds, expected });
            assert!(!pace.is_of_runs(), "{seconds} {expected}");
        }
    }
}
