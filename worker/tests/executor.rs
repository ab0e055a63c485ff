//! An executor with several lanes, spoken to as its agent speaks to it.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::path::{Path, PathBuf};

use basin_domain::experiment::{
    Experiment, FitFunction, Function, Interval, PointLayout, Probe, ProbeSchedule, Recording, StreamSeeds,
    TrainingSettings, TrainingTime,
};
use basin_domain::optimizer::Optimizer;
use basin_domain::task::TaskSpec;
use basin_experiments::{Advance, Assets, start};
use basin_proto::executor::{Checkpoint, FromExecutor, Start, Stop, ToExecutor, from_executor, to_executor};
use basin_worker::DeviceName;
use basin_worker::command::AllowedCommands;
use basin_worker::kind::Kinds;
use prost::Message;
use tempfile::TempDir;

/// A fit that takes some milliseconds.
fn fit(seed: u64, change: impl FnOnce(&mut FitFunction)) -> TaskSpec {
    let mut parameters = FitFunction {
        function: Function::Sin,
        hidden: vec![16, 16],
        model: None,
        interval: (-3.0, 3.0),
        points: 64,
        layout: PointLayout::default(),
        seeds: StreamSeeds::default(),
        batch_size: Some(16),
        budget: TrainingTime::Epochs(60),
        loss: Default::default(),
        training: TrainingSettings {
            record: Recording {
                gradient_norm: true,
                weights_every: Some(Interval::Epochs(20)),
                every: Interval::Epochs(1),
            },
            ..TrainingSettings::of(Optimizer::adam(1e-3))
        },
    };
    change(&mut parameters);
    let experiment = Experiment::FitFunction(parameters);
    TaskSpec { version: FitFunction::VERSION, experiment, seed, data: None, inputs: BTreeMap::new() }
}

/// The bytes that the task gives alone, in this process.
fn alone(spec: &TaskSpec) -> (Vec<u8>, Vec<u8>) {
    let mut run = start(spec, &Assets::default(), None).unwrap();
    while run.advance().unwrap() == Advance::More {}
    let finished = run.finish().unwrap();
    (basin_storage::metrics::encode(&finished.metrics), finished.result)
}

/// An executor on a thread of this process. It serves until the process ends, since it would end with its input.
struct Executor {
    input: std::mem::ManuallyDrop<PipeWriter>,
    output: PipeReader,
    scratch: TempDir,
}

impl Executor {
    fn new() -> Self {
        Self::on(DeviceName::Processor)
    }

    fn on(device: DeviceName) -> Self {
        let (requests, input) = std::io::pipe().unwrap();
        let (output, answers) = std::io::pipe().unwrap();
        std::thread::spawn(move || {
            basin_worker::executor::serve(
                requests,
                answers,
                device,
                AllowedCommands::default(),
                Kinds::none(),
            )
        });
        let input = std::mem::ManuallyDrop::new(input);
        let mut executor = Self { input, output, scratch: tempfile::tempdir().unwrap() };
        let (task, ready) = executor.next();
        assert!(task.is_empty() && matches!(ready, from_executor::Message::Ready(_)), "{ready:?}");
        executor
    }

    fn say(&mut self, task: &str, message: to_executor::Message) {
        let body = ToExecutor { task_id: task.to_owned(), message: Some(message) }.encode_to_vec();
        self.input.write_all(&u32::try_from(body.len()).unwrap().to_be_bytes()).unwrap();
        self.input.write_all(&body).unwrap();
    }

    fn next(&mut self) -> (String, from_executor::Message) {
        let mut length = [0; 4];
        self.output.read_exact(&mut length).unwrap();
        let mut body = vec![0; u32::from_be_bytes(length) as usize];
        self.output.read_exact(&mut body).unwrap();
        let FromExecutor { task_id, message } = FromExecutor::decode(body.as_slice()).unwrap();
        (task_id, message.unwrap())
    }

    fn folder(&self, task: &str) -> PathBuf {
        let folder = self.scratch.path().join(task);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn start(&mut self, task: &str, spec: &TaskSpec, change: impl FnOnce(&mut Start)) {
        let mut start = Start {
            spec_json: spec.canonical(),
            scratch: self.folder(task).to_string_lossy().into_owned(),
            ..Start::default()
        };
        change(&mut start);
        self.say(task, to_executor::Message::Start(start));
    }

    /// The last words on so many tasks.
    fn ends(&mut self, tasks: usize) -> BTreeMap<String, from_executor::Message> {
        let mut ends = BTreeMap::new();
        while ends.len() < tasks {
            let (task, message) = self.next();
            if matches!(
                message,
                from_executor::Message::Finished(_)
                    | from_executor::Message::Failed(_)
                    | from_executor::Message::Stopped(_)
            ) {
                assert!(ends.insert(task, message).is_none(), "a task ends once");
            }
        }
        ends
    }
}

fn files(end: &from_executor::Message) -> (Vec<u8>, Vec<u8>) {
    let from_executor::Message::Finished(finished) = end else { panic!("{end:?}") };
    (std::fs::read(&finished.metrics_path).unwrap(), std::fs::read(&finished.result_path).unwrap())
}

#[test]
fn lanes_give_the_bytes_of_their_tasks_alone() {
    let mut executor = Executor::new();
    let specs: Vec<TaskSpec> = (0..9).map(|seed| fit(seed, |_| {})).collect();
    for (index, spec) in specs.iter().enumerate() {
        executor.start(&format!("lane{index}"), spec, |_| {});
    }
    let ends = executor.ends(specs.len());
    for (index, spec) in specs.iter().enumerate() {
        assert!(files(&ends[&format!("lane{index}")]) == alone(spec), "lane {index}");
    }
}

#[test]
fn a_lane_that_fails_diverges_or_is_stopped_leaves_the_others_alone() {
    let mut executor = Executor::new();
    let long = fit(1, |fit| fit.budget = TrainingTime::Epochs(u32::MAX));
    let diverging = fit(2, |fit| {
        fit.training.optimizer = Optimizer::sgd(1e9, 0.0, 0.0);
    });
    let good = fit(3, |_| {});
    executor.start("stopped", &long, |_| {});
    executor.start("nonsense", &good, |start| start.spec_json = "{}".to_owned());
    executor.start("diverging", &diverging, |_| {});
    executor.start("good", &good, |_| {});
    executor.start("no such task", &good, |start| start.dataset = Some("/nowhere/data.basin".to_owned()));
    executor.say("stopped", to_executor::Message::Checkpoint(Checkpoint {}));
    executor.say("stopped", to_executor::Message::Stop(Stop {}));
    executor.say("nobody", to_executor::Message::Stop(Stop {}));
    let ends = executor.ends(5);
    assert!(matches!(ends["stopped"], from_executor::Message::Stopped(_)));
    let from_executor::Message::Failed(failed) = &ends["nonsense"] else { panic!() };
    assert_eq!(failed.kind, "invalid-parameters");
    let from_executor::Message::Failed(failed) = &ends["no such task"] else { panic!() };
    assert_eq!(failed.kind, "missing-data");
    let from_executor::Message::Finished(finished) = &ends["diverging"] else { panic!() };
    assert!(finished.outcome_json.contains("diverged"), "{}", finished.outcome_json);
    assert!(files(&ends["good"]) == alone(&good));
}

#[test]
fn a_task_is_given_back_and_goes_on_elsewhere_with_the_same_bytes() {
    let spec = fit(5, |fit| fit.budget = TrainingTime::Epochs(2_000));
    let mut executor = Executor::new();
    let (mut checkpoint, mut number, mut interruptions) = (None::<PathBuf>, 0, 0);
    let end = loop {
        let (name, from) = (format!("part{interruptions}"), checkpoint.clone());
        executor.start(&name, &spec, |start| {
            start.checkpoint = from.map(|path| path.to_string_lossy().into_owned());
            start.checkpoint_number = number;
        });
        executor.say(&name, to_executor::Message::Checkpoint(Checkpoint {}));
        let mut asked = false;
        let end = loop {
            let (task, message) = executor.next();
            assert_eq!(task, name);
            match message {
                from_executor::Message::Started(started) => assert_eq!(started.checkpoint_refused, None),
                from_executor::Message::Checkpointed(written) => {
                    assert!(written.number >= number, "{} after {number}", written.number);
                    (checkpoint, number) = (Some(written.path.into()), written.number);
                }
                from_executor::Message::Progressed(_) if !asked && interruptions < 5 => {
                    asked = true;
                    executor.say(&name, to_executor::Message::Checkpoint(Checkpoint {}));
                    executor.say(&name, to_executor::Message::Stop(Stop {}));
                }
                from_executor::Message::Progressed(_)
                | from_executor::Message::Recorded(_)
                | from_executor::Message::Ready(_) => {}
                end => break end,
            }
        };
        interruptions += 1;
        if matches!(end, from_executor::Message::Finished(_)) {
            break end;
        }
    };
    assert!(files(&end) == alone(&spec));
}

#[test]
fn what_a_task_records_is_told_series_by_series_in_its_order() {
    let spec = fit(13, |fit| fit.budget = TrainingTime::Epochs(20));
    let mut run = start(&spec, &Assets::default(), None).unwrap();
    while run.advance().unwrap() == Advance::More {}
    let recorded = run.finish().unwrap().metrics.series;
    let mut executor = Executor::new();
    executor.start("told", &spec, |_| {});
    let mut told: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    loop {
        match executor.next().1 {
            from_executor::Message::Recorded(said) => {
                for series in said.series {
                    let points = series.x.into_iter().zip(series.values);
                    told.entry(series.name).or_default().extend(points);
                }
            }
            from_executor::Message::Finished(_) => break,
            from_executor::Message::Failed(failed) => panic!("{failed:?}"),
            _ => {}
        }
    }
    for name in ["train_loss", "gradient_norm"] {
        let (told, recorded) = (&told[name], &recorded[name].points);
        assert!(told.is_sorted_by(|a, b| a.0 < b.0), "{name}: {told:?}");
        assert!(told.iter().all(|point| recorded.contains(point)), "{name}: {told:?}");
        assert!(told.len() > 8 && told.last() == recorded.last(), "{name}: {told:?}");
    }
    assert_eq!(told["train_loss"], recorded["train_loss"].points, "there are few of them");
    assert!(!told.contains_key("loss") && !told.contains_key("parameters"), "{:?}", told.keys());
}

#[test]
fn a_probe_that_takes_long_is_kept_in_checkpoints_of_its_own() {
    let spec = fit(7, |fit| {
        (fit.budget, fit.batch_size) = (TrainingTime::Epochs(1), None);
        let spectrum = Probe::Spectrum { examples: 64, steps: 60, vectors: 6 };
        fit.training.probes = ProbeSchedule { every: None, probes: vec![spectrum] };
    });
    let mut executor = Executor::new();
    executor.start("probed", &spec, |start| start.checkpoint_every_ms = 1);
    let mut checkpoints: Vec<(u64, PathBuf)> = Vec::new();
    let end = loop {
        match executor.next().1 {
            from_executor::Message::Checkpointed(written) => {
                assert!(checkpoints.last().is_none_or(|(last, _)| *last < written.number));
                checkpoints.push((written.number, written.path.into()));
            }
            from_executor::Message::Progressed(progressed) => assert!(progressed.iteration <= 1),
            from_executor::Message::Started(_)
            | from_executor::Message::Recorded(_)
            | from_executor::Message::Ready(_) => {}
            end => break end,
        }
    };
    let expected = files(&end);
    // One step and two evaluations: all but a few of these are of the probe, in which no step is done.
    assert!(checkpoints.len() > 6, "{checkpoints:?}");
    let (number, last) = checkpoints.pop().unwrap();
    assert!(resumed(&mut executor, &spec, number, &last) == expected);
    let (number, early) = checkpoints.swap_remove(checkpoints.len() / 2);
    assert!(resumed(&mut executor, &spec, number, &early) == expected);
}

fn resumed(executor: &mut Executor, spec: &TaskSpec, number: u64, from: &Path) -> (Vec<u8>, Vec<u8>) {
    let name = format!("from {number}");
    executor.start(&name, spec, |start| {
        start.checkpoint = Some(from.to_string_lossy().into_owned());
        start.checkpoint_number = number;
    });
    files(&executor.ends(1)[&name])
}

#[test]
fn lanes_on_a_device_end_near_their_tasks_alone_and_one_that_stops_leaves_the_others() {
    let mut executor = Executor::on(DeviceName::CandleProcessor);
    let specs: Vec<TaskSpec> = (0..9).map(|seed| fit(seed, |_| {})).collect();
    for (index, spec) in specs.iter().enumerate() {
        executor.start(&format!("lane{index}"), spec, |_| {});
    }
    let long = fit(99, |fit| fit.budget = TrainingTime::Epochs(u32::MAX));
    executor.start("stopped", &long, |_| {});
    executor.say("stopped", to_executor::Message::Checkpoint(Checkpoint {}));
    executor.say("stopped", to_executor::Message::Stop(Stop {}));
    let ends = executor.ends(specs.len() + 1);
    assert!(matches!(ends["stopped"], from_executor::Message::Stopped(_)));
    for (index, spec) in specs.iter().enumerate() {
        let (_, result) = files(&ends[&format!("lane{index}")]);
        let weights = |bytes: &[u8]| {
            let tensors = safetensors::SafeTensors::deserialize(bytes).unwrap();
            let weight = tensors.tensor("model/output.weight").unwrap();
            let numbers = weight.data().chunks_exact(4);
            numbers.map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect::<Vec<f32>>()
        };
        for (found, expected) in weights(&result).iter().zip(weights(&alone(spec).1)) {
            assert!((found - expected).abs() < 1e-3, "lane {index}: {found} {expected}");
        }
    }
}

#[test]
fn a_step_that_takes_long_shows_that_work_goes_on_in_it() {
    // One step over all points: many seconds on one thread.
    let spec = fit(11, |fit| {
        (fit.budget, fit.batch_size, fit.points) = (TrainingTime::Epochs(1), None, 400_000);
        fit.hidden = vec![256, 256];
    });
    let mut executor = Executor::new();
    executor.start("long", &spec, |_| {});
    let began = std::time::Instant::now();
    let (mut working, mut longest, mut heard) = (0, std::time::Duration::ZERO, began);
    loop {
        let (task, message) = executor.next();
        assert_eq!(task, "long");
        longest = longest.max(heard.elapsed());
        heard = std::time::Instant::now();
        match message {
            from_executor::Message::Working(_) => working += 1,
            from_executor::Message::Started(_)
            | from_executor::Message::Progressed(_)
            | from_executor::Message::Recorded(_) => {}
            from_executor::Message::Finished(_) => break,
            other => panic!("{other:?}"),
        }
    }
    let took = began.elapsed();
    println!("{took:?}: {working} signs of work, the longest silence {longest:?}");
    if took.as_secs() > 6 {
        assert!(working > 0 && longest < took / 2, "{took:?}: {working}, {longest:?}");
    }
}

#[test]
fn of_a_task_that_is_traced_it_is_told_once_what_was_done_when_and_no_byte_is_another() {
    let spec = fit(12, |_| {});
    let mut executor = Executor::new();
    let place = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    executor.start("traced", &spec, |start| start.traceparent = Some(place.to_owned()));
    let mut traced = Vec::new();
    let end = loop {
        match executor.next().1 {
            from_executor::Message::Traced(told) => traced.push(told),
            end @ from_executor::Message::Finished(_) => break end,
            other => assert!(traced.is_empty(), "it is told last of all: {other:?}"),
        }
    };
    assert_eq!((traced.len(), traced[0].process), (1, std::process::id()));
    let stages = &traced[0].stages;
    let names: Vec<&str> = stages.iter().map(|stage| stage.activity.as_str()).collect();
    assert!(names.first() == Some(&"load") && names.last() == Some(&"results"), "{names:?}");
    assert!(names.contains(&"training") && names.len() < 8, "{names:?}");
    for stage in stages {
        assert!(stage.began_unix_ns <= stage.ended_unix_ns, "{stage:?}");
        assert!(stage.ended_unix_ns <= traced[0].ended_unix_ns, "{stage:?}");
        let seconds = (stage.ended_unix_ns - stage.began_unix_ns) as f64 / 1e9;
        assert!(stage.pieces > 0 && stage.seconds <= seconds + 1e-3, "{stage:?}");
    }
    assert!(files(&end) == alone(&spec));
}
