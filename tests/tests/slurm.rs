//! Workers on a real Slurm cluster: jobs are submitted while tasks wait, reach the end of their time, and are requeued.
//!
//! `BASIN_TEST_SLURM` names the `slurm.conf` of a cluster with two nodes whose jobs this user may requeue; `.ci/slurm` starts one.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]
#![allow(clippy::print_stderr, reason = "a test that does not run says so")]

use std::process::Command;

use basin_tests::{CommandOutput, Sandbox, assert_same_tables, eventually};

/// One task that is too long for a job of a minute, half of which is for leaving, and some short ones.
const SWEEP: &str = r#"
name = "slurm"

[defaults]
interval = [-3.0, 3.0]
points = 512
hidden = [64, 64]
optimizer = "adam"
learning_rate = 1e-3

[[experiment]]
id = "long"
kind = "fit-function"
function = "sin"
epochs = LONG

[[experiment]]
id = "short"
kind = "fit-function"
function = "sin"
seeds = 4
epochs = SHORT

[[figure]]
id = "loss"
kind = "curves"
title = "Loss"
experiments = ["long", "short"]
y = ["train_loss"]
"#;

/// The cluster, if there is one to test with.
fn cluster() -> Option<String> {
    let cluster = std::env::var("BASIN_TEST_SLURM").ok();
    if cluster.is_none() {
        eprintln!("NOT RUN: tests on a Slurm cluster, since BASIN_TEST_SLURM names no slurm.conf");
    }
    cluster
}

/// The output of a command of Slurm's.
#[track_caller]
fn slurm(conf: &str, line: &[&str]) -> String {
    let output = Command::new(line[0]).args(&line[1..]).env("SLURM_CONF", conf).output().unwrap();
    assert!(output.status.success(), "{line:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// `basin` on a machine of the cluster.
fn basin(sandbox: &Sandbox, conf: &str, line: &[&str]) -> CommandOutput {
    CommandOutput::of(&sandbox.command(line).env("SLURM_CONF", conf).output().unwrap())
}

/// The jobs of a name that Slurm still knows, each with its state.
fn jobs(conf: &str, name: &str) -> Vec<(String, String)> {
    let named = format!("--name={name}");
    let lines = slurm(conf, &["squeue", "--noheader", &named, "--format=%A|%T"]);
    let pair = |line: &str| line.split_once('|').map(|(id, state)| (id.to_owned(), state.to_owned()));
    lines.lines().filter_map(pair).collect()
}

fn status(sandbox: &Sandbox, url: &str, sweep: &str) -> serde_json::Value {
    sandbox.basin(&["--json", "status", sweep, "--coordinator", url]).succeeded().json()
}

/// How many epochs of the sweep's tasks this machine trains in a second, so that a task lasts as long as it is to last on any.
fn epochs_a_second(sandbox: &Sandbox) -> f64 {
    let epochs = 20_000;
    let text = SWEEP.replace("LONG", &epochs.to_string()).replace("SHORT", "1");
    sandbox.write("pace.toml", &text.replace("seeds = 4", "seeds = 1"));
    let began = std::time::Instant::now();
    let run = ["run", "pace.toml", "--out", "pace", "--state", "pace-state", "--workers", "1"];
    sandbox.basin(&run).succeeded();
    f64::from(epochs) / began.elapsed().as_secs_f64()
}

/// Has a requeued job started again at once rather than in two minutes.
fn start_again(conf: &str, job: &str) {
    eventually("the job waits again", || {
        let state = slurm(conf, &["squeue", "--noheader", "--jobs", job, "--format=%T"]);
        (state == "PENDING").then_some(())
    });
    // Not within the second in which it was stopped: Slurm would take its new credential for the one that it revoked.
    slurm(conf, &["scontrol", "update", &format!("JobId={job}"), "StartTime=now+3"]);
}

#[test]
fn a_sweep_on_two_nodes_outlives_a_job_that_reaches_its_walltime_and_one_that_is_requeued() {
    let Some(conf) = cluster() else { return };
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"));
    let pace = epochs_a_second(&sandbox);
    let lasting = |seconds: f64, least: u32| ((pace * seconds) as u32).clamp(least, 1_000_000).to_string();
    sandbox.write(
        "slurm.toml",
        &SWEEP.replace("LONG", &lasting(50.0, 150_000)).replace("SHORT", &lasting(5.0, 20_000)),
    );
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let up = [
        "--json",
        "slurm",
        "up",
        "--coordinator",
        &url,
        "--name",
        "walltime",
        "--max-workers",
        "2",
        "--time",
        "1",
        "--partition",
        "batch",
        "--idle-exit",
        "3",
        "--checkpoint-every",
        "2",
        "--grace",
        "30",
        "--interval",
        "1",
    ];
    // Nothing waits: nothing is submitted.
    let once = basin(&sandbox, &conf, &[&up[..], &["--once"]].concat()).succeeded().json();
    assert_eq!(once["submitted"], serde_json::json!([]));

    let submitter = sandbox.start_with("up", &up, &[("SLURM_CONF", &conf)]);
    let launched =
        sandbox.basin(&["--json", "launch", "slurm.toml", "--coordinator", &url]).succeeded().json();
    let sweep = launched["sweep"].as_str().unwrap().to_owned();
    let first: Vec<String> = eventually("two jobs run", || {
        let running: Vec<String> = jobs(&conf, "walltime")
            .into_iter()
            .filter_map(|(id, state)| (state == "RUNNING").then_some(id))
            .collect();
        (running.len() == 2).then_some(running)
    });
    let nodes = slurm(&conf, &["squeue", "--noheader", "--name=walltime", "--states=RUNNING", "--format=%N"]);
    assert_eq!(nodes.lines().count(), 2);

    // The job that doesn't train the long task is requeued while it trains.
    let running = eventually("both train", || {
        let status = status(&sandbox, &url, &sweep);
        (status["counts"]["running"].as_u64() >= Some(2)).then_some(status)
    });
    let workers = sandbox.basin(&["--json", "workers", "--coordinator", &url]).succeeded().json();
    let of = |experiment: &str| {
        let tasks = running["running"].as_array().unwrap();
        let task = tasks.iter().find(|task| task["experiment"] == experiment).unwrap();
        let worker =
            workers.as_array().unwrap().iter().find(|worker| worker["worker"] == task["worker"]).unwrap();
        (
            worker["labels"]["slurm-job"].as_str().unwrap().to_owned(),
            task["task"].as_str().unwrap().to_owned(),
        )
    };
    let ((_, long), (requeued, _)) = (of("long"), of("short"));
    assert!(first.contains(&requeued), "{requeued} of {first:?}");
    slurm(&conf, &["scontrol", "requeue", &requeued]);
    start_again(&conf, &requeued);

    let watched = sandbox.basin(&["watch", &sweep, "--coordinator", &url]);
    assert_eq!(watched.code, Some(0), "{}\n{}", watched.err, sandbox.read("up.log"));
    // The long task was given back at the end of a job's time, and went on from its checkpoint in another job.
    let why = sandbox.basin(&["--json", "why", &long, "--coordinator", &url]).succeeded().json();
    let attempts = why["attempts"].as_array().unwrap();
    assert!(attempts.len() >= 2, "{why}");
    assert!(attempts.iter().any(|attempt| attempt["cause"] == "walltime"), "{why}");
    let workers: std::collections::BTreeSet<_> =
        attempts.iter().map(|attempt| attempt["worker"].to_string()).collect();
    assert!(workers.len() >= 2, "{why}");
    let log = sandbox.read(&format!("basin-slurm/walltime-{requeued}.log"));
    assert!(log.matches(&format!(" for {url}")).count() >= 2, "it ran twice: {log}");
    assert!(log.contains("left: drained"), "{log}");

    // Nothing waits any more: the jobs leave by themselves, and none follow.
    eventually("the jobs have left", || jobs(&conf, "walltime").is_empty().then_some(()));
    let once = basin(&sandbox, &conf, &[&up[..], &["--once"]].concat()).succeeded().json();
    assert_eq!(once["submitted"], serde_json::json!([]));
    submitter.signal("TERM");
    assert_eq!(submitter.wait(), Some(0), "{}", sandbox.read("up.log"));

    let proof = sandbox.basin(&["--json", "verify", &sweep]).succeeded().json();
    assert_eq!((&proof["committed"], &proof["tasks"]), (&5.into(), &5.into()));
    sandbox.basin(&["report", &sweep, "--out", "cluster"]).succeeded();
    sandbox.basin(&["run", "slurm.toml", "--out", "alone", "--state", "alone-state"]).succeeded();
    assert_same_tables(&sandbox.tables("alone"), &sandbox.tables("cluster"));
}

#[test]
fn down_lets_running_jobs_give_their_tasks_back_and_slurm_never_sees_a_token() {
    let Some(conf) = cluster() else { return };
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"));
    sandbox.write("slurm.toml", &SWEEP.replace("LONG", "260000").replace("SHORT", "260000"));
    let token = |role: &str| {
        let create = ["token", "create", "--role", role, "--name", role, "--tokens", "tokens"];
        let secret = sandbox.basin(&create).succeeded().out;
        sandbox.write(&format!("{role}-token"), &secret);
        secret.trim().to_owned()
    };
    token("admin");
    let worker_token = token("worker");
    let (coordinator, url) = sandbox.serve("127.0.0.1:0", &["--tokens", "tokens"]);
    let ask = |line: &[&str]| {
        let show = ["--coordinator", &url, "--token-file", "admin-token"];
        sandbox.basin(&[&["--json"], line, &show[..]].concat()).succeeded().json()
    };
    let sweep = ask(&["launch", "slurm.toml"])["sweep"].as_str().unwrap().to_owned();
    let up = [
        "--json",
        "slurm",
        "up",
        "--coordinator",
        &url,
        "--name",
        "down",
        "--max-workers",
        "1",
        "--time",
        "10",
        "--once",
    ];
    // A token in a variable can't be passed on, and nothing is submitted without one.
    let by_variable =
        sandbox.command(&up).envs([("SLURM_CONF", conf.as_str()), ("BASIN_TOKEN", &worker_token)]).output();
    let output = CommandOutput::of(&by_variable.unwrap());
    assert!(output.code == Some(1) && output.err.contains("--token-file"), "{}", output.err);
    let without = basin(&sandbox, &conf, &up);
    assert!(without.code == Some(1) && jobs(&conf, "down").is_empty(), "{}", without.err);

    // A worker may look, so one token is enough for the submitter and its jobs.
    let up = [&up[..], &["--token-file", "worker-token"]].concat();
    let once = basin(&sandbox, &conf, &up).succeeded().json();
    assert_eq!(once["submitted"].as_array().unwrap().len(), 1, "no more than are allowed");
    let again = basin(&sandbox, &conf, &up).succeeded().json();
    assert_eq!(again["submitted"], serde_json::json!([]), "what is there is counted");
    let job = once["submitted"][0].to_string();
    let script = slurm(&conf, &["scontrol", "write", "batch_script", &job, "-"]);
    let shown = slurm(&conf, &["scontrol", "show", "job", &job]);
    assert!(script.contains("worker-token"), "{script}");
    assert!(
        !script.contains(&worker_token) && !shown.contains(&worker_token),
        "the token is in Slurm's hands"
    );

    let running = eventually("it trains", || {
        let status = ask(&["status", &sweep]);
        (status["running"][0]["iteration"].as_u64() >= Some(1)).then_some(status)
    });
    let task = running["running"][0]["task"].as_str().unwrap().to_owned();
    let down = basin(&sandbox, &conf, &["--json", "slurm", "down", "--name", "down"]).succeeded().json();
    assert_eq!(down["leaving"].as_array().unwrap().len(), 1);
    eventually("the job has left", || jobs(&conf, "down").is_empty().then_some(()));
    let why = ask(&["why", &task]);
    let attempt = &why["attempts"][0];
    assert_eq!((&attempt["end"], &attempt["cause"]), (&"released".into(), &"preemption".into()), "{why}");
    coordinator.kill();
    let away = basin(&sandbox, &conf, &up);
    assert_eq!(away.code, Some(2), "{}", away.err);
    assert!(away.err.contains("no coordinator answers"), "{}", away.err);
}

#[test]
fn a_job_that_slurm_refuses_is_said_with_the_way_out() {
    let Some(conf) = cluster() else { return };
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"));
    sandbox.write("slurm.toml", &SWEEP.replace("LONG", "100").replace("SHORT", "100"));
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    sandbox.basin(&["launch", "slurm.toml", "--coordinator", &url]).succeeded();
    let up = ["slurm", "up", "--coordinator", &url, "--name", "refused", "--max-workers", "1", "--once"];
    let output = basin(&sandbox, &conf, &[&up[..], &["--time", "5", "--partition", "nowhere"]].concat());
    assert_eq!(output.code, Some(1), "{}", output.err);
    assert!(
        output.err.contains("sbatch refuses: ") && output.err.contains("Invalid partition"),
        "{}",
        output.err
    );
    assert!(output.err.contains("hint: `sinfo` lists the partitions"), "{}", output.err);
    let output = basin(&sandbox, &conf, &[&up[..], &["--time", "5", "--gres", "gpu:1"]].concat());
    assert_eq!(output.code, Some(1), "{}", output.err);
    assert!(output.err.contains("hint: "), "{}", output.err);
    assert_eq!(jobs(&conf, "refused"), []);
}

#[test]
fn without_slurm_the_script_can_be_looked_at_and_nothing_else_works() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"));
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let up = ["slurm", "up", "--coordinator", &url, "--max-workers", "1", "--time", "2:00:00"];
    let script = sandbox.basin(&[&up[..], &["--dry-run"]].concat()).succeeded().out;
    assert!(script.starts_with("#!/bin/bash\n") && script.contains("\nexec "), "{script}");
    assert!(!sandbox.path().join("basin-slurm").exists(), "nothing is done");
    let output = CommandOutput::of(
        &sandbox.command(&[&up[..], &["--once"]].concat()).env("PATH", "/nonexistent").output().unwrap(),
    );
    assert_eq!(output.code, Some(1), "{}", output.err);
    assert!(output.err.contains("cannot run squeue") && output.err.contains("--dry-run"), "{}", output.err);
}

#[test]
fn a_job_takes_its_variables_as_they_are_written_and_lines_that_are_none_are_refused_by_number() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"));
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let variables =
        [("A", "a b"), ("B", "$(touch run-by-a-shell) `id`"), ("C", "'\"\\ !x"), ("D", ""), ("E_2", "--é=#")];
    let text: String = variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    sandbox.write("store.env", &format!("# the store\n\n{text}"));
    let up = ["slurm", "up", "--coordinator", &url, "--max-workers", "1", "--time", "5", "--dry-run"];
    let up = |more: &[&str]| sandbox.basin(&[&up[..], more].concat());
    let script = up(&["--env-file", "store.env", "--sbatch", "--comment=a b"]).succeeded().out;
    assert!(script.contains("#SBATCH '--comment=a b'\n"), "{script}");
    // As Slurm starts it: nothing is inherited but what finds programs.
    let mut bash = Command::new("bash");
    bash.arg("-c").arg(&script).current_dir(sandbox.path()).env_clear().env("SLURM_JOB_ID", "7");
    bash.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", sandbox.path());
    let mut job =
        bash.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let environment = eventually("the worker has them", || {
        let environment = std::fs::read(format!("/proc/{}/environ", job.id())).ok()?;
        let environment = String::from_utf8(environment).unwrap();
        environment.contains("E_2=").then_some(environment)
    });
    for (name, value) in variables {
        let line = format!("{name}={value}");
        assert!(environment.split('\0').any(|set| set == line), "{line} in {environment:?}");
    }
    eventually("it joins", || {
        let workers = sandbox.basin(&["--json", "workers", "--coordinator", &url]).json();
        (workers[0]["labels"]["slurm-job"] == "7").then_some(())
    });
    job.kill().unwrap();
    job.wait().unwrap();
    assert!(!sandbox.path().join("run-by-a-shell").exists());

    sandbox.write("store.env", "A=1\nexport B=secret-value\n");
    let output = up(&["--env-file", "store.env"]);
    assert_eq!(output.code, Some(1), "{}", output.err);
    assert!(output.err.contains("line 2 of") && output.err.contains("export"), "{}", output.err);
    assert!(!output.err.contains("secret-value"), "{}", output.err);
    let output = up(&["--sbatch", "--comment a"]);
    assert!(output.code == Some(1) && output.err.contains("not one option"), "{}", output.err);
}
