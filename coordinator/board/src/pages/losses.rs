//! How the losses of the tasks went that a page shows.

use std::collections::HashMap;
use std::time::Duration;

use basin_domain::id::TaskId;
use basin_domain::metrics::Axis;
use basin_proto::codes::Coded;
use basin_proto::v1;
use basin_report::{GrowingResults, RunState};
use maud::Markup;

use super::source;
use crate::answer::sparkline::{sparkline, thinned};
use crate::context::Asked;
use crate::model::SweepModel;

/// The most tasks whose beginning is asked for when a page is made, as many as an answer has; a page that is made next asks for others.
const ASKED: u32 = 16;
/// How long the coordinator may take to tell it.
const PATIENCE: Duration = Duration::from_secs(1);
/// The series that tells how the loss of a committed task went, the first of these that it has.
const SERIES: [&str; 2] = ["train_loss", "loss"];

/// Small pictures of losses, by the ids of their tasks.
pub(crate) type Sparklines = HashMap<String, Markup>;

/// A task of a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShownTask<'a> {
    /// Its id.
    pub(crate) id: &'a str,
    /// Its state.
    pub(crate) state: Option<v1::TaskState>,
}

impl<'a> ShownTask<'a> {
    /// A task in a state of this word.
    pub(crate) fn in_state(id: &'a str, word: &str) -> Self {
        Self { id, state: v1::TaskState::read(v1::TaskState::Unspecified.into(), word) }
    }
}

/// The pictures of those of a page's tasks that have a loss: of committed ones as they recorded it, of those that run or failed as far as it
/// was heard of.
pub(crate) async fn sparklines(asked: &Asked, sweep: &SweepModel, tasks: &[ShownTask<'_>]) -> Sparklines {
    hear_beginnings(asked, sweep, tasks).await;
    let runs = sweep.results.runs.read().await;
    let picture = |task: &ShownTask<'_>| {
        use v1::TaskState::{
            Blocked, Completed, Diverged, Expiring, Failed, Queued, Running, Stopped, Unspecified,
            UpstreamFailed,
        };
        let recorded = match task.state? {
            Completed | Diverged | Stopped => runs.as_ref().and_then(|runs| recorded(runs, task.id)),
            Running | Expiring | Failed => None,
            Queued | Blocked | UpstreamFailed | Unspecified => return None,
        };
        let points = recorded.unwrap_or_else(|| sweep.losses.points(task.id));
        Some((task.id.to_owned(), sparkline("loss", &points)?))
    };
    tasks.iter().filter_map(picture).collect()
}

/// Asks for how the losses of running tasks went before the board looked at them, of each task once.
async fn hear_beginnings(asked: &Asked, sweep: &SweepModel, tasks: &[ShownTask<'_>]) {
    let running = tasks.iter().filter(|task| task.state == Some(v1::TaskState::Running));
    let unheard = running.filter(|task| sweep.losses.lacks_beginning(task.id)).take(ASKED as usize);
    let unheard: Vec<String> = unheard.map(|task| task.id.to_owned()).collect();
    if unheard.is_empty() {
        return;
    }
    if let Ok(live) = tokio::time::timeout(PATIENCE, source::live(asked, unheard, ASKED)).await {
        sweep.losses.begin(&live);
    }
}

/// Some points of the loss that a committed task recorded over its training; none if it wasn't read, or recorded none.
fn recorded(runs: &GrowingResults, task: &str) -> Option<Vec<(f64, f64)>> {
    let run = runs.run(&task.parse::<TaskId>().ok()?)?;
    let RunState::Committed { metrics, .. } = &run.state else { return None };
    let mut series = SERIES.into_iter().filter_map(|name| metrics.series.get(name));
    let of_training = series.find(|series| matches!(series.axis, Axis::Epoch | Axis::Iteration))?;
    Some(thinned(&of_training.points))
}
