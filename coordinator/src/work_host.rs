//! Where the parts of a coordinator run that go on by themselves.

use std::io;

/// How far a thread stands back, of at most 19: while another one wants the processor, it has a tenth of it.
#[cfg(target_os = "linux")]
pub const NICENESS: i32 = 10;

/// Where a part runs that goes on by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkHost {
    /// On a thread of its own: no disk holds up anything else.
    Thread,
    /// In the runtime that starts it: whatever a runtime of one thread does has one order then.
    Runtime,
}

impl WorkHost {
    /// Has it done there.
    ///
    /// # Errors
    /// If the system has no thread left.
    pub(crate) fn start(
        self,
        thread: &str,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        match self {
            Self::Thread => {
                let thread = std::thread::Builder::new().name(thread.to_owned());
                thread.spawn(|| futures::executor::block_on(work))?;
            }
            Self::Runtime => drop(tokio::spawn(work)),
        }
        Ok(())
    }

    /// The same; a thread of its own comes after others.
    ///
    /// # Errors
    /// If the system has no thread left.
    pub(crate) fn start_behind(
        self,
        thread: &str,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        self.start(thread, async move {
            if self == Self::Thread {
                stand_back();
            }
            work.await;
        })
    }
}

/// Has this thread come after others. Elsewhere than on Linux that can be said of whole processes alone.
pub fn stand_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "a thread that should stand back has the priority of others");
    }
}
