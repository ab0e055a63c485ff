//! All that a program has said so far.

use basin_domain::failure::{Failure, FailureKind};
use basin_domain::metrics::{Axis, Metrics, Outcome, is_series_name};
use basin_domain::worker::Progress;

use super::program_message::{FailureCause, Number, ProgramMessage};

/// The most values that a program may record.
pub(super) const MOST_VALUES: usize = 1_000_000;
/// The most series and single numbers.
pub(super) const MOST_SERIES: usize = 1_000;

/// The record of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Record {
    /// What was measured.
    pub(super) metrics: Metrics,
    /// How far the program is.
    pub(super) progress: Progress,
    /// The step at which the run diverged, if it did.
    pub(super) diverged: Option<u64>,
}

impl Record {
    /// How the run ends if it ends now.
    pub(super) fn outcome(&self) -> Outcome {
        self.diverged.map_or(Outcome::Completed, |iteration| Outcome::Diverged { iteration })
    }

    /// Takes in what a line says; true if it says that there is a checkpoint.
    ///
    /// # Errors
    /// The failure of the run: the program gives up, or says what can't be kept.
    pub(super) fn add(&mut self, message: ProgramMessage) -> Result<bool, Failure> {
        match message {
            ProgramMessage::Series { name, axis, x, value } => self.add_point(&name, axis, x.0, value.0)?,
            ProgramMessage::Number { name, value } => {
                self.has_room(&name, Axis::Once)?;
                self.note_value(value.0, self.progress.iteration);
                self.metrics.set(&name, value.0);
            }
            ProgramMessage::Progress { iteration, iterations, epoch, epochs, loss } => {
                let loss = loss.map(|Number(loss)| loss);
                self.progress =
                    Progress { iteration, iterations, epoch, epochs, loss, ..Progress::default() };
                self.note_value(loss.unwrap_or(0.0), iteration);
            }
            ProgramMessage::Checkpoint {} => return Ok(true),
            ProgramMessage::Diverged { iteration } => {
                self.diverged.get_or_insert(iteration);
            }
            ProgramMessage::Failed { cause, message } => {
                let kind = match cause {
                    FailureCause::InvalidParameters => FailureKind::InvalidParameters,
                    FailureCause::MissingData => FailureKind::MissingData,
                    FailureCause::OutOfMemory => FailureKind::OutOfMemory,
                    FailureCause::Experiment => FailureKind::Experiment,
                };
                return Err(Failure::new(kind, format!("the program gave up: {message}")));
            }
        }
        Ok(false)
    }

    fn add_point(&mut self, name: &str, axis: Axis, x: f64, value: f64) -> Result<(), Failure> {
        if axis == Axis::Once {
            return Err(refused(format!("the series `{name}` has no axis: a single number is a `number`")));
        }
        if !x.is_finite() {
            return Err(refused(format!("the series `{name}` has a point at {x}")));
        }
        self.has_room(name, axis)?;
        self.note_value(value, if axis == Axis::Iteration { x as u64 } else { self.progress.iteration });
        self.metrics.push(name, axis, x, value);
        Ok(())
    }

    /// A value that isn't finite is kept as it is, and the run counts as diverged.
    fn note_value(&mut self, value: f64, iteration: u64) {
        if !value.is_finite() {
            self.diverged.get_or_insert(iteration);
        }
    }

    fn has_room(&self, name: &str, axis: Axis) -> Result<(), Failure> {
        if !is_series_name(name) {
            let name: String = name.chars().take(80).collect();
            return Err(refused(format!(
                "`{name}` is no name of a series: it has letters, digits and `_`, the first of them a letter"
            )));
        }
        match self.metrics.series.get(name) {
            Some(series) if series.axis != axis => Err(refused(format!(
                "the series `{name}` is against `{}`, and then against `{}`",
                series.axis.as_str(),
                axis.as_str()
            ))),
            Some(_) if self.values() >= MOST_VALUES => {
                Err(refused(format!("it recorded more than {MOST_VALUES} values")))
            }
            None if self.metrics.series.len() >= MOST_SERIES => {
                Err(refused(format!("it recorded more than {MOST_SERIES} series")))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn values(&self) -> usize {
        self.metrics.series.values().map(|series| series.points.len()).sum()
    }
}

/// The failure of a program that says what can't be kept.
pub(super) fn refused(why: String) -> Failure {
    Failure::new(FailureKind::Experiment, why)
}

#[cfg(test)]
mod tests {
    use super::super::program_message::read;
    use super::*;

    fn after(lines: &[&str]) -> Result<Record, Failure> {
        let mut record = Record::default();
        for line in lines {
            record.add(read(line).unwrap())?;
        }
        Ok(record)
    }

    #[test]
    fn series_numbers_and_progress_are_kept() {
        let record = after(&[
            r#"{"type":"series","name":"loss","axis":"epoch","x":1,"value":0.5}"#,
            r#"{"type":"series","name":"loss","axis":"epoch","x":2,"value":0.25}"#,
            r#"{"type":"number","name":"parameters","value":7}"#,
            r#"{"type":"progress","iteration":3,"iterations":9}"#,
        ]);
        let record = record.unwrap();
        assert_eq!(record.metrics.series["loss"].points, [(1.0, 0.5), (2.0, 0.25)]);
        assert_eq!(record.metrics.last("parameters"), Some(7.0));
        assert_eq!((record.progress.iteration, record.progress.iterations), (3, 9));
        assert_eq!(record.outcome(), Outcome::Completed);
    }

    #[test]
    fn a_value_that_is_not_finite_is_kept_and_the_run_has_diverged_where_it_came_first() {
        let record = after(&[
            r#"{"type":"progress","iteration":5}"#,
            r#"{"type":"series","name":"loss","axis":"epoch","x":1,"value":NaN}"#,
            r#"{"type":"diverged","iteration":9}"#,
        ]);
        let record = record.unwrap();
        assert_eq!(record.outcome(), Outcome::Diverged { iteration: 5 });
        assert!(record.metrics.last("loss").unwrap().is_nan());
    }

    #[test]
    fn what_cannot_be_kept_fails_the_run_with_its_reason() {
        let epoch = r#"{"type":"series","name":"loss","axis":"epoch","x":1,"value":1}"#;
        for (lines, why) in [
            (vec![r#"{"type":"number","name":"a b","value":1}"#], "`a b` is no name"),
            (
                vec![epoch, r#"{"type":"series","name":"loss","axis":"iteration","x":1,"value":1}"#],
                "against `epoch`",
            ),
            (vec![r#"{"type":"series","name":"a","axis":"once","x":1,"value":1}"#], "has no axis"),
            (vec![r#"{"type":"series","name":"a","axis":"epoch","x":NaN,"value":1}"#], "a point at NaN"),
        ] {
            let failure = after(&lines).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Experiment);
            assert!(failure.message.contains(why), "{}", failure.message);
        }
        let gave_up = after(&[r#"{"type":"failed","cause":"invalid-parameters","message":"no"}"#]);
        assert_eq!(gave_up.unwrap_err().kind, FailureKind::InvalidParameters);
    }

    #[test]
    fn there_is_an_end_to_what_is_kept() {
        let mut record = Record::default();
        for number in 0..MOST_VALUES {
            record.metrics.push("loss", Axis::Epoch, number as f64, 0.0);
        }
        let one_more = read(r#"{"type":"series","name":"loss","axis":"epoch","x":1,"value":1}"#).unwrap();
        assert!(record.add(one_more).unwrap_err().message.contains("more than 1000000 values"));
    }

    #[test]
    fn names_of_series_are_checked_before_anything_is_kept() {
        for name in ["", "1a", "_a", "a-b", "a b", "ü", "a/b", "../a", "a\\u0000", "a\\n"] {
            let line = format!(r#"{{"type":"number","name":"{name}","value":1}}"#);
            let mut record = Record::default();
            let failure = record.add(read(&line).unwrap()).unwrap_err();
            assert!(failure.message.contains("is no name of a series"), "{name}: {failure:?}");
            assert_eq!(record, Record::default(), "{name}");
        }
        let long = "x".repeat(60_000);
        let line = format!(r#"{{"type":"number","name":"{long} ","value":1}}"#);
        assert!(Record::default().add(read(&line).unwrap()).unwrap_err().message.len() < 300);
    }

    #[test]
    fn a_number_that_is_said_again_is_the_last_one_and_one_that_was_a_series_is_refused() {
        let number = |value: u32| format!(r#"{{"type":"number","name":"a","value":{value}}}"#);
        let record = after(&[&number(1), &number(2)]).unwrap();
        assert_eq!(record.metrics.series["a"].points.len(), 1);
        assert_eq!(record.metrics.last("a"), Some(2.0));
        let point = r#"{"type":"series","name":"a","axis":"epoch","x":1,"value":1}"#;
        assert!(after(&[point, &number(1)]).unwrap_err().message.contains("against `epoch`"));
        assert!(after(&[&number(1), point]).unwrap_err().message.contains("against `epoch`"));
    }

    #[test]
    fn a_run_that_diverged_stays_so_from_where_it_was_first_said() {
        let at = |iteration: u64| format!(r#"{{"type":"diverged","iteration":{iteration}}}"#);
        let record = after(&[&at(9), &at(3), r#"{"type":"progress","iteration":20,"loss":"NaN"}"#]).unwrap();
        assert_eq!(record.outcome(), Outcome::Diverged { iteration: 9 });
        assert!(record.progress.loss.unwrap().is_nan());
    }

    #[test]
    fn a_point_that_is_not_finite_says_the_step_if_its_series_does() {
        let point = |axis: &str, x: &str| {
            format!(r#"{{"type":"series","name":"a","axis":"{axis}","x":{x},"value":-Infinity}}"#)
        };
        let progress = r#"{"type":"progress","iteration":5}"#;
        for (axis, x, iteration) in [
            ("epoch", "77", 5),
            ("iteration", "77", 77),
            ("iteration", "-3", 0),
            ("iteration", "1e300", u64::MAX),
        ] {
            let record = after(&[progress, &point(axis, x)]).unwrap();
            assert_eq!(record.outcome(), Outcome::Diverged { iteration }, "{axis} {x}");
        }
    }

    #[test]
    fn each_cause_of_a_program_is_a_kind_of_failure() {
        for (cause, kind) in [
            ("invalid-parameters", FailureKind::InvalidParameters),
            ("missing-data", FailureKind::MissingData),
            ("out-of-memory", FailureKind::OutOfMemory),
            ("experiment", FailureKind::Experiment),
        ] {
            let line = format!(r#"{{"type":"failed","cause":"{cause}","message":"why"}}"#);
            let failure = after(&[&line]).unwrap_err();
            assert_eq!((failure.kind, failure.message.as_str()), (kind, "the program gave up: why"));
        }
    }

    #[test]
    fn there_is_an_end_to_the_names_that_are_kept() {
        let mut record = Record::default();
        for number in 0..MOST_SERIES {
            let line = format!(r#"{{"type":"number","name":"a{number}","value":1}}"#);
            assert!(!record.add(read(&line).unwrap()).unwrap());
        }
        let one_more = read(r#"{"type":"number","name":"b","value":1}"#).unwrap();
        assert!(record.add(one_more).unwrap_err().message.contains("more than 1000 series"));
        // Those that are there go on.
        assert_eq!(record.add(read(r#"{"type":"number","name":"a7","value":2}"#).unwrap()), Ok(false));
        assert_eq!(record.add(ProgramMessage::Checkpoint {}), Ok(true));
    }
}
