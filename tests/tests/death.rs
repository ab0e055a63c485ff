//! Workers that die, and workers that only seem to: how soon their tasks are another's, and at whose charge.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::time::{Duration, Instant};

use basin_tests::{Sandbox, eventually, images};

/// One task of several minutes.
const LONG: &[&str] = &["--set", "epochs=40000", "--set", "seeds=1", "--set", "batch_size=32"];

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("sweep.toml", &images("deaths", 1, 1))
}

/// The task that runs, once it has been trained for a while, and its worker.
fn training(sandbox: &Sandbox, url: &str, sweep: &str) -> (String, String) {
    eventually("it trains", || {
        let status = sandbox.basin(&["--json", "status", sweep, "--coordinator", url]).json();
        let running = status["running"][0].clone();
        (running["iteration"].as_u64() >= Some(1)).then(|| {
            let text = |of: &str| running[of].as_str().unwrap().to_owned();
            (text("task"), text("worker"))
        })
    })
}

fn attempts(sandbox: &Sandbox, url: &str, task: &str) -> Vec<serde_json::Value> {
    let why = sandbox.ask(url, &["why", task]);
    why["attempts"].as_array().unwrap().clone()
}

/// Kills the worker that trains as a power cut of its process alone would; how long it takes until the task is another's.
fn kill_one(serve: &[&str]) -> Duration {
    let sandbox = sandbox();
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", serve);
    let first = sandbox.worker("first", &url, &[]);
    let sweep = sandbox.launch(&url, "sweep.toml", LONG);
    let (task, worker) = training(&sandbox, &url, &sweep);
    let _second = sandbox.worker("second", &url, &[]);
    eventually("there are two", || {
        let workers = sandbox.basin(&["--json", "workers", "--coordinator", &url]).json();
        (workers.as_array().map(Vec::len) == Some(2)).then_some(())
    });
    first.kill();
    let killed = Instant::now();
    let took = eventually("another has it", || {
        let attempts = attempts(&sandbox, &url, &task);
        (attempts.len() == 2).then(|| killed.elapsed())
    });
    let ended = &attempts(&sandbox, &url, &task)[0];
    assert_eq!((&ended["end"], &ended["cause"]), (&"failed".into(), &"worker-lost".into()), "{ended}");
    let workers = sandbox.basin(&["--json", "workers", "--coordinator", &url]).json();
    let dead = workers.as_array().unwrap().iter().find(|it| it["worker"] == worker.as_str()).unwrap();
    assert_eq!(dead["ended"], true, "{workers}");
    took
}

#[test]
fn a_killed_workers_task_is_anothers_long_before_its_lease_would_have_run_out() {
    // Nothing but the news of its death ends this lease while the test has patience.
    kill_one(&["--lease", "3600"]);
}

#[test]
fn a_worker_that_stands_still_for_a_moment_loses_nothing() {
    let sandbox = sandbox();
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &["--lease", "3600"]);
    let worker = sandbox.worker("worker", &url, &[]);
    let sweep = sandbox.launch(&url, "sweep.toml", LONG);
    let (task, _) = training(&sandbox, &url, &sweep);
    // Its connection is found dead meanwhile, as one over a broken network is.
    worker.signal("STOP");
    std::thread::sleep(Duration::from_secs(12));
    worker.signal("CONT");
    let id = sandbox.basin(&["--json", "workers", "--coordinator", &url]).json()[0]["worker"].clone();
    eventually("it is heard again", || {
        let workers = sandbox.basin(&["--json", "workers", "--coordinator", &url]).json();
        (workers[0]["seen_ms_ago"].as_u64() < Some(4_000) && workers[0]["worker"] == id).then_some(())
    });
    let attempts = attempts(&sandbox, &url, &task);
    assert_eq!((attempts.len(), &attempts[0]["end"]), (1, &"running".into()), "{attempts:?}");
}

#[test]
fn a_worker_that_leaves_is_not_told_of_as_dead() {
    let sandbox = sandbox();
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let worker = sandbox.worker("worker", &url, &[]);
    let sweep = sandbox.launch(&url, "sweep.toml", LONG);
    let (task, _) = training(&sandbox, &url, &sweep);
    worker.signal("TERM");
    assert_eq!(worker.wait(), Some(0), "{}", sandbox.read("worker.log"));
    let attempts = attempts(&sandbox, &url, &task);
    assert_eq!((&attempts[0]["end"], &attempts[0]["cause"]), (&"released".into(), &"preemption".into()));
    let workers = sandbox.basin(&["--json", "workers", "--coordinator", &url]).json();
    assert_eq!(workers[0]["ended"], false, "{workers}");
}

#[test]
#[ignore = "a measurement, for docs/decisions/0007-fencing.md"]
fn measured_ten_times_from_kill_to_the_next_lease() {
    for _ in 0..10 {
        eprintln!("{:.2} s", kill_one(&[]).as_secs_f64());
    }
}
