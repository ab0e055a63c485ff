//! A small disk, to be filled.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A small file system in memory, which only root can make; gone when it is dropped.
#[derive(Debug)]
pub struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// One of this size (`8m`) at this folder, which is made. None, and a line that says so, for who may not.
    #[allow(clippy::print_stderr, reason = "a person who runs the tests should see that this one did not")]
    pub fn mount(path: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(path).expect("the folder is ours");
        let options = format!("size={size},mode=0777");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(path).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self { path: path.to_owned() });
        }
        eprintln!("NOT RUN: tests on a full disk, since this user can't mount a small one");
        None
    }

    /// Takes all the space that is left.
    pub fn fill(&self) {
        let mut file = std::fs::File::create(self.path.join("filler")).expect("there is room for a name");
        for size in [64 << 10, 4 << 10, 1] {
            while file.write_all(&vec![7; size]).is_ok() {}
        }
    }

    /// Gives the space back.
    pub fn free(&self) {
        std::fs::remove_file(self.path.join("filler")).expect("it was filled");
    }

    /// Whether it can't be written from now on, or can again; false if somebody writes just now.
    pub fn set_read_only(&self, is_read_only: bool) -> bool {
        let options = if is_read_only { "remount,ro" } else { "remount,rw" };
        let remounted = Command::new("mount").args(["-o", options]).arg(&self.path).output();
        remounted.is_ok_and(|output| output.status.success())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.path).output();
    }
}
