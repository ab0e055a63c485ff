//! A kind of one's own as its driver sees it.

use basin_domain::custom_kind::KindDeclaration;
use basin_domain::experiment::{Custom, Experiment, Parameter, Parameters};
use basin_domain::id::TaskId;
use basin_domain::metrics::Outcome;
use basin_domain::task::TaskSpec;
use serde::{Deserialize, Serialize};

use super::*;
use crate::{Advance, Assets, Finished, Run};

/// A random walk on a line; it diverges beyond `wall`.
struct Walk;

#[derive(Deserialize)]
struct WalkParameters {
    steps: u64,
    wall: f64,
    series: String,
}

struct Walker {
    parameters: WalkParameters,
    seed: u64,
    at: At,
    place: f64,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct At {
    step: u64,
}

impl Kind for Walk {
    type Parameters = WalkParameters;
    type Run = Walker;

    fn declaration(&self) -> Declaration {
        Declaration::new("walk", 7)
            .parameter("steps", ParameterType::integer(1..=100))
            .parameter_or("wall", ParameterType::positive(), 1e9)
            .parameter_or("series", ParameterType::Text, "place")
            .records("place", RecordedSeries::against(Axis::Iteration, "place"))
            .records("last", RecordedSeries::number("last place"))
    }

    fn check(&self, parameters: &WalkParameters) -> Result<(), InvalidParameter> {
        match parameters.steps {
            13 => Err(InvalidParameter::new("steps", "must not be 13")),
            _ => Ok(()),
        }
    }

    fn start(
        &self,
        task: &Task<'_, WalkParameters>,
        saved: Option<&Saved>,
    ) -> Result<Walker, ExperimentError> {
        let WalkParameters { steps, wall, ref series } = task.parameters;
        let parameters = WalkParameters { steps, wall, series: series.clone() };
        let (at, place) = match saved {
            None => (At::default(), 0.0),
            Some(saved) => (saved.state()?, saved.array("place")?.values()[0]),
        };
        Ok(Walker { parameters, seed: task.seed, at, place })
    }
}

impl KindRun for Walker {
    fn advance(&mut self, record: &mut Record) -> Result<Step, ExperimentError> {
        self.place += Stream::new(self.seed, &format!("step {}", self.at.step)).normal();
        self.at.step += 1;
        record.point(&self.parameters.series, self.at.step as f64, self.place)?;
        if self.place.abs() > self.parameters.wall {
            self.place = f64::NAN;
            return Ok(Step::Diverged);
        }
        if self.at.step < self.parameters.steps {
            return Ok(Step::More);
        }
        record.number("last", self.place)?;
        Ok(Step::Done)
    }

    fn progress(&self) -> Progress {
        Progress { iteration: self.at.step, iterations: self.parameters.steps, ..Progress::default() }
    }

    fn save(&self) -> Result<Saved, ExperimentError> {
        Ok(Saved::of(&self.at)?.with("place", Array::vector(vec![self.place])))
    }

    fn tensors(&self) -> Vec<(String, Array)> {
        vec![("place".to_owned(), Array::vector(vec![self.place]))]
    }
}

fn kinds() -> Kinds {
    Kinds::none().with(Walk).unwrap()
}

fn spec(steps: i64, wall: f64, series: &str) -> TaskSpec {
    let values = [("steps", Value::from(steps)), ("wall", wall.into()), ("series", series.into())];
    let parameters: Parameters =
        values.into_iter().map(|(name, value)| (name.to_owned(), Parameter::Value(value))).collect();
    let custom = Custom { name: "walk".parse().unwrap(), version: 7, parameters, work: 0 };
    TaskSpec {
        experiment: Experiment::Custom(custom),
        version: 7,
        seed: 5,
        data: None,
        inputs: Default::default(),
    }
}

fn start(spec: &TaskSpec, checkpoint: Option<&[u8]>) -> Result<Box<dyn Run>, ExperimentError> {
    kinds().start(spec, &Assets::default(), checkpoint)
}

fn finished(mut run: Box<dyn Run>) -> Result<Finished, ExperimentError> {
    while run.advance()? == Advance::More {}
    run.finish()
}

#[test]
fn a_run_that_goes_on_from_any_step_ends_with_the_same_bytes() {
    let spec = spec(9, 1e9, "place");
    let undisturbed = finished(start(&spec, None).unwrap()).unwrap();
    assert_eq!(undisturbed.metrics.series["place"].points.len(), 9);
    assert_eq!(undisturbed.metrics.last("last"), undisturbed.metrics.last("place"));
    for steps in 0..9 {
        let mut run = start(&spec, None).unwrap();
        (0..steps).for_each(|_| assert_eq!(run.advance().unwrap(), Advance::More));
        assert!(run.has_news());
        let checkpoint = run.checkpoint().unwrap();
        let run = start(&spec, Some(&checkpoint)).unwrap();
        assert_eq!(run.progress().iteration, steps);
        assert_eq!(finished(run).unwrap(), undisturbed, "after {steps} steps");
    }
}

#[test]
fn a_run_that_diverges_ends_as_that() {
    let ended = finished(start(&spec(50, 0.5, "place"), None).unwrap()).unwrap();
    let Outcome::Diverged { iteration } = ended.outcome else { panic!("{:?}", ended.outcome) };
    assert_eq!(ended.metrics.series["place"].points.len() as u64, iteration);
}

#[test]
fn a_checkpoint_that_is_damaged_or_anothers_is_refused_as_one() {
    let mut run = start(&spec(9, 1e9, "place"), None).unwrap();
    let checkpoint = run.checkpoint().unwrap();
    let mut damaged = checkpoint.clone();
    *damaged.last_mut().unwrap() ^= 1;
    for (spec, bytes) in [(spec(9, 1e9, "place"), &damaged), (spec(8, 1e9, "place"), &checkpoint)] {
        assert!(matches!(start(&spec, Some(bytes)), Err(ExperimentError::BadCheckpoint(_))));
    }
    assert!(matches!(run.finish(), Err(ExperimentError::NotDone)));
}

#[test]
fn what_was_not_declared_is_not_recorded() {
    let error = |series| finished(start(&spec(3, 1e9, series), None).unwrap()).unwrap_err().to_string();
    assert_eq!(error("speed"), "the run records `speed`, though its kind can't: it doesn't declare it");
    assert_eq!(
        error("last"),
        "the run records `last`, though its kind can't: it declares it as a single number"
    );
}

#[test]
fn a_task_that_the_kind_refuses_or_that_no_kind_here_runs_says_so() {
    let refused = start(&spec(13, 1e9, "place"), None).err().unwrap();
    assert_eq!(refused.to_string(), "the parameters can't be trained: `steps` must not be 13");
    let mut later = spec(3, 1e9, "place");
    let Experiment::Custom(custom) = &mut later.experiment else { unreachable!() };
    custom.version = 8;
    assert!(!kinds().has(custom));
    let unknown = start(&later, None).err().unwrap();
    assert_eq!(unknown.to_string(), "this program doesn't have version 8 of the kind walk");
    assert!(kinds().with(Walk).unwrap_err().to_string().contains("two kinds of this name"));
}

#[test]
fn the_result_of_another_task_is_read_with_its_tensors_and_its_end() {
    /// Reads where another walk ended.
    struct Look;
    struct Seen(InputResult);
    impl Kind for Look {
        type Parameters = serde::de::IgnoredAny;
        type Run = Seen;
        fn declaration(&self) -> Declaration {
            Declaration::new("look", 1).input("walk").records("seen", RecordedSeries::number("place"))
        }
        fn start(
            &self,
            task: &Task<'_, Self::Parameters>,
            _: Option<&Saved>,
        ) -> Result<Seen, ExperimentError> {
            assert!(task.data().is_err() && task.input("talk").is_err());
            task.input("walk").map(Seen)
        }
    }
    impl KindRun for Seen {
        fn advance(&mut self, record: &mut Record) -> Result<Step, ExperimentError> {
            record.number("seen", self.0.tensors["place"].values()[0])?;
            Ok(Step::Done)
        }
        fn progress(&self) -> Progress {
            Progress::default()
        }
        fn save(&self) -> Result<Saved, ExperimentError> {
            Saved::of(&())
        }
    }
    let walked = finished(start(&spec(9, 1e9, "place"), None).unwrap()).unwrap();
    let kinds = Kinds::none().with(Look).unwrap();
    let kind: KindDeclaration = kinds.declarations().remove(0);
    let custom =
        Custom { name: kind.name().clone(), version: kind.version(), parameters: Parameters::new(), work: 0 };
    let inputs = [("walk".to_owned(), TaskId(spec(9, 1e9, "place").shape()))].into();
    let experiment = Experiment::Custom(custom);
    let spec = TaskSpec { experiment, version: 1, seed: 0, data: None, inputs };
    let assets = Assets { inputs: [("walk".to_owned(), walked.result)].into(), ..Assets::default() };
    let seen = finished(kinds.start(&spec, &assets, None).unwrap()).unwrap();
    assert_eq!(seen.metrics.last("seen"), walked.metrics.last("last"));
}
