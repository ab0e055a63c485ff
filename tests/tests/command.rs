//! Programs as tasks: they run, leave, die, hang and talk nonsense, and cost what their cause costs.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use basin_domain::sweep::{Datasets, Source, SweepFile};
use basin_tests::{Sandbox, eventually};

const PLAIN: &str = include_str!("../../docs/examples/command/plain.py");
const PLAIN_SWEEP: &str = include_str!("../../docs/examples/command/plain.toml");
const TORCH: &str = include_str!("../../docs/examples/command/torch_mlp.py");
const TORCH_SWEEP: &str = include_str!("../../docs/examples/command/torch_mlp.toml");

/// One task of the example that takes some ten seconds and saves a checkpoint twenty times a second.
const LONG: &str = r#"name = "long"
[[experiment]]
id = "line"
kind = "command"
command = "fit"
parameters = { rate = 0.1, epochs = 400, pause = 0.025, save_every = 2 }
records = { train_loss = "epoch", resumed_from_epoch = "once" }
"#;

/// One task of the command `fit` without parameters.
const SHORT: &str =
    "name = \"short\"\n[[experiment]]\nid = \"only\"\nkind = \"command\"\ncommand = \"fit\"\n";

/// A sandbox with this program and this sweep.
fn sandbox(program: &str, sweep: &str) -> Sandbox {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"))
        .with_file("program", program)
        .with_file("sweep.toml", sweep);
    let path = sandbox.path().join("program");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    sandbox
}

/// The processes of the sandbox's program that live, its supervisor among them.
fn processes(sandbox: &Sandbox) -> Vec<String> {
    let path = sandbox.path().join("program").to_string_lossy().into_owned();
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let of_program = all.filter(|process| {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        line.contains(&path) && !line.contains("allow-command")
    });
    of_program.map(|process| process.file_name().to_string_lossy().into_owned()).collect()
}

fn program_lives(sandbox: &Sandbox) -> bool {
    !processes(sandbox).is_empty()
}

/// The first task of a sweep once it has come to this epoch.
fn trained_to(sandbox: &Sandbox, url: &str, sweep: &str, epoch: u64) -> String {
    eventually("it trains", || {
        let running = sandbox.ask(url, &["status", sweep])["running"][0].clone();
        (running["iteration"].as_u64() >= Some(epoch)).then(|| running["task"].as_str().unwrap().to_owned())
    })
}

/// A value of the only row of a table.
fn value(sandbox: &Sandbox, table: &str, column: &str) -> String {
    let text = sandbox.read(table);
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let (names, row) = (lines.next().unwrap(), lines.next().unwrap());
    let position = names.iter().position(|name| name == column);
    row[position.unwrap_or_else(|| panic!("no column {column}: {text}"))].clone()
}

/// The cause and the message of the first attempt at the only task, on a worker that allows this program.
fn first_failure(program: &str, more: &[&str]) -> (String, String) {
    let sandbox = sandbox(program, SHORT);
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let how = [&["--allow-command", "fit=program"], more].concat();
    let _worker = sandbox.worker("worker", &url, &how);
    let sweep = sandbox.launch(&url, "sweep.toml", &[]);
    let task = trained_to(&sandbox, &url, &sweep, 0);
    let attempt = eventually("it fails", || {
        let attempt = sandbox.ask(&url, &["why", &task])["attempts"][0].clone();
        (attempt["end"] == "failed").then_some(attempt)
    });
    let word = |key: &str| attempt[key].as_str().unwrap().to_owned();
    (word("cause"), word("message"))
}

#[test]
fn a_sweep_of_a_program_runs_to_its_report_and_says_that_no_bytes_are_promised() {
    let sandbox = sandbox(PLAIN, PLAIN_SWEEP);
    let planned = sandbox.basin(&["plan", "sweep.toml"]).succeeded();
    assert!(planned.out.contains("runs the command fit-line"), "{}", planned.out);
    let refused = sandbox.basin(&["run", "sweep.toml", "--out", "out"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("`--allow-command fit-line=PATH`"), "{}", refused.err);
    let run = ["run", "sweep.toml", "--out", "out", "--allow-command", "fit-line=program"];
    let ran = sandbox.basin(&run).succeeded();
    assert!(ran.out.contains("holds"), "{}", ran.out);
    let results = sandbox.read("out/results.csv");
    assert_eq!(results.lines().count(), 7, "{results}");
    assert!(results.starts_with("task,experiment,parameters.rate,seed,outcome"), "{results}");
    assert!(results.lines().skip(1).all(|row| row.contains(",completed,")), "{results}");
    assert_eq!(value(&sandbox, "out/provenance.csv", "reproducible"), "false");
    assert!(sandbox.read("out/index.html").contains("run again, it may give other bytes"));
    assert!(
        sandbox.path().join("out/figures/1-curves.svg").exists()
            || !sandbox.read("out/index.html").is_empty()
    );
    // Its files are committed with their digests, and what is done isn't done again.
    let sweep = ran.out.lines().chain(ran.err.lines()).find_map(|line| {
        let word = line.split([' ', ':', '/']).find(|word| word.starts_with("fit-line-"))?;
        Some(word.to_owned())
    });
    let sweep = sweep.unwrap();
    let verified = sandbox.basin(&["verify", &sweep]).succeeded();
    assert!(verified.out.contains("6 of 6 tasks committed, 18 artifacts"), "{}", verified.out);
    let task = value(&sandbox, "out/results.csv", "task");
    let replayed = sandbox.basin(&["replay", &task]);
    assert!(replayed.err.contains("the bytes of a command are not promised"), "{}", replayed.err);
    let again = sandbox.basin(&run).succeeded();
    assert!(again.err.contains("6 tasks, 6 already done"), "{}", again.err);
}

#[test]
fn a_program_goes_on_from_its_checkpoint_when_its_worker_was_killed_and_dies_with_it() {
    let sandbox = sandbox(PLAIN, LONG);
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let allow = ["--allow-command", "fit=program"];
    let worker = sandbox.worker("worker", &url, &allow);
    let sweep = sandbox.launch(&url, "sweep.toml", &[]);
    let task = trained_to(&sandbox, &url, &sweep, 100);
    assert!(program_lives(&sandbox));
    worker.kill();
    eventually("the program died with its worker", || (!program_lives(&sandbox)).then_some(()));
    let _worker = sandbox.worker("next", &url, &allow);
    sandbox.basin(&["watch", &sweep, "--coordinator", &url]).succeeded();
    let why = sandbox.ask(&url, &["why", &task]);
    assert_eq!(why["attempts"][0]["cause"], "worker-lost", "{why}");
    sandbox.basin(&["report", &sweep, "--out", "out"]).succeeded();
    let resumed: f64 = value(&sandbox, "out/results.csv", "resumed_from_epoch").parse().unwrap();
    assert!(resumed >= 10.0, "{resumed}");
    assert_eq!(value(&sandbox, "out/results.csv", "epochs"), "400");
}

#[test]
fn a_program_that_is_asked_to_leave_saves_and_goes_on_elsewhere_free_of_charge() {
    let sandbox = sandbox(PLAIN, LONG);
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    // Nothing is kept but at leaving.
    let allow = ["--allow-command", "fit=program", "--checkpoint-every", "0"];
    let how = [&["worker", "--coordinator", &url][..], &allow].concat();
    let worker = sandbox.start("worker", &how);
    let sweep = sandbox.launch(&url, "sweep.toml", &[]);
    let task = trained_to(&sandbox, &url, &sweep, 100);
    worker.signal("TERM");
    assert_eq!(worker.wait(), Some(0), "{}", sandbox.read("worker.log"));
    assert!(!program_lives(&sandbox));
    let _worker = sandbox.start("next", &how);
    sandbox.basin(&["watch", &sweep, "--coordinator", &url]).succeeded();
    let why = sandbox.ask(&url, &["why", &task]);
    assert_eq!(why["attempts"][0]["end"], "released", "{why}");
    sandbox.basin(&["report", &sweep, "--out", "out"]).succeeded();
    let resumed: f64 = value(&sandbox, "out/results.csv", "resumed_from_epoch").parse().unwrap();
    assert!(resumed >= 100.0, "{resumed}");
}

#[test]
fn a_program_that_leaves_at_a_signal_to_every_process_of_its_worker_is_not_taken_for_done() {
    let sandbox = sandbox(PLAIN, LONG);
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let allow = ["--allow-command", "fit=program"];
    let worker = sandbox.worker("worker", &url, &allow);
    let sweep = sandbox.launch(&url, "sweep.toml", &[]);
    let task = trained_to(&sandbox, &url, &sweep, 100);
    // As Slurm ends a job, and systemd a service; the worker hears of it last.
    let told = Command::new("kill").arg("-TERM").args(processes(&sandbox)).status();
    assert!(told.unwrap().success());
    eventually("the program has left", || (!program_lives(&sandbox)).then_some(()));
    worker.signal("TERM");
    assert_eq!(worker.wait(), Some(0), "{}", sandbox.read("worker.log"));
    assert_eq!(sandbox.ask(&url, &["why", &task])["attempts"][0]["end"], "released");
    let _worker = sandbox.worker("next", &url, &allow);
    sandbox.basin(&["watch", &sweep, "--coordinator", &url]).succeeded();
    sandbox.basin(&["report", &sweep, "--out", "out"]).succeeded();
    assert_eq!(value(&sandbox, "out/results.csv", "epochs"), "400");
}

#[test]
fn a_program_that_does_not_leave_is_killed_within_the_grace() {
    let deaf = "#!/bin/sh\ntrap '' TERM\nwhile :; do echo '{\"type\":\"progress\",\"iteration\":1}' >> \"$BASIN_TASK_METRICS\"; sleep 0.1; done\n";
    let sandbox = sandbox(deaf, SHORT);
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let worker = sandbox.worker("worker", &url, &["--allow-command", "fit=program", "--grace", "2"]);
    let sweep = sandbox.launch(&url, "sweep.toml", &[]);
    let task = trained_to(&sandbox, &url, &sweep, 1);
    worker.signal("TERM");
    assert_eq!(worker.wait(), Some(0), "{}", sandbox.read("worker.log"));
    assert!(!program_lives(&sandbox));
    assert_eq!(sandbox.ask(&url, &["why", &task])["attempts"][0]["end"], "released");
}

#[test]
fn a_program_that_gives_up_says_its_last_words() {
    let (cause, message) = first_failure("#!/bin/sh\necho out of ideas >&2\nexit 3\n", &[]);
    assert_eq!(cause, "experiment");
    assert_eq!(message, "the program exited with code 3; its last words:\nout of ideas");
}

#[test]
fn a_program_that_a_signal_ends_says_which() {
    let (cause, message) = first_failure("#!/bin/sh\nkill -SEGV $$\n", &[]);
    assert_eq!((cause.as_str(), message.as_str()), ("crashed", "the program was killed by signal 11"));
    let (cause, _) = first_failure("#!/bin/sh\nkill -KILL $$\n", &[]);
    assert_eq!(cause, "out-of-memory");
}

#[test]
fn a_program_that_shows_no_progress_hangs_however_much_it_prints() {
    let chatty = "#!/bin/sh\nwhile :; do echo still here; sleep 0.2; done\n";
    let (cause, message) = first_failure(chatty, &["--progress-timeout", "3"]);
    assert_eq!(cause, "hung");
    assert!(message.contains("no progress for"), "{message}");
}

#[test]
fn a_flood_of_metrics_ends_the_program_that_makes_it() {
    let flood = "#!/bin/sh\nexec yes '{\"type\":\"series\",\"name\":\"a\",\"axis\":\"epoch\",\"x\":1,\"value\":2}' >> \"$BASIN_TASK_METRICS\"\n";
    let (cause, message) = first_failure(flood, &[]);
    assert_eq!(cause, "experiment");
    assert!(message.contains("more than"), "{message}");
}

#[test]
fn nonsense_among_the_metrics_is_shown_with_its_line() {
    let nonsense = "#!/bin/sh\necho '{\"type\":\"progress\"}' >> \"$BASIN_TASK_METRICS\"\necho loss 3 >> \"$BASIN_TASK_METRICS\"\nsleep 1000\n";
    let (cause, message) = first_failure(nonsense, &[]);
    assert_eq!(cause, "experiment");
    assert!(message.starts_with("line 2 of its metrics: ") && message.ends_with(": loss 3"), "{message}");
}

#[test]
fn a_task_whose_command_no_worker_allows_waits_and_says_for_what() {
    let sandbox = sandbox(PLAIN, LONG);
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let _worker = sandbox.worker("worker", &url, &["--allow-command", "other=program"]);
    sandbox.launch(&url, "sweep.toml", &[]);
    let (file, text) = ("sweep.toml".to_owned(), LONG.to_owned());
    let source = Source { file, text, profile: None, overrides: Vec::new(), kinds: Vec::new() };
    let plan = SweepFile::parse(&source).unwrap().expand(&Datasets::default(), 1).unwrap();
    let why = sandbox.ask(&url, &["why", &plan.tasks[0].id.to_string()]);
    let words = why["why"].as_str().unwrap();
    assert!(words.contains("a free worker with the command fit, which its operator must allow"), "{words}");
    let missing = sandbox.basin(&["worker", "--coordinator", &url, "--allow-command", "fit=nowhere"]);
    assert!(missing.err.contains("cannot allow the command fit"), "{}", missing.err);
}

#[test]
fn a_run_that_diverges_is_a_result_and_is_named_one() {
    let diverges = "#!/bin/sh\necho '{\"type\":\"series\",\"name\":\"loss\",\"axis\":\"iteration\",\"x\":7,\"value\":NaN}' >> \"$BASIN_TASK_METRICS\"\n";
    let sandbox = sandbox(diverges, SHORT);
    let run = ["run", "sweep.toml", "--out", "out", "--allow-command", "fit=program"];
    sandbox.basin(&run).succeeded();
    assert_eq!(value(&sandbox, "out/results.csv", "outcome"), "diverged");
    assert_eq!(value(&sandbox, "out/results.csv", "diverged_at"), "7");
}

#[test]
fn a_program_reads_the_committed_results_of_a_network_and_of_another_program() {
    // Both of one seed: a network's weights, and a file that the first program left.
    let sweep = r#"name = "readers"
[[experiment]]
id = "nets"
kind = "fit-function"
function = "sin"
interval = [-3.0, 3.0]
points = 16
epochs = 1
grid = { hidden = [[4], [8]] }
seeds = 2

[[experiment]]
id = "first"
kind = "command"
command = "write"
seeds = 2

[[experiment]]
id = "second"
kind = "command"
command = "read"
inputs = { words = { experiment = "first" }, net = { experiment = "nets" } }
grid = { inputs.net.hidden = [[4], [8]] }
records = { bytes = "once" }
"#;
    let write = "#!/bin/sh\nls \"$BASIN_TASK_INPUTS\" | grep . && exit 9\necho \"seed $BASIN_TASK_SEED\" > \"$BASIN_TASK_OUTPUT/words.txt\"\n";
    let read = r#"#!/bin/sh
cd "$BASIN_TASK_INPUTS" || exit 8
test -f net/metrics.parquet && test -f words/metrics.parquet && ! test -e net/log.zst || exit 7
test "$(cat words/output-words.txt)" = "seed $BASIN_TASK_SEED" || exit 6
echo "{\"type\":\"number\",\"name\":\"bytes\",\"value\":$(wc -c < net/result.safetensors)}" >> "$BASIN_TASK_METRICS"
"#;
    let sandbox = sandbox(read, sweep).with_file("writer", write);
    let writer = sandbox.path().join("writer");
    std::fs::set_permissions(writer, std::fs::Permissions::from_mode(0o755)).unwrap();
    let allow = ["--allow-command", "read=program", "--allow-command", "write=writer"];
    let run = [&["run", "sweep.toml", "--out", "out"][..], &allow].concat();
    sandbox.basin(&run).succeeded();
    let text = sandbox.read("out/results.csv");
    let names: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let bytes = names.iter().position(|name| *name == "bytes").unwrap();
    let mut sizes: Vec<u64> = text
        .lines()
        .filter_map(|line| line.split(',').nth(bytes)?.parse::<f64>().ok())
        .map(|it| it as u64)
        .collect();
    assert_eq!(sizes.len(), 4, "{text}");
    sizes.sort_unstable();
    assert!(sizes[0] > 0 && sizes[0] == sizes[1] && sizes[1] < sizes[2] && sizes[2] == sizes[3], "{text}");
}

#[test]
fn a_network_is_trained_with_pytorch() {
    let python = std::env::var("BASIN_TEST_TORCH_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let imported = Command::new(&python).args(["-c", "import torch"]).output();
    if !imported.is_ok_and(|it| it.status.success()) {
        eprintln!("NOT RUN: {python} can't import torch; BASIN_TEST_TORCH_PYTHON names one that can");
        return;
    }
    let program = TORCH.replace("#!/usr/bin/env python3", &format!("#!/usr/bin/env {python}"));
    let sandbox = sandbox(&program, TORCH_SWEEP);
    let run = [
        "run",
        "sweep.toml",
        "--out",
        "out",
        "--allow-command",
        "spirals=program",
        "--set",
        "parameters.epochs=6",
    ];
    sandbox.basin(&run).succeeded();
    let results = sandbox.read("out/results.csv");
    assert_eq!(results.lines().count(), 5, "{results}");
    assert!(results.lines().next().unwrap().contains("test_accuracy"), "{results}");
}
