//! Whole runs on a device, Candle's processor device: near the processor's own, and able to go on on either.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use basin_domain::experiment::{
    Branch, ClassificationLoss, PruneBy, PruneScope, Pruning, RecordedStates, Rewind, TrainingTime, ValueLoss,
};
use basin_domain::metrics::Outcome;
use basin_domain::network::Network;
use basin_domain::task::TaskSpec;
use basin_experiments::accelerator::{Accelerator, DeviceName};
use basin_experiments::{Advance, Assets, Finished, start};
use common::{
    ALL, SGD, WARMED_COSINE, all_probes, assert_same, begun, classify, every_layer, finish, fit,
    further_optimizers, made, modular_addition, regress, stack, tiny_images, tiny_values, train, transformer,
    whitened, with_inputs,
};

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
            p.training.record = ALL;
            p.training.probes = all_probes(Some(1));
        }),
        classify(&data, |p| {
            stack(p).conv.clear();
            p.training.optimizer = SGD;
            p.data.train_limit = Some(21);
            p.training.record = ALL;
        }),
        classify(&data, |p| {
            p.loss = ClassificationLoss::CrossEntropy { label_smoothing: 0.2 };
            p.training.record = ALL;
        }),
        classify(&data, |p| {
            p.loss = ClassificationLoss::MeanSquaredError;
            p.training.record = ALL;
        }),
        fit(|p| p.training.record = ALL),
        fit(|p| {
            p.loss = ValueLoss::Huber { delta: 0.3 };
            p.batch_size = Some(8);
            p.training.optimizer = SGD;
            p.training.record = ALL;
            p.training.probes = all_probes(None);
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
fn values_are_learnt_on_a_device_as_on_the_processor() {
    let (assets, data) = tiny_values(70, 530);
    let there = Assets { accelerator: Some(device()), ..assets.clone() };
    for loss in [ValueLoss::MeanSquaredError, ValueLoss::Huber { delta: 0.5 }] {
        let spec = regress(&data, |p| {
            p.loss = loss;
            p.training.record = ALL;
        });
        let expected = train(&spec, &assets);
        assert_near(&train(&spec, &there), &expected, 2e-3, &spec.canonical());
        let mut run = start(&spec, &there, None).unwrap();
        for _ in 0..6 {
            assert_eq!(run.advance().unwrap(), Advance::More);
        }
        let checkpoint = run.checkpoint().unwrap();
        drop(run);
        let resumed = finish(start(&spec, &assets, Some(&checkpoint)).unwrap());
        assert_near(&resumed, &expected, 2e-3, &spec.canonical());
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
        p.training.optimizer = basin_domain::optimizer::Optimizer::sgd(1e9, 0.0, 0.0);
        p.budget = TrainingTime::Epochs(50);
    });
    assert!(matches!(train(&spec, &there).outcome, Outcome::Diverged { .. }));
}

/// Tasks whose networks or optimisers have no form for many at once: each is stepped by itself.
fn single_tasks() -> Vec<(Assets, TaskSpec)> {
    let (images, of_images) = tiny_images(50, 60);
    let recipe = modular_addition(7);
    let (tokens, of_tokens) = made(&recipe);
    let on_images = |model: fn() -> Network| {
        classify(&of_images, |p| {
            p.model = model();
            p.training.optimizer = SGD;
            p.training.record = ALL;
        })
    };
    let on_tokens = classify(&of_tokens, |p| {
        p.data.recipe = Some(recipe);
        p.model = transformer();
        p.training.optimizer = SGD;
        p.training.record = ALL;
    });
    let mut tasks = vec![
        (images.clone(), on_images(every_layer)),
        (images.clone(), on_images(whitened)),
        (tokens, on_tokens),
    ];
    for (_, optimizer) in further_optimizers() {
        let spec = classify(&of_images, |p| {
            p.training.optimizer = optimizer;
            p.training.schedule = WARMED_COSINE;
            p.training.record = ALL;
        });
        tasks.push((images.clone(), spec));
    }
    tasks
}

#[test]
fn every_layer_and_every_optimiser_trains_on_a_device_as_on_the_processor() {
    let accelerator = device();
    for (assets, spec) in single_tasks() {
        let there = Assets { accelerator: Some(accelerator.clone()), ..assets.clone() };
        let expected = train(&spec, &assets);
        assert_near(&train(&spec, &there), &expected, 5e-3, &spec.canonical());
        let mut run = start(&spec, &there, None).unwrap();
        for _ in 0..5 {
            assert_eq!(run.advance().unwrap(), Advance::More);
        }
        let checkpoint = run.checkpoint().unwrap();
        let resumed = finish(start(&spec, &assets, Some(&checkpoint)).unwrap());
        assert_near(&resumed, &expected, 5e-3, &spec.canonical());
    }
}

#[test]
fn a_run_that_is_interrupted_on_a_device_ends_with_the_same_bytes() {
    let accelerator = device();
    let (assets, rows) = tasks();
    let rows = rows.into_iter().map(|spec| (assets.clone(), spec));
    for (assets, spec) in rows.chain(single_tasks()) {
        let there = Assets { accelerator: Some(accelerator.clone()), ..assets };
        let undisturbed = train(&spec, &there);
        let mut checkpoint = None;
        let interrupted = loop {
            let mut run = start(&spec, &there, checkpoint.as_deref()).unwrap();
            let ended = (0..3).any(|_| run.advance().unwrap() == Advance::Done);
            if ended {
                break run.finish().unwrap();
            }
            checkpoint = Some(run.checkpoint().unwrap());
        };
        assert_same(&interrupted, &undisturbed, &spec.canonical());
    }
}

#[test]
fn lanes_that_train_side_by_side_have_the_bytes_of_each_alone() {
    let (assets, data) = tiny_images(50, 60);
    let with_norm = |p: &mut basin_domain::experiment::Classify| {
        p.model = every_layer();
        p.training.optimizer = SGD;
    };
    let plain = |_: &mut basin_domain::experiment::Classify| {};
    let cases: [fn(&mut basin_domain::experiment::Classify); 2] = [plain, with_norm];
    for of in cases {
        let specs: Vec<TaskSpec> = (0..4)
            .map(|seed| TaskSpec {
                seed,
                ..classify(&data, |p| {
                    of(p);
                    p.training.record = ALL;
                })
            })
            .collect();
        let alone: Vec<Finished> = specs
            .iter()
            .map(|spec| train(spec, &Assets { accelerator: Some(device()), ..assets.clone() }))
            .collect();
        let together = Assets { accelerator: Some(device()), ..assets.clone() };
        std::thread::scope(|scope| {
            let lanes: Vec<_> =
                specs.iter().map(|spec| (spec, scope.spawn(|| train(spec, &together)))).collect();
            for ((spec, lane), alone) in lanes.into_iter().zip(&alone) {
                assert_same(&lane.join().unwrap(), alone, &spec.canonical());
            }
        });
    }
}

#[test]
fn a_branch_on_a_device_ends_near_its_trunk_and_what_is_pruned_is_trained_on_the_processor() {
    let (assets, data) = tiny_images(50, 530);
    let there = Assets { accelerator: Some(device()), ..assets.clone() };
    let trunk = classify(&data, |p| {
        p.training.optimizer = SGD;
        p.training.states = Some(RecordedStates::Listed { at: vec![4] });
    });
    let start = Branch { step: Some(4), optimizer_state: true, restarts_clock: false };
    let spec = begun(&trunk, &[("start", &trunk)], |settings| settings.start = Some(start));
    let whole = train(&trunk, &assets);
    let expected = train(&spec, &with_inputs(&assets, &[("start", &whole)]));
    // The trunk's state comes home from the device, and the branch goes there with it.
    let far = train(&trunk, &there);
    assert_near(&train(&spec, &with_inputs(&there, &[("start", &far)])), &expected, 2e-3, "a branch");
    let prune = Pruning {
        round: 1,
        fraction: 0.5,
        by: PruneBy::Magnitude,
        scope: PruneScope::Global,
        rewind: Rewind::Step(4),
    };
    let inputs = [("trained", &trunk), ("rewound", &trunk)];
    let pruned = begun(&trunk, &inputs, |settings| settings.prune = Some(prune));
    let results = [("trained", &whole), ("rewound", &whole)];
    let [here, there] = [&assets, &there].map(|assets| train(&pruned, &with_inputs(assets, &results)));
    assert_same(&there, &here, "the same kernels");
}
