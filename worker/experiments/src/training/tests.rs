//! Checkpoints whose digest is right and whose content isn't: what the loop itself refuses.

use basin_domain::experiment::{
    Experiment, FitFunction, Function, Interval, PointLayout, Probe, ProbeSchedule, Recording,
    SampledFunction, StreamSeeds, TrainingTime,
};
use basin_domain::optimizer::Optimizer;
use basin_domain::task::TaskSpec;
use candle_core::{Device, Tensor};

use super::checkpoint::{FORMAT, SavedTrainingStage, TrainingState};
use super::*;
use crate::checkpoint::{Bits, encode, open};
use crate::fit_function::FunctionFit;

fn spec() -> TaskSpec {
    let parameters = FitFunction {
        function: Function::Sin,
        hidden: vec![4],
        model: None,
        interval: (-1.0, 1.0),
        points: 10,
        layout: PointLayout::default(),
        seeds: StreamSeeds::default(),
        batch_size: Some(4),
        budget: TrainingTime::Epochs(3),
        loss: Default::default(),
        training: TrainingSettings {
            record: Recording {
                gradient_norm: true,
                weights_every: Some(Interval::Epochs(1)),
                every: Interval::Epochs(1),
            },
            probes: ProbeSchedule {
                every: Some(Interval::Epochs(1)),
                probes: vec![Probe::Sensitivity { examples: None }],
            },
            ..TrainingSettings::of(Optimizer::adam(1e-3))
        },
    };
    TaskSpec {
        experiment: Experiment::FitFunction(parameters),
        version: FitFunction::VERSION,
        seed: 5,
        data: None,
        inputs: BTreeMap::default(),
    }
}

fn training(checkpoint: Option<&[u8]>) -> Result<Training<FunctionFit>, ExperimentError> {
    let spec = spec();
    let Experiment::FitFunction(parameters) = &spec.experiment else { unreachable!() };
    let problem = FunctionFit::new(&parameters.sampled())?;
    let model = Model::dense_net(1, &parameters.hidden, 1, spec.seed)?;
    let schedule = Schedule {
        batch_size: 4,
        budget: parameters.budget,
        order_seed: None,
        settings: parameters.training.clone(),
    };
    Training::start(&spec, schedule, problem, model, &Assets::default(), checkpoint)
}

/// A checkpoint after so many advances, whose state and tensors were changed before it was sealed again.
fn changed(advances: usize, change: impl FnOnce(&mut TrainingState, &mut NamedTensors)) -> Vec<u8> {
    let mut run = training(None).unwrap();
    for _ in 0..advances {
        assert_eq!(run.advance().unwrap(), Advance::More);
    }
    let opened = open::<TrainingState>(&run.checkpoint().unwrap(), run.task, FORMAT).unwrap();
    let (mut state, mut tensors) = (opened.state, opened.tensors);
    tensors.retain(|name, _| !name.starts_with("record/"));
    change(&mut state, &mut tensors);
    encode(run.task, FORMAT, &state, tensors, &opened.metrics).unwrap()
}

fn refusal(checkpoint: &[u8]) -> String {
    match training(Some(checkpoint)) {
        Err(ExperimentError::BadCheckpoint(reason)) => reason,
        Err(other) => panic!("another refusal: {other}"),
        Ok(_) => panic!("it is taken"),
    }
}

#[test]
fn what_was_only_sealed_again_is_taken() {
    for advances in 0..12 {
        let checkpoint = changed(advances, |_, _| {});
        let mut run = training(Some(&checkpoint)).unwrap();
        assert!(run.checkpoint().unwrap() == checkpoint, "after {advances} advances");
    }
}

#[test]
fn counters_that_contradict_each_other_are_refused_wherever_the_run_is() {
    type Change = fn(&mut TrainingState);
    let changes: [(&str, Change); 7] = [
        ("a step more", |state| state.iteration += 1),
        ("a step of the optimiser more", |state| state.optimizer_steps += 1),
        ("an epoch more", |state| state.epoch += 1),
        ("the last number for the epoch", |state| state.epoch = u32::MAX),
        ("more epochs than there are", |state| {
            (state.epoch, state.iteration, state.optimizer_steps) = (4, 12, 12);
        }),
        ("sums of other examples", |state| match &mut state.stage {
            SavedTrainingStage::Evaluate { sums, .. }
            | SavedTrainingStage::EvaluateAverage { sums, .. }
            | SavedTrainingStage::Train { sums, .. } => {
                sums.count += 1;
            }
            SavedTrainingStage::Probe { index, .. } => *index += 1,
            SavedTrainingStage::Ended { .. } => unreachable!(),
        }),
        ("a place beyond the examples", |state| match &mut state.stage {
            SavedTrainingStage::Evaluate { position, sums, .. }
            | SavedTrainingStage::EvaluateAverage { position, sums, .. }
            | SavedTrainingStage::Train { position, sums } => {
                (*position, sums.count) = (10, 10);
            }
            SavedTrainingStage::Probe { index, .. } => *index = 7,
            SavedTrainingStage::Ended { .. } => unreachable!(),
        }),
    ];
    for advances in 0..10 {
        for (what, change) in changes {
            let reason = refusal(&changed(advances, |state, _| change(state)));
            assert!(
                reason.starts_with("its counters contradict each other"),
                "{what} after {advances}: {reason}"
            );
        }
    }
}

#[test]
fn more_right_answers_than_examples_are_refused() {
    let reason = refusal(&changed(3, |state, _| {
        let SavedTrainingStage::Train { sums, .. } = &mut state.stage else { panic!("{:?}", state.stage) };
        assert!(sums.count > 0);
        sums.correct = sums.count + 1;
    }));
    assert!(reason.starts_with("its counters contradict each other"), "{reason}");
}

#[test]
fn weights_and_moments_that_are_missing_misshapen_or_nobodys_are_refused_by_name() {
    let zeros = |dims: &[usize]| Tensor::zeros(dims, candle_core::DType::F32, &Device::Cpu).unwrap();
    let without = |name: &'static str| changed(4, move |_, tensors| drop(tensors.remove(name)));
    let with = |name: &'static str, tensor: Tensor| {
        changed(4, move |_, tensors| drop(tensors.insert(name.to_owned(), tensor)))
    };
    assert_eq!(refusal(&without("model/dense0.weight")), "it lacks the parameter `dense0.weight`");
    assert_eq!(
        refusal(&with("model/dense0.weight", zeros(&[1, 4]))),
        "the parameter `dense0.weight` has the shape [1, 4]"
    );
    assert_eq!(refusal(&with("model/dense7.weight", zeros(&[1]))), "there is no parameter `dense7.weight`");
    assert!(
        refusal(&without("optimizer/first_moment/output.bias"))
            .starts_with("the optimiser's state has 7 tensors, not 8")
    );
    assert!(
        refusal(&with("optimizer/first_moment/output.bias", zeros(&[2])))
            .starts_with("\"first_moment/output.bias\" of the optimiser's state is [2] F32, not [1] F32")
    );
}

#[test]
fn the_latest_loss_and_the_snapshots_come_back_also_where_the_loss_is_no_number() {
    let checkpoint = changed(5, |state, _| state.latest_loss = Some(Bits::from(f64::NAN)));
    let run = training(Some(&checkpoint)).unwrap();
    assert!(run.progress().loss.unwrap().is_nan());
    let epochs: std::collections::BTreeSet<&str> =
        run.snapshots.keys().map(|name| name.split_once('/').unwrap().0).collect();
    assert_eq!(epochs.into_iter().collect::<Vec<_>>(), ["0", "1"]);
}

#[test]
fn a_schedule_that_cannot_be_followed_is_refused() {
    let refused = |change: fn(&mut Schedule)| {
        let problem = FunctionFit::new(&SampledFunction::line(Function::Sin, (-1.0, 1.0), 10)).unwrap();
        let model = Model::dense_net(1, &[4], 1, 5).unwrap();
        let mut schedule = Schedule {
            batch_size: 4,
            budget: TrainingTime::Epochs(1),
            order_seed: None,
            settings: TrainingSettings::of(Optimizer::adam(1e-3)),
        };
        change(&mut schedule);
        match Training::start(&spec(), schedule, problem, model, &Assets::default(), None) {
            Err(ExperimentError::InvalidParameters(reason)) => reason,
            Err(other) => panic!("another refusal: {other}"),
            Ok(_) => panic!("it is followed"),
        }
    };
    assert_eq!(refused(|schedule| schedule.batch_size = 0), "a batch needs at least one example");
    assert_eq!(
        refused(|schedule| schedule.settings.record.weights_every = Some(Interval::Epochs(0))),
        "something is due every 0 epochs or steps"
    );
}

#[test]
fn the_state_is_written_with_the_names_that_earlier_versions_read() {
    let written = |stage: TrainingStage| serde_json::to_string(&SavedTrainingStage::from(stage)).unwrap();
    let sums = LossSums { loss: 1.0, correct: 2, count: 3 };
    let bits = 1.0_f64.to_bits();
    assert_eq!(
        written(TrainingStage::Evaluate { when: When::Before, split: Split::Test, position: 3, sums }),
        format!(
            r#"{{"stage":"evaluate","when":"before","part":"test","position":3,"sums":{{"loss":{bits},"correct":2,"count":3}}}}"#
        )
    );
    assert_eq!(
        written(TrainingStage::Train { position: 3, sums }),
        format!(r#"{{"stage":"train","position":3,"sums":{{"loss":{bits},"correct":2,"count":3}}}}"#)
    );
    assert_eq!(
        written(TrainingStage::Probe { index: 4, sums: LossSums::default() }),
        r#"{"stage":"probe","index":4}"#
    );
    assert_eq!(
        written(TrainingStage::Ended(Outcome::Diverged { iteration: 9 })),
        r#"{"stage":"ended","outcome":{"outcome":"diverged","iteration":9}}"#
    );
}
