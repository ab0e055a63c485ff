//! Branches: a run that begins with the state of another is that run, from there on.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use basin_domain::data::Augmentation;
use basin_domain::experiment::{
    Branch, Experiment, Interval, Probe, ProbeSchedule, RecordedStates, Recording, StopRule, TrainingTime,
};
use basin_domain::metrics::{Axis, Outcome};
use basin_domain::optimizer::{Optimizer, Rule, Sgd, WeightAverage};
use basin_domain::task::TaskSpec;
use basin_experiments::{Assets, ExperimentError, Finished, start};
use common::{
    ALL, SGD, WARMED_COSINE, assert_reproducible, begun, bits, classify, eigenvalue_probes, every_layer, fit,
    further_optimizers, on_each_path, regress, tensors, tiny_images, tiny_values, train, turn, with_inputs,
};

const GOES_ON: Branch = Branch { step: None, optimizer_state: true, restarts_clock: false };

fn at(steps: &[u64]) -> Option<RecordedStates> {
    Some(RecordedStates::Listed { at: steps.to_vec() })
}

/// A task that goes on with another's training, by these rules.
fn branch_of(trunk: &TaskSpec, branch: Branch) -> TaskSpec {
    begun(trunk, &[("start", trunk)], |settings| settings.start = Some(branch))
}

/// Whether a tensor of a result is of a place before a step.
fn is_before(name: &str, step: u64, steps_an_epoch: u64) -> bool {
    let mut parts = name.split('/');
    let place = match (parts.next(), parts.next()) {
        (Some("weights"), Some(place)) => match place.strip_prefix("step-") {
            Some(at) => at.parse().unwrap(),
            None => place.parse::<u64>().unwrap() * steps_an_epoch,
        },
        (Some("states"), Some(at)) => at.parse().unwrap(),
        _ => return false,
    };
    place < step
}

/// Asserts that a branch at `step` has all of its trunk's bytes from there on, and none from before.
fn assert_goes_on(trunk: &Finished, branch: &Finished, step: u64, steps_an_epoch: u64, context: &str) {
    assert_eq!(trunk.outcome, branch.outcome, "{context}");
    let (all, own) = (tensors(&trunk.result), tensors(&branch.result));
    let later: Vec<&String> = all.keys().filter(|name| !is_before(name, step, steps_an_epoch)).collect();
    assert_eq!(later, own.keys().collect::<Vec<_>>(), "{context}");
    for name in later {
        let text = |tensor: &candle_core::Tensor| {
            let flat = tensor.flatten_all().unwrap();
            match flat.dtype() {
                candle_core::DType::F32 => format!("{:?}", bits(&flat)),
                candle_core::DType::F64 => format!("{:?}", flat.to_vec1::<f64>().unwrap()),
                _ => format!("{:?}", flat.to_vec1::<i64>().unwrap()),
            }
        };
        assert_eq!(text(&all[name]), text(&own[name]), "{context}: {name}");
    }
    let (all, own) = (&trunk.metrics.series, &branch.metrics.series);
    assert_eq!(all.keys().collect::<Vec<_>>(), own.keys().collect::<Vec<_>>(), "{context}");
    for (name, series) in all {
        let is_of_steps = ["loss", "gradient_norm"].contains(&name.as_str());
        let first = match series.axis {
            Axis::Epoch => step as f64 / steps_an_epoch as f64,
            // The step that led to the state is the trunk's.
            Axis::Iteration if is_of_steps => step as f64 + 1.0,
            Axis::Iteration => step as f64,
            _ => f64::NEG_INFINITY,
        };
        let later: Vec<_> = series.points.iter().filter(|point| point.0 >= first).collect();
        let own: Vec<_> = own[name].points.iter().collect();
        assert_eq!(format!("{later:?}"), format!("{own:?}"), "{context}: {name}");
        assert!(!own.is_empty(), "{context}: {name} has no point");
    }
}

/// Trunks of several kinds with all that has a state, and the steps of an epoch. Each has about three epochs.
fn trunks() -> Vec<(Assets, TaskSpec, u64)> {
    let (images, of_images) = tiny_images(40, 30);
    let (values, of_values) = tiny_values(40, 30);
    let none = Assets::default();
    let three = TrainingTime::Epochs(3);
    let everything = classify(&of_images, |p| {
        p.budget = three;
        p.augmentation = Augmentation { crop: 2, flip: true, cutout: 5, ..Augmentation::default() };
        p.data.label_noise = 0.2;
        p.training.schedule = WARMED_COSINE;
        p.training.record = Recording { weights_every: Some(Interval::Epochs(1)), ..ALL };
        p.training.states = Some(RecordedStates::Every(Interval::Steps { steps: 1 }));
        p.training.optimizer.average = Some(WeightAverage::Ema { decay: 0.9, warm_up: true });
    });
    let layers = classify(&of_images, |p| {
        p.budget = three;
        p.model = every_layer();
        p.training.optimizer = SGD;
        p.training.states = Some(RecordedStates::Every(Interval::Steps { steps: 2 }));
        p.training.record = Recording {
            every: Interval::Steps { steps: 2 },
            weights_every: Some(Interval::Steps { steps: 3 }),
            gradient_norm: false,
        };
    });
    let probed = fit(|p| {
        p.budget = TrainingTime::Steps(12);
        p.batch_size = Some(8);
        p.training.states = at(&[0, 4, 5, 8]);
        p.training.record = Recording { every: Interval::Steps { steps: 4 }, ..ALL };
        p.training.probes = eigenvalue_probes(Interval::Steps { steps: 4 });
    });
    let regressed = regress(&of_values, |p| {
        p.budget = three;
        p.training.states = at(&[2, 5]);
        p.training.record = ALL;
        p.training.optimizer.average = Some(WeightAverage::Swa { start: 2, every: 2 });
    });
    let mut trunks = vec![
        (images.clone(), everything, 3),
        (images.clone(), layers, 3),
        (none.clone(), probed, 3),
        (values, regressed, 3),
    ];
    for (_, optimizer) in further_optimizers() {
        let trunk = fit(|p| {
            p.batch_size = Some(8);
            p.training.optimizer = optimizer;
            p.training.states = at(&[0, 4, 6]);
            p.training.record = ALL;
        });
        trunks.push((none.clone(), trunk, 3));
    }
    trunks
}

/// The steps whose state a trunk keeps, before its end.
fn kept(trunk: &Finished) -> Vec<u64> {
    let last = trunk.metrics.series.values().flat_map(|series| &series.points).map(|point| point.0);
    assert!(last.count() > 0);
    let all = tensors(&trunk.result);
    let mut steps: Vec<u64> = all
        .keys()
        .filter_map(|name| name.strip_prefix("states/")?.strip_suffix("/counters")?.parse().ok())
        .collect();
    steps.sort_unstable();
    steps
}

#[test]
fn a_branch_has_the_bytes_of_the_run_that_trained_its_trunk_itself() {
    on_each_path(|| {
        for (assets, trunk, steps_an_epoch) in trunks() {
            let whole = train(&trunk, &assets);
            let budget = trunk.experiment.clock(None).map_or(3 * steps_an_epoch, |clock| clock.steps());
            let steps = kept(&whole);
            assert!(steps.len() >= 2, "{steps:?}");
            for step in steps.into_iter().filter(|step| *step > 0 && *step < budget) {
                let spec = branch_of(&trunk, Branch { step: Some(step), ..GOES_ON });
                let branch = train(&spec, &with_inputs(&assets, &[("start", &whole)]));
                let context = format!("at step {step} of {}", trunk.canonical());
                assert_goes_on(&whole, &branch, step, steps_an_epoch, &context);
            }
        }
    });
}

#[test]
fn a_branch_of_a_branch_has_them_too() {
    let _turn = turn();
    let trunk = fit(|p| {
        p.batch_size = Some(8);
        p.training.states = Some(RecordedStates::Every(Interval::Steps { steps: 2 }));
        p.training.optimizer.average = Some(WeightAverage::Swa { start: 3, every: 2 });
        p.training.record = ALL;
    });
    let none = Assets::default();
    let whole = train(&trunk, &none);
    let branch = branch_of(&trunk, Branch { step: Some(4), ..GOES_ON });
    let first = train(&branch, &with_inputs(&none, &[("start", &whole)]));
    let twig = branch_of(&branch, Branch { step: Some(8), ..GOES_ON });
    let second = train(&twig, &with_inputs(&none, &[("start", &first)]));
    assert_goes_on(&whole, &second, 8, 3, "a branch of a branch");
    assert_ne!(twig.id(), branch.id());
}

#[test]
fn branches_are_the_same_however_often_they_are_interrupted_and_on_any_number_of_threads() {
    let _turn = turn();
    let (assets, trunk, _) = trunks().swap_remove(0);
    let whole = train(&trunk, &assets);
    let assets = with_inputs(&assets, &[("start", &whole)]);
    for branch in [
        Branch { step: Some(4), ..GOES_ON },
        Branch { step: Some(3), ..GOES_ON },
        Branch { step: Some(4), optimizer_state: false, restarts_clock: false },
        Branch { step: Some(4), optimizer_state: true, restarts_clock: true },
        Branch { step: None, optimizer_state: false, restarts_clock: false },
    ] {
        assert_reproducible(&branch_of(&trunk, branch), &assets);
    }
    let (_, probed, _) = trunks().swap_remove(2);
    let whole = train(&probed, &Assets::default());
    let assets = with_inputs(&Assets::default(), &[("start", &whole)]);
    assert_reproducible(&branch_of(&probed, Branch { step: Some(5), ..GOES_ON }), &assets);
}

/// SGD without momentum has no state but its settings.
const STATELESS: Optimizer = Optimizer::new(Rule::Sgd(Sgd::new(0.05, 0.0, 0.0)));

fn stateless() -> TaskSpec {
    fit(|p| {
        p.batch_size = Some(8);
        p.training.optimizer = STATELESS;
        p.training.states = at(&[0, 4, 15]);
    })
}

#[test]
fn without_the_optimisers_state_an_optimiser_without_one_goes_the_same_way() {
    let _turn = turn();
    let trunk = stateless();
    let whole = train(&trunk, &Assets::default());
    let assets = with_inputs(&Assets::default(), &[("start", &whole)]);
    let spec = branch_of(&trunk, Branch { step: Some(4), optimizer_state: false, restarts_clock: false });
    let branch = train(&spec, &assets);
    let weights = |run: &Finished| {
        let all = tensors(&run.result).into_iter().filter(|(name, _)| name.starts_with("model/"));
        all.map(|(name, tensor)| (name, bits(&tensor))).collect::<Vec<_>>()
    };
    assert_eq!(weights(&branch), weights(&whole));
    // It looks at the weights that it begins with, in the middle of an epoch.
    let first = branch.metrics.series["train_loss"].points[0];
    assert_eq!(first.0, 4.0 / 3.0);
    let with_momentum = begun(&trunk, &[("start", &trunk)], |settings| {
        settings.start = Some(Branch { step: Some(4), optimizer_state: false, restarts_clock: false });
        settings.optimizer = Optimizer::sgd(0.05, 0.9, 0.0);
    });
    assert_ne!(weights(&train(&with_momentum, &assets)), weights(&whole));
}

#[test]
fn a_clock_that_restarts_counts_steps_epochs_and_schedules_from_zero() {
    let _turn = turn();
    let trunk = stateless();
    let whole = train(&trunk, &Assets::default());
    let assets = with_inputs(&Assets::default(), &[("start", &whole)]);
    let spec = begun(&trunk, &[("start", &trunk)], |settings| {
        settings.start = Some(Branch { step: Some(4), optimizer_state: true, restarts_clock: true });
        settings.schedule = WARMED_COSINE;
    });
    let again = train(&spec, &assets);
    let epochs: Vec<f64> = again.metrics.series["learning_rate"].points.iter().map(|point| point.0).collect();
    assert_eq!(epochs, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(
        again.metrics.series["learning_rate"].points[0].1, 0.025,
        "half of the rate at the first step"
    );
    // It begins where the trunk was, and goes another way.
    let state = tensors(&whole.result);
    let own = train(&begun(&spec, &[("start", &trunk)], |settings| settings.states = at(&[0])), &assets);
    let own = tensors(&own.result);
    for name in state.keys().filter_map(|name| name.strip_prefix("states/4/model/")) {
        let key = |step: u64| format!("states/{step}/model/{name}");
        assert_eq!(bits(&own[&key(0)]), bits(&state[&key(4)]));
    }
}

#[test]
fn a_branch_with_another_order_goes_its_own_way_from_the_same_point() {
    let _turn = turn();
    let (assets, data) = tiny_images(40, 30);
    let trunk = classify(&data, |p| {
        p.budget = TrainingTime::Epochs(3);
        p.training.states = at(&[3]);
    });
    let whole = train(&trunk, &assets);
    let assets = with_inputs(&assets, &[("start", &whole)]);
    let other = |order: Option<u64>| {
        let mut spec = branch_of(&trunk, Branch { step: Some(3), ..GOES_ON });
        let Experiment::Classify(parameters) = &mut spec.experiment else { unreachable!() };
        parameters.seeds.order = order;
        train(&spec, &assets)
    };
    let [same, one, two] = [None, Some(7), Some(8)].map(other);
    assert_goes_on(&whole, &same, 3, 3, "the same order");
    for (a, b) in [(&one, &two), (&one, &same), (&two, &same)] {
        assert_ne!(a.result, b.result);
        let first = |run: &Finished| run.metrics.series["test_loss"].points[0];
        assert_eq!(first(a), first(b));
    }
}

#[test]
fn the_end_of_a_run_can_be_begun_with_without_a_recorded_state() {
    let _turn = turn();
    let trunk = fit(|_| {});
    let whole = train(&trunk, &Assets::default());
    let assets = with_inputs(&Assets::default(), &[("start", &whole)]);
    let spec = branch_of(&trunk, Branch { step: None, optimizer_state: false, restarts_clock: false });
    let further = train(&spec, &assets);
    let (last, first) = (whole.metrics.last("train_loss"), further.metrics.series["train_loss"].points[0]);
    assert_eq!((0.0, last.unwrap()), first);
    assert!(further.metrics.last("train_loss") < last);
}

fn refusal(spec: &TaskSpec, assets: &Assets) -> String {
    match start(spec, assets, None).err() {
        Some(error @ (ExperimentError::UnusableInput { .. } | ExperimentError::InvalidParameters(_))) => {
            error.to_string()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_input_that_is_missing_or_does_not_fit_is_refused_with_the_reason() {
    let _turn = turn();
    let trunk = stateless();
    let whole = train(&trunk, &Assets::default());
    let none = Assets::default();
    let good = with_inputs(&none, &[("start", &whole)]);
    let branch = |step: u64| branch_of(&trunk, Branch { step: Some(step), ..GOES_ON });
    let cases = [
        (branch(4), none.clone(), "the input `start` can't be used: it isn't there"),
        (branch(5), good.clone(), "the input `start` can't be used: it keeps no state after step 5"),
        (
            branch(15),
            good.clone(),
            "the parameters can't be trained: training begins at step 15, and its budget ends with step 15",
        ),
    ];
    for (spec, assets, expected) in cases {
        assert_eq!(refusal(&spec, &assets), expected);
    }
    let mut damaged = good.clone();
    damaged.inputs.get_mut("start").unwrap().truncate(100);
    assert!(refusal(&branch(4), &damaged).starts_with("the input `start` can't be used: "));
    let other = begun(&branch(4), &[("start", &trunk)], |settings| {
        settings.optimizer = Optimizer::new(Rule::Lion(basin_domain::optimizer::Lion {
            learning_rate: 1e-3,
            beta1: 0.9,
            beta2: 0.99,
            weight_decay: 0.0,
        }));
    });
    assert!(refusal(&other, &good).contains("the optimiser here is another"), "{}", refusal(&other, &good));
    let stopped = train(
        &begun(&trunk, &[], |settings| settings.stop = vec![StopRule::TrainLossBelow { value: 1e9 }]),
        &none,
    );
    assert!(matches!(stopped.outcome, Outcome::Stopped { iteration: 0, .. }), "{:?}", stopped.outcome);
    assert_eq!(
        refusal(&branch(4), &with_inputs(&none, &[("start", &stopped)])),
        "the input `start` can't be used: a rule ended its training at step 0, before step 4"
    );
}

#[test]
fn what_diverged_before_the_step_leads_to_what_diverged() {
    let _turn = turn();
    let trunk = fit(|p| {
        p.batch_size = Some(8);
        p.training.optimizer = Optimizer::sgd(1e20, 0.0, 0.0);
        p.training.states = at(&[0, 4]);
        p.training.probes =
            ProbeSchedule { every: None, probes: vec![Probe::Sensitivity { examples: None }] };
    });
    let diverged = train(&trunk, &Assets::default());
    let Outcome::Diverged { iteration } = diverged.outcome else { panic!("{:?}", diverged.outcome) };
    assert!(iteration <= 4, "{iteration}");
    let assets = with_inputs(&Assets::default(), &[("start", &diverged)]);
    for branch in [
        Branch { step: Some(4), ..GOES_ON },
        Branch { step: None, optimizer_state: false, restarts_clock: false },
    ] {
        let run = assert_reproducible(&branch_of(&trunk, branch), &assets);
        assert_eq!(run.outcome, Outcome::Diverged { iteration: 0 });
        assert!(run.metrics.series.is_empty(), "{:?}", run.metrics);
    }
    // The state before is as good as any.
    let mended = begun(&trunk, &[("start", &trunk)], |settings| {
        settings.start = Some(Branch { step: Some(0), ..GOES_ON });
        settings.optimizer = Optimizer::sgd(1e-2, 0.0, 0.0);
    });
    assert_eq!(train(&mended, &assets).outcome, Outcome::Completed);
}
