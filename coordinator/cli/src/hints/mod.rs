//! Hints: an error becomes what to type: the one place that knows what is typed. The crates below state facts; here is a
//! file for each family of their errors.
//!
//! A hint names flags, variables and commands as they are typed. Which of an error's causes the hint is for is said by the
//! error's type alone, never by its text.

#[cfg(feature = "worker")]
mod agent;
mod board;
mod client;
mod dial;
#[cfg(feature = "worker")]
mod failed_tasks;
#[cfg(feature = "worker")]
mod import;
mod journal;
#[cfg(test)]
mod layering;
mod query;
mod refusal;
mod report;
mod slurm;
mod start;
mod storage;
mod sweep;
#[cfg(test)]
mod tests;
mod tls_file;
mod tokens;

#[cfg(feature = "worker")]
pub(crate) use self::agent::agent;
pub(crate) use self::board::board;
pub(crate) use self::client::call;
pub(crate) use self::dial::dial;
#[cfg(feature = "worker")]
pub(crate) use self::failed_tasks::failed_tasks;
#[cfg(feature = "worker")]
pub(crate) use self::import::import;
pub(crate) use self::journal::journal_address;
pub(crate) use self::query::query;
pub(crate) use self::refusal::{refusal, refused};
pub(crate) use self::report::{damaged_results, output_folder};
pub(crate) use self::slurm::slurm;
pub(crate) use self::start::start;
pub(crate) use self::storage::storage;
pub(crate) use self::sweep::{dataset, prepare};
pub(crate) use self::tls_file::tls_file;
pub(crate) use self::tokens::token_file;
