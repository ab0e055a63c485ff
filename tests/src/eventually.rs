//! Waiting for processes of other programs.

use std::time::{Duration, Instant};

/// How long anything may take before a test gives up. Never a measurement.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(240);

/// Waits for something, looking again and again.
#[track_caller]
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < TEST_TIMEOUT, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
