//! How long workers wait for their coordinator while ten thousand tasks run, each followed, and people look on: a measurement of a real
//! coordinator's process, for `docs/decisions/0019-load.md`.
//!
//! Workers are simulated: they call as real ones do, and train nothing. Five hundred of them have twenty tasks each and call every two
//! seconds, with how far each task is, ten points of its loss and of each of ten series that it records, and a line of its log. Boards,
//! `basin watch` and the calls that its screen makes go on meanwhile. Two things are timed, calm and under that load: until a free slot
//! has its lease, and until a worker with twenty tasks has its answer.
//!
//! What makes the load would be on other machines. Here it gets what the coordinator and those who are timed leave of the processors
//! (a niceness of 19), and it is checked that this is enough for all of its calls.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

#[cfg(test)]
mod simulated_worker;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use basin_coordinator::client::{Client, TaskTable};
use basin_proto::dial::Dial;
use basin_proto::v1;
use basin_proto::v1::scheduler_client::SchedulerClient;
use basin_tests::{Fits, RunningProcess, Sandbox};
use simulated_worker::SimulatedWorker;
use tokio::runtime::Runtime;
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
/// Workers that share a connection.
const SHARED: usize = 10;
/// Browsers, programs and screens that look on.
const BROWSERS: usize = 4;
const WATCHES: usize = 2;
const SCREENS: usize = 2;
/// How long is measured, and how often: of the windows' quantiles the median counts, since a shared machine's disk has bad moments.
const WINDOW: Duration = Duration::from_secs(15);
const WINDOWS: usize = 5;

/// Of the calls that the load is made of, so many at least are made.
const MADE: f64 = 0.9;

/// A sweep with more tasks than run, so that a free slot finds one.
const SWEEP: Fits<'static> =
    Fits { name: "large", points: 64, hidden: &[16], seeds: 10_200, epochs: 100_000 };

/// What took how long in each window, sorted.
#[derive(Default)]
struct Latencies(Vec<Vec<Duration>>);

impl Latencies {
    /// In milliseconds: all but this share took no longer, in the median of the windows.
    fn quantile(&self, share: f64) -> f64 {
        let mut of_windows = self.each(share);
        of_windows.sort_by(f64::total_cmp);
        of_windows[of_windows.len() / 2]
    }

    /// The same of each window.
    fn each(&self, share: f64) -> Vec<f64> {
        let quantile = |took: &Vec<Duration>| {
            let place = ((took.len() as f64 * share).ceil() as usize).saturating_sub(1);
            took[place].as_secs_f64() * 1e3
        };
        self.0.iter().map(quantile).collect()
    }

    /// What took so long, and how many times as long as in the calm.
    fn said(&self, what: &str, calm: Option<&Self>) -> String {
        let [p50, p99] = [0.5, 0.99].map(|share| self.quantile(share));
        let times = calm.map_or_else(String::new, |calm| {
            let [half, most] = [p50 / calm.quantile(0.5), p99 / calm.quantile(0.99)];
            format!("; {half:.2} and {most:.2} times as long as calm")
        });
        let each: Vec<String> = self.each(0.99).iter().map(|p99| format!("{p99:.1}")).collect();
        let calls: usize = self.0.iter().map(Vec::len).sum();
        format!("  {what}: p50 {p50:.2} ms, p99 {p99:.2} ms ({}) of {calls} calls{times}", each.join(", "))
    }
}

/// How long everything took that these have done.
async fn collected(mut all: JoinSet<Vec<Duration>>) -> Vec<Duration> {
    let mut took = Vec::new();
    while let Some(some) = all.join_next().await {
        took.extend(some.unwrap());
    }
    took.sort_unstable();
    assert!(took.len() > 100, "{} calls tell nothing of the slowest in a hundred", took.len());
    took
}

/// How long leases and answers take now. Workers go on with what they have.
async fn measured(probes: &[SchedulerClient<Channel>], timed_workers: Vec<SimulatedWorker>) -> Measured {
    let (mut leases, mut answers, mut workers) = (Latencies::default(), Latencies::default(), timed_workers);
    for _ in 0..WINDOWS {
        let (of_leases, of_answers);
        (of_leases, of_answers, workers) = window(probes, workers).await;
        leases.0.push(of_leases);
        answers.0.push(of_answers);
    }
    Measured { leases, answers, workers }
}

/// The same in one window: of leases, of answers; and the workers that were timed.
async fn window(
    probes: &[SchedulerClient<Channel>],
    timed_workers: Vec<SimulatedWorker>,
) -> (Vec<Duration>, Vec<Duration>, Vec<SimulatedWorker>) {
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
    (leases, answers, left)
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

/// Has this thread, and all that it starts, come after everybody else.
fn stand_back() {
    rustix::process::setpriority_process(None, 19).unwrap();
}

/// Threads for what would be on other machines.
fn elsewhere() -> Runtime {
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    threads.worker_threads(2).on_thread_start(stand_back).enable_all().build().unwrap()
}

async fn connected(url: &str, connections: usize) -> Vec<SchedulerClient<Channel>> {
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(SchedulerClient::connect(url.to_owned()).await.unwrap());
    }
    clients
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

    let clients = connected(&url, PROBES).await;
    let timed = |number: usize| SimulatedWorker::new(&clients[number], format!("worker-{number}"), SLOTS);
    let mut timed_workers: Vec<SimulatedWorker> = (0..TIMED).map(timed).collect();
    for worker in &mut timed_workers {
        worker.fill().await;
    }
    let calm = measured(&clients, timed_workers).await;
    eprintln!("calm, {} tasks run:", TIMED * SLOTS as usize);
    eprintln!("{}", calm.leases.said("a lease for a free slot", None));
    eprintln!("{}", calm.answers.said("the answer to a worker with 20 tasks", None));

    let elsewhere = elsewhere();
    let mut load: JoinSet<()> = JoinSet::new();
    let calls = Arc::new(AtomicU64::new(0));
    let dialled = url.clone();
    let others = elsewhere.spawn(async move { connected(&dialled, WORKERS.div_ceil(SHARED)).await });
    let others = others.await.unwrap();
    for number in TIMED..WORKERS {
        let mut worker = SimulatedWorker::new(&others[number / SHARED], format!("worker-{number}"), SLOTS);
        let calls = Arc::clone(&calls);
        let works = async move {
            // Not all at once, neither at first nor later.
            tokio::time::sleep(USUAL_PAUSE * number as u32 / WORKERS as u32).await;
            worker.fill().await;
            loop {
                worker.sync().await;
                calls.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(USUAL_PAUSE).await;
            }
        };
        load.spawn_on(works, elsewhere.handle());
    }
    for _ in 0..SCREENS {
        load.spawn_on(look_on(url.clone(), sweep.clone()), elsewhere.handle());
    }
    let stop = Arc::new(AtomicBool::new(false));
    let pages = ["/workers", "/workers/stream.json", &format!("/sweeps/{sweep}")].map(str::to_owned).to_vec();
    let pages =
        [pages, vec![format!("/sweeps/{sweep}/tasks?where=state+%3D+%27running%27&sort=loss")]].concat();
    let browsers = (0..BROWSERS).map(|_| {
        let (board, pages, stop) = (board.clone(), pages.clone(), Arc::clone(&stop));
        std::thread::spawn(move || {
            stand_back();
            browse(&board, &pages, &stop)
        })
    });
    let browsers: Vec<_> = browsers.collect();
    let watch = |number: usize| {
        sandbox.start(&format!("watch-{number}"), &["--json", "watch", &sweep, "--coordinator", &url])
    };
    // Processes have the niceness of whoever starts them.
    let _watches: Vec<RunningProcess> = std::thread::scope(|scope| {
        let started = scope.spawn(|| {
            stand_back();
            (0..WATCHES).map(watch).collect()
        });
        started.join().unwrap()
    });
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
    let before = calls.load(Ordering::Relaxed);
    let loaded = measured(&clients, timed_workers).await;
    let calls = calls.load(Ordering::Relaxed) - before;
    let still = running(&url, &sweep).await;
    eprintln!(
        "{still} tasks run on {WORKERS} workers, which called {calls} times; {BROWSERS} browsers, {WATCHES} watches and {SCREENS} \
         screens look on:"
    );
    eprintln!("{}", loaded.leases.said("a lease for a free slot", Some(&calm.leases)));
    eprintln!("{}", loaded.answers.said("the answer to a worker with 20 tasks", Some(&calm.answers)));

    assert!(still >= all, "{still} tasks run at the end: some were lost under the load");
    assert!(load.try_join_next().is_none(), "somebody's call failed");
    let wanted = (WORKERS - TIMED) as f64 * WINDOWS as f64 * WINDOW.as_secs_f64() / USUAL_PAUSE.as_secs_f64();
    assert!(calls as f64 > MADE * wanted, "{calls} calls of {wanted}: the load was less than it should be");
    load.abort_all();
    stop.store(true, Ordering::Relaxed);
    for browser in browsers {
        let seen = tokio::task::spawn_blocking(move || browser.join()).await.unwrap().unwrap();
        assert!(seen > 0, "a browser has seen nothing");
    }
    elsewhere.shutdown_background();
}
