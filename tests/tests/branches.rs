//! Branches, lines between them and rounds of pruning through the whole of Basin: planned, trained in their order, drawn, and the same
//! bytes whatever happens.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use basin_tests::{Sandbox, assert_same_tables, eventually};

/// A trunk with two branches in other orders, the line between these, and three rounds of pruning.
const SWEEP: &str = r#"
name = "branches"
data = { name = "shapes", train_limit = 200, test_limit = 60 }

[defaults]
model = { conv = [4, 6], dense = [8] }
learning_rate = 3e-3
batch_size = 20
epochs = 3
seeds = 2

[[experiment]]
id = "between"
kind = "interpolate"
from = { experiment = "branches", seed.order = 1 }
to = { experiment = "branches", seed.order = 2 }
ratios = { start = 0.0, stop = 1.0, count = 5 }
barrier = true

[[experiment]]
id = "branches"
kind = "classify"
start = { experiment = "trunk", epoch = 1 }
grid = { seed.order = [1, 2] }

[[experiment]]
id = "tickets"
kind = "classify"
prune = { experiment = "trunk", fraction = 0.5, rewind = 10 }
grid = { prune.round = [1, 2, 3] }

[[experiment]]
id = "trunk"
kind = "classify"
record = { states_at = [10] }

[[figure]]
id = "accuracy"
kind = "against"
experiment = "tickets"
x = "remaining_weights"
log_x = true
y = "test_accuracy"
group = "experiment"

[[figure]]
id = "line"
kind = "interpolation"
experiment = "between"
y = "train_loss"

[[figure]]
id = "curves"
kind = "curves"
experiments = ["trunk", "branches"]
y = "test_loss"
group = ["experiment", "seed.order"]

[[claim]]
text = "Two orders end close to each other"
check = { kind = "within", of = { experiment = "between" }, y = "test_error_barrier", low = -1.0, high = 1.0 }
"#;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("branches.toml", SWEEP)
}

/// The rows of `results.csv` of an experiment, each by the names of its columns.
fn rows(sandbox: &Sandbox, out: &str, experiment: &str) -> Vec<std::collections::BTreeMap<String, String>> {
    let text = sandbox.read(&format!("{out}/results.csv"));
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row = |line: &str| {
        header.iter().map(|name| (*name).to_owned()).zip(line.split(',').map(str::to_owned)).collect()
    };
    lines
        .map(row)
        .filter(|row: &std::collections::BTreeMap<String, String>| row["experiment"] == experiment)
        .collect()
}

#[test]
fn a_trunk_is_trained_once_and_all_that_begins_with_it_follows() {
    let sandbox = sandbox();
    let plan = sandbox.basin(&["--json", "plan", "branches.toml"]).succeeded().json();
    let experiments: Vec<(String, i64, i64)> = plan["experiments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            let count = |name: &str| it[name].as_i64().unwrap();
            (it["experiment"].as_str().unwrap().to_owned(), count("new"), count("blocked"))
        })
        .collect();
    let expected = [("between", 0, 2), ("branches", 0, 4), ("tickets", 0, 6), ("trunk", 2, 0)];
    assert_eq!(experiments, expected.map(|(name, new, blocked)| (name.to_owned(), new, blocked)));

    let run = sandbox
        .basin(&["--json", "run", "branches.toml", "--out", "out", "--workers", "2"])
        .succeeded()
        .json();
    assert_eq!((&run["tasks"], &run["failed"]), (&14.into(), &0.into()));
    let shares: Vec<f64> = rows(&sandbox, "out", "tickets")
        .iter()
        .map(|row| row["remaining_weights"].parse().unwrap())
        .collect();
    assert_eq!(shares.len(), 6);
    for (share, expected) in shares.iter().zip([0.5, 0.5, 0.25, 0.25, 0.125, 0.125]) {
        assert!((share - expected).abs() < 1e-3, "{shares:?}");
    }
    for row in rows(&sandbox, "out", "between") {
        let barrier: f64 = row["train_loss_barrier"].parse().unwrap();
        assert!(barrier.is_finite(), "{row:?}");
    }
    // A branch draws no point twice that its trunk has drawn: it begins with the step at which it parted.
    let curves = sandbox.read("out/figures/curves.csv");
    assert!(curves.contains("branches") && curves.contains("trunk"), "{curves}");
    let accuracy = sandbox.read("out/figures/accuracy.csv");
    assert!(accuracy.contains("0.12"), "{accuracy}");
    // Nothing is trained again, and what a rule of the sweep adds is paid for alone.
    let grown = SWEEP.replace("[1, 2, 3]", "[1, 2, 3, 4]");
    sandbox.write("grown.toml", &grown);
    let grown = sandbox.basin(&["--json", "run", "grown.toml", "--out", "grown"]).succeeded().json();
    assert_eq!((&grown["tasks"], &grown["reused"]), (&16.into(), &14.into()), "{grown}");
}

#[test]
fn runs_that_are_killed_again_and_again_end_with_the_same_bytes() {
    let sandbox = sandbox();
    let calm = sandbox.undisturbed_tables("branches.toml");
    let run =
        ["run", "branches.toml", "--out", "rough", "--state", "rough-state", "--checkpoint-every", "0.05"];
    for round in 0..3 {
        let running = sandbox.start(&format!("round-{round}"), &run);
        let before = sandbox.commits("rough-state");
        eventually("a commit, or the end", || {
            let done = sandbox.read(&format!("round-{round}.log")).contains("done in");
            (sandbox.commits("rough-state") > before || done).then_some(())
        });
        running.kill();
    }
    let rough = sandbox.basin(&[&["--json"], &run[..]].concat()).succeeded().json();
    assert_same_tables(&calm, &sandbox.tables("rough"));
    let sweep = rough["sweep"].as_str().unwrap();
    sandbox.basin(&["verify", sweep, "--state", "rough-state"]).succeeded();
}

#[test]
fn a_round_trains_again_to_the_same_bytes_when_it_is_replayed() {
    let sandbox = sandbox();
    sandbox.basin(&["run", "branches.toml", "--out", "out"]).succeeded();
    for experiment in ["tickets", "branches", "between"] {
        let task = rows(&sandbox, "out", experiment).pop().unwrap().remove("task").unwrap();
        let output = sandbox.basin(&["replay", &task]);
        assert_eq!(output.code, Some(0), "{experiment}: {}{}", output.out, output.err);
    }
}
