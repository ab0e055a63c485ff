//! How an executor ended, and whether it ended for want of memory.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use basin_domain::placement::ByteSize;

use super::memory_group::{MemoryKills, peak_memory};

/// The signal of whoever kills without a word, the kernel among them.
const SIGKILL: i32 = 9;
/// The signal of a program that gives up.
const SIGABRT: i32 = 6;
/// How long what was seen counts: each lane of an executor asks for a look.
const FRESH: Duration = Duration::from_millis(100);

/// How an executor ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExecutorEnd {
    /// In words.
    pub(super) text: String,
    /// It had no more memory: the kernel killed it for that, or it gave up itself.
    pub(super) is_out_of_memory: bool,
}

impl ExecutorEnd {
    /// An end that has nothing to do with memory.
    pub(super) const fn plain(text: String) -> Self {
        Self { text, is_out_of_memory: false }
    }
}

/// The memory of an executor when it was looked at last.
#[derive(Debug)]
pub(super) struct ObservedMemory {
    process: u32,
    looked: Instant,
    /// The most that it had had, in bytes.
    peak: Option<u64>,
    kills: MemoryKills,
}

impl ObservedMemory {
    /// That of a process, now.
    pub(super) fn of(process: u32) -> Self {
        let looked = Instant::now();
        Self { process, looked, peak: peak_memory(process), kills: MemoryKills::so_far(process) }
    }

    /// Looks again, unless it has just looked or the process is gone.
    pub(super) fn look_again(&mut self) {
        if self.looked.elapsed() < FRESH {
            return;
        }
        let now = Self::of(self.process);
        if now.peak.is_some() {
            *self = now;
        }
    }

    /// The most that it has had until now, in bytes; when it was looked at last, if the process is gone.
    pub(super) fn peak_now(&self) -> Option<u64> {
        peak_memory(self.process).or(self.peak)
    }

    /// The end of the process; `failed_to_allocate` is whether it said so before.
    ///
    /// The kernel doesn't say why it killed. It counts whom it killed for want of memory in the process' control group, though, and one more
    /// since the process was seen alive is this one.
    pub(super) fn end(&self, status: ExitStatus, failed_to_allocate: bool) -> ExecutorEnd {
        let was_killed = status.signal() == Some(SIGKILL) && self.kills.has_grown();
        let gave_up = status.signal() == Some(SIGABRT) && failed_to_allocate;
        let mut text = match (was_killed, gave_up) {
            (true, _) => "the kernel killed it for want of memory".to_owned(),
            (_, true) => "it got no more memory".to_owned(),
            (false, false) => return ExecutorEnd::plain(format!("it ended with {status}")),
        };
        if let Some(peak) = self.peak {
            text.push_str(&format!("; it had had {} when it was last looked at", ByteSize(peak)));
        }
        if let Some(limit) = self.kills.limit() {
            text.push_str(&format!("; its control group may have {}", ByteSize(limit)));
        }
        ExecutorEnd { text, is_out_of_memory: true }
    }
}

/// Whether a line of a log is what Rust's standard library says before it gives up.
pub(super) fn is_failed_allocation(line: &str) -> bool {
    line.starts_with("memory allocation of ") && line.ends_with(" bytes failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gives_up_after_a_failed_allocation_had_no_memory_and_who_gives_up_otherwise_had() {
        let memory = ObservedMemory::of(std::process::id());
        let aborted = ExitStatus::from_raw(SIGABRT);
        let end = memory.end(aborted, is_failed_allocation("memory allocation of 8589934592 bytes failed"));
        assert!(
            end.is_out_of_memory && end.text.starts_with("it got no more memory; it had had "),
            "{end:?}"
        );
        assert!(!memory.end(aborted, is_failed_allocation("assertion failed")).is_out_of_memory);
        let killed = memory.end(ExitStatus::from_raw(SIGKILL), false);
        assert!(!killed.is_out_of_memory && killed.text.contains("signal: 9"), "{killed:?}");
    }
}
