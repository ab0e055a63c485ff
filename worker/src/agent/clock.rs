//! The clock that attempts are timed by: it stands still while the machine sleeps, as executors do.

use std::time::Instant;

/// Now, by the runtime's clock, which is the system's unless the runtime has paused it.
pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
