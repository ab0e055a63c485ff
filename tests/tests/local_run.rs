//! `basin run`: from a sweep file to a report, on this machine, the same bytes whatever happens on the way.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use basin_tests::{Sandbox, assert_same_tables, eventually};

/// Small, but with everything: a grid, seeds, a recording, both optimisers, a figure of each kind.
const SWEEP: &str = r#"
name = "small"
data = { name = "shapes", train_limit = 256, test_limit = 128 }

[[experiment]]
id = "fit"
kind = "fit-function"
seeds = 2
grid = { function = ["sin", "cube"] }
hidden = [16, 16]
interval = [-3.0, 3.0]
points = 64
epochs = 40
optimizer = "adam"
learning_rate = 1e-2

[[experiment]]
id = "images"
kind = "classify"
seeds = 2
model = { conv = [4, 8], dense = [16] }
batch_size = 32
epochs = 2
optimizer = "sgd"
learning_rate = 0.02
momentum = 0.9
record = { gradient_norm = true }

[[figure]]
id = "loss"
kind = "curves"
title = "Loss"
experiments = ["images"]
y = ["train_loss", "test_accuracy"]

[[figure]]
id = "fits"
kind = "predictions"
title = "Fits"
experiments = ["fit"]
facet = "function"
"#;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("small.toml", SWEEP)
}

#[test]
fn a_sweep_file_goes_in_and_a_report_comes_out() {
    let sandbox = sandbox();
    let output = sandbox.basin(&["--json", "run", "small.toml", "--out", "out"]).succeeded().json();
    assert_eq!((&output["tasks"], &output["failed"]), (&6.into(), &0.into()));
    let results = sandbox.read("out/results.csv");
    assert_eq!(results.lines().count(), 7, "{results}");
    let page = sandbox.read("out/index.html");
    for name in ["loss", "fits"] {
        for kind in ["svg", "pdf", "png", "csv"] {
            assert!(sandbox.path().join(format!("out/figures/{name}.{kind}")).exists(), "{name}.{kind}");
        }
        assert!(page.contains(name), "the page shows {name}");
    }
    let sweep = output["sweep"].as_str().unwrap();
    let proof = sandbox.basin(&["--json", "verify", sweep]).succeeded().json();
    assert_eq!((&proof["committed"], &proof["tasks"]), (&6.into(), &6.into()));
}

#[test]
fn running_again_trains_nothing_and_growing_pays_for_what_is_new() {
    let sandbox = sandbox();
    let first = sandbox.basin(&["--json", "run", "small.toml", "--out", "out"]).succeeded().json();
    assert_eq!(first["reused"], 0);
    let again = sandbox.basin(&["--json", "run", "small.toml", "--out", "out"]).succeeded().json();
    assert_eq!((&again["reused"], &again["sweep"]), (&6.into(), &first["sweep"]));
    let plan = sandbox
        .basin(&["--json", "plan", "small.toml", "--set", "experiment.images.seeds=3"])
        .succeeded()
        .json();
    assert_eq!((&plan["experiments"][1]["new"], &plan["experiments"][1]["reused"]), (&1.into(), &2.into()));
    assert!(plan["experiments"][1]["predicted_seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn one_two_and_four_threads_and_executors_give_the_same_bytes() {
    let sandbox = sandbox();
    for (workers, threads) in [("1", "1"), ("1", "2"), ("1", "4"), ("2", "1"), ("4", "2")] {
        let out = format!("out-{workers}-{threads}");
        let state = format!("state-{workers}-{threads}");
        let how = ["--workers", workers, "--threads", threads, "--out", &out, "--state", &state];
        sandbox.basin(&[&["run", "small.toml"], &how[..]].concat()).succeeded();
    }
    let reference = sandbox.tables("out-1-1");
    for other in ["out-1-2", "out-1-4", "out-2-1", "out-4-2"] {
        assert_same_tables(&reference, &sandbox.tables(other));
    }
}

#[test]
fn a_code_path_that_is_asked_for_is_recorded_and_all_of_them_give_the_same_bytes_on_any_number_of_threads() {
    let sandbox = sandbox();
    let mut tables = Vec::new();
    for path in ["avx512", "avx2", "portable"] {
        for threads in ["1", "2"] {
            let out = format!("out-{path}-{threads}");
            let state = format!("state-{path}-{threads}");
            let how = [
                "--code-path",
                path,
                "--workers",
                "1",
                "--threads",
                threads,
                "--out",
                &out,
                "--state",
                &state,
            ];
            let output = sandbox.basin(&[&["run", "small.toml"], &how[..]].concat());
            if path != "portable" && output.err.contains(&format!("this machine has no {path}")) {
                assert_eq!(output.code, Some(1));
                eprintln!("NOT RUN on {path}: this machine lacks it");
                break;
            }
            output.succeeded();
            let provenance = sandbox.read(&format!("{out}/provenance.csv"));
            assert!(provenance.lines().skip(1).all(|row| row.contains(&format!(",{path},"))), "{provenance}");
            tables.push(sandbox.tables(&out));
        }
    }
    for pair in tables.windows(2) {
        assert_same_tables(&pair[0], &pair[1]);
    }
}

#[test]
fn a_sweep_that_was_set_aside_with_a_failure_goes_on_when_it_is_run_again() {
    let sandbox = sandbox();
    let failing = SWEEP.replace(
        "grid = { function",
        "# the larger network's directions need too much memory\ngrid = { function",
    );
    let failing = failing.replace(
        "model = { conv = [4, 8], dense = [16] }",
        "probes = [\"largest_eigenvalue\"]\nprobe = { lanczos_steps = 100, train_examples = 16 }\n\
         grid = { \"model.dense\" = [[16], [2000, 2000]] }\nmodel = { conv = [4, 8] }",
    );
    sandbox.write("failing.toml", &failing);
    let output = sandbox.basin(&["--json", "run", "failing.toml", "--out", "first"]);
    assert_eq!((output.code, &output.json()["failed"]), (Some(1), &2.into()), "{}", output.err);
    sandbox.basin(&["run", "small.toml", "--out", "other"]).succeeded();
    let again = sandbox.basin(&["--json", "run", "failing.toml", "--out", "second"]);
    assert_eq!((again.code, &again.json()["failed"]), (Some(1), &2.into()), "{}", again.err);
    assert_same_tables(&sandbox.tables("first"), &sandbox.tables("second"));
}

#[test]
fn a_store_that_lost_its_files_is_noticed() {
    let sandbox = sandbox();
    sandbox.basin(&["run", "small.toml", "--out", "out"]).succeeded();
    std::fs::remove_dir_all(sandbox.path().join("basin-state/store/tasks")).unwrap();
    let output = sandbox.basin(&["run", "small.toml", "--out", "out"]);
    assert_eq!(output.code, Some(1), "{}", output.err);
    assert!(output.err.contains("the journal knows a commit of task"), "{}", output.err);
}

/// Long enough to be interrupted several times.
const LONG: [&str; 4] = ["--set", "experiment.images.epochs=40", "--set", "experiment.fit.epochs=400"];

#[test]
fn a_run_that_is_stopped_and_killed_again_and_again_ends_with_the_same_bytes() {
    let sandbox = sandbox();
    let run = |out: &'static str, state: &'static str| {
        let how = ["--out", out, "--state", state, "--checkpoint-every", "0.1", "--workers", "2"];
        [&["run", "small.toml"], &LONG[..], &how[..]].concat()
    };
    sandbox.basin(&run("calm", "calm-state")).succeeded();
    let mut interrupted = 0;
    for round in 0..6 {
        let running = sandbox.start(&format!("round-{round}"), &run("rough", "rough-state"));
        // This round keeps a checkpoint or commits something, then it ends: killed, or interrupted as by Ctrl-C.
        let before = objects(&sandbox, "rough-state/store/tasks");
        let left = eventually("progress, or the end", || {
            let progress = objects(&sandbox, "rough-state/store/tasks") != before;
            let done = sandbox.read(&format!("round-{round}.log")).contains("done in");
            (progress || done).then_some(done)
        });
        if left {
            break;
        }
        if round % 2 == 0 {
            running.kill();
        } else {
            running.signal("INT");
            let code = running.wait();
            assert!(matches!(code, Some(0 | 1)), "{code:?}: {}", sandbox.read(&format!("round-{round}.log")));
        }
        interrupted += 1;
    }
    assert!(interrupted >= 3, "the sweep is long enough to be interrupted: {interrupted}");
    let output = sandbox.basin(&[&["--json"], &run("rough", "rough-state")[..]].concat()).succeeded().json();
    assert_same_tables(&sandbox.tables("calm"), &sandbox.tables("rough"));
    sandbox.basin(&["verify", output["sweep"].as_str().unwrap(), "--state", "rough-state"]).succeeded();
    let resumed = objects(&sandbox, "rough-state/store/tasks").into_iter().filter(|name| {
        let manifest = name.ends_with("manifest.json").then(|| std::fs::read_to_string(name).unwrap());
        manifest.is_some_and(|text| {
            text.contains("resumed_from_step") && !text.contains("\"resumed_from_step\": null")
        })
    });
    assert!(resumed.count() > 0, "something went on from a checkpoint");
}

/// The names of all objects below a folder of the place.
fn objects(sandbox: &Sandbox, below: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![sandbox.path().join(below)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => found.push(path.to_string_lossy().into_owned()),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_sweep_runs_on_a_device_with_its_tasks_as_lanes_and_its_provenance_says_so() {
    let sandbox = sandbox();
    sandbox
        .basin(&["run", "small.toml", "--device", "candle-cpu", "--out", "out", "--state", "state"])
        .succeeded();
    let provenance = sandbox.read("out/provenance.csv");
    assert!(provenance.lines().skip(1).all(|row| row.contains(",candle-cpu,")), "{provenance}");
    sandbox.basin(&["verify", "small", "--state", "state"]).succeeded();
}
