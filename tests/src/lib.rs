//! What the end-to-end tests share: a folder of their own, the real program, real processes that can be killed.

mod bucket;
mod radosgw;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

pub use bucket::{Bucket, Fault};
pub use radosgw::Radosgw;

/// How long anything may take before a test gives up. Never a measurement.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(240);

/// A folder with a sweep file, a state and outputs, in which the real program is run.
#[derive(Debug)]
pub struct Sandbox {
    folder: tempfile::TempDir,
    program: PathBuf,
    variables: BTreeMap<String, String>,
}

/// What a command said and how it ended.
#[derive(Debug)]
pub struct CommandOutput {
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl CommandOutput {
    /// What a process said that has ended.
    pub fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// This, if it ended well.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "standard error:\n{}\nstandard output:\n{}", self.err, self.out);
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// All of it, as a snapshot shows it; the place's own folder is left out.
    pub fn all(&self, sandbox: &Sandbox) -> String {
        let hide = |text: &str| text.replace(&sandbox.path().to_string_lossy().into_owned(), "PLACE");
        format!(
            "exit code: {}\n-- out --\n{}-- err --\n{}",
            self.code.unwrap_or(-1),
            hide(&self.out),
            hide(&self.err)
        )
    }
}

/// A running process of the program; killed when it is dropped.
#[derive(Debug)]
pub struct RunningProcess {
    child: Child,
}

impl RunningProcess {
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

impl Sandbox {
    /// A new place. `program` is `env!("CARGO_BIN_EXE_basin-under-test")`.
    pub fn new(program: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        Self { folder, program: PathBuf::from(program), variables: BTreeMap::new() }
    }

    /// Sets a variable for every command from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// The same place with a variable for everything that is run in it.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).expect("the folder is ours");
    }

    /// The program with these arguments, in this folder, with no settings from outside.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(self.path()).env("NO_COLOR", "1").stdin(Stdio::null());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BASIN_"))
        {
            command.env_remove(name);
        }
        command.envs(&self.variables);
        command
    }

    /// Runs the program to its end.
    #[track_caller]
    pub fn basin(&self, arguments: &[&str]) -> CommandOutput {
        CommandOutput::of(&self.command(arguments).output().expect("the program was built"))
    }

    /// Starts the program; its standard error goes to `<name>.log` of this place.
    #[track_caller]
    pub fn start(&self, name: &str, arguments: &[&str]) -> RunningProcess {
        self.start_with(name, arguments, &[])
    }

    /// The same with more variables.
    #[track_caller]
    pub fn start_with(&self, name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> RunningProcess {
        let log = std::fs::File::create(self.path().join(format!("{name}.log"))).expect("the folder is ours");
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        let child = command.stdout(Stdio::null()).stderr(log).spawn();
        RunningProcess { child: child.expect("the program was built") }
    }

    /// Starts a coordinator on a port that the system chooses, or on `address`, and says its URL.
    #[track_caller]
    pub fn serve(&self, address: &str, more: &[&str]) -> (RunningProcess, String) {
        let (running, said) = self.serve_with_output(address, more);
        let url = said["url"].as_str().expect("it names its URL").to_owned();
        (running, url)
    }

    /// Starts a worker of one thread that keeps a checkpoint ten times a second.
    #[track_caller]
    pub fn worker(&self, name: &str, coordinator: &str, more: &[&str]) -> RunningProcess {
        let cache = self.path().join("cache").to_string_lossy().into_owned();
        let how = ["worker", "--coordinator", coordinator, "--threads", "1", "--checkpoint-every", "0.1"];
        self.start(name, &[&how[..], &["--cache", &cache], more].concat())
    }

    /// The same, with all that it says when it serves.
    #[track_caller]
    pub fn serve_with_output(&self, address: &str, more: &[&str]) -> (RunningProcess, serde_json::Value) {
        let arguments = [&["--json", "serve", "--listen", address], more].concat();
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.path().join("serve.log"));
        let mut child = self
            .command(&arguments)
            .stdout(Stdio::piped())
            .stderr(log.expect("the folder is ours"))
            .spawn()
            .expect("the program was built");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut json = String::new();
        let said = loop {
            let line = lines.next().and_then(Result::ok);
            let line =
                line.unwrap_or_else(|| panic!("the coordinator did not start: {}", self.read("serve.log")));
            json.push_str(&line);
            if line == "}" {
                break serde_json::from_str(&json).expect("it speaks JSON");
            }
        };
        (RunningProcess { child }, said)
    }

    /// A file's text; empty if it isn't there.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap_or_default()
    }

    /// The result tables and the data of figures under `out`: everything that must be the same whatever happened.
    #[track_caller]
    pub fn tables(&self, out: &str) -> BTreeMap<String, Vec<u8>> {
        let root = self.path().join(out);
        let mut tables = BTreeMap::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in
                std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            {
                let path = entry.expect("the folder is ours").path();
                let name = path.strip_prefix(&root).expect("it is below").to_string_lossy().into_owned();
                if path.is_dir() {
                    folders.push(path);
                } else if !name.starts_with("provenance")
                    && !name.ends_with(".html")
                    && name != ".basin-output.json"
                {
                    tables.insert(name, std::fs::read(&path).expect("the file is ours"));
                }
            }
        }
        assert!(tables.contains_key("results.csv"), "{:?}", tables.keys());
        tables
    }
}

/// A sweep of small convolutional networks at two batch sizes, with a figure.
pub fn images(name: &str, seeds: u32, epochs: u32) -> String {
    format!(
        r#"
name = "{name}"
data = {{ name = "shapes", train_limit = 512, test_limit = 128 }}

[[experiment]]
id = "images"
kind = "classify"
seeds = {seeds}
grid = {{ batch_size = [32, 64] }}
model = {{ conv = [8, 8], dense = [16] }}
epochs = {epochs}
optimizer = "adam"
learning_rate = 1e-3

[[figure]]
id = "loss"
kind = "curves"
title = "Loss"
experiments = ["images"]
y = ["train_loss"]
"#
    )
}

/// Asserts that two sets of tables are the same, and names the first that isn't.
#[track_caller]
pub fn assert_same_tables(left: &BTreeMap<String, Vec<u8>>, right: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
    for (name, bytes) in left {
        assert!(bytes == &right[name], "{name} differs");
    }
}
