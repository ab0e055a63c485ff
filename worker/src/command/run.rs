//! A run whose work a program does.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use basin_domain::error_chain;
use basin_domain::experiment::Command;
use basin_domain::failure::{Failure, FailureKind};
use basin_domain::id::TaskId;
use basin_domain::metrics::Metrics;
use basin_domain::task::TaskSpec;
use basin_domain::time_spent::Activity;
use basin_domain::worker::Progress;
use basin_experiments::{Advance, ExperimentError, Finished, Run};

use super::checkpoint::{self, FolderError};
use super::line_reader::{LineError, LineReader};
use super::process::Process;
use super::program_message;
use super::record::{Record, refused};
use super::supervisor::ProgramEnd;
use super::{AllowedCommands, output_files};

/// How often it is looked whether the program said anything.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How soon an executor is told to stop whose processes were all asked to leave.
const LEAVING_TIMEOUT: Duration = Duration::from_secs(10);

/// What a program finds in its folder. It may make others there.
mod names {
    /// The program's folder within the task's.
    pub(super) const FOLDER: &str = "program";
    /// Its parameters, as JSON.
    pub(super) const PARAMETERS: &str = "parameters.json";
    /// The file to which it appends its lines.
    pub(super) const METRICS: &str = "metrics.jsonl";
    /// The folder of what it reads, with a folder for each input.
    pub(super) const INPUTS: &str = "inputs";
    /// The folder of its checkpoints.
    pub(super) const CHECKPOINT: &str = "checkpoint";
    /// The folder of the files that are committed.
    pub(super) const OUTPUT: &str = "output";
}

/// Where and with what a program runs.
#[derive(Debug)]
pub struct Place<'a> {
    /// The task's folder, which is its alone.
    pub scratch: &'a Path,
    /// The folder of each input, by its name.
    pub inputs: &'a HashMap<String, String>,
    /// The device that the program should use, as `BASIN_TASK_DEVICE` says it.
    pub device: &'a str,
    /// How many threads it should use.
    pub threads: usize,
    /// The span that it is run for, as `TRACEPARENT` says it, if the task is traced.
    pub traceparent: Option<&'a str>,
}

/// A run of a command.
#[derive(Debug)]
pub struct CommandRun {
    task: TaskId,
    scratch: PathBuf,
    folder: PathBuf,
    process: Process,
    lines: LineReader,
    record: Record,
    /// The last checkpoint that the program said it had.
    saved: Vec<u8>,
    /// Whether it is newer than the one that was asked for last.
    is_news: bool,
    /// When it was seen to have left after a signal to everybody.
    left_at: Option<Instant>,
    is_done: bool,
}

/// A failure of the machine, and not of the program.
fn cannot(what: &str, error: &io::Error) -> ExperimentError {
    ExperimentError::Failed(Failure::new(FailureKind::Crashed, format!("{what}: {error}")))
}

fn failed(kind: FailureKind, why: String) -> ExperimentError {
    ExperimentError::Failed(Failure::new(kind, why))
}

impl CommandRun {
    /// Starts the program of a task, from nothing or from a checkpoint.
    ///
    /// # Errors
    /// If the command isn't allowed here, the checkpoint can't be used, or the program can't be started.
    pub fn start(
        spec: &TaskSpec,
        command: &Command,
        allowed: &AllowedCommands,
        place: &Place<'_>,
        checkpoint: Option<&[u8]>,
    ) -> Result<Self, ExperimentError> {
        let (Some(program), Some(supervisor)) = (allowed.programs.get(&command.command), &allowed.supervisor)
        else {
            let why = format!("this worker's operator doesn't allow the command {}", command.command);
            return Err(failed(FailureKind::MissingData, why));
        };
        let folder = place.scratch.join(names::FOLDER);
        let unmade = |error: io::Error| cannot("the program's folder can't be made", &error);
        make_folder(&folder).map_err(unmade)?;
        let record = match checkpoint {
            None => Record::default(),
            Some(bytes) => checkpoint::restore(bytes, spec.id(), &folder.join(names::CHECKPOINT))?,
        };
        for (name, fetched) in place.inputs {
            // Not moved: a task that is begun again in this folder finds them too.
            let to = folder.join(names::INPUTS).join(name);
            std::path::absolute(fetched).and_then(|from| symlink(from, to)).map_err(unmade)?;
        }
        fs::write(folder.join(names::PARAMETERS), command.parameters_json()).map_err(unmade)?;
        let lines = LineReader::create(&folder.join(names::METRICS)).map_err(unmade)?;
        let variables = variables(spec, &folder, place);
        let process = Process::start(supervisor, program, &folder, &variables)
            .map_err(|error| cannot("the program's supervisor can't be started", &error))?;
        Ok(Self {
            task: spec.id(),
            scratch: place.scratch.to_owned(),
            folder,
            process,
            lines,
            record,
            saved: Vec::new(),
            is_news: false,
            left_at: None,
            is_done: false,
        })
    }

    /// Takes in what the program said since the last call; true if it said anything.
    fn listen(&mut self) -> Result<bool, ExperimentError> {
        let lines = self.lines.read().map_err(|error| unreadable(&error))?;
        let said_something = !lines.is_empty();
        for (number, line) in lines {
            self.hear(number, &line)?;
        }
        Ok(said_something)
    }

    /// Takes in all that a program which has ended said.
    fn listen_to_the_end(&mut self) -> Result<(), ExperimentError> {
        while self.listen()? {}
        match self.lines.rest().map_err(|error| unreadable(&error))? {
            Some((number, line)) => self.hear(number, &line),
            None => Ok(()),
        }
    }

    fn hear(&mut self, number: u64, line: &str) -> Result<(), ExperimentError> {
        let message = program_message::read(line).map_err(|why| {
            let shown: String = line.chars().take(200).collect();
            ExperimentError::Failed(refused(format!("line {number} of its metrics: {why}: {shown}")))
        })?;
        if self.record.add(message).map_err(ExperimentError::Failed)? {
            self.save()?;
        }
        Ok(())
    }

    /// Keeps the program's checkpoint as it is now.
    fn save(&mut self) -> Result<(), ExperimentError> {
        match checkpoint::encode(self.task, &self.folder.join(names::CHECKPOINT), &self.record) {
            Ok(saved) => {
                self.saved = saved;
                self.is_news = true;
                Ok(())
            }
            // The next one will do.
            Err(error @ FolderError::Changed) => {
                tracing::warn!(%error, "a checkpoint of the program was not kept");
                Ok(())
            }
            Err(error @ (FolderError::TooLarge | FolderError::Name(_) | FolderError::File(_))) => {
                Err(ExperimentError::Failed(refused(error_chain::with_causes(&error))))
            }
        }
    }

    fn end(&mut self) -> Result<Option<ProgramEnd>, ExperimentError> {
        self.process.end().map_err(|error| cannot("the program's supervisor can't be asked", &error))
    }

    /// The failure of a program that ended so; none if it has done its work.
    fn failure(&mut self, end: &ProgramEnd) -> Option<ExperimentError> {
        let (kind, how) = match end {
            ProgramEnd::Exited(0) => return None,
            ProgramEnd::Exited(code) => {
                (FailureKind::Experiment, format!("the program exited with code {code}"))
            }
            // Nobody else kills without a word.
            ProgramEnd::Killed(9) => (
                FailureKind::OutOfMemory,
                "the program was killed by signal 9, as a machine does that has no memory left".to_owned(),
            ),
            ProgramEnd::Killed(signal) => {
                (FailureKind::Crashed, format!("the program was killed by signal {signal}"))
            }
            ProgramEnd::Left => (
                FailureKind::Crashed,
                "the program was asked to leave by a signal that its worker didn't hear".to_owned(),
            ),
            ProgramEnd::NotStarted(why) => {
                (FailureKind::Crashed, format!("the program can't be started: {why}"))
            }
            ProgramEnd::Unknown => (FailureKind::Crashed, "the program's supervisor died".to_owned()),
        };
        let words = self.process.last_words();
        let words = if words.is_empty() { words } else { format!("; its last words:\n{words}") };
        Some(failed(kind, how + &words))
    }
}

fn unreadable(error: &LineError) -> ExperimentError {
    ExperimentError::Failed(refused(error_chain::with_causes(error)))
}

/// An empty folder with those that a program finds in it.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir(folder)?;
    fs::create_dir(folder.join(names::INPUTS))?;
    fs::create_dir(folder.join(names::CHECKPOINT))?;
    fs::create_dir(folder.join(names::OUTPUT))
}

/// What the program is told.
fn variables(spec: &TaskSpec, folder: &Path, place: &Place<'_>) -> Vec<(&'static str, OsString)> {
    let threads = place.threads.to_string();
    let mut variables = vec![
        ("BASIN_TASK_ID", spec.id().to_string().into()),
        ("BASIN_TASK_SEED", spec.seed.to_string().into()),
        ("BASIN_TASK_FOLDER", folder.into()),
        ("BASIN_TASK_PARAMETERS", folder.join(names::PARAMETERS).into()),
        ("BASIN_TASK_INPUTS", folder.join(names::INPUTS).into()),
        ("BASIN_TASK_METRICS", folder.join(names::METRICS).into()),
        ("BASIN_TASK_CHECKPOINT", folder.join(names::CHECKPOINT).into()),
        ("BASIN_TASK_OUTPUT", folder.join(names::OUTPUT).into()),
        ("BASIN_TASK_DEVICE", place.device.into()),
        ("BASIN_TASK_THREADS", threads.clone().into()),
    ];
    if let Some(traceparent) = place.traceparent {
        variables.push((basin_traces::VARIABLE, traceparent.into()));
    }
    // What most libraries of linear algebra look at.
    if std::env::var_os("OMP_NUM_THREADS").is_none() {
        variables.push(("OMP_NUM_THREADS", threads.into()));
    }
    variables
}

impl Run for CommandRun {
    fn advance(&mut self) -> Result<Advance, ExperimentError> {
        // Asked before it is listened to: what it said before its end is heard.
        let end = self.end()?;
        if self.listen()? {
            return Ok(Advance::More);
        }
        let Some(end) = end else {
            std::thread::sleep(POLL_INTERVAL);
            return Ok(Advance::Waiting);
        };
        self.listen_to_the_end()?;
        if end == ProgramEnd::Left
            && self.left_at.get_or_insert_with(Instant::now).elapsed() < LEAVING_TIMEOUT
        {
            std::thread::sleep(POLL_INTERVAL);
            return Ok(Advance::Waiting);
        }
        match self.failure(&end) {
            Some(failure) => Err(failure),
            None => {
                self.is_done = true;
                Ok(Advance::Done)
            }
        }
    }

    fn activity(&self) -> Activity {
        Activity::Program
    }

    fn progress(&self) -> Progress {
        self.record.progress
    }

    fn metrics(&self) -> Option<&Metrics> {
        Some(&self.record.metrics)
    }

    fn has_news(&self) -> bool {
        self.is_news
    }

    fn checkpoint(&mut self) -> Result<Vec<u8>, ExperimentError> {
        self.is_news = false;
        Ok(self.saved.clone())
    }

    /// The program is asked to leave, and killed when its time is over. However it ends then, it was asked to.
    fn stop(&mut self, within: Duration) -> Result<bool, ExperimentError> {
        let began = Instant::now();
        self.process.ask_to_leave();
        while self.end()?.is_none() {
            self.listen()?;
            if began.elapsed() >= within {
                tracing::warn!("the program did not leave in time and was killed");
                self.process.kill();
                break;
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        self.listen_to_the_end()?;
        Ok(self.is_news)
    }

    fn outputs(&mut self) -> Result<Vec<PathBuf>, ExperimentError> {
        output_files::collect(&self.folder.join(names::OUTPUT), &self.scratch)
            .map_err(|error| ExperimentError::Failed(refused(error_chain::with_causes(&error))))
    }

    fn finish(self: Box<Self>) -> Result<Finished, ExperimentError> {
        if !self.is_done {
            return Err(ExperimentError::NotDone);
        }
        let outcome = self.record.outcome();
        let result = basin_experiments::empty_result(outcome)?;
        Ok(Finished { outcome, metrics: self.record.metrics, result })
    }
}
