//! Executors: they train nothing, and make results that depend on their task's id, its inputs and every step that was made, so that a
//! step too many, too few or of another task shows in the bytes.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use std::{fmt, io};

use basin_domain::digest::Digest;
use basin_domain::failure::FailureKind;
use basin_domain::id::TaskId;
use basin_domain::key;
use basin_domain::metrics::Outcome;
use basin_domain::task::TaskSpec;
use basin_proto::executor::{
    Checkpointed, Failed, Finished, FromExecutor, Ready, Start, Started, Stopped, ToExecutor, from_executor,
    to_executor,
};
use basin_proto::v1;
use basin_worker::agent::{ExecutorChild, StartedExecutor};
use futures::{SinkExt, StreamExt};
use prost::Message;
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

use crate::checks::short;
use crate::host::{Host, Life};
use crate::world::{Flaw, World};

/// The bytes that a pipe holds.
const PIPE: usize = 1 << 20;

/// The steps of a task, and how long one takes.
pub(crate) fn timetable(task: &TaskId) -> (u64, Duration) {
    let bytes = Digest::of(task.to_string().as_bytes());
    let [steps, pace, ..] = *bytes.as_bytes();
    (6 + u64::from(steps) % 16, Duration::from_millis(150 + 2 * u64::from(pace)))
}

/// The state before the first step.
pub(crate) fn first_state(task: &TaskId, inputs: &[Vec<u8>]) -> Digest {
    let mut bytes = task.to_string().into_bytes();
    inputs.iter().for_each(|input| bytes.extend_from_slice(input));
    Digest::of(&bytes)
}

/// The state after a step.
pub(crate) fn next_state(state: Digest, step: u64) -> Digest {
    Digest::of(format!("{state} {step}").as_bytes())
}

/// The result of a task whose last state this is.
pub(crate) fn result_of(task: &TaskId, state: Digest) -> Vec<u8> {
    format!("the result of {task}: {state}").into_bytes()
}

/// An executor's process, as the faults and the checks reach it.
#[derive(Clone)]
pub(crate) struct Process(Arc<ProcessParts>);

struct ProcessParts {
    /// The agent that it would not outlive.
    life: Life,
    worker: Host,
    state: Mutex<ProcessState>,
    changed: Notify,
}

#[derive(Default)]
struct ProcessState {
    end: Option<ExitStatus>,
    hangs: bool,
    /// What it is to say before it ends.
    last_words: Option<String>,
    fails: bool,
    lanes: BTreeMap<TaskId, Lane>,
}

struct Lane {
    start: Start,
    has_started: bool,
    state: Digest,
    step: u64,
    next_number: u64,
    next_step: Instant,
    next_checkpoint: Option<Instant>,
    wants_checkpoint: bool,
    stops: bool,
}

impl Process {
    fn state(&self) -> MutexGuard<'_, ProcessState> {
        self.0.state.lock().unwrap()
    }

    /// Whether it is there, also if it hangs.
    pub(crate) fn is_alive(&self) -> bool {
        !self.0.life.is_over() && self.state().end.is_none()
    }

    pub(crate) fn worker(&self) -> Host {
        self.0.worker
    }

    /// The tasks that it trains.
    pub(crate) fn tasks(&self) -> Vec<TaskId> {
        if !self.is_alive() {
            return Vec::new();
        }
        self.state().lanes.iter().filter(|(_, lane)| lane.has_started).map(|(task, _)| *task).collect()
    }

    /// It does what its fault is. Gives the tasks that may be charged for it.
    pub(crate) fn meets(&self, kind: FailureKind) -> Vec<TaskId> {
        let tasks = self.tasks();
        if tasks.is_empty() {
            return tasks;
        }
        let mut state = self.state();
        match kind {
            FailureKind::Hung => state.hangs = true,
            FailureKind::Experiment => state.fails = true,
            FailureKind::OutOfMemory => {
                state.last_words = Some("memory allocation of 8589934592 bytes failed\n".to_owned());
                state.end = Some(ExitStatus::from_raw(6));
            }
            _ => state.end = Some(ExitStatus::from_raw(11)),
        }
        drop(state);
        self.0.changed.notify_one();
        tasks
    }

    fn end(&self, signal: i32) {
        self.state().end.get_or_insert(ExitStatus::from_raw(signal));
        self.0.changed.notify_one();
    }
}

/// The process as its agent holds it.
struct Child(Process);

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Child of {}", self.0.0.worker)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.0.end(9);
    }
}

#[tonic::async_trait]
impl ExecutorChild for Child {
    fn id(&self) -> Option<u32> {
        None
    }

    async fn kill(&mut self) {
        self.0.end(9);
    }

    async fn wait(&mut self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.0.state().end {
                return Ok(status);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Starts an executor of a worker.
pub(crate) fn start(world: &Arc<World>, worker: Host, life: &Life) -> StartedExecutor {
    let process = Process(Arc::new(ProcessParts {
        life: life.clone(),
        worker,
        state: Mutex::default(),
        changed: Notify::new(),
    }));
    world.checks().processes.push(process.clone());
    let [(input, requests), (answers, output), (words, errors)] =
        std::array::from_fn(|_| tokio::io::duplex(PIPE));
    let executor = SimExecutor {
        world: Arc::clone(world),
        process: process.clone(),
        answers: FramedWrite::new(answers, LengthDelimitedCodec::new()),
        words,
    };
    tokio::spawn(executor.run(FramedRead::new(requests, LengthDelimitedCodec::new())));
    StartedExecutor {
        input: Box::new(input),
        output: Box::new(output),
        errors: Box::new(errors),
        log_waits: Box::new(|| false),
        child: Box::new(Child(process)),
    }
}

struct SimExecutor {
    world: Arc<World>,
    process: Process,
    answers: FramedWrite<DuplexStream, LengthDelimitedCodec>,
    words: DuplexStream,
}

impl SimExecutor {
    async fn run(mut self, mut requests: FramedRead<DuplexStream, LengthDelimitedCodec>) {
        let ready = Ready { code_path: "simulated".to_owned(), threads: 1 };
        self.say("", from_executor::Message::Ready(ready)).await;
        while self.process.is_alive() {
            let changed = Arc::clone(&self.process.0);
            let due = self.process.state().lanes.values().map(|lane| lane.next_step).min();
            let due_again = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = changed.changed.notified() => {}
                request = requests.next() => match request {
                    Some(Ok(frame)) => self.hear(ToExecutor::decode(frame).unwrap()),
                    _ => self.process.end(9),
                },
                () = due_again => {}
            }
            if self.process.state().hangs {
                // It says nothing more, and does nothing.
                while self.process.is_alive() {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            if self.process.is_alive() {
                self.step().await;
            }
        }
        let last_words = self.process.state().last_words.take();
        // The agent may be gone.
        let _ = self.words.write_all(last_words.unwrap_or_default().as_bytes()).await;
    }

    fn hear(&self, ToExecutor { task_id, message }: ToExecutor) {
        let Ok(task) = task_id.parse::<TaskId>() else { return };
        let mut state = self.process.state();
        match message {
            Some(to_executor::Message::Start(start)) => {
                let now = Instant::now();
                let every = Duration::from_millis(start.checkpoint_every_ms);
                let lane = Lane {
                    has_started: false,
                    state: Digest::of(b""),
                    step: 0,
                    next_number: start.checkpoint_number + 1,
                    next_step: now + Duration::from_millis(100),
                    next_checkpoint: (!every.is_zero()).then(|| now + every),
                    wants_checkpoint: false,
                    stops: false,
                    start,
                };
                state.lanes.insert(task, lane);
            }
            Some(to_executor::Message::Checkpoint(_)) => {
                if let Some(lane) = state.lanes.get_mut(&task) {
                    lane.wants_checkpoint = true;
                }
            }
            Some(to_executor::Message::Stop(_)) => {
                if let Some(lane) = state.lanes.get_mut(&task) {
                    lane.stops = true;
                }
            }
            None => {}
        }
    }

    /// The next step of each lane for which it is time.
    async fn step(&mut self) {
        let now = Instant::now();
        let due: Vec<TaskId> = {
            let state = self.process.state();
            state.lanes.iter().filter(|(_, lane)| lane.next_step <= now).map(|(task, _)| *task).collect()
        };
        for task in due {
            // Nobody else takes a lane away.
            let Some(mut lane) = self.process.state().lanes.remove(&task) else { continue };
            let goes_on = self.step_lane(&task, &mut lane).await;
            if goes_on {
                self.process.state().lanes.insert(task, lane);
            }
        }
    }

    async fn step_lane(&mut self, task: &TaskId, lane: &mut Lane) -> bool {
        let name = task.to_string();
        let (steps, pace) = timetable(task);
        if !lane.has_started {
            self.begin(task, lane);
            self.say(&name, from_executor::Message::Started(Started::default())).await;
            self.say_progress(&name, lane, steps).await;
            lane.next_step = Instant::now() + pace;
            return true;
        }
        if std::mem::take(&mut self.process.state().fails) {
            self.world.checks().executor_failed(*task, FailureKind::Experiment);
            let kind = FailureKind::Experiment;
            let failed = Failed {
                kind: kind.as_str().to_owned(),
                message: "simulated".to_owned(),
                ..Failed::default()
            };
            self.say(&name, from_executor::Message::Failed(failed)).await;
            return false;
        }
        lane.step += 1;
        lane.state = next_state(lane.state, lane.step);
        lane.next_step = Instant::now() + pace;
        self.world.checks().note_step(self.world.now());
        self.say_progress(&name, lane, steps).await;
        if lane.step >= steps {
            self.finish(task, lane).await;
            return false;
        }
        let is_time = lane.next_checkpoint.is_some_and(|at| at <= Instant::now());
        if is_time || std::mem::take(&mut lane.wants_checkpoint) {
            self.write_checkpoint(task, lane).await;
        }
        if lane.stops {
            self.say(&name, from_executor::Message::Stopped(Stopped {})).await;
        }
        !lane.stops
    }

    fn begin(&self, task: &TaskId, lane: &mut Lane) {
        let spec: TaskSpec = serde_json::from_str(&lane.start.spec_json).unwrap();
        assert_eq!(spec.id(), *task);
        let read = |folder: &String| std::fs::read(PathBuf::from(folder).join(key::RESULT)).unwrap();
        let inputs: Vec<Vec<u8>> = spec.inputs.keys().map(|name| read(&lane.start.inputs[name])).collect();
        lane.has_started = true;
        lane.state = first_state(task, &inputs);
        if let Some(checkpoint) = &lane.start.checkpoint {
            let text = std::fs::read_to_string(checkpoint).unwrap();
            let (step, state) = text.split_once(' ').unwrap();
            lane.step = step.parse().unwrap();
            lane.state = state.parse().unwrap();
            if self.world.has(Flaw::CheckpointsStale) {
                lane.step -= 1;
            }
            self.world.checks().count("runs resumed");
        }
        self.world.tell(format!("{} trains {} from step {}", self.process.worker(), short(task), lane.step));
    }

    async fn write_checkpoint(&mut self, task: &TaskId, lane: &mut Lane) {
        let number = lane.next_number;
        lane.next_number += 1;
        lane.next_checkpoint = lane
            .next_checkpoint
            .map(|_| Instant::now() + Duration::from_millis(lane.start.checkpoint_every_ms));
        let path = PathBuf::from(&lane.start.scratch).join(format!("checkpoint-{number}"));
        let bytes = format!("{} {}", lane.step, lane.state).into_bytes();
        // The folder goes with the attempt.
        if std::fs::write(&path, &bytes).is_err() {
            return;
        }
        let (path, digest) = (path.to_string_lossy().into_owned(), Some(Digest::of(&bytes).to_string()));
        self.say(
            &task.to_string(),
            from_executor::Message::Checkpointed(Checkpointed { number, path, digest }),
        )
        .await;
    }

    async fn finish(&mut self, task: &TaskId, lane: &Lane) {
        let scratch = PathBuf::from(&lane.start.scratch);
        let write = |name: &str, bytes: &[u8]| {
            let path = scratch.join(name);
            let _ = std::fs::write(&path, bytes);
            (path.to_string_lossy().into_owned(), Some(Digest::of(bytes).to_string()))
        };
        let (metrics_path, metrics_digest) = write(key::METRICS, format!("the metrics of {task}").as_bytes());
        let (result_path, result_digest) = write(key::RESULT, &result_of(task, lane.state));
        let outcome_json = Outcome::Completed.to_json();
        let finished = Finished {
            outcome_json,
            metrics_path,
            metrics_digest,
            result_path,
            result_digest,
            spent_json: "{}".to_owned(),
            ..Finished::default()
        };
        self.say(&task.to_string(), from_executor::Message::Finished(finished)).await;
    }

    async fn say_progress(&mut self, name: &str, lane: &Lane, steps: u64) {
        let (_, pace) = timetable(&name.parse().unwrap());
        let step_seconds = Some(pace.as_secs_f64());
        let progress =
            v1::Progress { iteration: lane.step, iterations: steps, step_seconds, ..v1::Progress::default() };
        self.say(name, from_executor::Message::Progressed(progress)).await;
    }

    async fn say(&mut self, task: &str, message: from_executor::Message) {
        let frame = FromExecutor { task_id: task.to_owned(), message: Some(message) }.encode_to_vec();
        // The agent may be gone.
        let _ = self.answers.send(bytes::Bytes::from(frame)).await;
    }
}
