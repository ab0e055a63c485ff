//! The processes: coordinators and workers as they ship, put together as their programs do, and a person who launches sweeps.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use basin_coordinator::client::{CallError, Client};
use basin_coordinator::leader_election::LeaderElection;
use basin_coordinator::leader_session::{LeaderContext, LeaderSession};
use basin_coordinator::server::GrpcPort;
use basin_coordinator::service::{Leadership, LeadershipRole};
use basin_coordinator::trust::connection_limits::ConnectionLimits;
use basin_coordinator::trust::{CallMeter, Trust};
use basin_core::command::Policy;
use basin_domain::id::WorkerId;
use basin_domain::scheduling::SchedulingChange;
use basin_domain::sweep::Source;
use basin_proto::dial::Dial;
use basin_proto::v1;
use basin_storage::CommitMode;
use basin_worker::DeviceName;
use basin_worker::agent::{self, CommandLine, NewsListener, Settings};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::checks::ACKNOWLEDGED;
use crate::disk::{SimElection, SimJournal};
use crate::host::{Host, Life};
use crate::network::{ProcessListener, SimTransport};
use crate::plan::LEASE;
use crate::platform::Machine;
use crate::store::StoreView;
use crate::world::World;

/// The most tasks of a sweep.
const MAX_TASKS: u64 = 1_000;

/// A process that runs.
pub(crate) struct Node {
    pub(crate) life: Life,
    /// Of a worker: its id.
    pub(crate) worker: Option<WorkerId>,
    /// Tells it to leave.
    pub(crate) leave: CancellationToken,
    /// Ends all that belongs to it.
    end: CancellationToken,
    work: JoinHandle<String>,
}

impl Node {
    /// What it said at its end, if it has ended by itself.
    pub(crate) fn has_ended(&self) -> bool {
        self.work.is_finished()
    }

    pub(crate) async fn last_words(self) -> String {
        self.work.await.unwrap_or_else(|error| error.to_string())
    }

    /// Ends it amid whatever it does.
    pub(crate) fn kill(self, world: &World, host: Host) {
        self.life.end();
        if let Host::Coordinator(number) = host {
            world.disks[number].lose_unsynced(world);
        }
        world.network.bury(host);
        self.work.abort();
        self.end.cancel();
        self.leave.cancel();
    }
}

fn dial(world: &Arc<World>, host: Host, life: &Life) -> Dial {
    let urls: Vec<String> = (0..world.disks.len()).map(|number| Host::Coordinator(number).url()).collect();
    let transport = SimTransport { network: Arc::clone(&world.network), host, life: life.clone() };
    Dial { transport: Some(Arc::new(transport)), ..Dial::to(&urls.join(",")).unwrap() }
}

/// Starts a coordinator or a worker.
pub(crate) fn start(world: &Arc<World>, host: Host, scratch: &Path) -> Node {
    let (life, leave, end) = (Life::default(), CancellationToken::new(), CancellationToken::new());
    let machine = Machine { world: Arc::clone(world), host, life: life.clone() };
    let mut id = None;
    let work = match host {
        Host::Coordinator(number) => tokio::spawn(coordinate(machine, number, end.clone())),
        Host::Worker(number) => {
            let worker = WorkerId::new(format!("worker-{number}-{}", world.number())).unwrap();
            id = Some(worker.clone());
            let settings = worker_settings(machine, worker, scratch);
            let work = agent::run(settings, leave.clone());
            tokio::spawn(async move { format!("{:?}", work.await) })
        }
        Host::Client | Host::Store | Host::Database => unreachable!("{host} has no such process"),
    };
    Node { life, worker: id, leave, end, work }
}

fn worker_settings(machine: Machine, id: WorkerId, scratch: &Path) -> Settings {
    let cluster = machine.world.plan.cluster;
    let folder = scratch.join(id.to_string());
    Settings {
        dial: dial(&machine.world, machine.host, &machine.life),
        store: None,
        id,
        slots: cluster.slots,
        threads: 1,
        devices: vec![DeviceName::Processor],
        pack: cluster.pack,
        labels: BTreeMap::new(),
        data_cache: folder.join("cache"),
        scratch: folder.join("scratch"),
        witness: None,
        executor: CommandLine { program: "simulated".into(), arguments: Vec::new() },
        progress_timeout: Duration::from_secs(4),
        checkpoint_every: Duration::from_millis(1_500),
        idle_exit: None,
        walltime: None,
        grace: Duration::from_secs(4),
        listener: NewsListener::default(),
        platform: Arc::new(machine),
    }
}

fn policy() -> Policy {
    Policy {
        lease_duration: Duration::from_millis(LEASE),
        // No task fails for good: each result is compared.
        max_attempts: 1_000,
        quarantine_workers: 1_000,
        avoid_for: Duration::from_secs(5),
        ..Policy::default()
    }
}

/// A coordinator, as `Server::start` puts it together.
async fn coordinate(machine: Machine, number: usize, end: CancellationToken) -> String {
    let Machine { world, host, life } = machine.clone();
    let store = StoreView::open(&world, host, &life);
    let (stop, retire, failed) = (end.child_token(), end.child_token(), end.child_token());
    let leadership = Leadership::new(LeadershipRole::Standby { leader: None });
    let is_alone = world.disks.len() == 1;
    let disk = Arc::clone(&world.disks[number]);
    let mut context = LeaderContext {
        store,
        commits: CommitMode::Conditional,
        policy: policy(),
        has_shared_journal: !is_alone,
        platform: Arc::new(machine),
    };
    let lead = if is_alone {
        match context.store.probe().await {
            Ok(probed) => context.commits = CommitMode::from(probed),
            Err(error) => return format!("the store can't be used: {error}"),
        }
        let journal = SimJournal { world: Arc::clone(&world), disk, host, life: life.clone(), epoch: None };
        let session = match LeaderSession::begin(journal, &context, &stop).await {
            Ok(session) => session,
            Err(error) => return format!("{error}"),
        };
        leadership.lead(&session.coordinator);
        tokio::spawn(lead_until_retired(session, retire.clone(), failed.clone()))
    } else {
        let holder = world.number();
        let candidate = SimElection { world: Arc::clone(&world), disk, host, life: life.clone(), holder };
        let (stop, retire, failed) = (stop.clone(), retire.clone(), failed.clone());
        let leadership = leadership.clone();
        let election = LeaderElection { candidate, context, leadership, stop, retire, failed };
        tokio::spawn(election.run(None))
    };
    let port = GrpcPort {
        listener: ProcessListener { listener: world.network.listen(host), life: life.clone() },
        trust: Trust::default(),
        limits: ConnectionLimits::new(1_024),
        hint_of: |_| None,
        meter: CallMeter::default(),
        stop: stop.clone(),
        failed: failed.clone(),
    };
    let calls = tokio::spawn(port.serve(leadership));
    failed.cancelled().await;
    stop.cancel();
    let _ = tokio::time::timeout(Duration::from_secs(3), calls).await;
    retire.cancel();
    let _ = tokio::time::timeout(Duration::from_secs(30), lead).await;
    "it can't go on".to_owned()
}

async fn lead_until_retired(session: LeaderSession, retire: CancellationToken, failed: CancellationToken) {
    tokio::select! {
        biased;
        () = retire.cancelled() => {}
        () = session.coordinator.ledger.closed() => failed.cancel(),
    }
    session.end().await;
}

const FITS: &str = r#"
[[experiment]]
id = "fits"
kind = "fit-function"
function = "sin"
interval = [-3.0, 3.0]
points = 32
hidden = [8]
epochs = 20
grid = { learning_rate = [1e-3, 1e-2] }
"#;

const LINE: &str = r#"
[[experiment]]
id = "line"
kind = "interpolate"
from = { experiment = "fits", learning_rate = 1e-3 }
to = { experiment = "fits", learning_rate = 1e-2 }
ratios = { start = 0.0, stop = 1.0, count = 3 }
"#;

/// A sweep of tasks that read none and tasks that read others; the second shares tasks with the first.
fn sweep(number: usize) -> Source {
    let text = match number {
        0 => format!("name = \"first\"\n{FITS}seeds = 3\n{LINE}seeds = 2\n"),
        _ => format!("name = \"second\"\n{FITS}seeds = 5\n"),
    };
    Source { file: "sweep.toml".to_owned(), text, profile: None, overrides: Vec::new(), kinds: Vec::new() }
}

/// Launches a sweep, and looks at it until it is done.
pub(crate) async fn follow_sweep(world: Arc<World>, number: usize) {
    tokio::time::sleep(Duration::from_secs(6 * number as u64)).await;
    let client = Client::new(&dial(&world, Host::Client, &Life::default())).unwrap();
    let source = sweep(number);
    let id = loop {
        match client.launch(&source, MAX_TASKS, SchedulingChange::default()).await {
            Ok(launched) => break launched.sweep_id,
            Err(error) => world.tell(format!("sweep {number} was not launched: {error}")),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    world.tell(format!("sweep {number} is launched as {id}"));
    loop {
        tokio::time::sleep(Duration::from_secs(2)).await;
        match client.sweep(&id).await {
            Ok(reply) => {
                let state = reply.sweep.map(|sweep| sweep.state_code()).unwrap_or_default();
                if state == v1::SweepState::Done {
                    return world.tell(format!("sweep {number} is done"));
                }
            }
            Err(CallError::Refused { message, .. }) => {
                return world.breaks(ACKNOWLEDGED, format!("sweep {number} was launched: {message}"));
            }
            Err(_) => {}
        }
    }
}
