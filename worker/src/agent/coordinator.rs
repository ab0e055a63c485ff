//! The coordinator, as an agent sees it: the one that leads, of those that it knows.

#[cfg(test)]
mod tests;

use std::time::Duration;

use basin_domain::outage::Outage;
use basin_domain::worker::WorkerDescription;
use basin_proto::dial::{
    Address, CallOptions, ConnectError, Connection, Coordinators, Dial, NoLeaderAnswered, Token,
};
use basin_proto::v1::scheduler_client::SchedulerClient;
use basin_proto::{MESSAGE_LIMIT, PROTOCOL, hint, outage, retry_after, v1};
use tonic::{Code, Status};

use super::error::AgentError;
use super::news::{News, NewsListener};

/// How long a call may take beyond what the coordinator holds an idle worker's `Sync`.
const CALL_OPTIONS: CallOptions = CallOptions { timeout: Duration::from_secs(40), keep_alive: true };
/// The longest that an idle worker's `Sync` is held.
const HOLD: Duration = Duration::from_secs(8);
/// How long a coordinator may be silent before another is asked, where there is one: a sixth of a lease's duration, within these
/// bounds.
const ANSWER_TIMEOUT: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(500)..=Duration::from_secs(5);

/// How long a worker whose token is refused waits for its file to have another: a secret of Kubernetes takes about a minute to
/// reach its containers.
const TOKEN_GRACE: Duration = Duration::from_secs(150);

/// Connections that mend themselves: lazily opened, opened again after a failure.
#[derive(Debug, Clone)]
pub(super) struct Coordinator {
    all: Coordinators,
    /// Whether a token that is refused may be followed by one that isn't.
    token_may_change: bool,
    answer_timeout: Duration,
    /// If no coordinator that this worker knows leads, none does.
    knows_all_coordinators: bool,
}

/// A call that no leader answered.
#[derive(Debug)]
pub(super) struct NoAnswer {
    pub(super) status: Status,
    /// It is certain that no coordinator led at some time after the call began: whoever leads later was elected, or started,
    /// after that, and gives live leases a full lease duration.
    pub(super) nobody_leads: bool,
}

impl Coordinator {
    /// The coordinators of a dial; nothing is sent yet.
    pub(super) fn new(dial: &Dial) -> Result<Self, AgentError> {
        let all = Coordinators::new(dial, CALL_OPTIONS)?;
        let token_may_change = dial.token.as_ref().is_some_and(Token::may_change);
        Ok(Self {
            all,
            token_may_change,
            answer_timeout: *ANSWER_TIMEOUT.end(),
            knows_all_coordinators: false,
        })
    }

    /// The address of the one that leads, as far as is known.
    pub(super) fn address(&self) -> Address {
        self.all.address()
    }

    /// Says hello until a coordinator answers or `patience` is over; `listener` hears of each try that failed.
    pub(super) async fn hello(
        &mut self,
        id: &str,
        worker: &WorkerDescription,
        patience: Duration,
        listener: &NewsListener,
    ) -> Result<v1::HelloReply, AgentError> {
        let request = v1::HelloRequest {
            protocol: PROTOCOL,
            worker_id: id.to_owned(),
            worker: Some(worker.into()),
            can_ask_to_commit: true,
        };
        let began = tokio::time::Instant::now();
        let deadline = began + patience;
        let mut pause = Duration::from_millis(50);
        loop {
            let said = self
                .all
                .call(Some(self.answer_timeout), |connection| {
                    let request = request.clone();
                    async move { client(connection).hello(request).await }
                })
                .await;
            let (address, status) = match said {
                Ok(Ok(reply)) => {
                    self.configure(&reply);
                    return Ok(reply);
                }
                Ok(Err(status)) if retry_after(&status).is_none() => return Err(self.refused(&status)),
                Ok(Err(status)) => (self.address(), status),
                Err(unanswered) => (unanswered.address, unanswered.status),
            };
            let unreachable = ConnectError::of(&status);
            // Nobody whom the other end doesn't trust, or who doesn't trust it, becomes trusted by waiting.
            let is_hopeless = unreachable.as_ref().is_some_and(ConnectError::is_input);
            if is_hopeless || tokio::time::Instant::now() + pause > deadline {
                let unreachable = unreachable.unwrap_or_else(|| ConnectError::Refused {
                    message: status.message().to_owned(),
                    hint: hint::of(&status),
                });
                return Err(AgentError::Unreachable { address, error: unreachable });
            }
            let error = unreachable.map_or_else(|| status.message().to_owned(), |error| error.to_string());
            listener.tell(News::Connecting { address, lasting: began.elapsed(), error });
            tokio::time::sleep(retry_after(&status).unwrap_or(pause).max(pause)).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    /// A journal that others may take over elsewhere is led by nobody only if all of them say so; a worker that was told of one
    /// of them doesn't know all.
    fn configure(&mut self, reply: &v1::HelloReply) {
        self.knows_all_coordinators = !reply.has_shared_journal || self.all.are_several();
        self.answer_timeout = (Duration::from_millis(reply.lease_duration_ms) / 6)
            .clamp(*ANSWER_TIMEOUT.start(), *ANSWER_TIMEOUT.end());
    }

    /// How long a worker whose calls are refused waits for a token that isn't.
    pub(super) fn token_grace(&self) -> Duration {
        if self.token_may_change { TOKEN_GRACE } else { Duration::ZERO }
    }

    /// The end of a worker whose calls are refused.
    pub(super) fn refused(&self, status: &Status) -> AgentError {
        AgentError::Refused {
            address: self.address(),
            message: status.message().to_owned(),
            hint: hint::of(status),
        }
    }

    /// One `Sync`; a failure is the caller's to bear.
    pub(super) async fn sync(&self, request: v1::SyncRequest) -> Result<v1::SyncReply, NoAnswer> {
        let is_held = request.holds.is_empty() && request.free_slots > 0 && !request.draining;
        let limit = if is_held { HOLD + self.answer_timeout } else { self.answer_timeout };
        let said = self
            .all
            .call(Some(limit), |connection| {
                let request = request.clone();
                async move { client(connection).sync(request).await }
            })
            .await;
        match said {
            Ok(reply) => reply.map_err(|status| NoAnswer { status, nobody_leads: false }),
            Err(NoLeaderAnswered { status, nobody_leads, .. }) => {
                Err(NoAnswer { status, nobody_leads: nobody_leads && self.knows_all_coordinators })
            }
        }
    }

    /// Tells of a commit until it is heard. False: the lease had ended.
    pub(super) async fn complete(&self, request: &v1::CompleteRequest) -> Result<bool, Status> {
        let reply = self.until_answered(|connection| {
            let request = request.clone();
            async move { client(connection).complete(request).await }
        });
        Ok(reply.await?.held)
    }

    /// Lets the coordinator commit, and gives the commit that counts, as JSON. Asks until it is heard.
    /// An outage of its store is waited for, and told to `note`.
    pub(super) async fn commit(
        &self,
        request: &v1::CommitRequest,
        mut note: impl FnMut(Outage),
    ) -> Result<String, Status> {
        let call = |connection| {
            let request = request.clone();
            async move { client(connection).commit(request).await }
        };
        let reply = self.until_answered_noting(call, |status| {
            if let Some(kind) = outage::of(status) {
                note(Outage::new(kind, format!("the coordinator: {}", status.message())));
            }
        });
        Ok(reply.await?.commit_json)
    }

    /// Tells of a failure until it is heard.
    pub(super) async fn fail(&self, request: &v1::FailRequest) -> Result<bool, Status> {
        let reply = self.until_answered(|connection| {
            let request = request.clone();
            async move { client(connection).fail(request).await }
        });
        Ok(reply.await?.held)
    }

    /// Gives a task back until it is heard.
    pub(super) async fn release(&self, request: &v1::ReleaseRequest) -> Result<bool, Status> {
        let reply = self.until_answered(|connection| {
            let request = request.clone();
            async move { client(connection).release(request).await }
        });
        Ok(reply.await?.held)
    }

    /// Repeats an idempotent call while no coordinator leads.
    async fn until_answered<R, F, T>(&self, call: F) -> Result<R, Status>
    where
        F: Fn(Connection) -> T,
        T: Future<Output = Result<tonic::Response<R>, Status>>,
    {
        self.until_answered_noting(call, |_| {}).await
    }

    /// The same, and each time that the call wasn't taken `note` hears why.
    async fn until_answered_noting<R, F, T>(
        &self,
        call: F,
        mut note: impl FnMut(&Status),
    ) -> Result<R, Status>
    where
        F: Fn(Connection) -> T,
        T: Future<Output = Result<tonic::Response<R>, Status>>,
    {
        let mut pause = Duration::from_millis(50);
        let began = tokio::time::Instant::now();
        let mut warned = false;
        loop {
            let status = match self.all.call(Some(*ANSWER_TIMEOUT.end()), &call).await {
                Ok(Ok(reply)) => return Ok(reply),
                // With a refused token the agent as a whole ends, if no other one comes.
                Ok(Err(status))
                    if retry_after(&status).is_some()
                        || status.code() == Code::Unauthenticated
                        // The store may take it later, and nobody is to be charged for it.
                        || outage::of(&status).is_some() =>
                {
                    status
                }
                Ok(Err(status)) => return Err(status),
                Err(unanswered) => unanswered.status,
            };
            note(&status);
            if !warned && began.elapsed() > Duration::from_secs(10) {
                tracing::warn!(%status, "the coordinator does not take the news; it is told again and again");
                warned = true;
            }
            tokio::time::sleep(retry_after(&status).unwrap_or(pause).max(pause)).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }
}

fn client(connection: Connection) -> SchedulerClient<Connection> {
    SchedulerClient::new(connection)
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT)
}

/// Whether the coordinator doesn't let this caller call: its token is unknown, revoked, expired or of another role.
pub(super) fn is_forbidden(status: &Status) -> bool {
    matches!(status.code(), Code::Unauthenticated | Code::PermissionDenied)
}
