//! Threads of the board's own, which wait for whoever has more urgent work.
//!
//! The board may be in the coordinator's process, where workers wait for answers: a page over ten thousand tasks takes tens of
//! milliseconds, and none of them may be a worker's.

use std::io;

use basin_coordinator::work_host::stand_back;
use tokio::runtime::{Builder, Handle, Runtime};

/// Threads that answer browsers. Few are enough: what takes long is done on further ones.
const THREADS: usize = 2;
/// The most threads for what takes long.
const BLOCKING_THREADS: usize = 16;

/// A runtime whose threads get what others leave of the processors. It ends with this, without waiting for what is under way.
#[derive(Debug)]
pub(crate) struct PatientRuntime {
    handle: Handle,
    /// There until this is dropped.
    runtime: Option<Runtime>,
}

impl PatientRuntime {
    /// Starts the threads.
    ///
    /// # Errors
    /// If the system has none left.
    pub(crate) fn start(name: &str) -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(THREADS).max_blocking_threads(BLOCKING_THREADS).thread_name(name);
        builder.on_thread_start(stand_back).enable_all();
        let runtime = builder.build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    /// Does something on these threads, with all that it starts.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        match self.handle.spawn(work).await {
            Ok(done) => done,
            // It goes on for as long as this is there.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

impl Drop for PatientRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // It may be dropped on a thread of another runtime, which must not wait.
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    use basin_coordinator::work_host::NICENESS;

    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_it_does_stands_back_and_what_started_it_does_not() {
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let before = niceness();
        let runtime = PatientRuntime::start("patient").unwrap();
        let inner = async move { tokio::task::spawn_blocking(niceness).await.unwrap() };
        let there = runtime.run(async move { (niceness(), inner.await) }).await;
        assert_eq!(there, (NICENESS, NICENESS));
        assert_eq!(niceness(), before);
    }

    #[tokio::test]
    async fn what_is_under_way_ends_with_it() {
        let runtime = PatientRuntime::start("patient").unwrap();
        let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
        runtime
            .run(async {
                tokio::spawn(async move {
                    std::future::pending::<()>().await;
                    drop(sender);
                });
            })
            .await;
        drop(runtime);
        assert!(receiver.await.is_err(), "the task still waits");
    }
}
