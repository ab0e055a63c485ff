//! The run: place after place, part after part, piece after piece.

use basin_domain::id::TaskId;
use basin_domain::metrics::{Axis, Metrics, Outcome};
use basin_domain::task::TaskSpec;
use basin_kernels::LossSums;
use serde::{Deserialize, Serialize};

use crate::checkpoint::{self, bad};
use crate::model::Model;
use crate::tensors::NamedTensors;
use crate::training::{EVALUATION_CHUNK, LearningProblem, SavedSums, Split, evaluate};
use crate::{Advance, ExperimentError, Finished, Progress, Run};

/// Raised whenever the layout of checkpoints changes.
const FORMAT: u32 = 2;

/// Where a network is evaluated.
pub(crate) trait WeightPoints: Send {
    /// How many places there are.
    fn count(&self) -> usize;

    /// One of them.
    fn place(&self, index: usize) -> WeightPoint;

    /// Records what is known without any evaluation.
    fn describe(&self, record: &mut Metrics);
}

/// A place in weight space.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WeightPoint {
    /// The weights, flat.
    pub(crate) weights: Vec<f64>,
    /// What the series' x counts.
    pub(crate) axis: Axis,
    /// The place's x.
    pub(crate) x: f64,
    /// Its coordinates, series of their own.
    pub(crate) coordinates: Vec<(&'static str, f64)>,
}

/// Evaluations of a network at many places.
pub(crate) struct Landscape<P, Q> {
    task: TaskId,
    problem: P,
    model: Model,
    places: Q,
    /// The parts that are evaluated, each with the number of its examples.
    parts: Vec<(Split, usize)>,
    position: Cursor,
    latest_loss: Option<f64>,
    record: Metrics,
    outcome: Outcome,
}

/// No points at all.
pub(super) struct NoPoints;

impl WeightPoints for NoPoints {
    fn count(&self) -> usize {
        0
    }

    fn place(&self, index: usize) -> WeightPoint {
        unreachable!("there are no places, and {index} is asked for")
    }

    fn describe(&self, _: &mut Metrics) {}
}

impl<P: LearningProblem + 'static> Landscape<P, NoPoints> {
    /// A landscape around a solution that isn't there, because the run that was to find it diverged: it is at its end, and ended
    /// as that run did, before its first step.
    pub(super) fn without_solution(
        spec: &TaskSpec,
        network: (P, Model),
    ) -> Result<Box<dyn Run>, ExperimentError> {
        let mut landscape = Self::start(spec, network, NoPoints, (&[], None), None)?;
        landscape.outcome = Outcome::Diverged { iteration: 0 };
        Ok(Box::new(landscape))
    }
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Cursor {
    /// The place.
    place: usize,
    /// The part, of those that are evaluated.
    part: usize,
    /// The examples that are done.
    example: usize,
    sums: LossSums,
}

impl Cursor {
    const fn at(place: usize, part: usize) -> Self {
        Self { place, part, example: 0, sums: LossSums { loss: 0.0, correct: 0, count: 0 } }
    }
}

/// What a checkpoint holds beside the record.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct LandscapeState {
    place: usize,
    part: usize,
    example: usize,
    sums: SavedSums,
}

impl<P: LearningProblem, Q: WeightPoints> Landscape<P, Q> {
    /// Starts to evaluate `model` at all places on the first `examples` examples (all if none) of these parts, or goes on from
    /// a checkpoint.
    ///
    /// # Errors
    /// If the checkpoint can't be used.
    pub(crate) fn start(
        spec: &TaskSpec,
        (problem, model): (P, Model),
        places: Q,
        (parts, examples): (&[Split], Option<u32>),
        checkpoint: Option<&[u8]>,
    ) -> Result<Self, ExperimentError> {
        let limit = examples.map_or(usize::MAX, |examples| examples as usize);
        let counted = parts.iter().map(|&part| (part, problem.examples(part).min(limit)));
        let parts: Vec<_> = counted.filter(|&(_, count)| count > 0).collect();
        let mut record = Metrics::default();
        places.describe(&mut record);
        let (task, position) = (spec.id(), Cursor::at(0, 0));
        let outcome = Outcome::Completed;
        let mut landscape =
            Self { task, problem, model, places, parts, position, latest_loss: None, record, outcome };
        if let Some(bytes) = checkpoint {
            landscape.restore(bytes)?;
        }
        landscape.go_to_place()?;
        Ok(landscape)
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), ExperimentError> {
        let opened = checkpoint::open::<LandscapeState>(bytes, self.task, FORMAT)?;
        let LandscapeState { place, part, example, sums } = opened.state;
        let is_end = place == self.places.count() && part == 0 && example == 0;
        if !is_end && (place >= self.places.count() || part >= self.parts.len()) {
            return Err(bad(format!("there is no part {part} of place {place}")));
        }
        let sums = LossSums::from(sums);
        let count = self.parts.get(part).map_or(0, |&(_, count)| count);
        if sums.count != example as u64 || sums.correct > sums.count || (!is_end && example >= count) {
            return Err(bad(format!("it is at example {example} of {count}, with sums of {}", sums.count)));
        }
        self.position = Cursor { place, part, example, sums };
        self.record = opened.record;
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.position.place >= self.places.count() || self.parts.is_empty()
    }

    fn go_to_place(&self) -> Result<(), ExperimentError> {
        if self.is_done() {
            return Ok(());
        }
        self.model.set_parameters(&self.places.place(self.position.place).weights)
    }

    fn keep(&mut self, part: Split, sums: LossSums) {
        let WeightPoint { axis, x, coordinates, .. } = self.places.place(self.position.place);
        if self.position.part == 0 {
            for (name, value) in coordinates {
                self.record.push(name, axis, x, value);
            }
        }
        let loss = sums.loss / sums.count as f64;
        self.latest_loss = Some(loss);
        self.record.push(&format!("{}_loss", part.as_str()), axis, x, loss);
        if P::HAS_ACCURACY {
            let accuracy = sums.correct as f64 / sums.count as f64;
            self.record.push(&format!("{}_accuracy", part.as_str()), axis, x, accuracy);
        }
    }
}

impl<P: LearningProblem, Q: WeightPoints> Run for Landscape<P, Q> {
    fn advance(&mut self) -> Result<Advance, ExperimentError> {
        if self.is_done() {
            return Ok(Advance::Done);
        }
        let (part, count) = self.parts[self.position.part];
        let end = (self.position.example + EVALUATION_CHUNK).min(count);
        self.position.sums += evaluate(&self.problem, &self.model, part, self.position.example..end)?;
        self.position.example = end;
        if end < count {
            return Ok(Advance::More);
        }
        self.keep(part, self.position.sums);
        let Cursor { place, part, .. } = self.position;
        if part + 1 < self.parts.len() {
            self.position = Cursor::at(place, part + 1);
            return Ok(Advance::More);
        }
        self.position = Cursor::at(place + 1, 0);
        self.go_to_place()?;
        Ok(if self.is_done() { Advance::Done } else { Advance::More })
    }

    fn progress(&self) -> Progress {
        Progress {
            iteration: self.position.place as u64,
            iterations: self.places.count() as u64,
            epoch: 0,
            epochs: 0,
            loss: self.latest_loss,
        }
    }

    fn checkpoint(&mut self) -> Result<Vec<u8>, ExperimentError> {
        let Cursor { place, part, example, sums } = self.position;
        let state = LandscapeState { place, part, example, sums: sums.into() };
        checkpoint::seal(self.task, FORMAT, &state, NamedTensors::new(), &self.record)
    }

    fn finish(self: Box<Self>) -> Result<Finished, ExperimentError> {
        if !self.is_done() {
            return Err(ExperimentError::NotDone);
        }
        let result = crate::tensors::serialize(&NamedTensors::new(), None)?;
        Ok(Finished { outcome: self.outcome, metrics: self.record, result })
    }
}
