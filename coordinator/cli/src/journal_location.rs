//! Where a coordinator's journal is.

use std::path::Path;

use basin_coordinator::journal::postgres::{Address, Environment};
use basin_coordinator::server::JournalLocation;
use secrecy::{ExposeSecret, SecretString};

use super::command_error::CommandError;
use super::local_journal::journal_of;
use crate::hints;

/// The journal in the database of this address, or in the folder of local state. What was typed is never repeated: it may hold a password.
pub(super) fn of(url: Option<&SecretString>, state: &Path) -> Result<JournalLocation, CommandError> {
    let Some(url) = url else { return Ok(JournalLocation::File(journal_of(state))) };
    let address = Address::parse(url.expose_secret(), &Environment::of_this_process()).map_err(|error| {
        let hint = hints::journal_address(&error);
        CommandError::input(error).context("cannot use the journal's address").hint(hint)
    })?;
    if address.trusts_whoever_answers() {
        tracing::warn!(
            journal = %address,
            "the database's certificate is not verified; `sslmode=verify-full` does"
        );
    }
    Ok(JournalLocation::Database(Box::new(address)))
}
