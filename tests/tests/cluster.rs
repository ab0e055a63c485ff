//! A coordinator and workers as processes of their own, as on a cluster; killed as machines die.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use basin_tests::{Fits, Sandbox, assert_same_tables, eventually, images};

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("cluster.toml", &images("cluster", 3, 12))
}

#[test]
fn two_workers_give_the_same_bytes_as_one_machine() {
    let sandbox = sandbox();
    let (coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let first = sandbox.worker("first", &url, &[]);
    let second = sandbox.start("second", &["worker", "--coordinator", &url, "--threads", "2", "--pack", "3"]);
    let sweep = sandbox.launch(&url, "cluster.toml", &[]);
    assert_eq!(sandbox.launch(&url, "cluster.toml", &[]), sweep, "launching again is the same sweep");
    sandbox.basin(&["watch", &sweep, "--coordinator", &url]).succeeded();
    let status = sandbox.try_ask(&url, &["status", &sweep]).unwrap();
    assert_eq!((&status["state"], &status["counts"]["committed"]), (&"done".into(), &6.into()));
    let workers = sandbox.ask(&url, &["workers"]);
    assert_eq!(workers.as_array().unwrap().len(), 2);
    first.signal("TERM");
    assert_eq!(first.wait(), Some(0), "{}", sandbox.read("first.log"));
    second.kill();
    coordinator.kill();
    // Collected with the coordinator gone.
    sandbox.basin(&["collect", &sweep, "--out", "collected"]).succeeded();
    assert_same_tables(&sandbox.undisturbed_tables("cluster.toml"), &sandbox.collected_tables("collected"));
    let again = sandbox.basin(&["--json", "collect", &sweep, "--out", "collected"]).succeeded().json();
    assert_eq!(again["fetched"], 0);
}

#[test]
fn killed_workers_and_killed_coordinators_change_nothing() {
    let sandbox = sandbox();
    let (coordinator, url) = sandbox.serve("127.0.0.1:0", &["--lease", "5"]);
    let address = url.trim_start_matches("http://").to_owned();
    let first = sandbox.worker("first", &url, &[]);
    let _second = sandbox.worker("second", &url, &[]);
    let sweep = sandbox.launch(&url, "cluster.toml", &[]);
    let running = |sandbox: &Sandbox| {
        sandbox.try_ask(&url, &["status", &sweep]).filter(|it| it["counts"]["running"].as_u64() >= Some(2))
    };
    eventually("both train", || running(&sandbox));
    first.kill();
    let _third = sandbox.worker("third", &url, &[]);
    eventually("something is committed", || {
        sandbox.try_ask(&url, &["status", &sweep]).filter(|it| it["counts"]["committed"].as_u64() >= Some(1))
    });
    coordinator.kill();
    // Workers go on without it.
    let (_coordinator, again) = sandbox.serve(&address, &["--lease", "5"]);
    assert_eq!(again, url);
    let watched = sandbox.basin(&["watch", &sweep, "--coordinator", &url]);
    assert_eq!(watched.code, Some(0), "{}", sandbox.basin(&["status", &sweep, "--coordinator", &url]).out);
    let proof = sandbox.basin(&["--json", "verify", &sweep]).succeeded().json();
    assert_eq!((&proof["committed"], &proof["tasks"]), (&6.into(), &6.into()));
    sandbox.basin(&["report", &sweep, "--out", "disturbed"]).succeeded();
    assert_same_tables(&sandbox.undisturbed_tables("cluster.toml"), &sandbox.tables("disturbed"));
}

#[test]
fn a_coordinator_that_is_gone_for_longer_than_a_lease_stops_no_training() {
    let sandbox = sandbox();
    let (coordinator, url) = sandbox.serve("127.0.0.1:0", &["--lease", "5"]);
    let address = url.trim_start_matches("http://").to_owned();
    let _worker = sandbox.worker("worker", &url, &[]);
    // One task of several seconds: its commit comes several leases after the coordinator's death.
    let more = [
        "--set",
        "epochs=400",
        "--set",
        "seeds=1",
        "--set",
        "batch_size=32",
        "--set",
        "data.train_limit=2048",
    ];
    let sweep = sandbox.launch(&url, "cluster.toml", &more);
    eventually("it trains", || {
        sandbox
            .try_ask(&url, &["status", &sweep])
            .filter(|it| it["running"][0]["iteration"].as_u64() >= Some(1))
    });
    coordinator.kill();
    let killed = std::time::Instant::now();
    // The worker commits what it has while nobody listens.
    eventually("a commit", || {
        std::fs::read_dir(sandbox.path().join("basin-state/store/tasks")).ok()?.flatten().find_map(|hex| {
            std::fs::read_dir(hex.path())
                .ok()?
                .flatten()
                .find(|task| task.path().join("commit.json").exists())
        })
    });
    assert!(killed.elapsed().as_secs_f64() > 5.0, "the outage lasted longer than a lease");
    let (_coordinator, _) = sandbox.serve(&address, &["--lease", "5"]);
    sandbox.basin(&["watch", &sweep, "--coordinator", &url]).succeeded();
    let status = sandbox.try_ask(&url, &["status", &sweep]).unwrap();
    assert_eq!(status["counts"]["committed"], 1);
    // It is the first attempt that was committed: nothing stopped, nothing was done twice.
    assert_eq!(committed_attempts(&sandbox, &sweep), ["1"]);
}

/// Many tasks of about a third of a second.
const SHORT: Fits<'static> = Fits { name: "short", points: 128, hidden: &[32, 32], seeds: 24, epochs: 6_000 };

#[test]
fn an_executor_that_dies_costs_an_attempt_of_the_task_that_it_trained_and_of_no_other() {
    let sandbox = sandbox();
    sandbox.write("cluster.toml", &SHORT.text());
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let running = sandbox.worker("worker", &url, &[]);
    let sweep = sandbox.launch(&url, "cluster.toml", &[]);
    let committed = || {
        sandbox
            .try_ask(&url, &["status", &sweep])
            .and_then(|status| status["counts"]["committed"].as_u64())
            .unwrap_or(0)
    };
    // From then on leases have several tasks, of which the executor's one thread trains one.
    eventually("the first is done", || (committed() >= 1).then_some(()));
    for kills in 1..=3 {
        let before = committed();
        let executor = eventually("there is an executor", || running.children().first().copied());
        let killed = std::process::Command::new("kill").args(["-KILL", &executor.to_string()]).status();
        assert!(killed.unwrap().success(), "the executor lived");
        eventually("others are done", || (committed() > before || committed() == 24).then_some(kills));
    }
    sandbox.basin(&["watch", &sweep, "--coordinator", &url]).succeeded();
    let attempts = committed_attempts(&sandbox, &sweep);
    let again: u32 = attempts.iter().map(|number| number.parse::<u32>().unwrap() - 1).sum();
    assert!(attempts.len() == 24 && again <= 3, "{attempts:?}");
    sandbox.basin(&["report", &sweep, "--out", "killed"]).succeeded();
    assert_same_tables(&sandbox.undisturbed_tables("cluster.toml"), &sandbox.collected_tables("killed"));
    assert!(sandbox.read("killed/provenance.csv").lines().count() > 24);
}

/// The number of the attempt that each task of a sweep was committed by.
fn committed_attempts(sandbox: &Sandbox, sweep: &str) -> Vec<String> {
    sandbox.basin(&["report", sweep, "--out", "attempts"]).succeeded();
    let provenance = sandbox.read("attempts/provenance.csv");
    let mut lines = provenance.lines();
    let column = lines.next().unwrap().split(',').position(|name| name == "attempt").unwrap();
    lines.map(|line| line.split(',').nth(column).unwrap().to_owned()).collect()
}

#[test]
fn a_worker_that_was_idle_for_longer_than_a_lease_keeps_the_one_it_then_gets() {
    let sandbox = sandbox();
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &["--lease", "2"]);
    let _worker = sandbox.worker("worker", &url, &[]);
    let workers = || sandbox.basin(&["--json", "workers", "--coordinator", &url]).json();
    eventually("the worker is there", || (workers().as_array().map(Vec::len) == Some(1)).then_some(()));
    let idle_since = std::time::Instant::now();
    eventually("it is idle for longer than a lease", || {
        (idle_since.elapsed().as_secs_f64() > 3.0).then_some(())
    });
    let sweep = sandbox.launch(&url, "cluster.toml", &[]);
    sandbox.basin(&["watch", &sweep, "--coordinator", &url]).succeeded();
    assert_eq!(committed_attempts(&sandbox, &sweep), ["1"; 6]);
}

#[test]
fn a_cancelled_sweep_stops_and_a_drained_worker_leaves() {
    let sandbox = sandbox();
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let first = sandbox.worker("first", &url, &[]);
    let sweep = sandbox.launch(&url, "cluster.toml", &["--set", "epochs=2000"]);
    eventually("it trains", || {
        sandbox.try_ask(&url, &["status", &sweep]).filter(|it| it["counts"]["running"].as_u64() >= Some(1))
    });
    sandbox.basin(&["cancel", &sweep, "--coordinator", &url]).succeeded();
    eventually("nothing runs", || {
        sandbox.try_ask(&url, &["status", &sweep]).filter(|it| it["counts"]["running"] == 0)
    });
    let workers = sandbox.ask(&url, &["workers"]);
    let id = workers[0]["worker"].as_str().unwrap().to_owned();
    sandbox.basin(&["drain", &id, "--coordinator", &url]).succeeded();
    assert_eq!(first.wait(), Some(0), "{}", sandbox.read("first.log"));
}

#[test]
fn a_worker_that_is_told_to_leave_gives_its_task_back_with_a_checkpoint_and_free_of_charge() {
    let sandbox = sandbox();
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    // No checkpoints but the one that leaving writes.
    let first = sandbox.start("first", &["worker", "--coordinator", &url, "--checkpoint-every", "0"]);
    let more = [
        "--set",
        "epochs=60",
        "--set",
        "seeds=1",
        "--set",
        "batch_size=32",
        "--set",
        "data.train_limit=2048",
    ];
    let sweep = sandbox.launch(&url, "cluster.toml", &more);
    let running = eventually("it trains", || {
        sandbox
            .try_ask(&url, &["status", &sweep])
            .filter(|it| it["running"][0]["iteration"].as_u64() >= Some(100))
    });
    let task = running["running"][0]["task"].as_str().unwrap().to_owned();
    first.signal("TERM");
    assert_eq!(first.wait(), Some(0), "{}", sandbox.read("first.log"));
    let why = sandbox.ask(&url, &["why", &task]);
    let attempt = &why["attempts"][0];
    assert_eq!((&attempt["end"], &attempt["cause"]), (&"released".into(), &"preemption".into()), "{why}");
    let _second = sandbox.worker("second", &url, &[]);
    sandbox.basin(&["watch", &sweep, "--coordinator", &url]).succeeded();
    // The second attempt went on where the first one stopped, and the result is that of an undisturbed run.
    sandbox.basin(&["report", &sweep, "--out", "out"]).succeeded();
    let manifest = manifest_of(&sandbox, &task, 2);
    assert!(manifest["provenance"]["resumed_from_step"].as_u64() >= Some(100), "{manifest}");
    sandbox
        .basin(&[&["run", "cluster.toml", "--out", "alone", "--state", "alone-state"], &more[..]].concat())
        .succeeded();
    assert_same_tables(&sandbox.tables("alone"), &sandbox.tables("out"));
}

/// The manifest of an attempt at a task.
fn manifest_of(sandbox: &Sandbox, task: &str, attempt: u32) -> serde_json::Value {
    let folder = sandbox.path().join(format!("basin-state/store/tasks/{}/{task}/attempts", &task[..2]));
    let of_attempt =
        |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with(&format!("{attempt}-"));
    let entry = std::fs::read_dir(folder).unwrap().flatten().find(of_attempt).unwrap();
    serde_json::from_slice(&std::fs::read(entry.path().join("manifest.json")).unwrap()).unwrap()
}
