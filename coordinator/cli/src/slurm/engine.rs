//! Slurm's commands: `sbatch`, `squeue`, `scancel`. Their machine-readable forms alone are read.

use std::fmt;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::error::SlurmError;

/// How long a command may take: a busy controller answers within its own message timeout, 10 to 60 s.
const TIMEOUT: Duration = Duration::from_secs(90);
/// Of an answer that can't be understood, what is shown.
const SHOWN: usize = 200;

/// A job's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct JobId(pub(super) u32);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JobState {
    /// It waits for nodes, or to be started again.
    Pending,
    /// It runs, or is about to.
    Running,
    /// It is over, but for Slurm's own tidying.
    Ending,
}

/// One of our jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) id: JobId,
    pub(super) state: JobState,
}

/// Slurm, through its commands.
#[derive(Debug)]
pub(super) struct SlurmCli;

impl SlurmCli {
    /// Submits a script; its text goes over standard input, so that no list of processes shows it.
    pub(super) async fn submit(&self, script: &str) -> Result<JobId, SlurmError> {
        let answer = run("sbatch", &["--parsable"], Some(script)).await?;
        // `123` or `123;cluster`.
        let id = answer.trim().split(';').next().and_then(|text| text.parse().ok());
        id.map(JobId).ok_or_else(|| unreadable("sbatch", &answer))
    }

    /// This user's jobs of a name that aren't over.
    pub(super) async fn jobs(&self, name: &str) -> Result<Vec<Job>, SlurmError> {
        let named = format!("--name={name}");
        let answer = run("squeue", &["--noheader", "--me", &named, "--format=%A|%T"], None).await?;
        parse_jobs(&answer).ok_or_else(|| unreadable("squeue", &answer))
    }

    /// How long a job may still run, as Slurm writes it.
    #[cfg(feature = "worker")]
    pub(super) async fn time_left(&self, job: &str) -> Result<String, SlurmError> {
        run("squeue", &["--noheader", "--jobs", job, "--format=%L"], None).await
    }

    /// Takes pending jobs back.
    pub(super) async fn cancel_pending(&self, jobs: &[JobId]) -> Result<(), SlurmError> {
        self.scancel(&["--state=PENDING"], jobs).await
    }

    /// Tells running jobs' workers to leave: the batch script is the worker.
    pub(super) async fn signal_to_leave(&self, jobs: &[JobId]) -> Result<(), SlurmError> {
        self.scancel(&["--batch", "--signal=USR1"], jobs).await
    }

    /// Ends jobs: TERM, and KILL after the cluster's own patience.
    pub(super) async fn end(&self, jobs: &[JobId]) -> Result<(), SlurmError> {
        self.scancel(&[], jobs).await
    }

    async fn scancel(&self, how: &[&str], jobs: &[JobId]) -> Result<(), SlurmError> {
        if jobs.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = jobs.iter().map(ToString::to_string).collect();
        let arguments: Vec<&str> = how.iter().copied().chain(ids.iter().map(String::as_str)).collect();
        run("scancel", &arguments, None).await.map(drop)
    }
}

fn parse_jobs(answer: &str) -> Option<Vec<Job>> {
    let job = |line: &str| {
        let (id, state) = line.trim().split_once('|')?;
        let state =
            match state {
                "PENDING" | "REQUEUED" | "REQUEUE_FED" | "REQUEUE_HOLD" | "SPECIAL_EXIT"
                | "RESV_DEL_HOLD" => JobState::Pending,
                "RUNNING" | "CONFIGURING" | "SUSPENDED" | "STOPPED" | "SIGNALING" | "STAGE_OUT"
                | "RESIZING" => JobState::Running,
                // COMPLETING, and whatever else Slurm calls a job that doesn't run any more.
                _ => JobState::Ending,
            };
        Some(Job { id: JobId(id.parse().ok()?), state })
    };
    answer.lines().filter(|line| !line.trim().is_empty()).map(job).collect()
}

fn unreadable(program: &'static str, answer: &str) -> SlurmError {
    SlurmError::Unreadable { program, answer: answer.trim().chars().take(SHOWN).collect() }
}

async fn run(program: &'static str, arguments: &[&str], input: Option<&str>) -> Result<String, SlurmError> {
    let output = tokio::time::timeout(TIMEOUT, output_of(program, arguments, input)).await;
    let output = output
        .map_err(|_| SlurmError::Silent { program })?
        .map_err(|source| SlurmError::NotThere { program, source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    // The last line says it; those before say what it tried.
    let last = words.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("");
    let message = last.trim_start_matches(&format!("{program}: ")).trim_start_matches("error: ");
    let message = if message.is_empty() { output.status.to_string() } else { message.to_owned() };
    Err(SlurmError::Refused { program, message })
}

async fn output_of(program: &str, arguments: &[&str], input: Option<&str>) -> std::io::Result<Output> {
    let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    if let (Some(mut pipe), Some(text)) = (child.stdin.take(), input) {
        // If it ended before it read all, its exit code says why.
        let _ = pipe.write_all(text.as_bytes()).await;
    }
    child.wait_with_output().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squeues_lines_are_jobs() {
        let jobs = parse_jobs("12|PENDING\n13|RUNNING\n 14|COMPLETING\n\n15|CONFIGURING\n").unwrap();
        let states: Vec<_> = jobs.iter().map(|job| (job.id.0, job.state)).collect();
        assert_eq!(
            states,
            [
                (12, JobState::Pending),
                (13, JobState::Running),
                (14, JobState::Ending),
                (15, JobState::Running)
            ]
        );
        assert_eq!(parse_jobs(""), Some(Vec::new()));
        assert_eq!(parse_jobs("a greeting of the cluster's"), None);
    }

    #[tokio::test]
    async fn a_command_that_is_not_there_is_said_to_be() {
        let error = run("basin-no-such-command", &[], None).await.unwrap_err();
        assert!(matches!(error, SlurmError::NotThere { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn a_refusal_is_its_last_line_without_the_commands_name() {
        let script = "echo 'sbatch: trying' >&2; echo 'sbatch: error: no such thing' >&2; exit 1";
        let error = run("sh", &["-c", script], None).await.unwrap_err();
        assert_eq!(error.to_string(), "sh refuses: sbatch: error: no such thing");
    }
}
