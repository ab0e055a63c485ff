//! Calls of a coordinator, one after another: each a part whose first byte says which call, before the message as it comes off the wire.

use std::sync::Arc;
use std::time::Duration;

use basin_coordinator::journal::{LedgerHandle, MemoryDisk, MemoryJournal, Meter, SystemClock};
use basin_coordinator::platform::SystemPlatform;
use basin_coordinator::service::{
    CleanUp, ControlService, Coordinator, Forecasts, Leadership, LeadershipRole, SchedulerService,
    SweepSources, TaskNames, TaskNews, WorkerUsages,
};
use basin_coordinator::work_host::WorkHost;
use basin_core::command::Policy;
use basin_proto::v1::control_server::Control;
use basin_proto::v1::scheduler_server::Scheduler;
use basin_storage::{CommitMode, Store};
use prost::Message;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};

use crate::parts;
use crate::stored::with_objects;

/// The most calls of an input, and the most tasks of a sweep.
const MOST_CALLS: usize = 12;
const MOST_TASKS: u64 = 50;

pub(super) fn read(input: &[u8]) -> bool {
    with_objects(&[], async |store| {
        let coordinator = coordinator(store).await;
        let leadership = Leadership::new(LeadershipRole::Leading(Arc::clone(&coordinator)));
        let (control, scheduler) = (ControlService(leadership.clone()), SchedulerService(leadership));
        let mut answered = false;
        for part in parts(input).take(MOST_CALLS) {
            let Some((call, message)) = part.split_first() else { continue };
            let done = called(&control, &scheduler, *call, message).await;
            answered |= done.is_some_and(|answer| answer.is_ok());
        }
        let audit = coordinator.ledger.view(basin_core::Ledger::audit).await;
        assert_eq!(audit.expect("the ledger is there"), Ok(()), "what must hold does");
        coordinator.ledger.close().await;
        answered
    })
}

/// Makes a call; nothing if there is no such call, or this is no message of it.
async fn called(
    control: &ControlService,
    scheduler: &SchedulerService,
    call: u8,
    message: &[u8],
) -> Option<Result<(), Status>> {
    macro_rules! call {
        ($($number:literal => $service:ident.$call:ident,)*) => {
            match call {
                $($number => {
                    let request = Request::new(Message::decode(message).ok()?);
                    $service.$call(request).await.map(drop)
                })*
                _ => return None,
            }
        };
    }
    Some(call! {
        b'a' => scheduler.hello, b'b' => scheduler.sync, b'c' => scheduler.complete, b'd' => scheduler.commit,
        b'e' => scheduler.fail, b'f' => scheduler.release, b'g' => scheduler.report_exit,
        b'h' => control.launch, b'i' => control.list_sweeps, b'j' => control.get_sweep, b'k' => control.get_task,
        b'l' => control.get_task_log, b'm' => control.list_tasks, b'n' => control.get_live_tasks,
        b'o' => control.steer_sweep, b'p' => control.adjust_sweep, b'q' => control.repair_sweep,
        b'r' => control.forget_sweep, b's' => control.collect_garbage, b't' => control.list_workers,
        b'u' => control.drain_worker, b'v' => control.about,
    })
}

async fn coordinator(store: &Store) -> Arc<Coordinator> {
    let policy =
        Policy { max_tasks: MOST_TASKS, lease_duration: Duration::from_millis(30), ..Policy::default() };
    let journal = MemoryJournal::open(&MemoryDisk::default()).expect("it is open nowhere else");
    let ledger = LedgerHandle::open(journal, policy, SystemClock::default()).await;
    Arc::new(Coordinator {
        ledger: ledger.expect("an empty journal is read"),
        meter: Meter::default(),
        store: store.clone(),
        names: TaskNames::default(),
        forecasts: Forecasts::default(),
        news: TaskNews::start(WorkHost::Runtime),
        usages: WorkerUsages::default(),
        sources: SweepSources::default(),
        commits: CommitMode::Conditional,
        lease_duration: policy.lease_duration,
        max_tasks: policy.max_tasks,
        clean_up: CleanUp::default(),
        wake: Notify::new(),
        due: Notify::new(),
        has_shared_journal: false,
        platform: Arc::new(SystemPlatform),
        stop: CancellationToken::new(),
    })
}
