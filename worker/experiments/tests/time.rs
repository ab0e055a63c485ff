//! Budgets, schedules, recorded points and stop rules of whole runs.

mod common;

use basin_domain::experiment::{
    Interval, Probe, ProbeSchedule, StopReason, StopRule, TrainingTime, WatchedSeries,
};
use basin_domain::metrics::{Axis, Metrics, Outcome};
use basin_domain::optimizer::Optimizer;
use basin_domain::schedule::{Cosine, LearningRateSchedule, Shape};
use basin_experiments::Assets;
use candle_core::{Device, safetensors};
use common::{SGD, classify, fit, stack, tiny_images, train};

fn points(metrics: &Metrics, name: &str) -> Vec<(f64, f64)> {
    metrics.series[name].points.clone()
}

fn xs(metrics: &Metrics, name: &str) -> Vec<f64> {
    metrics.series[name].points.iter().map(|&(x, _)| x).collect()
}

#[test]
fn a_budget_of_steps_takes_the_first_steps_of_the_same_order() {
    let (assets, data) = tiny_images(40, 20);
    let run = |budget| {
        let spec = classify(&data, |p| {
            p.budget = budget;
            p.training.record.gradient_norm = true;
        });
        train(&spec, &assets)
    };
    // Three steps an epoch.
    let (whole, cut) = (run(TrainingTime::Epochs(3)), run(TrainingTime::Steps(7)));
    assert_eq!(points(&cut.metrics, "loss"), points(&whole.metrics, "loss")[..7]);
    assert_eq!(xs(&cut.metrics, "test_loss"), [0.0, 1.0, 2.0, 7.0 / 3.0]);
    assert_eq!(points(&cut.metrics, "test_loss")[..3], points(&whole.metrics, "test_loss")[..3]);
    // The mean since the last recorded point: of the seventh batch alone.
    assert_eq!(cut.metrics.last("train_loss"), cut.metrics.last("loss"));
    let same = run(TrainingTime::Steps(9));
    assert_eq!(same.metrics, whole.metrics, "steps that are whole epochs");
    assert!(same.result == whole.result);
}

#[test]
fn points_by_steps_are_against_steps_and_change_no_step() {
    let (assets, data) = tiny_images(40, 20);
    let run = |every: Interval| {
        let spec = classify(&data, |p| {
            p.budget = TrainingTime::Steps(8);
            p.training.record.every = every;
            p.training.record.gradient_norm = true;
            p.training.record.weights_every = Some(every);
            p.training.probes =
                ProbeSchedule { every: Some(every), probes: vec![Probe::Sensitivity { examples: Some(5) }] };
        });
        train(&spec, &assets)
    };
    let (by_epochs, by_steps) = (run(Interval::Epochs(1)), run(Interval::Steps { steps: 3 }));
    let logarithmic = run(Interval::LogSteps { log_steps: 4 });
    for (run, expected) in
        [(&by_steps, vec![0.0, 3.0, 6.0, 8.0]), (&logarithmic, vec![0.0, 1.0, 2.0, 4.0, 8.0])]
    {
        for name in ["train_loss", "test_accuracy", "sensitivity"] {
            assert_eq!(run.metrics.series[name].axis, Axis::Iteration, "{name}");
            assert_eq!(xs(&run.metrics, name), expected, "{name}");
        }
        assert_eq!(points(&run.metrics, "loss"), points(&by_epochs.metrics, "loss"));
    }
    let losses = points(&logarithmic.metrics, "loss");
    assert_eq!(points(&logarithmic.metrics, "train_loss")[1].1, losses[0].1, "of the first batch alone");
    let tensors = safetensors::load_buffer(&by_steps.result, &Device::Cpu).unwrap();
    let mut names: Vec<&str> = tensors.keys().filter_map(|name| name.strip_suffix("/output.bias")).collect();
    names.sort_unstable();
    assert_eq!(names, ["model", "weights/step-0", "weights/step-3", "weights/step-6"]);
}

#[test]
fn probes_between_recorded_points_lose_no_batch_of_the_mean() {
    let (assets, data) = tiny_images(40, 20);
    let run = |every: Option<Interval>| {
        let spec = classify(&data, |p| {
            p.training.probes =
                ProbeSchedule { every, probes: vec![Probe::InputGradient { examples: Some(5) }] };
        });
        train(&spec, &assets).metrics
    };
    let (seldom, often) = (run(None), run(Some(Interval::Steps { steps: 1 })));
    assert_eq!(points(&seldom, "train_loss"), points(&often, "train_loss"));
    assert_eq!(xs(&often, "input_gradient").len(), 7);
    assert_eq!(xs(&often, "input_gradient")[1], 1.0 / 3.0);
}

#[test]
fn a_learning_rate_follows_its_schedule_and_is_recorded() {
    let rate = 0.05;
    let run = |schedule: LearningRateSchedule, optimizer| {
        let spec = fit(|p| {
            p.budget = TrainingTime::Steps(10);
            p.training.optimizer = optimizer;
            p.training.schedule = schedule;
        });
        train(&spec, &Assets::default())
    };
    let plain = Optimizer::sgd(rate, 0.0, 0.0);
    let cosine = LearningRateSchedule {
        warmup: Some(TrainingTime::Steps(4)),
        shape: Shape::Cosine(Cosine { final_factor: 0.1 }),
    };
    let moved = run(cosine.clone(), plain);
    let expected: Vec<f64> =
        [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(|step| rate * cosine.factor(step, 10, 1)).into();
    let recorded: Vec<f64> = points(&moved.metrics, "learning_rate").iter().map(|point| point.1).collect();
    assert_eq!(recorded, expected);
    let constant = run(LearningRateSchedule::default(), plain);
    assert!(!constant.metrics.series.contains_key("learning_rate"));
    assert!(moved.result != constant.result);
}

#[test]
fn a_rule_ends_training_with_complete_results() {
    let (assets, data) = tiny_images(60, 20);
    let run = |stop: Vec<StopRule>| {
        let spec = classify(&data, |p| {
            p.budget = TrainingTime::Epochs(60);
            stack(p).dense = vec![32];
            p.training.optimizer = Optimizer::adam(5e-3);
            p.training.probes = ProbeSchedule {
                every: None,
                probes: vec![Probe::Spectrum { examples: 10, steps: 2, vectors: 1 }],
            };
            p.training.stop = stop;
        });
        train(&spec, &assets)
    };
    let (whole, stopped) = (run(vec![]), run(vec![StopRule::TrainAccuracyAbove { value: 0.6 }]));
    let Outcome::Stopped { iteration, rule } = stopped.outcome else { panic!("{:?}", stopped.outcome) };
    assert_eq!(rule, StopReason::TrainAccuracyAbove);
    let accuracies = points(&whole.metrics, "train_accuracy");
    let reached = accuracies.iter().position(|point| point.1 > 0.6).unwrap();
    assert_eq!(iteration, 4 * reached as u64, "four steps an epoch");
    for name in ["train_loss", "train_accuracy", "test_loss", "test_accuracy"] {
        assert_eq!(points(&stopped.metrics, name), points(&whole.metrics, name)[..=reached], "{name}");
    }
    for name in ["final_train_loss", "final_train_accuracy", "spectral_density"] {
        assert!(stopped.metrics.series.contains_key(name), "{name}");
    }
    // A rule that holds at the end of the budget has stopped nothing.
    let none = run(vec![StopRule::NoImprovement { of: WatchedSeries::TrainLoss, points: 1_000 }]);
    assert_eq!((none.outcome, none.metrics), (Outcome::Completed, whole.metrics));
}

#[test]
fn a_rule_may_hold_before_the_first_step() {
    let spec = fit(|p| {
        p.training.optimizer = SGD;
        p.training.stop = vec![StopRule::TrainLossBelow { value: 1e9 }];
    });
    let finished = train(&spec, &Assets::default());
    assert_eq!(finished.outcome, Outcome::Stopped { iteration: 0, rule: StopReason::TrainLossBelow });
    assert_eq!(finished.metrics.last("final_train_loss"), finished.metrics.last("train_loss"));
}
