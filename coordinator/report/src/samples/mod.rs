//! Made-up results that look like real ones, for the tests and the preview of the report.

pub(crate) mod lines;
pub(crate) mod points;
pub(crate) mod stored;
pub(crate) mod weights;

use std::collections::BTreeMap;

use basin_domain::claim::{Analysis, Best, Check, Claim, Direction, Selection};
use basin_domain::data::{Augmentation, DataUse};
use basin_domain::digest::Digest;
use basin_domain::experiment::{
    Activation, Classify, ConvNet, CriticalPoint, Experiment, FitFunction, Function, MinimalRatio, Polish,
    Recording, Search, SearchStart, StreamSeeds, TrainingSettings, TrainingTime,
};
use basin_domain::failure::{Failure, FailureKind};
use basin_domain::figure::{Drawing, Figure, Layout};
use basin_domain::id::{Attempt, ExperimentId, FigureId, LeaseId, TaskId, WorkerId};
use basin_domain::key;
use basin_domain::metrics::{Axis, Metrics, Outcome};
use basin_domain::optimizer::Optimizer;
use basin_domain::task::{Task, TaskSpec};
use basin_domain::value::Value;
use basin_storage::{Artifact, Contents, Manifest, Provenance};

use crate::{Run, RunState};

/// Numbers that look random and are the same everywhere (splitmix64: Steele, Lea & Flood 2014).
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Between 0 and 1.
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as f64 / u64::MAX as f64
    }

    /// About normal, with deviation 1.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

pub(crate) fn run(
    experiment: &str,
    point: &[(&str, Value)],
    spec: Experiment,
    seed: u64,
    state: RunState,
) -> Run {
    let version = spec.version();
    let spec = TaskSpec { experiment: spec, version, seed, data: None, inputs: BTreeMap::new() };
    let point = point.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let task = Task { id: spec.id(), experiment: ExperimentId::new(experiment).unwrap(), point, spec };
    Run { task, declaration: None, test_examples: None, data: None, state }
}

pub(crate) fn committed(spec: &Experiment, outcome: Outcome, record: Metrics) -> RunState {
    let metrics = basin_storage::metrics::encode(&record);
    let artifact =
        |name: &str, bytes: &[u8]| Artifact { name: name.to_owned(), contents: Contents::of(bytes) };
    let manifest = Manifest {
        task: TaskId(Digest::of(spec.kind().as_bytes())),
        attempt: Attempt(1),
        lease: LeaseId::new("lease-1").unwrap(),
        worker: WorkerId::new("worker-1").unwrap(),
        outcome,
        artifacts: vec![artifact(key::METRICS, &metrics), artifact(key::RESULT, b"weights")],
        provenance: Provenance {
            host: "node-7".to_owned(),
            device: "cpu".to_owned(),
            code_path: "avx512".to_owned(),
            threads: 2,
            basin_version: "0.1.0".to_owned(),
            started_unix_ms: 1_700_000_000_000,
            finished_unix_ms: 1_700_000_012_500,
            steps: 600,
            lanes: 1,
            ..Provenance::default()
        },
    };
    RunState::Committed {
        metrics: record,
        commit: manifest.commit().unwrap(),
        manifest: Some(Box::new(manifest)),
    }
}

/// Changes what a committed run measured, and its commit with it.
#[cfg(test)]
pub(crate) fn measure(run: &mut Run, change: impl FnOnce(&mut Metrics)) {
    let RunState::Committed { metrics: record, commit, .. } = &mut run.state else { return };
    change(record);
    commit.metrics = Digest::of(&basin_storage::metrics::encode(record));
}

fn list(widths: &[u32]) -> Value {
    Value::List(widths.iter().map(|&width| Value::Integer(i64::from(width))).collect())
}

/// A search for critical points as experiment E asks for.
pub(crate) fn critical_point() -> Experiment {
    Experiment::CriticalPoint(CriticalPoint {
        function: Function::Sin,
        hidden: vec![12],
        activation: Activation::Tanh,
        interval: (-3.0, 3.0),
        points: 64,
        epochs: 60,
        optimizer: Optimizer::adam(1e-2),
        search: Search::LevenbergMarquardt,
        threshold: 1e-5,
        iterations: 1_000,
        minimal_ratio: MinimalRatio { near_zero: 0.1, positive: 1e-6, radius: 0.1, samples: 1_000 },
        initial_scale: 1.0,
        start: SearchStart::Last,
        polish: Polish::default(),
        zero: CriticalPoint::ZERO,
    })
}

/// Experiment A: two functions, two networks, `seeds` seeds; one run of the deeper network on x³ diverged, one is
/// missing.
pub(crate) fn functions(seeds: u64) -> Vec<Run> {
    let mut runs = Vec::new();
    for function in [Function::Sin, Function::Cube] {
        for hidden in [&[32, 64][..], &[32, 32, 32]] {
            for seed in 0..seeds {
                let parameters = FitFunction {
                    function: function.clone(),
                    hidden: hidden.to_vec(),
                    model: None,
                    interval: (-3.0, 3.0),
                    points: 201,
                    layout: Default::default(),
                    seeds: Default::default(),
                    batch_size: Some(32),
                    budget: TrainingTime::Epochs(600),
                    loss: Default::default(),
                    training: TrainingSettings::of(Optimizer::adam(1e-3)),
                };
                let spec = Experiment::FitFunction(parameters.clone());
                let is_odd_one = function == Function::Cube && hidden.len() == 3;
                let state = if is_odd_one && seed == 3 {
                    committed(&spec, Outcome::Diverged { iteration: 123 }, fit(&parameters, seed, Some(123)))
                } else if is_odd_one && seed == 4 {
                    RunState::Missing
                } else {
                    committed(&spec, Outcome::Completed, fit(&parameters, seed, None))
                };
                let point = [("function", Value::Text(function.to_string())), ("hidden", list(hidden))];
                runs.push(run("functions", &point, spec, seed, state));
            }
        }
    }
    runs
}

fn fit(parameters: &FitFunction, seed: u64, diverges: Option<u32>) -> Metrics {
    let TrainingTime::Epochs(epochs) = parameters.budget else { return Metrics::default() };
    let mut record = Metrics::default();
    let mut noise = Noise::new(seed * 31 + parameters.hidden.len() as u64);
    let scale = if parameters.function == Function::Cube { 60.0 } else { 0.6 };
    let speed = 0.02 + 0.01 * parameters.hidden.len() as f64 + 0.004 * noise.normal();
    for epoch in 0..=epochs {
        let t = f64::from(epoch);
        let loss = scale
            * ((-speed * t).exp() + 4e-4 / (1.0 + 0.01 * t))
            * (0.25 * noise.normal() * (t / 300.0).min(1.0)).exp();
        if diverges == Some(epoch) {
            record.push("train_loss", Axis::Epoch, t, f64::NAN);
            break;
        }
        let blow_up = diverges.map_or(1.0, |end| (0.25 * (t + 40.0 - f64::from(end)).max(0.0)).exp());
        record.push("train_loss", Axis::Epoch, t, loss * blow_up);
    }
    let (bend, shift) = (0.02 * noise.normal(), 0.03 * noise.normal());
    for i in 0..=200 {
        let x = -3.0 + 6.0 * f64::from(i) / 200.0;
        let target = parameters.function.at(x);
        let size = if parameters.function == Function::Cube { 12.0 } else { 1.0 };
        record.push("target", Axis::Input, x, target);
        if diverges.is_none() {
            let error = size * (bend * (2.0 * x + f64::from(seed as u32)).sin() + shift * (x / 3.0).powi(4));
            record.push("prediction", Axis::Input, x, target + error);
        }
    }
    record.set("parameters", parameters.parameter_count() as f64);
    record
}

/// Experiments B and D: two convolutional networks, with the gradient norm at each of `iterations` iterations.
pub(crate) fn images(seeds: u64, iterations: u32) -> Vec<Run> {
    let mut runs = Vec::new();
    for (experiment, conv) in [("shallow", &[12, 32][..]), ("deep", &[8, 12, 32])] {
        for seed in 0..seeds {
            let parameters = Classify {
                model: ConvNet { conv: conv.to_vec(), kernel: 3, dense: vec![128, 64] }.into(),
                data: DataUse::default(),
                augmentation: Augmentation::default(),
                seeds: StreamSeeds::default(),
                batch_size: 64,
                budget: TrainingTime::Epochs(30),
                loss: Default::default(),
                training: TrainingSettings {
                    record: Recording { gradient_norm: true, ..Recording::default() },
                    ..TrainingSettings::of(Optimizer::adam(1e-3))
                },
            };
            let spec = Experiment::Classify(parameters.clone());
            let state = if experiment == "deep" && seed == 1 && seeds > 2 {
                RunState::Failed(Some(Failure::new(
                    FailureKind::OutOfMemory,
                    "the device had 2 GiB left; <b>4 GiB</b> were needed",
                )))
            } else {
                committed(&spec, Outcome::Completed, classified(&parameters, seed, iterations))
            };
            runs.push(run(experiment, &[], spec, seed, state));
        }
    }
    runs
}

/// The convolutions and dense layers of a sample.
fn stack(parameters: &Classify) -> &ConvNet {
    parameters.model.conv_net().expect("samples are stacks of convolutions and dense layers")
}

fn classified(parameters: &Classify, seed: u64, iterations: u32) -> Metrics {
    let TrainingTime::Epochs(epochs) = parameters.budget else { return Metrics::default() };
    let mut record = Metrics::default();
    let depth = stack(parameters).conv.len() as f64;
    let mut noise = Noise::new(seed * 17 + stack(parameters).conv.len() as u64);
    for epoch in 0..=epochs {
        let t = f64::from(epoch);
        let loss = 2.303 * (-t / (4.0 + 3.0 * depth)).exp()
            + 0.12 * depth * (1.0 - (-t / 9.0).exp())
            + 0.012 * noise.normal();
        record.push("train_loss", Axis::Epoch, t, loss);
        record.push("test_loss", Axis::Epoch, t, loss + 0.02 * t + 0.02 * noise.normal());
        let accuracy =
            0.1 + 0.88 * (1.0 - (-t / (5.0 + depth)).exp()) - 0.04 * depth + 0.004 * noise.normal();
        record.push("train_accuracy", Axis::Epoch, t, accuracy);
        record.push("test_accuracy", Axis::Epoch, t, 0.1 + (accuracy - 0.1) * 0.8);
    }
    for iteration in 1..=iterations {
        let t = f64::from(iteration) / f64::from(iterations);
        let norm = (1.2 + 1.5 * t + 0.6 * (8.0 * t).sin() * t) * (0.45 * noise.normal()).exp() / depth;
        record.push("gradient_norm", Axis::Iteration, f64::from(iteration), norm);
        let loss = 2.3 * (-4.0 * t).exp() + 0.25 + 0.18 * noise.normal() * (0.4 + (-3.0 * t).exp());
        record.push("loss", Axis::Iteration, f64::from(iteration), loss.abs());
    }
    record.set("parameters", stack(parameters).parameter_count(3, 32, 10) as f64);
    record
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn experiments(ids: &[&str]) -> Vec<ExperimentId> {
    ids.iter().map(|&id| ExperimentId::new(id).unwrap()).collect()
}

fn curves(y: &[&str], log_y: &[&str], layout: Layout) -> Drawing {
    Drawing::Curves { y: words(y), group: vec![], log_y: words(log_y), layout, each: false }
}

/// A figure of one experiment.
fn figure(id: &str, title: &str, of: &str, drawing: Drawing) -> Figure {
    Figure {
        id: FigureId::new(id).unwrap(),
        title: title.to_owned(),
        experiments: experiments(&[of]),
        facet: None,
        middle: None,
        drawing,
    }
}

/// Figures 1, 2, 3 and 5 of the homework.
pub(crate) fn figures() -> Vec<Figure> {
    let faceted = |id: &str, title: &str, of: &str, drawing| Figure {
        facet: Some("function".to_owned()),
        ..figure(id, title, of, drawing)
    };
    vec![
        faceted(
            "1-fit-loss",
            "Fitting a function: training loss",
            "functions",
            curves(&["train_loss"], &["train_loss"], Layout::Row),
        ),
        faceted(
            "2-predictions",
            "Fitting a function: predictions and their errors",
            "functions",
            Drawing::Predictions,
        ),
        Figure {
            experiments: experiments(&["shallow", "deep"]),
            ..figure(
                "3-images",
                "Classifying images: a shallower and a deeper network",
                "shallow",
                curves(&["train_loss", "train_accuracy"], &[], Layout::Row),
            )
        },
        figure(
            "5-gradient-norm",
            "Gradient norm and loss during training",
            "shallow",
            curves(&["gradient_norm", "loss"], &["gradient_norm"], Layout::Column),
        ),
    ]
}

/// Claims about the made-up results, with every verdict.
pub(crate) fn claims() -> Vec<Claim> {
    let of = |experiment: &str, values: &[(&str, Value)]| Selection {
        experiment: ExperimentId::new(experiment).unwrap(),
        values: values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
    };
    let claim = |text: &str, checks| Claim { text: text.to_owned(), checks, analysis: Analysis::default() };
    let point = |function: &str, widths: &[u32]| {
        of("functions", &[("function", Value::Text(function.to_owned())), ("hidden", list(widths))])
    };
    let y = |name: &str| name.to_owned();
    vec![
        claim(
            "The two function models can't be told apart",
            ["sin", "cube"]
                .map(|function| Check::Equivalent {
                    a: point(function, &[32, 64]),
                    b: point(function, &[32, 32, 32]),
                    y: y("train_loss"),
                    factor: 2.0,
                })
                .into(),
        ),
        claim(
            "The shallower network beats the deeper",
            vec![
                Check::Greater { a: of("shallow", &[]), b: of("deep", &[]), y: y("test_accuracy") },
                Check::Greater { a: of("deep", &[]), b: of("shallow", &[]), y: y("test_loss") },
            ],
        ),
        claim(
            "The gradient norm falls with training",
            vec![Check::Trend {
                of: of("shallow", &[]),
                y: y("gradient_norm"),
                direction: Direction::Falls,
                at_least: 0.0,
                until: None,
            }],
        ),
        claim(
            "The wider network is the best",
            vec![Check::Best { of: point("sin", &[32, 64]), y: y("train_loss"), best: Best::Lowest }],
        ),
    ]
}
