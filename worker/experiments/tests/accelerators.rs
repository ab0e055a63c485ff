//! Whole runs on a device, Candle's processor device: near the processor's own, and able to go on on either.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use basin_domain::metrics::Outcome;
use basin_domain::task::TaskSpec;
use basin_experiments::accelerator::{Accelerator, DeviceName};
use basin_experiments::{Advance, Assets, Finished, start};
use common::{ALL, SGD, all_probes, classify, finish, fit, tiny_images, train};

fn device() -> Accelerator {
    DeviceName::CandleProcessor.open().unwrap().unwrap()
}

/// Asserts that two runs differ by rounding alone: each series by a share of its largest value.
fn assert_near(found: &Finished, expected: &Finished, share: f64, context: &str) {
    assert_eq!(found.outcome, expected.outcome, "{context}");
    let names = |finished: &Finished| finished.metrics.series.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(expected), "{context}");
    let near = |name: &str, found: &[f64], expected: &[f64]| {
        let largest = expected.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (found - expected).abs() <= share * largest,
                "{context}: {name}: {found} is not {expected}"
            );
        }
    };
    for (name, series) in &expected.metrics.series {
        let values = |points: &[(f64, f64)]| points.iter().map(|point| point.1).collect::<Vec<_>>();
        let found = &found.metrics.series[name].points;
        assert_eq!(found.len(), series.points.len(), "{context}: {name}");
        near(name, &values(found), &values(&series.points));
    }
    assert_eq!(found.result.len(), expected.result.len(), "{context}: weights and snapshots");
}

fn tasks() -> (Assets, Vec<TaskSpec>) {
    let (assets, data) = tiny_images(50, 530);
    let tasks = vec![
        classify(&data, |p| {
            p.data.label_noise = 0.5;
            p.record = ALL;
            p.probes = all_probes(Some(1));
        }),
        classify(&data, |p| {
            p.model.conv.clear();
            p.optimizer = SGD;
            p.data.train_limit = Some(21);
            p.record = ALL;
        }),
        fit(|p| p.record = ALL),
        fit(|p| {
            p.batch_size = Some(8);
            p.optimizer = SGD;
            p.record = ALL;
            p.probes = all_probes(None);
        }),
    ];
    (assets, tasks)
}

#[test]
fn a_run_on_a_device_ends_near_the_processors() {
    let (assets, tasks) = tasks();
    let there = Assets { accelerator: Some(device()), ..assets.clone() };
    for spec in &tasks {
        // Accuracies move by whole examples; here none lies on the edge.
        assert_near(&train(spec, &there), &train(spec, &assets), 2e-3, &spec.canonical());
    }
}

#[test]
fn a_run_goes_on_from_a_devices_checkpoint_on_the_processor_and_the_other_way_round() {
    let (assets, tasks) = tasks();
    let there = Assets { accelerator: Some(device()), ..assets.clone() };
    for spec in &tasks {
        let expected = train(spec, &assets);
        for (first, then) in [(&there, &assets), (&assets, &there), (&there, &there)] {
            let mut run = start(spec, first, None).unwrap();
            for _ in 0..7 {
                assert_eq!(run.advance().unwrap(), Advance::More);
            }
            let checkpoint = run.checkpoint().unwrap();
            drop(run);
            let resumed = finish(start(spec, then, Some(&checkpoint)).unwrap());
            assert_near(&resumed, &expected, 2e-3, &spec.canonical());
        }
    }
}

#[test]
fn a_run_that_diverges_on_a_device_says_so() {
    let there = Assets { accelerator: Some(device()), ..Assets::default() };
    let spec = fit(|p| {
        p.optimizer =
            basin_domain::optimizer::Optimizer::Sgd { learning_rate: 1e9, momentum: 0.0, weight_decay: 0.0 };
        p.epochs = 50;
    });
    assert!(matches!(train(&spec, &there).outcome, Outcome::Diverged { .. }));
}
