//! The whole output for what is known before anything runs: all problems of a file, what is worth knowing, and messages that lead on.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::io::{Read, Write};

use basin_tests::Sandbox;

const GOOD: &str = r#"name = "small"
data = { name = "shapes", train_limit = 64, test_limit = 32 }

[[experiment]]
id = "images"
kind = "classify"
seeds = 1
model = { conv = [4], dense = [8] }
batch_size = 32
epochs = 1
grid = { optimizer = ["adam", "sgd"] }
learning_rate = 1e-3

[[figure]]
kind = "curves"
experiment = "images"
y = ["train_loss"]
"#;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("good.toml", GOOD)
}

/// The whole output of a plan of the good file with these changes.
#[track_caller]
fn planned(changes: &[(&str, &str)]) -> String {
    let mut text = GOOD.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let sandbox = sandbox();
    sandbox.write("bad.toml", &text);
    let output = sandbox.basin(&["plan", "bad.toml"]);
    assert!(!sandbox.path().join("basin-state").exists(), "a plan changes nothing");
    output.all(&sandbox)
}

#[test]
fn all_problems_of_a_file_are_told_at_once_with_their_lines() {
    insta::assert_snapshot!(planned(&[
        ("batch_size = 32", "batch_size = 0"),
        ("epochs = 1", "epochs = \"many\""),
        ("\"sgd\"", "\"sdg\""),
        ("y = [\"train_loss\"]", "y = [\"trian_loss\"]"),
        ("experiment = \"images\"", "experiment = \"imags\""),
    ]));
}

#[test]
fn a_key_without_a_value_and_a_word_without_quotation_marks_are_named() {
    insta::assert_snapshot!(planned(&[
        ("epochs = 1", "epochs = "),
        ("batch_size = 32", "batch_size = many")
    ]));
}

#[test]
fn a_run_that_is_not_there_is_answered_with_those_that_are() {
    let claim = "[[claim]]\ntext = \"It learns\"\ncheck = { kind = \"within\", of = { experiment = \"images\", optimizer = \"lion\" }, y = \"test_loss\", low = 0.0, high = 9.0 }\n\n[[figure]]";
    insta::assert_snapshot!(planned(&[("[[figure]]", claim)]));
}

#[test]
fn a_check_of_several_points_shows_a_line_to_paste() {
    let claim = "[[claim]]\ntext = \"It learns\"\ncheck = { kind = \"within\", of = { experiment = \"images\" }, y = \"test_loss\", low = 0.0, high = 9.0 }\n\n[[figure]]";
    insta::assert_snapshot!(planned(&[("[[figure]]", claim)]));
}

#[test]
fn what_gives_less_than_it_seems_is_noted_by_plan_and_run() {
    let claim = "[[claim]]\ntext = \"It learns\"\ncheck = { kind = \"within\", of = { experiment = \"images\", optimizer = \"sgd\" }, y = \"test_loss\", low = 0.0, high = 9.0 }\n\n[[figure]]";
    let text = GOOD.replace("[[figure]]", claim).replace("train_limit = 64", "train_limit = 64000000");
    let sandbox = sandbox();
    sandbox.write("noted.toml", &text.replace("test_limit = 32", "test_limit = 32000000"));
    let plan = sandbox.basin(&["plan", "noted.toml"]).succeeded().out;
    let notes: Vec<&str> =
        plan.lines().filter(|line| line.starts_with("note: ") || line.starts_with("  hint")).collect();
    insta::assert_snapshot!(notes.join("\n"));
    let plan = sandbox.basin(&["--json", "plan", "noted.toml"]).succeeded().json();
    let lines: Vec<_> =
        plan["notes"].as_array().unwrap().iter().map(|note| note["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [2, 2, 16]);
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &["--state", "cluster"]);
    let launched = sandbox.basin(&["launch", "noted.toml", "--coordinator", &url]).succeeded();
    assert!(notes.iter().all(|note| launched.err.contains(note)), "{}", launched.err);
}

#[test]
fn needs_that_nobody_meets_are_refused_by_run_and_noted_by_launch() {
    let sandbox = sandbox();
    let needs = "needs = { memory = \"900TiB\" }\nseeds = 1";
    sandbox.write("large.toml", &GOOD.replace("seeds = 1", needs));
    let hide = |text: String| {
        let found = text.split("executor of this machine has ").nth(1).and_then(|it| it.split('\n').next());
        found.map_or(text.clone(), |memory| text.replace(memory, "MEMORY"))
    };
    insta::assert_snapshot!(hide(sandbox.basin(&["run", "large.toml"]).all(&sandbox)));
    assert!(!sandbox.path().join("basin-state/journal.sqlite").exists(), "nothing began");
    let plan = sandbox.basin(&["--json", "plan", "large.toml"]).succeeded().json();
    assert_eq!(plan["notes"][0]["line"], 7, "{plan}");
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &["--state", "cluster"]);
    let launched = sandbox.basin(&["launch", "large.toml", "--coordinator", &url]).succeeded();
    assert!(launched.err.contains("needs 900 TiB of memory, and no worker has that now"), "{}", launched.err);
}

#[test]
fn what_listens_elsewhere_is_no_coordinator() {
    let sandbox = sandbox();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        // None is closed: what was not read would take the answer with it.
        let mut open = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
            open.push(stream);
        }
    });
    let told = sandbox.basin(&["list", "--coordinator", &format!("http://{address}")]).all(&sandbox);
    insta::assert_snapshot!(told.replace(&address.port().to_string(), "PORT"));
}

#[test]
fn a_file_in_the_place_of_local_state_is_named() {
    let sandbox = sandbox();
    sandbox.write("occupied", "");
    insta::assert_snapshot!(sandbox.basin(&["run", "good.toml", "--state", "occupied"]).all(&sandbox));
    insta::assert_snapshot!(sandbox.basin(&["list", "--state", "occupied"]).all(&sandbox));
}

#[test]
fn devices_are_those_of_the_help() {
    let sandbox = sandbox();
    insta::assert_snapshot!(sandbox.basin(&["run", "good.toml", "--device", "gpu"]).all(&sandbox));
}

#[test]
fn each_wrong_input_is_answered_on_one_screen_without_a_second_error() {
    let sandbox = sandbox();
    for (from, to) in [
        ("name = \"small\"", ""),
        ("name = \"small\"", "name = \"a b\""),
        ("\"shapes\"", "\"shaps\""),
        ("train_limit = 64", "train_limit = -1"),
        ("id = \"images\"\n", ""),
        ("kind = \"classify\"", "kind = \"clasify\""),
        ("kind = \"classify\"", ""),
        ("seeds = 1", "seeds = 0"),
        ("seeds = 1", "seeds = [1, 1]"),
        ("conv = [4]", "conv = 4"),
        ("conv = [4]", "conv = [4, 4, 4, 4, 4, 4, 4]"),
        ("dense = [8]", "dense = [0]"),
        ("batch_size = 32", ""),
        ("batch_size = 32", "batch_size = 3.5"),
        ("batch_size = 32", "bach_size = 32"),
        ("epochs = 1", "epochs = -1"),
        ("epochs = 1", "epochs = 1\nsteps = 1"),
        ("grid = {", "gird = {"),
        ("[\"adam\", \"sgd\"]", "\"adam\""),
        ("[\"adam\", \"sgd\"]", "[]"),
        ("[\"adam\", \"sgd\"]", "[\"adam\", \"adam\"]"),
        ("learning_rate = 1e-3", "learning_rate = 0"),
        ("learning_rate = 1e-3", "learning_rate = fast"),
        ("learning_rate = 1e-3", "learning_rate = 1e-3\nmomentum = 2"),
        ("kind = \"curves\"", "kind = \"curve\""),
        ("experiment = \"images\"", "experiment = \"image\""),
        ("y = [\"train_loss\"]", "y = []"),
        ("y = [\"train_loss\"]", "z = [\"train_loss\"]"),
    ] {
        assert!(GOOD.contains(from), "{from}");
        sandbox.write("bad.toml", &GOOD.replacen(from, to, 1));
        let output = sandbox.basin(&["plan", "bad.toml"]);
        assert_eq!(output.code, Some(1), "{from} -> {to}: {}", output.err);
        let problems = output.err.lines().filter(|line| line.contains("bad.toml:")).count();
        assert_eq!(problems, 1, "{from} -> {to}: {}", output.err);
        assert!(output.err.lines().count() <= 4, "{from} -> {to}: {}", output.err);
    }
}
