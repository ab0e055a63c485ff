//! The meaning of names, the owners of folders, and the errors where nothing can be written: through the whole program.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::path::Path;

use basin_tests::{CommandOutput, Sandbox};

const SWEEP: &str = r#"name = "Cas"
data = { name = "shapes", train_limit = 64, test_limit = 32 }

[[experiment]]
id = "images"
kind = "classify"
seeds = 2
model = { conv = [4], dense = [8] }
batch_size = 32
epochs = 1
optimizer = "adam"
learning_rate = 1e-3

[[figure]]
id = "loss"
kind = "curves"
title = "Loss"
experiments = ["images"]
y = ["train_loss"]
"#;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"));
    sandbox.write("cas.toml", SWEEP);
    sandbox.write("case.toml", &SWEEP.replace("Cas", "Case"));
    sandbox
}

/// A tiny data set in the IDX format, of images with these bytes.
fn idx_files(sandbox: &Sandbox, folder: &str, byte: u8) {
    let folder = sandbox.path().join(folder);
    std::fs::create_dir_all(&folder).unwrap();
    for split in ["train", "t10k"] {
        let mut images = vec![0, 0, 8, 3, 0, 0, 0, 10, 0, 0, 0, 28, 0, 0, 0, 28];
        images.extend((0..10 * 28 * 28).map(|pixel| (pixel % 251) as u8 ^ byte));
        let mut labels = vec![0, 0, 8, 1, 0, 0, 0, 10];
        labels.extend(0..10_u8);
        std::fs::write(folder.join(format!("{split}-images-idx3-ubyte")), images).unwrap();
        std::fs::write(folder.join(format!("{split}-labels-idx1-ubyte")), labels).unwrap();
    }
}

/// All files below a folder with their bytes.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push((
                    path.strip_prefix(folder).unwrap().to_string_lossy().into_owned(),
                    std::fs::read(&path).unwrap(),
                )),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_second_import_is_refused_or_replaces_and_both_versions_can_be_run() {
    let sandbox = sandbox();
    idx_files(&sandbox, "a", 0);
    idx_files(&sandbox, "b", 7);
    let import = |from: &str, more: &[&str]| {
        sandbox.basin(&[&["--json", "data", "import", "fashion-mnist", from], more].concat())
    };
    let run_into = |name: &str, out: &str| {
        let set = format!("data.name={name}");
        let how =
            ["run", "cas.toml", "--set", &set, "--set", "data.train_limit=8", "--set", "data.test_limit=8"];
        let more = ["--set", "seeds=1", "--out", out];
        sandbox.basin(&[&["--json"], &how[..], &more[..]].concat()).succeeded().json()
    };
    let run = |name: &str| run_into(name, "out");
    let a = import("a", &[]).succeeded().json()["digest"].as_str().unwrap().to_owned();
    let first = run("fashion-mnist");
    let refused = import("b", &[]);
    assert_eq!(refused.code, Some(1));
    for part in [
        &a[..10],
        "imported from a",
        "--replace",
        "as the sweep here",
        &format!("fashion-mnist@{}", &a[..10]),
    ] {
        assert!(refused.err.contains(part), "{part}: {}", refused.err);
    }
    assert_eq!(run("fashion-mnist")["reused"], 1, "what was refused changed nothing");
    let replaced = import("b", &["--replace"]).succeeded().json();
    let b = replaced["digest"].as_str().unwrap().to_owned();
    assert_eq!(replaced["replaced"], a.as_str());
    let second = run_into("fashion-mnist", "out-second");
    assert_eq!((&second["reused"], second["sweep"] == first["sweep"]), (&0.into(), false));
    let named = run(&format!("fashion-mnist@{}", &a[..8]));
    assert_eq!(named["reused"], 1, "a version's tasks are the same whatever names it");
    let listed = sandbox.basin(&["--json", "data", "list"]).succeeded().json();
    let listed: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["made_by_basin"] == false)
        .map(|it| (it["digest"].as_str().unwrap(), it["current"].as_bool().unwrap()))
        .collect();
    assert_eq!(listed, [(b.as_str(), true), (a.as_str(), false)]);
    sandbox.basin(&["data", "use", &format!("fashion-mnist@{}", &a[..6])]).succeeded();
    assert_eq!(run("fashion-mnist")["reused"], 1);
    let unknown = sandbox.basin(&["plan", "cas.toml", "--set", "data.name=fashion-mnist@00000000"]);
    assert!(unknown.code == Some(1) && unknown.err.contains("basin data list"), "{}", unknown.err);
}

#[test]
fn a_store_of_before_with_two_contents_names_the_way_out() {
    let sandbox = sandbox();
    for (folder, byte) in [("a", 0), ("b", 7)] {
        idx_files(&sandbox, folder, byte);
        sandbox.basin(&["data", "import", "fashion-mnist", folder, "--replace"]).succeeded();
    }
    std::fs::remove_dir_all(sandbox.path().join("basin-state/store/datasets/fashion-mnist/versions"))
        .unwrap();
    let plan = ["plan", "cas.toml", "--set", "data.name=fashion-mnist"];
    let output = sandbox.basin(&plan);
    assert_eq!(output.code, Some(1));
    let (_, hint) = output.err.split_once("`basin data use ").unwrap();
    let (version, _) = hint.split_once('`').unwrap();
    sandbox.basin(&["data", "use", version]).succeeded();
    sandbox.basin(&plan).succeeded();
}

#[test]
fn a_folder_holds_one_sweep_and_nobody_elses_files_are_touched() {
    let sandbox = sandbox();
    sandbox.basin(&["run", "cas.toml", "--out", "out"]).succeeded();
    sandbox.basin(&["run", "cas.toml", "--set", "epochs=2", "--out", "second"]).succeeded();
    let ids = sandbox.basin(&["plan", "cas.toml", "--json"]).succeeded().json();
    let first = ids["sweep"].as_str().unwrap();
    let ids = sandbox.basin(&["plan", "cas.toml", "--json", "--set", "epochs=2"]).succeeded().json();
    let second = ids["sweep"].as_str().unwrap();
    sandbox.basin(&["collect", first, "--out", "out"]).succeeded();
    let before = files(&sandbox.path().join("out"));
    assert_eq!(before.iter().filter(|(name, _)| name.starts_with("results/")).count(), 4);
    for command in ["collect", "report"] {
        let output = sandbox.basin(&[command, second, "--out", "out"]);
        assert_eq!(output.code, Some(1), "{}", output.err);
        assert!(output.err.contains(first) && output.err.contains("--replace"), "{}", output.err);
    }
    let output = sandbox.basin(&["run", "cas.toml", "--set", "epochs=2", "--out", "out"]);
    assert_eq!(output.code, Some(1), "{}", output.err);
    assert_eq!(files(&sandbox.path().join("out")), before);
    sandbox.write("out/notes.txt", "mine");
    sandbox.basin(&["report", second, "--out", "out", "--replace"]).succeeded();
    let left = files(&sandbox.path().join("out"));
    assert!(left.iter().any(|(name, _)| name == "notes.txt"));
    assert!(!left.iter().any(|(name, _)| name.starts_with("results/")), "the other sweep's runs are gone");
    std::fs::create_dir(sandbox.path().join("site")).unwrap();
    sandbox.write("site/index.html", "a stranger's");
    for more in [&[][..], &["--replace"]] {
        for command in ["collect", "report"] {
            let output = sandbox.basin(&[&[command, second, "--out", "site"], more].concat());
            assert_eq!(output.code, Some(1), "{}", output.err);
            assert!(output.err.contains("isn't Basin's"), "{}", output.err);
        }
    }
    assert_eq!(files(&sandbox.path().join("site")), [("index.html".to_owned(), b"a stranger's".to_vec())]);
}

#[test]
fn a_sweep_whose_name_begins_anothers_can_be_said() {
    let sandbox = sandbox();
    for file in ["cas.toml", "case.toml"] {
        sandbox.basin(&["run", file, "--out", file.trim_end_matches(".toml")]).succeeded();
    }
    let sweep = |name: &str| sandbox.basin(&["--json", "verify", name]).succeeded().json()["sweep"].clone();
    assert!(sweep("Cas").as_str().unwrap().starts_with("Cas-"));
    assert!(sweep("Case").as_str().unwrap().starts_with("Case-"));
    let output = sandbox.basin(&["verify", "Ca"]);
    assert!(output.code == Some(1) && output.err.contains("fits several sweeps"), "{}", output.err);
    let (_coordinator, url) =
        sandbox.serve("127.0.0.1:0", &["--store", "cluster", "--state", "cluster-state"]);
    for file in ["cas.toml", "case.toml"] {
        sandbox.basin(&["launch", file, "--coordinator", &url]).succeeded();
    }
    for command in ["status", "pause", "resume", "cancel"] {
        let output = sandbox.basin(&["--json", command, "Cas", "--coordinator", &url]).succeeded().json();
        assert!(output["sweep"].as_str().unwrap().starts_with("Cas-"), "{output}");
    }
    let output = sandbox.basin(&["status", "Ca", "--coordinator", &url]);
    assert!(output.err.contains("`Ca` fits 2 sweeps"), "{}", output.err);
}

/// The program with its standard output on a device that has no space.
fn full(sandbox: &Sandbox, arguments: &[&str]) -> CommandOutput {
    let device = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let ended =
        sandbox.command(arguments).stdout(device).stderr(std::process::Stdio::piped()).spawn().unwrap();
    CommandOutput::of(&ended.wait_with_output().unwrap())
}

#[test]
fn output_that_has_no_place_is_a_failure_of_every_command() {
    let sandbox = sandbox();
    let sweep = sandbox.basin(&["--json", "run", "cas.toml", "--out", "out"]).succeeded().json();
    let sweep = sweep["sweep"].as_str().unwrap();
    idx_files(&sandbox, "a", 0);
    let token = ["--json", "token", "create", "--role", "viewer", "--name", "y", "--tokens", "tokens.toml"];
    let token = sandbox.basin(&token).succeeded().json()["id"].as_str().unwrap().to_owned();
    let (_coordinator, url) =
        sandbox.serve("127.0.0.1:0", &["--store", "cluster", "--state", "cluster-state"]);
    sandbox.basin(&["launch", "cas.toml", "--coordinator", &url]).succeeded();
    let at = ["--coordinator", &url];
    let local: Vec<Vec<&str>> = vec![
        vec!["--help"],
        vec!["help", "run"],
        vec!["--version"],
        vec!["plan", "cas.toml"],
        vec!["run", "cas.toml", "--out", "out"],
        vec!["verify", sweep],
        vec!["report", sweep, "--out", "out"],
        vec!["collect", sweep, "--out", "out"],
        vec!["data", "import", "fashion-mnist", "a"],
        vec!["data", "list"],
        vec!["data", "fetch", "fashion-mnist", "--to", "fetched"],
        vec!["doctor"],
        vec!["token", "create", "--role", "viewer", "--name", "x", "--tokens", "tokens.toml"],
        vec!["token", "list", "--tokens", "tokens.toml"],
        vec!["token", "revoke", &token, "--tokens", "tokens.toml"],
        vec!["serve", "--listen", "127.0.0.1:0", "--state", "other"],
    ];
    let remote = [&["list"][..], &["status", sweep], &["workers"], &["pause", sweep], &["resume", sweep]];
    let remote = remote.map(|command| [command, &at].concat());
    for command in local.iter().chain(&remote) {
        for json in [false, true] {
            let command = if json { [&["--json"], &command[..]].concat() } else { command.clone() };
            let output = full(&sandbox, &command);
            assert_eq!(output.code, Some(2), "{command:?}: {}", output.err);
            assert!(output.err.contains("cannot write to standard output"), "{command:?}: {}", output.err);
            assert!(output.err.contains("No space left"), "{command:?}: {}", output.err);
        }
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_no_command_badly() {
    let sandbox = sandbox();
    for json in [&["--json"][..], &[]] {
        let (read, write) = std::io::pipe().unwrap();
        drop(read);
        let command = [json, &["plan", "cas.toml"]].concat();
        let child =
            sandbox.command(&command).stdout(write).stderr(std::process::Stdio::piped()).spawn().unwrap();
        let output = CommandOutput::of(&child.wait_with_output().unwrap());
        assert_eq!((output.code, output.err.as_str()), (Some(0), ""));
    }
}

#[test]
fn a_setting_of_another_type_makes_nothing() {
    let sandbox = sandbox();
    sandbox.write("basin.toml", "# mine\nstore = 3\n");
    let output = sandbox.basin(&["run", "cas.toml"]);
    assert_eq!(output.code, Some(1));
    assert!(output.err.contains("basin.toml:2: `store` must be text"), "{}", output.err);
    assert!(!sandbox.path().join("3").exists());
    sandbox.write("basin.toml", "");
    let sandbox = sandbox.with("BASIN_WORKERS", "many");
    let output = sandbox.basin(&["run", "cas.toml"]);
    assert!(output.code == Some(1) && output.err.contains("the variable BASIN_WORKERS"), "{}", output.err);
}

#[test]
fn a_variable_that_names_no_proxy_is_an_error_that_keeps_its_password() {
    for (variable, address) in [("HTTP_PROXY", "http://far.example"), ("HTTPS_PROXY", "https://far.example")]
    {
        let sandbox = sandbox().with(variable, "http://user:hun@ter2@proxy:port");
        let output = sandbox.basin(&["list", "--coordinator", address]);
        assert_eq!(output.code, Some(1));
        assert!(output.err.contains(&format!("{variable} names no proxy")), "{}", output.err);
        assert!(!output.err.contains("hun") && !output.err.contains("ter2"), "{}", output.err);
    }
    let sandbox = sandbox()
        .with("HTTPS_PROXY", "htp://user:hunter2@proxy")
        .with("AWS_ACCESS_KEY_ID", "a")
        .with("AWS_SECRET_ACCESS_KEY", "b")
        .with("AWS_REGION", "c");
    let output = sandbox.basin(&["verify", "x", "--store", "s3://bucket/prefix"]);
    assert_eq!(output.code, Some(1));
    assert!(
        output.err.contains("HTTPS_PROXY names no proxy") && !output.err.contains("hunter2"),
        "{}",
        output.err
    );
}

#[test]
fn what_a_file_says_moves_no_cursor() {
    let sandbox = sandbox();
    sandbox.write("bad.toml", &SWEEP.replace("\"adam\"", "\"ad\\u001B[2Jam\\nerror: x\\u009B\""));
    let output = sandbox.basin(&["plan", "bad.toml"]);
    assert_eq!(output.code, Some(1));
    assert!(!output.err.contains(['\u{1b}', '\u{9b}']), "{:?}", output.err);
    assert_eq!(output.err.lines().filter(|line| line.starts_with("error:")).count(), 1, "{}", output.err);
}
