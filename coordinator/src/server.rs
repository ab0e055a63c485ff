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
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::journal::{DecideError, JournalError, LedgerHandle, SqliteJournal, SystemClock};
use crate::service::{ControlService, Coordinator, SchedulerService, tick_forever};
use crate::trust::gate::{Gate, Rules};
use crate::trust::{Trust, port};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;
/// The most calls at a time on one connection.
const CALLS_A_CONNECTION: u32 = 256;
/// The longest that a call may take: a large sweep's launch looks up all of its commits.
const CALL_LIMIT: Duration = Duration::from_secs(300);
/// The most that the headers of a call may have, in bytes.
const HEADER_LIMIT: u32 = 16 << 10;

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
    /// Who may call, and how.
    pub trust: Trust,
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
    /// Nothing proves who calls, so nobody but this machine may.
    #[error("{0} is not a loopback address, and without tokens this coordinator can't tell who calls")]
    WithoutTokens(SocketAddr),
    /// Tokens would travel for everybody to read.
    #[error("{0} is not a loopback address, and without TLS tokens would travel there for everybody to read")]
    WithoutTls(SocketAddr),
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
            Self::WithoutTokens(address) => Some(format!(
                "make one with `basin token create --role admin --name NAME --tokens FILE` and give `--tokens FILE`, or \
                 listen on 127.0.0.1:{}",
                address.port()
            )),
            Self::WithoutTls(_) => Some(
                "give `--tls-cert FILE --tls-key FILE`; or `--insecure-plaintext`, if a proxy before it does TLS".to_owned(),
            ),
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
    is_encrypted: bool,
    /// What its calls work with.
    pub coordinator: Arc<Coordinator>,
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
        let Settings { listen, store, journal: path, policy, trust } = settings;
        if !listen.ip().is_loopback() {
            if !trust.tokens.are_needed() {
                return Err(StartError::WithoutTokens(listen));
            }
            if trust.tls.is_none() && !trust.allows_plaintext {
                return Err(StartError::WithoutTls(listen));
            }
        }
        let is_encrypted = trust.tls.is_some();
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
        let ledger =
            LedgerHandle::open(journal, policy, SystemClock::default()).await.map_err(journal_error)?;
        ledger.decide(Command::Restarted).await?;
        // Only now does anybody answer: until then workers see a refused connection, which says that nothing is granted.
        let listener = socket.listen(BACKLOG).map_err(cannot_listen)?;
        let stop = CancellationToken::new();
        let coordinator = Arc::new(Coordinator {
            ledger,
            store,
            term: policy.term,
            max_tasks: policy.max_tasks,
            wake: Notify::new(),
            stop: stop.clone(),
        });
        let ticker = tokio::spawn(tick_forever(Arc::clone(&coordinator), stop.clone()));
        let port_failed = CancellationToken::new();
        let following = tokio::spawn(follow_files(trust.clone(), stop.clone()));
        let port = Port { listener, trust, stop: stop.clone(), failed: port_failed.clone() };
        let calls = tokio::spawn(port.serve(Arc::clone(&coordinator)));
        tracing::info!(%address, store = url, "coordinator started");
        let tasks = vec![ticker, following, calls];
        Ok(Self { address, is_encrypted, coordinator, stop, port_failed, tasks })
    }

    /// The address as workers and tools dial it.
    pub fn url(&self) -> String {
        let scheme = if self.is_encrypted { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
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

/// Reads files of tokens and certificates again as they change.
async fn follow_files(trust: Trust, stop: CancellationToken) {
    let certificates = async {
        if let Some(tls) = &trust.tls {
            tls.follow(stop.clone()).await;
        }
    };
    tokio::join!(trust.tokens.follow(stop.clone()), certificates);
}

/// Where calls come in.
struct Port {
    listener: TcpListener,
    trust: Trust,
    stop: CancellationToken,
    failed: CancellationToken,
}

impl Port {
    async fn serve(self, coordinator: Arc<Coordinator>) {
        let scheduler = SchedulerServer::new(SchedulerService(Arc::clone(&coordinator)))
            .max_decoding_message_size(MESSAGE_LIMIT)
            .max_encoding_message_size(MESSAGE_LIMIT);
        let control = ControlServer::new(ControlService(coordinator))
            .max_decoding_message_size(MESSAGE_LIMIT)
            .max_encoding_message_size(MESSAGE_LIMIT);
        let services = Routes::new(scheduler).add_service(control).prepare();
        let rules = Rules::new(self.trust.tokens, self.trust.calls_per_second);
        let connections = port::connections(self.listener, self.trust.tls, self.stop.clone());
        let served = tonic::transport::Server::builder()
            // A half-open connection would go unnoticed without these.
            .http2_keepalive_interval(Some(Duration::from_secs(5)))
            .http2_keepalive_timeout(Some(Duration::from_secs(5)))
            .http2_max_header_list_size(HEADER_LIMIT)
            .max_concurrent_streams(CALLS_A_CONNECTION)
            .concurrency_limit_per_connection(CALLS_A_CONNECTION as usize)
            .timeout(CALL_LIMIT)
            .serve_with_incoming_shutdown(
                Gate::new(services, Arc::new(rules)),
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
