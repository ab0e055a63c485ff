//! The supervisor of a command's program: a small process between the executor and the program, which ends the program and all
//! that it started when the executor is gone, whatever ended that.
//!
//! Its standard input is a pipe whose other end the executor alone has. A byte asks the program to leave; the end of the pipe
//! kills the program's process group. How the program ended is the one line of its standard output.

use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// The byte that asks a program to leave.
pub(super) const LEAVE: u8 = b'l';

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ProgramEnd {
    /// With this exit code.
    Exited(i32),
    /// By this signal.
    Killed(i32),
    /// After a signal that asked everybody to leave, as a cluster's engine sends it to all processes of a job: whatever its exit code,
    /// that doesn't say that its work is done.
    Left,
    /// It never began, for this reason.
    NotStarted(String),
    /// Nobody knows: the supervisor is gone.
    Unknown,
}

impl ProgramEnd {
    fn of(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Exited(code),
            (None, Some(signal)) => Self::Killed(signal),
            (None, None) => Self::Unknown,
        }
    }

    /// The line that says it.
    fn to_line(&self) -> String {
        match self {
            Self::Exited(code) => format!("exited {code}\n"),
            Self::Killed(signal) => format!("killed {signal}\n"),
            Self::Left => "left\n".to_owned(),
            Self::NotStarted(why) => format!("not-started {}\n", why.replace('\n', " ")),
            Self::Unknown => "unknown\n".to_owned(),
        }
    }

    /// What a line says.
    pub(super) fn from_line(line: &str) -> Self {
        let line = line.trim_end();
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let number = || rest.parse().ok();
        match word {
            "exited" => number().map_or(Self::Unknown, Self::Exited),
            "killed" => number().map_or(Self::Unknown, Self::Killed),
            "left" => Self::Left,
            "not-started" => Self::NotStarted(rest.to_owned()),
            _ => Self::Unknown,
        }
    }
}

/// How long a signal that ended the program may take to be heard here.
const SIGNAL_DELAY: Duration = Duration::from_millis(50);

/// Runs a program to its end, with the standard error of this process as both of its outputs. `was_asked_to_leave` says whether
/// this process was told to end meanwhile.
///
/// # Errors
/// If the program can't be waited for, or nobody hears how it ended.
pub fn supervise(
    program: &Path,
    executor: impl Read + Send + 'static,
    mut output: impl Write,
    was_asked_to_leave: &AtomicBool,
) -> io::Result<()> {
    let end = match run(program, executor) {
        Ok(status) => {
            std::thread::sleep(SIGNAL_DELAY);
            let end = ProgramEnd::of(status?);
            if was_asked_to_leave.load(Ordering::SeqCst) { ProgramEnd::Left } else { end }
        }
        Err(error) => ProgramEnd::NotStarted(error.to_string()),
    };
    output.write_all(end.to_line().as_bytes())?;
    output.flush()
}

/// The outer error is that of the start.
fn run(program: &Path, executor: impl Read + Send + 'static) -> io::Result<io::Result<ExitStatus>> {
    let mut child = Command::new(program)
        .stdin(Stdio::null())
        .stdout(io::stderr())
        .stderr(io::stderr())
        // So that all that it starts can be ended with it.
        .process_group(0)
        .spawn()?;
    let group = Arc::new(Group { leader: Pid::from_child(&child), is_over: Mutex::new(false) });
    let listening = Arc::clone(&group);
    std::thread::spawn(move || listening.obey(executor));
    // It isn't reaped before its group is gone: until then nobody else can get the group's number.
    let waited = waitid(WaitId::Pid(group.leader), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
    group.end();
    Ok(waited.map_err(io::Error::from).and_then(|_| child.wait()))
}

/// The process group of a program.
struct Group {
    leader: Pid,
    /// Its leader has ended: its number may become another's.
    is_over: Mutex<bool>,
}

impl Group {
    fn signal(&self, signal: Signal) {
        let is_over = self.is_over.lock().unwrap_or_else(PoisonError::into_inner);
        if !*is_over {
            let _ = kill_process_group(self.leader, signal);
        }
    }

    /// Kills what is left of it once its leader has ended.
    fn end(&self) {
        self.signal(Signal::KILL);
        *self.is_over.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    /// Does what the executor says, until that is gone.
    fn obey(&self, mut executor: impl Read) {
        let mut said = [0];
        while let Ok(1) = executor.read(&mut said) {
            if said[0] == LEAVE {
                self.signal(Signal::TERM);
            }
        }
        self.signal(Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Runs a script, with an executor that says this and then waits for the script to end, or is gone.
    fn end_of(script: &str, says: &[u8], is_gone: bool) -> ProgramEnd {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let (executor, mut input) = io::pipe().unwrap();
        input.write_all(says).unwrap();
        let kept = (!is_gone).then_some(input);
        let mut line = Vec::new();
        supervise(&program, executor, &mut line, &AtomicBool::new(false)).unwrap();
        drop(kept);
        ProgramEnd::from_line(std::str::from_utf8(&line).unwrap())
    }

    #[test]
    fn every_end_comes_back_from_its_line() {
        for end in [
            ProgramEnd::Exited(0),
            ProgramEnd::Killed(9),
            ProgramEnd::Left,
            ProgramEnd::NotStarted("no such file".to_owned()),
        ] {
            assert_eq!(ProgramEnd::from_line(&end.to_line()), end);
        }
        assert_eq!(ProgramEnd::from_line(""), ProgramEnd::Unknown);
    }

    #[test]
    fn how_a_program_ended_is_told() {
        assert_eq!(end_of("exit 3", &[], false), ProgramEnd::Exited(3));
        assert_eq!(end_of("kill -SEGV $$", &[], false), ProgramEnd::Killed(11));
        let (executor, _input) = io::pipe().unwrap();
        let mut line = Vec::new();
        supervise(Path::new("/nowhere/at-all"), executor, &mut line, &AtomicBool::new(false)).unwrap();
        let ProgramEnd::NotStarted(why) = ProgramEnd::from_line(std::str::from_utf8(&line).unwrap()) else {
            panic!("{line:?}")
        };
        assert!(why.contains("No such file"), "{why}");
    }

    #[test]
    fn a_program_is_asked_to_leave_and_killed_with_its_children_when_the_executor_is_gone() {
        // Whether the trap is set in time or not, it leaves.
        let left = end_of("trap 'exit 7' TERM; while :; do sleep 0.01; done", &[LEAVE], false);
        assert!(matches!(left, ProgramEnd::Exited(7) | ProgramEnd::Killed(15)), "{left:?}");
        let deaf = "trap '' TERM; sleep 1000 & wait; while :; do sleep 1000; done";
        assert_eq!(end_of(deaf, &[], true), ProgramEnd::Killed(9));
    }

    #[test]
    fn a_line_that_no_supervisor_writes_tells_nothing() {
        for line in [
            "exited",
            "exited ",
            "exited x",
            "exited 99999999999",
            "killed",
            "killed -",
            "Exited 0",
            "0",
            "\n",
        ] {
            assert_eq!(ProgramEnd::from_line(line), ProgramEnd::Unknown, "{line:?}");
        }
        assert_eq!(ProgramEnd::from_line("exited 3"), ProgramEnd::Exited(3), "without its end");
        let why = ProgramEnd::NotStarted("one\ntwo".to_owned());
        assert_eq!(why.to_line().matches('\n').count(), 1);
        assert_eq!(ProgramEnd::from_line(&why.to_line()), ProgramEnd::NotStarted("one two".to_owned()));
    }

    #[test]
    fn a_program_that_ends_after_everybody_was_asked_to_leave_has_not_done_its_work() {
        let (executor, _input) = io::pipe().unwrap();
        let mut line = Vec::new();
        supervise(Path::new("/bin/true"), executor, &mut line, &AtomicBool::new(true)).unwrap();
        assert_eq!(ProgramEnd::from_line(std::str::from_utf8(&line).unwrap()), ProgramEnd::Left);
    }

    /// Whether a process is there, and isn't one that waits to be reaped.
    fn is_alive(process: &str) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.trim()));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[test]
    fn what_a_program_started_ends_with_it_however_it_ends() {
        for (end, expected) in [("exit 0", ProgramEnd::Exited(0)), ("kill -KILL $$", ProgramEnd::Killed(9))] {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("child");
            let child = format!("(trap '' TERM HUP; exec sleep 1000) & echo $! >{}; {end}", file.display());
            assert_eq!(end_of(&child, &[], false), expected);
            let process = std::fs::read_to_string(&file).unwrap();
            let began = std::time::Instant::now();
            while is_alive(&process) {
                assert!(began.elapsed() < Duration::from_secs(10), "{process} outlives its program");
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }

    #[test]
    fn a_word_that_the_executor_does_not_have_does_nothing() {
        assert_eq!(end_of("sleep 0.1; exit 5", b"xyz\n\0", false), ProgramEnd::Exited(5));
    }

    #[test]
    fn a_program_hears_nothing_on_its_standard_input_and_no_executor_reads_its_output() {
        // Its output is the log: on the supervisor's own, `exited 0` would be taken for its end.
        assert_eq!(end_of("read line && exit 9; echo exited 0; exit 4", &[], false), ProgramEnd::Exited(4));
    }

    #[test]
    fn a_group_whose_leader_is_gone_is_signalled_no_more() {
        let mut child = Command::new("/bin/sleep").arg("1000").process_group(0).spawn().unwrap();
        let group = Group { leader: Pid::from_child(&child), is_over: Mutex::new(true) };
        group.signal(Signal::KILL);
        std::thread::sleep(Duration::from_millis(20));
        assert!(child.try_wait().unwrap().is_none(), "its number may be another's by now");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
