//! The journal of a coordinator that has ended, answered to looks alone. It is copied first: nothing is written in its place.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use basin_core::command::Policy;
use basin_domain::scheduling::UserName;
use basin_domain::utc::Utc;
use basin_storage::{CommitMode, Store};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::grpc_port::GrpcPort;
use super::{JournalLocation, StartError};
use crate::journal::{LedgerHandle, Meter, SqliteJournal, SystemClock};
use crate::open_files;
use crate::platform::SystemPlatform;
use crate::service::{
    CleanUp, Coordinator, Forecasts, Leadership, LeadershipRole, SweepSources, TaskNames, TaskNews,
    WorkerUsages,
};
use crate::trust::connection_limits::ConnectionLimits;
use crate::trust::{CallMeter, HintOf, NewToken, Role, Tokens, Trust};
use crate::work_host::WorkHost;

/// A coordinator that answers who looks, and changes nothing.
#[derive(Debug)]
pub struct JournalView {
    url: String,
    secret: SecretString,
    stop: CancellationToken,
}

impl JournalView {
    /// Copies the journal in the file at `path` to the folder `copy`, and answers on a port of this machine, with these hints where it refuses.
    /// The folder is the caller's to remove once the view has gone.
    ///
    /// # Errors
    /// If the journal can't be copied or read, or no port is free.
    pub async fn open(path: &Path, copy: &Path, store: Store, hint_of: HintOf) -> Result<Self, StartError> {
        let failed = |source| StartError::Journal { journal: JournalLocation::File(path.to_owned()), source };
        let journal = SqliteJournal::copy(path, copy).and_then(|file| SqliteJournal::open(&file));
        let policy = Policy::default();
        let ledger = LedgerHandle::open(journal.map_err(failed)?, policy, SystemClock::default()).await;
        let stop = CancellationToken::new();
        let coordinator = Arc::new(Coordinator {
            ledger: ledger.map_err(failed)?,
            meter: Meter::default(),
            store,
            names: TaskNames::default(),
            forecasts: Forecasts::default(),
            news: TaskNews::start(WorkHost::Thread),
            usages: WorkerUsages::default(),
            sources: SweepSources::default(),
            commits: CommitMode::Conditional,
            lease_duration: policy.lease_duration,
            max_tasks: policy.max_tasks,
            clean_up: CleanUp::default(),
            wake: Notify::new(),
            due: Notify::new(),
            has_shared_journal: false,
            platform: Arc::new(SystemPlatform),
            stop: stop.clone(),
        });
        let address = (Ipv4Addr::LOCALHOST, 0).into();
        let cannot_listen = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(cannot_listen)?;
        let url = format!("http://{}", listener.local_addr().map_err(cannot_listen)?);
        // Who has no other token than a viewer's changes nothing.
        let name = UserName::new("view").expect("it is a name");
        let viewer = NewToken::new(name, Role::Viewer, Utc::from_unix(0), None).map_err(cannot_listen)?;
        let port = GrpcPort {
            listener,
            trust: Trust { tokens: Tokens::Fixed(Arc::from([viewer.entry])), ..Trust::default() },
            limits: ConnectionLimits::new(open_files::room_for_connections()),
            hint_of,
            meter: CallMeter::default(),
            stop: stop.clone(),
            failed: CancellationToken::new(),
        };
        let leadership = Leadership::new(LeadershipRole::Transition);
        leadership.lead(&coordinator);
        tokio::spawn(port.serve(leadership));
        Ok(Self { url, secret: viewer.secret, stop })
    }

    /// Where it is dialled.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The token that it answers.
    pub const fn secret(&self) -> &SecretString {
        &self.secret
    }
}

impl Drop for JournalView {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
