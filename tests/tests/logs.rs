//! What is said of a task: from a worker that trains, and from what it has left; and what workers say of themselves.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use basin_tests::{CommandOutput, Fits, Sandbox, eventually};

const LONG: Fits<'static> = Fits { name: "long", points: 512, hidden: &[64, 64], seeds: 2, epochs: 900_000 };
const SHORT: Fits<'static> = Fits { name: "short", points: 16, hidden: &[4], seeds: 2, epochs: 2 };

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"))
        .with_file("long.toml", &LONG.text())
        .with_file("short.toml", &SHORT.text())
}

fn log(sandbox: &Sandbox, arguments: &[&str]) -> CommandOutput {
    sandbox.basin(&[&["--json", "logs"], arguments].concat())
}

#[test]
fn a_task_is_read_of_while_it_trains_and_followed_to_its_end() {
    let sandbox = sandbox();
    let run = sandbox.start("run", &["run", "long.toml", "--workers", "1"]);
    let found = eventually("its log has lines", || {
        let output = log(&sandbox, &["fits", "seed", "0"]);
        let found = (output.code == Some(0)).then(|| output.json())?;
        let lines = found["lines"].as_array()?;
        lines.iter().any(|line| line.as_str().is_some_and(|it| it.contains(" trained "))).then_some(found)
    });
    assert_eq!(
        (&found["name"], &found["live"], &found["attempt"]),
        (&"fits seed 0".into(), &true.into(), &1.into())
    );
    let lines: Vec<&str> =
        found["lines"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    assert!(lines[0].contains("attempt 1 began on worker local-"), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("training began step=0")), "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains("lane{")), "{lines:?}");
    let text = sandbox.basin(&["logs", "seed 0"]).succeeded();
    assert!(text.err.starts_with("fits seed 0 ("), "{}", text.err);
    assert!(text.err.contains("running; attempt 1 on worker local-"), "{}", text.err);
    let unknown = sandbox.basin(&["logs", "seed 7"]);
    assert!(unknown.code == Some(1) && unknown.err.contains("there is no task `seed 7`"), "{}", unknown.err);
    run.signal("INT");
    assert_eq!(run.wait(), Some(1), "{}", sandbox.read("run.log"));
}

#[test]
fn what_is_left_is_read_from_the_journals_folder_and_from_the_store_alone() {
    let sandbox = sandbox();
    sandbox.basin(&["run", "short.toml", "--out", "out"]).succeeded();
    let left = log(&sandbox, &["fits", "seed", "1"]).succeeded().json();
    assert_eq!((&left["state"], &left["live"]), (&"completed".into(), &false.into()));
    let text = left["lines"].to_string();
    assert!(text.contains("training began") && text.contains("training ended"), "{text}");
    let task = left["task"].as_str().unwrap();
    for words in [&["fits", "seed", "1"][..], &[&task[..12]]] {
        let stored =
            log(&sandbox, &[words, &["--from-store", "basin-state/store"]].concat()).succeeded().json();
        assert_eq!((&stored["lines"], &stored["name"]), (&left["lines"], &"fits seed 1".into()));
    }
    // No commit proves it, and nothing else needs it.
    let sweep =
        sandbox.basin(&["--json", "list"]).succeeded().json()[0]["sweep"].as_str().unwrap().to_owned();
    for entry in walk(&sandbox.path().join("basin-state/store")) {
        if entry.ends_with("log.zst") {
            std::fs::remove_file(entry).unwrap();
        }
    }
    sandbox.basin(&["verify", &sweep]).succeeded();
    let none = sandbox.basin(&["logs", "fits", "seed", "1"]).succeeded();
    assert!(none.err.contains("it has left no log"), "{}", none.err);
}

/// All files below a folder.
fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn a_worker_says_where_it_connects_to_what_it_begins_and_what_came_of_it() {
    let sandbox = sandbox();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let worker = sandbox.worker("worker", &url, &["--idle-exit", "1"]);
    eventually("it says that nobody answers", || {
        sandbox.read("worker.log").contains("connecting to").then_some(())
    });
    let (_coordinator, url) = sandbox.serve(&format!("127.0.0.1:{port}"), &[]);
    sandbox.basin(&["launch", "short.toml", "--coordinator", &url]).succeeded();
    assert_eq!(worker.wait(), Some(0), "{}", sandbox.read("worker.log"));
    let said = sandbox.read("worker.log");
    for words in [
        "connecting to http://127.0.0.1:",
        "joined http://127.0.0.1:",
        "began fits seed 0 (",
        "done: fits seed 1 (",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn a_worker_that_falls_silent_is_shown_so_while_its_lease_still_lasts() {
    let sandbox = sandbox();
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &["--lease", "60"]);
    sandbox.basin(&["launch", "long.toml", "--coordinator", &url]).succeeded();
    let worker = sandbox.worker("worker", &url, &[]);
    let workers = || sandbox.basin(&["--json", "workers", "--coordinator", &url]).succeeded().json();
    eventually("it holds a lease", || (workers()[0]["leases"].as_u64() >= Some(1)).then_some(()));
    assert_eq!(workers()[0]["silent_ms"], serde_json::Value::Null);
    worker.signal("STOP");
    eventually("its silence is shown", || (workers()[0]["silent_ms"].as_u64() >= Some(5_000)).then_some(()));
    let text = sandbox.basin(&["workers", "--coordinator", &url]).succeeded().out;
    assert!(text.contains("silent for "), "{text}");
    worker.signal("CONT");
}
