//! The coordinator, as an agent sees it.

use std::time::Duration;

use basin_domain::worker::WorkerDescription;
use basin_proto::dial::{Address, Connection, Dial, Patience, Token, Trouble};
use basin_proto::v1::scheduler_client::SchedulerClient;
use basin_proto::{MESSAGE_LIMIT, PROTOCOL, hint, retry_after, v1};
use tonic::{Code, Status};

use super::error::AgentError;

/// How long a call may take beyond what the coordinator holds an idle worker's `Sync`.
const PATIENCE: Patience = Patience { call: Duration::from_secs(40), stays: true };

/// How long a worker whose token is refused waits for its file to have another: a secret of Kubernetes takes about a minute to
/// reach its containers.
const TOKEN_PATIENCE: Duration = Duration::from_secs(150);

/// A connection that mends itself: lazily opened, opened again after a failure.
#[derive(Debug, Clone)]
pub(super) struct Coordinator {
    pub(super) address: Address,
    /// Whether a token that is refused may be followed by one that isn't.
    token_may_change: bool,
    client: SchedulerClient<Connection>,
}

impl Coordinator {
    /// A coordinator; nothing is sent yet.
    pub(super) fn new(dial: &Dial) -> Result<Self, AgentError> {
        let address = dial.first().clone();
        let client = SchedulerClient::new(dial.connect(&address, PATIENCE)?)
            .max_decoding_message_size(MESSAGE_LIMIT)
            .max_encoding_message_size(MESSAGE_LIMIT);
        let token_may_change = dial.token.as_ref().is_some_and(Token::may_change);
        Ok(Self { address, token_may_change, client })
    }

    /// Says hello until the coordinator answers or `patience` is over.
    pub(super) async fn hello(
        &self,
        id: &str,
        worker: &WorkerDescription,
        patience: Duration,
    ) -> Result<v1::HelloReply, AgentError> {
        let request =
            v1::HelloRequest { protocol: PROTOCOL, worker_id: id.to_owned(), worker: Some(worker.into()) };
        let deadline = tokio::time::Instant::now() + patience;
        let mut pause = Duration::from_millis(50);
        loop {
            let status = match self.client.clone().hello(request.clone()).await {
                Ok(reply) => return Ok(reply.into_inner()),
                Err(status) => status,
            };
            let trouble = Trouble::of(&status);
            if trouble.is_none() && !is_transient(&status) {
                return Err(self.refused(&status));
            }
            // Nobody whom the other end doesn't trust, or who doesn't trust it, becomes trusted by waiting.
            let is_hopeless = trouble.as_ref().is_some_and(|trouble| trouble.is_input);
            if is_hopeless || tokio::time::Instant::now() + pause > deadline {
                let trouble = trouble.unwrap_or_else(|| Trouble {
                    why: status.message().to_owned(),
                    hint: hint::of(&status),
                    is_input: false,
                });
                return Err(AgentError::Unreachable { address: self.address.clone(), trouble });
            }
            tokio::time::sleep(retry_after(&status).unwrap_or(pause).max(pause)).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    /// How long a worker whose calls are refused waits for a token that isn't.
    pub(super) fn patience_when_refused(&self) -> Duration {
        if self.token_may_change { TOKEN_PATIENCE } else { Duration::ZERO }
    }

    /// The end of a worker whose calls are refused.
    pub(super) fn refused(&self, status: &Status) -> AgentError {
        AgentError::Refused {
            address: self.address.clone(),
            message: status.message().to_owned(),
            hint: hint::of(status),
        }
    }

    /// One `Sync`; a failure is the caller's to bear.
    pub(super) async fn sync(&self, request: v1::SyncRequest) -> Result<v1::SyncReply, Status> {
        Ok(self.client.clone().sync(request).await?.into_inner())
    }

    /// Tells of a commit until it is heard. False: the lease had ended.
    pub(super) async fn complete(&self, request: &v1::CompleteRequest) -> Result<bool, Status> {
        until_heard(|| async { self.client.clone().complete(request.clone()).await }).await
    }

    /// Tells of a failure until it is heard.
    pub(super) async fn fail(&self, request: &v1::FailRequest) -> Result<bool, Status> {
        until_heard(|| async { self.client.clone().fail(request.clone()).await }).await
    }

    /// Gives a task back until it is heard.
    pub(super) async fn release(&self, request: &v1::ReleaseRequest) -> Result<bool, Status> {
        until_heard(|| async { self.client.clone().release(request.clone()).await }).await
    }
}

/// Repeats an idempotent call while the coordinator is away.
async fn until_heard<F, T>(call: F) -> Result<bool, Status>
where
    F: Fn() -> T,
    T: Future<Output = Result<tonic::Response<v1::SettleReply>, Status>>,
{
    let mut pause = Duration::from_millis(50);
    let began = tokio::time::Instant::now();
    let mut warned = false;
    loop {
        match call().await {
            Ok(reply) => return Ok(reply.into_inner().held),
            // With a refused token the agent as a whole ends, if no other one comes.
            Err(status) if is_transient(&status) || status.code() == Code::Unauthenticated => {
                if !warned && began.elapsed() > Duration::from_secs(10) {
                    tracing::warn!(%status, "the coordinator does not take the news; it is told again and again");
                    warned = true;
                }
                tokio::time::sleep(retry_after(&status).unwrap_or(pause).max(pause)).await;
                pause = (pause * 2).min(Duration::from_secs(2));
            }
            Err(status) => return Err(status),
        }
    }
}

/// Whether the same call may go through later.
pub(super) fn is_transient(status: &Status) -> bool {
    retry_after(status).is_some()
        || matches!(
            status.code(),
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown | Code::Aborted
        )
}

/// Whether the coordinator doesn't let this caller call: its token is unknown, revoked, expired or of another role.
pub(super) fn is_forbidden(status: &Status) -> bool {
    matches!(status.code(), Code::Unauthenticated | Code::PermissionDenied)
}

/// Whether nobody listens at the coordinator's address: it is dead, rather than cut off, and grants nothing to anybody.
pub(super) fn is_refused_connection(status: &Status) -> bool {
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return io.kind() == std::io::ErrorKind::ConnectionRefused;
        }
        cause = error.source();
    }
    false
}
