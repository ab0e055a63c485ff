//! Where the time of a task went, asked of what a local run has left and of its store alone.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use basin_tests::{Fits, Sandbox};

const SHORT: Fits<'static> = Fits { name: "short", points: 64, hidden: &[16], seeds: 2, epochs: 40 };

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("short.toml", &SHORT.text())
}

#[test]
fn the_time_of_a_task_is_parted_into_what_it_did_and_is_no_more_than_its_attempt_lasted() {
    let sandbox = sandbox();
    sandbox.basin(&["run", "short.toml", "--out", "out"]).succeeded();
    let profile = sandbox.basin(&["--json", "profile", "fits", "seed", "1"]).succeeded().json();
    assert_eq!((&profile["name"], &profile["state"]), (&"fits seed 1".into(), &"completed".into()));
    let attempt = &profile["attempts"][0];
    assert_eq!((&attempt["attempt"], &attempt["end"]), (&1.into(), &"committed".into()));
    assert!(attempt["waited_seconds"].as_f64().unwrap() >= 0.0, "{attempt}");
    let counting = &profile["counting"];
    assert_eq!((&counting["attempt"], counting["steps"].as_u64().unwrap() > 0), (&1.into(), true));
    let spent = counting["spent"].as_array().unwrap();
    let activities: Vec<&str> = spent.iter().map(|it| it["activity"].as_str().unwrap()).collect();
    for expected in ["restore", "start", "load", "training", "evaluation", "results", "upload"] {
        assert!(activities.contains(&expected), "{activities:?}");
    }
    assert!(!activities.contains(&"data"), "a function has no data set: {activities:?}");
    let sum = |what: &str| spent.iter().map(|it| it[what].as_f64().unwrap()).sum::<f64>();
    assert!((sum("share") - 1.0).abs() < 1e-6, "{spent:?}");
    assert!((sum("seconds") - counting["seconds"].as_f64().unwrap()).abs() < 1e-6, "{spent:?}");
    // Two clocks, and one of them in milliseconds.
    assert!(sum("seconds") <= attempt["lasted_seconds"].as_f64().unwrap() + 0.05, "{profile}");
    let text = sandbox.basin(&["profile", "fits", "seed", "1"]).succeeded().out;
    assert!(text.contains("\nactivity ") && text.contains("\ntraining ") && text.contains('█'), "{text}");
}

#[test]
fn a_store_alone_tells_the_same_of_the_attempt_that_counts() {
    let sandbox = sandbox();
    sandbox.basin(&["run", "short.toml", "--out", "out"]).succeeded();
    let left = sandbox.basin(&["--json", "profile", "fits", "seed", "0"]).succeeded().json();
    let stored = ["--json", "profile", "fits", "seed", "0", "--from-store", "basin-state/store"];
    let stored = sandbox.basin(&stored).succeeded().json();
    assert_eq!((&stored["task"], &stored["counting"]), (&left["task"], &left["counting"]));
    assert!(stored["state"].is_null() && stored["attempts"].as_array().unwrap().is_empty(), "{stored}");

    let task = left["task"].as_str().unwrap();
    let commit = sandbox.path().join(format!("basin-state/store/tasks/{}/{task}/commit.json", &task[..2]));
    std::fs::remove_file(commit).unwrap();
    let none = sandbox.basin(&["profile", task, "--from-store", "basin-state/store"]);
    assert!(none.code == Some(1) && none.err.contains("isn't committed"), "{}", none.err);
}
