//! A program's process, as the executor has it: through its supervisor.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use super::program_log::ProgramLog;
use super::supervisor::{LEAVE, ProgramEnd};
use crate::agent::CommandLine;

/// How long a supervisor whose program was killed may take to end.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);
/// How often it is looked whether it has.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// A program that runs, or has ended. When it is dropped, it is killed with all that it started.
#[derive(Debug)]
pub(super) struct Process {
    supervisor: Child,
    /// The end of this pipe is the end of the program.
    input: Option<ChildStdin>,
    log: ProgramLog,
    end: Option<ProgramEnd>,
}

impl Process {
    /// Starts a program in a folder, with these variables beside those of this process.
    ///
    /// # Errors
    /// If its supervisor can't be started.
    pub(super) fn start(
        supervisor: &CommandLine,
        program: &Path,
        folder: &Path,
        variables: &[(&str, OsString)],
    ) -> io::Result<Self> {
        let mut supervisor = Command::new(&supervisor.program)
            .args(&supervisor.arguments)
            .arg(program)
            .current_dir(folder)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let input = supervisor.stdin.take();
        let log = ProgramLog::follow(supervisor.stderr.take());
        Ok(Self { supervisor, input, log, end: None })
    }

    /// Asks the program to leave.
    pub(super) fn ask_to_leave(&mut self) {
        if let Some(input) = &mut self.input {
            // One that has ended hears nothing.
            let _ = input.write_all(&[LEAVE]);
        }
    }

    /// How it ended, once it has.
    ///
    /// # Errors
    /// If its supervisor can't be asked.
    pub(super) fn end(&mut self) -> io::Result<Option<ProgramEnd>> {
        if self.end.is_none() && self.supervisor.try_wait()?.is_some() {
            let mut line = String::new();
            if let Some(output) = self.supervisor.stdout.take() {
                output.take(4096).read_to_string(&mut line)?;
            }
            self.end = Some(ProgramEnd::from_line(&line));
        }
        Ok(self.end.clone())
    }

    /// Kills it with all that it started, and waits for that.
    pub(super) fn kill(&mut self) {
        self.input = None;
        let began = Instant::now();
        while let Ok(None) = self.supervisor.try_wait() {
            if began.elapsed() > KILL_TIMEOUT {
                let _ = self.supervisor.kill();
                let _ = self.supervisor.wait();
                return;
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    /// The last lines that it wrote to its outputs.
    pub(super) fn last_words(&mut self) -> String {
        self.log.last_lines()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program under a supervisor that is this script.
    fn under(script: &str) -> Process {
        let arguments = vec!["-c".to_owned(), script.to_owned()];
        let supervisor = CommandLine { program: "/bin/sh".into(), arguments };
        let variables = [("BASIN_TASK_SEED", OsString::from("7"))];
        Process::start(&supervisor, Path::new("/program"), Path::new("/"), &variables).unwrap()
    }

    fn end_of(process: &mut Process) -> ProgramEnd {
        loop {
            if let Some(end) = process.end().unwrap() {
                return end;
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    #[test]
    fn a_supervisor_that_dies_without_a_word_leaves_it_open_how_the_program_ended() {
        for script in ["exit 0", "kill -KILL $$", "echo nonsense", "printf 'exited'"] {
            assert_eq!(end_of(&mut under(script)), ProgramEnd::Unknown, "{script}");
        }
        let mut told = under("echo exited 3; echo words >&2");
        assert_eq!((end_of(&mut told), end_of(&mut told)), (ProgramEnd::Exited(3), ProgramEnd::Exited(3)));
        assert_eq!(told.last_words(), "words");
        told.ask_to_leave();
    }

    #[test]
    fn a_supervisor_finds_the_program_the_folder_and_the_variables() {
        let mut process = under("echo $0 $PWD $BASIN_TASK_SEED >&2");
        end_of(&mut process);
        assert_eq!(process.last_words(), "/program / 7");
    }

    #[test]
    fn the_word_of_leaving_is_a_byte_and_the_end_of_the_pipe_the_end() {
        let mut process = under("head -c 1 >&2; cat >&2; echo exited 0");
        process.ask_to_leave();
        assert_eq!(process.end().unwrap(), None);
        process.kill();
        assert_eq!((process.last_words(), end_of(&mut process)), ("l".to_owned(), ProgramEnd::Exited(0)));
    }

    #[test]
    fn a_supervisor_that_does_not_end_with_its_pipe_is_killed() {
        let mut process = under("exec sleep 1000");
        let began = Instant::now();
        process.kill();
        assert!(began.elapsed() >= KILL_TIMEOUT, "{:?}", began.elapsed());
        assert_eq!(end_of(&mut process), ProgramEnd::Unknown);
    }

    #[test]
    fn a_supervisor_that_is_not_there_is_an_error_of_the_start() {
        let supervisor = CommandLine { program: "/nowhere/at-all".into(), arguments: vec![] };
        assert!(Process::start(&supervisor, Path::new("/program"), Path::new("/"), &[]).is_err());
    }
}
