//! How long workers wait for their coordinator while ten thousand tasks run, each followed, and people look on: a measurement of a real
//! coordinator's process, for `docs/decisions/0019-load.md`.
//!
//! Workers are simulated: they call as real ones do, and train nothing. Five hundred of them have twenty tasks each and call every two
//! seconds, with how far each task is, ten points of its loss and of each of ten series that it records, and a line of its log. Boards,
//! `basin watch` and the calls that its screen makes go on meanwhile. Two things are timed, calm and under that load: until a free slot
//! has its lease, and until a worker with twenty tasks has its answer.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use basin_coordinator::client::{Client, TaskTable};
use basin_proto::dial::Dial;
use basin_proto::v1;
use basin_proto::v1::scheduler_client::SchedulerClient;
use basin_tests::{Fits, RunningProcess, Sandbox};
use tokio::task::JoinSet;
use tonic::transport::Channel;

/// Workers with tasks, and how many each has.
const WORKERS: usize = 500;
const SLOTS: u32 = 20;
/// So many of them call often, and are timed.
const TIMED: usize = 8;
/// Workers that ask for a lease and give it back, again and again.
const PROBES: usize = 8;
/// The pause between two calls of a busy worker, as coordinators ask for it, and of one that is timed.
const USUAL_PAUSE: Duration = Duration::from_secs(2);
const TIMED_PAUSE: Duration = Duration::from_millis(100);
/// Points of its loss, and of each of its series, that a task says with each call: executors tell five times a second how far they are
/// and what they have recorded, and these record something each time.
const POINTS: u64 = 10;
/// The series that a task records.
const SERIES: [&str; 10] = [
    "train_loss",
    "train_accuracy",
    "test_loss",
    "test_accuracy",
    "gradient_norm",
    "learning_rate",
    "sharpness",
    "sensitivity",
    "average_test_loss",
    "average_test_accuracy",
];
/// Workers that share a connection.
const SHARED: usize = 10;
/// Browsers, programs and screens that look on.
const BROWSERS: usize = 4;
const WATCHES: usize = 2;
const SCREENS: usize = 2;
/// How long is measured, each time.
const WINDOW: Duration = Duration::from_secs(20);

/// A sweep with more tasks than run, so that a free slot finds one.
const SWEEP: Fits<'static> =
    Fits { name: "large", points: 64, hidden: &[16], seeds: 10_200, epochs: 100_000 };

/// A worker that calls as a real one does.
struct SimulatedWorker {
    client: SchedulerClient<Channel>,
    id: String,
    slots: u32,
    seen: u64,
    /// Its leases, each with its one task.
    held: Vec<(String, String)>,
    step: u64,
}

impl SimulatedWorker {
    fn new(client: &SchedulerClient<Channel>, id: String, slots: u32) -> Self {
        Self { client: client.clone(), id, slots, seen: 0, held: Vec::new(), step: 0 }
    }

    fn holds(&self) -> Vec<v1::HeldLease> {
        let progress = v1::Progress {
            iteration: self.step,
            iterations: 1_000_000,
            epoch: 3,
            epochs: 100,
            loss: Some(1.0 / (1.0 + self.step as f64)),
            step_seconds: Some(0.02),
            silent_ms: Some(100),
            is_held: false,
            done_share: Some(0.25),
            examples_per_second: Some(3_200.0),
        };
        let held = self.held.iter().map(|(lease, task)| v1::HeldLease {
            lease_id: lease.clone(),
            tasks: vec![v1::TaskProgress { task_id: task.clone(), progress: Some(progress) }],
        });
        held.collect()
    }

    fn logs(&self) -> Vec<v1::TaskLog> {
        let iterations: Vec<u64> = (self.step..self.step + POINTS).collect();
        let losses: Vec<f64> = iterations.iter().map(|at| 1.0 / (1.0 + *at as f64)).collect();
        let line = format!("2026-11-29T08:00:00Z  INFO trained step={} steps=1000000 epoch=3", self.step);
        let series = SERIES.map(|name| v1::SeriesCurve {
            name: name.to_owned(),
            axis: v1::SeriesAxis::Epoch.into(),
            x: iterations.iter().map(|at| *at as f64 / 100.0).collect(),
            values: losses.clone(),
        });
        let log = self.held.iter().map(|(_, task)| v1::TaskLog {
            task_id: task.clone(),
            first: self.step / POINTS,
            lines: vec![line.clone()],
            losses: Some(v1::LossCurve { iterations: iterations.clone(), losses: losses.clone() }),
            series: series.to_vec(),
        });
        log.collect()
    }

    /// Calls once; how long the answer took.
    async fn sync(&mut self) -> Duration {
        let description = v1::WorkerDescription {
            host: "simulated".to_owned(),
            device: "cpu".to_owned(),
            slots: self.slots,
            threads: 1,
            ..v1::WorkerDescription::default()
        };
        let usage = v1::WorkerUsage {
            cpu_cores: Some(19.5),
            cores: 32,
            memory: Some(8 << 30),
            memory_limit: 64 << 30,
        };
        let request = v1::SyncRequest {
            worker_id: self.id.clone(),
            worker: Some(description),
            holds: self.holds(),
            free_slots: self.slots - u32::try_from(self.held.len()).unwrap(),
            max_pack: 1,
            seen: self.seen,
            logs: self.logs(),
            usage: Some(usage),
            ..v1::SyncRequest::default()
        };
        let began = Instant::now();
        let reply = self.client.sync(request).await.unwrap().into_inner();
        let took = began.elapsed();
        assert!(reply.stop.is_empty(), "{} lost leases: {:?}", self.id, reply.stop);
        self.seen = reply.answer;
        self.step += POINTS;
        for grant in reply.grants {
            let tasks = grant.tasks.into_iter();
            self.held.extend(tasks.map(|task| (grant.lease_id.clone(), task.task_id)));
        }
        took
    }

    /// Calls until all of its slots have tasks.
    async fn fill(&mut self) {
        while self.held.len() < self.slots as usize {
            self.sync().await;
        }
    }

    /// Asks for a lease, and gives it back; how long it took to get it.
    async fn lease(&mut self) -> Duration {
        let mut took = Duration::ZERO;
        while self.held.is_empty() {
            took += self.sync().await;
        }
        for (lease_id, task_id) in self.held.drain(..) {
            let reason = v1::ReleaseReason::Drain;
            let request = v1::ReleaseRequest {
                lease_id,
                task_id,
                reason: "drain".to_owned(),
                reason_code: reason.into(),
            };
            assert!(self.client.release(request).await.unwrap().into_inner().held);
        }
        took
    }
}

/// What took how long, sorted.
struct Latencies(Vec<Duration>);

impl Latencies {
    /// In milliseconds: all but this share took no longer.
    fn quantile(&self, share: f64) -> f64 {
        let place = ((self.0.len() as f64 * share).ceil() as usize).saturating_sub(1);
        self.0[place].as_secs_f64() * 1e3
    }

    /// What took so long, and how many times as long as in the calm.
    fn said(&self, what: &str, calm: Option<&Self>) -> String {
        let [p50, p99] = [0.5, 0.99].map(|share| self.quantile(share));
        let times = calm.map_or_else(String::new, |calm| {
            let [half, most] = [p50 / calm.quantile(0.5), p99 / calm.quantile(0.99)];
            format!("; {half:.2} and {most:.2} times as long as calm")
        });
        format!("  {what}: p50 {p50:.2} ms, p99 {p99:.2} ms of {} calls{times}", self.0.len())
    }
}

/// How long everything took that these have done.
async fn collected(mut all: JoinSet<Vec<Duration>>) -> Latencies {
    let mut took = Vec::new();
    while let Some(some) = all.join_next().await {
        took.extend(some.unwrap());
    }
    took.sort_unstable();
    assert!(took.len() > 100, "{} calls tell nothing of the slowest in a hundred", took.len());
    Latencies(took)
}

/// How long leases and answers take now. Workers go on with what they have.
async fn measured(probes: &[SchedulerClient<Channel>], timed_workers: Vec<SimulatedWorker>) -> Measured {
    let until = Instant::now() + WINDOW;
    let (mut leases, mut answers) = (JoinSet::new(), JoinSet::new());
    for (number, client) in probes.iter().enumerate() {
        let mut probe = SimulatedWorker::new(client, format!("probe-{number}"), 1);
        leases.spawn(async move {
            let mut took = Vec::new();
            while Instant::now() < until {
                took.push(probe.lease().await);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            took
        });
    }
    let (sender, mut workers) = tokio::sync::mpsc::unbounded_channel();
    for mut worker in timed_workers {
        let sender = sender.clone();
        answers.spawn(async move {
            let mut took = Vec::new();
            while Instant::now() < until {
                took.push(worker.sync().await);
                tokio::time::sleep(TIMED_PAUSE).await;
            }
            // Whoever waits for it hears it.
            let _ = sender.send(worker);
            took
        });
    }
    drop(sender);
    let (leases, answers) = tokio::join!(collected(leases), collected(answers));
    let mut left = Vec::new();
    while let Some(worker) = workers.recv().await {
        left.push(worker);
    }
    Measured { leases, answers, workers: left }
}

struct Measured {
    leases: Latencies,
    answers: Latencies,
    workers: Vec<SimulatedWorker>,
}

/// A page of the board, whole.
fn page(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// A browser that has these pages open, as they are loaded again once a second; how many it has seen.
fn browse(address: &str, pages: &[String], stop: &AtomicBool) -> usize {
    let mut seen = 0;
    while !stop.load(Ordering::Relaxed) {
        for path in pages {
            let text = page(address, path);
            let answer = text.lines().next().unwrap_or_default();
            // A page that isn't there yet is asked for again.
            let is_there = answer.starts_with("HTTP/1.1 200 ");
            assert!(is_there || answer.starts_with("HTTP/1.1 503 "), "{path}: {answer}");
            seen += usize::from(is_there);
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    seen
}

/// What the screen of `basin watch` asks, once a second.
async fn look_on(url: String, sweep: String) {
    let client = Client::new(&Dial::to(&url).unwrap()).unwrap();
    let mut table = TaskTable::read(&client, &sweep).await.unwrap();
    loop {
        client.list_sweeps().await.unwrap();
        client.sweep(&sweep).await.unwrap();
        client.workers().await.unwrap();
        table.read_states(&client, &sweep).await.unwrap();
        let rows = table.tasks.iter().zip(&table.states);
        let running = rows.filter(|(_, state)| **state == v1::TaskState::Running);
        let ids = running.take(256).map(|(task, _)| task.task_id.clone()).collect();
        client.live_series(ids, 16).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn running(url: &str, sweep: &str) -> u64 {
    let client = Client::new(&Dial::to(url).unwrap()).unwrap();
    client.sweep(sweep).await.unwrap().sweep.unwrap().counts.unwrap().running
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, for docs/decisions/0019-load.md"]
async fn measured_scheduling_while_ten_thousand_tasks_run_and_are_looked_at() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("large.toml", &SWEEP.text());
    let (_coordinator, output) = sandbox.serve_with_output("127.0.0.1:0", &["--board", "127.0.0.1:0"]);
    let url = output["url"].as_str().unwrap().to_owned();
    let board = output["board"].as_str().unwrap().strip_prefix("http://").unwrap();
    let board = board.split('/').next().unwrap().to_owned();
    let sweep = sandbox.launch(&url, "large.toml", &[]);

    let mut clients = Vec::new();
    for _ in 0..WORKERS.div_ceil(SHARED) {
        clients.push(SchedulerClient::connect(url.clone()).await.unwrap());
    }
    let worker =
        |number: usize| SimulatedWorker::new(&clients[number / SHARED], format!("worker-{number}"), SLOTS);
    let mut timed_workers: Vec<SimulatedWorker> = (0..TIMED).map(worker).collect();
    for worker in &mut timed_workers {
        worker.fill().await;
    }
    let calm = measured(&clients[..PROBES], timed_workers).await;
    eprintln!("calm, {} tasks run:", TIMED * SLOTS as usize);
    eprintln!("{}", calm.leases.said("a lease for a free slot", None));
    eprintln!("{}", calm.answers.said("the answer to a worker with 20 tasks", None));

    let mut load: JoinSet<()> = JoinSet::new();
    for number in TIMED..WORKERS {
        let mut worker = worker(number);
        load.spawn(async move {
            // Not all at once, neither at first nor later.
            tokio::time::sleep(USUAL_PAUSE * number as u32 / WORKERS as u32).await;
            worker.fill().await;
            loop {
                worker.sync().await;
                tokio::time::sleep(USUAL_PAUSE).await;
            }
        });
    }
    for _ in 0..SCREENS {
        load.spawn(look_on(url.clone(), sweep.clone()));
    }
    let stop = Arc::new(AtomicBool::new(false));
    let pages = ["/workers", "/workers/stream.json", &format!("/sweeps/{sweep}")].map(str::to_owned).to_vec();
    let pages =
        [pages, vec![format!("/sweeps/{sweep}/tasks?where=state+%3D+%27running%27&sort=loss")]].concat();
    let browsers = (0..BROWSERS).map(|_| {
        let (board, pages, stop) = (board.clone(), pages.clone(), Arc::clone(&stop));
        std::thread::spawn(move || browse(&board, &pages, &stop))
    });
    let browsers: Vec<_> = browsers.collect();
    let watches = (0..WATCHES).map(|number| {
        sandbox.start(&format!("watch-{number}"), &["--json", "watch", &sweep, "--coordinator", &url])
    });
    let _watches: Vec<RunningProcess> = watches.collect();
    let all = WORKERS as u64 * u64::from(SLOTS);
    // The timed workers aren't heard meanwhile; their leases last for longer than the others need to begin.
    let mut timed_workers = calm.workers;
    while running(&url, &sweep).await < all {
        for worker in &mut timed_workers {
            worker.sync().await;
        }
        tokio::time::sleep(USUAL_PAUSE / 4).await;
    }
    // What began with the load is over.
    let settled = Instant::now() + 3 * USUAL_PAUSE;
    while Instant::now() < settled {
        for worker in &mut timed_workers {
            worker.sync().await;
        }
        tokio::time::sleep(USUAL_PAUSE / 4).await;
    }
    let loaded = measured(&clients[..PROBES], timed_workers).await;
    let still = running(&url, &sweep).await;
    eprintln!(
        "{still} tasks run on {WORKERS} workers, {BROWSERS} browsers, {WATCHES} watches and {SCREENS} screens look on:"
    );
    eprintln!("{}", loaded.leases.said("a lease for a free slot", Some(&calm.leases)));
    eprintln!("{}", loaded.answers.said("the answer to a worker with 20 tasks", Some(&calm.answers)));

    assert!(still >= all, "{still} tasks run at the end: some were lost under the load");
    assert!(load.try_join_next().is_none(), "somebody's call failed");
    load.abort_all();
    stop.store(true, Ordering::Relaxed);
    for browser in browsers {
        let seen = tokio::task::spawn_blocking(move || browser.join()).await.unwrap().unwrap();
        assert!(seen > 0, "a browser has seen nothing");
    }
}
