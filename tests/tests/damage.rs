//! Real files are damaged: what isn't what it was is noticed, marked, never believed, and can be had again.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::fs;
use std::path::{Path, PathBuf};

use basin_tests::{CommandOutput, Sandbox, assert_same_tables, eventually, images};

/// Six quick tasks, each alone.
const SWEEP: &str = r#"
name = "fits"

[[experiment]]
id = "fit"
kind = "fit-function"
seeds = 3
grid = { function = ["sin", "cube"] }
hidden = [8]
interval = [-3.0, 3.0]
points = 32
epochs = 20
optimizer = "adam"
learning_rate = 1e-2
"#;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("fits.toml", SWEEP)
}

fn run(sandbox: &Sandbox, out: &str, more: &[&str]) -> CommandOutput {
    sandbox.basin(
        &[&["--json", "run", "fits.toml", "--out", out, "--workers", "1", "--threads", "1"], more].concat(),
    )
}

/// A place with the sweep run, its tables under `clean`, and its id.
fn done() -> (Sandbox, String) {
    let sandbox = sandbox();
    let sweep = run(&sandbox, "clean", &[]).succeeded().json()["sweep"].as_str().unwrap().to_owned();
    (sandbox, sweep)
}

/// The files of this name below a folder, by path.
fn files(folder: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, name));
        } else if path.file_name().unwrap() == name {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn cut_off(file: &Path) {
    let bytes = fs::read(file).unwrap();
    fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
}

fn flip(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    fs::write(file, bytes).unwrap();
}

#[test]
fn a_damaged_cached_data_set_is_made_again_and_said() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"));
    let run = |seeds: u32, out: &str, state: &str| {
        sandbox.write("images.toml", &images("images", seeds, 1));
        sandbox.basin(&["run", "images.toml", "--out", out, "--state", state]).succeeded()
    };
    run(3, "clean", "clean-state");
    run(1, "one", "state");
    let [cached] = &files(&sandbox.path().join("state/cache"), "data.basin")[..] else {
        panic!("one is cached")
    };
    let good = fs::read(cached).unwrap();
    // Pixels, which nothing but the digest covers.
    let mut bytes = good.clone();
    let from = bytes.len() / 4;
    bytes[from..from + 400_000].iter_mut().for_each(|byte| *byte ^= 0x7f);
    fs::write(cached, bytes).unwrap();
    let output = run(2, "two", "state");
    assert!(output.err.contains("a cached data set was damaged"), "{}", output.err);
    assert_eq!(fs::read(cached).unwrap(), good);
    cut_off(cached);
    let output = run(3, "three", "state");
    assert!(output.err.contains("a cached data set was damaged"), "{}", output.err);
    assert_same_tables(&sandbox.tables("clean"), &sandbox.tables("three"));
}

#[test]
fn a_cut_off_commit_marks_one_run_stops_nothing_and_runs_again_once_it_is_repaired() {
    let (sandbox, sweep) = done();
    let commits = files(&sandbox.path().join("basin-state/store/tasks"), "commit.json");
    assert_eq!(commits.len(), 6);
    cut_off(&commits[2]);
    for (command, what) in [
        (&["plan", "fits.toml"][..], "1 tasks have something damaged"),
        (&["report", &sweep, "--out", "again"], "1 of 6 results can't be read"),
        (&["collect", &sweep, "--out", "collected"], "1 tasks are damaged"),
        (&["run", "fits.toml", "--out", "again"], "1 of 6 results can't be read"),
        (&["verify", &sweep], "is not whole"),
        (&["repair", &sweep, "--dry-run"], "1 tasks of"),
    ] {
        let output = sandbox.basin(command);
        assert_eq!(output.code, Some(1), "{command:?}: {}{}", output.out, output.err);
        assert!(output.err.contains(what), "{command:?}: {}", output.err);
        assert!(output.err.contains("basin repair"), "{command:?} says the way out: {}", output.err);
    }
    let outcomes = sandbox.read("again/results.csv");
    assert_eq!(outcomes.matches("completed").count(), 5, "{outcomes}");
    assert_eq!(outcomes.matches("unreadable").count(), 1, "{outcomes}");

    let repaired = sandbox.basin(&["--json", "repair", &sweep]).succeeded().json();
    assert_eq!((&repaired["by"], &repaired["tasks"][0]["withdrawn"]), (&"journal".into(), &true.into()));
    assert_eq!(
        sandbox.basin(&["--json", "repair", &sweep]).succeeded().json()["tasks"],
        serde_json::json!([])
    );
    let again = run(&sandbox, "again", &[]).succeeded().json();
    assert_eq!((&again["reused"], &again["failed"]), (&5.into(), &0.into()));
    assert_same_tables(&sandbox.tables("clean"), &sandbox.tables("again"));
    sandbox.basin(&["verify", &sweep]).succeeded();
    let provenance = sandbox.read("again/provenance.csv");
    assert!(provenance.lines().any(|row| row.contains(",2,")), "a second attempt: {provenance}");
}

#[test]
fn damaged_and_missing_results_are_exit_code_1_until_they_are_repaired() {
    let (sandbox, sweep) = done();
    let tasks = sandbox.path().join("basin-state/store/tasks");
    flip(&files(&tasks, "metrics.parquet")[0]);
    fs::remove_file(&files(&tasks, "metrics.parquet")[1]).unwrap();
    flip(&files(&tasks, "result.safetensors")[2]);
    flip(&files(&tasks, "manifest.json")[3]);
    // A folder that is gone altogether, as the journal will notice.
    fs::remove_dir_all(files(&tasks, "commit.json")[4].parent().unwrap()).unwrap();
    let output = run(&sandbox, "again", &[]);
    assert_eq!(output.code, Some(1), "{}", output.err);
    let dry = sandbox.basin(&["--json", "repair", &sweep, "--dry-run"]);
    assert_eq!((dry.code, dry.json()["tasks"].as_array().unwrap().len()), (Some(1), 5), "{}", dry.out);
    let repaired = sandbox.basin(&["--json", "repair", &sweep]).succeeded().json();
    assert_eq!(repaired["tasks"].as_array().unwrap().len(), 5, "{repaired}");
    run(&sandbox, "again", &[]).succeeded();
    assert_same_tables(&sandbox.tables("clean"), &sandbox.tables("again"));
    sandbox.basin(&["verify", &sweep]).succeeded();
}

#[test]
fn a_changed_outcome_or_worker_of_a_commit_is_found_and_not_believed() {
    let (sandbox, sweep) = done();
    let commit = files(&sandbox.path().join("basin-state/store/tasks"), "commit.json").remove(0);
    let good = fs::read_to_string(&commit).unwrap();
    let diverged = good.replace("\"completed\"", "\"diverged\",\n  \"iteration\": 3");
    let worker = good.replace("\"worker\": \"local", "\"worker\": \"other");
    for changed in [diverged, worker] {
        assert_ne!(changed, good);
        fs::write(&commit, changed).unwrap();
        let output = sandbox.basin(&["--json", "verify", &sweep]);
        assert_eq!(
            (output.code, output.json()["problems"].as_array().unwrap().len()),
            (Some(1), 1),
            "{}",
            output.out
        );
        let output = sandbox.basin(&["report", &sweep, "--out", "again"]);
        assert_eq!(output.code, Some(1), "{}", output.err);
        assert!(
            !sandbox.read("again/results.csv").contains("diverged,"),
            "{}",
            sandbox.read("again/results.csv")
        );
    }
    fs::write(&commit, good).unwrap();
    let proved = sandbox.basin(&["--json", "verify", &sweep]).succeeded().json();
    assert_eq!(proved["coverage"]["commits_with_digest"], 6);
}

#[test]
fn a_repair_of_the_store_alone_is_understood_by_the_journal_of_before() {
    let (sandbox, sweep) = done();
    let commits = files(&sandbox.path().join("basin-state/store/tasks"), "commit.json");
    cut_off(&commits[1]);
    let store = sandbox.path().join("basin-state/store").to_string_lossy().into_owned();
    let elsewhere = ["--json", "repair", &sweep, "--store", &store, "--state", "elsewhere"];
    let repaired = sandbox.basin(&elsewhere).succeeded().json();
    assert_eq!((&repaired["by"], &repaired["tasks"][0]["withdrawn"]), (&"store".into(), &true.into()));
    // Another journal trains it again; then that of before meets a commit that it doesn't know.
    let other = run(&sandbox, "other", &["--store", &store, "--state", "elsewhere"]).succeeded().json();
    assert_eq!(other["reused"], 5);
    let again = run(&sandbox, "again", &[]).succeeded().json();
    assert_eq!(again["reused"], 6);
    assert_same_tables(&sandbox.tables("clean"), &sandbox.tables("again"));

    // And once more, where the journal of before is the first to launch after the repair.
    cut_off(&commits[3]);
    sandbox.basin(&elsewhere).succeeded();
    let again = run(&sandbox, "again", &[]).succeeded().json();
    assert_eq!(again["reused"], 5);
    assert_same_tables(&sandbox.tables("clean"), &sandbox.tables("again"));
}

#[test]
fn a_cluster_repairs_a_sweep_while_its_workers_stay() {
    let sandbox = sandbox();
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &["--lease", "3"]);
    let _worker = sandbox.worker("worker", &url, &[]);
    let command = |arguments: &[&str]| sandbox.basin(&[arguments, &["--coordinator", &url]].concat());
    let sweep =
        command(&["--json", "launch", "fits.toml"]).succeeded().json()["sweep"].as_str().unwrap().to_owned();
    let committed = || {
        let status = command(&["--json", "status", &sweep]).json();
        (status["counts"]["committed"] == 6).then_some(())
    };
    eventually("all is committed", committed);
    sandbox.basin(&["report", &sweep, "--out", "clean"]).succeeded();
    let tasks = sandbox.path().join("basin-state/store/tasks");
    cut_off(&files(&tasks, "commit.json")[0]);
    flip(&files(&tasks, "result.safetensors")[5]);
    let launched = command(&["--json", "launch", "fits.toml"]);
    assert_eq!(launched.code, Some(0), "it stops no launch: {}", launched.err);
    let dry = command(&["--json", "repair", &sweep, "--dry-run"]);
    assert_eq!(
        (dry.code, dry.json()["tasks"].as_array().unwrap().len()),
        (Some(1), 2),
        "{}{}",
        dry.out,
        dry.err
    );
    let repaired = command(&["--json", "repair", &sweep[..6]]).succeeded().json();
    assert_eq!((&repaired["by"], repaired["tasks"].as_array().unwrap().len()), (&"coordinator".into(), 2));
    eventually("all is committed again", || {
        let proved = sandbox.basin(&["--json", "verify", &sweep]);
        (proved.code == Some(0)).then_some(())
    });
    eventually("and known", committed);
    sandbox.basin(&["report", &sweep, "--out", "again"]).succeeded();
    assert_same_tables(&sandbox.tables("clean"), &sandbox.tables("again"));
    let task = repaired["tasks"][0]["task"].as_str().unwrap();
    let why = command(&["--json", "why", task]).succeeded().json();
    let ends: Vec<_> =
        why["attempts"].as_array().unwrap().iter().map(|it| it["end"].as_str().unwrap()).collect();
    assert_eq!(ends, ["withdrawn", "committed"]);
}

/// A task that never was the journal's, with something damaged in its commit's place.
#[test]
fn a_cluster_ends_a_task_with_a_damaged_commit_at_once_and_charges_no_worker() {
    let (sandbox, _) = done();
    cut_off(&files(&sandbox.path().join("basin-state/store/tasks"), "commit.json")[0]);
    let store = sandbox.path().join("basin-state/store").to_string_lossy().into_owned();
    let (_coordinator, url) =
        sandbox.serve("127.0.0.1:0", &["--lease", "3", "--state", "cluster", "--store", &store]);
    let _worker = sandbox.worker("worker", &url, &[]);
    let command = |arguments: &[&str]| sandbox.basin(&[arguments, &["--coordinator", &url]].concat());
    let sweep =
        command(&["--json", "launch", "fits.toml"]).succeeded().json()["sweep"].as_str().unwrap().to_owned();
    let status = eventually("it has ended", || {
        let status = command(&["--json", "status", &sweep]).json();
        (status["state"] == "done").then_some(status)
    });
    assert_eq!((&status["counts"]["failed"], &status["failed"][0]["kind"]), (&1.into(), &"damaged".into()));
    assert_eq!(status["failed"][0]["attempts"], 1);
    let repaired = command(&["--json", "repair", &sweep]).succeeded().json();
    assert_eq!(repaired["retried"], 1);
    eventually("it runs again", || {
        let status = command(&["--json", "status", &sweep]).json();
        (status["counts"]["committed"] == 6).then_some(())
    });
    sandbox.basin(&["verify", &sweep, "--store", &store]).succeeded();
}

#[test]
fn a_damaged_journal_is_not_called_in_use() {
    let (sandbox, _) = done();
    let journal = sandbox.path().join("basin-state/journal.sqlite");
    let good = fs::read(&journal).unwrap();
    for (at, byte) in [(0, 0xff), (28, 0xff), (100, 0xff)] {
        let mut bytes = good.clone();
        bytes[at] = byte;
        fs::write(&journal, bytes).unwrap();
        let output = run(&sandbox, "again", &[]);
        assert_eq!(output.code, Some(1), "{}", output.err);
        assert!(output.err.contains("damaged") && output.err.contains("move "), "byte {at}: {}", output.err);
        assert!(!output.err.contains("another coordinator"), "byte {at}: {}", output.err);
    }
    // The way out that it names: nothing that is committed is trained again.
    fs::remove_file(&journal).unwrap();
    assert_eq!(run(&sandbox, "again", &[]).succeeded().json()["reused"], 6);
}

#[test]
fn a_checkpoint_that_cannot_be_used_is_passed_over_for_an_older_one() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"));
    let sweep = SWEEP.replace("seeds = 3", "seeds = 1").replace("[\"sin\", \"cube\"]", "[\"sin\"]");
    sandbox.write("fits.toml", &sweep.replace("epochs = 20", "epochs = 60000"));
    let how = ["--checkpoint-every", "0.05"];
    let running = sandbox.start("first", &[&["run", "fits.toml", "--out", "out"], &how[..]].concat());
    let tasks = sandbox.path().join("basin-state/store/tasks");
    let notes = || {
        let attempts = fs::read_dir(&tasks)
            .into_iter()
            .flatten()
            .flatten()
            .flat_map(|it| fs::read_dir(it.path()).unwrap());
        let folders = attempts
            .flatten()
            .flat_map(|task| fs::read_dir(task.path().join("attempts")).into_iter().flatten());
        let files = folders.flatten().flat_map(|folder| fs::read_dir(folder.path()).unwrap()).flatten();
        let notes = files.map(|file| file.path()).filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with("checkpoint-") && name.ends_with(".json")
        });
        notes.collect::<Vec<_>>()
    };
    let note = eventually("a checkpoint", || notes().pop());
    running.kill();
    assert!(files(&tasks, "commit.json").is_empty(), "it was killed in time");
    let folder =
        note.parent().unwrap().strip_prefix(sandbox.path().join("basin-state/store")).unwrap().to_owned();
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    let (attempt, lease) = name.split_once('-').unwrap();
    let task = folder.parent().unwrap().parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store =
            basin_storage::Store::open(&sandbox.path().join("basin-state/store").to_string_lossy()).unwrap();
        // One of a layout that no program knows, whole as far as its note goes, and one that no run comes to.
        for (number, lease) in [(1 << 40, format!("{lease}x")), (u64::MAX, format!("{lease}y"))] {
            let (attempt, lease) = (attempt.parse().unwrap(), lease.parse().unwrap());
            let writer = basin_storage::AttemptWriter::new(
                store.clone(),
                task.parse().unwrap(),
                basin_domain::id::Attempt(attempt),
                lease,
            );
            writer.put_checkpoint(number, "a layout that nobody knows".into()).await.unwrap();
        }
    });
    sandbox.basin(&[&["run", "fits.toml", "--out", "out"], &how[..]].concat()).succeeded();
    let [manifest] = &files(&tasks, "manifest.json")[..] else { panic!("one attempt has ended") };
    let manifest = fs::read_to_string(manifest).unwrap();
    assert!(manifest.contains("\"resumed_from_step\": "), "it went on from the older one: {manifest}");
    sandbox.basin(&["run", "fits.toml", "--out", "calm", "--state", "calm-state"]).succeeded();
    assert_same_tables(&sandbox.tables("calm"), &sandbox.tables("out"));
}
