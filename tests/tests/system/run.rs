//! A run of a plan to its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use basin_domain::id::{TaskId, WorkerId};
use basin_storage::Store;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::checks::{ENDS, SAME_BYTES, Tally, short};
use crate::host::{Host, Life};
use crate::nodes::{self, Node};
use crate::plan::{Fault, Millis, Plan, Trouble};
use crate::runtime;
use crate::store::StoreView;
use crate::world::{BrokenPromise, Flaw, World};

/// How often the run is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// When a process that has ended by itself is started again.
const RESTART: Millis = 2_000;
/// For so long a sweep may go on after the last fault.
const LONGEST: Millis = 300_000;

/// What came of a run.
pub(crate) struct Outcome {
    pub(crate) broken: Option<BrokenPromise>,
    pub(crate) story: Vec<String>,
    pub(crate) tally: Tally,
}

/// Runs a plan.
pub(crate) fn run(plan: &Plan, flaw: Option<Flaw>) -> Outcome {
    let plan = plan.clone();
    let runtime = runtime::paused();
    let run = async move {
        let run = async move {
            let mut run = Run::new(plan, flaw);
            run.go_on().await;
            run.outcome()
        };
        // As a task, so that it has its turn among the others.
        tokio::spawn(run).await.unwrap()
    };
    runtime.block_on(run)
}

struct Run {
    world: Arc<World>,
    scratch: TempDir,
    nodes: BTreeMap<Host, Node>,
    /// How many reasons there are why a process doesn't run.
    away: BTreeMap<Host, u32>,
    /// When a reason ends.
    back: Vec<(Millis, Host)>,
    deaths: mpsc::UnboundedReceiver<Host>,
    clients: JoinSet<()>,
}

impl Run {
    fn new(plan: Plan, flaw: Option<Flaw>) -> Self {
        let (sender, deaths) = mpsc::unbounded_channel();
        let world = World::new(plan, flaw, sender);
        let mut run = Self {
            scratch: tempfile::tempdir().unwrap(),
            nodes: BTreeMap::new(),
            away: BTreeMap::new(),
            back: Vec::new(),
            deaths,
            clients: JoinSet::new(),
            world,
        };
        let cluster = run.world.plan.cluster;
        let coordinators = (0..cluster.coordinators).map(Host::Coordinator);
        coordinators.chain((0..cluster.workers).map(Host::Worker)).for_each(|host| run.start(host));
        for sweep in 0..cluster.sweeps {
            run.clients.spawn(nodes::follow_sweep(Arc::clone(&run.world), sweep));
        }
        run
    }

    fn outcome(self) -> Outcome {
        let tally = std::mem::take(&mut self.world.checks().tally);
        Outcome { broken: self.world.broken(), story: self.world.story(), tally }
    }

    async fn go_on(&mut self) {
        let faults = self.world.plan.faults.clone();
        let begin = faults.iter().enumerate().map(|(number, fault)| (fault.at, number, true));
        let end = faults.iter().enumerate().map(|(number, fault)| (fault.at + fault.lasts, number, false));
        let mut moments: Vec<(Millis, usize, bool)> = begin.chain(end).collect();
        moments.sort_unstable();
        let limit = moments.last().map_or(0, |(at, ..)| *at) + LONGEST;
        let mut moments = moments.into_iter().peekable();
        loop {
            let now = self.world.now();
            while let Some((_, number, begins)) = moments.next_if(|(at, ..)| *at <= now) {
                if begins {
                    self.world.tell(faults[number].to_string().split_off(12));
                    self.begin(number, faults[number]);
                } else {
                    self.end(number, faults[number]);
                }
            }
            self.mind_processes(now).await;
            while self.clients.try_join_next().is_some_and(|client| client.is_ok()) {}
            if self.clients.is_empty() && self.world.checks().are_settled() {
                self.compare_results().await;
                return;
            }
            let workers = self.workers();
            self.world.checks().check_starvation(&self.world, &workers);
            if self.world.broken().is_none() && now > limit {
                self.world.breaks(ENDS, "it goes on for ever");
            }
            if self.world.broken().is_some() {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn workers(&self) -> Vec<(WorkerId, Host)> {
        self.nodes.iter().filter_map(|(host, node)| Some((node.worker.clone()?, *host))).collect()
    }

    fn start(&mut self, host: Host) {
        let node = nodes::start(&self.world, host, self.scratch.path());
        self.nodes.insert(host, node);
    }

    /// A process ends, and runs no more before `come_back`.
    fn stop(&mut self, host: Host) {
        *self.away.entry(host).or_default() += 1;
        if let Some(node) = self.nodes.remove(&host) {
            self.world.checks().dead.extend(node.worker.clone());
            node.kill(&self.world, host);
        }
    }

    fn come_back(&mut self, host: Host) {
        let reasons = self.away.entry(host).or_default();
        *reasons = reasons.saturating_sub(1);
        if *reasons == 0 && !self.nodes.contains_key(&host) {
            self.world.tell(format!("{host} is started"));
            self.start(host);
        }
    }

    /// Processes that died in a write, that ended by themselves, and that come back.
    async fn mind_processes(&mut self, now: Millis) {
        while let Ok(host) = self.deaths.try_recv() {
            self.world.tell(format!("{host} died in a write"));
            self.stop(host);
            self.is_disturbed(now + RESTART);
            self.back.push((now + RESTART, host));
        }
        let ended: Vec<Host> =
            self.nodes.iter().filter(|(_, node)| node.has_ended()).map(|(host, _)| *host).collect();
        for host in ended {
            if let Some(node) = self.nodes.remove(&host) {
                node.life.end();
                self.world.checks().dead.extend(node.worker.clone());
                self.world.network.bury(host);
                let words = node.last_words().await;
                self.world.tell(format!("{host} has ended: {words}"));
                *self.away.entry(host).or_default() += 1;
                self.is_disturbed(now + RESTART);
                self.back.push((now + RESTART, host));
            }
        }
        let (due, later) = self.back.drain(..).partition(|(at, _)| *at <= now);
        self.back = later;
        let due: Vec<(Millis, Host)> = due;
        due.into_iter().for_each(|(_, host)| self.come_back(host));
    }

    fn is_disturbed(&self, until: Millis) {
        let mut checks = self.world.checks();
        checks.disturbed = checks.disturbed.max(until);
    }

    fn begin(&mut self, number: usize, Fault { at, lasts, what }: Fault) {
        let (world, until) = (Arc::clone(&self.world), at + lasts);
        self.is_disturbed(until);
        let network = &world.network;
        match what {
            Trouble::Kill(host) => {
                world.checks().count(format!("kills: {}", kind_of(host)));
                self.stop(host);
            }
            Trouble::Lose(host) => {
                world.checks().count("machines lost");
                world.checks().trouble(&[host], until);
                network.take_away(host, true);
                self.stop(host);
            }
            Trouble::Leave(host) => {
                world.checks().count("workers told to leave");
                world.checks().trouble(&[host], until);
                if let Some(node) = self.nodes.get(&host) {
                    node.leave.cancel();
                }
            }
            Trouble::KillInWrite(Host::Coordinator(coordinator), is_kept) => {
                world.checks().count(if is_kept { "kills after a write" } else { "kills amid a write" });
                world.disks[coordinator].kill_in_write(Host::Coordinator(coordinator), is_kept);
            }
            Trouble::JournalFull(Host::Coordinator(coordinator)) => {
                world.checks().count("full disks");
                world.disks[coordinator].set_full(true);
            }
            Trouble::KillInWrite(..) | Trouble::JournalFull(_) => {}
            Trouble::Cut { from, to, both_ways } => {
                world.checks().count(if both_ways { "cuts both ways" } else { "cuts one way" });
                if from != Host::Store && to != Host::Store {
                    world.checks().trouble(&[from, to], until);
                }
                network.cut(from, to, true);
                if both_ways {
                    network.cut(to, from, true);
                }
            }
            Trouble::Reset(a, b) => {
                world.checks().count("breaks of connections");
                network.reset(a, b);
            }
            Trouble::Slow(host) => {
                world.checks().count("slow ways");
                world.checks().trouble(&[host], until);
                network.slow_down(host, true);
            }
            Trouble::Store(whose, fault) => {
                world.checks().count(format!("store: {fault:?}"));
                world.objects.begin_fault(number, whose, fault);
            }
            Trouble::ClockSet(host, by) => {
                world.checks().count("clocks set");
                *world.clocks.lock().unwrap().entry(host).or_default() += by;
            }
            Trouble::Executors(host, kind) => {
                let processes = world.checks().processes.clone();
                for process in
                    processes.iter().filter(|process| process.worker() == host && process.is_alive())
                {
                    for task in process.meets(kind) {
                        // Of a failure the executor itself tells.
                        if kind != basin_domain::failure::FailureKind::Experiment {
                            world.checks().executor_failed(task, kind);
                        }
                    }
                }
            }
        }
    }

    fn end(&mut self, number: usize, Fault { what, .. }: Fault) {
        let world = Arc::clone(&self.world);
        match what {
            Trouble::Kill(host) => self.come_back(host),
            Trouble::Lose(host) => {
                world.network.take_away(host, false);
                self.come_back(host);
            }
            Trouble::JournalFull(Host::Coordinator(coordinator)) => world.disks[coordinator].set_full(false),
            Trouble::Cut { from, to, both_ways } => {
                world.network.cut(from, to, false);
                if both_ways {
                    world.network.cut(to, from, false);
                }
            }
            Trouble::Slow(host) => world.network.slow_down(host, false),
            Trouble::Store(..) => world.objects.end_fault(number),
            Trouble::Leave(_)
            | Trouble::KillInWrite(..)
            | Trouble::JournalFull(_)
            | Trouble::Reset(..)
            | Trouble::ClockSet(..)
            | Trouble::Executors(..) => {}
        }
    }

    /// Holds each result against that of an undisturbed run. The sweeps are done: faults that last for longer hide nothing.
    async fn compare_results(&self) {
        self.world.objects.end_faults();
        let store = StoreView::open(&self.world, Host::Client, &Life::default());
        let tasks: Vec<TaskId> = self.world.checks().tasks.keys().copied().collect();
        for task in tasks {
            let expected = self.world.checks().expected_result(&task);
            match result(&store, &task).await {
                Ok(result) if result == expected => self.world.checks().count("results compared"),
                Ok(result) => {
                    let (result, expected) =
                        (String::from_utf8_lossy(&result), String::from_utf8_lossy(&expected));
                    self.world.breaks(SAME_BYTES, format!("of {}: {result}, not {expected}", short(&task)));
                }
                Err(error) => self.world.breaks(SAME_BYTES, format!("of {}: {error}", short(&task))),
            }
        }
    }
}

async fn result(store: &Store, task: &TaskId) -> Result<Vec<u8>, String> {
    let commit = store.read_commit(task).await.map_err(|error| error.to_string())?;
    let commit = commit.ok_or("it isn't committed")?;
    let manifest = store.read_manifest(&commit).await.map_err(|error| error.to_string())?;
    let result = store.read_artifact(&manifest, basin_domain::key::RESULT).await;
    result.map(|bytes| bytes.to_vec()).map_err(|error| error.to_string())
}

const fn kind_of(host: Host) -> &'static str {
    match host {
        Host::Coordinator(_) => "coordinators",
        Host::Worker(_) => "workers",
        Host::Client | Host::Store | Host::Database => "others",
    }
}
