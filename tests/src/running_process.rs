//! A running process of the program.

use std::process::{Child, Command, ExitStatus};

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
        assert!(signal(self.child.id(), name), "it has ended");
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether and how it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the process is ours")
    }

    /// The ids of all processes that it started, and that they started.
    pub fn descendants(&self) -> Vec<u32> {
        let mut found = children(self.child.id());
        let mut next = 0;
        while let Some(id) = found.get(next) {
            found.extend(children(*id));
            next += 1;
        }
        found
    }

    /// The ids of a worker's executors that live: of the processes that it started, those that train.
    pub fn children(&self) -> Vec<u32> {
        children(self.child.id())
            .into_iter()
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

/// Sends a process a signal; whether there is such a process.
pub fn signal(id: u32, name: &str) -> bool {
    let sent = Command::new("kill").args([&format!("-{name}"), &id.to_string()]).output();
    sent.expect("kill is there").status.success()
}

/// The processes that one has started and that live.
fn children(id: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|id| id.parse().ok())
        .collect()
}
