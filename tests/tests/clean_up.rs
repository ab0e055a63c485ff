//! `forget` and `gc`: what no sweep needs goes, nothing else does, and what was freed can be had again.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use basin_tests::{Fits, Sandbox, assert_same_tables, eventually, images};
use serde_json::Value;

const FITS: Fits<'static> = Fits { name: "first", points: 16, hidden: &[4], seeds: 4, epochs: 2 };
/// Two of the tasks of the first are its, too.
const SECOND: Fits<'static> = Fits { name: "second", seeds: 2, ..FITS };
/// Tasks of some minutes.
const LONG: Fits<'static> = Fits { name: "long", points: 512, hidden: &[64, 64], seeds: 2, epochs: 900_000 };

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"))
        .with_file("first.toml", &FITS.text())
        .with_file("second.toml", &SECOND.text())
        .with_file("long.toml", &LONG.text())
}

fn run(sandbox: &Sandbox, file: &str, out: &str, more: &[&str]) -> Value {
    let how = ["--json", "run", file, "--out", out, "--workers", "1", "--threads", "1"];
    sandbox.basin(&[&how[..], more].concat()).succeeded().json()
}

/// The sweep that was run.
fn id(ran: &Value) -> String {
    ran["sweep"].as_str().unwrap().to_owned()
}

fn ask(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    sandbox.basin(&[&["--json"], arguments].concat()).succeeded().json()
}

/// How many tasks that no sweep lists were freed, or would be.
fn tasks(collected: &Value) -> u64 {
    collected["freed"]["tasks"]["count"].as_u64().unwrap()
}

/// All files below a folder, in which others may be writing.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// All files below a folder with their bytes.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files(folder).into_iter().map(|file| (file.clone(), fs::read(file).unwrap())).collect()
}

#[test]
fn a_forgotten_sweep_frees_what_only_it_needed_and_can_be_run_again() {
    let sandbox = sandbox();
    let first = id(&run(&sandbox, "first.toml", "first", &[]));
    let ran = run(&sandbox, "second.toml", "second", &[]);
    assert_eq!(ran["reused"], 2);
    let second = id(&ran);
    assert_eq!(tasks(&ask(&sandbox, &["gc"])), 0, "all of it is needed");

    let forgotten = ask(&sandbox, &["forget", "first"]);
    assert_eq!((&forgotten["sweep"], &forgotten["tasks"]), (&first.as_str().into(), &4.into()));
    assert_eq!(forgotten["would_free"]["tasks"]["count"], 2, "{forgotten}");
    let listed = ask(&sandbox, &["list"]);
    let listed: Vec<_> = listed.as_array().unwrap().iter().map(|it| it["sweep"].clone()).collect();
    assert_eq!(listed, [second.as_str()]);
    assert_eq!(sandbox.basin(&["verify", &first]).code, Some(1), "the store has it no more");
    assert_eq!(ask(&sandbox, &["forget", &first])["tasks"], 0, "asked again it is done");
    let unknown = sandbox.basin(&["forget", "first"]);
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.err.contains("there is no sweep `first`"), "{}", unknown.err);

    let state = sandbox.path().join("basin-state");
    let before = tree(&state);
    let dry = ask(&sandbox, &["gc", "--dry-run"]);
    assert!(tree(&state) == before, "a dry run changes nothing");
    let text = sandbox.basin(&["gc", "--dry-run"]).succeeded().out;
    assert!(text.contains("would be freed") && text.contains("tasks that no sweep lists"), "{text}");
    let collected = ask(&sandbox, &["gc"]);
    assert_eq!((tasks(&dry), tasks(&collected)), (2, 2));
    assert_eq!(dry["freed"], collected["freed"]);
    assert_eq!(sandbox.commits("basin-state"), 2);
    sandbox.basin(&["verify", &second]).succeeded();
    assert_eq!(tasks(&ask(&sandbox, &["gc"])), 0, "nothing is left");

    let again = run(&sandbox, "first.toml", "again", &[]);
    assert_eq!((id(&again), &again["reused"], &again["failed"]), (first.clone(), &2.into(), &0.into()));
    assert_same_tables(&sandbox.tables("first"), &sandbox.tables("again"));
    sandbox.basin(&["verify", &first]).succeeded();
}

#[test]
fn a_collection_that_is_killed_again_and_again_leaves_the_other_sweep_whole_and_comes_to_its_end() {
    let sandbox = sandbox();
    let more = ["--set", "seeds=60"];
    let first = id(&run(&sandbox, "first.toml", "first", &more));
    let second = id(&run(&sandbox, "second.toml", "second", &[]));
    ask(&sandbox, &["forget", &first]);
    let (mut left, mut kills) = (sandbox.commits("basin-state"), 0);
    assert_eq!(left, 60);
    while left > 2 {
        let collecting = sandbox.start("gc", &["gc"]);
        eventually("it frees something", || {
            let now = sandbox.commits("basin-state");
            (now < left).then(|| left = now)
        });
        // It may have come to its end by now.
        collecting.kill();
        kills += 1;
        sandbox.basin(&["verify", &second]).succeeded();
        left = sandbox.commits("basin-state");
    }
    assert!(kills >= 1);
    ask(&sandbox, &["gc"]);
    assert_eq!(sandbox.commits("basin-state"), 2);
    // Nothing of a killed one is in the way of a run, and what is half gone isn't reused.
    let again = run(&sandbox, "first.toml", "again", &more);
    assert_eq!((&again["reused"], &again["failed"]), (&2.into(), &0.into()));
    assert_same_tables(&sandbox.tables("first"), &sandbox.tables("again"));
    sandbox.basin(&["verify", &first]).succeeded();
}

#[test]
fn a_run_keeps_its_folder_to_itself_and_what_it_left_unfinished_can_be_forgotten() {
    let sandbox = sandbox();
    let running = sandbox.start("run", &["run", "long.toml", "--workers", "1", "--checkpoint-every", "0.1"]);
    // What is staged has no name yet: it may be half written.
    let stored = || {
        let files = files(&sandbox.path().join("basin-state/store")).into_iter();
        files.map(|file| file.to_string_lossy().into_owned()).filter(|file| !file.contains('#'))
    };
    let checkpoints = || stored().filter(|file| file.contains("/checkpoint-")).count();
    eventually("a checkpoint is kept", || (checkpoints() > 0).then_some(()));
    for command in [&["gc"][..], &["gc", "--dry-run"], &["forget", "long"]] {
        let refused = sandbox.basin(command);
        assert_eq!(refused.code, Some(1), "{command:?}: {}", refused.out);
        assert!(refused.err.contains("is in use by `basin run long.toml"), "{command:?}: {}", refused.err);
    }
    running.kill();
    // Killed, it has left leases: somebody may still be writing, as far as anybody knows.
    let kept = checkpoints();
    let collected = ask(&sandbox, &["gc"]);
    assert_eq!((tasks(&collected), checkpoints()), (0, kept), "its next attempts begin with them");
    let refused = sandbox.basin(&["forget", "long"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("is not over") && refused.err.contains("--abandoned"), "{}", refused.err);
    ask(&sandbox, &["forget", "long", "--abandoned"]);
    assert_eq!(ask(&sandbox, &["list"]), serde_json::json!([]));
    assert!(tasks(&ask(&sandbox, &["gc"])) >= 1);
    assert_eq!(checkpoints(), 0);
    assert!(stored().all(|file| file.ends_with("/collection.json")), "{:?}", stored().collect::<Vec<_>>());
}

#[test]
fn a_cluster_forgets_and_collects_while_its_workers_stay() {
    let sandbox = sandbox();
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &["--state", "cluster"]);
    let first = sandbox.launch(&url, "first.toml", &[]);
    let second = sandbox.launch(&url, "second.toml", &[]);
    let refused = sandbox.basin(&["forget", "first", "--coordinator", &url]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains(&format!("sweep {first} is not over")), "{}", refused.err);
    assert!(refused.err.contains("basin cancel"), "{}", refused.err);
    let _worker = sandbox.worker("worker", &url, &[]);
    for sweep in [&first, &second] {
        sandbox.basin(&["watch", sweep, "--coordinator", &url]).succeeded();
    }
    let forgotten = sandbox.ask(&url, &["forget", "first"]);
    assert_eq!((&forgotten["sweep"], &forgotten["tasks"]), (&first.as_str().into(), &4.into()));
    assert_eq!(sandbox.ask(&url, &["list"]).as_array().unwrap().len(), 1);
    // What was just written may be being written still.
    let young = sandbox.ask(&url, &["gc"]);
    assert_eq!((tasks(&young), &young["young"]["count"]), (0, &2.into()), "{young}");
    let dry = sandbox.ask(&url, &["gc", "--grace", "0", "--dry-run"]);
    assert_eq!((tasks(&dry), sandbox.commits("cluster")), (2, 4));
    let collected = sandbox.ask(&url, &["gc", "--grace", "0"]);
    assert_eq!(tasks(&collected), 2);
    let store = sandbox.path().join("cluster/store").to_string_lossy().into_owned();
    sandbox.basin(&["verify", &second, "--store", &store]).succeeded();
    // In the places of two commits are notes, which the next ones replace.
    let launched = sandbox.ask(&url, &["launch", "first.toml"]);
    assert_eq!((&launched["reused"], &launched["new"]), (&2.into(), &2.into()), "{launched}");
    sandbox.basin(&["watch", &first, "--coordinator", &url]).succeeded();
    sandbox.basin(&["verify", &first, "--store", &store]).succeeded();
    sandbox.basin(&["report", &first, "--out", "reported", "--store", &store]).succeeded();
    assert_same_tables(&sandbox.undisturbed_tables("first.toml"), &sandbox.tables("reported"));
    // A sweep that was cancelled can be forgotten once its tasks are stopped.
    let long = sandbox.launch(&url, "long.toml", &[]);
    eventually("it trains", || {
        let status = sandbox.ask(&url, &["status", &long]);
        (status["counts"]["running"].as_u64() >= Some(1)).then_some(())
    });
    sandbox.ask(&url, &["cancel", &long]);
    eventually("it is forgotten", || sandbox.try_ask(&url, &["forget", &long]));
    assert!(sandbox.try_ask(&url, &["status", &long]).is_none());
}

#[test]
fn a_list_that_cannot_be_read_keeps_all_tasks_until_it_is_mended_or_forgotten() {
    let sandbox = sandbox();
    let first = id(&run(&sandbox, "first.toml", "first", &[]));
    let second = id(&run(&sandbox, "second.toml", "second", &[]));
    ask(&sandbox, &["forget", &first]);
    let record = sandbox.path().join("basin-state/store/sweeps").join(&second).join("sweep.json");
    let good = fs::read(&record).unwrap();
    fs::write(&record, &good[..good.len() / 2]).unwrap();
    let kept = sandbox.basin(&["--json", "gc"]);
    assert_eq!((kept.code, tasks(&kept.json())), (Some(1), 0));
    assert_eq!(kept.json()["unreadable"].as_array().unwrap().len(), 1);
    assert!(kept.err.contains("launching the sweep's file again"), "{}", kept.err);
    assert_eq!(sandbox.commits("basin-state"), 4);
    run(&sandbox, "second.toml", "second", &[]);
    assert_eq!(tasks(&ask(&sandbox, &["gc"])), 2);
    fs::write(&record, "{").unwrap();
    ask(&sandbox, &["forget", &second]);
    assert_eq!(tasks(&ask(&sandbox, &["gc"])), 2, "the journal knew that it was over");
    assert_eq!(sandbox.commits("basin-state"), 0);
}

#[test]
fn without_a_journal_a_sweep_is_forgotten_if_it_is_done_or_abandoned() {
    let sandbox = sandbox();
    let first = id(&run(&sandbox, "first.toml", "first", &[]));
    let second = id(&run(&sandbox, "second.toml", "second", &[]));
    let store = sandbox.path().join("basin-state/store").to_string_lossy().into_owned();
    let elsewhere = ["--store", &store, "--state", "elsewhere"];
    let with = |arguments: &[&str]| sandbox.basin(&[&["--json"], arguments, &elsewhere].concat());
    assert_eq!(with(&["forget", "second"]).succeeded().json()["tasks"], 2);
    // Its commits are the first one's, too.
    assert_eq!(tasks(&with(&["gc", "--grace", "0"]).succeeded().json()), 0);
    let mut commits = files(&Path::new(&store).join("tasks")).into_iter();
    fs::remove_file(commits.find(|file| file.ends_with("commit.json")).unwrap()).unwrap();
    let refused = with(&["forget", &first]);
    assert_eq!(refused.code, Some(1));
    let said = "1 of the 4 tasks of";
    assert!(refused.err.contains(said) && refused.err.contains("--abandoned"), "{}", refused.err);
    with(&["forget", &first, "--abandoned"]).succeeded();
    assert_eq!(tasks(&with(&["gc"]).succeeded().json()), 0, "all of it is young");
    assert_eq!(tasks(&with(&["gc", "--grace", "0"]).succeeded().json()), 4);
    // The journal of before hears of it when the sweep is run again.
    let again = run(&sandbox, "second.toml", "again", &[]);
    assert_eq!((id(&again), &again["failed"]), (second, &0.into()), "{again}");
    assert_same_tables(&sandbox.tables("second"), &sandbox.tables("again"));
}

#[test]
fn a_cached_data_set_that_was_not_used_for_long_goes_and_is_made_again() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"))
        .with_file("images.toml", &images("images", 1, 1));
    run(&sandbox, "images.toml", "out", &[]);
    let cache = sandbox.path().join("basin-state/cache");
    let caches = |more: &[&str]| ask(&sandbox, &[&["gc"], more].concat())["caches"]["count"].clone();
    assert_eq!(caches(&[]), 0, "it was used today");
    for file in files(&cache) {
        let long_ago = SystemTime::now() - Duration::from_secs(8 * 86_400);
        fs::File::options().append(true).open(&file).unwrap().set_modified(long_ago).unwrap();
        fs::File::open(file.parent().unwrap()).unwrap().set_modified(long_ago).unwrap();
    }
    assert_eq!(caches(&["--older-than", "9"]), 0);
    assert_eq!(caches(&["--dry-run"]), 1);
    assert_eq!(caches(&[]), 1);
    assert_eq!(files(&cache), Vec::<PathBuf>::new());
    let again = run(&sandbox, "images.toml", "more", &["--set", "seeds=2"]);
    assert_eq!(again["failed"], 0);
}
