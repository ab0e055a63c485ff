//! Tests of the sweep file as a whole.

use super::{Datasets, Source, SweepErrors, SweepFile, SweepPlan};
use crate::digest::Digest;

mod branches;
mod canonical;
mod claimed_points;
mod claims;
mod commands;
mod custom_kinds;
mod errors;
mod expansion;
mod figures;
mod frozen;
mod functions;
mod kinds;
mod layers;
mod losses;
mod made_data;
mod networks;
mod networks_refused;
mod notes;
mod precedence;
mod probes;
mod properties;
mod pruning;
mod random;
mod references;
mod requirements;
mod shipped;
mod surfaces;
mod training_time;
mod varied_claims;

/// A sweep file that is right: each test of an error spoils it in one place.
const VALID: &str = r#"name = "sample"
data = { name = "shapes" }

[defaults]
learning_rate = 1e-3

[[experiment]]
id = "images"
kind = "classify"
model = { conv = [12, 32], dense = [128] }
batch_size = 64
epochs = 3
grid = { optimizer = ["adam", "sgd"] }

[[experiment]]
id = "function"
kind = "fit-function"
function = "sin"
hidden = [32, 64]
interval = [-3.0, 3.0]
points = 128
epochs = 10

[[figure]]
kind = "curves"
experiment = "images"
y = ["train_loss", "test_loss"]
group = "optimizer"

[profile.quick.experiment.images]
epochs = 1
"#;

/// Networks that keep their weights, for experiments that read them and figures that draw them.
const TRAINED: &str = r#"name = "trained"

[[experiment]]
id = "images"
kind = "classify"
data = { name = "shapes" }
model = { conv = [4], dense = [8] }
epochs = 3
record = { weights_every = 1 }
seeds = 2
grid = { batch_size = [64, 128, 1024] }
"#;

/// [`TRAINED`] with these lines after it.
fn trained(lines: &str) -> String {
    format!("{TRAINED}\n{lines}\n")
}

/// [`TRAINED`] with an interpolation of these lines: they begin on line 16.
fn line(lines: &str) -> String {
    trained(&format!("[[experiment]]\nid = \"line\"\nkind = \"interpolate\"\n{lines}"))
}

/// [`TRAINED`] with a surface of these lines: they begin on line 16.
fn plane(lines: &str) -> String {
    trained(&format!("[[experiment]]\nid = \"plane\"\nkind = \"surface\"\n{lines}"))
}

/// The error of a text: `nothing` if it is right.
fn error_of(text: &str) -> String {
    plan(&source(text)).map_or_else(|error| shown(&error), |_| "nothing".to_owned())
}

/// Compares the error of each text made of `lines` with the expected one.
fn each_has_the_error(text: impl Fn(&str) -> String, cases: &[(&str, &str)]) {
    let mut differences = String::new();
    for (lines, expected) in cases {
        let error = error_of(&text(lines));
        if error != *expected {
            differences += &format!("\n{lines}\nerror: {error}\nexpected: {expected}\n");
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

fn source(text: &str) -> Source {
    Source {
        file: "x.toml".to_owned(),
        text: text.to_owned(),
        profile: None,
        overrides: Vec::new(),
        kinds: Vec::new(),
    }
}

fn with_overrides(text: &str, overrides: &[&str]) -> Source {
    Source { overrides: overrides.iter().map(|&text| text.to_owned()).collect(), ..source(text) }
}

fn datasets() -> Datasets {
    let names = ["cifar10", "fashion-mnist"];
    names.map(|name| (name.parse().unwrap(), Digest::of(name.as_bytes()))).into()
}

fn plan(source: &Source) -> Result<SweepPlan, SweepErrors> {
    SweepFile::parse(source)?.expand(&datasets(), 10_000)
}

fn planned(text: &str) -> SweepPlan {
    plan(&source(text)).unwrap()
}

/// Errors, each with its hint.
fn shown(errors: &SweepErrors) -> String {
    let shown = |error: &super::SweepError| match &error.hint {
        Some(hint) => format!("{error}\nhint: {hint}"),
        None => error.to_string(),
    };
    errors.iter().map(shown).collect::<Vec<_>>().join("\n")
}

/// An experiment of kind `fit-function` with these lines added.
fn function(lines: &str) -> String {
    format!(
        "name = \"f\"\n[[experiment]]\nid = \"f\"\nkind = \"fit-function\"\nfunction = \"sin\"\ninterval = [-3, 3]\npoints = 8\n{lines}\n"
    )
}

/// Each task as `experiment(name value, …) seed n`.
fn tasks(plan: &SweepPlan) -> Vec<String> {
    let task = |task: &crate::task::Task| {
        let point: Vec<_> = task.point.iter().map(|(name, value)| format!("{name} {value}")).collect();
        format!("{}({}) seed {}", task.experiment, point.join(", "), task.spec.seed)
    };
    plan.tasks.iter().map(task).collect()
}
