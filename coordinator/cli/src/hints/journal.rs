//! Addresses of journals.

use basin_coordinator::journal::postgres::AddressError;

/// The hint for a text that is no address of a journal.
pub(crate) fn journal_address(error: &AddressError) -> &'static str {
    match error {
        AddressError::AtInHost => "write an `@` of a password as %40, or keep the password in PGPASSWORD",
        AddressError::Scheme
        | AddressError::NoHost
        | AddressError::Schema(_)
        | AddressError::SslMode(_)
        | AddressError::Unreadable(_) => {
            "an address looks like postgres://user@host:5432/database?sslmode=verify-full&schema=basin"
        }
    }
}
