//! An executor that was started: its pipes, and the process behind them.

use std::fmt::Debug;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::process::{Child, Command};

use super::environment;
use super::executor_process::Program;
use crate::executor::THREADS_VARIABLE;

/// A pipe from an executor.
pub type FromPipe = Box<dyn AsyncRead + Send + Unpin>;
/// A pipe to an executor.
pub type ToPipe = Box<dyn AsyncWrite + Send + Unpin>;

/// An executor's process. Dropping it kills it.
#[tonic::async_trait]
pub trait ExecutorChild: Debug + Send {
    /// Its number, while it lives and if the system has one.
    fn id(&self) -> Option<u32>;

    /// Kills it at once, and waits for its end.
    async fn kill(&mut self);

    /// Waits for its end.
    async fn wait(&mut self) -> io::Result<ExitStatus>;
}

/// Whether something lies in an executor's log pipe that nobody has read.
pub type LogWaits = Box<dyn Fn() -> bool + Send + Sync>;

/// An executor that was started.
pub struct StartedExecutor {
    /// Frames of `ToExecutor`.
    pub input: ToPipe,
    /// Frames of `FromExecutor`.
    pub output: FromPipe,
    /// Its log, in lines.
    pub errors: FromPipe,
    /// Whether there is more of the log than was read.
    pub log_waits: LogWaits,
    /// Its process.
    pub child: Box<dyn ExecutorChild>,
}

/// Starts a program as an executor.
pub(super) fn start(program: &Program) -> io::Result<StartedExecutor> {
    let mut command = Command::new(&program.path);
    // It never calls anybody, so it is not to have what opens doors.
    environment::of_executor(&mut command);
    let mut child = command
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
    let input = Box::new(child.stdin.take().ok_or_else(missing)?);
    let output = Box::new(child.stdout.take().ok_or_else(missing)?);
    let errors = Box::new(child.stderr.take().ok_or_else(missing)?);
    let incoming: OwnedFd = errors.as_fd().try_clone_to_owned()?;
    let log_waits = Box::new(move || rustix::io::ioctl_fionread(&incoming).is_ok_and(|bytes| bytes > 0));
    Ok(StartedExecutor { input, output, errors, log_waits, child: Box::new(child) })
}

#[tonic::async_trait]
impl ExecutorChild for Child {
    fn id(&self) -> Option<u32> {
        Self::id(self)
    }

    async fn kill(&mut self) {
        let _ = Self::kill(self).await;
    }

    async fn wait(&mut self) -> io::Result<ExitStatus> {
        Self::wait(self).await
    }
}
