//! The sandbox: a folder in which the program is run.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{CommandOutput, RunningProcess};

/// A folder with a sweep file, a state and outputs, in which the real program is run.
#[derive(Debug)]
pub struct Sandbox {
    folder: tempfile::TempDir,
    program: PathBuf,
    variables: BTreeMap<String, String>,
}

impl Sandbox {
    /// An empty sandbox. `program` is `env!("CARGO_BIN_EXE_basin-under-test")`.
    pub fn new(program: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        Self { folder, program: PathBuf::from(program), variables: BTreeMap::new() }
    }

    /// Sets a variable for every command from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// The same sandbox with a variable for everything that is run in it.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// The same sandbox with a file of this text.
    #[must_use]
    pub fn with_file(self, name: &str, text: &str) -> Self {
        self.write(name, text);
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
        self.command_of(&self.program, arguments)
    }

    /// Another program in place of the sandbox's own.
    pub fn command_of(&self, program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.path()).env("NO_COLOR", "1").stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("BASIN_") || text.starts_with("OTEL_") || text == "TRACEPARENT" {
                command.env_remove(&name);
            }
        }
        command.envs(&self.variables);
        command
    }

    /// Runs the program to its end.
    #[track_caller]
    pub fn basin(&self, arguments: &[&str]) -> CommandOutput {
        CommandOutput::of(&self.command(arguments).output().expect("the program was built"))
    }

    /// Starts the program; its standard error goes to `<name>.log` of this folder.
    #[track_caller]
    pub fn start(&self, name: &str, arguments: &[&str]) -> RunningProcess {
        self.start_with(name, arguments, &[])
    }

    /// The same with more variables.
    #[track_caller]
    pub fn start_with(&self, name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> RunningProcess {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        self.spawn(name, command)
    }

    /// Starts a command of this sandbox; its standard error goes to `<name>.log` of this folder.
    #[track_caller]
    pub fn spawn(&self, name: &str, mut command: Command) -> RunningProcess {
        let log = std::fs::File::create(self.path().join(format!("{name}.log"))).expect("the folder is ours");
        let child = command.stdout(Stdio::null()).stderr(log).spawn();
        RunningProcess::new(child.expect("the program was built"))
    }

    /// Starts a coordinator on a port that the system chooses, or on `address`, and says its URL.
    #[track_caller]
    pub fn serve(&self, address: &str, more: &[&str]) -> (RunningProcess, String) {
        let (running, output) = self.serve_with_output(address, more);
        let url = output["url"].as_str().expect("it names its URL").to_owned();
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
        let output = loop {
            let line = lines.next().and_then(Result::ok);
            let line =
                line.unwrap_or_else(|| panic!("the coordinator did not start: {}", self.read("serve.log")));
            json.push_str(&line);
            if line == "}" {
                break serde_json::from_str(&json).expect("it speaks JSON");
            }
        };
        (RunningProcess::new(child), output)
    }

    /// The number of commits in the store of a folder of local state.
    pub fn commits(&self, state: &str) -> usize {
        let mut count = 0;
        let mut folders = vec![self.path().join(state).join("store/tasks")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.ends_with("commit.json") {
                    count += 1;
                }
            }
        }
        count
    }

    /// A file's text; empty if it isn't there.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap_or_default()
    }
}

impl AsRef<Path> for Sandbox {
    fn as_ref(&self) -> &Path {
        self.path()
    }
}
