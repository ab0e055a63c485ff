//! A running process of the program.

use std::process::{Child, Command};

use crate::eventually;

/// A running process of the program; killed when it is dropped.
#[derive(Debug)]
pub struct RunningProcess {
    child: Child,
}

impl RunningProcess {
    pub(crate) const fn new(child: Child) -> Self {
        Self { child }
    }

    /// Kills it as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().expect("the process is ours");
        self.child.wait().expect("it was killed");
    }

    /// Sends a signal.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(status.expect("kill is there").success());
    }

    /// The ids of a worker's executors that live: of the processes that it started, those that train.
    pub fn children(&self) -> Vec<u32> {
        let id = self.child.id();
        let tasks = std::fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
        let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
        lists
            .flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
            .filter_map(|id| id.parse().ok())
            .filter(|id| {
                let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
                line.split(|byte| *byte == 0).any(|argument| argument == b"executor")
            })
            .collect()
    }

    /// The names of its threads, as far as the system keeps them.
    pub fn threads(&self) -> Vec<String> {
        let tasks =
            std::fs::read_dir(format!("/proc/{}/task", self.child.id())).into_iter().flatten().flatten();
        tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok()).collect()
    }

    /// The exit code, once it has ended by itself.
    #[track_caller]
    pub fn wait(mut self) -> Option<i32> {
        let status = eventually("the process ends", || self.child.try_wait().expect("the process is ours"));
        status.code()
    }
}

impl Drop for RunningProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
