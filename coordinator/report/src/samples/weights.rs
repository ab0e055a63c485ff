//! Made-up recorded weights and loss surfaces, for the tests and the preview of the report.

use std::collections::BTreeMap;

use basin_domain::data::DataUse;
use basin_domain::experiment::{ConvNet, Experiment, Plane, Surface, Tile, TrainedModel};
use basin_domain::figure::{Drawing, Figure};
use basin_domain::key;
use basin_domain::metrics::{Axis, Metrics, Outcome};
use basin_domain::value::Value;
use basin_storage::{Store, SweepRecord};
use safetensors::tensor::{Dtype, TensorView};

use crate::samples::{Noise, committed, figure, run, stored};
use crate::{Run, RunState};

/// The sweep whose runs record weights.
const SWEEP: &str = r#"
name = "weights"
data = { name = "shapes" }

[[experiment]]
id = "weights"
kind = "classify"
seeds = 8
epochs = 30
batch_size = 64
model = { conv = [8, 16], dense = [32] }
record = { weights_every = 3 }

[[figure]]
id = "4-trajectories"
title = "Optimisation, seen in weight space: eight runs that differ in their seed"
kind = "trajectories"
experiment = "weights"
layers = ["all", "conv0"]

[[claim]]
text = "The runs end in a similar region"
check = [
  { kind = "within", of = { experiment = "weights" }, y = "test_accuracy", low = 0.1, high = 1.0 },
  { kind = "together", of = { experiment = "weights" }, at_most = 0.5 },
]
"#;

/// The parameters that a run records, with their shapes.
const PARAMETERS: [(&str, &[usize]); 4] = [
    ("conv0.bias", &[8]),
    ("conv0.weight", &[8, 3, 3, 3]),
    ("output.bias", &[10]),
    ("output.weight", &[10, 60]),
];

/// The outcome of a made-up run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// All is well.
    Whole,
    /// It diverged.
    Diverged,
    /// It isn't committed.
    Missing,
    /// Its result isn't what was committed.
    Damaged,
    /// Its first layer has another shape.
    OtherShapes,
    /// Some of its weights are NaN.
    NotFinite,
}

/// The recorded weights of a run at an epoch, parameter by parameter.
pub(crate) fn weights(seed: u64, epoch: u32) -> Vec<f32> {
    let length: usize = PARAMETERS.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
    let (mut shared, mut own, mut start) =
        (Noise::new(1_000), Noise::new(2_000 + seed), Noise::new(3_000 + seed));
    let mut jitter = Noise::new(4_000 + 100 * seed + u64::from(epoch));
    let t = f64::from(epoch) / 30.0;
    let (way, bend) = (1.0 - (-4.0 * t).exp(), (3.0 * t).sin() * (1.0 - 0.5 * t));
    let value = |_| {
        let towards = 1.6 * shared.normal() * way + 0.7 * own.normal() * way + 0.5 * own.normal() * bend;
        (0.22 * (start.normal() + towards + 0.05 * jitter.normal())) as f32
    };
    (0..length).map(value).collect()
}

/// The bytes of a run's result.
fn result(seed: u64, fate: Fate) -> Vec<u8> {
    let mut tensors: BTreeMap<String, (Vec<usize>, Vec<u8>)> = BTreeMap::new();
    for epoch in (0..=30).step_by(3) {
        let weights = weights(seed, epoch);
        let mut rest = weights.as_slice();
        for (name, shape) in PARAMETERS {
            let (values, after) = rest.split_at(shape.iter().product());
            rest = after;
            let mut values = values.to_vec();
            let mut shape = shape.to_vec();
            if fate == Fate::NotFinite && epoch == 9 && name == "output.weight" {
                values[7] = f32::NAN;
            }
            if fate == Fate::OtherShapes && name == "conv0.weight" {
                shape = vec![8, 27];
            }
            let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            tensors.insert(format!("weights/{epoch}/{name}"), (shape, bytes));
        }
    }
    let views = tensors
        .iter()
        .map(|(name, (shape, bytes))| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

/// Puts a sweep of eight runs with recorded weights into `store`; `fate` says what becomes of the run of a seed.
pub(crate) async fn put_weights(store: &Store, fate: impl Fn(u64) -> Fate) -> SweepRecord {
    let (sweep, plan) = stored::put_sweep(store, "weights.toml", SWEEP).await;
    for task in &plan.tasks {
        let seed = task.spec.seed;
        let fate = fate(seed);
        if fate == Fate::Missing {
            continue;
        }
        let mut record = Metrics::default();
        for epoch in 0..=30 {
            let t = f64::from(epoch);
            let accuracy = 0.1 + (0.62 + 0.01 * (seed % 5) as f64) * (1.0 - (-t / 6.0).exp());
            record.push("train_loss", Axis::Epoch, t, 2.3 * (-t / 9.0).exp());
            record.push("test_accuracy", Axis::Epoch, t, accuracy);
        }
        let outcome = match fate {
            Fate::Diverged => Outcome::Diverged { iteration: 77 },
            Fate::Whole | Fate::Missing | Fate::Damaged | Fate::OtherShapes | Fate::NotFinite => {
                Outcome::Completed
            }
        };
        let lease = format!("lease-{seed}");
        let commit = stored::commit(store, task.id, &lease, outcome, &record, result(seed, fate)).await;
        if fate == Fate::Damaged {
            let key = stored::key_of(&commit, key::RESULT);
            store.put(&key, b"rot".to_vec().into()).await.unwrap();
        }
    }
    sweep
}

/// Experiment I: surfaces of `seeds` solutions along random directions and along principal components, four tiles each.
/// One tile of the last is missing.
pub(crate) fn surfaces(seeds: u64) -> Vec<Run> {
    let planes =
        [("random-plane", Plane::Random { extent: 1.0 }), ("pca-plane", Plane::Pca { margin: 0.25 })];
    let mut runs = Vec::new();
    for (experiment, plane) in planes {
        for seed in 0..seeds {
            for index in 0..4 {
                let parameters = Surface {
                    trained: TrainedModel::Classify {
                        model: ConvNet { conv: vec![8, 16], kernel: 3, dense: vec![32] }.into(),
                        data: DataUse::default(),
                        loss: Default::default(),
                    },
                    plane,
                    resolution: 41,
                    tile: Tile { index, of: 4 },
                    examples: None,
                };
                let spec = Experiment::Surface(parameters.clone());
                let is_missing = experiment == "pca-plane" && seed + 1 == seeds && index == 3 && seeds > 1;
                let state = if is_missing {
                    RunState::Missing
                } else {
                    committed(&spec, Outcome::Completed, tile(&parameters, seed))
                };
                let point = [("tile", Value::Integer(i64::from(index)))];
                runs.push(run(experiment, &point, spec, seed, state));
            }
        }
    }
    runs
}

fn tile(parameters: &Surface, seed: u64) -> Metrics {
    let mut record = Metrics::default();
    let side = parameters.resolution;
    let (is_pca, extent) = match parameters.plane {
        Plane::Random { extent } => (false, extent),
        Plane::Pca { .. } => (true, 6.0),
    };
    let centre = if is_pca { (-3.5, 0.5) } else { (0.0, 0.0) };
    let place = |index: u32| extent * (2.0 * f64::from(index) / f64::from(side - 1) - 1.0);
    let turn = 0.5 + 0.4 * seed as f64;
    for row in parameters.tile.rows(side) {
        for column in 0..side {
            let (alpha, beta) = (place(column) + centre.0, place(row) + centre.1);
            let (u, v) = (
                (alpha * turn.cos() + beta * turn.sin()) / extent,
                (beta * turn.cos() - alpha * turn.sin()) / extent,
            );
            let ripple = 0.15 * (7.0 * u + seed as f64).sin() * (6.0 * v).cos() * (u * u + v * v);
            let loss = 0.04 + 2.2 * u * u + 4.5 * v * v + 1.4 * (u * u + v * v).powi(2) + ripple;
            let cell = f64::from(row * side + column);
            record.push("alpha", Axis::Cell, cell, alpha);
            record.push("beta", Axis::Cell, cell, beta);
            record.push("train_loss", Axis::Cell, cell, loss);
            record.push("train_accuracy", Axis::Cell, cell, (1.0 - 0.3 * loss).max(0.1));
        }
    }
    if is_pca {
        let mut noise = Noise::new(9 + seed);
        for epoch in (0..=30).step_by(3) {
            let t = f64::from(epoch) / 30.0;
            let left = (-4.0 * t).exp();
            let last = f64::from(u8::from(epoch < 30));
            let (wobble, beta) = (0.12 * noise.normal(), 1.6 * (2.6 * t).sin() * (1.0 - t));
            record.push("trajectory_alpha", Axis::Epoch, f64::from(epoch), last * (-7.0 * left + wobble));
            record.push("trajectory_beta", Axis::Epoch, f64::from(epoch), last * (beta + wobble));
        }
        record.set("explained_variance_alpha", 0.871);
        record.set("explained_variance_beta", 0.064);
    }
    record
}

/// Figures of the surfaces, on linear and on logarithmic levels.
pub(crate) fn surface_figures() -> Vec<Figure> {
    let surface = |id: &str, title: &str, of: &str, y: &str, log: bool| {
        figure(id, title, of, Drawing::Surface { y: y.to_owned(), log })
    };
    vec![
        surface(
            "10-random-plane",
            "Loss around a solution, along two random directions",
            "random-plane",
            "train_loss",
            true,
        ),
        surface("11-pca-plane", "Loss along the way of training", "pca-plane", "train_loss", false),
        surface("12-accuracy", "Accuracy along the way of training", "pca-plane", "train_accuracy", false),
    ]
}
