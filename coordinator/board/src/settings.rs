//! The settings of a board.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use basin_coordinator::trust::ServerTls;
use basin_proto::dial::Dial;
use basin_storage::{HistogramCounts, Store};

/// Whom the board asks.
#[derive(Debug, Clone)]
pub enum Source {
    /// A coordinator, with the credentials that the board itself has.
    Coordinator(Box<Dial>),
    /// Nobody: it shows what the store has.
    Store,
}

/// Where results are.
#[derive(Debug, Clone)]
pub enum StoreChoice {
    /// In this store.
    Given(Store),
    /// Where the coordinator says, if that can be opened from here.
    AsTheCoordinatorSays,
}

/// How long the journal takes, where the coordinator is in this process.
#[derive(Clone)]
pub struct JournalTimes(Arc<dyn Fn() -> Option<HistogramCounts> + Send + Sync>);

impl JournalTimes {
    /// Asked of whoever knows it; none while the coordinator doesn't lead.
    pub fn new(appends: impl Fn() -> Option<HistogramCounts> + Send + Sync + 'static) -> Self {
        Self(Arc::new(appends))
    }

    /// How long batches of events took to be put on disk so far.
    pub(crate) fn now(&self) -> Option<HistogramCounts> {
        (self.0)()
    }
}

impl fmt::Debug for JournalTimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JournalTimes")
    }
}

/// The settings of a board.
#[derive(Debug, Clone)]
pub struct BoardSettings {
    /// Where it listens; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The names under which browsers may call it, beside addresses and `localhost`.
    pub hosts: Vec<String>,
    /// The certificate to show to browsers.
    pub tls: Option<Arc<ServerTls>>,
    /// Whether it may listen beyond this machine without a certificate: something else secures what travels.
    pub allows_plaintext: bool,
    /// Whom it asks.
    pub source: Source,
    /// Where results are.
    pub store: StoreChoice,
    /// How long the journal takes, if that is known here.
    pub journal: Option<JournalTimes>,
    /// Whether the coordinator is that of a run on this machine: other commands don't steer it, and it ends with its sweep.
    pub is_of_run: bool,
}
