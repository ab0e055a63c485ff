//! Made-up runs over batch sizes, over ten networks, and at critical points, for the tests and the preview of the report.

use basin_domain::data::{Augmentation, DataUse};
use basin_domain::experiment::{Classify, ConvNet, Experiment, StreamSeeds, TrainingSettings, TrainingTime};
use basin_domain::figure::{Drawing, Figure};
use basin_domain::metrics::{Axis, Metrics, Outcome};
use basin_domain::optimizer::Optimizer;
use basin_domain::value::Value;

use crate::samples::{Noise, committed, critical_point, figure, list, run, words};
use crate::{Run, RunState};

fn classify(conv: &[u32], dense: u32, batch_size: u32) -> Classify {
    Classify {
        model: ConvNet { conv: conv.to_vec(), kernel: 3, dense: vec![dense] }.into(),
        data: DataUse::default(),
        augmentation: Augmentation::default(),
        seeds: StreamSeeds::default(),
        batch_size,
        budget: TrainingTime::Epochs(30),
        loss: Default::default(),
        training: TrainingSettings::of(Optimizer::adam(1e-3)),
    }
}

/// Experiment H: five batch sizes; of three seeds or more, one run of 512 diverged and one of 1,024 is missing.
pub(crate) fn batch_sizes(seeds: u64) -> Vec<Run> {
    let mut runs = Vec::new();
    for (number, batch_size) in [64_u32, 128, 256, 512, 1024].into_iter().enumerate() {
        for seed in 0..seeds {
            let spec = Experiment::Classify(classify(&[16, 32], 64, batch_size));
            let mut noise = Noise::new(seed + 70 * number as u64);
            let at = number as f64;
            let mut record = Metrics::default();
            record.set("final_train_loss", (0.1 + 0.22 * at) * (0.1 * noise.normal()).exp());
            record.set("final_train_accuracy", 0.97 - 0.08 * at + 0.008 * noise.normal());
            record.push("test_loss", Axis::Epoch, 30.0, 1.3 - 0.08 * at + 0.03 * noise.normal());
            record.push("test_accuracy", Axis::Epoch, 30.0, 0.66 - 0.02 * at + 0.008 * noise.normal());
            record.push("sensitivity", Axis::Epoch, 30.0, 0.45 * (-0.4 * at + 0.06 * noise.normal()).exp());
            record.push("sharpness", Axis::Epoch, 30.0, 20.0 + 3.0 * noise.normal());
            let state = match (batch_size, seed) {
                (512, 1) if seeds > 2 => committed(&spec, Outcome::Diverged { iteration: 40 }, record),
                (1024, 2) => RunState::Missing,
                _ => committed(&spec, Outcome::Completed, record),
            };
            runs.push(run(
                "batch-sizes",
                &[("batch_size", Value::Integer(i64::from(batch_size)))],
                spec,
                seed,
                state,
            ));
        }
    }
    runs
}

/// Experiment G: ten networks.
pub(crate) fn architectures(seeds: u64) -> Vec<Run> {
    let widths = [
        ([8, 8], 8),
        ([8, 16], 16),
        ([16, 16], 32),
        ([16, 32], 64),
        ([32, 32], 64),
        ([32, 64], 128),
        ([64, 64], 128),
        ([64, 96], 128),
        ([96, 128], 128),
        ([128, 128], 256),
    ];
    let mut runs = Vec::new();
    for (number, (conv, dense)) in widths.into_iter().enumerate() {
        for seed in 0..seeds {
            let parameters = classify(&conv, dense, 64);
            let mut noise = Noise::new(seed + 90 * number as u64);
            let at = number as f64 / 9.0;
            let mut record = Metrics::default();
            record.set("parameters", super::stack(&parameters).parameter_count(3, 32, 10) as f64);
            record.set("final_train_loss", 1.2 * (-2.5 * at + 0.05 * noise.normal()).exp());
            record.set("final_train_accuracy", 1.0 - 0.5 * (-2.2 * at).exp() + 0.005 * noise.normal());
            record.push(
                "test_loss",
                Axis::Epoch,
                30.0,
                1.3 - 0.5 * at + 0.4 * at * at + 0.02 * noise.normal(),
            );
            record.push(
                "test_accuracy",
                Axis::Epoch,
                30.0,
                0.55 + 0.2 * at - 0.05 * at * at + 0.006 * noise.normal(),
            );
            let point = [("model.conv", list(&conv)), ("model.dense", Value::Integer(i64::from(dense)))];
            let spec = Experiment::Classify(parameters);
            let state = committed(&spec, Outcome::Completed, record);
            runs.push(run("architectures", &point, spec, seed, state));
        }
    }
    runs
}

/// Experiment E: where this many runs ended; every thirtieth didn't converge, and one loss isn't positive.
pub(crate) fn critical_points(seeds: u64) -> Vec<Run> {
    let spec = critical_point();
    (0..seeds)
        .map(|seed| {
            let mut noise = Noise::new(seed + 300);
            let depth = noise.uniform();
            let mut record = Metrics::default();
            record.set("converged", f64::from(u8::from(seed % 30 != 29)));
            record.set("final_loss", if seed == 50 { 0.0 } else { 1e-7 * (13.0 * depth).exp() });
            record
                .set("minimal_ratio_near_zero", (0.1 + 0.3 * depth + 0.08 * noise.normal()).clamp(0.0, 1.0));
            record.set(
                "minimal_ratio_positive_eigenvalues",
                (0.8 - 0.5 * depth + 0.1 * noise.normal()).clamp(0.0, 1.0),
            );
            record.set("minimal_ratio_sampled", 1.0);
            run("end-points", &[], spec.clone(), seed, committed(&spec, Outcome::Completed, record))
        })
        .collect()
}

/// Figures 6 (its second half), 7 and 9 of the homework.
pub(crate) fn point_figures() -> Vec<Figure> {
    let loss = || words(&["final_train_loss", "test_loss"]);
    let accuracy = || words(&["final_train_accuracy", "test_accuracy"]);
    vec![
        figure(
            "6-minimal-ratio",
            "Minimal ratio against loss where the gradient vanishes",
            "end-points",
            Drawing::Scatter {
                x: "final_loss".to_owned(),
                log_x: true,
                y: words(&[
                    "minimal_ratio_near_zero",
                    "minimal_ratio_positive_eigenvalues",
                    "minimal_ratio_sampled",
                ]),
                log_y: vec![],
                group: vec![],
                solid_if: Some("converged".to_owned()),
            },
        ),
        figure(
            "7-parameters",
            "Ten networks: loss and accuracy against the number of parameters",
            "architectures",
            Drawing::Against {
                x: "parameters".to_owned(),
                log_x: true,
                y: vec![loss(), accuracy()],
                log_y: vec![],
                group: vec![],
            },
        ),
        figure(
            "9-batch-size",
            "Loss, accuracy, sensitivity and sharpness against batch size",
            "batch-sizes",
            Drawing::Against {
                x: "batch_size".to_owned(),
                log_x: true,
                y: vec![loss(), accuracy(), words(&["sensitivity"]), words(&["sharpness"])],
                log_y: words(&["sensitivity"]),
                group: vec![],
            },
        ),
    ]
}
