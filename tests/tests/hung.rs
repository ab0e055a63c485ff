//! Executors that hang are noticed, killed and charged; those that are only slow are left alone.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use basin_tests::{Fits, RunningProcess, Sandbox, assert_same_tables, eventually};

/// Tasks of some seconds.
const SWEEP: Fits<'static> = Fits { name: "fits", points: 256, hidden: &[32, 32], seeds: 2, epochs: 200_000 };

/// Stops the executor of a worker as a broken disk or device would.
fn stop(worker: &RunningProcess) -> u32 {
    let executor = eventually("there is an executor", || worker.children().first().copied());
    let told = std::process::Command::new("kill").args(["-STOP", &executor.to_string()]).status();
    assert!(told.unwrap().success());
    executor
}

#[test]
fn an_executor_that_shows_no_progress_is_killed_charged_as_that_and_its_task_goes_on_elsewhere() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("fits.toml", &SWEEP.text());
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let worker = sandbox.worker("worker", &url, &["--pack", "1", "--progress-timeout", "8"]);
    let sweep = sandbox.launch(&url, "fits.toml", &[]);
    let task = eventually("it trains", || {
        let running = sandbox.ask(&url, &["status", &sweep])["running"][0].clone();
        (running["iteration"].as_u64() >= Some(100)).then(|| running["task"].as_str().unwrap().to_owned())
    });
    let executor = stop(&worker);
    eventually("the silence is told", || {
        let why = sandbox.ask(&url, &["why", &task])["why"].as_str().unwrap().to_owned();
        why.contains("last showed progress").then_some(())
    });
    let why = eventually("it is noticed", || {
        let why = sandbox.ask(&url, &["why", &task]);
        (why["attempts"][0]["end"] == "failed").then_some(why)
    });
    let first = &why["attempts"][0];
    assert_eq!(first["cause"], "hung", "{why}");
    let message = first["message"].as_str().unwrap();
    assert!(message.contains("no progress for") && message.contains("at step"), "{message}");
    assert!(!std::path::Path::new(&format!("/proc/{executor}/exe")).exists(), "it was killed");
    sandbox.basin(&["watch", &sweep, "--coordinator", &url]).succeeded();
    let why = sandbox.ask(&url, &["why", &task]);
    assert_eq!(why["attempts"][1]["end"], "committed", "{why}");
    sandbox.basin(&["report", &sweep, "--out", "hung"]).succeeded();
    assert_same_tables(&sandbox.undisturbed_tables("fits.toml"), &sandbox.tables("hung"));
}

#[test]
fn a_worker_that_was_stopped_itself_blames_nobody_for_it() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("fits.toml", &SWEEP.text());
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let worker = sandbox.worker("worker", &url, &["--pack", "1", "--progress-timeout", "4"]);
    let sweep = sandbox.launch(&url, "fits.toml", &[]);
    eventually("it trains", || {
        let running = sandbox.ask(&url, &["status", &sweep])["running"][0].clone();
        (running["iteration"].as_u64() >= Some(100)).then_some(())
    });
    let executor = stop(&worker);
    worker.signal("STOP");
    std::thread::sleep(std::time::Duration::from_secs(7));
    worker.signal("CONT");
    let told = std::process::Command::new("kill").args(["-CONT", &executor.to_string()]).status();
    assert!(told.unwrap().success());
    sandbox.basin(&["watch", &sweep, "--coordinator", &url]).succeeded();
    let log = sandbox.read("worker.log");
    assert!(!log.contains("hung") && !log.contains("no progress"), "{log}");
}
