//! `basin plan`: what is said of networks and schedules before anything is trained.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use basin_tests::{Sandbox, images};
use serde_json::{Value, json};

const SWEEP: &str = r#"
name = "planned"
data = { name = "shapes", train_limit = 256, test_limit = 128 }

[[experiment]]
id = "families"
kind = "classify"
seeds = 2
batch_size = 32
epochs = 5
learning_rate = 0.4
optimizer = "sgd"
schedule = { name = "cosine", warmup = { epochs = 1 } }

[experiment.grid]
model = [{ family = "resnet", depth = 20, width = 16 }, { family = "resnet", depth = 20, width = 16, shortcut = "projection" }]

[[experiment]]
id = "lines"
kind = "fit-function"
function = "sin"
hidden = [10, 10]
interval = [-3.0, 3.0]
points = 32
epochs = 20
learning_rate = 1e-3
"#;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("planned.toml", SWEEP)
}

/// The entries of an experiment in a list of a plan.
fn of<'a>(plan: &'a Value, list: &str, experiment: &str) -> Vec<&'a Value> {
    plan[list].as_array().unwrap().iter().filter(|it| it["experiment"] == experiment).collect()
}

#[test]
fn the_sizes_of_networks_are_those_that_are_published() {
    let plan = sandbox().basin(&["--json", "plan", "planned.toml"]).succeeded().json();
    let parameters = |experiment: &str| -> Vec<u64> {
        of(&plan, "networks", experiment).iter().map(|it| it["parameters"].as_u64().unwrap()).collect()
    };
    // He et al. 2016 (arXiv 1512.03385), with padded shortcuts and with projections.
    assert_eq!(parameters("families"), [269_722, 272_474]);
    assert_eq!(parameters("lines"), [10 + 10 + 100 + 10 + 10 + 1]);
    let text = sandbox().basin(&["plan", "planned.toml"]).succeeded().out;
    let line = text.lines().find(|line| line.contains("269722")).unwrap();
    assert!(line.contains("families") && line.contains("resnet"), "{line}");
}

#[test]
fn a_schedule_is_told_from_its_first_step_to_its_last() {
    let plan = sandbox().basin(&["--json", "plan", "planned.toml"]).succeeded().json();
    let schedules = of(&plan, "schedules", "families");
    let schedule = schedules[0];
    assert_eq!((&schedule["steps"], &schedule["steps_an_epoch"]), (&json!(40), &json!(8)));
    let points: Vec<(u64, f64)> = serde_json::from_value(schedule["learning_rate"].clone()).unwrap();
    let rate = |step: u64| points.iter().find(|(of, _)| *of == step).unwrap().1;
    // Warm-up over the first of five epochs, and down over the other four: half of it is left in the middle of those.
    assert!((rate(8) - 0.4).abs() < 1e-9 && (rate(24) - 0.2).abs() < 1e-9, "{points:?}");
    assert!(points.windows(2).all(|pair| (pair[0].1 < pair[1].1) == (pair[1].0 <= 7)), "{points:?}");
    let text = sandbox().basin(&["plan", "planned.toml"]).succeeded().out;
    assert!(text.contains("families: cosine after a warm-up over 40 steps, learning rate "), "{text}");
    assert!(!text.contains("lines: constant"), "{text}");
}

const CLAIMED: &str = r#"
name = "claimed"

[[experiment]]
id = "lines"
kind = "fit-function"
function = "sin"
interval = [-3.0, 3.0]
points = 16
epochs = 2
seeds = 8
grid = { hidden = [[2], [8]] }

[[claim]]
text = "Larger networks fit better"
check = { kind = "greater", a = { experiment = "lines", hidden = [2] }, b = { experiment = "lines", hidden = [8] }, y = "final_train_loss" }
"#;

#[test]
fn a_plan_says_how_many_seeds_a_claim_takes_before_and_after_a_pilot() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("claimed.toml", CLAIMED);
    let before = sandbox.basin(&["--json", "plan", "claimed.toml"]).succeeded().json();
    let check = &before["claims"][0]["checks"][0];
    assert_eq!(
        (&check["planned"], &check["fewest_to_hold"], &check["pilot"]),
        (&json!(8), &json!(3), &Value::Null)
    );
    let text = sandbox.basin(&["plan", "claimed.toml"]).succeeded().out;
    assert!(text.contains("1      greater  8 seeds  nothing      at least 3 seeds"), "{text}");
    sandbox
        .basin(&["run", "claimed.toml", "--set", "experiment.lines.seeds=3", "--out", "pilot"])
        .succeeded();
    let after = sandbox.basin(&["--json", "plan", "claimed.toml"]).succeeded().json();
    let pilot = &after["claims"][0]["checks"][0]["pilot"];
    assert_eq!(pilot["runs"], json!([3, 3]), "{after}");
    assert!(pilot["needed"].is_u64() || pilot["is_beyond"] == json!(true), "{after}");
    let text = sandbox.basin(&["plan", "claimed.toml"]).succeeded().out;
    assert!(text.contains("3 and 3 runs, ") && text.contains("% of sweeps would decide"), "{text}");
}

const TIMED: &str = r#"
name = "timed"
data = { name = "shapes", train_limit = 1000, test_limit = 200 }

[[experiment]]
id = "images"
kind = "classify"
seeds = 4
model = { conv = [16, 32], dense = [64] }
batch_size = 64
epochs = 6
probes = ["sharpness"]
probe = { train_examples = 100 }
"#;

#[test]
fn the_time_is_predicted_and_a_run_says_how_well() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("timed.toml", TIMED);
    let planned = |more: &[&str]| {
        let plan = sandbox.basin(&[&["--json", "plan", "timed.toml", "--workers", "2"], more].concat());
        plan.succeeded().json()["predicted"].clone()
    };
    let before = planned(&[]);
    assert_eq!((&before["from"], &before["slots"]), (&json!("measurement"), &json!(2)), "{before}");
    let seconds = before["seconds"].as_f64().unwrap();
    assert!((0.1..60.0).contains(&seconds), "{before}");
    assert!(!sandbox.path().join("basin-state/pace.json").exists(), "a plan writes nothing");
    let run = sandbox.basin(&["--json", "run", "timed.toml", "--workers", "2", "--out", "out"]).succeeded();
    let times = &run.json()["times"];
    let (planned_seconds, took) =
        (times["planned_seconds"].as_f64().unwrap(), times["took_seconds"].as_f64().unwrap());
    // Other tests run beside it: how well it is predicted is measured elsewhere.
    assert!((0.05..20.0).contains(&(planned_seconds / took)), "{times}");
    assert!(run.err.contains("; its tasks took ") && run.err.contains(", planned "), "{}", run.err);
    assert!(times["experiments"]["images"]["took_seconds"].as_f64().unwrap() > 0.0, "{times}");
    // What ran is known, on any number of executors; and nothing that is left is nothing.
    let more = planned(&["--set", "experiment.images.seeds=9"]);
    assert_eq!(more["from"], json!("runs"), "{more}");
    assert!(more["seconds"].as_f64().unwrap() > 0.0, "{more}");
    assert_eq!(planned(&[])["seconds"], Value::Null);
    sandbox.write("basin-state/pace.json", "{");
    let damaged = sandbox.basin(&["plan", "timed.toml", "--set", "experiment.images.seeds=9"]).succeeded();
    assert!(damaged.err.contains("note: basin-state/pace.json can't be used"), "{}", damaged.err);
    assert!(damaged.out.contains(" from a short measurement\n"), "{}", damaged.out);
}

#[test]
fn the_division_of_the_cores_is_measured_for_a_long_sweep_unless_somebody_says_it() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("timed.toml", TIMED);
    let said = |more: &[&str]| {
        let plan = sandbox.basin(&[&["plan", "timed.toml"], more].concat()).succeeded();
        plan.err.lines().find(|line| line.contains(" for this sweep as ")).map(str::to_owned)
    };
    let long = ["--set", "experiment.images.epochs=600"];
    match std::thread::available_parallelism().map(std::num::NonZero::get) {
        Ok(1) | Err(_) => assert_eq!(said(&long), None, "there is nothing to divide"),
        Ok(_) => {
            let line = said(&long).unwrap();
            assert!(line.contains(": measured ") && line.contains("`--workers` and `--threads`"), "{line}");
        }
    }
    assert_eq!(said(&[]), None, "a short sweep isn't worth it");
    for given in [["--workers", "1"], ["--threads", "2"]] {
        assert_eq!(said(&[&long[..], &given[..]].concat()), None, "{given:?}");
    }
    assert!(!sandbox.path().join("basin-state/pace.json").exists(), "a plan writes nothing");
}

#[test]
fn the_memory_that_is_predicted_is_about_what_executors_had_and_the_next_plan_knows_it() {
    let sandbox = sandbox().with_file("images.toml", &images("images", 1, 2));
    let plan = || sandbox.basin(&["--json", "plan", "images.toml"]).succeeded().json()["memory"][0].clone();
    let before = plan();
    let predicted = before["predicted_bytes"].as_u64().unwrap();
    assert_eq!((&before["experiment"], &before["used_bytes"]), (&"images".into(), &Value::Null));
    assert_eq!(before["expected_bytes"], predicted);
    sandbox.basin(&["run", "images.toml", "--out", "out", "--workers", "1", "--threads", "1"]).succeeded();
    let after = plan();
    let (used, factor) = (after["used_bytes"].as_u64().unwrap(), after["factor"].as_f64().unwrap());
    println!("predicted {predicted} bytes, used {used}: {factor:.2} times as much");
    assert!((0.5..2.0).contains(&factor), "{after}");
    assert_eq!(after["predicted_bytes"], predicted);
    let expected = after["expected_bytes"].as_f64().unwrap();
    assert!((expected / used as f64 - 1.0).abs() < 0.2, "the next plan expects what was used: {after}");
    let text = sandbox.basin(&["plan", "images.toml"]).succeeded().out;
    assert!(text.contains("used against predicted"), "{text}");

    let profile = ["--json", "profile", "batch_size=32", "--from-store", "basin-state/store"];
    let memory = sandbox.basin(&profile).succeeded().json()["counting"]["memory"].clone();
    assert!(memory["peak_bytes"].as_u64() > Some(1 << 20) && memory["predicted_bytes"].is_u64(), "{memory}");
    let provenance = sandbox.read("out/provenance.csv");
    let named = |name: &str| provenance.lines().next().unwrap().split(',').any(|column| column == name);
    assert!(named("used_memory_bytes") && named("predicted_memory_bytes"), "{provenance}");
    assert!(!sandbox.read("out/results.csv").contains("memory"), "no result depends on it");
}
