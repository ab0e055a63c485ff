//! What this machine has, of all that a run can use.

use std::fmt;
use std::path::{Path, PathBuf};

use basin_tests::SmallDisk;

/// The machine under the tests.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    /// The URL of a PostgreSQL server.
    pub(crate) database: Option<String>,
    pub(crate) has_radosgw: bool,
    pub(crate) has_small_disks: bool,
    /// The library that gives a process a clock of its own.
    pub(crate) faketime: Option<PathBuf>,
}

impl Machine {
    /// Looks.
    pub(crate) fn look() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            database: std::env::var("BASIN_TEST_POSTGRES").ok(),
            has_radosgw: std::env::var_os("BASIN_TEST_RADOSGW").is_some(),
            has_small_disks: SmallDisk::mount(&folder.path().join("disk"), "1m").is_some(),
            faketime: faketime(),
        }
    }
}

/// Where Debian and its like install it.
fn faketime() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path());
    folders
        .chain([Path::new("/usr/lib").to_owned()])
        .map(|folder| folder.join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.exists())
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.database.is_some(), "PostgreSQL", "BASIN_TEST_POSTGRES is not set"),
            (self.has_radosgw, "radosgw", "BASIN_TEST_RADOSGW is not set"),
            (self.has_small_disks, "small disks", "only root can mount them"),
            (self.faketime.is_some(), "clocks to set", "apt-get install libfaketime"),
        ];
        for (place, (has, what, why_not)) in parts.into_iter().enumerate() {
            let comma = if place == 0 { "" } else { "; " };
            match has {
                true => write!(f, "{comma}{what}")?,
                false => write!(f, "{comma}NOT RUN: {what}, since {why_not}")?,
            }
        }
        Ok(())
    }
}
