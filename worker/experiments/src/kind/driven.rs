//! A run of a kind of one's own, driven like those of Basin's kinds.

use std::sync::Arc;

use basin_domain::custom_kind::KindDeclaration;
use basin_domain::id::TaskId;
use basin_domain::metrics::{Metrics, Outcome};
use basin_domain::worker::Progress;
use serde::{Deserialize, Serialize};

use super::record::Record;
use super::saved::Saved;
use super::{KindRun, Step};
use crate::ExperimentError;
use crate::checkpoint::{self, OpenedCheckpoint};
use crate::run::{Advance, Finished, Run};
use crate::tensors::{NamedTensors, serialize_results};

/// The version of the layout of checkpoints.
const FORMAT: u32 = 1;

/// The state of a checkpoint.
#[derive(Serialize, Deserialize)]
struct State {
    run: serde_json::Value,
}

/// A checkpoint that was opened.
pub(super) struct Opened {
    pub(super) saved: Saved,
    pub(super) metrics: Metrics,
}

/// Opens a checkpoint of this task.
///
/// # Errors
/// [`ExperimentError::BadCheckpoint`] if it is damaged or another's.
pub(super) fn open(bytes: &[u8], task: TaskId) -> Result<Opened, ExperimentError> {
    let OpenedCheckpoint { state, tensors, metrics } = checkpoint::open::<State>(bytes, task, FORMAT)?;
    Ok(Opened { saved: Saved::of_tensors(state.run, &tensors)?, metrics })
}

/// A run, with what it has recorded.
pub(super) struct Driven<R> {
    task: TaskId,
    run: R,
    record: Record,
    outcome: Option<Outcome>,
}

impl<R: KindRun> Driven<R> {
    pub(super) const fn new(
        task: TaskId,
        declaration: Arc<KindDeclaration>,
        run: R,
        metrics: Metrics,
    ) -> Self {
        Self { task, run, record: Record::new(declaration, metrics), outcome: None }
    }
}

impl<R: KindRun> Run for Driven<R> {
    fn advance(&mut self) -> Result<Advance, ExperimentError> {
        if self.outcome.is_some() {
            return Ok(Advance::Done);
        }
        let step = self.run.advance(&mut self.record)?;
        let iteration = self.run.progress().iteration;
        self.outcome = match step {
            Step::More => return Ok(Advance::More),
            Step::Done => Some(Outcome::Completed),
            Step::Diverged => Some(Outcome::Diverged { iteration }),
            Step::Stopped(rule) => Some(Outcome::Stopped { iteration, rule }),
        };
        Ok(Advance::Done)
    }

    fn progress(&self) -> Progress {
        self.run.progress()
    }

    fn metrics(&self) -> Option<&Metrics> {
        Some(self.record.metrics())
    }

    /// After the last step the run's state says nothing of how it ended: it is finished instead.
    fn has_news(&self) -> bool {
        self.outcome.is_none()
    }

    fn checkpoint(&mut self) -> Result<Vec<u8>, ExperimentError> {
        let saved = self.run.save()?;
        let tensors = saved.tensors()?;
        checkpoint::encode(self.task, FORMAT, &State { run: saved.state }, tensors, self.record.metrics())
    }

    fn finish(self: Box<Self>) -> Result<Finished, ExperimentError> {
        let outcome = self.outcome.ok_or(ExperimentError::NotDone)?;
        let left = self.run.tensors();
        let tensors = left.iter().map(|(name, array)| Ok((name.clone(), array.tensor()?)));
        let tensors = tensors.collect::<Result<NamedTensors, ExperimentError>>()?;
        Ok(Finished {
            outcome,
            metrics: self.record.into_metrics(),
            result: serialize_results(tensors, outcome)?,
        })
    }
}
