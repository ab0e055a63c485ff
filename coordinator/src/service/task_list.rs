//! The tasks of a sweep, a page at a time: what they are, which never changes, and their states, which take a byte each.

use basin_core::Ledger;
use basin_domain::id::{SweepId, TaskId};
use basin_proto::v1;
use tonic::Status;

use super::{Coordinator, refusal, wire};

/// The most tasks of an answer.
const TASKS: usize = 512;
/// The most states of an answer that has nothing else.
const STATES: usize = 8_192;

/// A page of the list, without names.
struct Page {
    tasks: Vec<(TaskId, String)>,
    states: Vec<i32>,
}

impl Page {
    fn read(ledger: &Ledger, sweep: &SweepId, from: usize, states_only: bool) -> Option<Self> {
        let most = if states_only { STATES } else { TASKS };
        let page = ledger.page_of_sweep(sweep, from, most)?;
        let states = page.iter().map(|task| wire::task_state(task.phase).into()).collect();
        let tasks = match states_only {
            true => Vec::new(),
            false => page.into_iter().map(|task| (task.id, task.experiment.to_owned())).collect(),
        };
        Some(Self { tasks, states })
    }

    const fn is_full(&self, states_only: bool) -> bool {
        self.states.len() == if states_only { STATES } else { TASKS }
    }
}

impl Coordinator {
    /// A page of the tasks of a sweep that the ledger has.
    pub(super) async fn list_tasks(
        &self,
        sweep: SweepId,
        request: &v1::ListTasksRequest,
    ) -> Result<v1::ListTasksReply, Status> {
        let (from, states_only) = (request.from, request.states_only);
        let first = usize::try_from(from).unwrap_or(usize::MAX);
        let id = sweep.clone();
        let page = self.ledger.view(move |ledger| Page::read(ledger, &id, first, states_only)).await;
        let page = page.map_err(|error| refusal::decide_error(&error))?;
        let page = page.ok_or_else(|| Status::not_found("the sweep is gone"))?;
        let next = if page.is_full(states_only) { from + page.states.len() as u64 } else { 0 };
        let Page { tasks, states } = page;
        if tasks.is_empty() {
            return Ok(v1::ListTasksReply { tasks: Vec::new(), states, next });
        }
        let names = self.names_of(&sweep).await;
        let listed = |(id, experiment): (TaskId, String)| v1::ListedTask {
            task_id: id.to_string(),
            experiment,
            name: names.get(&id).map(ToString::to_string).unwrap_or_default(),
        };
        Ok(v1::ListTasksReply { tasks: tasks.into_iter().map(listed).collect(), states, next })
    }
}
