//! A coordinator that runs: journal opened, store probed, leases given a full lease duration, port open. On a journal that others
//! share it may stand by first: then its port is open and says so.

mod grpc_port;
mod journal_view;
mod settings;
mod start_error;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use basin_storage::CommitMode;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use self::grpc_port::GrpcPort;
pub use self::journal_view::JournalView;
pub use self::settings::{JournalLocation, ServerSettings};
pub use self::start_error::StartError;
use crate::http::{MetricSources, ServingStatus, SidePort};
use crate::journal::postgres::{Address, Candidate};
use crate::journal::{Election, ElectionOutcome, SqliteJournal};
use crate::leader_election::{LeaderElection, TakeoverError};
use crate::leader_session::{LeaderContext, LeaderSession, LeaderSessionError};
use crate::open_files;
use crate::platform::SystemPlatform;
use crate::service::{Coordinator, Leadership, LeadershipRole};
use crate::trust::connection_limits::ConnectionLimits;
use crate::trust::{CallMeter, HintOf, Trust};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// How long the answers under way may take at the end.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the journal may take to be closed: a database may have gone.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);

/// A running coordinator.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// Who writes commits.
    pub commits: CommitMode,
    /// Where probes and metrics are answered, if anywhere.
    pub http: Option<SidePort>,
    is_encrypted: bool,
    trust: Trust,
    limits: Arc<ConnectionLimits>,
    hint_of: HintOf,
    meter: CallMeter,
    leadership: Leadership,
    stop: CancellationToken,
    retire: CancellationToken,
    failed: CancellationToken,
    calls: JoinHandle<()>,
    following: JoinHandle<()>,
    /// Leads, or stands by.
    lead: JoinHandle<()>,
}

impl Server {
    /// Starts a coordinator. On a journal of its own it leads when this returns; on one that is shared it may stand by.
    ///
    /// # Errors
    /// If the address, the journal or the store can't be used.
    pub async fn start(settings: ServerSettings) -> Result<Self, StartError> {
        let ServerSettings {
            listen,
            store,
            journal,
            advertise,
            policy,
            trust,
            http,
            named_in_metrics,
            hint_of,
        } = settings;
        if !listen.ip().is_loopback() {
            if !trust.tokens.are_needed() {
                return Err(StartError::WithoutTokens(listen));
            }
            if trust.tls.is_none() && !trust.allows_plaintext {
                return Err(StartError::WithoutTls(listen));
            }
            if trust.tls.is_none() {
                tracing::warn!(
                    address = %listen,
                    "calls travel unencrypted: whoever is on the way reads their tokens, unless something before this port does TLS"
                );
            }
        }
        let limits = ConnectionLimits::new(open_files::room_for_connections());
        let is_encrypted = trust.tls.is_some();
        // First of all, so that whoever keeps this process sees that it starts, however long the journal is.
        let status = watch::Sender::new(ServingStatus::Starting);
        let meter = CallMeter::default();
        let http = match http {
            Some(address) => {
                let metrics = MetricSources::new(meter.clone(), store.meter().clone(), named_in_metrics);
                let port = SidePort::open(address, status.subscribe(), metrics).await;
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
        let probed = store.probe().await.map_err(|source| StartError::Store { url: url.clone(), source })?;
        let commits = CommitMode::from(probed);
        if commits == CommitMode::Serialised {
            tracing::warn!(
                store = url,
                "the store ignores conditional writes: this coordinator alone writes commits"
            );
        }
        let has_shared_journal = matches!(journal, JournalLocation::Database(_));
        let platform = Arc::new(SystemPlatform);
        let context = LeaderContext { store, commits, policy, has_shared_journal, platform };
        let (stop, retire, failed) =
            (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
        let leadership = Leadership::new(LeadershipRole::Standby { leader: None });
        let lead = match journal {
            JournalLocation::File(path) => {
                let session = lead_alone(path, &context, &stop).await?;
                leadership.lead(&session.coordinator);
                tokio::spawn(lead_until_retired(session, retire.clone(), failed.clone()))
            }
            JournalLocation::Database(database) => {
                let advertised = advertise.unwrap_or_else(|| url_of(address, is_encrypted));
                let election = LeaderElection {
                    candidate: Candidate::new(*database.clone(), advertised),
                    context,
                    leadership: leadership.clone(),
                    stop: stop.clone(),
                    retire: retire.clone(),
                    failed: failed.clone(),
                };
                campaign(election, database).await?
            }
        };
        // Only now does anybody answer: until then workers see a refused connection, which says that nothing is granted here.
        let listener = socket.listen(BACKLOG).map_err(cannot_listen)?;
        let shown = publish_status(leadership.clone(), status, stop.clone());
        let files = follow_files(trust.clone(), stop.clone());
        let following = tokio::spawn(async move {
            tokio::join!(files, shown);
        });
        let port = GrpcPort {
            listener,
            trust: trust.clone(),
            limits: Arc::clone(&limits),
            hint_of,
            meter: meter.clone(),
            stop: stop.clone(),
            failed: failed.clone(),
        };
        let calls = tokio::spawn(port.serve(leadership.clone()));
        tracing::info!(%address, store = url, "coordinator started");
        Ok(Self {
            address,
            commits,
            http,
            is_encrypted,
            trust,
            limits,
            hint_of,
            meter,
            leadership,
            stop,
            retire,
            failed,
            calls,
            following,
            lead,
        })
    }

    /// The address as workers and tools dial it.
    pub fn url(&self) -> String {
        url_of(self.address, self.is_encrypted)
    }

    /// The address at which others of this process call it: where TLS is spoken, a port of this machine alone at which it isn't, since the
    /// certificate is of a name and not of this machine. The same tokens are asked for there.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn url_from_here(&self) -> std::io::Result<String> {
        if !self.is_encrypted {
            return Ok(self.url());
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let port = GrpcPort {
            listener,
            trust: Trust { tls: None, ..self.trust.clone() },
            limits: Arc::clone(&self.limits),
            hint_of: self.hint_of,
            meter: self.meter.clone(),
            stop: self.stop.clone(),
            failed: self.failed.clone(),
        };
        tokio::spawn(port.serve(self.leadership.clone()));
        Ok(url_of(address, false))
    }

    /// The coordinator of its calls, while it leads.
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
        end(self.calls, DRAIN_TIMEOUT).await;
        end(self.following, DRAIN_TIMEOUT).await;
        self.retire.cancel();
        end(self.lead, CLOSE_TIMEOUT).await;
        tracing::info!("coordinator stopped");
    }
}

fn url_of(address: SocketAddr, is_encrypted: bool) -> String {
    let scheme = if is_encrypted { "https" } else { "http" };
    format!("{scheme}://{address}")
}

async fn end(mut task: JoinHandle<()>, limit: Duration) {
    if tokio::time::timeout(limit, &mut task).await.is_err() {
        task.abort();
    }
}

/// Begins to lead on a journal of one's own.
async fn lead_alone(
    path: PathBuf,
    context: &LeaderContext,
    stop: &CancellationToken,
) -> Result<LeaderSession, StartError> {
    let failed = |source| StartError::Journal { journal: JournalLocation::File(path.clone()), source };
    let journal = SqliteJournal::open(&path).map_err(failed)?;
    LeaderSession::begin(journal, context, stop).await.map_err(|error| match error {
        LeaderSessionError::Journal(source) => failed(source),
        LeaderSessionError::Ledger(error) => StartError::Ledger(error),
    })
}

/// Leads until it is told to end, or its journal can't be written any more.
async fn lead_until_retired(session: LeaderSession, retire: CancellationToken, failed: CancellationToken) {
    tokio::select! {
        () = retire.cancelled() => {}
        () = session.coordinator.ledger.closed() => failed.cancel(),
    }
    session.end().await;
}

/// Stands for the lead once, so that what can't work is known at the start; goes on contending in the background.
async fn campaign(
    mut election: LeaderElection<Candidate>,
    database: Box<Address>,
) -> Result<JoinHandle<()>, StartError> {
    let journal = JournalLocation::Database(database);
    let led = match election.candidate.campaign().await {
        Err(source) => return Err(StartError::Journal { journal, source }),
        Ok(ElectionOutcome::Led { by }) => {
            election.leadership.stand_by((!by.is_empty()).then_some(by));
            None
        }
        Ok(ElectionOutcome::Elected(epoch)) => {
            let session = election.take_over(epoch).await.map_err(|error| match error {
                TakeoverError::Session(LeaderSessionError::Journal(source)) | TakeoverError::Lost(source) => {
                    StartError::Journal { journal, source }
                }
                TakeoverError::Session(LeaderSessionError::Ledger(error)) => StartError::Ledger(error),
                TakeoverError::Store(source) => {
                    StartError::Store { url: election.context.store.url().to_owned(), source }
                }
            })?;
            election.leadership.lead(&session.coordinator);
            Some((epoch, session))
        }
    };
    Ok(tokio::spawn(election.run(led)))
}

/// Says on the side port whether this coordinator leads, as that changes, until it stops.
async fn publish_status(
    leadership: Leadership,
    status: watch::Sender<ServingStatus>,
    stop: CancellationToken,
) {
    let mut roles = leadership.roles();
    loop {
        let now = match &*roles.borrow_and_update() {
            LeadershipRole::Leading(coordinator) => ServingStatus::Serving(Arc::clone(coordinator)),
            LeadershipRole::Standby { .. } | LeadershipRole::Transition => ServingStatus::Standby,
        };
        status.send_replace(now);
        tokio::select! {
            changed = roles.changed() => if changed.is_err() { return },
            () = stop.cancelled() => break,
        }
    }
    status.send_replace(ServingStatus::Stopping);
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
