//! Workers that are asked to leave as Slurm and systemd ask, and whose time is over.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use basin_tests::{Fits, Sandbox, eventually};

/// A task of some minutes.
const SWEEP: Fits<'static> =
    Fits { name: "leaving", points: 512, hidden: &[64, 64], seeds: 1, epochs: 900_000 };

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("leaving.toml", &SWEEP.text())
}

/// The one task of the sweep, once it trains.
fn training(sandbox: &Sandbox, url: &str) -> String {
    let sweep = sandbox.launch(url, "leaving.toml", &[]);
    let status = eventually("it trains", || {
        let status = sandbox.ask(url, &["status", &sweep]);
        (status["running"][0]["iteration"].as_u64() >= Some(1)).then_some(status)
    });
    status["running"][0]["task"].as_str().unwrap().to_owned()
}

/// How the first attempt ended: its end, its cause, and whether a checkpoint is in the store.
fn first_attempt(sandbox: &Sandbox, url: &str, task: &str) -> (String, String, bool) {
    let why = sandbox.ask(url, &["why", task]);
    let attempt = &why["attempts"][0];
    let attempts = sandbox.path().join(format!("basin-state/store/tasks/{}/{task}/attempts", &task[..2]));
    let mut files = std::fs::read_dir(attempts).into_iter().flatten().flatten().flat_map(|attempt| {
        std::fs::read_dir(attempt.path()).into_iter().flatten().flatten().map(|file| file.file_name())
    });
    let has_checkpoint = files.any(|file| file.to_string_lossy().contains("checkpoint"));
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    (word(&attempt["end"]), word(&attempt["cause"]), has_checkpoint)
}

#[test]
fn a_signal_that_reaches_every_process_of_a_worker_loses_nothing() {
    let sandbox = sandbox();
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let worker = sandbox.start("worker", &["worker", "--coordinator", &url, "--checkpoint-every", "0"]);
    let task = training(&sandbox, &url);
    // As Slurm ends a job, and systemd a service: all at once, and the leaving worker again.
    for executor in worker.children() {
        let told = std::process::Command::new("kill").args(["-TERM", &executor.to_string()]).status();
        assert!(told.unwrap().success());
    }
    for signal in ["USR1", "TERM", "TERM"] {
        worker.signal(signal);
    }
    assert_eq!(worker.wait(), Some(0), "{}", sandbox.read("worker.log"));
    assert_eq!(first_attempt(&sandbox, &url, &task), ("released".to_owned(), "preemption".to_owned(), true));
}

#[test]
fn a_worker_gives_its_task_back_before_its_walltime_is_over() {
    let sandbox = sandbox();
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let how = [
        "--json",
        "worker",
        "--coordinator",
        &url,
        "--walltime",
        "8",
        "--grace",
        "4",
        "--checkpoint-every",
        "0",
    ];
    let worker = sandbox.start("worker", &how);
    let task = training(&sandbox, &url);
    assert_eq!(worker.wait(), Some(0), "{}", sandbox.read("worker.log"));
    assert_eq!(first_attempt(&sandbox, &url, &task), ("released".to_owned(), "walltime".to_owned(), true));
}

#[test]
fn a_worker_takes_nothing_that_would_not_reach_a_checkpoint() {
    let sandbox = sandbox();
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    // A checkpoint a minute: of its four seconds it would take something in the first half.
    let how = [
        "worker",
        "--coordinator",
        &url,
        "--threads",
        "1",
        "--walltime",
        "5",
        "--grace",
        "1",
        "--checkpoint-every",
        "60",
    ];
    let began = std::time::Instant::now();
    let worker = sandbox.command(&[&["--json"], &how[..]].concat()).output().unwrap();
    assert!(worker.status.success(), "{}", String::from_utf8_lossy(&worker.stderr));
    let output: serde_json::Value = serde_json::from_slice(&worker.stdout).unwrap();
    assert_eq!(output["departure"], "walltime");
    assert!(began.elapsed().as_secs_f64() < 4.0, "it left as soon as it was of no more use");
}

#[test]
fn a_terminal_that_closes_is_a_reason_to_leave_like_any_other() {
    let sandbox = sandbox();
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let worker = sandbox.start("worker", &["worker", "--coordinator", &url, "--checkpoint-every", "0"]);
    let task = training(&sandbox, &url);
    // The terminal tells those in its foreground, and its shell tells them again.
    for process in worker.children() {
        let told = std::process::Command::new("kill").args(["-HUP", &process.to_string()]).status();
        assert!(told.unwrap().success());
    }
    worker.signal("HUP");
    worker.signal("HUP");
    assert_eq!(worker.wait(), Some(0), "{}", sandbox.read("worker.log"));
    assert_eq!(first_attempt(&sandbox, &url, &task), ("released".to_owned(), "preemption".to_owned(), true));
}

/// Whether a checkpoint of any task is in the store.
fn has_checkpoint(sandbox: &Sandbox) -> bool {
    let find = std::process::Command::new("find").arg(sandbox.path()).args(["-name", "checkpoint*"]).output();
    !find.unwrap().stdout.is_empty()
}

#[test]
fn a_run_whose_terminal_closes_keeps_a_checkpoint_and_goes_on_from_it() {
    let sandbox = sandbox();
    let run = ["run", "leaving.toml", "--checkpoint-every", "0"];
    let running = sandbox.start("run", &run);
    eventually("it trains", || (!running.children().is_empty()).then_some(()));
    std::thread::sleep(std::time::Duration::from_secs(2));
    running.signal("HUP");
    assert_eq!(running.wait(), Some(1), "{}", sandbox.read("run.log"));
    assert!(has_checkpoint(&sandbox), "{}", sandbox.read("run.log"));
}

#[test]
fn what_was_started_to_outlive_its_terminal_does() {
    let sandbox = sandbox();
    let mut command = std::process::Command::new("nohup");
    command.arg(env!("CARGO_BIN_EXE_basin-under-test")).args(["run", "leaving.toml"]);
    let log = std::fs::File::create(sandbox.path().join("run.log")).unwrap();
    command.current_dir(sandbox.path()).stdin(std::process::Stdio::null());
    let mut running = command.stdout(std::process::Stdio::null()).stderr(log).spawn().unwrap();
    let signal = |name: &str| {
        let id = running.id().to_string();
        assert!(std::process::Command::new("kill").args([name, &id]).status().unwrap().success());
    };
    eventually("it runs", || sandbox.read("run.log").contains("already done").then_some(()));
    signal("-HUP");
    std::thread::sleep(std::time::Duration::from_secs(1));
    let log = sandbox.read("run.log");
    assert!(!log.contains("stopping"), "{log}");
    signal("-TERM");
    let status = eventually("it ends", || running.try_wait().unwrap());
    assert_eq!(status.code(), Some(1), "{}", sandbox.read("run.log"));
}
