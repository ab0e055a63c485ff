//! A kind that a program of its own brings: its sweeps run through a coordinator, a store and a report that have never heard of it.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use basin_tests::{CommandOutput, RunningProcess, Sandbox, assert_same_tables, eventually};

const STUDY: &str = include_str!("../../docs/examples/own-kind/hopfield.toml");

/// Two tasks of some seconds each.
const LONG: &str = r#"name = "long"
[[experiment]]
id = "warm"
kind = "hopfield"
neurons = 1000
load = 0.2
temperature = 0.5
sweeps = 20000
seeds = 2

[[figure]]
kind = "curves"
experiment = "warm"
y = ["overlap"]
"#;

/// A sandbox of the program that everybody has.
fn sandbox(sweep: &str) -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("sweep.toml", sweep)
}

/// Runs the program that has the kind.
#[track_caller]
fn hopfield(sandbox: &Sandbox, arguments: &[&str]) -> CommandOutput {
    let command = sandbox.command_of(env!("CARGO_BIN_EXE_hopfield-under-test"), arguments).output();
    CommandOutput::of(&command.unwrap())
}

/// A worker that is the program with the kind.
fn worker(sandbox: &Sandbox, name: &str, url: &str) -> RunningProcess {
    let cache = sandbox.path().join("cache").to_string_lossy().into_owned();
    let how = ["--threads", "1", "--checkpoint-every", "0.1", "--cache", &cache];
    let arguments = [&["worker", "--coordinator", url][..], &how].concat();
    sandbox.spawn(name, sandbox.command_of(env!("CARGO_BIN_EXE_hopfield-under-test"), &arguments))
}

/// A table's values in this column.
fn column(sandbox: &Sandbox, table: &str, name: &str) -> Vec<String> {
    let text = sandbox.read(table);
    let mut rows = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let names = rows.next().unwrap();
    let position = names.iter().position(|it| it == name).unwrap_or_else(|| panic!("no {name}: {text}"));
    rows.map(|row| row[position].clone()).collect()
}

#[test]
fn its_sweeps_survive_the_death_of_a_worker_on_a_stock_coordinator_with_the_same_bytes() {
    let sandbox = sandbox(LONG);
    hopfield(&sandbox, &["run", "sweep.toml", "--out", "alone", "--state", "alone-state"]).succeeded();
    let undisturbed = sandbox.tables("alone");

    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let stock = sandbox.worker("stock", &url, &[]);
    let launched = hopfield(&sandbox, &["--json", "launch", "sweep.toml", "--coordinator", &url]).succeeded();
    let sweep = launched.json()["sweep"].as_str().unwrap().to_owned();
    let tasks: Vec<String> = column(&sandbox, "alone/results.csv", "task");
    let waits = sandbox.ask(&url, &["why", &tasks[0]])["why"].as_str().unwrap().to_owned();
    let missing = "a free worker with version 1 of the kind hopfield, which its program must have";
    assert!(waits.contains(missing), "{waits}");
    drop(stock);

    let first = worker(&sandbox, "first", &url);
    let task = eventually("it is well under way", || {
        let running = sandbox.ask(&url, &["status", &sweep])["running"][0].clone();
        (running["iteration"].as_u64() >= Some(2000)).then(|| running["task"].as_str().unwrap().to_owned())
    });
    first.kill();
    let _second = worker(&sandbox, "second", &url);
    sandbox.basin(&["watch", &sweep, "--coordinator", &url]).succeeded();
    let why = sandbox.ask(&url, &["why", &task]);
    assert_eq!(why["attempts"][0]["cause"], "worker-lost", "{why}");

    sandbox.basin(&["collect", &sweep, "--out", "collected"]).succeeded();
    assert_same_tables(&sandbox.collected_tables("collected"), &undisturbed);
    let resumed = column(&sandbox, "collected/provenance.csv", "resumed_from_step");
    assert!(resumed.iter().any(|step| step.parse::<u64>().is_ok_and(|step| step > 0)), "{resumed:?}");
    let verified = sandbox.basin(&["verify", &sweep]).succeeded();
    assert!(verified.out.contains("2 of 2 tasks committed"), "{}", verified.out);
}

#[test]
fn its_study_runs_to_figures_and_claims_and_its_tasks_come_out_again() {
    let sandbox = sandbox(STUDY);
    let run = ["run", "sweep.toml", "--out", "out", "--set", "seeds=3"];
    let ran = hopfield(&sandbox, &run).succeeded();
    assert_eq!(ran.out.matches("holds").count(), 2, "{}", ran.out);
    let sweep = sandbox.basin(&["--json", "report", "memories", "--out", "again"]).succeeded().json();
    assert!(sweep["sweep"].as_str().unwrap().starts_with("memories-"));
    assert_same_tables(&sandbox.tables("again"), &sandbox.tables("out"));
    let page = sandbox.read("again/index.html");
    assert!(page.contains("hopfield"));

    let task = column(&sandbox, "out/results.csv", "task").remove(0);
    let replayed = hopfield(&sandbox, &["replay", &task]).succeeded();
    assert!(replayed.out.contains("the same bytes"), "{}", replayed.out);
    let without = sandbox.basin(&["replay", &task]);
    let missing = "this program doesn't have version 1 of the kind hopfield";
    assert!(without.code == Some(1) && without.err.contains(missing), "{}", without.err);
}

#[test]
fn a_stock_program_plans_it_by_its_declaration_and_says_that_it_cannot_run_it() {
    let sandbox = sandbox(STUDY);
    let unknown = sandbox.basin(&["plan", "sweep.toml"]);
    assert!(
        unknown.err.contains("sweep.toml:10: unknown kind of experiment \"hopfield\""),
        "{}",
        unknown.err
    );
    sandbox.write("kinds.json", &hopfield(&sandbox, &["--json", "kinds"]).succeeded().out);
    let words = hopfield(&sandbox, &["kinds"]).succeeded();
    assert!(words.out.contains("load: a number from 0 to 1"), "{}", words.out);
    let stock = sandbox.basin(&["--json", "plan", "sweep.toml", "--kinds", "kinds.json"]).succeeded().json();
    let own = hopfield(&sandbox, &["--json", "plan", "sweep.toml"]).succeeded().json();
    assert_eq!(stock, own);
    assert_eq!(stock["kinds"][0]["kind"], "hopfield");
    let refused = sandbox.basin(&["run", "sweep.toml", "--kinds", "kinds.json", "--out", "out"]);
    let missing = "experiment capacity is of version 1 of the kind hopfield, which this program doesn't have";
    assert!(refused.code == Some(1) && refused.err.contains(missing), "{}", refused.err);

    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let launch = ["--json", "launch", "sweep.toml", "--kinds", "kinds.json", "--coordinator", &url];
    assert_eq!(sandbox.basin(&launch).succeeded().json()["sweep"], own["sweep"]);
}

#[test]
fn what_is_wrong_with_its_sweep_is_said_with_the_line() {
    for (wrong, said) in [
        (
            "laod = 0.1",
            "sweep.toml:6: unknown key `laod` in experiment \"a\" (hopfield); did you mean `load`?",
        ),
        ("load = 2", "sweep.toml:6: `load` must be a number from 0 to 1, not 2"),
        ("load = [0.1, 0.2]", "hint: grid = { load = [0.1, 0.2] } makes a run of each"),
        ("load = 0.001", "sweep.toml:6: `load` stores no pattern at all in 100 neurons"),
        ("noise = 0.1", "sweep.toml:2: experiment \"a\" (hopfield) needs `load`"),
    ] {
        let lines = "name = \"wrong\"\n[[experiment]]\nid = \"a\"\nkind = \"hopfield\"\nneurons = 100\n";
        let sandbox = sandbox(&format!("{lines}{wrong}\n"));
        for command in ["plan", "run", "launch"] {
            let refused = hopfield(&sandbox, &[command, "sweep.toml"]);
            assert!(refused.code == Some(1) && refused.err.contains(said), "{command}: {}", refused.err);
        }
    }
}
