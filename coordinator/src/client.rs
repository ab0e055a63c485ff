//! A coordinator, as people's tools see it.

use std::time::Duration;

use basin_domain::sweep::Source;
use basin_proto::dial::{Address, Connection, Dial, DialError, Patience, Trouble};
use basin_proto::v1::control_client::ControlClient;
use basin_proto::{MESSAGE_LIMIT, hint, v1};
use tonic::{Code, Status};

/// How long a call may take: a large sweep's launch looks up all of its commits.
const PATIENCE: Patience = Patience { call: Duration::from_secs(300), stays: false };

/// A connection to a coordinator.
#[derive(Debug, Clone)]
pub struct Client {
    address: Address,
    control: ControlClient<Connection>,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It can't be dialled.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// Nobody answers there, or nobody who is to be trusted.
    #[error("no coordinator answers at {address}: {}", trouble.why)]
    Unreachable {
        /// Where.
        address: Address,
        /// Why.
        trouble: Trouble,
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
    #[error("the coordinator at {address} is in trouble: {message}")]
    Broken {
        /// Where.
        address: Address,
        /// Its words.
        message: String,
    },
}

impl CallError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Broken { .. } => None,
            Self::Dial(error) => error.hint(),
            Self::Unreachable { trouble, .. } => Some(trouble.hint.clone().unwrap_or_else(|| {
                "start one with `basin serve`, or name it with `--coordinator URL`".to_owned()
            })),
            Self::Refused { hint, .. } => hint.clone(),
        }
    }

    /// Whether it is the caller's to mend.
    pub const fn is_input(&self) -> bool {
        match self {
            Self::Dial(error) => error.is_input(),
            Self::Unreachable { trouble, .. } => trouble.is_input,
            Self::Refused { .. } => true,
            Self::Broken { .. } => false,
        }
    }
}

impl Client {
    /// A coordinator; nothing is sent yet.
    ///
    /// # Errors
    /// If it can't be dialled with these certificates.
    pub fn new(dial: &Dial) -> Result<Self, CallError> {
        let address = dial.first().clone();
        let connection = dial.connect(&address, PATIENCE)?;
        let control = ControlClient::new(connection)
            .max_decoding_message_size(MESSAGE_LIMIT)
            .max_encoding_message_size(MESSAGE_LIMIT);
        Ok(Self { address, control })
    }

    fn failed(&self, status: &Status) -> CallError {
        if let Some(trouble) = Trouble::of(status) {
            return CallError::Unreachable { address: self.address.clone(), trouble };
        }
        let message = status.message().to_owned();
        match status.code() {
            Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::FailedPrecondition
            | Code::Unauthenticated
            | Code::PermissionDenied
            | Code::ResourceExhausted => CallError::Refused { message, hint: hint::of(status) },
            code => {
                CallError::Broken { address: self.address.clone(), message: format!("{message} ({code:?})") }
            }
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
