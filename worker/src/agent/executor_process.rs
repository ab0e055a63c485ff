//! An executor process, as its agent sees it.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{self, Arc};
use std::time::{Duration, Instant};
use std::{fmt, io};

use basin_domain::id::TaskId;
use basin_domain::task_log::shown_line;

use basin_proto::executor::{FromExecutor, ToExecutor, from_executor, to_executor};
use futures::{SinkExt, StreamExt};
use prost::Message;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::sync::{Mutex, mpsc};
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

use super::clock;
use super::executor_end::{ExecutorEnd, ObservedMemory, is_failed_allocation};
use super::started_executor::{ExecutorChild, FromPipe, LogWaits, StartedExecutor, ToPipe};
use super::task_logs::TaskLogs;
use crate::frames::FRAME_LIMIT;

/// The most of an executor's log that is kept, in bytes; what came first is dropped.
const LOG_LIMIT: usize = 1 << 20;
/// How long the log is waited for at the end of a task: so often, so long each time.
const LOG_LOOKS: usize = 100;
const LOG_PAUSE: Duration = Duration::from_millis(2);
/// The longest line that is kept as one, in bytes.
const LONGEST_LINE: u64 = 4096;

/// The newest lines that an executor wrote.
#[derive(Debug, Default)]
struct Log {
    lines: VecDeque<String>,
    bytes: usize,
    /// How many lines were dropped.
    dropped: u64,
    /// Where each of its tasks' lines go, too.
    told: HashMap<String, (TaskId, Arc<TaskLogs>)>,
}

impl Log {
    fn push(&mut self, line: String) {
        for (name, (task, logs)) in &self.told {
            if let Some(shown) = shown_line(&line, name) {
                logs.push(task, shown.into_owned());
            }
        }
        self.bytes += line.len() + 1;
        self.lines.push_back(line);
        while self.bytes > LOG_LIMIT {
            let Some(first) = self.lines.pop_front() else { break };
            self.bytes -= first.len() + 1;
            self.dropped += 1;
        }
    }

    /// The number of the next line.
    fn end(&self) -> u64 {
        self.dropped + self.lines.len() as u64
    }

    /// The lines from this number on, as far as they are kept.
    fn since(&self, mark: u64) -> impl Iterator<Item = &String> {
        let skip = usize::try_from(mark.saturating_sub(self.dropped)).unwrap_or(usize::MAX);
        self.lines.iter().skip(skip)
    }
}

/// A message about a task, and when it came.
pub(super) type TimedMessage = (Instant, from_executor::Message);

/// Who hears what is said of a task; none once the executor is dead.
type Listeners = Option<HashMap<String, mpsc::UnboundedSender<TimedMessage>>>;

/// A running executor. Dropping it kills the process.
pub(super) struct Executor {
    child: Mutex<Box<dyn ExecutorChild>>,
    input: Mutex<FramedWrite<ToPipe, LengthDelimitedCodec>>,
    listeners: Arc<sync::Mutex<Listeners>>,
    log: Arc<sync::Mutex<Log>>,
    /// Whether there is more of its log than was read.
    log_waits: LogWaits,
    /// When it last spoke.
    last_message: Arc<sync::Mutex<Instant>>,
    /// How many lanes train.
    training: AtomicUsize,
    /// Whether it ever began to train a task.
    has_trained: Arc<AtomicBool>,
    /// It was killed because it hung.
    hung: AtomicBool,
    memory: sync::Mutex<ObservedMemory>,
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor").field("is_alive", &self.is_alive()).finish_non_exhaustive()
    }
}

/// How an executor is started.
#[derive(Debug, Clone)]
pub struct Program {
    /// Its file.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The threads that it may train on.
    pub threads: u32,
}

impl Executor {
    /// Follows an executor that was started; its first message is `Ready`.
    pub(super) fn of(started: StartedExecutor) -> Self {
        let StartedExecutor { input, output, errors, log_waits, child } = started;
        let log = Arc::new(sync::Mutex::new(Log::default()));
        tokio::spawn(collect_log(errors, Arc::clone(&log)));
        let codec = || LengthDelimitedCodec::builder().max_frame_length(FRAME_LIMIT).new_codec();
        let listeners = Arc::new(sync::Mutex::new(Some(HashMap::new())));
        let last_message = Arc::new(sync::Mutex::new(clock::now()));
        let output = FramedRead::new(output, codec());
        let has_trained = Arc::new(AtomicBool::new(false));
        tokio::spawn(route_messages(
            output,
            Arc::clone(&listeners),
            Arc::clone(&last_message),
            Arc::clone(&has_trained),
        ));
        let input = Mutex::new(FramedWrite::new(input, codec()));
        let (training, hung) = (AtomicUsize::new(0), AtomicBool::new(false));
        let memory = sync::Mutex::new(ObservedMemory::of(child.id().unwrap_or_default()));
        Self {
            child: Mutex::new(child),
            input,
            listeners,
            log,
            log_waits,
            last_message,
            training,
            has_trained,
            hung,
            memory,
        }
    }

    /// A lane for a task: from now on what is said of the task is heard there.
    pub(super) fn lane(self: &Arc<Self>, task: &TaskId) -> Lane {
        let task = task.to_string();
        let (sender, messages) = mpsc::unbounded_channel();
        // A dead executor's sender is dropped at once: the lane hears that it is dead.
        if let Some(listeners) = unpoisoned(&self.listeners).as_mut() {
            listeners.insert(task.clone(), sender);
        }
        let mark = unpoisoned(&self.log).end();
        Lane { executor: Arc::clone(self), task, messages, mark, has_begun: false }
    }

    /// Whether it still speaks.
    pub(super) fn is_alive(&self) -> bool {
        unpoisoned(&self.listeners).is_some()
    }

    /// Kills the process at once.
    pub(super) async fn kill(&self) {
        self.child.lock().await.kill().await;
    }

    /// Kills it because it shows no progress. Its lanes hear at once that it is dead.
    pub(super) async fn kill_as_hung(&self) {
        self.hung.store(true, Ordering::SeqCst);
        self.kill().await;
        *unpoisoned(&self.listeners) = None;
    }

    /// Whether it was killed because it showed no progress with some task.
    pub(super) fn was_hung(&self) -> bool {
        self.hung.load(Ordering::SeqCst)
    }

    /// When it last said anything of any task.
    pub(super) fn last_message_at(&self) -> Instant {
        *unpoisoned(&self.last_message)
    }

    /// Whether it trains any task: if so, it is that one whose silence counts.
    pub(super) fn is_training(&self) -> bool {
        self.training.load(Ordering::SeqCst) > 0
    }

    /// Whether it ever began to train a task: what ends such a one has to do with that task, and not with this machine.
    pub(super) fn has_trained(&self) -> bool {
        self.has_trained.load(Ordering::SeqCst)
    }

    /// Looks how much memory it has had, while it lives.
    pub(super) fn observe_memory(&self) {
        let mut memory = unpoisoned(&self.memory);
        memory.look_again();
    }

    /// The most memory that it has had until now, in bytes, if the system tells.
    pub(super) fn peak_memory(&self) -> Option<u64> {
        unpoisoned(&self.memory).peak_now()
    }

    /// Says how a process ended that stopped speaking; kills it if it lives all the same.
    pub(super) async fn exit_status(&self) -> ExecutorEnd {
        let mut child = self.child.lock().await;
        let died = tokio::time::timeout(Duration::from_millis(500), child.wait()).await;
        let Ok(Ok(status)) = died else {
            child.kill().await;
            return ExecutorEnd::plain("it was killed".to_owned());
        };
        let gave_up = unpoisoned(&self.log).lines.iter().any(|line| is_failed_allocation(line));
        unpoisoned(&self.memory).end(status, gave_up)
    }
}

/// One task's side of an executor.
#[derive(Debug)]
pub(super) struct Lane {
    executor: Arc<Executor>,
    task: String,
    messages: mpsc::UnboundedReceiver<TimedMessage>,
    /// Where the log was when the lane began.
    mark: u64,
    /// The executor trains it.
    has_begun: bool,
}

impl Lane {
    /// Says something of the task to the executor.
    pub(super) async fn send(&self, message: to_executor::Message) -> io::Result<()> {
        let frame = ToExecutor { task_id: self.task.clone(), message: Some(message) }.encode_to_vec();
        self.executor.input.lock().await.send(bytes::Bytes::from(frame)).await
    }

    /// The executor's next message about the task; an error if it died or spoke nonsense. Cancel-safe.
    pub(super) async fn next(&mut self) -> io::Result<TimedMessage> {
        self.messages.recv().await.ok_or_else(|| io::Error::other("the executor died"))
    }

    /// The executor has begun to train the task.
    pub(super) fn begin(&mut self) {
        if !std::mem::replace(&mut self.has_begun, true) {
            self.executor.training.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Tells whoever looks on what the executor says of the task from now on.
    pub(super) fn tell(&self, task: TaskId, logs: &Arc<TaskLogs>) {
        let told = (task, Arc::clone(logs));
        unpoisoned(&self.executor.log).told.insert(self.task.clone(), told);
    }

    /// Waits until what the executor has logged by now is read, for a moment at most: what it says of a task comes by another way, and may
    /// be faster.
    pub(super) async fn log_caught_up(&self) {
        for _ in 0..LOG_LOOKS {
            let is_waiting = (self.executor.log_waits)();
            tokio::time::sleep(LOG_PAUSE).await;
            if !is_waiting {
                return;
            }
        }
    }

    /// The log since the lane began, a line each; other lanes' lines among them.
    pub(super) fn log(&self) -> String {
        let log = unpoisoned(&self.executor.log);
        let mut text = String::new();
        for line in log.since(self.mark) {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// The last lines logged, for an error message.
    pub(super) fn log_tail(&self) -> String {
        let log = unpoisoned(&self.executor.log);
        let skip = log.lines.len().saturating_sub(10);
        log.lines.iter().skip(skip).cloned().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if self.has_begun {
            self.executor.training.fetch_sub(1, Ordering::SeqCst);
        }
        if let Some(listeners) = unpoisoned(&self.executor.listeners).as_mut() {
            listeners.remove(&self.task);
        }
        unpoisoned(&self.executor.log).told.remove(&self.task);
    }
}

fn unpoisoned<T>(mutex: &sync::Mutex<T>) -> sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(sync::PoisonError::into_inner)
}

/// Keeps what an executor writes to its standard error. A long line is kept in pieces: one without an end is never whole.
async fn collect_log(errors: FromPipe, log: Arc<sync::Mutex<Log>>) {
    let mut reader = BufReader::new(errors);
    let mut line = Vec::new();
    let mut is_piece = false;
    loop {
        line.clear();
        let mut limited = (&mut reader).take(LONGEST_LINE);
        if !limited.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
            return;
        }
        let is_ended = line.ends_with(b"\n");
        if is_ended {
            line.pop();
        }
        // The end of a line whose last piece was whole is no line of its own.
        if !(is_piece && line.is_empty()) {
            let line = String::from_utf8_lossy(&line).into_owned();
            tracing::debug!(target: "basin::executor", "{line}");
            unpoisoned(&log).push(line);
        }
        is_piece = !is_ended;
    }
}

/// Hands messages to the lanes that they are meant for, until the executor dies or speaks nonsense.
async fn route_messages(
    mut output: FramedRead<FromPipe, LengthDelimitedCodec>,
    listeners: Arc<sync::Mutex<Listeners>>,
    last_message: Arc<sync::Mutex<Instant>>,
    has_trained: Arc<AtomicBool>,
) {
    while let Some(frame) = output.next().await {
        let message = match frame.and_then(|frame| FromExecutor::decode(frame).map_err(io::Error::other)) {
            Ok(message) => message,
            Err(error) => {
                tracing::warn!(%error, "the executor spoke nonsense");
                break;
            }
        };
        let now = clock::now();
        *unpoisoned(&last_message) = now;
        let FromExecutor { task_id, message: Some(message) } = message else { continue };
        if let from_executor::Message::Started(_) = message {
            has_trained.store(true, Ordering::SeqCst);
        }
        if let Some(listener) = unpoisoned(&listeners).as_ref().and_then(|all| all.get(&task_id)) {
            // A lane that is given up hears nothing more.
            let _ = listener.send((now, message));
        }
    }
    *unpoisoned(&listeners) = None;
}

/// The name of a file in a scratch folder, as an executor must name it: nothing outside the folder is read.
pub(super) fn within(scratch: &Path, path: &str) -> io::Result<PathBuf> {
    let path = PathBuf::from(path);
    // `..` has a parent, too, and no name.
    if path.parent() == Some(scratch) && path.file_name().is_some() {
        Ok(path)
    } else {
        Err(io::Error::other(format!("the executor named {}, outside its folder", path.display())))
    }
}
