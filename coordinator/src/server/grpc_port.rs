//! The port of workers and tools: their connections, the gate, the services behind it.

use std::sync::Arc;
use std::time::Duration;

use basin_proto::MESSAGE_LIMIT;
use basin_proto::v1::control_server::ControlServer;
use basin_proto::v1::scheduler_server::SchedulerServer;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::service::{ControlService, Leadership, SchedulerService};
use crate::trust::connection_limits::ConnectionLimits;
use crate::trust::gate::{Gate, Rules};
use crate::trust::port::{self, Listener};
use crate::trust::{CallMeter, HintOf, Trust};

/// The most calls at a time on one connection.
const CALLS_A_CONNECTION: u32 = 256;
/// The longest that a call may take: a large sweep's launch looks up all of its commits.
const CALL_LIMIT: Duration = Duration::from_secs(300);
/// The most that the headers of a call may have, in bytes.
const HEADER_LIMIT: u32 = 16 << 10;

/// Where calls come in.
pub struct GrpcPort<L> {
    /// Where connections come in.
    pub listener: L,
    /// Who may call, and how.
    pub trust: Trust,
    /// The connections that there is room for.
    pub limits: Arc<ConnectionLimits>,
    /// The hints for callers whose calls are refused.
    pub hint_of: HintOf,
    /// Counts the calls.
    pub meter: CallMeter,
    /// Ends it.
    pub stop: CancellationToken,
    /// Cancelled when it can't go on.
    pub failed: CancellationToken,
}

impl<L: Listener> GrpcPort<L> {
    /// Answers calls until `stop`.
    pub async fn serve(self, leadership: Leadership) {
        let scheduler = SchedulerServer::new(SchedulerService(leadership.clone()))
            .max_decoding_message_size(MESSAGE_LIMIT)
            .max_encoding_message_size(MESSAGE_LIMIT);
        let control = ControlServer::new(ControlService(leadership))
            .max_decoding_message_size(MESSAGE_LIMIT)
            .max_encoding_message_size(MESSAGE_LIMIT);
        let services = Routes::new(scheduler).add_service(control).prepare();
        let rules = Rules::new(self.trust.tokens, self.trust.calls_per_second, self.hint_of);
        let connections = port::connections(self.listener, self.trust.tls, self.limits, self.stop.clone());
        let served = tonic::transport::Server::builder()
            // A half-open connection would go unnoticed without these.
            .http2_keepalive_interval(Some(Duration::from_secs(5)))
            .http2_keepalive_timeout(Some(Duration::from_secs(5)))
            .http2_max_header_list_size(HEADER_LIMIT)
            .max_concurrent_streams(CALLS_A_CONNECTION)
            .concurrency_limit_per_connection(CALLS_A_CONNECTION as usize)
            .timeout(CALL_LIMIT)
            .serve_with_incoming_shutdown(
                Gate::new(services, Arc::new(rules), self.meter),
                connections,
                self.stop.cancelled(),
            )
            .await;
        if let Err(error) = served {
            tracing::error!(%error, "the coordinator's port failed");
            self.failed.cancel();
        }
    }
}
