//! Files of tokens.

use basin_coordinator::trust::TokenFileError;

/// The hint for a file of tokens that can't be used.
pub(crate) fn token_file(error: &TokenFileError) -> Option<String> {
    match error {
        TokenFileError::Unreadable { path, source } if source.kind() == std::io::ErrorKind::NotFound => {
            Some(format!(
                "make the first token: `basin token create --role admin --name NAME --tokens {}`",
                path.display()
            ))
        }
        TokenFileError::Malformed { .. } => {
            Some("take back the last change that was made by hand; `basin token` writes it right".to_owned())
        }
        TokenFileError::Unreadable { .. } | TokenFileError::Unwritable { .. } => None,
    }
}
