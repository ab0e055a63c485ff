//! The calls of the command line.

use std::time::{SystemTime, UNIX_EPOCH};

use basin_core::command::{Adjust, Cancel, Drain, Pause, Resume, RetryFailed};
use basin_core::view::SweepView;
use basin_core::{Ledger, Request as LedgerRequest};
use basin_domain::id::{SweepId, TaskId, WorkerId};
use basin_domain::lookup::{self, LookupError, Named};
use basin_domain::scheduling::SchedulingChange;
use basin_domain::sweep::Source;
use basin_proto::codes::Coded;
use basin_proto::convert::{parse, required};
use basin_proto::v1::control_server::Control;
use basin_proto::{OLDEST_PROTOCOL, PROTOCOL, v1};
use tonic::{Request, Response, Status};

use super::summary::{summary, sweep_reply, task_reply};
use super::unknown_name::NamedThing::{Sweep, Task, Worker};
use super::unknown_name::{NAMED, SEVERAL, UnknownName, known, not_one};
use super::{ForgottenSweep, LaunchOptions, Leadership, NamesOfSweep, wire};
use crate::trust::Caller;

/// Sweeps that one look goes through.
const PAGE: usize = 64;
/// The sweeps of one name among which the newest is looked for.
const MOST_OF_A_NAME: usize = 1_000;
/// The sweeps among whose tasks a name is looked for, the newest first.
const MOST_SWEEPS_WITH_NAMES: usize = 16;

/// The tools' service.
#[derive(Debug, Clone)]
pub struct ControlService(pub Leadership);

type RpcResult<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Control for ControlService {
    async fn launch(&self, request: Request<v1::LaunchRequest>) -> RpcResult<v1::LaunchReply> {
        let user = request.extensions().get::<Caller>().and_then(Caller::user);
        let request = request.into_inner();
        let options = LaunchOptions {
            user,
            adjustment: request.adjustment.unwrap_or_default().into(),
            max_tasks: request.max_tasks,
        };
        let source = Source::try_from(request)
            .map_err(|error| Status::invalid_argument(format!("a kind of the sweep: {error}")))?;
        let launched = self.0.coordinator()?.launch(&source, options).await?;
        let sweep = self.summary_of(launched.sweep.clone()).await?;
        Ok(Response::new(v1::LaunchReply {
            sweep,
            sweep_id: launched.sweep.to_string(),
            new: launched.counts.new,
            reused: launched.counts.reused,
            shared: launched.counts.shared,
            notes: launched.notes.into_iter().map(wire::sweep_note).collect(),
        }))
    }

    async fn list_sweeps(&self, _: Request<v1::ListSweepsRequest>) -> RpcResult<v1::ListSweepsReply> {
        let queue_depth = Some(self.view(Ledger::queue_depth).await?);
        let mut sweeps = self.of_each_sweep(summary).await?;
        let coordinator = self.0.coordinator()?;
        coordinator.sources.tell_variants(&coordinator.store, &mut sweeps).await;
        Ok(Response::new(v1::ListSweepsReply { sweeps, queue_depth }))
    }

    async fn get_sweep(&self, request: Request<v1::GetSweepRequest>) -> RpcResult<v1::GetSweepReply> {
        let (id, of_this_name) = self.newest_sweep(request.into_inner().sweep_id).await?;
        let now = self.0.coordinator()?.ledger.now();
        let sweep = id.clone();
        let found = self.view(move |ledger| sweep_reply(ledger, &id, now)).await?;
        let reply = found.ok_or_else(|| Status::not_found("the sweep is gone"))?;
        let coordinator = self.0.coordinator()?;
        let reply = coordinator.with_forecast(&sweep, v1::GetSweepReply { of_this_name, ..reply }).await;
        Ok(Response::new(coordinator.with_names(&sweep, reply).await))
    }

    async fn get_task(&self, request: Request<v1::GetTaskRequest>) -> RpcResult<v1::GetTaskReply> {
        let v1::GetTaskRequest { task_id, with_provenance } = request.into_inner();
        let id = self.find_task(task_id).await?;
        let now = self.0.coordinator()?.ledger.now();
        let found = self.view(move |ledger| task_reply(ledger, &id, now)).await?;
        let mut reply = found.ok_or_else(|| Status::not_found("the task is gone"))?;
        let coordinator = self.0.coordinator()?;
        for sweep in &reply.sweeps {
            let Ok(sweep) = sweep.parse::<SweepId>() else { continue };
            let names = coordinator.names_of(&sweep).await;
            reply.names.extend(names.get(&id).map(ToString::to_string));
        }
        // A name is known by its place.
        if reply.names.len() != reply.sweeps.len() {
            reply.names.clear();
        }
        if with_provenance {
            reply.provenance_json = coordinator.provenance_json(&id).await?;
        }
        Ok(Response::new(reply))
    }

    async fn get_task_log(&self, request: Request<v1::GetTaskLogRequest>) -> RpcResult<v1::GetTaskLogReply> {
        let request = request.into_inner();
        let id = self.find_task(request.task_id.clone()).await?;
        Ok(Response::new(self.0.coordinator()?.task_log(id, &request).await?))
    }

    async fn list_tasks(&self, request: Request<v1::ListTasksRequest>) -> RpcResult<v1::ListTasksReply> {
        let mut request = request.into_inner();
        let sweep = self.find_sweep(std::mem::take(&mut request.sweep_id)).await?;
        Ok(Response::new(self.0.coordinator()?.list_tasks(sweep, &request).await?))
    }

    async fn get_live_tasks(
        &self,
        request: Request<v1::GetLiveTasksRequest>,
    ) -> RpcResult<v1::GetLiveTasksReply> {
        Ok(Response::new(self.0.coordinator()?.live_tasks(&request.into_inner()).await?))
    }

    async fn steer_sweep(&self, request: Request<v1::SteerSweepRequest>) -> RpcResult<v1::SteerSweepReply> {
        let request = request.into_inner();
        let steering = request.steering();
        let id = self.find_sweep(request.sweep_id).await?;
        let sweep = match steering {
            v1::Steering::Pause => self.steer(&id, Pause(id.clone())).await?,
            v1::Steering::Resume => self.steer(&id, Resume(id.clone())).await?,
            v1::Steering::Cancel => self.steer(&id, Cancel(id.clone())).await?,
            v1::Steering::RetryFailed => self.steer(&id, RetryFailed(id.clone())).await?,
            v1::Steering::Unspecified => {
                return Err(Status::invalid_argument("field `steering`: is missing"));
            }
        };
        tracing::info!(sweep = %id, ?steering, "sweep steered");
        Ok(Response::new(v1::SteerSweepReply { sweep }))
    }

    async fn adjust_sweep(
        &self,
        request: Request<v1::AdjustSweepRequest>,
    ) -> RpcResult<v1::AdjustSweepReply> {
        let request = request.into_inner();
        let adjustment: SchedulingChange = required("adjustment", request.adjustment)?.into();
        let id = self.find_sweep(request.sweep_id).await?;
        let sweep = self.steer(&id, Adjust { sweep: id.clone(), adjustment }).await?;
        tracing::info!(sweep = %id, ?adjustment, "sweep adjusted");
        Ok(Response::new(v1::AdjustSweepReply { sweep }))
    }

    async fn repair_sweep(
        &self,
        request: Request<v1::RepairSweepRequest>,
    ) -> RpcResult<v1::RepairSweepReply> {
        let request = request.into_inner();
        let after = match request.after_task_id.as_str() {
            "" => None,
            id => Some(parse("after_task_id", id)?),
        };
        let id = self.find_sweep(request.sweep_id).await?;
        let repaired = self.0.coordinator()?.repair(&id, after, request.dry_run).await?;
        Ok(Response::new(wire::repaired(&id, repaired)))
    }

    async fn forget_sweep(
        &self,
        request: Request<v1::ForgetSweepRequest>,
    ) -> RpcResult<v1::ForgetSweepReply> {
        let request = request.into_inner();
        let forgotten = self.0.coordinator()?.forget(&request.sweep_id, request.abandoned).await?;
        let ForgottenSweep { sweep, tasks } = forgotten;
        Ok(Response::new(v1::ForgetSweepReply { sweep_id: sweep.to_string(), tasks }))
    }

    async fn collect_garbage(
        &self,
        request: Request<v1::CollectGarbageRequest>,
    ) -> RpcResult<v1::CollectGarbageReply> {
        let request = wire::garbage_request(&request.into_inner())?;
        let coordinator = self.0.coordinator()?;
        let collected = coordinator.collect_garbage(request).await?;
        Ok(Response::new(wire::collected(collected, coordinator.store.url())))
    }

    async fn list_workers(&self, _: Request<v1::ListWorkersRequest>) -> RpcResult<v1::ListWorkersReply> {
        let workers = self.0.coordinator()?.list_workers().await?;
        Ok(Response::new(v1::ListWorkersReply { workers }))
    }

    async fn drain_worker(
        &self,
        request: Request<v1::DrainWorkerRequest>,
    ) -> RpcResult<v1::DrainWorkerReply> {
        let worker = self.find_worker(request.into_inner().worker_id).await?;
        let coordinator = self.0.coordinator()?;
        coordinator.decide(Drain(worker.clone())).await?;
        coordinator.wake.notify_waiters();
        Ok(Response::new(v1::DrainWorkerReply { worker_id: worker.to_string() }))
    }

    async fn about(&self, request: Request<v1::AboutRequest>) -> RpcResult<v1::AboutReply> {
        let coordinator = self.0.coordinator()?;
        let caller = request.extensions().get::<Caller>();
        let role = caller.map_or(v1::Role::Unspecified, |caller| caller.role.into());
        Ok(Response::new(v1::AboutReply {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: PROTOCOL,
            store_url: coordinator.store.url().to_owned(),
            oldest_protocol: OLDEST_PROTOCOL,
            caller: caller.map(|caller| caller.name.clone()).unwrap_or_default(),
            role: role.word().to_owned(),
            role_code: role.into(),
            clock_unix_ms: wall_clock(),
        }))
    }
}

/// This machine's clock, in milliseconds: the ledger's own goes on from the coordinator's start without being set.
fn wall_clock() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl ControlService {
    async fn view<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Ledger) -> T + Send + 'static,
    ) -> Result<T, Status> {
        self.0.coordinator()?.ledger.view(look).await.map_err(|error| super::refusal::decide_error(&error))
    }

    /// Something of every sweep, in the order of their launches; page by page, so that nobody waits for long.
    async fn of_each_sweep<T: Send + 'static>(&self, of: fn(&SweepView<'_>) -> T) -> Result<Vec<T>, Status> {
        let (mut all, mut next) = (Vec::new(), Some(0));
        while let Some(from) = next {
            let look = move |ledger: &Ledger| {
                let (page, next) = ledger.page_of_sweeps(from, PAGE);
                (page.iter().map(of).collect::<Vec<_>>(), next)
            };
            let (page, then) = self.view(look).await?;
            all.extend(page);
            next = then;
        }
        Ok(all)
    }

    /// Does something to a sweep; how it stands then.
    async fn steer(
        &self,
        id: &SweepId,
        request: impl LedgerRequest,
    ) -> Result<Option<v1::SweepSummary>, Status> {
        let coordinator = self.0.coordinator()?;
        coordinator.decide(request).await?;
        coordinator.wake.notify_waiters();
        self.summary_of(id.clone()).await
    }

    /// How a sweep stands.
    async fn summary_of(&self, id: SweepId) -> Result<Option<v1::SweepSummary>, Status> {
        self.view(move |ledger| ledger.sweep(&id).map(|sweep| summary(&sweep))).await
    }

    /// The sweep that `text` names.
    async fn find_sweep(&self, text: String) -> Result<SweepId, Status> {
        let found = self.view(move |ledger| {
            let found = lookup::find(&text, ledger.sweeps_beginning_with(&text, SEVERAL));
            found.map_err(|unfound| not_one(Sweep, &text, &unfound, known(Sweep, ledger)))
        });
        found.await?
    }

    /// The sweep that `text` names, the last launched of those that have it as their name; and how many those are, if they are several.
    async fn newest_sweep(&self, text: String) -> Result<(SweepId, u32), Status> {
        let found = self.view(move |ledger| {
            let found = newest_of_name(ledger, &text);
            found.map_err(|unfound| not_one(Sweep, &text, &unfound, known(Sweep, ledger)))
        });
        found.await?
    }

    /// The task that `text` names.
    async fn find_task(&self, text: String) -> Result<TaskId, Status> {
        if text.contains([' ', '=']) {
            return self.find_task_by_name(&text).await;
        }
        let found = self.view(move |ledger| {
            let found = match text.parse::<TaskId>() {
                Ok(exact) => ledger.task(&exact).map(|task| task.id).ok_or(LookupError::NotFound),
                Err(_) => lookup::find(&text, ledger.tasks_beginning_with(&text, SEVERAL)),
            };
            found.map_err(|unfound| not_one(Task, &text, &unfound, known(Task, ledger)))
        });
        found.await?
    }

    /// The task with these words in its name, of the newest sweep that has such a task.
    async fn find_task_by_name(&self, words: &str) -> Result<TaskId, Status> {
        let mut sweeps = self.of_each_sweep(|it| (it.launched_at, it.id.clone())).await?;
        sweeps.sort_by(|a, b| b.cmp(a));
        let unknown = UnknownName::new(Task, words, sweeps.iter().map(|(_, sweep)| sweep.to_string()));
        let coordinator = self.0.coordinator()?;
        for (_, sweep) in sweeps.into_iter().take(MOST_SWEEPS_WITH_NAMES) {
            let names = coordinator.names_of(&sweep).await;
            match meant(names, words.to_owned()).await?.as_slice() {
                [] => {}
                [(id, _)] => return Ok(*id),
                several => {
                    let named: Vec<_> =
                        several.iter().take(NAMED).map(|(_, name)| format!("`{name}`")).collect();
                    return Err(Status::failed_precondition(format!(
                        "`{words}` fits {} tasks of {sweep}; give more of the name: {}{}",
                        several.len(),
                        named.join(", "),
                        if several.len() > NAMED { ", …" } else { "" }
                    )));
                }
            }
        }
        Err(unknown.into())
    }

    /// The worker that `text` names.
    async fn find_worker(&self, text: String) -> Result<WorkerId, Status> {
        let found = self.view(move |ledger| {
            let found = lookup::find(&text, ledger.workers_beginning_with(&text, SEVERAL));
            found.map_err(|unfound| not_one(Worker, &text, &unfound, known(Worker, ledger)))
        });
        found.await?
    }
}

/// The sweep that `text` names, the last launched of those that have it as their name; and how many those are, if they are several.
fn newest_of_name(ledger: &Ledger, text: &str) -> Result<(SweepId, u32), LookupError<SweepId>> {
    let found = lookup::find(text, ledger.sweeps_beginning_with(text, MOST_OF_A_NAME));
    let several = match found {
        Err(LookupError::Ambiguous(several)) if several.iter().all(|id| id.is_name(text)) => several,
        found => return found.map(|id| (id, 0)),
    };
    let launched = |id: &SweepId| ledger.sweep(id).map(|sweep| (sweep.launched_at, sweep.id.clone()));
    let newest = several.iter().filter_map(launched).max();
    let count = u32::try_from(several.len()).unwrap_or(u32::MAX);
    newest.map(|(_, id)| (id, count)).ok_or(LookupError::NotFound)
}

/// The tasks that a person who typed these words may mean, by name.
async fn meant(names: NamesOfSweep, words: String) -> Result<Vec<(TaskId, String)>, Status> {
    let look = move || {
        let meant = names.meant(&words);
        meant.into_iter().map(|(id, name)| (id, name.to_owned())).collect::<Vec<_>>()
    };
    tokio::task::spawn_blocking(look).await.map_err(|error| Status::internal(error.to_string()))
}
