//! A coordinator, as people's tools see it.

use std::time::Duration;

use basin_domain::causes;
use basin_domain::sweep::Source;
use basin_proto::v1::control_client::ControlClient;
use basin_proto::{HINT_KEY, MESSAGE_LIMIT, v1};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

/// A connection to a coordinator.
#[derive(Debug, Clone)]
pub struct Client {
    url: String,
    control: ControlClient<Channel>,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It isn't an address.
    #[error("`{0}` is no address of a coordinator, like http://127.0.0.1:7470")]
    BadAddress(String),
    /// Nobody answers there.
    #[error("no coordinator answers at {url}: {why}")]
    Unreachable {
        /// Where.
        url: String,
        /// The innermost cause: the layers between say the same again.
        why: String,
    },
    /// The coordinator refuses: the input is wrong, or the situation.
    #[error("{message}")]
    Refused {
        /// Its words.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// The coordinator is in trouble.
    #[error("the coordinator at {url} is in trouble: {message}")]
    Broken {
        /// Where.
        url: String,
        /// Its words.
        message: String,
    },
}

impl CallError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::BadAddress(_) | Self::Broken { .. } => None,
            Self::Unreachable { .. } => {
                Some("start one with `basin serve`, or name it with `--coordinator URL`".to_owned())
            }
            Self::Refused { hint, .. } => hint.clone(),
        }
    }

    /// Whether it is the caller's to mend.
    pub const fn is_input(&self) -> bool {
        matches!(self, Self::BadAddress(_) | Self::Refused { .. })
    }
}

impl Client {
    /// A coordinator at `url`; nothing is sent yet.
    ///
    /// # Errors
    /// If that is no address.
    pub fn new(url: &str) -> Result<Self, CallError> {
        let endpoint =
            Endpoint::from_shared(url.to_owned()).map_err(|_| CallError::BadAddress(url.to_owned()))?;
        if endpoint.uri().scheme().is_none() || endpoint.uri().host().is_none() {
            return Err(CallError::BadAddress(url.to_owned()));
        }
        let channel = endpoint
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(300))
            .http2_keep_alive_interval(Duration::from_secs(5))
            .keep_alive_timeout(Duration::from_secs(5))
            .tcp_nodelay(true)
            .connect_lazy();
        let control = ControlClient::new(channel)
            .max_decoding_message_size(MESSAGE_LIMIT)
            .max_encoding_message_size(MESSAGE_LIMIT);
        Ok(Self { url: url.to_owned(), control })
    }

    fn failed(&self, status: &Status) -> CallError {
        let message = status.message().to_owned();
        match status.code() {
            Code::Unavailable if std::error::Error::source(status).is_some() => {
                CallError::Unreachable { url: self.url.clone(), why: causes::innermost(status) }
            }
            Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::FailedPrecondition
            | Code::ResourceExhausted => {
                let hint = status.metadata().get_bin(HINT_KEY).and_then(|value| value.to_bytes().ok());
                let hint = hint.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                CallError::Refused { message, hint }
            }
            code => CallError::Broken { url: self.url.clone(), message: format!("{message} ({code:?})") },
        }
    }

    /// Launches a sweep.
    ///
    /// # Errors
    /// If the coordinator refuses it, or isn't there.
    pub async fn launch(&self, source: &Source, max_tasks: u64) -> Result<v1::LaunchReply, CallError> {
        let request = v1::LaunchRequest { max_tasks: Some(max_tasks), ..source.into() };
        let reply = self.control.clone().launch(request).await;
        Ok(reply.map_err(|status| self.failed(&status))?.into_inner())
    }

    /// All sweeps.
    ///
    /// # Errors
    /// If the coordinator isn't there.
    pub async fn list_sweeps(&self) -> Result<Vec<v1::SweepSummary>, CallError> {
        let reply = self.control.clone().list_sweeps(v1::ListSweepsRequest {}).await;
        Ok(reply.map_err(|status| self.failed(&status))?.into_inner().sweeps)
    }

    /// One sweep.
    ///
    /// # Errors
    /// If there is none of this id, or the coordinator isn't there.
    pub async fn sweep(&self, id: &str) -> Result<v1::GetSweepReply, CallError> {
        let request = v1::GetSweepRequest { sweep_id: id.to_owned() };
        let reply = self.control.clone().get_sweep(request).await;
        Ok(reply.map_err(|status| self.failed(&status))?.into_inner())
    }

    /// One task.
    ///
    /// # Errors
    /// If there is none of this id, or the coordinator isn't there.
    pub async fn task(&self, id: &str) -> Result<v1::GetTaskReply, CallError> {
        let request = v1::GetTaskRequest { task_id: id.to_owned() };
        let reply = self.control.clone().get_task(request).await;
        Ok(reply.map_err(|status| self.failed(&status))?.into_inner())
    }

    /// Pauses, resumes, cancels, retries.
    ///
    /// # Errors
    /// If there is no sweep of this id, or the coordinator isn't there.
    pub async fn steer(&self, id: &str, steering: v1::Steering) -> Result<v1::SweepSummary, CallError> {
        let request = v1::SteerSweepRequest { sweep_id: id.to_owned(), steering: steering.into() };
        let reply = self.control.clone().steer_sweep(request).await;
        Ok(reply.map_err(|status| self.failed(&status))?.into_inner().sweep.unwrap_or_default())
    }

    /// All workers.
    ///
    /// # Errors
    /// If the coordinator isn't there.
    pub async fn workers(&self) -> Result<Vec<v1::WorkerSummary>, CallError> {
        let reply = self.control.clone().list_workers(v1::ListWorkersRequest {}).await;
        Ok(reply.map_err(|status| self.failed(&status))?.into_inner().workers)
    }

    /// Lets a worker leave.
    ///
    /// # Errors
    /// If there is none of this id, or the coordinator isn't there.
    pub async fn drain(&self, worker: &str) -> Result<(), CallError> {
        let request = v1::DrainWorkerRequest { worker_id: worker.to_owned() };
        let reply = self.control.clone().drain_worker(request).await;
        reply.map(|_| ()).map_err(|status| self.failed(&status))
    }

    /// The coordinator's version and store.
    ///
    /// # Errors
    /// If it isn't there.
    pub async fn about(&self) -> Result<v1::AboutReply, CallError> {
        let reply = self.control.clone().about(v1::AboutRequest {}).await;
        Ok(reply.map_err(|status| self.failed(&status))?.into_inner())
    }
}
