//! A board that is open.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use basin_coordinator::client::{CallError, Client};
use basin_coordinator::http::{ConnectionRules, accept};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::access::Access;
use crate::context;
use crate::model::{Model, Poller, StorePoller};
use crate::patient_runtime::PatientRuntime;
use crate::random;
use crate::routes::routes;
use crate::settings::{BoardSettings, Source, StoreChoice};

/// Connections at a time: a browser has up to six, and one of them for as long as a page is open.
const CONNECTIONS: usize = 256;
/// No connection is kept for longer; a page that listens opens a new one.
const LONGEST: Duration = Duration::from_secs(3_600);

/// A board that is open; it closes when this is dropped.
#[derive(Debug)]
pub struct Board {
    /// Where it listens.
    pub address: SocketAddr,
    link: SecretString,
    _stop: DropGuard,
    /// Whatever is still under way ends with it.
    _runtime: PatientRuntime,
}

/// Why a board can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// The address is in use, or isn't this machine's.
    #[error("cannot show the board on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Tokens would travel for everybody to read.
    #[error("{0} is not a loopback address, and without TLS tokens would travel there for everybody to read")]
    WithoutTls(SocketAddr),
    /// Nothing proves who looks, so nobody but this machine may.
    #[error(
        "{0} is not a loopback address, and without tokens this coordinator can't tell who looks at the board"
    )]
    WithoutTokens(SocketAddr),
    /// The coordinator can't be dialled.
    #[error(transparent)]
    Dial(#[from] CallError),
    /// There is no key for the board's link.
    #[error("this system gives no random numbers")]
    Random(#[source] std::io::Error),
    /// The board has no threads.
    #[error("the board's threads can't be started")]
    Threads(#[source] std::io::Error),
}

impl Board {
    /// Opens a board. Whether the coordinator answers is seen on its pages.
    ///
    /// # Errors
    /// If the address can't be used, or the coordinator can't be dialled with these certificates.
    pub async fn open(settings: BoardSettings) -> Result<Self, BoardError> {
        let runtime = PatientRuntime::start("board").map_err(BoardError::Threads)?;
        let OpenBoard { address, link, stop } = runtime.run(OpenBoard::open(settings)).await?;
        Ok(Self { address, link, _stop: stop, _runtime: runtime })
    }

    /// The address to open in a browser. Where the board has credentials of its own, it lets one use them: it is for whoever started it.
    pub fn link(&self) -> &str {
        self.link.expose_secret()
    }
}

/// What the board's threads have opened.
struct OpenBoard {
    address: SocketAddr,
    link: SecretString,
    stop: DropGuard,
}

impl OpenBoard {
    async fn open(settings: BoardSettings) -> Result<Self, BoardError> {
        let BoardSettings { listen, hosts, tls, allows_plaintext, source, store, journal, is_of_run } =
            settings;
        if !listen.ip().is_loopback() && tls.is_none() && !allows_plaintext {
            return Err(BoardError::WithoutTls(listen));
        }
        let cannot_listen = |source| BoardError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(cannot_listen)?;
        let address = listener.local_addr().map_err(cannot_listen)?;
        let dial = match source {
            Source::Coordinator(dial) => Some(*dial),
            Source::Store => None,
        };
        let client = match &dial {
            Some(dial) => Some(Client::new(dial)?),
            None => None,
        };
        let alone = match (&client, &store) {
            (None, StoreChoice::Given(store)) => Some(store.clone()),
            (Some(_), _) | (None, StoreChoice::AsTheCoordinatorSays) => None,
        };
        let key = random::secret().map_err(BoardError::Random)?.into();
        let access = Access::new(dial, key, address, tls.is_some())?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let link = match access.needs_key() {
            true => format!("{scheme}://{address}/login?key={}", access.key().expose_secret()),
            false => format!("{scheme}://{address}/"),
        };
        let model = Arc::new(Model::new(store));
        let board = Arc::new(context::Board {
            access,
            model: Arc::clone(&model),
            hosts,
            journal,
            is_of_run,
            notices: context::Notices::default(),
        });
        let stop = CancellationToken::new();
        match (client, alone) {
            (Some(client), _) => {
                let poller = Poller { model, client };
                tokio::spawn(stop.clone().run_until_cancelled_owned(poller.run()));
            }
            (None, Some(store)) => {
                let poller = StorePoller { model, store };
                tokio::spawn(stop.clone().run_until_cancelled_owned(poller.run()));
            }
            (None, None) => {}
        }
        let rules = ConnectionRules { port: "board", connections: CONNECTIONS, longest: LONGEST, tls };
        tokio::spawn(stop.clone().run_until_cancelled_owned(accept(listener, routes(&board), rules)));
        tracing::info!(%address, "board opened");
        Ok(Self { address, link: link.into(), stop: stop.drop_guard() })
    }
}
