//! An executor process, as its agent sees it.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use basin_proto::executor::{FromExecutor, ToExecutor, from_executor, to_executor};
use futures::{SinkExt, StreamExt};
use prost::Message;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

use crate::executor::THREADS_VARIABLE;
use crate::frames::FRAME_LIMIT;

/// The most of an executor's log that is kept for one task, in bytes; what came first is dropped.
const LOG_LIMIT: usize = 1 << 20;

/// The lines that an executor wrote since they were last taken.
#[derive(Debug, Default)]
struct Log {
    lines: VecDeque<String>,
    bytes: usize,
}

impl Log {
    fn push(&mut self, line: String) {
        self.bytes += line.len() + 1;
        self.lines.push_back(line);
        while self.bytes > LOG_LIMIT {
            let Some(first) = self.lines.pop_front() else { break };
            self.bytes -= first.len() + 1;
        }
    }
}

/// A running executor. Dropping it kills the process.
#[derive(Debug)]
pub(super) struct Executor {
    child: Child,
    input: FramedWrite<ChildStdin, LengthDelimitedCodec>,
    output: FramedRead<ChildStdout, LengthDelimitedCodec>,
    log: Arc<Mutex<Log>>,
}

/// How an executor is started.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) threads: u32,
}

impl Executor {
    /// Starts an executor; its first message is `Ready`.
    pub(super) fn spawn(program: &Program) -> io::Result<Self> {
        let mut child = Command::new(&program.path)
            .args(&program.arguments)
            .env(THREADS_VARIABLE, program.threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A Ctrl-C at the terminal is for the agent, which then lets the executor write its checkpoint.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let missing = || io::Error::other("an executor has no pipe");
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = child.stdout.take().ok_or_else(missing)?;
        let errors = child.stderr.take().ok_or_else(missing)?;
        let log = Arc::new(Mutex::new(Log::default()));
        let sink = Arc::clone(&log);
        tokio::spawn(async move {
            let mut reader = BufReader::new(errors).split(b'\n');
            while let Ok(Some(line)) = reader.next_segment().await {
                let line = String::from_utf8_lossy(&line[..line.len().min(4096)]).into_owned();
                tracing::debug!(target: "basin::executor", "{line}");
                sink.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(line);
            }
        });
        let codec = || LengthDelimitedCodec::builder().max_frame_length(FRAME_LIMIT).new_codec();
        Ok(Self {
            child,
            input: FramedWrite::new(input, codec()),
            output: FramedRead::new(output, codec()),
            log,
        })
    }

    /// Says something to the executor.
    pub(super) async fn send(&mut self, message: to_executor::Message) -> io::Result<()> {
        let frame = ToExecutor { message: Some(message) }.encode_to_vec();
        self.input.send(bytes::Bytes::from(frame)).await
    }

    /// What the executor says next; an error if it died or speaks nonsense. Cancel-safe.
    pub(super) async fn next(&mut self) -> io::Result<from_executor::Message> {
        let Some(frame) = self.output.next().await else {
            return Err(io::Error::other("the executor died"));
        };
        let message = FromExecutor::decode(frame?).map_err(io::Error::other)?;
        message.message.ok_or_else(|| io::Error::other("the executor sent an unknown message"))
    }

    /// Kills the process at once.
    pub(super) async fn kill(mut self) {
        let _ = self.child.kill().await;
    }

    /// Says how a process ended that stopped speaking; kills it if it lives all the same.
    pub(super) async fn autopsy(mut self) -> String {
        let died = tokio::time::timeout(std::time::Duration::from_millis(500), self.child.wait()).await;
        if let Ok(Ok(status)) = died {
            return format!("it ended with {status}");
        }
        self.kill().await;
        "it was killed".to_owned()
    }

    /// The process's id, while it lives.
    pub(super) fn process_id(&self) -> Option<u32> {
        self.child.id()
    }

    /// What was logged since the last call, a line each.
    pub(super) fn take_log(&self) -> String {
        let mut log = self.log.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        log.bytes = 0;
        let mut text = String::new();
        for line in log.lines.drain(..) {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    /// The last lines logged, for an error message.
    pub(super) fn last_words(&self) -> String {
        let log = self.log.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let skip = log.lines.len().saturating_sub(10);
        log.lines.iter().skip(skip).cloned().collect::<Vec<_>>().join("\n")
    }
}

/// The name of a file in a scratch folder, as an executor must name it: nothing outside the folder is read.
pub(super) fn within(scratch: &Path, path: &str) -> io::Result<PathBuf> {
    let path = PathBuf::from(path);
    if path.parent() == Some(scratch) {
        Ok(path)
    } else {
        Err(io::Error::other(format!("the executor named {}, outside its folder", path.display())))
    }
}
