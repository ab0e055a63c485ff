//! Evaluations of a run's model, and of its averaged weights, piece by piece.

use basin_domain::experiment::series::training as series;
use basin_domain::metrics::Outcome;
use basin_kernels::LossSums;

use super::{EVALUATION_CHUNK, LearningProblem, Split, Training, TrainingStage, When};
use crate::ExperimentError;

impl<P: LearningProblem> Training<P> {
    /// Evaluates the model on some examples.
    pub(super) fn evaluate(
        &mut self,
        when: When,
        split: Split,
        position: usize,
        mut sums: LossSums,
    ) -> Result<TrainingStage, ExperimentError> {
        let count = self.problem.examples(split);
        let end = (position + EVALUATION_CHUNK).min(count);
        let positions: Vec<u32> = (position as u32..(end + EVALUATION_CHUNK).min(count) as u32).collect();
        let (positions, next) = positions.split_at(end - position);
        sums += self.stepper.evaluate(&self.problem, &self.model, split, positions, next)?;
        if end < count {
            return Ok(TrainingStage::Evaluate { when, split, position: end, sums });
        }
        match when {
            When::Before | When::Recorded => self.push_means(split, sums),
            When::After => self.set_final(sums),
        }
        if !sums.loss.is_finite() {
            return Ok(TrainingStage::Ended(Outcome::Diverged { iteration: self.iteration }));
        }
        match (when, split) {
            (When::After, _) => self.conclude(),
            (When::Before | When::Recorded, Split::Train) => self.after_training_loss(when),
            (When::Before | When::Recorded, Split::Test) => self.after_evaluations(Split::Test),
        }
    }

    /// What follows once the training loss of a recorded point is known.
    pub(super) fn after_training_loss(&mut self, when: When) -> Result<TrainingStage, ExperimentError> {
        if self.problem.examples(Split::Test) > 0 {
            Ok(TrainingStage::evaluation(when, Split::Test))
        } else {
            self.after_evaluations(Split::Train)
        }
    }

    /// The evaluation of the averaged weights on `split`, if they are kept; what follows if not.
    fn after_evaluations(&mut self, split: Split) -> Result<TrainingStage, ExperimentError> {
        if self.stepper.average().is_none() {
            return self.after_recording();
        }
        Ok(TrainingStage::EvaluateAverage { split, position: 0, sums: LossSums::default() })
    }

    /// Evaluates the averaged weights on some examples.
    pub(super) fn evaluate_average(
        &mut self,
        split: Split,
        position: usize,
        mut sums: LossSums,
    ) -> Result<TrainingStage, ExperimentError> {
        let count = self.problem.examples(split);
        let end = (position + EVALUATION_CHUNK).min(count);
        let positions: Vec<u32> = (position as u32..end as u32).collect();
        sums += self.stepper.evaluate_average(&self.problem, &self.model, split, &positions)?;
        if end < count {
            return Ok(TrainingStage::EvaluateAverage { split, position: end, sums });
        }
        let (loss, accuracy) = (sums.loss / sums.count as f64, sums.correct as f64 / sums.count as f64);
        self.record(&series::average_loss_on(split), loss);
        if P::HAS_ACCURACY {
            self.record(&series::AVERAGE_TEST_ACCURACY, accuracy);
        }
        self.after_recording()
    }
}
