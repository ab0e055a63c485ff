//! A coordinator that runs: journal opened, store probed, leases given a full term, port open. On a journal that others
//! share it may stand by first: then its port is open and says so.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use basin_core::command::Policy;
use basin_proto::MESSAGE_LIMIT;
use basin_proto::v1::control_server::ControlServer;
use basin_proto::v1::scheduler_server::SchedulerServer;
use basin_storage::{ConditionalWrites, StorageError, Store};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;

use crate::contender::{Contender, TakeoverError};
use crate::journal::postgres::{Address, Candidate, Outcome};
use crate::journal::{DecideError, JournalError, SqliteJournal};
use crate::reign::{Reign, ReignError, Workplace};
use crate::service::{ControlService, Coordinator, Leadership, Role, SchedulerService};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// How long the answers under way may take at the end.
const LAST_ANSWERS: Duration = Duration::from_secs(3);
/// How long the journal may take to be closed: a database may have gone.
const LAST_SNAPSHOT: Duration = Duration::from_secs(30);

/// Where a journal is.
#[derive(Debug, Clone)]
pub enum JournalAt {
    /// In a file that one coordinator has.
    File(PathBuf),
    /// In a database that several coordinators share, of which one leads.
    Database(Box<Address>),
}

impl std::fmt::Display for JournalAt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Database(address) => address.fmt(f),
        }
    }
}

/// What a coordinator is told when it starts.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it listens; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The store.
    pub store: Store,
    /// The journal.
    pub journal: JournalAt,
    /// Where others can call it, for a standby to say; where it listens if not given.
    pub advertise: Option<String>,
    /// The ledger's policy.
    pub policy: Policy,
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
    #[error("{0} is not a loopback address, and this coordinator has no means to tell who calls")]
    NotLoopback(SocketAddr),
    /// The journal can't be used.
    #[error("cannot open the journal {journal}")]
    Journal {
        /// The journal.
        journal: JournalAt,
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
            Self::NotLoopback(address) => Some(format!("listen on 127.0.0.1:{}", address.port())),
            Self::Journal { journal: JournalAt::File(_), .. } => Some(
                "if another coordinator uses this state, stop it, or give this one `--state DIR`".to_owned(),
            ),
            Self::Journal { journal: JournalAt::Database(_), source } => match source {
                JournalError::Postgres(_) | JournalError::Silent(_) => Some(
                    "try `psql` with the same address; a password can be given in PGPASSWORD or ~/.pgpass"
                        .to_owned(),
                ),
                _ => None,
            },
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
    leadership: Leadership,
    stop: CancellationToken,
    retire: CancellationToken,
    failed: CancellationToken,
    calls: JoinHandle<()>,
    /// Leads, or stands by.
    lead: JoinHandle<()>,
}

impl Server {
    /// Starts a coordinator. On a journal of its own it leads when this returns; on one that is shared it may stand by.
    ///
    /// # Errors
    /// If the address, the journal or the store can't be used.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let Settings { listen, store, journal, advertise, policy } = settings;
        if !listen.ip().is_loopback() {
            return Err(StartError::NotLoopback(listen));
        }
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
        let has_shared_journal = matches!(journal, JournalAt::Database(_));
        let place = Workplace { store, policy, has_shared_journal };
        let (stop, retire, failed) =
            (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
        let leadership = Leadership::new(Role::Standby { leader: None });
        let lead = match journal {
            JournalAt::File(path) => {
                let reign = lead_alone(path, &place, &stop).await?;
                leadership.set(Role::Leading(Arc::clone(&reign.coordinator)));
                tokio::spawn(lead_to_the_end(reign, retire.clone(), failed.clone()))
            }
            JournalAt::Database(database) => {
                let advertised = advertise.unwrap_or_else(|| url_of(address));
                let contender = Contender {
                    candidate: Candidate::new(*database.clone(), advertised),
                    place,
                    leadership: leadership.clone(),
                    stop: stop.clone(),
                    retire: retire.clone(),
                    failed: failed.clone(),
                };
                contend(contender, database).await?
            }
        };
        // Only now does anybody answer: until then workers see a refused connection, which says that nothing is granted here.
        let listener = socket.listen(BACKLOG).map_err(cannot_listen)?;
        let calls = tokio::spawn(serve_calls(listener, leadership.clone(), stop.clone(), failed.clone()));
        tracing::info!(%address, store = url, "coordinator started");
        Ok(Self { address, leadership, stop, retire, failed, calls, lead })
    }

    /// The address as workers and tools dial it.
    pub fn url(&self) -> String {
        url_of(self.address)
    }

    /// What its calls work with, while it leads.
    pub fn coordinator(&self) -> Option<Arc<Coordinator>> {
        self.leadership.coordinator().ok()
    }

    /// Whether it leads, and whether that changes.
    pub const fn leadership(&self) -> &Leadership {
        &self.leadership
    }

    /// Pends until the coordinator can't go on: its journal can't be used, or its port failed.
    pub async fn failed(&self) {
        self.failed.cancelled().await;
    }

    /// Answers what is under way, closes the journal with a snapshot, gives up the lead, and ends.
    pub async fn shut_down(self) {
        self.stop.cancel();
        end(self.calls, LAST_ANSWERS).await;
        self.retire.cancel();
        end(self.lead, LAST_SNAPSHOT).await;
        tracing::info!("coordinator stopped");
    }
}

fn url_of(address: SocketAddr) -> String {
    format!("http://{address}")
}

async fn end(mut task: JoinHandle<()>, limit: Duration) {
    if tokio::time::timeout(limit, &mut task).await.is_err() {
        task.abort();
    }
}

/// Begins to lead on a journal of one's own.
async fn lead_alone(path: PathBuf, place: &Workplace, stop: &CancellationToken) -> Result<Reign, StartError> {
    let failed = |source| StartError::Journal { journal: JournalAt::File(path.clone()), source };
    let journal = SqliteJournal::open(&path).map_err(failed)?;
    Reign::begin(journal, place, stop).await.map_err(|error| match error {
        ReignError::Journal(source) => failed(source),
        ReignError::Ledger(error) => StartError::Ledger(error),
    })
}

/// Leads until it is told to end, or its journal can't be written any more.
async fn lead_to_the_end(reign: Reign, retire: CancellationToken, failed: CancellationToken) {
    tokio::select! {
        () = retire.cancelled() => {}
        () = reign.coordinator.ledger.closed() => failed.cancel(),
    }
    reign.end().await;
}

/// Stands for the lead once, so that what can't work is known at the start; goes on contending in the background.
async fn contend(mut contender: Contender, database: Box<Address>) -> Result<JoinHandle<()>, StartError> {
    let journal = JournalAt::Database(database);
    let led = match contender.candidate.stand().await {
        Err(source) => return Err(StartError::Journal { journal, source }),
        Ok(Outcome::Led { by }) => {
            contender.leadership.stand_by((!by.is_empty()).then_some(by));
            None
        }
        Ok(Outcome::Elected(epoch)) => {
            let reign = contender.take_over(epoch).await.map_err(|error| match error {
                TakeoverError::Reign(ReignError::Journal(source)) | TakeoverError::Lost(source) => {
                    StartError::Journal { journal, source }
                }
                TakeoverError::Reign(ReignError::Ledger(error)) => StartError::Ledger(error),
                TakeoverError::Store(source) => {
                    StartError::Store { url: contender.place.store.url().to_owned(), source }
                }
                TakeoverError::UnconditionalStore => {
                    StartError::UnconditionalStore { url: contender.place.store.url().to_owned() }
                }
            })?;
            contender.leadership.set(Role::Leading(Arc::clone(&reign.coordinator)));
            Some((epoch, reign))
        }
    };
    Ok(tokio::spawn(contender.contend(led)))
}

async fn serve_calls(
    listener: TcpListener,
    leadership: Leadership,
    stop: CancellationToken,
    failed: CancellationToken,
) {
    let scheduler = SchedulerServer::new(SchedulerService(leadership.clone()))
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT);
    let control = ControlServer::new(ControlService(leadership))
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
