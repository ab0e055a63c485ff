//! A process that is started again when it has ended, as systemd does it.

use std::time::{Duration, Instant};

use basin_tests::{RunningProcess, Sandbox};

/// The pause before it is started again.
const PAUSE: Duration = Duration::from_millis(500);

/// A process of the cluster, or the place of one that has ended.
#[derive(Debug)]
pub(crate) struct Kept {
    name: String,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    process: Option<RunningProcess>,
    starts: u32,
    started: Instant,
    /// When it is started; never while somebody holds it down.
    due: Option<Instant>,
    /// It was told to end.
    is_leaving: bool,
}

/// A process that ended without having been told.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) lasted: Duration,
    /// The file of what it said.
    pub(crate) log: String,
}

impl Kept {
    /// One that is started as soon as it is tended to.
    pub(crate) fn new(name: String, arguments: Vec<String>, variables: Vec<(String, String)>) -> Self {
        let now = Instant::now();
        Self {
            name,
            arguments,
            variables,
            process: None,
            starts: 0,
            started: now,
            due: Some(now),
            is_leaving: false,
        }
    }

    /// Starts it if it is time. What it ended with, if it has.
    pub(crate) fn tend(&mut self, sandbox: &Sandbox) -> Option<Ended> {
        let now = Instant::now();
        let status = self.process.as_mut().and_then(RunningProcess::ended);
        if let Some(status) = status {
            self.process = None;
            self.due = self.due.or(Some(now + PAUSE));
            let ended = Ended { code: status.code(), lasted: self.started.elapsed(), log: self.log() };
            return (!std::mem::take(&mut self.is_leaving)).then_some(ended);
        }
        if self.process.is_none() && self.due.is_some_and(|due| due <= now) {
            self.starts += 1;
            let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
            let variables = self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let variables: Vec<(&str, &str)> = variables.collect();
            self.process = Some(sandbox.start_with(&self.log_name(), &arguments, &variables));
            (self.started, self.due) = (now, None);
        }
        None
    }

    /// Kills it, and doesn't start it again before it is released. With `all`, what it started dies as well.
    pub(crate) fn hold_down(&mut self, all: bool) {
        (self.due, self.is_leaving) = (None, false);
        let Some(process) = self.process.take() else { return };
        if all {
            // Stopped first, so that it doesn't see the others die.
            basin_tests::signal(process.id(), "STOP");
            for other in process.descendants() {
                basin_tests::signal(other, "KILL");
            }
        }
        process.kill();
    }

    /// It may live again.
    pub(crate) fn release(&mut self) {
        if self.process.is_none() {
            self.due = Some(Instant::now());
        }
    }

    /// Sends it a signal; whether it lives.
    pub(crate) fn signal(&self, name: &str) -> bool {
        self.process.as_ref().is_some_and(|process| basin_tests::signal(process.id(), name))
    }

    /// Asks it to leave; whether it lives.
    pub(crate) fn ask_to_leave(&mut self) -> bool {
        self.is_leaving = self.signal("TERM");
        self.is_leaving
    }

    /// The ids of its executors.
    pub(crate) fn executors(&self) -> Vec<u32> {
        self.process.as_ref().map(RunningProcess::children).unwrap_or_default()
    }

    pub(crate) const fn lives(&self) -> bool {
        self.process.is_some()
    }

    fn log_name(&self) -> String {
        format!("{}.{}", self.name, self.starts)
    }

    /// The file of what it says.
    fn log(&self) -> String {
        format!("{}.log", self.log_name())
    }
}
