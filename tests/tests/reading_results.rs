//! The Python of `docs/reading-results.md`, run against a real sweep.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::process::Command;

use basin_tests::Sandbox;

const SWEEP: &str = r#"
name = "small"
data = { name = "shapes", train_limit = 256, test_limit = 64 }

[[experiment]]
id = "images"
kind = "classify"
seeds = 2
grid = { batch_size = [32, 64] }
model = { conv = [4], dense = [8] }
epochs = 2
optimizer = "adam"
learning_rate = 1e-3
"#;

/// The page's blocks that begin with this fence, one after the other.
fn blocks(page: &str, fence: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside: Option<String> = None;
    for line in page.lines() {
        match &mut inside {
            Some(block) if line == "```" => {
                found.push(std::mem::take(block));
                inside = None;
            }
            Some(block) => *block += &format!("{line}\n"),
            None if line == fence => inside = Some(String::new()),
            None => {}
        }
    }
    found
}

#[test]
fn what_the_page_says_works() {
    let Ok(python) = std::env::var("BASIN_TEST_PYTHON") else {
        eprintln!(
            "NOT RUN: BASIN_TEST_PYTHON names no Python with pyarrow, polars, duckdb, safetensors and numpy"
        );
        return;
    };
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reading-results.md")).unwrap();
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"));
    sandbox.write("small.toml", SWEEP);
    sandbox.basin(&["run", "small.toml", "--store", "store"]).succeeded();
    sandbox.basin(&["collect", "small", "--out", "collected", "--store", "store"]).succeeded();
    let mut program = blocks(&page, "```python");
    assert_eq!(program.len(), 7);
    let mut run = Command::new(&python);
    if let Ok(bucket) = std::env::var("BASIN_TEST_S3") {
        let store =
            format!("{bucket}/{}", sandbox.path().file_name().unwrap().to_string_lossy().replace('.', ""));
        sandbox.basin(&["run", "small.toml", "--state", "other", "--store", &store]).succeeded();
        run.env("STORE", store.strip_prefix("s3://").unwrap());
        program.extend(blocks(&page, "```python s3"));
        assert_eq!(program.len(), 8);
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
        "4 runs",
        "seed-1-",
        "8402",
        "model/conv0.bias (4,)",
    ] {
        assert!(output.contains(expected), "{expected} is not in:\n{output}");
    }
    let losses = output.split("== 6\n").nth(1).unwrap().split("==").next().unwrap();
    assert_eq!(losses.lines().filter(|line| line.starts_with("{'batch_size'")).count(), 4, "{output}");
}
