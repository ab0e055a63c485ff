//! The span of a task's run on an executor, which the agent tells of: an executor calls nobody.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use basin_proto::executor::{Stage, Traced, from_executor};
use basin_traces::{Part, Span};

use super::training::End;

/// The longest name of an activity that a span is called by.
const LONGEST_NAME: usize = 60;

/// A run, from when the executor was told to begin until it was done with it, or died.
#[derive(Debug, Default)]
pub(super) struct RunTrace {
    span: Span,
    /// When it was done, by its own word.
    ended: Option<SystemTime>,
}

impl RunTrace {
    /// Of an executor that is told to begin now, for the attempt that this future works on.
    pub(super) fn begin() -> Self {
        Self { span: Span::child(Part::Executor, "executor.run"), ended: None }
    }

    /// Its place, for the executor and what that starts.
    pub(super) fn traceparent(&self) -> Option<String> {
        Some(self.span.traceparent()?.to_string())
    }

    /// The executor said this.
    pub(super) fn hear(&mut self, message: &from_executor::Message) {
        let from_executor::Message::Traced(Traced { process, ended_unix_ns, stages }) = message else {
            return;
        };
        self.span.note_count("process.pid", u64::from(*process));
        self.ended = Some(time(*ended_unix_ns));
        self.span.within(|| stages.iter().for_each(trace_stage));
    }

    /// It ended so.
    pub(super) fn note_end(&self, end: &End) {
        let why = match end {
            End::Finished(_) => return,
            End::Released(_) | End::Abandoned => return self.span.note_text("basin.outcome", "stopped"),
            End::Failed(failure) | End::Hung(failure) => failure.message.as_str(),
            End::Crashed => "the executor died",
            End::NeverBegan { .. } => "the executor died before it began",
            End::Interrupted => "the executor was killed, since it hung with another task",
        };
        self.span.fail(why);
    }
}

impl Drop for RunTrace {
    fn drop(&mut self) {
        if let Some(ended) = self.ended {
            self.span.end_at(ended);
        }
    }
}

fn trace_stage(stage: &Stage) {
    let name: String = stage.activity.chars().take(LONGEST_NAME).collect();
    let span = Span::child_since(Part::Executor, format!("executor.{name}"), time(stage.began_unix_ns));
    span.note_number("basin.seconds", stage.seconds);
    span.note_count("basin.pieces", stage.pieces);
    span.end_at(time(stage.ended_unix_ns));
}

fn time(unix_ns: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_nanos(unix_ns)).unwrap_or_else(SystemTime::now)
}
