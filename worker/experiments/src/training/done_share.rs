//! How much of a run's work is done, wherever it stands.

use basin_domain::experiment::work::StepRest;

use super::{LearningProblem, Split, Training, TrainingLoss, TrainingStage, When};

impl<P: LearningProblem> Training<P> {
    /// The share of all its work that is done.
    pub(super) fn done_share(&self) -> f64 {
        // Where a rule ended training, no further step is to come.
        let step = if self.stopped.is_some() { self.timetable.clock().steps() } else { self.iteration };
        self.work.share(step, self.step_rest())
    }

    /// What is still to be done before the next step.
    fn step_rest(&self) -> StepRest {
        match self.stage {
            TrainingStage::Evaluate { when: When::After, split, position, .. } => {
                let done = position as f64 / self.problem.examples(split).max(1) as f64;
                StepRest::LastEvaluation { done }
            }
            TrainingStage::Evaluate { when: When::Before | When::Recorded, split, position, .. } => {
                StepRest::Evaluations { done: self.evaluated_share(split, position, false) }
            }
            TrainingStage::EvaluateAverage { split, position, .. } => {
                StepRest::Evaluations { done: self.evaluated_share(split, position, true) }
            }
            TrainingStage::Probe { index, .. } => StepRest::Probes { index, done: self.probed_share(index) },
            TrainingStage::Train { .. } | TrainingStage::Ended(_) => StepRest::Nothing,
        }
    }

    /// The share of the evaluations of a recorded point that is done: those of training and test examples, then that of the averaged
    /// weights.
    fn evaluated_share(&self, split: Split, position: usize, of_average: bool) -> f64 {
        let [all, test] = [Split::Train, Split::Test].map(|split| self.problem.examples(split));
        let is_first = self.iteration == self.origin.step;
        let train = if is_first || P::TRAINING_LOSS == TrainingLoss::Evaluated { all } else { 0 };
        let average = match self.stepper.average() {
            None => 0,
            Some(_) if test > 0 => test,
            Some(_) => all,
        };
        let before = match (of_average, split) {
            (true, _) => train + test,
            (false, Split::Train) => 0,
            (false, Split::Test) => train,
        };
        (before + position) as f64 / (train + test + average).max(1) as f64
    }

    /// The share of the probe under way that is done.
    fn probed_share(&self, index: usize) -> f64 {
        let Some(measurement) = &self.measurement else { return 0.0 };
        let layers = self.model.graph().layer_names().len() as u64;
        let passes = self.schedule.settings.probes.probes[index].usual_passes(layers);
        measurement.share(&self.problem, passes)
    }
}
