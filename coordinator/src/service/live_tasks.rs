//! What workers said of late of the tasks that they work on; and when that is forgotten.

use std::collections::HashSet;

use basin_core::Ledger;
use basin_domain::id::TaskId;
use basin_domain::time::Timestamp;
use basin_proto::v1;
use tonic::Status;

use super::task_news::KeptNews;
use super::{Coordinator, refusal};

/// The most tasks of an answer.
const TASKS: usize = 256;
/// The most curves of an answer.
const CURVES: usize = 16;
/// For how long after the end of its last sweep a task can still be looked at, in milliseconds.
const KEPT_AFTER_END_MS: u64 = 60_000;
/// The tasks that one look at the ledger goes through.
const PAGE: usize = 1_024;

/// A task without its curves; none if the ledger doesn't have it.
fn live_task(ledger: &Ledger, id: &TaskId) -> Option<v1::LiveTask> {
    let task = ledger.task(id)?;
    let worker = task.lease.map(|(_, worker)| worker.to_string());
    Some(v1::LiveTask {
        task_id: id.to_string(),
        attempt: if worker.is_some() { task.begun } else { 0 },
        worker_id: worker.unwrap_or_default(),
        progress: task.progress.map(Into::into),
        curve: None,
        series: Vec::new(),
    })
}

impl Coordinator {
    /// How some tasks are doing; what is no id of a task is left out.
    pub(super) async fn live_tasks(
        &self,
        request: &v1::GetLiveTasksRequest,
    ) -> Result<v1::GetLiveTasksReply, Status> {
        let curves = CURVES.min(request.curves as usize);
        let ids = request.task_ids.iter().take(TASKS).enumerate();
        let ids = ids.filter_map(|(place, id)| Some((place, id.parse::<TaskId>().ok()?)));
        let ids: Vec<(usize, TaskId)> = ids.collect();
        let look = move |ledger: &Ledger| {
            let found = ids.into_iter().map(|(place, id)| Some((place, id, live_task(ledger, &id)?)));
            found.flatten().collect::<Vec<_>>()
        };
        let found = self.ledger.view(look).await.map_err(|error| refusal::decide_error(&error))?;
        let wants_series = request.series;
        let with_curves = move |kept: &mut KeptNews| {
            let with_curve = |(place, id, task): (usize, TaskId, v1::LiveTask)| {
                if place >= curves {
                    return task;
                }
                let points = kept.curves.read(&id);
                let series = if wants_series { kept.curves.read_series(&id) } else { Vec::new() };
                v1::LiveTask {
                    curve: (!points.is_empty()).then(|| points.as_slice().into()),
                    series: series.iter().map(Into::into).collect(),
                    ..task
                }
            };
            found.into_iter().map(with_curve).collect()
        };
        Ok(v1::GetLiveTasksReply { tasks: self.news.look(with_curves).await })
    }

    /// Forgets what was said of tasks whose sweeps ended some time ago, or are gone, and by workers that say nothing any more.
    pub(super) async fn forget_ended(&self, now: Timestamp) {
        self.usages.forget_old(now);
        let since = Timestamp(now.0.saturating_sub(KEPT_AFTER_END_MS));
        let mut known: Vec<TaskId> = self.news.look(|kept| kept.tasks().into_iter().collect()).await;
        while !known.is_empty() {
            let page = known.split_off(known.len().saturating_sub(PAGE));
            let look = move |ledger: &Ledger| {
                let has_ended = |task: &TaskId| !ledger.is_of_sweep_after(task, since);
                page.into_iter().filter(has_ended).collect::<HashSet<_>>()
            };
            // A ledger that has closed takes everything with it.
            let Ok(ended) = self.ledger.view(look).await else { return };
            self.news.look(move |kept| kept.forget(&ended)).await;
        }
    }
}
