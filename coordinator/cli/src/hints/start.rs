//! Coordinators that can't start.

use basin_coordinator::journal::JournalError;
use basin_coordinator::server::{JournalLocation, StartError};

use super::storage;

/// The hint for a coordinator that can't start.
pub(crate) fn start(error: &StartError) -> Option<String> {
    match error {
        StartError::Listen { address, .. } => {
            Some(format!("another program may use port {}; choose one with `--listen`", address.port()))
        }
        StartError::Http { address, .. } => {
            Some(format!("another program may use port {}; choose one with `--http`", address.port()))
        }
        StartError::WithoutTokens(address) => Some(format!(
            "make one with `basin token create --role admin --name NAME --tokens FILE` and give `--tokens FILE`, or \
             listen on 127.0.0.1:{}",
            address.port()
        )),
        StartError::WithoutTls(_) => Some(
            "give `--tls-cert FILE --tls-key FILE`; or `--insecure-plaintext`, if a proxy before it does TLS"
                .to_owned(),
        ),
        StartError::Journal { journal: JournalLocation::File(path), source } => Some(match source {
            source if source.is_damage() => format!(
                "move {} and what begins like it away, or give another `--state DIR`, and let `basin rebuild --store URL` \
                 make it anew, or launch the sweeps again: what is committed is in the store, and isn't trained again",
                path.display()
            ),
            source if source.is_full() => {
                format!("make space for {}; what was answered before is kept", path.display())
            }
            JournalError::Locked => {
                "`basin run` or `basin serve` works on this folder; `--state DIR` gives this one a folder of its own"
                    .to_owned()
            }
            _ => "give another state with `--state DIR`".to_owned(),
        }),
        StartError::Journal { journal: JournalLocation::Database(_), source } => match source {
            JournalError::Postgres(_) | JournalError::Silent(_) => Some(
                "try `psql` with the same address; a password can be given in PGPASSWORD or ~/.pgpass"
                    .to_owned(),
            ),
            _ => None,
        },
        StartError::Store { source, .. } => storage(source)
            .or_else(|| Some("`basin doctor --store URL` checks a store and says how to mend it".to_owned())),
        StartError::Ledger(_) => None,
    }
}
