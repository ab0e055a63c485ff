//! `basin watch` for programs, and what a coordinator says of tasks that train.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::collections::BTreeMap;
use std::fs::File;
use std::process::Child;

use basin_coordinator::client::Client;
use basin_proto::dial::Dial;
use basin_proto::v1;
use basin_tests::{Fits, Sandbox, eventually, images};
use serde_json::Value;

const LONG: Fits<'static> = Fits { name: "long", points: 512, hidden: &[64, 64], seeds: 3, epochs: 900_000 };
const SHORT: Fits<'static> = Fits { name: "short", points: 256, hidden: &[32], seeds: 4, epochs: 2_000 };

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"))
        .with_file("long.toml", &LONG.text())
        .with_file("short.toml", &SHORT.text())
}

/// A watch for programs.
struct Watch<'a> {
    sandbox: &'a Sandbox,
    child: Child,
}

impl<'a> Watch<'a> {
    /// `basin --json watch` with these arguments, once it has looked for the first time.
    fn begin(sandbox: &'a Sandbox, arguments: &[&str]) -> Self {
        let mut command = sandbox.command(&[&["--json", "watch"], arguments].concat());
        let file = |name| File::create(sandbox.path().join(name)).unwrap();
        let child = command.stdout(file("events")).stderr(file("watch.log")).spawn().unwrap();
        eventually("it looks", || sandbox.read("events").contains("progress").then_some(()));
        Self { sandbox, child }
    }

    /// Its exit code and its events, once it has ended.
    fn end(mut self) -> (Option<i32>, Vec<Value>) {
        let status = eventually("it ends", || self.child.try_wait().unwrap());
        let events = self.sandbox.read("events");
        (status.code(), events.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn of<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == kind).collect()
}

#[test]
fn every_change_of_a_run_is_an_event_and_the_last_one_has_the_verdict() {
    let sandbox = sandbox();
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    sandbox.basin(&["launch", "short.toml", "--coordinator", &url]).succeeded();
    // Without a name it is the sweep that was launched last.
    let watch = Watch::begin(&sandbox, &["--coordinator", &url]);
    let worker = sandbox.worker("worker", &url, &["--idle-exit", "60"]);
    let (code, events) = watch.end();
    assert_eq!(code, Some(0), "{events:?}");
    let mut states: BTreeMap<String, String> = BTreeMap::new();
    for event in of(&events, "task") {
        let (name, was) = (event["name"].as_str().unwrap(), event["was"].as_str().unwrap());
        let before = states.insert(name.to_owned(), event["state"].as_str().unwrap().to_owned());
        assert_eq!(before.as_deref().unwrap_or("queued"), was, "{event}");
        assert_eq!(event["experiment"], "fits");
    }
    let completed: Vec<_> =
        (0..4).map(|seed| (format!("fits seed {seed}"), "completed".to_owned())).collect();
    assert_eq!(states.into_iter().collect::<Vec<_>>(), completed);
    let progress = of(&events, "progress");
    let shares: Vec<f64> = progress.iter().map(|event| event["share"].as_f64().unwrap()).collect();
    assert_eq!((shares.first(), shares.last()), (Some(&0.0), Some(&1.0)));
    assert_eq!(progress[0]["counts"]["queued"], 4);
    let workers = of(&events, "worker");
    assert_eq!((&workers[0]["was"], &workers[0]["state"]), (&Value::Null, &"able".into()));
    let end = events.last().unwrap();
    assert_eq!((&end["event"], &end["verdict"]), (&"end".into(), &"done".into()));
    assert_eq!((of(&events, "end").len(), &end["counts"]["committed"]), (1, &4.into()));
    worker.kill();
}

#[test]
fn a_sweep_that_is_cancelled_ends_with_that_verdict() {
    let sandbox = sandbox();
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    sandbox.basin(&["launch", "long.toml", "--coordinator", &url]).succeeded();
    let watch = Watch::begin(&sandbox, &["long", "--coordinator", &url]);
    sandbox.basin(&["cancel", "long", "--coordinator", &url]).succeeded();
    let (code, events) = watch.end();
    assert_eq!((code, &events.last().unwrap()["verdict"]), (Some(1), &"cancelled".into()));
}

#[test]
fn there_is_nothing_to_watch_before_something_is_launched() {
    let sandbox = sandbox();
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let nothing = sandbox.basin(&["watch", "--coordinator", &url]);
    assert_eq!(nothing.code, Some(1));
    assert!(nothing.err.contains("there is no sweep yet\nhint: `basin launch`"), "{}", nothing.err);
}

#[test]
fn a_local_run_is_watched_to_its_end_though_its_coordinator_goes_with_it() {
    let sandbox = sandbox();
    let run = sandbox.start("run", &["run", "short.toml", "--workers", "1", "--out", "out"]);
    eventually("it runs", || sandbox.path().join("basin-state/coordinator.json").exists().then_some(()));
    eventually("it is launched", || {
        let listed = sandbox.basin(&["--json", "list"]);
        (listed.code == Some(0) && listed.json()[0]["sweep"].is_string()).then_some(())
    });
    let watch = Watch::begin(&sandbox, &["short"]);
    assert_eq!(run.wait(), Some(0), "{}", sandbox.read("run.log"));
    let (code, events) = watch.end();
    assert_eq!((code, &events.last().unwrap()["verdict"]), (Some(0), &"done".into()), "{events:?}");
}

/// Asks a coordinator directly.
fn asked<T>(url: &str, ask: impl AsyncFnOnce(Client) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = || Client::new(&Dial::to(url).unwrap()).unwrap();
    runtime.block_on(async { ask(client()).await })
}

#[test]
fn the_losses_of_tasks_that_train_come_to_the_coordinator_and_its_tasks_are_listed() {
    let sandbox = sandbox();
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    sandbox.basin(&["launch", "long.toml", "--coordinator", &url]).succeeded();
    let listed = asked(&url, async |client| client.tasks("long", 0, false).await.unwrap());
    let names: Vec<&str> = listed.tasks.iter().map(|task| task.name.as_str()).collect();
    assert_eq!((names, listed.next), (vec!["fits seed 0", "fits seed 1", "fits seed 2"], 0));
    let ids: Vec<String> = listed.tasks.iter().map(|task| task.task_id.clone()).collect();
    let _worker = sandbox.worker("worker", &url, &[]);
    let live = |curves| {
        let asked_for = [vec!["no id".to_owned(), "0".repeat(64)], ids.clone()].concat();
        asked(&url, async |client| client.live_tasks(asked_for, curves).await.unwrap())
    };
    let task = eventually("a loss is said again and again", || {
        let tasks = live(9);
        assert_eq!(tasks.len(), 3, "what is no task is left out: {tasks:?}");
        tasks.into_iter().find(|task| task.curve.as_ref().is_some_and(|it| it.iterations.len() > 12))
    });
    let curve = task.curve.as_ref().unwrap();
    assert_eq!(curve.iterations.len(), curve.losses.len());
    assert!(curve.iterations.is_sorted_by(|a, b| a < b), "{curve:?}");
    assert!(curve.losses.iter().all(|loss| loss.is_finite()), "{curve:?}");
    // Worker and coordinator speak every two seconds, and the executor five times as often.
    let gaps = curve.iterations.windows(2).map(|pair| pair[1] - pair[0]);
    assert!(gaps.max() < Some(task.progress.unwrap().iteration / 2), "{curve:?}");
    assert!(!task.worker_id.is_empty() && task.attempt == 1, "{task:?}");
    assert!(live(0).iter().all(|task| task.curve.is_none()), "curves are asked for");
    let states = asked(&url, async |client| client.tasks("long", 0, true).await.unwrap());
    assert_eq!((states.tasks.len(), states.states.len()), (0, 3));
    assert!(states.states.contains(&v1::TaskState::Running.into()), "{states:?}");
    assert!(asked(&url, async |client| client.tasks("other", 0, true).await).is_err());
}

#[test]
fn what_tasks_record_comes_to_the_coordinator_series_by_series_while_they_train() {
    let more = "record = { gradient_norm = true }\nschedule = \"cosine\"\nprobes = [\"sharpness\"]\n\
                probe = { every = 1, train_examples = 32, ascent_steps = 1 }\noptimizer = \"adam\"";
    let text = images("recorded", 1, 100_000).replace("optimizer = \"adam\"", more);
    let sandbox = sandbox().with_file("recorded.toml", &text);
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    sandbox.basin(&["launch", "recorded.toml", "--coordinator", &url]).succeeded();
    let listed = asked(&url, async |client| client.tasks("recorded", 0, false).await.unwrap());
    let ids: Vec<String> = listed.tasks.iter().map(|task| task.task_id.clone()).collect();
    let _worker = sandbox.worker("worker", &url, &[]);
    let recorded = [
        "train_loss",
        "train_accuracy",
        "test_loss",
        "test_accuracy",
        "gradient_norm",
        "learning_rate",
        "sharpness",
    ];
    let task = eventually("all series are said again and again", || {
        let tasks = asked(&url, async |client| client.live_series(ids.clone(), 16).await.unwrap());
        tasks.into_iter().find(|task| {
            let has = |name: &&str| task.series.iter().any(|said| said.name == **name && said.x.len() > 2);
            recorded.iter().all(has)
        })
    });
    assert_eq!(task.series.len(), recorded.len(), "the loss is in its own curve alone: {:?}", task.series);
    assert!(task.curve.is_some_and(|curve| !curve.losses.is_empty()));
    for series in &task.series {
        assert!(series.x.is_sorted_by(|a, b| a < b), "{series:?}");
        assert!(series.x.len() == series.values.len() && series.x.len() < 64, "{series:?}");
        assert!(series.values.iter().all(|value| value.is_finite()), "{series:?}");
        let is_by_step = series.name == "gradient_norm";
        let axis = if is_by_step { v1::SeriesAxis::Iteration } else { v1::SeriesAxis::Epoch };
        assert_eq!(series.axis(), axis, "{series:?}");
    }
    let without = asked(&url, async |client| client.live_tasks(ids.clone(), 16).await.unwrap());
    assert!(without.iter().all(|task| task.series.is_empty()), "they are asked for");
}
