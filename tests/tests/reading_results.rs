//! The Python of `docs/reading-results.md`, run against a real sweep.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::process::Command;

use basin_domain::random::Stream;
use basin_tests::{Sandbox, blocks};

/// The homework, as far as the page reads it, and small.
const SWEEP: &str = r#"
name = "homework"
data = { name = "shapes", train_limit = 256, test_limit = 64 }

[defaults]
optimizer = "adam"
learning_rate = 1e-3

[[experiment]]
id = "images"
kind = "classify"
epochs = 1
batch_size = 64

[experiment.model]
dense = [8]

[experiment.grid]
model.conv = [[4, 4], [4, 4, 4]]

[[experiment]]
id = "batch-sizes"
kind = "classify"
seeds = 2
epochs = 2
model = { conv = [4], dense = [8] }
grid = { batch_size = [32, 64] }
"#;

#[test]
fn what_the_page_says_works() {
    let Ok(python) = std::env::var("BASIN_TEST_PYTHON") else {
        eprintln!(
            "NOT RUN: BASIN_TEST_PYTHON names no Python with pandas, pyarrow, polars, duckdb, safetensors and numpy"
        );
        return;
    };
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reading-results.md")).unwrap();
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"));
    sandbox.write("homework.toml", SWEEP);
    sandbox.basin(&["run", "homework.toml", "--store", "store"]).succeeded();
    sandbox.basin(&["collect", "homework", "--out", "collected", "--store", "store"]).succeeded();
    let mut program = blocks(&page, "```python");
    assert_eq!(program.len(), 8);
    let mut run = Command::new(&python);
    if let Ok(bucket) = std::env::var("BASIN_TEST_S3") {
        let store =
            format!("{bucket}/{}", sandbox.path().file_name().unwrap().to_string_lossy().replace('.', ""));
        sandbox.basin(&["run", "homework.toml", "--state", "other", "--store", &store]).succeeded();
        run.env("STORE", store.strip_prefix("s3://").unwrap());
        program.extend(blocks(&page, "```python s3"));
        assert_eq!(program.len(), 9);
    } else {
        eprintln!("NOT RUN: the block that reads from S3, since BASIN_TEST_S3 names no server");
    }
    let marked = program.iter().enumerate().map(|(at, block)| format!("print('== {at}')\n{block}"));
    sandbox.write("page.py", &marked.collect::<String>());
    let ran = run.arg("page.py").current_dir(sandbox.path()).output().unwrap();
    let output = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{output}\n{}", String::from_utf8_lossy(&ran.stderr));
    // Numbers that only the sweep's own results give.
    for expected in [
        "'batch_size': [32, 64]",
        "'test_loss_count': [2, 2]",
        "6 runs",
        "seed-0-",
        "'model.dense': array([8])",
        "'optimizer.name': 'adam'",
        "'parameter.epochs': 2",
        "model/conv0.bias (4,)",
    ] {
        assert!(output.contains(expected), "{expected} is not in:\n{output}");
    }
    let losses = output.split("== 7\n").nth(1).unwrap().split("==").next().unwrap();
    assert_eq!(losses.lines().filter(|line| line.starts_with("{'batch_size'")).count(), 4, "{output}");
}

/// A file of the IDX format: the axes' lengths, then the bytes.
fn idx(axes: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, axes.len() as u8];
    file.extend(axes.iter().flat_map(|length| length.to_be_bytes()));
    file.extend(bytes);
    file
}

/// Images of noise with a bright stripe whose place is their class.
fn write_stripes(sandbox: &Sandbox) {
    const SIDE: usize = 12;
    std::fs::create_dir(sandbox.path().join("stripes")).unwrap();
    for (split, count) in [("train", 240), ("test", 80)] {
        let mut stream = Stream::new(1, split);
        let labels: Vec<u8> = (0..count).map(|_| stream.below(3) as u8).collect();
        let pixel = |label: u8, row: usize, noise: u64| {
            let is_bright = row / (SIDE / 3) == usize::from(label);
            noise as u8 + if is_bright { 100 } else { 0 }
        };
        let mut images = Vec::new();
        for &label in &labels {
            for place in 0..SIDE * SIDE {
                images.push(pixel(label, place / SIDE, stream.below(120)));
            }
        }
        let file = |kind: &str| sandbox.path().join(format!("stripes/{split}-{kind}-ubyte"));
        let axes = [count as u32, SIDE as u32, SIDE as u32];
        std::fs::write(file("images-idx3"), idx(&axes, &images)).unwrap();
        std::fs::write(file("labels-idx1"), idx(&axes[..1], &labels)).unwrap();
    }
}

const STRIPES: &str = r#"
name = "again"

[[experiment]]
id = "limited"
kind = "classify"
seeds = 2
data = { name = "stripes", train_limit = 200, test_limit = 60 }
model = { conv = [4, 6], dense = [8] }
batch_size = 32
epochs = 2
optimizer = "adam"
learning_rate = 1e-2

[[experiment]]
id = "whole"
kind = "classify"
data = { name = "stripes" }
model = { conv = [5], dense = [] }
batch_size = 16
epochs = 3
optimizer = "adam"
learning_rate = 1e-3
"#;

#[test]
fn losses_and_accuracies_come_out_of_the_store_again_without_basin() {
    let Ok(python) = std::env::var("BASIN_TEST_PYTHON") else {
        eprintln!("NOT RUN: BASIN_TEST_PYTHON names no Python with pyarrow, safetensors and numpy");
        return;
    };
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reading-results.md")).unwrap();
    let program = blocks(&page, "```python again");
    assert_eq!(program.len(), 1);
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"));
    sandbox.write("again.toml", STRIPES);
    write_stripes(&sandbox);
    sandbox.basin(&["data", "import", "stripes", "stripes", "--store", "store"]).succeeded();
    sandbox.basin(&["run", "again.toml", "--store", "store"]).succeeded();
    sandbox.write("again.py", &program[0]);
    let compute = || {
        Command::new(&python)
            .args(["again.py", "store", "again"])
            .current_dir(sandbox.path())
            .output()
            .unwrap()
    };
    let ran = compute();
    let output = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{output}\n{}", String::from_utf8_lossy(&ran.stderr));
    // Two measures of two runs on some, and of one on all images.
    assert_eq!(output.lines().filter(|line| line.starts_with("limited")).count(), 4, "{output}");
    assert_eq!(output.lines().filter(|line| line.starts_with("whole")).count(), 2, "{output}");
    // Other images, or images normalised in another way, aren't taken for the same.
    sandbox.write("again.py", &program[0].replace("images / 255 - mean", "images / 255 - 1.1 * mean"));
    assert!(!compute().status.success());
    sandbox.write("again.py", &program[0].replace("\"/test\"", "\"/train\""));
    assert!(!compute().status.success());
}
