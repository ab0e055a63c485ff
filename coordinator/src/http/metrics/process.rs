//! The process itself, under the names that all programs have for it. What a system doesn't tell is left out.

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::http::exposition::{Exposition, Metric, MetricKind};

/// What the process has and uses at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ProcessUsage {
    cpu_seconds: f64,
    resident_bytes: Option<u64>,
    open_files: Option<u64>,
    most_files: Option<u64>,
}

impl ProcessUsage {
    /// At present.
    pub(super) fn now() -> Self {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let status = std::fs::read_to_string("/proc/self/status").ok();
        let files = std::fs::read_dir("/proc/self/fd").ok();
        Self {
            cpu_seconds: cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9,
            resident_bytes: status.as_deref().and_then(resident_bytes),
            open_files: files.map(|files| files.count() as u64),
            most_files: getrlimit(Resource::Nofile).current,
        }
    }
}

/// The resident memory in the text of `/proc/PID/status`, which counts it in KiB.
fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

pub(super) fn write(page: &mut Exposition, usage: &ProcessUsage, began: SystemTime) {
    let began = began.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let help = "When the process began, in seconds since the Unix epoch.";
    page.single(Metric { name: "process_start_time_seconds", kind: MetricKind::Gauge, help }, began);
    let help = "Processor time that the process used, on all cores.";
    page.single(
        Metric { name: "process_cpu_seconds_total", kind: MetricKind::Counter, help },
        usage.cpu_seconds,
    );
    let gauges = [
        ("process_resident_memory_bytes", "Memory that the process has.", usage.resident_bytes),
        ("process_open_fds", "Files and connections that the process has open.", usage.open_files),
        ("process_max_fds", "How many it may have open.", usage.most_files),
    ];
    for (name, help, value) in gauges {
        if let Some(value) = value {
            page.single(Metric { name, kind: MetricKind::Gauge, help }, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_where_the_system_tells_it() {
        assert_eq!(resident_bytes("Name:\tbasin\nVmRSS:\t   12345 kB\nThreads:\t4\n"), Some(12_345 << 10));
        assert_eq!(resident_bytes("Name:\tbasin\n"), None);
        assert_eq!(resident_bytes("VmRSS:\tmuch\n"), None);
    }

    #[test]
    fn what_a_system_does_not_tell_is_left_out() {
        let usage =
            ProcessUsage { cpu_seconds: 1.5, resident_bytes: None, open_files: Some(7), most_files: None };
        let mut page = Exposition::default();
        write(&mut page, &usage, UNIX_EPOCH + std::time::Duration::from_secs(9));
        let text = page.into_text();
        assert!(text.contains("\nprocess_start_time_seconds 9\n"), "{text}");
        assert!(text.contains("\nprocess_cpu_seconds_total 1.5\n"), "{text}");
        assert!(text.ends_with("\nprocess_open_fds 7\n") && !text.contains("memory"), "{text}");
    }
}
