//! Made-up interpolations, spectra and searches for critical points, for the tests and the preview of the report.

use crate::samples::{Noise, committed, critical_point, figure, list, run, words};
use crate::{Run, RunState};
use basin_domain::data::{Augmentation, DataUse};
use basin_domain::experiment::{
    Classify, ConvNet, Experiment, Interpolate, Probe, ProbeSchedule, Ratios, StreamSeeds, TrainedModel,
    TrainingSettings, TrainingTime,
};
use basin_domain::figure::{Drawing, Figure, Layout};
use basin_domain::metrics::{Axis, Metrics, Outcome, Series};
use basin_domain::network::Network;
use basin_domain::optimizer::Optimizer;

fn network() -> Network {
    ConvNet { conv: vec![16, 32], kernel: 3, dense: vec![64] }.into()
}

/// Interpolations of this many seeds; the second of them has a loss that isn't finite at one place, and of five the last is
/// missing.
pub(crate) fn interpolations(seeds: u64) -> Vec<Run> {
    let parameters = Interpolate {
        trained: TrainedModel::Classify {
            model: network(),
            data: DataUse::default(),
            loss: Default::default(),
        },
        ratios: Ratios { start: -1.0, stop: 2.0, count: 31 },
        examples: None,
        barrier: false,
    };
    let spec = Experiment::Interpolate(parameters.clone());
    let sampled = |seed: u64| {
        let (mut record, mut noise) = (Metrics::default(), Noise::new(seed + 40));
        let (tall, shift) = (1.6 + 0.3 * noise.normal(), 0.04 * noise.normal());
        for ratio in parameters.ratios.iter() {
            let between = 4.0 * (ratio + shift) * (1.0 - ratio - shift);
            let outside = (-between).max(0.0);
            let loss = 0.15 + tall * between.max(0.0).powf(1.4) + 0.9 * outside.powf(1.2);
            let train_loss = if seed == 1 && ratio == 2.0 { f64::INFINITY } else { loss };
            record.push("train_loss", Axis::Ratio, ratio, train_loss);
            record.push("test_loss", Axis::Ratio, ratio, 0.8 + 1.1 * loss);
            record.push("train_accuracy", Axis::Ratio, ratio, 0.1 + 0.88 * (-0.9 * loss).exp());
            record.push("test_accuracy", Axis::Ratio, ratio, 0.1 + 0.55 * (-0.8 * loss).exp());
        }
        record
    };
    (0..seeds)
        .map(|seed| {
            let state = if seeds == 5 && seed == 4 {
                RunState::Missing
            } else {
                committed(&spec, Outcome::Completed, sampled(seed))
            };
            run("line", &[], spec.clone(), seed, state)
        })
        .collect()
}

/// Spectra of a shallow and a deep network; the deep one's last run diverged if there are several.
pub(crate) fn spectra(seeds: u64) -> Vec<Run> {
    let mut runs = Vec::new();
    for (number, conv) in [vec![12, 32], vec![8, 12, 32]].into_iter().enumerate() {
        for seed in 0..seeds {
            let spec = Experiment::Classify(Classify {
                model: ConvNet { conv: conv.clone(), kernel: 3, dense: vec![64] }.into(),
                data: DataUse::default(),
                augmentation: Augmentation::default(),
                seeds: StreamSeeds::default(),
                batch_size: 64,
                budget: TrainingTime::Epochs(30),
                loss: Default::default(),
                training: TrainingSettings {
                    probes: ProbeSchedule {
                        every: None,
                        probes: vec![Probe::Spectrum { examples: 2_000, steps: 80, vectors: 4 }],
                    },
                    ..TrainingSettings::of(Optimizer::adam(1e-3))
                },
            });
            let mut noise = Noise::new(7 * seed + number as u64);
            let largest = 20.0 + 15.0 * number as f64 + 4.0 * noise.normal();
            let (low, width) = (-1.5, 0.01 * largest);
            let outliers: Vec<f64> = (0..9).map(|index| largest * 0.72_f64.powi(index)).collect();
            let points = (0..400).map(|index| {
                let at = low + (largest * 1.06 - low) * f64::from(index) / 399.0;
                let bell = |mean: f64, width: f64| (-0.5 * ((at - mean) / width).powi(2)).exp() / width;
                (
                    at,
                    0.4 * bell(0.0, 2.0 * width)
                        + outliers.iter().map(|it| 4e-6 * bell(*it, width)).sum::<f64>(),
                )
            });
            let mut record = Metrics::default();
            record.series.insert(
                "spectral_density".to_owned(),
                Series { axis: Axis::Eigenvalue, points: points.collect() },
            );
            let state = if seeds > 1 && number == 1 && seed + 1 == seeds {
                committed(&spec, Outcome::Diverged { iteration: 12 }, Metrics::default())
            } else {
                committed(&spec, Outcome::Completed, record)
            };
            runs.push(run("networks", &[("model.conv", list(&conv))], spec, seed, state));
        }
    }
    runs
}

/// Searches for critical points; every thirtieth doesn't converge, and of more than ten the sixth diverged.
pub(crate) fn searches(seeds: u64) -> Vec<Run> {
    let spec = critical_point();
    let search = |seed: u64| {
        let (mut record, mut noise) = (Metrics::default(), Noise::new(seed + 900));
        let converges = seed % 30 != 29;
        let length = if converges { 20 + (150.0 * noise.uniform()) as u32 } else { 500 };
        let end = 1e-6 * (10.0 * noise.uniform()).exp();
        for iteration in 1..=60 + length {
            let t = f64::from(iteration);
            let searched = (t - 60.0).max(0.0) / f64::from(length);
            let norm = if iteration <= 60 {
                0.4 * (-t / 40.0).exp() * (0.3 * noise.normal()).exp()
            } else {
                let to: f64 = if converges { 1e-6 } else { 3e-3 };
                0.1 * (to / 0.1).powf(searched.powi(3)) * (0.2 * noise.normal()).exp()
            };
            record.push("gradient_norm", Axis::Iteration, t, norm);
            record.push("loss", Axis::Iteration, t, end + 0.3 * (-t / 30.0).exp());
        }
        record.set("trained_iterations", 60.0);
        record.set("converged", f64::from(u8::from(converges)));
        record
    };
    (0..seeds)
        .map(|seed| {
            let outcome = if seeds > 10 && seed == 5 {
                Outcome::Diverged { iteration: 300 }
            } else {
                Outcome::Completed
            };
            run("points", &[], spec.clone(), seed, committed(&spec, outcome, search(seed)))
        })
        .collect()
}

/// Figures 6 (its first half) and 8 of the homework, and the spectra of what lies beyond.
pub(crate) fn line_figures() -> Vec<Figure> {
    vec![
        figure(
            "6-searches",
            "A hundred runs on their way to a vanishing gradient",
            "points",
            Drawing::Curves {
                y: words(&["gradient_norm", "loss"]),
                group: vec![],
                log_y: words(&["gradient_norm", "loss"]),
                layout: Layout::Row,
                each: true,
            },
        ),
        figure(
            "8-interpolation",
            "On the line through the solutions of batch size 64 and 1,024",
            "line",
            Drawing::Interpolation {
                y: vec![words(&["train_loss", "test_loss"]), words(&["train_accuracy", "test_accuracy"])],
                log_y: words(&["train_loss", "test_loss"]),
                group: vec![],
            },
        ),
        figure(
            "spectrum",
            "Eigenvalues of the Hessian at two solutions",
            "networks",
            Drawing::Spectrum { group: vec![] },
        ),
    ]
}
