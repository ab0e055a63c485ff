//! `list`, `status`, `watch`, `why` of a local run: while it runs, and what it has left.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use basin_tests::{CommandOutput, Fits, Sandbox, eventually};

/// Two tasks of some minutes.
const LONG: Fits<'static> = Fits { name: "long", points: 512, hidden: &[64, 64], seeds: 2, epochs: 900_000 };
/// Two tasks that are done at once.
const SHORT: Fits<'static> = Fits { name: "short", points: 16, hidden: &[4], seeds: 2, epochs: 2 };

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"))
        .with_file("long.toml", &LONG.text())
        .with_file("short.toml", &SHORT.text())
}

/// All that a command says, where it succeeds.
fn looked(sandbox: &Sandbox, arguments: &[&str]) -> CommandOutput {
    sandbox.basin(&[&["--json"], arguments].concat())
}

#[test]
fn a_run_is_looked_at_while_it_runs_by_whoever_is_in_its_folder() {
    let sandbox = sandbox();
    let run = sandbox.start("run", &["run", "long.toml", "--workers", "1"]);
    let running = eventually("a task trains", || {
        let output = looked(&sandbox, &["status", "long"]);
        let status = (output.code == Some(0)).then(|| output.json())?;
        (status["running"][0]["iteration"].as_u64() >= Some(1)).then_some(status)
    });
    let task = running["running"][0]["task"].as_str().unwrap();
    let forecast = &running["forecast"];
    assert!(forecast["done_share"].as_f64().unwrap() < 1.0, "{forecast}");
    assert!(forecast["seconds_left"].as_f64().unwrap() > 1.0, "{forecast}");
    assert!(sandbox.basin(&["status", "long"]).succeeded().out.contains(" % of the work done, "));
    let list = looked(&sandbox, &["list"]).succeeded().json();
    assert_eq!(list[0]["state"], "running");
    assert!(list[0]["counts"]["running"].as_u64() >= Some(1), "{list}");
    assert_eq!(running["running"][0]["name"], "fits seed 0");
    for words in [&[task][..], &["fits", "seed", "0"], &["seed 0"]] {
        let why = looked(&sandbox, &[&["why"], words].concat()).succeeded().json();
        assert_eq!((&why["task"], &why["attempts"][0]["attempt"]), (&task.into(), &1.into()));
        assert_eq!(why["names"][0], "fits seed 0");
    }
    let several = sandbox.basin(&["why", "fits", "seed"]);
    assert!(several.err.contains("there is no task `fits seed`"), "{}", several.err);
    assert_eq!(looked(&sandbox, &["workers"]).succeeded().json().as_array().unwrap().len(), 1);
    // From elsewhere, with the folder's name; and a look changes nothing.
    let state = sandbox.path().join("basin-state");
    let elsewhere = tempfile::tempdir().unwrap();
    let mut command = sandbox.command(&["list", "--state", state.to_str().unwrap()]);
    let output = CommandOutput::of(&command.current_dir(elsewhere.path()).output().unwrap());
    assert!(output.succeeded().out.contains("long-"));
    run.signal("INT");
    assert_eq!(run.wait(), Some(1), "{}", sandbox.read("run.log"));
    assert!(!state.join("coordinator.json").exists(), "nobody is there any more");
}

#[test]
fn a_second_run_in_a_folder_is_told_who_has_it() {
    let sandbox = sandbox();
    let run = sandbox.start("run", &["run", "long.toml", "--workers", "1"]);
    eventually("it runs", || sandbox.path().join("basin-state/coordinator.json").exists().then_some(()));
    let second = sandbox.basin(&["run", "short.toml"]);
    assert_eq!(second.code, Some(1));
    for words in [
        "basin-state is in use by `basin run long.toml --workers 1` (process",
        "`basin watch long-",
        "`--state DIR`",
    ] {
        assert!(second.err.contains(words), "{words}: {}", second.err);
    }
    // In a folder of its own it runs beside it.
    sandbox.basin(&["run", "short.toml", "--state", "another", "--out", "out"]).succeeded();
    run.kill();
    // A killed run doesn't keep its folder, nor is it thought to be there.
    let status = looked(&sandbox, &["status", "long"]).succeeded();
    assert!(status.err.contains("nobody works on it now"), "{}", status.err);
    let watched = sandbox.basin(&["watch", "long"]);
    assert_eq!(watched.code, Some(1));
    assert!(watched.err.contains("isn't done, and nobody works on it"), "{}", watched.err);
    sandbox.basin(&["run", "short.toml", "--out", "out"]).succeeded();
}

#[test]
fn what_a_run_has_left_is_looked_at_without_a_change() {
    let sandbox = sandbox();
    sandbox.basin(&["run", "short.toml", "--out", "out"]).succeeded();
    let journal = || std::fs::read(sandbox.path().join("basin-state/journal.sqlite")).unwrap();
    let before = journal();
    let list = looked(&sandbox, &["list"]).succeeded();
    assert!(list.err.contains("basin-state: nobody works on it now; this is how it was left"));
    let done = &list.json()[0];
    assert_eq!((&done["state"], &done["counts"]["committed"]), (&"done".into(), &2.into()));
    let sweep = list.json()[0]["sweep"].as_str().unwrap().to_owned();
    assert_eq!(looked(&sandbox, &["status", &sweep]).succeeded().json()["state"], "done");
    let watched = looked(&sandbox, &["watch", "short"]).succeeded().out;
    let events: Vec<serde_json::Value> =
        watched.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of =
        |name: &str| events.iter().map(|event| event[name].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(
        (of("event"), of("state")),
        (vec!["progress".into(), "end".into()], vec!["done".into(), "done".into()])
    );
    let unknown = sandbox.basin(&["why", "ffff"]);
    assert!(unknown.err.contains("there is no task `ffff`"), "{}", unknown.err);
    assert!(journal() == before, "the journal is as it was");
    let nothing = sandbox.basin(&["list", "--state", "nowhere"]);
    assert_eq!(nothing.code, Some(1));
    assert!(nothing.err.contains("nothing ran in nowhere"), "{}", nothing.err);
    let both = sandbox.basin(&["list", "--state", "basin-state", "--coordinator", "http://127.0.0.1:1"]);
    assert_eq!(both.code, Some(1));
}

#[test]
fn points_that_are_one_run_are_asked_for_by_the_name_of_each() {
    let text = SHORT.text().replace("epochs = 2", "epochs = 2\ngrid = { batch_size = [4, 16, 100] }");
    let sandbox = sandbox().with_file("shared.toml", &text);
    sandbox.basin(&["run", "shared.toml", "--out", "out"]).succeeded();
    let task = |name: &str| looked(&sandbox, &["why", name]).succeeded().json()["task"].clone();
    let all = task("fits batch_size=16 seed 0");
    assert_eq!(task("fits batch_size=100 seed 0"), all, "there are 16 points: both are batches of all");
    assert_eq!(task("seed 0 batch_size=16"), all);
    assert_ne!(task("fits batch_size=4 seed 0"), all);
}

#[test]
fn a_coordinator_that_is_named_goes_before_the_folder() {
    let sandbox = sandbox();
    sandbox.basin(&["run", "short.toml", "--out", "out"]).succeeded();
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &["--state", "cluster"]);
    let list = looked(&sandbox, &["list", "--coordinator", &url]).succeeded().json();
    assert_eq!(list.as_array().map(Vec::len), Some(0));
}

#[test]
fn sweeps_of_one_name_are_told_apart_by_what_differs() {
    let sandbox = sandbox();
    sandbox.basin(&["run", "short.toml", "--out", "out"]).succeeded();
    sandbox.basin(&["run", "short.toml", "--set", "epochs=3", "--out", "other"]).succeeded();
    let list = looked(&sandbox, &["list"]).succeeded().json();
    let variants: Vec<_> =
        list.as_array().unwrap().iter().map(|it| it["variant"].as_str().unwrap()).collect();
    assert_eq!(variants, ["no profile, epochs=3", "no profile"], "the newest first");
    let text = sandbox.basin(&["list"]).succeeded().out;
    assert!(text.contains("of one name, the newest first:\n"), "{text}");
    let status = sandbox.basin(&["status", "short"]).succeeded();
    assert!(status.err.contains("is the newest of 2 sweeps named short"), "{}", status.err);
}
