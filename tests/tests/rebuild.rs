//! A coordinator's state is lost, and made anew of what the store holds: nothing that is committed is lost or trained twice, and whoever works on
//! under the lost state changes nothing.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use basin_domain::id::TaskId;
use basin_proto::v1;
use basin_proto::v1::scheduler_client::SchedulerClient;
use basin_storage::testing::sample;
use basin_storage::{CommitOutcome, Manifest, Store};
use basin_tests::{CommandOutput, RunningProcess, Sandbox, assert_same_tables, eventually, images};
use tonic::Code;

/// Quick tasks, each alone.
const FITS: &str = r#"
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
    Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("fits.toml", FITS)
}

/// Whatever state there is, the store is this one.
fn store(sandbox: &Sandbox) -> String {
    sandbox.path().join("store").to_string_lossy().into_owned()
}

fn serve(sandbox: &Sandbox, address: &str, state: &str) -> (RunningProcess, String) {
    sandbox.serve(address, &["--lease", "3", "--state", state, "--store", &store(sandbox)])
}

fn rebuild(sandbox: &Sandbox, state: &str, more: &[&str]) -> CommandOutput {
    let how = ["--json", "rebuild", "--store", &store(sandbox), "--state", state];
    sandbox.basin(&[&how[..], more].concat())
}

fn run(sandbox: &Sandbox, file: &str, state: &str, out: &str) -> CommandOutput {
    let how = ["--json", "run", file, "--out", out, "--workers", "1", "--threads", "1"];
    sandbox.basin(&[&how[..], &["--store", &store(sandbox), "--state", state]].concat())
}

/// All files below a folder with their bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => drop(found.insert(path.clone(), fs::read(&path).unwrap())),
            }
        }
    }
    found
}

/// The commits of the store, by path.
fn commits(sandbox: &Sandbox) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = files(&sandbox.path().join("store/tasks"));
    all.retain(|path, _| path.ends_with("commit.json"));
    all
}

fn cut_off(file: &Path) {
    let bytes = fs::read(file).unwrap();
    fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
}

/// A port that nobody has now.
fn free_address() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// The sweep comes to its end, every task is committed once, and its tables are those of a run that nobody disturbed.
fn ends_well(sandbox: &Sandbox, url: &str, sweep: &str, file: &str) {
    let watched = sandbox.basin(&["watch", sweep, "--coordinator", url]);
    assert_eq!(watched.code, Some(0), "{}\n{}", watched.err, sandbox.read("serve.log"));
    sandbox.basin(&["verify", sweep, "--store", &store(sandbox)]).succeeded();
    sandbox.basin(&["report", sweep, "--store", &store(sandbox), "--out", "disturbed"]).succeeded();
    assert_same_tables(&sandbox.undisturbed_tables(file), &sandbox.tables("disturbed"));
}

#[test]
fn a_state_that_is_lost_amid_a_sweep_is_rebuilt_and_the_sweep_ends_with_the_same_bytes() {
    let sandbox = sandbox().with_file("images.toml", &images("images", 3, 12));
    let (coordinator, url) = serve(&sandbox, "127.0.0.1:0", "first");
    let workers = [sandbox.worker("one", &url, &[]), sandbox.worker("two", &url, &[])];
    let sweep = sandbox.launch(&url, "images.toml", &[]);
    eventually("some of it is committed, and some runs", || {
        let counts = sandbox.ask(&url, &["status", &sweep])["counts"].clone();
        (counts["committed"].as_u64() >= Some(2) && counts["running"].as_u64() >= Some(1)).then_some(())
    });
    workers.into_iter().for_each(RunningProcess::kill);
    coordinator.kill();
    fs::remove_dir_all(sandbox.path().join("first")).unwrap();
    let before = commits(&sandbox);

    let rebuilt = rebuild(&sandbox, "second", &[]).succeeded().json();
    let of_sweep = &rebuilt["sweeps"][0];
    assert_eq!((&of_sweep["sweep"], &of_sweep["tasks"]), (&sweep.as_str().into(), &6.into()), "{rebuilt}");
    assert_eq!(of_sweep["committed"], before.len(), "{rebuilt}");
    assert_eq!((&rebuilt["attempts_below"], &rebuilt["left_out"]), (&1_000.into(), &serde_json::json!([])));

    let (_coordinator, url) = serve(&sandbox, "127.0.0.1:0", "second");
    let counts = sandbox.ask(&url, &["status", &sweep])["counts"].clone();
    assert_eq!(counts["committed"], before.len(), "{counts}");
    let _worker = sandbox.worker("three", &url, &[]);
    ends_well(&sandbox, &url, &sweep, "images.toml");
    let after = commits(&sandbox);
    assert_eq!(after.len(), 6);
    assert!(before.iter().all(|(path, bytes)| after[path] == *bytes), "what was committed is as it was");
    let provenance = sandbox.read("disturbed/provenance.csv");
    let rows = provenance.lines().filter(|row| row.contains(",1001,")).count();
    assert_eq!(
        rows,
        6 - before.len(),
        "attempts of the new journal are known by their numbers: {provenance}"
    );
}

#[test]
fn a_worker_of_the_lost_state_that_comes_back_changes_nothing() {
    let sandbox = sandbox().with_file("images.toml", &images("images", 2, 25));
    let address = free_address();
    let (coordinator, url) = serve(&sandbox, &address, "first");
    let zombie = sandbox.worker("zombie", &url, &[]);
    let sweep = sandbox.launch(&url, "images.toml", &[]);
    let id = eventually("it trains, and something is committed", || {
        let status = sandbox.ask(&url, &["status", &sweep]);
        let running = status["running"][0]["worker"].as_str().map(str::to_owned);
        running.filter(|_| status["counts"]["committed"].as_u64() >= Some(1))
    });
    zombie.signal("STOP");
    coordinator.kill();
    fs::remove_dir_all(sandbox.path().join("first")).unwrap();
    rebuild(&sandbox, "second", &[]).succeeded();

    // At the address that the zombie knows.
    let (_coordinator, url) = serve(&sandbox, &address, "second");
    let worker = sandbox.worker("other", &url, &[]);
    ends_well(&sandbox, &url, &sweep, "images.toml");
    let before = commits(&sandbox);
    zombie.signal("CONT");
    eventually("the zombie is heard", || {
        let workers = sandbox.ask(&url, &["workers"]);
        let heard = workers.as_array().unwrap().iter().find(|it| it["worker"] == id.as_str());
        heard.is_some_and(|it| it["seen_ms_ago"].as_u64() < Some(4_000)).then_some(())
    });
    worker.kill();
    // It works on for the new coordinator, as any worker.
    let more = sandbox.launch(&url, "images.toml", &["--set", "epochs=1", "--set", "seeds=1"]);
    let watched = sandbox.basin(&["watch", &more, "--coordinator", &url]);
    assert_eq!(watched.code, Some(0), "{}\n{}", watched.err, sandbox.read("zombie.log"));
    let after = commits(&sandbox);
    assert!(before.iter().all(|(path, bytes)| after[path] == *bytes));
    sandbox.basin(&["verify", &sweep, "--store", &store(&sandbox)]).succeeded();
}

/// An attempt of the lost state, whole but for its commit.
async fn stray(store: &Store, task: TaskId, number: u32) -> Manifest {
    sample::attempt(store, task, number).await.unwrap()
}

#[test]
fn an_attempt_of_the_lost_state_commits_once_if_it_is_the_first_and_never_over_another() {
    let sandbox = sandbox();
    let (coordinator, url) = serve(&sandbox, "127.0.0.1:0", "first");
    let sweep = sandbox.launch(&url, "fits.toml", &[]);
    coordinator.kill();
    fs::remove_dir_all(sandbox.path().join("first")).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let opened = Store::open(&store(&sandbox)).unwrap();
    let sweep_id = sweep.parse().unwrap();
    let task = runtime.block_on(opened.read_tasks(&sweep_id)).unwrap()[0].id;
    let (first, late) = runtime.block_on(async {
        let first = stray(&opened, task, 3).await;
        (first, stray(&opened, task, 1_004).await)
    });
    let rebuilt = rebuild(&sandbox, "second", &[]).succeeded().json();
    let of_sweep = &rebuilt["sweeps"][0];
    assert_eq!((&of_sweep["committed"], &rebuilt["attempts_below"]), (&0.into(), &2_000.into()), "{rebuilt}");

    let (_coordinator, url) = serve(&sandbox, "127.0.0.1:0", "second");
    let complete = |manifest: &Manifest| {
        let request = v1::CompleteRequest {
            lease_id: manifest.lease.to_string(),
            task_id: task.to_string(),
            manifest_digest: manifest.digest().to_string(),
        };
        runtime
            .block_on(async { SchedulerClient::connect(url.clone()).await.unwrap().complete(request).await })
    };
    let commit = |manifest: &Manifest| {
        let commit = manifest.commit().unwrap();
        runtime.block_on(opened.commit(&commit)).unwrap()
    };
    let committed = || sandbox.ask(&url, &["status", &sweep])["counts"]["committed"].as_u64();
    assert_eq!(commit(&first), CommitOutcome::Committed);
    assert!(!complete(&first).unwrap().into_inner().held);
    assert_eq!(committed(), Some(1), "the store has it, so it counts");
    assert_eq!(commit(&late), CommitOutcome::Superseded(first.commit().unwrap()));
    assert_eq!(complete(&late).unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(committed(), Some(1));
    // The new coordinator's workers do the rest, and that one isn't trained again.
    let _worker = sandbox.worker("worker", &url, &[]);
    assert_eq!(sandbox.basin(&["watch", &sweep, "--coordinator", &url]).code, Some(0));
    let proof = sandbox.basin(&["--json", "verify", &sweep, "--store", &store(&sandbox)]).succeeded().json();
    assert_eq!((&proof["committed"], &proof["tasks"]), (&6.into(), &6.into()));
    assert_eq!(runtime.block_on(opened.read_commit(&task)).unwrap(), Some(first.commit().unwrap()));
}

#[test]
fn what_is_damaged_is_named_and_runs_again_and_two_sweeps_share_what_they_have() {
    let sandbox = sandbox().with_file("more.toml", &FITS.replace("seeds = 3", "seeds = 4"));
    let fits = run(&sandbox, "fits.toml", "first", "clean").succeeded().json()["sweep"].clone();
    let more = run(&sandbox, "more.toml", "first", "more").succeeded().json()["sweep"].clone();
    fs::remove_dir_all(sandbox.path().join("first")).unwrap();
    let shared: TaskId = {
        let opened = Store::open(&store(&sandbox)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(opened.read_tasks(&fits.as_str().unwrap().parse().unwrap())).unwrap()[0].id
    };
    let place = sandbox.path().join("store").join(basin_domain::key::commit(&shared));
    cut_off(&place);

    let before = files(sandbox.path());
    let dry = rebuild(&sandbox, "second", &["--dry-run"]);
    assert_eq!(dry.code, Some(1), "{}", dry.err);
    assert_eq!(files(sandbox.path()), before, "a dry run writes nothing");
    assert!(!sandbox.path().join("second").exists());
    let rebuilt = rebuild(&sandbox, "second", &[]);
    assert_eq!(rebuilt.code, Some(1), "{}", rebuilt.err);
    assert!(rebuilt.err.contains("basin repair"), "it says the way out: {}", rebuilt.err);
    let value = rebuilt.json();
    assert_eq!(value["sweeps"], dry.json()["sweeps"]);
    let of = |sweep: &serde_json::Value| {
        let sweeps = value["sweeps"].as_array().unwrap();
        let found = sweeps.iter().find(|it| it["sweep"] == *sweep).unwrap();
        (found["tasks"].as_u64(), found["committed"].as_u64(), found["damaged"][0]["task"].as_str())
    };
    let damaged = shared.to_string();
    assert_eq!(of(&fits), (Some(6), Some(5), Some(damaged.as_str())));
    assert_eq!(of(&more), (Some(8), Some(7), Some(damaged.as_str())));

    let how = ["--json", "repair", fits.as_str().unwrap(), "--state", "second", "--store", &store(&sandbox)];
    let repaired = sandbox.basin(&how).succeeded().json();
    assert_eq!((&repaired["by"], &repaired["tasks"][0]["withdrawn"]), (&"journal".into(), &true.into()));
    let again = run(&sandbox, "fits.toml", "second", "again").succeeded().json();
    assert_eq!((&again["reused"], &again["failed"]), (&5.into(), &0.into()));
    assert_same_tables(&sandbox.tables("clean"), &sandbox.tables("again"));
    let again = run(&sandbox, "more.toml", "second", "more-again").succeeded().json();
    assert_eq!(again["reused"], 8);
    assert_same_tables(&sandbox.tables("more"), &sandbox.tables("more-again"));
}

#[test]
fn a_result_whose_bytes_changed_is_found_where_every_byte_is_read() {
    let sandbox = sandbox();
    run(&sandbox, "fits.toml", "first", "clean").succeeded();
    let mut results = files(&sandbox.path().join("store/tasks"));
    results.retain(|path, _| path.ends_with("result.safetensors"));
    let (path, mut bytes) = results.pop_first().unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    fs::write(path, bytes).unwrap();
    let quick = rebuild(&sandbox, "second", &["--dry-run"]).succeeded().json();
    assert_eq!(quick["sweeps"][0]["committed"], 6);
    let thorough = rebuild(&sandbox, "second", &["--dry-run", "--every-byte"]);
    assert_eq!((thorough.code, &thorough.json()["sweeps"][0]["committed"]), (Some(1), &5.into()));
    let mut manifests = files(&sandbox.path().join("store/tasks"));
    manifests.retain(|path, _| path.ends_with("manifest.json"));
    cut_off(manifests.last_key_value().unwrap().0);
    let quick = rebuild(&sandbox, "second", &["--dry-run"]);
    assert_eq!((quick.code, &quick.json()["sweeps"][0]["committed"]), (Some(1), &5.into()));
}

#[test]
fn a_sweep_whose_record_is_damaged_is_left_out_and_launching_it_again_mends_it() {
    let sandbox = sandbox().with_file("more.toml", &FITS.replace("seeds = 3", "seeds = 4"));
    let fits = run(&sandbox, "fits.toml", "first", "clean").succeeded().json()["sweep"].clone();
    run(&sandbox, "more.toml", "first", "more").succeeded();
    cut_off(&sandbox.path().join("store/sweeps").join(fits.as_str().unwrap()).join("sweep.json"));
    let rebuilt = rebuild(&sandbox, "second", &[]);
    assert_eq!(rebuilt.code, Some(1), "{}", rebuilt.err);
    let value = rebuilt.json();
    assert_eq!((&value["left_out"][0]["sweep"], value["sweeps"].as_array().unwrap().len()), (&fits, 1));
    assert_eq!(run(&sandbox, "fits.toml", "second", "again").succeeded().json()["reused"], 6);
    assert_same_tables(&sandbox.tables("clean"), &sandbox.tables("again"));
}

#[test]
fn the_wrong_store_and_a_journal_that_is_not_empty_are_refused_with_the_way_out() {
    let sandbox = sandbox();
    run(&sandbox, "fits.toml", "first", "clean").succeeded();
    fs::create_dir(sandbox.path().join("empty")).unwrap();
    let store = store(&sandbox);
    for (arguments, says, hint) in [
        (
            &["rebuild", "--store", "empty", "--state", "second"][..],
            "has no sweeps",
            "is it the right store?",
        ),
        (&["rebuild", "--store", "nowhere", "--state", "second"], "cannot use the store", ""),
        (&["rebuild", "--store", &store, "--state", "first"], "isn't empty: it has 1 sweeps", "move "),
        (&["rebuild", "--store", &store, "--state", "first", "--dry-run"], "isn't empty", "--state DIR"),
        (
            &["rebuild", "--store", &store, "--state", "second", "--sweep", "other"],
            "there is no sweep `other`",
            "fits",
        ),
    ] {
        let output = sandbox.basin(arguments);
        assert_eq!(output.code, Some(1), "{arguments:?}: {}{}", output.out, output.err);
        assert!(output.err.contains(says) && output.err.contains(hint), "{arguments:?}: {}", output.err);
        assert!(!sandbox.path().join("second").exists(), "{arguments:?} wrote nothing");
    }
    assert_eq!(run(&sandbox, "fits.toml", "first", "again").succeeded().json()["reused"], 6);
    assert!(!sandbox.path().join("nowhere").exists());
}

#[test]
fn a_journal_that_a_coordinator_has_is_refused_and_one_that_it_left_empty_is_not() {
    let sandbox = sandbox();
    run(&sandbox, "fits.toml", "first", "clean").succeeded();
    let (coordinator, _) = serve(&sandbox, "127.0.0.1:0", "second");
    let output = rebuild(&sandbox, "second", &[]);
    assert_eq!(output.code, Some(1), "{}", output.err);
    assert!(output.err.contains("cannot rebuild"), "{}", output.err);
    coordinator.signal("TERM");
    assert_eq!(coordinator.wait(), Some(0));
    let rebuilt = rebuild(&sandbox, "second", &[]).succeeded().json();
    assert_eq!(rebuilt["sweeps"][0]["committed"], 6);
    let again = rebuild(&sandbox, "second", &[]);
    assert!(again.code == Some(1) && again.err.contains("isn't empty"), "{}", again.err);
}

#[test]
fn chosen_sweeps_are_rebuilt_and_wait_for_a_person_if_that_is_asked_for() {
    let sandbox = sandbox().with_file("more.toml", &FITS.replace("\"fits\"", "\"more\""));
    let (coordinator, url) = serve(&sandbox, "127.0.0.1:0", "first");
    // The same tasks under two names.
    let sweeps = ["fits.toml", "more.toml"].map(|file| sandbox.launch(&url, file, &[]));
    coordinator.kill();
    let rebuilt = rebuild(&sandbox, "second", &["--sweep", &sweeps[1], "--paused"]).succeeded().json();
    assert_eq!(
        (&rebuilt["sweeps"][0]["sweep"], &rebuilt["sweeps"][0]["paused"]),
        (&sweeps[1].as_str().into(), &true.into())
    );
    let (_coordinator, url) = serve(&sandbox, "127.0.0.1:0", "second");
    let _worker = sandbox.worker("worker", &url, &[]);
    let listed = sandbox.ask(&url, &["list"]);
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["state"]), (1, &"paused".into()), "{listed}");
    sandbox.basin(&["resume", &sweeps[1], "--coordinator", &url]).succeeded();
    ends_well(&sandbox, &url, &sweeps[1], "more.toml");
}
