//! Sweeps over a real S3 server, which dies and comes back.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use basin_tests::{Radosgw, Sandbox, assert_same_tables, eventually, images};

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("cluster.toml", &images("cluster", 4, 12))
}

fn count(sandbox: &Sandbox, url: &str, sweep: &str, what: &str) -> u64 {
    let status = sandbox.try_ask(url, &["status", sweep]);
    status.and_then(|status| status["counts"][what].as_u64()).unwrap_or(0)
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> =
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    found.sort();
    found
}

#[test]
fn a_store_that_is_killed_amid_uploads_and_comes_back_loses_nothing() {
    let Some(server) = Radosgw::start() else { return };
    let sandbox = server.serve(sandbox());
    let store = format!("{}/site", server.bucket());
    let (coordinator, url) = sandbox.serve("127.0.0.1:0", &["--store", &store]);
    let first = sandbox.worker("first", &url, &["--pack", "1"]);
    let second = sandbox.worker("second", &url, &["--pack", "1"]);
    let sweep = sandbox.launch(&url, "cluster.toml", &[]);
    for kill in 1..=2 {
        // Checkpoints go out ten times a second from two workers: there is always an upload under way.
        eventually("something more is committed", || {
            (count(&sandbox, &url, &sweep, "committed") >= kill).then_some(())
        });
        let waits = || {
            let logs = sandbox.read("first.log") + &sandbox.read("second.log");
            logs.matches("an outage is waited for").count()
        };
        let before = waits();
        server.kill();
        // It is away for long enough to be met.
        eventually("a worker notices", || (waits() > before).then_some(()));
        server.restart();
    }
    sandbox.basin(&["watch", &sweep, "--coordinator", &url]).succeeded();
    for (name, worker) in [("first", first), ("second", second)] {
        worker.signal("TERM");
        assert_eq!(worker.wait(), Some(0), "{}", sandbox.read(&format!("{name}.log")));
    }
    coordinator.kill();

    // All that follows needs no coordinator.
    let proof = sandbox.basin(&["--json", "verify", &sweep, "--store", &store]).succeeded().json();
    assert_eq!((&proof["committed"], &proof["tasks"]), (&8.into(), &8.into()), "{proof}");
    let collect = ["--json", "collect", &sweep, "--out", "collected", "--store", &store];
    let output = sandbox.basin(&collect).succeeded().json();
    assert_eq!((&output["fetched"], &output["missing"]), (&8.into(), &0.into()));
    assert_same_tables(&sandbox.undisturbed_tables("cluster.toml"), &sandbox.collected_tables("collected"));

    // Again: only what is gone or wrong is fetched.
    let results = files(&sandbox.path().join("collected/results"));
    assert_eq!(results.len(), 16);
    let kept = std::fs::read(&results[0]).unwrap();
    std::fs::remove_file(&results[0]).unwrap();
    std::fs::write(&results[3], "half of it").unwrap();
    let again = sandbox.basin(&collect).succeeded().json();
    assert_eq!((&again["fetched"], std::fs::read(&results[0]).unwrap() == kept), (&2.into(), true));
    assert_eq!(sandbox.basin(&collect).succeeded().json()["bytes"], 0);
    sandbox.basin(&["report", &sweep, "--out", "reported", "--store", &store]).succeeded();
    assert_same_tables(&sandbox.tables("alone"), &sandbox.tables("reported"));
}

#[test]
fn over_a_store_without_conditions_the_coordinator_commits_and_the_bytes_are_the_same() {
    let Ok(bucket) = std::env::var("BASIN_TEST_S3") else {
        eprintln!("NOT RUN: BASIN_TEST_S3 names no S3 server; `.ci/radosgw up DIR PORT` starts one");
        return;
    };
    // The client refuses to send conditions: to Basin that is a store that has none.
    let sandbox = sandbox().with("AWS_CONDITIONAL_PUT", "disabled");
    let prefix = sandbox.path().file_name().unwrap().to_string_lossy().replace('.', "");
    let store = format!("{bucket}/{prefix}");
    let doctor = sandbox.basin(&["doctor", "--store", &store]).succeeded();
    assert!(doctor.out.contains("the coordinator commits instead"), "{}", doctor.out);
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &["--store", &store]);
    let _first = sandbox.worker("first", &url, &["--pack", "1"]);
    let _second = sandbox.worker("second", &url, &["--pack", "1"]);
    let sweep = sandbox.launch(&url, "cluster.toml", &[]);
    sandbox.basin(&["watch", &sweep, "--coordinator", &url]).succeeded();
    sandbox.basin(&["--json", "verify", &sweep, "--store", &store]).succeeded();
    sandbox.basin(&["collect", &sweep, "--out", "collected", "--store", &store]).succeeded();
    // And in one process, over the same kind of store.
    let other = format!("{store}-run");
    sandbox
        .basin(&["run", "cluster.toml", "--out", "alone", "--state", "alone-state", "--store", &other])
        .succeeded();
    assert_same_tables(&sandbox.tables("alone"), &sandbox.collected_tables("collected"));
}

#[test]
fn over_a_server_that_ignores_conditions_coordinator_and_worker_die_and_the_bytes_are_the_same() {
    let Ok(bucket) = std::env::var("BASIN_TEST_GARAGE") else {
        eprintln!(
            "NOT RUN: BASIN_TEST_GARAGE names no server without conditions; `.ci/garage up DIR PORT` starts one"
        );
        return;
    };
    let sandbox = sandbox();
    let prefix = sandbox.path().file_name().unwrap().to_string_lossy().replace('.', "");
    let store = format!("{bucket}/{prefix}");
    let doctor = sandbox.basin(&["doctor", "--store", &store]).succeeded();
    assert!(doctor.out.contains("the coordinator commits instead"), "{}", doctor.out);
    let more = ["--store", &store, "--lease", "2"];
    let (mut coordinator, url) = sandbox.serve("127.0.0.1:0", &more);
    let address = url.trim_start_matches("http://").to_owned();
    let first = sandbox.worker("first", &url, &["--pack", "1"]);
    let second = sandbox.worker("second", &url, &["--pack", "1"]);
    let sweep = sandbox.launch(&url, "cluster.toml", &[]);
    for kill in 1..=2 {
        eventually("something more is committed", || {
            (count(&sandbox, &url, &sweep, "committed") >= 2 * kill).then_some(())
        });
        coordinator.kill();
        coordinator = sandbox.serve(&address, &more).0;
    }
    first.kill();
    let third = sandbox.worker("third", &url, &["--pack", "1"]);
    sandbox.basin(&["watch", &sweep, "--coordinator", &url]).succeeded();
    drop((second, third));
    coordinator.kill();
    let proof = sandbox.basin(&["--json", "verify", &sweep, "--store", &store]).succeeded().json();
    assert_eq!((&proof["committed"], &proof["tasks"]), (&8.into(), &8.into()), "{proof}");
    sandbox.basin(&["collect", &sweep, "--out", "collected", "--store", &store]).succeeded();
    assert_same_tables(&sandbox.undisturbed_tables("cluster.toml"), &sandbox.collected_tables("collected"));
}

#[test]
fn a_bucket_that_is_not_there_is_the_users_to_mend() {
    if std::env::var_os("BASIN_TEST_S3").is_none() {
        eprintln!("NOT RUN: BASIN_TEST_S3 names no S3 server; `.ci/radosgw up DIR PORT` starts one");
        return;
    }
    let sandbox = sandbox();
    for command in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["run", "cluster.toml"],
        &["verify", "cluster"],
        &["collect", "cluster", "--out", "out"],
        &["report", "cluster"],
        &["data", "list"],
        &["doctor"],
    ] {
        let output = sandbox.basin(&[command, &["--store", "s3://no-such-bucket-of-basin/x"]].concat());
        assert_eq!(output.code, Some(1), "{command:?}: {}", output.err);
        let text = format!("{}{}", output.out, output.err);
        assert!(
            text.contains("there is no bucket for s3://no-such-bucket-of-basin/x"),
            "{command:?}: {text}"
        );
        assert!(text.contains("aws s3 mb"), "{command:?}: {text}");
    }
    // A worker finds out before it takes any task.
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let output =
        sandbox.basin(&["worker", "--coordinator", &url, "--store", "s3://no-such-bucket-of-basin/x"]);
    assert_eq!(output.code, Some(1), "{}", output.err);
    assert!(output.err.contains("aws s3 mb"), "{}", output.err);
}
