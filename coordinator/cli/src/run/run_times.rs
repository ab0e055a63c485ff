//! How long a run took, against what was predicted; and what is learnt of that for the next one.

use std::collections::BTreeMap;
use std::path::Path;

use basin_core::forecast::{ExperimentForecast, MeasuredWork};
use basin_domain::memory_use::Deviation;
use serde_json::{Value, json};

use crate::output::span;
use crate::pace_file::PaceFile;
use crate::prediction::{LocalPace, PaceSource, Prediction};

/// Nobody wonders about runs that are shorter, in seconds.
const WORTH_TELLING: f64 = 1.0;

/// How long a run took.
pub(super) struct RunTimes {
    /// The seconds from the first task's beginning to the last one's end.
    pub(super) took: f64,
    pub(super) prediction: Prediction,
    /// What experiments took, in seconds of one executor.
    pub(super) experiments: Vec<ExperimentForecast>,
}

impl RunTimes {
    /// The predicted seconds, if all of the run could be predicted.
    fn planned(&self) -> Option<f64> {
        self.prediction.seconds.filter(|_| self.prediction.is_complete())
    }

    /// `; its tasks took 3 min 02 s, planned 2 min 50 s (−7 %)`.
    pub(super) fn text(&self) -> String {
        let Some(planned) = self.planned().filter(|_| self.took >= WORTH_TELLING) else {
            return String::new();
        };
        let deviation = Deviation(planned / self.took);
        let (took, planned) = (span(self.took), span(planned));
        format!("; its tasks took {took}, planned {planned} ({deviation})")
    }

    /// The same for programs, with each experiment's seconds of one executor, as they were planned and as they were.
    pub(super) fn json(&self) -> Value {
        let experiment = |it: &ExperimentForecast| {
            let MeasuredWork { seconds, expected } = it.measured?;
            tracing::info!(experiment = it.name, seconds, expected, "experiment measured");
            Some((it.name.clone(), json!({ "planned_seconds": expected, "took_seconds": seconds })))
        };
        let experiments: serde_json::Map<_, _> = self.experiments.iter().filter_map(experiment).collect();
        json!({ "took_seconds": self.took, "planned_seconds": self.planned(), "experiments": experiments })
    }

    /// Keeps in the folder `state` how long tasks took on these executors, by the kinds of their experiments.
    pub(super) fn learn(&self, local: Option<LocalPace>, kinds: &BTreeMap<String, String>, state: &Path) {
        // So little work says nothing of a machine.
        let Some(LocalPace { executors, mut pace, .. }) =
            local.filter(|local| local.source != PaceSource::Reference)
        else {
            return;
        };
        let mut by_kind: BTreeMap<&str, MeasuredWork> = BTreeMap::new();
        for experiment in &self.experiments {
            let (Some(measured), Some(kind)) = (experiment.measured, kinds.get(&experiment.name)) else {
                continue;
            };
            let all = by_kind.entry(kind).or_insert(MeasuredWork { seconds: 0.0, expected: 0.0 });
            all.seconds += measured.seconds;
            all.expected += measured.expected;
        }
        if by_kind.is_empty() {
            return;
        }
        by_kind.into_iter().for_each(|(kind, measured)| pace.learn(kind, measured));
        let (mut file, _) = PaceFile::read(state);
        file.keep(&executors, pace);
        if let Err(error) = file.write(state) {
            tracing::warn!(%error, state = %state.display(), "the machine's pace could not be kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::experiment::work::MachinePace;

    use super::*;
    use crate::pace_file::MeasuredPace;

    fn times(took: f64, planned: Option<f64>) -> RunTimes {
        let mut prediction = Prediction::default();
        prediction.seconds = planned;
        let experiment = |name: &str, seconds: f64, expected: f64| ExperimentForecast {
            name: name.to_owned(),
            work: expected,
            done: expected,
            measured: Some(MeasuredWork { seconds, expected }),
        };
        let reused = ExperimentForecast { measured: None, ..experiment("reused", 0.0, 0.0) };
        let experiments = vec![experiment("a", 30.0, 20.0), experiment("b", 10.0, 20.0), reused];
        RunTimes { took, prediction, experiments }
    }

    #[test]
    fn the_error_of_a_prediction_is_stated() {
        let text = |took, planned| times(took, planned).text();
        assert_eq!(text(182.0, Some(170.0)), "; its tasks took 3 min 02 s, planned 2 min 50 s (−7 %)");
        assert_eq!(text(100.0, Some(112.0)), "; its tasks took 1 min 40 s, planned 1 min 52 s (+12 %)");
        assert_eq!(text(100.0, Some(100.1)), "; its tasks took 1 min 40 s, planned 1 min 40 s (±0 %)");
        assert_eq!((text(100.0, None), text(0.3, Some(0.2))), (String::new(), String::new()));
    }

    #[test]
    fn programs_hear_of_each_experiment() {
        assert_eq!(
            times(2.0, Some(3.0)).json().to_string(),
            r#"{"experiments":{"a":{"planned_seconds":20.0,"took_seconds":30.0},"b":{"planned_seconds":20.0,"took_seconds":10.0}},"planned_seconds":3.0,"took_seconds":2.0}"#
        );
    }

    #[test]
    fn what_kinds_took_is_kept_for_these_executors() {
        let folder = tempfile::tempdir().unwrap();
        let local = |source| LocalPace {
            executors: "avx2 2x1".to_owned(),
            slots: 2,
            threads: 1,
            pace: MeasuredPace::new(MachinePace::REFERENCE),
            source,
        };
        let kinds = [("a", "classify"), ("b", "regress"), ("reused", "surface")];
        let kinds = kinds.map(|(name, kind)| (name.to_owned(), kind.to_owned())).into();
        times(1.0, None).learn(Some(local(PaceSource::Reference)), &kinds, folder.path());
        times(1.0, None).learn(None, &kinds, folder.path());
        assert_eq!(PaceFile::read(folder.path()).0, PaceFile::default());
        times(1.0, None).learn(Some(local(PaceSource::Measurement)), &kinds, folder.path());
        let (file, _) = PaceFile::read(folder.path());
        let mut expected = MeasuredPace::new(MachinePace::REFERENCE);
        expected.learn("classify", MeasuredWork { seconds: 30.0, expected: 20.0 });
        expected.learn("regress", MeasuredWork { seconds: 10.0, expected: 20.0 });
        assert_eq!(file.of("avx2 2x1"), Some(&expected));
    }
}
