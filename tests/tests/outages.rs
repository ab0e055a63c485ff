//! Stores that are away, full or forbidden for a while, and full disks: nobody is charged, and nothing is trained twice.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::time::{Duration, Instant};

use basin_tests::{
    Bucket, CommandOutput, Fault, Fits, RunningProcess, Sandbox, SmallDisk, assert_same_tables, eventually,
};
use serde_json::Value;

/// Tasks of about a second each, by their epochs.
fn sandbox(seeds: u32, epochs: u32) -> Sandbox {
    let sweep = Fits { name: "fits", points: 128, hidden: &[32, 32], seeds, epochs };
    Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("fits.toml", &sweep.text())
}

/// A worker that takes one task at a time.
fn worker(sandbox: &Sandbox, url: &str, more: &[&str]) -> RunningProcess {
    sandbox.worker("worker", url, &[&["--pack", "1"], more].concat())
}

/// The outage that the one worker waits for, once it holds a result.
#[track_caller]
fn waiting(sandbox: &Sandbox, url: &str, kind: &str) -> Value {
    eventually(&format!("the worker waits: {kind}"), || {
        let waiting = sandbox.ask(url, &["workers"])[0]["waiting"].clone();
        (waiting["kind"] == kind && waiting["results"].as_u64() >= Some(1)).then_some(waiting)
    })
}

/// No task of the sweep was tried more than once.
#[track_caller]
fn each_was_tried_once(sandbox: &Sandbox, url: &str, sweep: &str, tasks: u64) {
    sandbox.basin(&["watch", sweep, "--coordinator", url]).succeeded();
    let status = sandbox.ask(url, &["status", sweep]);
    assert_eq!((&status["counts"]["committed"], &status["counts"]["failed"]), (&tasks.into(), &0.into()));
    for task in tasks_of(sandbox, sweep) {
        let why = sandbox.ask(url, &["why", &task]);
        assert_eq!(why["attempts"].as_array().unwrap().len(), 1, "{why}");
    }
}

/// The ids of a sweep's tasks, from what a verification counts as right.
fn tasks_of(sandbox: &Sandbox, sweep: &str) -> Vec<String> {
    let csv = sandbox.read(&format!("basin-out/{sweep}/provenance.csv"));
    let csv = if csv.is_empty() {
        sandbox.basin(&["report", sweep, "--out", "for-ids"]).succeeded();
        sandbox.read("for-ids/provenance.csv")
    } else {
        csv
    };
    let column = csv.lines().next().unwrap().split(',').position(|name| name == "task").unwrap();
    csv.lines().skip(1).map(|line| line.split(',').nth(column).unwrap().to_owned()).collect()
}

#[test]
fn a_store_that_refuses_for_whatever_reason_costs_no_attempt_and_everybody_is_told_why() {
    let bucket = Bucket::start();
    let sandbox = bucket.serve(sandbox(5, 60_000)).with("BASIN_STORE", "s3://bucket/site");
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let sweep = sandbox.launch(&url, "fits.toml", &[]);
    let mut worked = None;
    for (status, code, kind) in [
        (507, "InsufficientStorage", "full"),
        (403, "AccessDenied", "denied"),
        (400, "ExpiredToken", "credentials"),
    ] {
        bucket.inject(Fault::Writes(status, code));
        worked.get_or_insert_with(|| worker(&sandbox, &url, &[]));
        let output = waiting(&sandbox, &url, kind);
        assert!(output["message"].as_str().unwrap().contains(code), "{output}");
        let now = sandbox.ask(&url, &["status", &sweep]);
        assert_eq!(now["waiting"][0]["kind"], kind, "{now}");
        assert_eq!(now["counts"]["failed"], 0, "{now}");
        // It takes nothing more: the one task that it has is the one that it holds.
        assert_eq!(now["counts"]["running"], 1, "{now}");
        let task = now["running"][0]["task"].as_str().unwrap();
        let why = sandbox.ask(&url, &["why", task])["why"].as_str().unwrap().to_owned();
        assert!(why.contains("holds its result") && why.contains(code), "{why}");
        let text = sandbox.basin(&["workers", "--coordinator", &url]).succeeded().out;
        assert!(text.contains("waits with 1 finished result for"), "{text}");
        bucket.inject(Fault::Nothing);
        let committed = now["counts"]["committed"].as_u64();
        eventually("it goes on", || {
            let now = sandbox.ask(&url, &["status", &sweep]);
            (now["counts"]["committed"].as_u64() > committed).then_some(())
        });
    }
    each_was_tried_once(&sandbox, &url, &sweep, 5);
    sandbox.basin(&["verify", &sweep]).succeeded();
    sandbox.basin(&["report", &sweep, "--out", "held"]).succeeded();
    sandbox
        .command(&["run", "fits.toml", "--out", "alone", "--state", "alone-state", "--store", "alone-store"])
        .output()
        .map(|output| CommandOutput::of(&output).succeeded())
        .unwrap();
    assert_same_tables(&sandbox.tables("alone"), &sandbox.tables("held"));
}

#[test]
fn a_result_is_held_beyond_the_end_of_its_lease_and_counts_when_the_store_takes_it() {
    let bucket = Bucket::start();
    let sandbox = bucket.serve(sandbox(1, 60_000)).with("BASIN_STORE", "s3://bucket/site");
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &["--lease", "2"]);
    let sweep = sandbox.launch(&url, "fits.toml", &[]);
    bucket.inject(Fault::Writes(507, "InsufficientStorage"));
    let worker = worker(&sandbox, &url, &[]);
    waiting(&sandbox, &url, "full");
    let task = sandbox.ask(&url, &["status", &sweep])["running"][0]["task"].as_str().unwrap().to_owned();
    // Nothing is heard of it for longer than its lease lasts, and its task goes back to the queue.
    worker.signal("STOP");
    eventually("its lease ends", || {
        let why = sandbox.ask(&url, &["why", &task]);
        (why["attempts"][0]["cause"] == "worker-lost").then_some(())
    });
    worker.signal("CONT");
    waiting(&sandbox, &url, "full");
    bucket.inject(Fault::Nothing);
    sandbox.basin(&["watch", &sweep, "--coordinator", &url]).succeeded();
    let why = sandbox.ask(&url, &["why", &task]);
    let attempts = why["attempts"].as_array().unwrap();
    assert_eq!((attempts.len(), &attempts[0]["end"]), (1, &"committed".into()), "{why}");
    sandbox.basin(&["verify", &sweep]).succeeded();
}

#[test]
fn a_run_over_a_store_that_is_full_says_so_leaves_at_ctrl_c_and_goes_on_when_there_is_space() {
    let bucket = Bucket::start();
    let sandbox = bucket.serve(sandbox(2, 60_000));
    let run = ["run", "fits.toml", "--out", "out", "--store", "s3://bucket/run", "--workers", "1"];
    let running = sandbox.start("first", &run);
    eventually("it runs", || sandbox.read("first.log").contains("already done").then_some(()));
    bucket.inject(Fault::Writes(507, "InsufficientStorage"));
    eventually("it says why", || sandbox.read("first.log").contains("the store is full").then_some(()));
    let asked = Instant::now();
    running.signal("INT");
    assert_eq!(running.wait(), Some(1), "{}", sandbox.read("first.log"));
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
    let log = sandbox.read("first.log");
    assert!(log.contains("run the same command again"), "{log}");

    bucket.inject(Fault::Nothing);
    let running = sandbox.start("second", &run);
    eventually("it runs again", || sandbox.read("second.log").contains("already done").then_some(()));
    bucket.inject(Fault::Writes(403, "AccessDenied"));
    eventually("it says why", || sandbox.read("second.log").contains("the store denies it").then_some(()));
    bucket.inject(Fault::Nothing);
    assert_eq!(running.wait(), Some(0), "{}", sandbox.read("second.log"));
    let alone = ["run", "fits.toml", "--out", "alone", "--state", "alone-state"];
    sandbox.basin(&alone).succeeded();
    assert_same_tables(&sandbox.tables("alone"), &sandbox.tables("out"));
}

#[test]
fn every_command_outlasts_a_store_that_is_away_for_ten_seconds() {
    let mut bucket = Bucket::start();
    let sandbox = bucket.serve(sandbox(1, 20)).with("BASIN_STORE", "s3://bucket/site");
    let run = ["--json", "run", "fits.toml", "--out", "out"];
    let sweep = sandbox.basin(&run).succeeded().json()["sweep"].as_str().unwrap().to_owned();
    let commands: [&[&str]; 6] = [
        &["plan", "fits.toml"],
        &["verify", &sweep],
        &["collect", &sweep, "--out", "collected"],
        &["report", &sweep, "--out", "reported"],
        &["data", "list"],
        &["run", "fits.toml", "--out", "again", "--state", "another-state"],
    ];
    let mut answer = |wrong: Option<Fault>| {
        match wrong {
            Some(wrong) => bucket.inject(wrong),
            None => bucket.refuse(),
        }
        let began = Instant::now();
        let running: Vec<_> = commands
            .iter()
            .enumerate()
            .map(|(at, command)| sandbox.start(&format!("c{at}"), command))
            .collect();
        std::thread::sleep(Duration::from_secs(10));
        match wrong {
            Some(_) => bucket.inject(Fault::Nothing),
            None => bucket.accept(),
        }
        for (at, running) in running.into_iter().enumerate() {
            assert_eq!(
                running.wait(),
                Some(0),
                "{:?}: {}",
                commands[at],
                sandbox.read(&format!("c{at}.log"))
            );
        }
        assert!(began.elapsed() >= Duration::from_secs(10));
    };
    answer(None);
    answer(Some(Fault::All(503, "ServiceUnavailable")));
    answer(Some(Fault::Hang));
}

#[test]
fn a_disk_of_the_store_that_is_full_until_somebody_makes_space_costs_nothing() {
    let sandbox = sandbox(3, 60_000);
    let Some(disk) = SmallDisk::mount(&sandbox.path().join("small"), "8m") else { return };
    let store = sandbox.path().join("small/store").to_string_lossy().into_owned();
    let sandbox = sandbox.with("BASIN_STORE", &store);
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let sweep = sandbox.launch(&url, "fits.toml", &[]);
    let _worker = worker(&sandbox, &url, &[]);
    eventually("it trains", || {
        (sandbox.ask(&url, &["status", &sweep])["counts"]["running"].as_u64() >= Some(1)).then_some(())
    });
    disk.fill();
    let output = waiting(&sandbox, &url, "full");
    assert!(output["message"].as_str().unwrap().contains("No space left"), "{output}");
    disk.free();
    each_was_tried_once(&sandbox, &url, &sweep, 3);
    sandbox.basin(&["verify", &sweep]).succeeded();
}

#[test]
fn a_disk_of_the_workers_that_is_full_until_somebody_makes_space_costs_nothing() {
    let sandbox = sandbox(3, 60_000);
    let scratch = sandbox.path().join("scratch");
    let Some(disk) = SmallDisk::mount(&scratch, "4m") else { return };
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let sweep = sandbox.launch(&url, "fits.toml", &[]);
    let sandbox = sandbox.with("TMPDIR", &scratch.to_string_lossy());
    let _worker = worker(&sandbox, &url, &[]);
    eventually("it trains", || {
        (sandbox.ask(&url, &["status", &sweep])["counts"]["running"].as_u64() >= Some(1)).then_some(())
    });
    disk.fill();
    waiting(&sandbox, &url, "local-disk");
    disk.free();
    each_was_tried_once(&sandbox, &url, &sweep, 3);
    sandbox.basin(&["verify", &sweep]).succeeded();
}
