//! Every kind of experiment, probe, figure and claim through the whole of Basin: the same bytes whatever happens, what diverged
//! marked, what failed named with what it blocks.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::collections::BTreeSet;

use basin_tests::{Sandbox, assert_same_tables, eventually};

/// Small, but with everything that `small.toml` of the other tests doesn't have.
const SWEEP: &str = r#"
name = "everything"
data = { name = "shapes", train_limit = 200, test_limit = 60 }

[defaults]
learning_rate = 1e-3
seeds = 3

[[experiment]]
id = "networks"
kind = "classify"
grid = { batch_size = [32, 100] }
model = { conv = [4, 6], dense = [8] }
epochs = 3
record = { weights_every = 1, gradient_norm = true }
probes = ["sensitivity", "input_gradient", "sharpness", "largest_eigenvalue", "spectrum"]
probe = { every = 2, train_examples = 100, test_examples = 40, ascent_steps = 3, lanczos_steps = 6, vectors = 2 }

[[experiment]]
id = "line"
kind = "interpolate"
from = { experiment = "networks", batch_size = 32 }
to = { experiment = "networks", batch_size = 100 }
ratios = { start = -1.0, stop = 2.0, count = 13 }

[[experiment]]
id = "plane"
kind = "surface"
of = { experiment = "networks", batch_size = 32 }
grid = { directions = ["random", "pca"] }
seeds = 1
resolution = 7
tasks = 3
examples = 100

[[experiment]]
id = "points"
kind = "critical-point"
seeds = 6
function = "sin"
interval = [-3.0, 3.0]
points = 32
hidden = [6]
epochs = 50
learning_rate = 1e-2
search = { threshold = 1e-3, iterations = 200 }
minimal_ratio = { samples = 100 }

[[experiment]]
id = "students"
kind = "regress"
data = { name = "teacher", inputs = 6, hidden = 3, noise = 0.1 }
model = { family = "mlp", widths = [8], activation = "tanh" }
batch_size = 32
epochs = 4
grid = { loss = ["mean-squared-error", "huber"] }
record = { gradient_norm = true }
probes = ["sensitivity", "largest_eigenvalue"]
probe = { lanczos_steps = 6, train_examples = 100, test_examples = 40 }

[[experiment]]
id = "students-line"
kind = "interpolate"
from = { experiment = "students", loss = "huber" }
to = { experiment = "students", loss = "huber" }
ratios = { start = 0.0, stop = 2.0, count = 5 }

[[figure]]
id = "students"
kind = "curves"
experiment = "students"
y = ["train_loss", "test_loss"]

[[figure]]
id = "against"
kind = "against"
experiment = "networks"
x = "batch_size"
log_x = true
y = [["final_train_loss", "test_loss"], "sensitivity", "sharpness"]

[[figure]]
id = "curves"
kind = "curves"
experiment = "points"
y = ["gradient_norm", "loss"]
log_y = true
each = true

[[figure]]
id = "scatter"
kind = "scatter"
experiment = "points"
x = "final_loss"
log_x = true
y = ["minimal_ratio_near_zero", "minimal_ratio_positive_eigenvalues", "minimal_ratio_sampled"]
solid_if = "converged"

[[figure]]
id = "trajectories"
kind = "trajectories"
experiment = "networks"
layers = ["conv0", "all"]

[[figure]]
id = "surface"
kind = "surface"
experiment = "plane"
log = true

[[figure]]
id = "interpolation"
kind = "interpolation"
experiment = "line"
y = [["train_loss", "test_loss"], ["train_accuracy", "test_accuracy"]]

[[figure]]
id = "spectrum"
kind = "spectrum"
experiment = "networks"

[[claim]]
text = "Losses are finite"
check = { kind = "within", of = { experiment = "networks", batch_size = 32 }, y = "test_loss", low = 0.0, high = 100.0 }

[[claim]]
text = "Students get below the teacher's variance"
check = { kind = "within", of = { experiment = "students", loss = "huber" }, y = "test_loss", low = 0.0, high = 1.0 }

[[claim]]
text = "Runs end far from each other"
check = { kind = "together", of = { experiment = "networks", batch_size = 32 }, at_most = 0.5 }

[[claim]]
text = "The loss between solutions is smooth"
check = { kind = "smooth", of = { experiment = "line" }, y = "train_loss", at_most = 0.2 }
"#;

fn sandbox(text: &str) -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("everything.toml", text)
}

/// The values of a column of `results.csv`, by row.
fn column(sandbox: &Sandbox, out: &str, name: &str) -> Vec<String> {
    let text = sandbox.read(&format!("{out}/results.csv"));
    let mut lines = text.lines();
    let at = lines.next().unwrap().split(',').position(|column| column == name).unwrap();
    // The columns asked for stand before or after those with commas within quotes, which none of these sweeps has.
    lines.map(|line| line.split(',').nth(at).unwrap().to_owned()).collect()
}

#[test]
fn every_kind_of_experiment_and_figure_gives_the_same_bytes_killed_or_not() {
    let sandbox = sandbox(SWEEP);
    let run = |out: &'static str, state: &'static str| {
        [
            "run",
            "everything.toml",
            "--out",
            out,
            "--state",
            state,
            "--checkpoint-every",
            "0.05",
            "--workers",
            "2",
        ]
    };
    let calm = sandbox.basin(&[&["--json"], &run("calm", "calm-state")[..]].concat()).succeeded().json();
    assert_eq!((&calm["tasks"], &calm["failed"]), (&30.into(), &0.into()));
    let figures: BTreeSet<String> =
        sandbox.tables("calm").into_keys().filter(|name| name.ends_with(".csv")).collect();
    for figure in
        ["students", "against", "curves", "scatter", "trajectories", "surface", "interpolation", "spectrum"]
    {
        assert!(figures.contains(&format!("figures/{figure}.csv")), "{figures:?}");
    }
    let claims: serde_json::Value = serde_json::from_str(&sandbox.read("calm/claims.json")).unwrap();
    assert!(claims.to_string().contains("Runs end far from each other"), "{claims}");
    for round in 0..3 {
        let running = sandbox.start(&format!("round-{round}"), &run("rough", "rough-state"));
        let before = sandbox.commits("rough-state");
        eventually("a commit, or the end", || {
            let done = sandbox.read(&format!("round-{round}.log")).contains("done in");
            (sandbox.commits("rough-state") > before || done).then_some(())
        });
        running.kill();
    }
    let rough = sandbox.basin(&[&["--json"], &run("rough", "rough-state")[..]].concat()).succeeded().json();
    assert_same_tables(&sandbox.tables("calm"), &sandbox.tables("rough"));
    sandbox.basin(&["verify", rough["sweep"].as_str().unwrap(), "--state", "rough-state"]).succeeded();
    // The report is made again from the store alone.
    let sweep = rough["sweep"].as_str().unwrap();
    let store = sandbox.path().join("rough-state/store");
    sandbox.basin(&["report", sweep, "--store", store.to_str().unwrap(), "--out", "again"]).succeeded();
    assert_same_tables(&sandbox.tables("calm"), &sandbox.tables("again"));
}

#[test]
fn a_step_size_of_ten_diverges_and_that_is_a_result_that_figures_mark_and_tables_name() {
    let text = r#"
name = "everything"

[[experiment]]
id = "steps"
kind = "fit-function"
seeds = 3
function = "cube"
interval = [-3.0, 3.0]
points = 64
hidden = [16]
epochs = 50
optimizer = "sgd"
grid = { learning_rate = [0.0001, 10.0] }

[[figure]]
id = "loss"
kind = "curves"
y = "train_loss"
log_y = true

[[figure]]
id = "against"
kind = "against"
x = "learning_rate"
log_x = true
y = "final_train_loss"

[[claim]]
text = "Small steps are better"
check = { kind = "greater", a = { experiment = "steps", learning_rate = 10.0 }, b = { experiment = "steps", learning_rate = 0.0001 }, y = "train_loss" }
"#;
    let sandbox = sandbox(text);
    let output = sandbox.basin(&["--json", "run", "everything.toml", "--out", "out"]).succeeded().json();
    assert_eq!((&output["tasks"], &output["failed"]), (&6.into(), &0.into()));
    let outcomes = column(&sandbox, "out", "outcome");
    assert_eq!(outcomes, ["completed", "completed", "completed", "diverged", "diverged", "diverged"]);
    assert!(column(&sandbox, "out", "diverged_at")[3..].iter().all(|at| at.parse::<u64>().is_ok()));
    assert!(sandbox.read("out/figures/loss.csv").contains("diverged-run"));
    for figure in ["loss", "against"] {
        let svg = sandbox.read(&format!("out/figures/{figure}.svg"));
        assert!(svg.contains("3 diverged"), "{figure} says what it leaves out");
    }
    let page = sandbox.read("out/index.html");
    assert!(page.contains("stopped being finite at iteration"), "the page says where");
    let claims: serde_json::Value = serde_json::from_str(&sandbox.read("out/claims.json")).unwrap();
    assert!(claims.to_string().contains("undecided"), "nothing is claimed of runs that diverged: {claims}");
}

#[test]
fn a_failed_dependency_blocks_what_needs_it_and_says_so() {
    let text = r#"
name = "everything"
data = { name = "shapes", train_limit = 200, test_limit = 60 }

[[experiment]]
id = "networks"
kind = "classify"
model = { dense = [2000, 2000] }
probes = ["largest_eigenvalue"]             # whose directions need more memory than there may be
probe = { lanczos_steps = 100 }
grid = { batch_size = [32, 100] }
epochs = 1

[[experiment]]
id = "line"
kind = "interpolate"
from = { experiment = "networks", batch_size = 32 }
to = { experiment = "networks", batch_size = 100 }

[[figure]]
id = "line"
kind = "interpolation"
experiment = "line"
y = "train_loss"
"#;
    let sandbox = sandbox(text);
    // On one machine: the report marks both, and says why.
    let output = sandbox.basin(&["run", "everything.toml", "--out", "out"]);
    assert_eq!(output.code, Some(1), "{}", output.err);
    assert!(output.err.contains("would keep a direction of"), "{}", output.err);
    assert_eq!(column(&sandbox, "out", "outcome"), ["failed", "failed", "missing"]);
    let page = sandbox.read("out/index.html");
    assert!(page.contains("it reads the result of"), "the page says what the missing run waits for");
    assert!(sandbox.read("out/figures/line.svg").contains("1 missing"));
    // On a cluster: `basin why` says it.
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &["--state", "cluster-state"]);
    let _worker = sandbox.start("worker", &["worker", "--coordinator", &url, "--threads", "1"]);
    let output =
        sandbox.basin(&["--json", "launch", "everything.toml", "--coordinator", &url]).succeeded().json();
    let sweep = output["sweep"].as_str().unwrap().to_owned();
    let watched = sandbox.basin(&["watch", &sweep, "--coordinator", &url]);
    assert_eq!(watched.code, Some(1), "{}", watched.err);
    let rows = sandbox.read("out/results.csv");
    let blocked =
        rows.lines().find(|line| line.contains(",line,")).unwrap().split(',').next().unwrap().to_owned();
    let why = sandbox.basin(&["why", &blocked, "--coordinator", &url]).succeeded();
    assert!(why.out.contains("upstream-failed") && why.out.contains("which failed"), "{}", why.out);
    let status = sandbox.basin(&["--json", "status", &sweep, "--coordinator", &url]).succeeded().json();
    assert_eq!(
        (&status["counts"]["failed"], &status["counts"]["upstream_failed"]),
        (&2.into(), &1.into()),
        "{status}"
    );
}
