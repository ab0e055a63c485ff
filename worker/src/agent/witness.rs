//! The witness of an agent: a small process beside it that tells the coordinator when the agent has died.
//!
//! The end of a connection proves nothing: the network may be gone, and the worker train on. So the witness holds one end of a
//! pipe whose other end the agent alone has. The system closes that when the agent's process is gone, whatever ended it, and at
//! no other time. Executors end with their agent by the same means. A witness that is told of a clean exit reports nothing.

use std::process::Stdio;
use std::time::Duration;

use basin_domain::id::WorkerId;
use basin_proto::dial::{CallOptions, Coordinators, Dial, DialError};
use basin_proto::v1::scheduler_client::SchedulerClient;
use basin_proto::{retry_after, v1};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tonic::{Code, Status};

use super::command_line::CommandLine;
use super::environment;

/// The line by which an agent that leaves says so.
const CLEAN_EXIT: &str = "farewell";
/// How long a coordinator is looked for: by then the leases have run out by themselves.
const LIMIT: Duration = Duration::from_secs(60);
/// How long one call may take.
const CALL_OPTIONS: CallOptions = CallOptions { timeout: Duration::from_secs(5), keep_alive: false };
/// The pause between two calls, at first and at most.
const PAUSE: std::ops::RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(1);

/// A running witness, as its agent has it. When this is dropped without that it reports the agent's end.
#[derive(Debug)]
pub(super) struct Witness {
    agent: ChildStdin,
    process: Child,
}

impl Witness {
    /// Starts a witness of this process. Without one a dead worker's leases last their terms.
    pub(super) fn start(how: &CommandLine, worker: &WorkerId) -> Option<Self> {
        let CommandLine { program, arguments } = how;
        let mut command = Command::new(program);
        command.args(arguments).arg("--worker").arg(worker.as_str());
        environment::of_witness(&mut command);
        // Of its own group, so that what ends a terminal's job doesn't end both.
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::null()).process_group(0).spawn();
        let mut process = match spawned {
            Ok(process) => process,
            Err(error) => {
                tracing::warn!(%error, "no witness could be started; this worker's death would be noticed late");
                return None;
            }
        };
        let agent = process.stdin.take()?;
        Some(Self { agent, process })
    }

    /// Nothing is left that the witness would have to tell.
    pub(super) async fn dismiss(mut self) {
        let _ = self.agent.write_all(CLEAN_EXIT.as_bytes()).await;
        drop(self.agent);
        let _ = tokio::time::timeout(Duration::from_secs(1), self.process.wait()).await;
    }
}

/// The outcome of a witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WitnessOutcome {
    /// The agent left in peace.
    NotNeeded,
    /// The coordinator knows of the agent's death.
    Reported,
}

/// Why the coordinator doesn't know of an agent's death.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The coordinator can't be dialled.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// It refuses to hear.
    #[error("the coordinator refused to hear of it: {0}")]
    Refused(String),
    /// It was looked for until the leases had run out.
    #[error("no coordinator answered within {} s: {last}", LIMIT.as_secs())]
    Unreachable {
        /// Why the last call failed.
        last: String,
    },
}

/// Waits for the end of the agent, whose end of the pipe is `agent`, and tells the coordinator unless it left in peace.
///
/// # Errors
/// If the coordinator couldn't be told.
pub async fn serve(
    agent: impl AsyncRead + Unpin,
    worker: &WorkerId,
    dial: &Dial,
) -> Result<WitnessOutcome, ReportError> {
    let coordinators = Coordinators::new(dial, CALL_OPTIONS)?;
    let mut lines = BufReader::new(agent).lines();
    // An error of the pipe is an end, too: nobody writes there any more.
    while let Ok(Some(line)) = lines.next_line().await {
        if line == CLEAN_EXIT {
            return Ok(WitnessOutcome::NotNeeded);
        }
    }
    report_exit_until_answered(&coordinators, worker).await
}

async fn report_exit_until_answered(
    coordinators: &Coordinators,
    worker: &WorkerId,
) -> Result<WitnessOutcome, ReportError> {
    let began = tokio::time::Instant::now();
    let mut pause = *PAUSE.start();
    loop {
        let request = v1::ReportExitRequest { worker_id: worker.to_string() };
        let said = coordinators
            .call(Some(CALL_OPTIONS.timeout), |connection| {
                let request = request.clone();
                async move { SchedulerClient::new(connection).report_exit(request).await }
            })
            .await;
        let status = match said {
            Ok(Ok(_)) => return Ok(WitnessOutcome::Reported),
            Ok(Err(status)) if is_final(&status) => {
                return Err(ReportError::Refused(status.message().to_owned()));
            }
            Ok(Err(status)) => status,
            Err(unanswered) => unanswered.status,
        };
        if began.elapsed() >= LIMIT {
            return Err(ReportError::Unreachable { last: status.message().to_owned() });
        }
        tokio::time::sleep(retry_after(&status).unwrap_or(pause).clamp(pause, *PAUSE.end())).await;
        pause = (pause * 2).min(*PAUSE.end());
    }
}

/// Whether asking again changes nothing.
fn is_final(status: &Status) -> bool {
    let codes = [Code::Unimplemented, Code::Unauthenticated, Code::PermissionDenied, Code::InvalidArgument];
    retry_after(status).is_none() && codes.contains(&status.code())
}

#[cfg(test)]
mod tests {
    use super::super::testing::ScriptedCoordinator;
    use super::*;

    /// The outcome of a witness whose agent said this before its end, and the reports that the coordinator heard.
    async fn witnessed(
        said: &'static [u8],
        answers: Vec<Result<v1::ReportExitReply, Status>>,
    ) -> (Result<WitnessOutcome, ReportError>, Vec<String>) {
        let script = ScriptedCoordinator::default();
        script.script().exit.extend(answers);
        let outcome = serve(said, &WorkerId::new("w").unwrap(), &script.serve().await).await;
        (outcome, script.heard())
    }

    #[tokio::test]
    async fn an_agent_that_ends_without_the_word_of_leaving_has_died() {
        for said in [&b""[..], b"fare", b"farewells\n", b"something\nelse\n", b"\xff\xfe"] {
            let (outcome, heard) = witnessed(said, vec![]).await;
            assert_eq!(outcome.unwrap(), WitnessOutcome::Reported, "{said:?}");
            assert_eq!(heard, ["exit of w"], "{said:?}");
        }
    }

    #[tokio::test]
    async fn the_word_of_leaving_counts_whatever_was_said_before() {
        let (outcome, heard) = witnessed(b"something\nfarewell\n", vec![]).await;
        assert_eq!((outcome.unwrap(), heard.len()), (WitnessOutcome::NotNeeded, 0));
    }

    #[tokio::test]
    async fn a_coordinator_that_is_down_is_told_when_it_is_back_and_one_that_refuses_is_left() {
        let down = || Err(Status::unavailable("restarting"));
        let (outcome, heard) = witnessed(b"", vec![down(), Err(Status::internal("x")), down()]).await;
        assert_eq!((outcome.unwrap(), heard.len()), (WitnessOutcome::Reported, 4));
        let (outcome, heard) = witnessed(b"", vec![Err(Status::permission_denied("not yours"))]).await;
        assert!(matches!(&outcome, Err(ReportError::Refused(why)) if why == "not yours"), "{outcome:?}");
        assert_eq!(heard.len(), 1);
    }

    #[tokio::test]
    async fn a_witness_is_told_of_its_worker_and_of_a_clean_exit() {
        let folder = tempfile::tempdir().unwrap();
        let script = "printf '%s ' \"$@\" >\"$0\"; cat >>\"$0\"".to_owned();
        let file = folder.path().join("heard");
        let arguments =
            vec!["-c".to_owned(), script, file.to_string_lossy().into_owned(), "witness".to_owned()];
        let how = CommandLine { program: "/bin/sh".into(), arguments };
        let witness = Witness::start(&how, &WorkerId::new("w-1").unwrap()).unwrap();
        witness.dismiss().await;
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "witness --worker w-1 farewell");
        let none = CommandLine { program: "/nowhere/at-all".into(), arguments: vec![] };
        assert!(Witness::start(&none, &WorkerId::new("w-1").unwrap()).is_none(), "a worker goes on without");
    }

    fn nobody() -> Dial {
        Dial::to("http://127.0.0.1:9").unwrap()
    }

    #[tokio::test]
    async fn an_agent_that_exits_cleanly_has_not_died() {
        let worker = WorkerId::new("w").unwrap();
        let said = serve(&b"farewell"[..], &worker, &nobody()).await;
        assert_eq!(said.unwrap(), WitnessOutcome::NotNeeded);
    }

    #[tokio::test(start_paused = true)]
    async fn a_death_is_told_again_and_again_until_the_leases_have_run_out() {
        let worker = WorkerId::new("w").unwrap();
        let said = serve(&b""[..], &worker, &nobody()).await;
        assert!(matches!(said, Err(ReportError::Unreachable { .. })), "{said:?}");
    }

    #[test]
    fn a_coordinator_of_before_is_not_asked_again() {
        assert!(is_final(&Status::unimplemented("x")) && is_final(&Status::unauthenticated("x")));
        assert!(!is_final(&Status::unavailable("x")) && !is_final(&Status::resource_exhausted("x")));
    }
}
