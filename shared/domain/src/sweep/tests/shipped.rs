//! The sweep files that come with Basin.

use super::{plan, planned, source};
use crate::claim::{Best, Check, Direction};
use crate::data::{Contents, DatasetReference, InputKind, SplitSizes, TargetKind};
use crate::digest::Digest;
use crate::experiment::{Activation, Experiment, Plane, Probe, Search};
use crate::figure::Drawing;
use crate::id::DatasetName;
use crate::network::layer::Scale;
use crate::network::{ExampleShape, Layer, Network};
use crate::optimizer::{Muon, OtherRule, Rule};
use crate::sweep::{Source, SweepFile, SweepPlan};

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

/// Those on real images alone, whose data sets are imported first.
const ON_REAL_IMAGES: [(&str, &str); 3] = [
    ("cifar10-94.toml", include_str!("../../../../../sweeps/cifar10-94.toml")),
    ("homework-mnist.toml", include_str!("../../../../../sweeps/homework-mnist.toml")),
    ("resnet-20.toml", include_str!("../../../../../sweeps/resnet-20.toml")),
];

/// Of values, all made by Basin.
const STUDENTS: &str = include_str!("../../../../../sweeps/teacher-student.toml");

/// Runs that begin with the training of others.
const BEGUN: [(&str, &str, usize); 2] = [
    (
        "linear-mode-connectivity",
        include_str!("../../../../../sweeps/linear-mode-connectivity.toml"),
        3 + 36 + 18,
    ),
    ("lottery-tickets", include_str!("../../../../../sweeps/lottery-tickets.toml"), 3 + 81),
];

/// Of networks of growing width, on values.
const WIDTHS: &str = include_str!("../../../../../sweeps/width-transfer.toml");

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
        | Experiment::Regress(_)
        | Experiment::CriticalPoint(_)
        | Experiment::Interpolate(_)
        | Experiment::Surface(_)
        | Experiment::Command(_)
        | Experiment::Custom(_) => 0,
        Experiment::Classify(it) => it.budget.steps(it.data.train_limit.unwrap_or(50_000)),
    };
    plan.tasks.iter().map(|task| images(&task.spec.experiment)).sum()
}

/// Steps of the optimiser of all runs of `fit-function`.
fn steps(plan: &SweepPlan) -> u64 {
    let steps = |experiment: &Experiment| match experiment {
        Experiment::FitFunction(it) => {
            it.budget.steps(u64::from(it.points.div_ceil(it.batch_size.unwrap_or(it.points))))
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
fn a_first_look_is_no_evidence_and_the_full_sweep_is() {
    let files = SHIPPED.into_iter().chain(ON_REAL_IMAGES).chain([("teacher-student.toml", STUDENTS)]);
    for (file, text) in files.filter(|(file, _)| !ALWAYS_QUICK.contains(file)) {
        let under = |profile: Option<&str>| {
            SweepFile::parse(&Source { profile: profile.map(str::to_owned), ..source(text) })
                .unwrap()
                .is_evidence()
        };
        assert!(under(None) && !under(Some("quick")), "{file}");
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
        "figure-6-index",
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
            Experiment::Classify(it) => it.model.conv_net().unwrap().parameter_count(3, 32, 10),
            Experiment::CriticalPoint(it) => it.parameter_count(),
            Experiment::Regress(_)
            | Experiment::Interpolate(_)
            | Experiment::Surface(_)
            | Experiment::Command(_)
            | Experiment::Custom(_) => continue,
        };
        if !counts.contains(&count) {
            counts.push(count);
        }
    }
    // Experiment G's are those of its ten networks.
    let expected = [
        2_241, 2_209, 275_002, 79_158, 135_610, 7, 268_650, 5_002, 17_962, 35_898, 136_874, 141_930, 545_098,
        564_426, 845_034, 1_163_402, 2_251_146,
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

/// A plan on data sets whose contents are known.
fn on_real_images(file: &str, profile: Option<&str>) -> SweepPlan {
    let (_, text) = ON_REAL_IMAGES.iter().find(|(name, _)| *name == file).unwrap();
    let source = Source { profile: profile.map(str::to_owned), ..source(text) };
    let data = [("mnist", [1, 28, 28], 60_000), ("cifar10", [3, 32, 32], 50_000)];
    let data = data.map(|(name, shape, train)| {
        let contents = Contents {
            sizes: SplitSizes { train, test: 10_000 },
            example: InputKind::Image(shape),
            target: TargetKind::Classes(10),
        };
        (DatasetReference::from(DatasetName::new(name).unwrap()), contents)
    });
    let digests = data.iter().map(|(it, _)| (it.clone(), Digest::of(it.to_string().as_bytes()))).collect();
    let parsed = SweepFile::parse(&source).unwrap_or_else(|error| panic!("{file}: {error}"));
    let known = parsed.with_contents(data.into());
    known.expand(&digests, 10_000).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn the_students_expand_in_full_and_quick() {
    let full = planned(STUDENTS);
    let quick = plan(&Source { profile: Some("quick".to_owned()), ..source(STUDENTS) }).unwrap();
    assert_eq!((full.name.as_str(), full.tasks.len(), quick.tasks.len()), ("teacher-student", 19, 19));
    assert_eq!(full.figures, quick.figures);
    let kinds: Vec<&str> = full.tasks.iter().map(|task| task.spec.experiment.kind()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "regress").count(), 18);
    assert_eq!(kinds.last(), Some(&"surface"));
}

#[test]
fn the_files_of_branches_and_tickets_expand_in_full_and_quick() {
    for (name, text, tasks) in BEGUN {
        let full = planned(text);
        let quick = plan(&Source { profile: Some("quick".to_owned()), ..source(text) }).unwrap();
        assert_eq!((full.name.as_str(), full.tasks.len()), (name, tasks));
        assert_eq!((&quick.figures, quick.claims.len()), (&full.figures, 1));
        let is_begun = |task: &&crate::task::Task| {
            let inputs = &task.spec.inputs;
            inputs.contains_key("start") || inputs.contains_key("trained")
        };
        assert!(quick.tasks.iter().filter(is_begun).count() >= 20, "{name}");
    }
}

#[test]
fn the_widths_expand_in_full_and_quick_in_both_parametrisations() {
    let full = planned(WIDTHS);
    let quick = plan(&Source { profile: Some("quick".to_owned()), ..source(WIDTHS) }).unwrap();
    assert_eq!((full.name.as_str(), full.tasks.len(), quick.tasks.len()), ("width-transfer", 300, 150));
    assert_eq!((full.figures.len(), full.claims.len()), (1, 2));
    assert_eq!((&full.figures, &full.claims), (&quick.figures, &quick.claims));
    let of = |id: &str| full.tasks.iter().filter(|task| task.experiment.as_str() == id).count();
    assert_eq!([of("standard"), of("mup")], [150, 150]);
}

#[test]
fn the_files_on_real_images_expand_in_full_and_quick() {
    for (file, _) in ON_REAL_IMAGES {
        let (full, quick) = (on_real_images(file, None), on_real_images(file, Some("quick")));
        assert_eq!(full.name.as_str(), file.trim_end_matches(".toml"));
        assert_eq!(quick.figures, full.figures, "{file}");
        assert_ne!(quick.id, full.id, "{file}");
    }
    let homework = on_real_images("homework-mnist.toml", None);
    let fits = homework.tasks.iter().filter(|task| task.experiment.as_str() == "functions");
    let mut sizes: Vec<u64> =
        fits.map(|task| task.spec.experiment.graph(None).unwrap().unwrap().parameter_count()).collect();
    sizes.sort_unstable();
    sizes.dedup();
    assert_eq!(sizes, [571, 572], "three depths of equal size");
}

#[test]
fn the_speed_run_has_the_network_and_the_steps_of_its_source() {
    let plan = on_real_images("cifar10-94.toml", None);
    assert_eq!((plan.tasks.len(), plan.claims.len()), (5, 1));
    let Experiment::Classify(it) = &plan.tasks[0].spec.experiment else { panic!("it classifies") };
    assert_eq!(it.budget.steps(25), 250);
    let cifar = ExampleShape::Image { channels: 3, height: 32, width: 32 };
    let graph = it.model.graph(&cifar, 10).unwrap();
    let filters = 9 * (24 * 64 + 64 * 64 + 64 * 256 + 3 * 256 * 256);
    assert_eq!(graph.parameter_count(), filters + 24 + 2 * 64 + 4 * 256 + 10 * 256);
    let products =
        961 * 24 * 12 + 9 * (961 * 24 * 64 + 225 * (64 * 64 + 64 * 256) + (2 * 49 + 9) * 256 * 256);
    assert_eq!(graph.flops(), 2 * (products + 10 * 256));
    // A step of the output's weights W behind a factor s is one of sW of s² times the size, and so are the steps of the source.
    let Rule::Muon(Muon { others: OtherRule::Sgd(sgd), .. }) = it.training.optimizer.rule else {
        panic!("{:?}", it.training.optimizer)
    };
    let Layer::Scale(Scale { factor }) = layers_of(&it.model).last().unwrap() else {
        panic!("{:?}", it.model)
    };
    let (own, source) = (sgd.learning_rate * factor * factor, 0.67 * 2000.0 / (256.0 * 256.0));
    assert!((own / source - 1.0).abs() < 1e-3, "{own} against {source}");
    assert!((sgd.learning_rate * sgd.weight_decay / (2e-6 * 2000.0) - 1.0).abs() < 1e-3);
}

/// The layers of a network that lists them.
fn layers_of(network: &Network) -> &[Layer] {
    match network {
        Network::Layers(list) => &list.layers,
        other => panic!("{other:?}"),
    }
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
    assert_eq!(counts, [12, 1 + 2 + 1, 6 + 3 + 4 * 3 * 4, 15, 20]);
    let quick = plan(&Source { profile: Some("quick".to_owned()), ..source(documents()[0]) }).unwrap();
    assert_eq!(quick.tasks.len(), 12);
}

#[test]
fn the_page_names_every_key_and_word() {
    let kinds = crate::sweep::kind::all();
    let keys = kinds.iter().flat_map(|kind| kind.keys()).chain(kinds.iter().map(|kind| kind.name));
    let words =
        Drawing::KINDS.into_iter().chain(Check::KINDS).chain(Probe::NAMES).chain(crate::data::known_names());
    for word in keys.chain(words).chain(crate::sweep::layer::STRUCTURE) {
        assert!(PAGE.contains(&format!("`{word}`")), "{word}");
    }
    let families = crate::network::Family::NAMES.into_iter();
    let layers = crate::sweep::network::layer_names().chain(crate::sweep::network::layer_settings());
    for word in families.chain(layers) {
        assert!(PAGE.contains(&format!("`{word}`")), "{word}");
    }
    let activations = Activation::ALL.map(Activation::as_str);
    let values = Plane::NAMES.into_iter().chain(Search::METHODS).chain(activations);
    let optimizers = ["adam", "sgd", "adamw", "rmsprop", "lion", "muon", "all", "weights"];
    let values = values.chain(optimizers).chain(crate::optimizer::WeightAverage::METHODS);
    let values = values.chain(["cross-entropy", "mean-squared-error", "huber"]);
    let values = values.chain(crate::network::Initialization::NAMES).chain(["standard", "mup"]);
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
    let plans = [plan, planned(&function), planned(&point), planned(STUDENTS)];
    for experiment in plans.iter().flat_map(|plan| &plan.tasks).map(|task| &task.spec.experiment) {
        for name in experiment.series().into_iter().chain(experiment.numbers()) {
            assert!(PAGE.contains(&format!("`{name}`")), "{name}");
        }
    }
}
