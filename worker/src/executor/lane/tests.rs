//! Lanes whose runs do what a test says, and what their agent hears of it.

use std::collections::VecDeque;
use std::fs;
use std::sync::Mutex;

use basin_domain::digest::Digest;
use basin_domain::metrics::{Metrics, Outcome};
use basin_experiments::accelerator::DeviceName;
use basin_experiments::kind::Kinds;
use basin_proto::executor::FromExecutor;

use super::*;
use crate::command::AllowedCommands;
use crate::frames;

/// A piece of a run's work.
pub(in super::super) type Step = Box<dyn FnMut() -> Result<Advance, ExperimentError> + Send>;

/// A run whose steps are given.
struct ScriptedRun {
    steps: VecDeque<Step>,
    done: u64,
    has_news: bool,
    /// Whether a stop leaves something that a checkpoint should say.
    leaves_more: bool,
    /// Whether its checkpoint can be made.
    can_be_saved: bool,
}

impl Run for ScriptedRun {
    fn advance(&mut self) -> Result<Advance, ExperimentError> {
        let Some(mut step) = self.steps.pop_front() else { return Ok(Advance::Done) };
        let advance = step()?;
        self.done += u64::from(advance != Advance::Waiting);
        Ok(advance)
    }

    fn progress(&self) -> Progress {
        Progress { iteration: self.done, ..Progress::default() }
    }

    fn examples(&self) -> Option<u64> {
        Some(64 * self.done)
    }

    fn has_news(&self) -> bool {
        self.has_news
    }

    fn checkpoint(&mut self) -> Result<Vec<u8>, ExperimentError> {
        if !self.can_be_saved {
            return Err(ExperimentError::NotDone);
        }
        Ok(format!("after {}", self.done).into_bytes())
    }

    fn stop(&mut self, _within: Duration) -> Result<bool, ExperimentError> {
        Ok(self.leaves_more)
    }

    fn finish(self: Box<Self>) -> Result<basin_experiments::Finished, ExperimentError> {
        let (metrics, result) = (Metrics::default(), b"result".to_vec());
        Ok(basin_experiments::Finished { outcome: Outcome::Completed, metrics, result })
    }
}

fn run(steps: Vec<Step>) -> ScriptedRun {
    ScriptedRun { steps: steps.into(), done: 0, has_news: true, leaves_more: false, can_be_saved: true }
}

/// A step that says this.
pub(in super::super) fn step(advance: Advance) -> Step {
    Box::new(move || Ok(advance))
}

/// A lane that has begun with a run of these steps.
pub(in super::super) fn lane_of(task: &str, scratch: &Path, steps: Vec<Step>) -> Lane {
    lane_with(task, scratch, run(steps))
}

fn lane_with(task: &str, scratch: &Path, run: ScriptedRun) -> Lane {
    let trainer = Trainer::open(DeviceName::Processor, AllowedCommands::default(), Kinds::none()).unwrap();
    let start = Start { scratch: scratch.to_string_lossy().into_owned(), ..Start::default() };
    let mut lane = Lane::new(task.to_owned(), start, Arc::new(trainer));
    let now = Instant::now();
    lane.training = Some(Training {
        run: Box::new(run),
        began: now,
        first_iteration: 0,
        reported: now,
        is_wanted: false,
        is_unreported: false,
        rate: ExampleRate::new(0, now),
        recorded: RecordedSeries::default(),
        log: LogPacing::new(now),
        checkpointed: now,
        advances: 100,
        kept: None,
        spent: TimeSpent::default(),
    });
    lane
}

/// What an agent hears.
#[derive(Default)]
pub(in super::super) struct Heard(Arc<Mutex<Vec<u8>>>);

impl Heard {
    pub(in super::super) fn channel(&self) -> AgentChannel<'static> {
        struct Written(Arc<Mutex<Vec<u8>>>);
        impl io::Write for Written {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.lock().unwrap().extend_from_slice(bytes);
                Ok(bytes.len())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        AgentChannel::new(Written(Arc::clone(&self.0)))
    }

    /// The messages so far, each with its task.
    pub(in super::super) fn messages(&self) -> Vec<(String, from_executor::Message)> {
        let bytes = self.0.lock().unwrap().clone();
        let mut input = bytes.as_slice();
        // A message may be half written.
        let next = || frames::read::<FromExecutor>(&mut input).unwrap_or_default();
        std::iter::from_fn(next).map(|message| (message.task_id, message.message.unwrap())).collect()
    }
}

const LONG: Duration = Duration::from_secs(60);

/// Works on a lane for one slice, with these signals at its first step; what was heard.
fn worked(lane: &mut Lane, signals: LaneSignals) -> (Slice, Vec<from_executor::Message>) {
    let heard = Heard::default();
    let signals = Mutex::new(signals);
    let taken = || std::mem::take(&mut *signals.lock().unwrap());
    let slice = lane.work(LONG, taken, &heard.channel()).unwrap();
    (slice, heard.messages().into_iter().map(|(_, message)| message).collect())
}

const NOTHING: LaneSignals = LaneSignals { checkpoint: false, stop: false };
const CHECKPOINT: LaneSignals = LaneSignals { checkpoint: true, stop: false };
const STOP: LaneSignals = LaneSignals { checkpoint: false, stop: true };

fn failed_with(messages: &[from_executor::Message]) -> (&str, &str) {
    let Some(from_executor::Message::Failed(failed)) = messages.last() else { panic!("{messages:?}") };
    (&failed.kind, &failed.message)
}

#[test]
fn a_run_that_ends_leaves_its_files_and_its_last_progress() {
    let folder = tempfile::tempdir().unwrap();
    let mut lane = lane_of("a", folder.path(), vec![step(Advance::More), step(Advance::More)]);
    let (slice, messages) = worked(&mut lane, NOTHING);
    assert_eq!(slice, Slice::Ended);
    let [from_executor::Message::Progressed(progress), from_executor::Message::Finished(finished)] =
        &messages[..]
    else {
        panic!("{messages:?}")
    };
    assert_eq!(progress.iteration, 2);
    assert!(progress.examples_per_second.is_some_and(|rate| rate > 0.0), "{progress:?}");
    assert_eq!(fs::read(&finished.result_path).unwrap(), b"result");
    assert_eq!(finished.result_digest, Some(Digest::of(b"result").to_string()));
    let metrics = fs::read(&finished.metrics_path).unwrap();
    assert_eq!(finished.metrics_digest, Some(Digest::of(&metrics).to_string()));
    assert_eq!(Path::new(&finished.metrics_path).parent(), Some(folder.path()));
    assert_eq!(finished.outcome_json.parse::<Outcome>().unwrap(), Outcome::Completed);
    let spent: TimeSpent = serde_json::from_str(&finished.spent_json).unwrap();
    assert!(!spent.of(Activity::Results).is_zero(), "files were written: {spent:?}");
}

#[test]
fn a_panic_is_the_tasks_failure_with_its_words() {
    let folder = tempfile::tempdir().unwrap();
    let panics: [(Step, &str); 3] = [
        (Box::new(|| panic!("words of its own")), "the experiment panicked: words of its own"),
        (Box::new(|| panic!("number {}", 7)), "the experiment panicked: number 7"),
        (Box::new(|| std::panic::panic_any(7)), "the experiment panicked: no message"),
    ];
    for (step, expected) in panics {
        let (slice, messages) = worked(&mut lane_of("a", folder.path(), vec![step]), NOTHING);
        assert_eq!((slice, failed_with(&messages)), (Slice::Ended, ("experiment", expected)));
    }
}

#[test]
fn a_failure_has_the_kind_that_the_run_says() {
    let folder = tempfile::tempdir().unwrap();
    let failure = Failure::new(FailureKind::OutOfMemory, "8 GiB");
    let steps: Vec<Step> =
        vec![step(Advance::More), Box::new(move || Err(ExperimentError::Failed(failure.clone())))];
    let (_, messages) = worked(&mut lane_of("a", folder.path(), steps), NOTHING);
    assert_eq!(failed_with(&messages), ("out-of-memory", "8 GiB"));
}

#[test]
fn a_run_that_waits_shows_no_progress_and_its_next_checkpoint_would_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut lane = lane_of("a", folder.path(), vec![step(Advance::Waiting), step(Advance::Waiting)]);
    // Asked for at every step, of which the first two do nothing.
    let heard = Heard::default();
    lane.work(LONG, || CHECKPOINT, &heard.channel()).unwrap();
    let numbers: Vec<u64> = heard
        .messages()
        .into_iter()
        .filter_map(|(_, message)| match message {
            from_executor::Message::Checkpointed(written) => Some(written.number),
            _ => None,
        })
        .collect();
    assert_eq!(numbers, [100]);
}

#[test]
fn a_checkpoint_is_written_before_a_stop_that_wants_it_and_none_where_nobody_does() {
    let folder = tempfile::tempdir().unwrap();
    let steps = || vec![step(Advance::More)];
    let both = LaneSignals { checkpoint: true, stop: true };
    let (slice, messages) = worked(&mut lane_of("a", folder.path(), steps()), both);
    let [from_executor::Message::Checkpointed(written), from_executor::Message::Stopped(_)] = &messages[..]
    else {
        panic!("{messages:?}")
    };
    assert_eq!((slice, written.number), (Slice::Ended, 100));
    assert_eq!(fs::read(&written.path).unwrap(), b"after 0");
    let (_, messages) = worked(&mut lane_of("a", folder.path(), steps()), STOP);
    assert!(matches!(&messages[..], [from_executor::Message::Stopped(_)]), "{messages:?}");
}

#[test]
fn what_a_program_leaves_when_it_stops_is_kept_if_a_checkpoint_was_ever_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    for (is_wanted, expected) in [(true, Some(101)), (false, None)] {
        let mut lane = lane_with("a", folder.path(), ScriptedRun { leaves_more: true, ..run(vec![]) });
        lane.training.as_mut().unwrap().is_wanted = is_wanted;
        let (_, messages) = worked(&mut lane, STOP);
        let number = match &messages[0] {
            from_executor::Message::Checkpointed(written) => Some(written.number),
            _ => None,
        };
        assert_eq!(number, expected);
        assert!(matches!(messages.last(), Some(from_executor::Message::Stopped(_))));
    }
}

#[test]
fn a_checkpoint_that_cannot_be_made_or_written_fails_the_task_and_one_without_news_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut unsaved = lane_with("a", folder.path(), ScriptedRun { can_be_saved: false, ..run(vec![]) });
    assert_eq!(failed_with(&worked(&mut unsaved, CHECKPOINT).1).0, "experiment");

    let (_, messages) = worked(&mut lane_of("a", &folder.path().join("gone"), vec![]), CHECKPOINT);
    assert_eq!(failed_with(&messages).0, "storage");

    let mut old = lane_with("a", folder.path(), ScriptedRun { has_news: false, ..run(vec![]) });
    let (_, messages) = worked(&mut old, CHECKPOINT);
    assert!(!messages.iter().any(|message| matches!(message, from_executor::Message::Checkpointed(_))));
}

#[test]
fn checkpoints_are_written_as_often_as_the_agent_asked_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let slow: Step = Box::new(|| {
        std::thread::sleep(Duration::from_millis(5));
        Ok(Advance::More)
    });
    let mut lane = lane_of("a", folder.path(), vec![slow, step(Advance::Waiting)]);
    lane.start.checkpoint_every_ms = 1;
    let (_, messages) = worked(&mut lane, NOTHING);
    let written =
        messages.iter().filter(|message| matches!(message, from_executor::Message::Checkpointed(_)));
    assert_eq!(written.count(), 1, "{messages:?}");
}

#[test]
fn a_run_resumed_at_the_last_number_there_is_goes_on_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut lane = lane_of("a", folder.path(), vec![step(Advance::More), step(Advance::More)]);
    lane.training.as_mut().unwrap().advances = u64::MAX;
    let (slice, messages) = worked(&mut lane, CHECKPOINT);
    assert_eq!(slice, Slice::Ended);
    assert!(matches!(messages.last(), Some(from_executor::Message::Finished(_))), "{messages:?}");
}

#[test]
fn a_slice_ends_when_its_time_is_up_and_the_next_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut lane = lane_of("a", folder.path(), vec![step(Advance::More), step(Advance::More)]);
    let heard = Heard::default();
    let mut slices = vec![];
    while slices.last() != Some(&Slice::Ended) {
        slices.push(lane.work(Duration::ZERO, || NOTHING, &heard.channel()).unwrap());
    }
    assert_eq!(slices, [Slice::TimeUp, Slice::TimeUp, Slice::Ended]);
    assert!(
        matches!(heard.messages().last(), Some((task, from_executor::Message::Finished(_))) if task == "a")
    );
}

#[test]
fn an_agent_that_is_gone_ends_the_thread_and_is_no_failure_of_the_task() {
    struct Closed;
    impl io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let mut lane = lane_of("a", folder.path(), vec![step(Advance::More)]);
    let error = lane.work(LONG, || CHECKPOINT, &AgentChannel::new(Closed)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

/// The failure of a task that is begun so.
fn refused(change: impl FnOnce(&mut Start)) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let trainer = Trainer::open(DeviceName::Processor, AllowedCommands::default(), Kinds::none()).unwrap();
    let spec_json = basin_storage::testing::sample::task(1).spec.canonical();
    let scratch = folder.path().to_string_lossy().into_owned();
    let mut start = Start { spec_json, scratch, ..Start::default() };
    change(&mut start);
    let (_, messages) = worked(&mut Lane::new("a".to_owned(), start, Arc::new(trainer)), NOTHING);
    let (kind, message) = failed_with(&messages);
    (kind.to_owned(), message.to_owned())
}

#[test]
fn a_start_that_cannot_be_followed_says_what_is_wrong_with_it() {
    for nonsense in ["", "{", "null", "{\"experiment\":7}"] {
        assert_eq!(
            refused(|start| start.spec_json = nonsense.to_owned()).0,
            "invalid-parameters",
            "{nonsense}"
        );
    }
    let gone = || "/nowhere/at-all".to_owned();
    let (kind, message) = refused(|start| start.checkpoint = Some(gone()));
    assert!(kind == "storage" && message.starts_with("/nowhere/at-all"), "{kind}: {message}");
    let (kind, _) = refused(|start| drop(start.inputs.insert("trained".to_owned(), gone())));
    assert_eq!(kind, "storage");
    let (kind, message) = refused(|start| {
        let folder = start.scratch.clone();
        fs::write(Path::new(&folder).join(key::RESULT), b"weight5").unwrap();
        start.inputs.insert("trained".to_owned(), folder);
        start.input_digests.insert("trained".to_owned(), Digest::of(b"weights").to_string());
    });
    assert!(kind == "storage" && message.contains("has changed"), "{kind}: {message}");
    let (kind, message) = refused(|start| start.dataset = Some(gone()));
    assert!(kind == "missing-data" && message.starts_with("/nowhere/at-all"), "{kind}: {message}");
}

#[test]
fn a_checkpoint_that_is_none_is_refused_and_the_run_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let trainer = Trainer::open(DeviceName::Processor, AllowedCommands::default(), Kinds::none()).unwrap();
    let spec_json = basin_storage::testing::sample::task(1).spec.canonical();
    let checkpoint = folder.path().join("checkpoint");
    fs::write(&checkpoint, b"no safetensors").unwrap();
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let (scratch, checkpoint) = (text(folder.path()), Some(text(&checkpoint)));
    let start = Start { spec_json, scratch, checkpoint, checkpoint_number: 7, ..Start::default() };
    let changed = Start { checkpoint_digest: Some(Digest::of(b"safetensors").to_string()), ..start.clone() };
    let trainer = Arc::new(trainer);
    for (start, why) in [(start, ""), (changed, "has changed")] {
        let (slice, messages) = worked(&mut Lane::new("a".to_owned(), start, Arc::clone(&trainer)), NOTHING);
        let Some(from_executor::Message::Started(started)) = messages.first() else { panic!("{messages:?}") };
        assert!(started.checkpoint_refused.as_ref().is_some_and(|said| said.contains(why)), "{started:?}");
        assert!(
            slice == Slice::Ended && matches!(messages.last(), Some(from_executor::Message::Finished(_)))
        );
    }
}
