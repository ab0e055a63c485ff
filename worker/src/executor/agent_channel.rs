//! The channel to the agent, for all threads of an executor.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use basin_proto::executor::{FromExecutor, from_executor};

use crate::frames;

/// Where messages to the agent go, one whole message at a time.
pub(super) struct AgentChannel<'a> {
    output: Mutex<Box<dyn Write + Send + 'a>>,
}

impl<'a> AgentChannel<'a> {
    pub(super) fn new(output: impl Write + Send + 'a) -> Self {
        Self { output: Mutex::new(Box::new(output)) }
    }

    /// Says something of a task, or of the executor itself if `task` is empty.
    ///
    /// # Errors
    /// If nobody listens.
    pub(super) fn send(&self, task: &str, message: from_executor::Message) -> io::Result<()> {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        frames::write(&mut *output, &FromExecutor { task_id: task.to_owned(), message: Some(message) })
    }
}
