//! That nobody gives credentials, as an error beneath one of `object_store`.

/// Nobody gives credentials: where they were looked for last, and what came of it.
#[derive(Debug, thiserror::Error)]
#[error("no credentials were found: {0}")]
pub(crate) struct NoCredentials(pub(crate) String);
