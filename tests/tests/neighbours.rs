//! Other programs: they read what is exported, and their sweeps are imported, planned and run.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]
#![allow(clippy::print_stderr, reason = "a test that does not run says so")]

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use basin_domain::sweep::{Datasets, Source, SweepFile};
use basin_tests::{CommandOutput, Sandbox, blocks};

const READ_EXPORTS: &str = include_str!("neighbours/read_exports.py");
const HYDRA_POINTS: &str = include_str!("neighbours/hydra_points.py");
const WITH_ARGUMENTS: &str = include_str!("../../docs/examples/command/with_arguments.py");

/// Every axis that a series may be against, an epoch that isn't whole, a name that is against two axes, and a run that diverges.
const SWEEP: &str = r#"
name = "neighbours"
data = { name = "shapes", train_limit = 64, test_limit = 32 }

[[experiment]]
id = "fit"
kind = "fit-function"
function = "sin"
interval = [-3, 3]
points = 32
epochs = 3
seeds = 2
grid = { hidden = [[4], [8]] }

[[experiment]]
id = "steep"
kind = "fit-function"
function = "sin"
interval = [-3, 3]
points = 32
hidden = [8]
epochs = 50
optimizer = "sgd"
learning_rate = 1e6

[[experiment]]
id = "often"
kind = "fit-function"
function = "sin"
interval = [-3, 3]
points = 32
hidden = [4]
epochs = 2
batch_size = 8
record = { every = { steps = 2 }, gradient_norm = true }

[[experiment]]
id = "images"
kind = "classify"
model = { conv = [4], dense = [8] }
batch_size = 16
steps = 7

[[claim]]
text = "Wider networks end lower"
check = { kind = "greater", a = { experiment = "fit", hidden = [4] }, b = { experiment = "fit", hidden = [8] }, y = "train_loss" }
"#;

/// The Python with the programs that read exports, if there is one.
fn python() -> Option<String> {
    let python = std::env::var("BASIN_TEST_PYTHON_EXPORTS").ok();
    if python.is_none() {
        eprintln!(
            "NOT RUN: BASIN_TEST_PYTHON_EXPORTS names no Python with tensorboard, mlflow-skinny, wandb, hydra-core, pandas, polars and duckdb"
        );
    }
    python
}

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"))
}

/// Runs a program of Python to its end.
#[track_caller]
fn run(mut command: Command) -> CommandOutput {
    CommandOutput::of(&command.output().unwrap()).succeeded()
}

#[test]
fn every_export_is_read_by_its_own_program_and_has_every_value() {
    let sandbox = sandbox().with_file("sweep.toml", SWEEP).with_file("read.py", READ_EXPORTS);
    sandbox.basin(&["run", "sweep.toml", "--store", "store"]).succeeded();
    sandbox.basin(&["collect", "neighbours", "--out", "out", "--store", "store"]).succeeded();
    for format in ["tensorboard", "mlflow", "wandb-offline", "csv"] {
        let exported =
            sandbox.basin(&["--json", "export", format, "neighbours", "--out", "out", "--store", "store"]);
        assert_eq!(exported.succeeded().json()["runs"], 7, "{format}");
    }
    let Some(python) = python() else { return };
    let read = run(sandbox.command_of(&python, &["read.py", "out"]));
    assert!(read.out.contains("tensorboard: 7 runs in 5 groups\n"), "{}", read.out);
    assert!(read.out.contains("mlflow: 7 runs in 4 experiments\n"), "{}", read.out);
    assert!(read.out.contains("wandb: 7 runs\n"), "{}", read.out);
    assert!(read.out.contains("csv: 7 rows\n"), "{}", read.out);
    let page = include_str!("../../docs/neighbours.md");
    sandbox.write("out/page.py", &blocks(page, "```python")[0]);
    let mut command = sandbox.command_of(&python, &["page.py"]);
    command.current_dir(sandbox.path().join("out"));
    assert!(run(command).out.starts_with("7 "), "a row a run");
}

#[test]
fn an_export_says_what_it_leaves_out_and_is_made_again_in_its_place() {
    let sandbox = sandbox().with_file("sweep.toml", SWEEP);
    sandbox.basin(&["run", "sweep.toml", "--store", "store", "--out", "out"]).succeeded();
    let export = |arguments: &[&str]| {
        sandbox.basin(
            &[&["export"][..], arguments, &["neighbours", "--out", "out", "--store", "store"]].concat(),
        )
    };
    let first = export(&["mlflow"]).succeeded();
    assert_eq!(first.out, "out/mlruns: 7 runs\n");
    for said in [
        "left out, since they are against no steps but inputs: prediction, target\n",
        "stands at the next one that is: ",
        "MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri out/mlruns",
    ] {
        assert!(first.err.contains(said), "{said} is not in:\n{}", first.err);
    }
    let before = sandbox.tables("out");
    // MLflow's own, which it makes when it opens the folder.
    std::fs::create_dir(sandbox.path().join("out/mlruns/.trash")).unwrap();
    export(&["mlflow"]).succeeded();
    assert_eq!(sandbox.tables("out"), before, "the same bytes, the report's among them");
    assert!(sandbox.path().join("out/mlruns/.trash").exists());
    let refused = sandbox.basin(&["export", "csv", "neighbours", "--out", ".", "--store", "store"]);
    assert_eq!(refused.code, Some(1), "{}", refused.err);
    assert!(refused.err.starts_with("error: cannot write to .\n"), "{}", refused.err);
}

/// The examples of one program: names and texts.
macro_rules! examples {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("../../coordinator/cli/src/import/examples/", $name, ".yaml")))),*]
    };
}

#[test]
fn whatever_is_imported_can_be_planned_and_says_what_is_missing() {
    let sandbox = sandbox();
    let all = examples!["wandb-grid" "wandb-random" "wandb-bayes" "wandb-nested" "wandb-distributions"
        "hydra-basic" "hydra-groups" "hydra-optuna" "hydra-values" "hydra-tables"];
    for (name, yaml) in all {
        let (file, out) = (format!("{name}.yaml"), format!("{name}.toml"));
        sandbox.write(&file, yaml);
        let program = if name.starts_with("wandb") { "wandb-sweep" } else { "hydra" };
        let imported = sandbox.basin(&["--json", "import", program, &file, "--out", &out]).succeeded();
        let value = imported.json();
        let plan = sandbox.basin(&["--json", "plan", &out]).succeeded().json();
        assert_eq!(value["runs"], plan["tasks"], "{name}");
        let left_out = value["left_out"].as_array().unwrap();
        assert_eq!(value["complete"], left_out.is_empty(), "{name}");
        for note in left_out {
            let what = note["what"].as_str().unwrap();
            assert!(
                imported.err.contains("not carried over: ") && sandbox.read(&out).contains(what),
                "{what}"
            );
        }
        let again = sandbox.basin(&["import", program, &file, "--out", &out]);
        assert_eq!(again.code, Some(1));
        assert!(again.err.contains(&format!("{out} is there already")), "{}", again.err);
    }
}

#[test]
fn what_cannot_be_imported_leaves_no_file_and_says_the_line() {
    let sandbox = sandbox()
        .with_file("wrong.yaml", "method: grid\nparameters:\n  x: {min: 0.0, max: 1.0}\n")
        .with_file("torn.yaml", "method: [grid\n");
    for (arguments, cause) in [
        (
            &["import", "wandb-sweep", "wrong.yaml"][..],
            "line 3: `x` is of the distribution uniform, over which no grid goes",
        ),
        (&["import", "wandb-sweep", "torn.yaml"], "line "),
        (&["import", "hydra", "a=[1"], "`a=[1`: a `,` is missing"),
        // A parameter is no value and table at once.
        (&["import", "hydra", "a=1,2", "a.b=1"], "`parameters.a"),
    ] {
        let failed = sandbox.basin(arguments);
        assert_eq!(failed.code, Some(1), "{}", failed.err);
        assert!(failed.err.contains(cause), "{cause} is not in:\n{}", failed.err);
    }
    let left: Vec<_> =
        std::fs::read_dir(sandbox.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".toml")), "{left:?}");
}

/// A program as it is started by Weights & Biases, which has learned to say what it measures.
const TRAIN: &str = r#"
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--optimizer")
parser.add_argument("--learning_rate", type=float)
parser.add_argument("--batch_size", type=int)
parser.add_argument("--epochs", type=int)
parser.add_argument("--augment")
arguments = parser.parse_args()
assert arguments.augment == "True" and arguments.optimizer in ("adam", "sgd")
for epoch in range(arguments.epochs):
    log(epoch, val_loss=arguments.learning_rate / (epoch + 1))
"#;

#[test]
fn an_imported_sweep_runs_its_program_with_arguments_as_before() {
    let page = include_str!("../../docs/neighbours.md");
    let sandbox = sandbox();
    let [(_, yaml)] = examples!["wandb-grid"];
    sandbox.write("sweep.yaml", yaml);
    sandbox.write("train.py", &format!("{}\n{TRAIN}", blocks(page, "```python")[1]));
    let train = sandbox.path().join("train.py");
    sandbox.write("program", &WITH_ARGUMENTS.replace("/path/to/train.py", &train.to_string_lossy()));
    let program = sandbox.path().join("program");
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
    sandbox.basin(&["import", "wandb-sweep", "sweep.yaml"]).succeeded();
    let run = ["run", "train.toml", "--allow-command", "train=program", "--out", "out"];
    sandbox.basin(&run).succeeded();
    let results = sandbox.read("out/results.csv");
    assert_eq!(results.lines().count(), 1 + 12, "{results}");
    assert!(results.lines().nth(1).unwrap().ends_with(",0.0002"), "{results}");
}

#[test]
fn a_grid_of_hydra_has_the_points_that_hydra_runs() {
    let Some(python) = python() else { return };
    let sweeps: [&[&str]; 5] = [
        &["lr=0.1,0.01", "model.depth=range(1,5,2)", "optimizer=choice(adam,sgd)", "epochs=3"],
        &["a='x, y',z", "b=true,false", "c=[1,2],[3]", "+d=1e-3,2"],
        &["s=sort(3,1,2,reverse=true)", "r=range(0,1,0.25)", "n=range(3,0,-1)"],
        &["i=int(1.0,2.7)", "f=float(range(1,3))", "t=str(choice(a,b))", "w=a b,c\\,d"],
        &["a=1,2", "b=5,6", "a=7,8", "b=9"],
    ];
    let sandbox = sandbox().with_file("points.py", HYDRA_POINTS);
    for (number, overrides) in sweeps.iter().enumerate() {
        let out = format!("{number}.toml");
        sandbox.basin(&[&["import", "hydra"][..], *overrides, &["--out", &out]].concat()).succeeded();
        let source = Source {
            file: out.clone(),
            text: sandbox.read(&out),
            profile: None,
            overrides: Vec::new(),
            kinds: Vec::new(),
        };
        let plan = SweepFile::parse(&source).unwrap().expand(&Datasets::new(), 1_000).unwrap();
        let points: Vec<_> =
            plan.tasks.iter().map(|task| serde_json::to_value(&task.spec.experiment).unwrap()).collect();
        let given = serde_json::json!({ "overrides": overrides, "runs": points });
        sandbox.write("given.json", &given.to_string());
        run(sandbox.command_of(&python, &["points.py", "given.json"]));
    }
}
