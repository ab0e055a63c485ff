//! The sweep files that come with Basin.

use super::{plan, planned, source};
use crate::claim::{Best, Check, Direction};
use crate::experiment::{Activation, Experiment, Plane, Probe, Search};
use crate::figure::Drawing;
use crate::sweep::{Source, SweepPlan};

pub(super) const SHIPPED: [(&str, &str); 10] = [
    ("homework.toml", include_str!("../../../../../sweeps/homework.toml")),
    ("deep-vs-shallow-function.toml", include_str!("../../../../../sweeps/deep-vs-shallow-function.toml")),
    ("deep-vs-shallow-images.toml", include_str!("../../../../../sweeps/deep-vs-shallow-images.toml")),
    ("weight-trajectories.toml", include_str!("../../../../../sweeps/weight-trajectories.toml")),
    ("gradient-norm.toml", include_str!("../../../../../sweeps/gradient-norm.toml")),
    ("critical-points.toml", include_str!("../../../../../sweeps/critical-points.toml")),
    ("random-labels.toml", include_str!("../../../../../sweeps/random-labels.toml")),
    (
        "parameters-against-generalisation.toml",
        include_str!("../../../../../sweeps/parameters-against-generalisation.toml"),
    ),
    (
        "flatness-against-generalisation.toml",
        include_str!("../../../../../sweeps/flatness-against-generalisation.toml"),
    ),
    ("beyond.toml", include_str!("../../../../../sweeps/beyond.toml")),
];

/// Those that are so little work that they have no profile `quick`.
pub(super) const ALWAYS_QUICK: [&str; 1] = ["critical-points.toml"];

pub(super) fn shipped(file: &str, profile: Option<&str>, overrides: &[&str]) -> SweepPlan {
    let (_, text) = SHIPPED.iter().find(|(name, _)| *name == file).unwrap();
    let overrides = overrides.iter().map(|&text| text.to_owned()).collect();
    plan(&Source { profile: profile.map(str::to_owned), overrides, ..source(text) })
        .unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Training examples seen by all runs of a plan, without those of `fit-function`.
fn images_trained(plan: &SweepPlan) -> u64 {
    let images = |experiment: &Experiment| match experiment {
        Experiment::FitFunction(_)
        | Experiment::CriticalPoint(_)
        | Experiment::Interpolate(_)
        | Experiment::Surface(_) => 0,
        Experiment::Classify(it) => it.data.train_limit.unwrap_or(50_000) * u64::from(it.epochs),
    };
    plan.tasks.iter().map(|task| images(&task.spec.experiment)).sum()
}

/// Steps of the optimiser of all runs of `fit-function`.
fn steps(plan: &SweepPlan) -> u64 {
    let steps = |experiment: &Experiment| match experiment {
        Experiment::FitFunction(it) => {
            u64::from(it.points.div_ceil(it.batch_size.unwrap_or(it.points))) * u64::from(it.epochs)
        }
        _ => 0,
    };
    plan.tasks.iter().map(|task| steps(&task.spec.experiment)).sum()
}

#[test]
fn every_file_expands_in_full_and_quick() {
    for (file, _) in SHIPPED {
        let full = shipped(file, None, &[]);
        assert_eq!(full.name.as_str(), file.trim_end_matches(".toml"));
        if ALWAYS_QUICK.contains(&file) {
            continue;
        }
        let quick = shipped(file, Some("quick"), &[]);
        assert!(quick.tasks.len() <= full.tasks.len(), "{file}");
        assert_eq!(quick.figures, full.figures, "{file}");
        assert_ne!(quick.id, full.id, "{file}");
    }
}

#[test]
fn the_homework_has_its_experiments_figures_and_claims() {
    let plan = shipped("homework.toml", None, &[]);
    let count = |id: &str| plan.tasks.iter().filter(|task| task.experiment.as_str() == id).count();
    let counts = [
        ("functions", 20),
        ("images", 6),
        ("trajectories", 8),
        ("gradient-norm", 3),
        ("critical-points", 100),
        ("random-labels", 15),
        ("architectures", 30),
        ("batch-sizes", 15),
        ("interpolation", 3),
    ];
    for (id, expected) in counts {
        assert_eq!(count(id), expected, "{id}");
    }
    assert_eq!(plan.tasks.len(), counts.iter().map(|(_, count)| count).sum::<usize>());
    let figures: Vec<_> = plan.figures.iter().map(|figure| figure.id.as_str()).collect();
    let expected = [
        "figure-1-training-loss",
        "figure-2-predictions",
        "figure-3-images",
        "figure-4-weights",
        "figure-5-gradient-norm",
        "figure-6-gradient-norms",
        "figure-6-minimal-ratio",
        "figure-random-labels",
        "figure-7-parameters",
        "figure-8-interpolation",
        "figure-9-batch-size",
    ];
    assert_eq!(figures, expected);
    assert_eq!(plan.claims.len(), 10);
    // A hundred runs in the first look too.
    let quick = shipped("homework.toml", Some("quick"), &[]);
    let hundred = quick.tasks.iter().filter(|task| task.experiment.as_str() == "critical-points").count();
    assert_eq!((hundred, quick.claims.len()), (100, 10));
}

#[test]
fn each_experiment_of_the_homework_is_a_file_of_its_own_with_the_same_runs() {
    let homework = shipped("homework.toml", None, &[]);
    let mut alone = Vec::new();
    for (file, _) in &SHIPPED[1..SHIPPED.len() - 1] {
        alone.extend(shipped(file, None, &[]).tasks);
    }
    let of = |tasks: &[crate::task::Task]| tasks.iter().map(|task| task.id).collect::<Vec<_>>();
    assert_eq!(of(&homework.tasks), of(&alone));
}

#[test]
fn the_models_of_the_homework_have_their_parameter_counts() {
    let plan = shipped("homework.toml", Some("quick"), &[]);
    let mut counts: Vec<u64> = Vec::new();
    for task in &plan.tasks {
        let count = match &task.spec.experiment {
            Experiment::FitFunction(it) => it.parameter_count(),
            Experiment::Classify(it) => it.model.parameter_count(3, 32, 10),
            Experiment::CriticalPoint(it) => it.parameter_count(),
            Experiment::Interpolate(_) | Experiment::Surface(_) => continue,
        };
        if !counts.contains(&count) {
            counts.push(count);
        }
    }
    // Experiment G's are those of its ten networks.
    let expected = [
        2_241, 2_209, 275_002, 79_158, 135_610, 37, 268_650, 5_002, 17_962, 35_898, 136_874, 141_930,
        545_098, 564_426, 845_034, 1_163_402, 2_251_146,
    ];
    assert_eq!(counts, expected);
}

#[test]
fn the_quick_homework_is_little_work() {
    let quick = shipped("homework.toml", Some("quick"), &[]);
    // Under five minutes on two cores, measured; a third more would be too much.
    assert!(images_trained(&quick) <= 1_800_000, "{}", images_trained(&quick));
    assert!(steps(&quick) <= 50_000, "{}", steps(&quick));
}

#[test]
fn the_homework_runs_on_real_images() {
    let plan = shipped("homework.toml", Some("quick"), &["data.name=cifar10", "experiment.images.epochs=10"]);
    let names: Vec<_> =
        plan.tasks.iter().filter_map(|task| task.spec.data.as_ref()).map(|data| data.name.as_str()).collect();
    assert_eq!(names, ["cifar10"; 80]);
}

#[test]
fn the_gradient_norm_stands_above_the_loss() {
    let plan = shipped("gradient-norm.toml", None, &[]);
    let [figure] = &plan.figures[..] else { panic!("{:?}", plan.figures) };
    let Drawing::Curves { y, layout, .. } = &figure.drawing else { panic!("{figure:?}") };
    assert_eq!(y, &["gradient_norm", "loss"]);
    assert_eq!(layout.as_str(), "column");
}

const PAGE: &str = include_str!("../../../../../docs/sweep-file.md");

/// The page's blocks of TOML that are whole documents.
fn documents() -> Vec<&'static str> {
    let blocks = PAGE.split("```toml\n").skip(1);
    let blocks = blocks.map(|rest| rest.split_once("```").expect("a block has an end").0);
    blocks.filter(|block| block.starts_with("name = ")).collect()
}

#[test]
fn the_pages_examples_are_valid() {
    let counts: Vec<usize> = documents()
        .into_iter()
        .map(|text| plan(&source(text)).unwrap_or_else(|error| panic!("{error}\n{text}")).tasks.len())
        .collect();
    assert_eq!(counts, [12, 6 + 3 + 4 * 3 * 4, 15]);
    let quick = plan(&Source { profile: Some("quick".to_owned()), ..source(documents()[0]) }).unwrap();
    assert_eq!(quick.tasks.len(), 12);
}

#[test]
fn the_page_names_every_key_and_word() {
    let kinds = crate::sweep::kind::all();
    let keys = kinds.iter().flat_map(|kind| kind.keys()).chain(kinds.iter().map(|kind| kind.name));
    let words = Drawing::KINDS.into_iter().chain(Check::KINDS).chain(Probe::NAMES).chain(crate::data::KNOWN);
    for word in keys.chain(words).chain(crate::sweep::layer::STRUCTURE) {
        assert!(PAGE.contains(&format!("`{word}`")), "{word}");
    }
    let activations = Activation::ALL.map(Activation::as_str);
    let values = Plane::NAMES.into_iter().chain(Search::METHODS).chain(activations);
    let values = values.chain(Direction::ALL.map(Direction::as_str)).chain(Best::ALL.map(Best::as_str));
    for value in values {
        assert!(PAGE.contains(&format!("`\"{value}\"`")), "{value}");
    }
}

#[test]
fn the_page_names_everything_that_a_run_records() {
    let plan = planned(
        &documents()[1]
            .replace("record = {", "probes = PROBES\nrecord = { gradient_norm = true,")
            .replace("PROBES", &format!("{:?}", Probe::NAMES)),
    );
    let function = super::function("hidden = [4]\nepochs = 1");
    let point = function.replace("fit-function", "critical-point");
    let plans = [plan, planned(&function), planned(&point)];
    for experiment in plans.iter().flat_map(|plan| &plan.tasks).map(|task| &task.spec.experiment) {
        for name in experiment.series().into_iter().chain(experiment.numbers()) {
            assert!(PAGE.contains(&format!("`{name}`")), "{name}");
        }
    }
}
