//! What this machine has: cores, memory, open files, free space where Basin writes.

use std::path::{Path, PathBuf};

use basin_domain::placement::ByteSize;
use basin_domain::utc::Utc;
use rustix::fs::statvfs;
use rustix::process::{Resource, getrlimit};

use super::finding::Finding;
use crate::clock::unix_ms;

/// Less free space than this soon ends a run.
const LEAST_SPACE: u64 = 1 << 30;
/// Less memory than this is too little for one executor.
const LEAST_MEMORY: u64 = 512 << 20;
/// Fewer open files than this are too few for a coordinator with some workers.
const LEAST_FILES: u64 = 1024;
/// No clock that goes right shows less, in seconds of the Unix time: the beginning of 2025.
const EARLIEST: u64 = 1_735_689_600;

/// Everything of the machine itself; `folders` are those that Basin writes into.
pub(super) fn look(folders: &[(&'static str, PathBuf)]) -> Vec<Finding> {
    let mut findings = vec![cores(), memory(std::fs::read_to_string("/proc/meminfo").ok().as_deref())];
    findings.extend([open_files(getrlimit(Resource::Nofile).current), clock(unix_ms() / 1_000)]);
    findings.extend(folders.iter().map(|(name, folder)| space(name, folder, free(folder))));
    findings
}

fn cores() -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let cores = crate::output::counted(cores as u64, "core", "cores");
    #[cfg(feature = "worker")]
    let kernels = format!(", kernels: {}", basin_worker::code_path());
    #[cfg(not(feature = "worker"))]
    let kernels = ", built without workers";
    Finding::good("machine", format!("{cores}{kernels}"))
}

/// The memory that programs can have, as `/proc/meminfo` says it.
fn memory(meminfo: Option<&str>) -> Finding {
    let available = meminfo.and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    });
    let Some(kib) = available else { return Finding::good("memory", "this system doesn't say") };
    let bytes = kib.saturating_mul(1024);
    let says = format!("{} can be had", ByteSize(bytes));
    match bytes < LEAST_MEMORY {
        true => Finding::bad("memory", says, "end other programs, or take fewer executors with `--workers`"),
        false => Finding::good("memory", says),
    }
}

fn open_files(limit: Option<u64>) -> Finding {
    match limit {
        Some(limit) if limit < LEAST_FILES => Finding::bad(
            "open files",
            format!("this process may have {limit}"),
            format!("`ulimit -n {}` before it", 4 * LEAST_FILES),
        ),
        Some(limit) => Finding::good("open files", format!("this process may have {limit}")),
        None => Finding::good("open files", "without a limit"),
    }
}

fn clock(now: u64) -> Finding {
    let says = format!("{}", Utc::from_unix(now));
    match now < EARLIEST {
        true => Finding::bad("date", says, "set it: a store's signatures and TLS need the right time"),
        false => Finding::good("date", says),
    }
}

fn space(name: &'static str, folder: &Path, free: std::io::Result<u64>) -> Finding {
    let mend = "make space, or choose a folder on another disk";
    match free {
        Ok(bytes) if bytes < LEAST_SPACE => {
            Finding::bad(name, format!("{}: {} free", folder.display(), ByteSize(bytes)), mend)
        }
        Ok(bytes) => Finding::good(name, format!("{}: {} free", folder.display(), ByteSize(bytes))),
        Err(error) => Finding::bad(name, format!("{}: {error}", folder.display()), mend),
    }
}

/// The free space of the disk where a folder is, or would be made.
fn free(folder: &Path) -> std::io::Result<u64> {
    let folder = std::path::absolute(folder)?;
    let there = folder.ancestors().find(|it| it.exists()).unwrap_or(Path::new("/"));
    let disk = statvfs(there)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_little_is_bad_and_says_how_to_mend_it() {
        assert!(memory(Some("MemTotal: 9 kB\nMemAvailable:  1048576 kB\n")).good);
        for finding in [
            memory(Some("MemAvailable:  1024 kB\n")),
            open_files(Some(256)),
            clock(1_000),
            space("state", Path::new("x"), Ok(1 << 20)),
            space("state", Path::new("x"), Err(std::io::Error::other("it is gone"))),
        ] {
            assert!(!finding.good && finding.mend.is_some(), "{}", finding.says);
        }
        assert_eq!(space("state", Path::new("x"), Ok(3 << 30)).says, "x: 3 GiB free");
    }

    #[test]
    fn a_folder_that_is_not_there_has_the_space_of_the_one_above_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free(&folder.path().join("a/b")).unwrap() > 0);
        assert!(memory(None).good);
    }
}
