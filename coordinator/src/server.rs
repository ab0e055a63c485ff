//! A coordinator that runs: journal opened, store probed, leases given a full term, port open.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use basin_core::command::{Command, Policy};
use basin_proto::MESSAGE_LIMIT;
use basin_proto::v1::control_server::ControlServer;
use basin_proto::v1::scheduler_server::SchedulerServer;
use basin_storage::{ConditionalWrites, StorageError, Store};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;

use crate::http::{Port, Standing};
use crate::journal::{DecideError, JournalError, LedgerHandle, Meter, Metered, SqliteJournal, SystemClock};
use crate::service::{ControlService, Coordinator, SchedulerService, tick_forever};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// What a coordinator is told when it starts.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it listens; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The store.
    pub store: Store,
    /// The journal's file.
    pub journal: PathBuf,
    /// The ledger's policy.
    pub policy: Policy,
    /// Where probes and metrics are answered, if anywhere.
    pub http: Option<SocketAddr>,
}

/// Why a coordinator can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is in use, or isn't this machine's.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The side port's address is in use, or isn't this machine's.
    #[error("cannot answer probes and metrics on {address}")]
    Http {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Nothing proves who calls, so nobody but this machine may.
    #[error("{0} is not a loopback address, and this coordinator has no means to tell who calls")]
    NotLoopback(SocketAddr),
    /// The journal can't be used.
    #[error("cannot open the journal {}", path.display())]
    Journal {
        /// The journal's file.
        path: PathBuf,
        /// Why.
        #[source]
        source: JournalError,
    },
    /// The store can't be used.
    #[error("cannot use the store {url}")]
    Store {
        /// The store.
        url: String,
        /// Why.
        #[source]
        source: StorageError,
    },
    /// The store lets two creations of one key win: commits would not be exactly once.
    #[error("the store {url} does not honour conditional writes: two tasks' commits could both win")]
    UnconditionalStore {
        /// The store.
        url: String,
    },
    /// The ledger stopped at once.
    #[error("the ledger did not start")]
    Ledger(#[from] DecideError),
}

impl StartError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Listen { address, .. } => {
                Some(format!("another program may use port {}; choose one with `--listen`", address.port()))
            }
            Self::Http { address, .. } => {
                Some(format!("another program may use port {}; choose one with `--http`", address.port()))
            }
            Self::NotLoopback(address) => Some(format!("listen on 127.0.0.1:{}", address.port())),
            Self::Journal { .. } => Some(
                "if another coordinator uses this state, stop it, or give this one `--state DIR`".to_owned(),
            ),
            Self::Store { .. } | Self::UnconditionalStore { .. } => {
                Some("`basin doctor --store URL` checks a store and says how to mend it".to_owned())
            }
            Self::Ledger(_) => None,
        }
    }
}

/// A running coordinator.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// What its calls work with.
    pub coordinator: Arc<Coordinator>,
    /// Where probes and metrics are answered, if anywhere.
    pub http: Option<Port>,
    standing: watch::Sender<Standing>,
    stop: CancellationToken,
    port_failed: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Server {
    /// Starts a coordinator.
    ///
    /// # Errors
    /// If the address, the journal or the store can't be used.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let Settings { listen, store, journal: path, policy, http } = settings;
        if !listen.ip().is_loopback() {
            return Err(StartError::NotLoopback(listen));
        }
        // First of all, so that whoever keeps this process sees that it starts, however long the journal is.
        let standing = watch::Sender::new(Standing::Starting);
        let http = match http {
            Some(address) => {
                let port = Port::open(address, standing.subscribe()).await;
                Some(port.map_err(|source| StartError::Http { address, source })?)
            }
            None => None,
        };
        let cannot_listen = |source| StartError::Listen { address: listen, source };
        let socket = if listen.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
        let socket = socket.map_err(cannot_listen)?;
        socket.set_reuseaddr(true).map_err(cannot_listen)?;
        socket.bind(listen).map_err(cannot_listen)?;
        let address = socket.local_addr().map_err(cannot_listen)?;
        let url = store.url().to_owned();
        match store.probe().await.map_err(|source| StartError::Store { url: url.clone(), source })? {
            ConditionalWrites::Honoured => {}
            ConditionalWrites::Ignored => return Err(StartError::UnconditionalStore { url }),
        }
        let journal_error = |source| StartError::Journal { path: path.clone(), source };
        let journal = SqliteJournal::open(&path).map_err(journal_error)?;
        let meter = Meter::default();
        let journal = Metered::new(journal, meter.clone());
        let ledger =
            LedgerHandle::open(journal, policy, SystemClock::default()).await.map_err(journal_error)?;
        ledger.decide(Command::Restarted).await?;
        // Only now does anybody answer: until then workers see a refused connection, which says that nothing is granted.
        let listener = socket.listen(BACKLOG).map_err(cannot_listen)?;
        let stop = CancellationToken::new();
        let coordinator = Arc::new(Coordinator {
            ledger,
            meter,
            store,
            term: policy.term,
            max_tasks: policy.max_tasks,
            wake: Notify::new(),
            stop: stop.clone(),
        });
        let ticker = tokio::spawn(tick_forever(Arc::clone(&coordinator), stop.clone()));
        let port_failed = CancellationToken::new();
        let calls =
            tokio::spawn(serve_calls(listener, Arc::clone(&coordinator), stop.clone(), port_failed.clone()));
        standing.send_replace(Standing::Serving(Arc::clone(&coordinator)));
        tracing::info!(%address, store = url, "coordinator started");
        let tasks = vec![ticker, calls];
        Ok(Self { address, coordinator, http, standing, stop, port_failed, tasks })
    }

    /// The address as workers and tools dial it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Pends until the coordinator can't go on: its journal can't be written, or its port failed.
    pub async fn failed(&self) {
        tokio::select! {
            () = self.coordinator.ledger.closed() => {}
            () = self.port_failed.cancelled() => {}
        }
    }

    /// Answers what is under way, closes the journal with a snapshot, and ends.
    pub async fn shut_down(self) {
        self.standing.send_replace(Standing::Stopping);
        self.stop.cancel();
        for task in self.tasks {
            let mut task = task;
            if tokio::time::timeout(Duration::from_secs(3), &mut task).await.is_err() {
                task.abort();
            }
        }
        self.coordinator.ledger.close().await;
        tracing::info!("coordinator stopped");
    }
}

async fn serve_calls(
    listener: TcpListener,
    coordinator: Arc<Coordinator>,
    stop: CancellationToken,
    failed: CancellationToken,
) {
    let scheduler = SchedulerServer::new(SchedulerService(Arc::clone(&coordinator)))
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT);
    let control = ControlServer::new(ControlService(coordinator))
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT);
    let served = tonic::transport::Server::builder()
        // A half-open connection would go unnoticed without these.
        .http2_keepalive_interval(Some(Duration::from_secs(5)))
        .http2_keepalive_timeout(Some(Duration::from_secs(5)))
        .tcp_nodelay(true)
        .concurrency_limit_per_connection(256)
        .add_service(scheduler)
        .add_service(control)
        .serve_with_incoming_shutdown(TcpListenerStream::new(listener), stop.cancelled())
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "the coordinator's port failed");
        failed.cancel();
    }
}
