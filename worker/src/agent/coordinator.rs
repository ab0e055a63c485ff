//! The coordinator, as an agent sees it.

use std::time::Duration;

use basin_domain::worker::WorkerDescription;
use basin_proto::dial::{Address, Connection, Dial, Patience, Trouble};
use basin_proto::v1::scheduler_client::SchedulerClient;
use basin_proto::{MESSAGE_LIMIT, PROTOCOL, hint, v1};
use tonic::{Code, Status};

use super::error::AgentError;

/// How long a call may take beyond what the coordinator holds an idle worker's `Sync`.
const PATIENCE: Patience = Patience { call: Duration::from_secs(40), stays: true };

/// A connection that mends itself: lazily opened, opened again after a failure.
#[derive(Debug, Clone)]
pub(super) struct Coordinator {
    pub(super) address: Address,
    client: SchedulerClient<Connection>,
}

impl Coordinator {
    /// A coordinator; nothing is sent yet.
    pub(super) fn new(dial: &Dial) -> Result<Self, AgentError> {
        let address = dial.first().clone();
        let client = SchedulerClient::new(dial.connect(&address, PATIENCE)?)
            .max_decoding_message_size(MESSAGE_LIMIT)
            .max_encoding_message_size(MESSAGE_LIMIT);
        Ok(Self { address, client })
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
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    fn refused(&self, status: &Status) -> AgentError {
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
            Err(status) if is_transient(&status) => {
                if !warned && began.elapsed() > Duration::from_secs(10) {
                    tracing::warn!(%status, "the coordinator does not take the news; it is told again and again");
                    warned = true;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(2));
            }
            Err(status) => return Err(status),
        }
    }
}

/// Whether the same call may go through later.
pub(super) fn is_transient(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown | Code::Aborted
    )
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
