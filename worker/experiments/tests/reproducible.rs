//! The same task gives the same bytes: interrupted or not, on any number of threads, on each code path.

mod common;

use basin_domain::data::{Augmentation, Pixels};
use basin_domain::experiment::{
    ClassificationLoss, Interval, Probe, ProbeSchedule, Recording, StopRule, TrainingTime, ValueLoss,
    WatchedSeries,
};
use basin_domain::metrics::Outcome;
use basin_domain::schedule::{Anneal, LearningRateSchedule, OneCycle, Shape};
use basin_domain::task::TaskSpec;
use basin_experiments::{Advance, Assets, ExperimentError, start};
use common::{
    ALL, SGD, WARMED_COSINE, all_probes, assert_same, classify, eigenvalue_probes, finish, fit,
    further_optimizers, on_each_path, on_path, speed_run, speed_run_optimizer, stack, tiny_images, train,
};

/// Both kinds, all optimisers, label noise, subsets, uneven last batches, recordings, probes, evaluations of several pieces.
fn tasks() -> (Assets, Vec<TaskSpec>) {
    let (assets, data) = tiny_images(40, 530);
    let tasks = vec![
        classify(&data, |p| {
            p.data.label_noise = 0.5;
            p.training.record = ALL;
            p.training.probes = all_probes(Some(1));
        }),
        classify(&data, |p| {
            p.training.optimizer = SGD;
            p.data.train_limit = Some(21);
            p.data.test_limit = Some(520);
            p.training.record = ALL;
        }),
        classify(&data, |p| {
            p.augmentation = Augmentation { crop: 2, flip: true, cutout: 5, ..Augmentation::default() };
            p.data.pixels = Pixels::Shuffled;
            p.data.label_copies = 1;
            p.training.record = ALL;
        }),
        classify(&data, |p| {
            p.model = speed_run();
            p.augmentation = Augmentation {
                crop: 2,
                reflect: true,
                flip: true,
                alternate: true,
                ..Augmentation::default()
            };
            p.loss = ClassificationLoss::CrossEntropy { label_smoothing: 0.2 };
            p.training.optimizer = speed_run_optimizer();
            p.training.record = ALL;
            let augmented = Probe::TestAugmentation { examples: Some(70), shift: 1 };
            let curved = Probe::LargestEigenvalue { examples: 20, steps: 4, warm_start: false };
            p.training.probes = ProbeSchedule { every: None, probes: vec![augmented, curved] };
        }),
        classify(&data, |p| p.budget = TrainingTime::Epochs(0)),
        classify(&data, |p| {
            p.loss = ClassificationLoss::CrossEntropy { label_smoothing: 0.1 };
            p.training.record = ALL;
            p.training.probes = all_probes(Some(1));
        }),
        classify(&data, |p| {
            p.loss = ClassificationLoss::MeanSquaredError;
            p.training.record = ALL;
            p.training.probes = all_probes(Some(1));
        }),
        fit(|p| {
            p.loss = ValueLoss::Huber { delta: 0.2 };
            p.training.probes = all_probes(Some(1));
        }),
        fit(|p| p.training.record = ALL),
        fit(|p| {
            p.batch_size = Some(8);
            p.training.optimizer = SGD;
            p.training.record = ALL;
            p.training.probes = all_probes(None);
        }),
        // Every feature of time at once: steps, a schedule, points by steps, by logarithms, and a rule.
        classify(&data, |p| {
            p.budget = TrainingTime::Steps(7);
            p.training.schedule = WARMED_COSINE;
            p.training.record = Recording {
                gradient_norm: true,
                weights_every: Some(Interval::LogSteps { log_steps: 3 }),
                every: Interval::Steps { steps: 2 },
            };
            p.training.probes = ProbeSchedule {
                every: Some(Interval::Steps { steps: 3 }),
                probes: vec![Probe::Sensitivity { examples: Some(130) }],
            };
            p.training.stop = vec![StopRule::GradientNormBelow { value: 1e-9 }];
        }),
        fit(|p| {
            p.budget = TrainingTime::Steps(50);
            p.batch_size = Some(8);
            p.training.schedule = LearningRateSchedule {
                warmup: None,
                shape: Shape::OneCycle(OneCycle {
                    peak: 0.3,
                    initial_factor: 0.1,
                    final_factor: 0.0,
                    anneal: Anneal::Cosine,
                }),
            };
            p.training.record = Recording { every: Interval::Steps { steps: 4 }, ..ALL };
            p.training.probes = eigenvalue_probes(Interval::Steps { steps: 4 });
            p.training.stop = vec![StopRule::NoImprovement { of: WatchedSeries::TrainLoss, points: 1 }];
        }),
    ];
    let further = further_optimizers().into_iter().flat_map(|(_, optimizer)| {
        let classified = classify(&data, |p| {
            p.training.optimizer = optimizer;
            p.data.train_limit = Some(21);
            p.data.test_limit = Some(520);
            p.training.record = ALL;
        });
        let fitted = fit(|p| {
            p.batch_size = Some(16);
            p.training.optimizer = optimizer;
        });
        [classified, fitted]
    });
    let tasks = tasks.into_iter().chain(further).collect();
    (assets, tasks)
}

#[test]
fn a_run_that_goes_on_from_any_checkpoint_ends_with_the_same_bytes() {
    let (assets, tasks) = tasks();
    on_each_path(|| {
        for spec in &tasks {
            let undisturbed = train(spec, &assets);
            assert!(!matches!(undisturbed.outcome, Outcome::Diverged { .. }));
            let mut run = start(spec, &assets, None).unwrap();
            let mut checkpoints = vec![run.checkpoint().unwrap()];
            while run.advance().unwrap() == Advance::More {
                checkpoints.push(run.checkpoint().unwrap());
            }
            checkpoints.push(run.checkpoint().unwrap());
            assert_same(&run.finish().unwrap(), &undisturbed, "taking checkpoints changes nothing");
            for (advances, checkpoint) in checkpoints.iter().enumerate() {
                let resumed = start(spec, &assets, Some(checkpoint)).unwrap();
                assert_same(
                    &finish(resumed),
                    &undisturbed,
                    &format!("after {advances} advances of {}", spec.canonical()),
                );
            }
        }
    });
}

#[test]
fn a_run_that_is_interrupted_after_every_advance_ends_with_the_same_bytes() {
    let (assets, tasks) = tasks();
    on_each_path(|| {
        for spec in &tasks {
            let mut checkpoint = None;
            let interrupted = loop {
                let mut run = start(spec, &assets, checkpoint.as_deref()).unwrap();
                if run.advance().unwrap() == Advance::Done {
                    break run.finish().unwrap();
                }
                let bytes = run.checkpoint().unwrap();
                assert!(bytes == run.checkpoint().unwrap(), "a checkpoint's bytes depend on the state alone");
                checkpoint = Some(bytes);
            };
            assert_same(&interrupted, &train(spec, &assets), &spec.canonical());
        }
    });
}

#[test]
fn one_two_and_four_threads_give_the_same_bytes() {
    let (assets, tasks) = tasks();
    let (wide_assets, data) = tiny_images(64, 64);
    let wide = classify(&data, |p| {
        stack(p).conv = vec![16, 24];
        stack(p).dense = vec![48];
        p.batch_size = 48;
    });
    on_each_path(|| {
        let all = tasks.iter().map(|spec| (spec, &assets)).chain([(&wide, &wide_assets)]);
        for (spec, assets) in all {
            let [one, two, four] = [1, 2, 4].map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| train(spec, assets))
            });
            assert_same(&one, &two, &spec.canonical());
            assert_same(&one, &four, &spec.canonical());
        }
    });
}

#[test]
fn seeds_give_different_runs() {
    let (assets, tasks) = tasks();
    on_each_path(|| {
        for spec in [&tasks[0], &tasks[6]] {
            let other = TaskSpec { seed: 4, ..spec.clone() };
            assert!(train(spec, &assets).result != train(&other, &assets).result);
        }
    });
}

#[test]
fn a_checkpoint_of_another_task_is_refused() {
    on_each_path(|| {
        let spec = fit(|_| {});
        let checkpoint = start(&spec, &Assets::default(), None).unwrap().checkpoint().unwrap();
        let other = TaskSpec { seed: 4, ..spec.clone() };
        let error = start(&other, &Assets::default(), Some(&checkpoint)).err().unwrap();
        assert_eq!(
            error.to_string(),
            format!(
                "the checkpoint can't be used: it is of task {}, not {}",
                spec.id().short(),
                other.id().short()
            )
        );
    });
}

#[test]
fn a_damaged_checkpoint_is_refused_and_never_used() {
    on_each_path(|| {
        let spec = fit(|p| p.training.record = ALL);
        let mut run = start(&spec, &Assets::default(), None).unwrap();
        for _ in 0..4 {
            run.advance().unwrap();
        }
        let good = run.checkpoint().unwrap();
        let refused = |bytes: &[u8], what: String| {
            let error = start(&spec, &Assets::default(), Some(bytes)).err();
            assert!(matches!(error, Some(ExperimentError::BadCheckpoint(_))), "{what}: {error:?}");
        };
        for at in 0..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 0x10;
            refused(&bytes, format!("byte {at}"));
        }
        for length in (0..good.len()).step_by(97) {
            refused(&good[..length], format!("cut at {length}"));
        }
        assert!(start(&spec, &Assets::default(), Some(&good)).is_ok());
    });
}

/// From machine to machine: after every advance the next code path goes on from the checkpoint of the one before.
#[test]
fn a_run_that_goes_on_on_another_code_path_after_every_advance_ends_with_the_same_bytes() {
    let (assets, tasks) = tasks();
    let mut on_one_path = None;
    on_each_path(|| {
        let runs: Vec<_> = tasks.iter().map(|spec| train(spec, &assets)).collect();
        for (spec, (run, first)) in tasks.iter().zip(runs.iter().zip(on_one_path.get_or_insert(runs.clone())))
        {
            assert_same(run, first, &spec.canonical());
        }
    });
    let expected = on_one_path.unwrap();
    let mut path = 0;
    let mut checkpoints: Vec<Option<Vec<u8>>> = vec![None; tasks.len()];
    let mut ended = vec![None; tasks.len()];
    while ended.iter().any(Option::is_none) {
        on_path(path, || {
            for ((spec, checkpoint), ended) in tasks.iter().zip(&mut checkpoints).zip(&mut ended) {
                if ended.is_none() {
                    let mut run = start(spec, &assets, checkpoint.as_deref()).unwrap();
                    if run.advance().unwrap() == Advance::Done {
                        *ended = Some(run.finish().unwrap());
                    } else {
                        *checkpoint = Some(run.checkpoint().unwrap());
                    }
                }
            }
        });
        path += 1;
    }
    for ((spec, ended), expected) in tasks.iter().zip(&ended).zip(&expected) {
        assert_same(ended.as_ref().unwrap(), expected, &spec.canonical());
    }
}
