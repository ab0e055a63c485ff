//! Arguments of `basin serve`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;

use super::board::BoardNames;
use super::shared::StoreArguments;

/// A coordinator.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The address to listen on; beyond loopback it takes `--tokens` and TLS
    #[arg(long, env = "BASIN_LISTEN", default_value = "127.0.0.1:7470", value_name = "ADDRESS")]
    pub(crate) listen: std::net::SocketAddr,
    /// The journal, in a database that a standby shares: `postgres://USER@HOST/DATABASE`, with libpq's parameters and
    /// `schema=NAME`; a password is better kept in PGPASSWORD or ~/.pgpass. `STATE/journal.sqlite` if not given
    #[arg(long, env = "BASIN_JOURNAL", hide_env_values = true, value_name = "URL")]
    pub(crate) journal: Option<SecretString>,
    /// Where workers and tools call this coordinator, for a standby to tell them; where it listens if not given
    #[arg(long, env = "BASIN_ADVERTISE", value_name = "URL")]
    pub(crate) advertise: Option<String>,
    /// Answer probes and metrics on this address: `/livez`, `/readyz`, `/metrics`, over plain HTTP, to whoever asks
    #[arg(long, env = "BASIN_HTTP", value_name = "ADDRESS")]
    pub(crate) http: Option<std::net::SocketAddr>,
    /// Tell in the metrics of each of so many sweeps, the newest that go on, how many of its tasks are in which state. Whoever
    /// can read the metrics then reads the names of these sweeps
    #[arg(long, env = "BASIN_METRICS_PER_SWEEP", default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u16).range(..=256))]
    pub(crate) metrics_per_sweep: u16,
    /// Tell in the metrics of each of so many workers, the first by their ids, what it uses of its machine and how many examples a second it
    /// trains on. Whoever can read the metrics then reads the ids of these workers
    #[arg(long, env = "BASIN_METRICS_PER_WORKER", default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u16).range(..=1024))]
    pub(crate) metrics_per_worker: u16,
    /// Show a board in browsers on this address, with the coordinator's certificate if it has one; beyond loopback it takes `--tokens`, too
    #[arg(long, env = "BASIN_BOARD", value_name = "ADDRESS")]
    pub(crate) board: Option<std::net::SocketAddr>,
    #[command(flatten)]
    pub(crate) board_names: BoardNames,
    /// How long a lease lasts without renewal, in seconds
    #[arg(long, env = "BASIN_LEASE", default_value_t = 30.0, value_name = "SECONDS")]
    pub(crate) lease: f64,
    /// The most tasks that a sweep may have
    #[arg(long, env = "BASIN_MAX_TASKS", default_value_t = 100_000, value_name = "N")]
    pub(crate) max_tasks: u64,
    /// The most slots of workers that the tasks of one sweep take at once, whatever was asked for it
    #[arg(long, env = "BASIN_MAX_SLOTS_PER_SWEEP", value_name = "N")]
    pub(crate) max_slots_per_sweep: Option<NonZeroU32>,
    /// The most slots of workers that the tasks of one user's sweeps take at once; a user is the name of a token
    #[arg(long, env = "BASIN_MAX_SLOTS_PER_USER", value_name = "N")]
    pub(crate) max_slots_per_user: Option<NonZeroU32>,
    /// The file of tokens, one of which every caller must show; `basin token create` makes it. It is read again as it changes
    #[arg(long, env = "BASIN_TOKENS", value_name = "FILE")]
    pub(crate) tokens: Option<PathBuf>,
    /// The coordinator's certificate (PEM), and after it those that signed it. It is read again as it changes
    #[arg(long, env = "BASIN_TLS_CERT", value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The key (PEM) of `--tls-cert`
    #[arg(long, env = "BASIN_TLS_KEY", value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Answer only those who also show a certificate that one of these authorities (PEM) signed
    #[arg(long, env = "BASIN_TLS_CLIENT_CA", value_name = "FILE")]
    pub(crate) tls_client_ca: Option<PathBuf>,
    /// Listen beyond loopback without TLS: a proxy before the coordinator does it, or the network is nobody else's
    #[arg(long, env = "BASIN_INSECURE_PLAINTEXT")]
    pub(crate) insecure_plaintext: bool,
    /// The most calls a second, for long, of one token from one address
    #[arg(long, env = "BASIN_CALLS_PER_SECOND", default_value_t = 2_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) calls_per_second: u32,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}
