//! The readers of addresses and settings of stores on the network, without the network.

use super::address::Address;
use super::s3;
use crate::Result;

/// The URL of a store on the network, as short as it can be written.
///
/// # Errors
/// [`StorageError::BadUrl`](crate::StorageError::BadUrl) if it is none.
pub fn network_url(url: &str) -> Result<String> {
    Address::parse(url).map(|address| address.url)
}

/// Reads all that says how a bucket is reached: these variables of the environment, and the profile that they name.
///
/// # Errors
/// [`StorageError::BadUrl`](crate::StorageError::BadUrl) and [`StorageError::Unconfigured`](crate::StorageError::Unconfigured).
pub fn s3_settings(url: &str, variables: impl IntoIterator<Item = (String, String)>) -> Result<()> {
    s3::configure(&Address::parse(url)?, &variables.into_iter().collect()).map(drop)
}
