//! The run: point after point, split after split, chunk after chunk.

use basin_domain::experiment::series::training as series;
use basin_domain::id::TaskId;
use basin_domain::metrics::{Axis, Metrics, Outcome};
use basin_domain::task::TaskSpec;
use basin_domain::time_spent::Activity;
use basin_domain::worker::Progress;
use basin_kernels::LossSums;
use serde::{Deserialize, Serialize};

use crate::checkpoint::{self, bad};
use crate::model::Model;
use crate::tensors::NamedTensors;
use crate::training::{EVALUATION_CHUNK, LearningProblem, SavedSums, Split, evaluate};
use crate::{Advance, ExperimentError, Finished, Run};

/// Raised whenever the layout of checkpoints changes.
const FORMAT: u32 = 2;

/// The points at which a network is evaluated.
pub(crate) trait WeightPoints: Send {
    /// How many points there are.
    fn count(&self) -> usize;

    /// One of them.
    fn point(&self, index: usize) -> WeightPoint;

    /// Records what is known without any evaluation.
    fn describe(&self, metrics: &mut Metrics);

    /// Records what follows from the evaluations, once all are made.
    fn conclude(&self, _: &mut Metrics) {}
}

/// A point in weight space.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WeightPoint {
    /// The weights, flat.
    pub(crate) weights: Vec<f64>,
    /// The buffers, flat; empty where they are the same at all points.
    pub(crate) buffers: Vec<f64>,
    /// The axis of the series.
    pub(crate) axis: Axis,
    /// The point's x.
    pub(crate) x: f64,
    /// Its coordinates, series of their own.
    pub(crate) coordinates: Vec<(&'static str, f64)>,
}

/// The examples that a network is evaluated on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct EvaluatedExamples<'a> {
    /// The splits.
    pub(crate) splits: &'a [Split],
    /// How many of each at most, the first ones; all if none.
    pub(crate) most: Option<u32>,
}

/// Evaluations of a network at many points.
pub(crate) struct Landscape<P, Q> {
    task: TaskId,
    problem: P,
    model: Model,
    points: Q,
    /// The splits that are evaluated, each with the number of its examples.
    splits: Vec<(Split, usize)>,
    position: Cursor,
    latest_loss: Option<f64>,
    metrics: Metrics,
    outcome: Outcome,
}

/// No points at all.
pub(super) struct NoPoints;

impl WeightPoints for NoPoints {
    fn count(&self) -> usize {
        0
    }

    fn point(&self, index: usize) -> WeightPoint {
        unreachable!("there are no points, and {index} is asked for")
    }

    fn describe(&self, _: &mut Metrics) {}
}

impl<P: LearningProblem + 'static> Landscape<P, NoPoints> {
    /// A landscape around a solution that isn't there, because the run that was to find it diverged: it is at its end, and ended
    /// as that run did, before its first step.
    pub(super) fn without_solution(
        spec: &TaskSpec,
        problem: P,
        model: Model,
    ) -> Result<Box<dyn Run>, ExperimentError> {
        let mut landscape =
            Self::start(spec, problem, model, NoPoints, EvaluatedExamples { splits: &[], most: None }, None)?;
        landscape.outcome = Outcome::Diverged { iteration: 0 };
        Ok(Box::new(landscape))
    }
}

/// How far an evaluation is.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Cursor {
    /// The point.
    point: usize,
    /// The split, of those that are evaluated.
    split: usize,
    /// The examples that are done.
    example: usize,
    sums: LossSums,
}

impl Cursor {
    const fn at(point: usize, split: usize) -> Self {
        Self { point, split, example: 0, sums: LossSums { loss: 0.0, correct: 0, count: 0 } }
    }
}

/// The counters of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct LandscapeState {
    #[serde(rename = "place")]
    point: usize,
    #[serde(rename = "part")]
    split: usize,
    example: usize,
    sums: SavedSums,
}

impl<P: LearningProblem, Q: WeightPoints> Landscape<P, Q> {
    /// Starts to evaluate `model` at all points on these examples, or goes on from a checkpoint.
    ///
    /// # Errors
    /// If the checkpoint can't be used.
    pub(crate) fn start(
        spec: &TaskSpec,
        problem: P,
        model: Model,
        points: Q,
        examples: EvaluatedExamples<'_>,
        checkpoint: Option<&[u8]>,
    ) -> Result<Self, ExperimentError> {
        let limit = examples.most.map_or(usize::MAX, |most| most as usize);
        let counted = examples.splits.iter().map(|&split| (split, problem.examples(split).min(limit)));
        let splits: Vec<_> = counted.filter(|&(_, count)| count > 0).collect();
        let mut metrics = Metrics::default();
        points.describe(&mut metrics);
        let (task, position) = (spec.id(), Cursor::at(0, 0));
        let outcome = Outcome::Completed;
        let mut landscape =
            Self { task, problem, model, points, splits, position, latest_loss: None, metrics, outcome };
        if let Some(bytes) = checkpoint {
            landscape.restore(bytes)?;
        }
        landscape.go_to_point()?;
        Ok(landscape)
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), ExperimentError> {
        let opened = checkpoint::open::<LandscapeState>(bytes, self.task, FORMAT)?;
        let LandscapeState { point, split, example, sums } = opened.state;
        let is_end = point == self.points.count() && split == 0 && example == 0;
        if !is_end && (point >= self.points.count() || split >= self.splits.len()) {
            return Err(bad(format!("there is no part {split} of place {point}")));
        }
        let sums = LossSums::from(sums);
        let count = self.splits.get(split).map_or(0, |&(_, count)| count);
        if sums.count != (example * self.problem.terms()) as u64
            || sums.correct > sums.count
            || (!is_end && example >= count)
        {
            return Err(bad(format!("it is at example {example} of {count}, with sums of {}", sums.count)));
        }
        self.position = Cursor { point, split, example, sums };
        self.metrics = opened.metrics;
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.position.point >= self.points.count() || self.splits.is_empty()
    }

    fn go_to_point(&self) -> Result<(), ExperimentError> {
        if self.is_done() {
            return Ok(());
        }
        let WeightPoint { weights, buffers, .. } = self.points.point(self.position.point);
        if !buffers.is_empty() {
            self.model.set_buffers(&buffers)?;
        }
        self.model.set_parameters(&weights)
    }

    /// The share of the evaluations that are made.
    fn done_share(&self) -> f64 {
        if self.is_done() {
            return 1.0;
        }
        let Cursor { point, split, example, .. } = self.position;
        let of_one: usize = self.splits.iter().map(|(_, count)| count).sum();
        let here: usize = self.splits[..split].iter().map(|(_, count)| count).sum::<usize>() + example;
        (point as f64 + here as f64 / of_one.max(1) as f64) / self.points.count() as f64
    }

    fn keep(&mut self, split: Split, sums: LossSums) {
        let WeightPoint { axis, x, coordinates, .. } = self.points.point(self.position.point);
        if self.position.split == 0 {
            for (name, value) in coordinates {
                self.metrics.push(name, axis, x, value);
            }
        }
        let loss = sums.loss / sums.count as f64;
        self.latest_loss = Some(loss);
        self.metrics.record(&series::loss_on(split).against(axis), x, loss);
        if P::HAS_ACCURACY {
            let accuracy = sums.correct as f64 / sums.count as f64;
            self.metrics.record(&series::accuracy_on(split).against(axis), x, accuracy);
        }
    }
}

impl<P: LearningProblem, Q: WeightPoints> Run for Landscape<P, Q> {
    fn advance(&mut self) -> Result<Advance, ExperimentError> {
        if self.is_done() {
            return Ok(Advance::Done);
        }
        let (split, count) = self.splits[self.position.split];
        let end = (self.position.example + EVALUATION_CHUNK).min(count);
        self.position.sums += evaluate(&self.problem, &self.model, split, self.position.example..end)?;
        self.position.example = end;
        if end < count {
            return Ok(Advance::More);
        }
        self.keep(split, self.position.sums);
        let Cursor { point, split, .. } = self.position;
        if split + 1 < self.splits.len() {
            self.position = Cursor::at(point, split + 1);
            return Ok(Advance::More);
        }
        self.position = Cursor::at(point + 1, 0);
        self.go_to_point()?;
        if !self.is_done() {
            return Ok(Advance::More);
        }
        self.points.conclude(&mut self.metrics);
        Ok(Advance::Done)
    }

    fn activity(&self) -> Activity {
        Activity::Evaluation
    }

    fn progress(&self) -> Progress {
        Progress {
            iteration: self.position.point as u64,
            iterations: self.points.count() as u64,
            epoch: 0,
            epochs: 0,
            loss: self.latest_loss,
            done_share: Some(self.done_share()),
            ..Progress::default()
        }
    }

    fn metrics(&self) -> Option<&Metrics> {
        Some(&self.metrics)
    }

    fn checkpoint(&mut self) -> Result<Vec<u8>, ExperimentError> {
        let Cursor { point, split, example, sums } = self.position;
        let state = LandscapeState { point, split, example, sums: sums.into() };
        checkpoint::encode(self.task, FORMAT, &state, NamedTensors::new(), &self.metrics)
    }

    fn finish(self: Box<Self>) -> Result<Finished, ExperimentError> {
        if !self.is_done() {
            return Err(ExperimentError::NotDone);
        }
        let result = crate::tensors::serialize(&NamedTensors::new(), None)?;
        Ok(Finished { outcome: self.outcome, metrics: self.metrics, result })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fit_function::FunctionFit;
    use basin_domain::experiment::{
        Experiment, FitFunction, Function, PointLayout, SampledFunction, StreamSeeds, TrainingSettings,
        TrainingTime,
    };
    use basin_domain::optimizer::Optimizer;

    /// Three copies of one point.
    struct Thrice(Vec<f64>);

    impl WeightPoints for Thrice {
        fn count(&self) -> usize {
            3
        }

        fn point(&self, index: usize) -> WeightPoint {
            let coordinates = vec![("alpha", index as f64)];
            WeightPoint {
                weights: self.0.clone(),
                buffers: Vec::new(),
                axis: Axis::Cell,
                x: index as f64,
                coordinates,
            }
        }

        fn describe(&self, metrics: &mut Metrics) {
            metrics.set("described", 1.0);
        }
    }

    /// Any task: a landscape takes its id alone.
    fn spec() -> TaskSpec {
        let parameters = FitFunction {
            function: Function::Sin,
            hidden: vec![2],
            model: None,
            interval: (-1.0, 1.0),
            points: 9,
            layout: PointLayout::default(),
            seeds: StreamSeeds::default(),
            batch_size: None,
            budget: TrainingTime::Epochs(1),
            loss: Default::default(),
            training: TrainingSettings::of(Optimizer::adam(1e-3)),
        };
        let version = FitFunction::VERSION;
        let experiment = Experiment::FitFunction(parameters);
        TaskSpec { experiment, version, seed: 1, data: None, inputs: Default::default() }
    }

    fn landscape(
        examples: Option<u32>,
        checkpoint: Option<&[u8]>,
    ) -> Result<Landscape<FunctionFit, Thrice>, ExperimentError> {
        let problem = FunctionFit::new(&SampledFunction::line(Function::Sin, (-1.0, 1.0), 9))?;
        let model = Model::dense_net(1, &[2], 1, 1)?;
        let points = Thrice(model.flat_parameters()?);
        let examples = EvaluatedExamples { splits: &[Split::Train, Split::Test], most: examples };
        Landscape::start(&spec(), problem, model, points, examples, checkpoint)
    }

    #[test]
    fn every_point_is_evaluated_on_every_split_that_has_examples() {
        let mut run = landscape(None, None).unwrap();
        let mut advances = 1;
        while run.advance().unwrap() == Advance::More {
            assert_eq!(run.progress().done_share, Some(f64::from(advances) / 3.0));
            advances += 1;
        }
        assert_eq!((advances, run.progress().iteration, run.progress().iterations), (3, 3, 3));
        let Finished { outcome, metrics, .. } = Box::new(run).finish().unwrap();
        assert_eq!(outcome, Outcome::Completed);
        let points = &metrics.series["train_loss"].points;
        assert!(points.len() == 3 && points.iter().all(|point| point.1 == points[0].1));
        assert_eq!(metrics.series["alpha"].points, [(0.0, 0.0), (1.0, 1.0), (2.0, 2.0)]);
        assert!(!metrics.series.contains_key("test_loss"), "a fit has no test examples");
    }

    #[test]
    fn counters_that_contradict_each_other_are_refused() {
        let sealed = |change: fn(&mut LandscapeState)| {
            let mut state =
                LandscapeState { point: 1, split: 0, example: 0, sums: LossSums::default().into() };
            change(&mut state);
            checkpoint::encode(spec().id(), FORMAT, &state, NamedTensors::new(), &Metrics::default()).unwrap()
        };
        let refused = |change| match landscape(Some(5), Some(&sealed(change))) {
            Err(ExperimentError::BadCheckpoint(reason)) => reason,
            Err(other) => panic!("another refusal: {other}"),
            Ok(_) => panic!("it is taken"),
        };
        assert!(landscape(Some(5), Some(&sealed(|_| {}))).is_ok());
        assert!(landscape(Some(5), Some(&sealed(|state| state.point = 3))).unwrap().is_done());
        assert_eq!(refused(|state| state.point = 4), "there is no part 0 of place 4");
        assert_eq!(refused(|state| state.split = 1), "there is no part 1 of place 1");
        assert_eq!(refused(|state| state.example = 2), "it is at example 2 of 5, with sums of 0");
        assert_eq!(
            refused(|state| {
                state.example = 5;
                state.sums = LossSums { count: 5, ..LossSums::default() }.into();
            }),
            "it is at example 5 of 5, with sums of 5"
        );
        assert_eq!(
            refused(|state| {
                state.example = 2;
                state.sums = LossSums { count: 2, correct: 3, loss: 0.0 }.into();
            }),
            "it is at example 2 of 5, with sums of 2"
        );
    }

    #[test]
    fn the_state_is_written_with_the_names_that_earlier_versions_read() {
        let state = LandscapeState { point: 1, split: 2, example: 3, sums: LossSums::default().into() };
        assert_eq!(
            serde_json::to_string(&state).unwrap(),
            r#"{"place":1,"part":2,"example":3,"sums":{"loss":0,"correct":0,"count":0}}"#
        );
    }

    #[test]
    fn results_before_the_end_are_refused() {
        let run = Box::new(landscape(None, None).unwrap());
        assert!(matches!(run.finish(), Err(ExperimentError::NotDone)));
    }
}
