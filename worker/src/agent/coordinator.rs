//! The coordinator, as an agent sees it.

use std::time::Duration;

use basin_domain::causes;
use basin_domain::worker::WorkerDescription;
use basin_proto::v1::scheduler_client::SchedulerClient;
use basin_proto::{MESSAGE_LIMIT, PROTOCOL, v1};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use super::error::AgentError;

/// How long a call may take beyond what the coordinator holds an idle worker's `Sync`.
const CALL_TIMEOUT: Duration = Duration::from_secs(40);

/// A connection that mends itself: lazily opened, opened again after a failure.
#[derive(Debug, Clone)]
pub(super) struct Coordinator {
    pub(super) url: String,
    client: SchedulerClient<Channel>,
}

impl Coordinator {
    /// A coordinator at `url`; nothing is sent yet.
    pub(super) fn new(url: &str) -> Result<Self, AgentError> {
        let bad = |source| AgentError::BadAddress { url: url.to_owned(), source };
        let channel = Endpoint::from_shared(url.to_owned())
            .map_err(bad)?
            .connect_timeout(Duration::from_secs(5))
            .timeout(CALL_TIMEOUT)
            // Without these a half-open connection goes unnoticed.
            .http2_keep_alive_interval(Duration::from_secs(5))
            .keep_alive_timeout(Duration::from_secs(5))
            .keep_alive_while_idle(true)
            .tcp_nodelay(true)
            .connect_lazy();
        let client = SchedulerClient::new(channel)
            .max_decoding_message_size(MESSAGE_LIMIT)
            .max_encoding_message_size(MESSAGE_LIMIT);
        Ok(Self { url: url.to_owned(), client })
    }

    /// Says hello until the coordinator answers or `patience` is over.
    pub(super) async fn hello(
        &self,
        id: &str,
        worker: &WorkerDescription,
        patience: Duration,
    ) -> Result<v1::HelloReply, AgentError> {
        let request = v1::HelloRequest {
            protocol: PROTOCOL,
            worker_id: id.to_owned(),
            worker: Some(worker.into()),
            can_ask_to_commit: true,
        };
        let deadline = tokio::time::Instant::now() + patience;
        let mut pause = Duration::from_millis(50);
        loop {
            let status = match self.client.clone().hello(request.clone()).await {
                Ok(reply) => return Ok(reply.into_inner()),
                Err(status) => status,
            };
            if !is_transient(&status) {
                return Err(AgentError::Refused {
                    url: self.url.clone(),
                    message: status.message().to_owned(),
                });
            }
            if tokio::time::Instant::now() + pause > deadline {
                return Err(AgentError::Unreachable {
                    url: self.url.clone(),
                    why: causes::innermost(&status),
                });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    /// One `Sync`; a failure is the caller's to bear.
    pub(super) async fn sync(&self, request: v1::SyncRequest) -> Result<v1::SyncReply, Status> {
        Ok(self.client.clone().sync(request).await?.into_inner())
    }

    /// Tells of a commit until it is heard. False: the lease had ended.
    pub(super) async fn complete(&self, request: &v1::CompleteRequest) -> Result<bool, Status> {
        Ok(until_heard(|| async { self.client.clone().complete(request.clone()).await }).await?.held)
    }

    /// Lets the coordinator commit, and gives the commit that counts, as JSON. Asks until it is heard.
    pub(super) async fn commit(&self, request: &v1::CommitRequest) -> Result<String, Status> {
        Ok(until_heard(|| async { self.client.clone().commit(request.clone()).await }).await?.commit_json)
    }

    /// Tells of a failure until it is heard.
    pub(super) async fn fail(&self, request: &v1::FailRequest) -> Result<bool, Status> {
        Ok(until_heard(|| async { self.client.clone().fail(request.clone()).await }).await?.held)
    }

    /// Gives a task back until it is heard.
    pub(super) async fn release(&self, request: &v1::ReleaseRequest) -> Result<bool, Status> {
        Ok(until_heard(|| async { self.client.clone().release(request.clone()).await }).await?.held)
    }
}

/// Repeats an idempotent call while the coordinator is away.
async fn until_heard<R, F, T>(call: F) -> Result<R, Status>
where
    F: Fn() -> T,
    T: Future<Output = Result<tonic::Response<R>, Status>>,
{
    let mut pause = Duration::from_millis(50);
    let began = tokio::time::Instant::now();
    let mut warned = false;
    loop {
        match call().await {
            Ok(reply) => return Ok(reply.into_inner()),
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
