//! The token that is shown with each call.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::DialError;

/// The longest token, in bytes: far more than one has.
const LIMIT: usize = 4096;
/// How long what was read of a token's file is good for.
const CACHE_TTL: Duration = Duration::from_secs(1);

/// A token to show to a coordinator. From a file it is read again as it changes, so that a worker goes on with a new one.
#[derive(Debug, Clone)]
pub struct Token(Arc<TokenSource>);

#[derive(Debug)]
enum TokenSource {
    Fixed(SecretString),
    File { path: PathBuf, cached: Mutex<CachedToken> },
}

#[derive(Debug)]
struct CachedToken {
    secret: SecretString,
    read: Instant,
}

impl Token {
    /// This token.
    ///
    /// # Errors
    /// If it can't be one.
    pub fn fixed(secret: &str) -> Result<Self, DialError> {
        Ok(Self(Arc::new(TokenSource::Fixed(checked(secret)?))))
    }

    /// The token in a file, with or without a line's end.
    ///
    /// # Errors
    /// If the file can't be read, or has none.
    pub fn file(path: &Path) -> Result<Self, DialError> {
        let cached = Mutex::new(CachedToken { secret: read(path)?, read: Instant::now() });
        Ok(Self(Arc::new(TokenSource::File { path: path.to_owned(), cached })))
    }

    /// Whether it may change: it is in a file.
    pub fn may_change(&self) -> bool {
        match *self.0 {
            TokenSource::Fixed(_) => false,
            TokenSource::File { .. } => true,
        }
    }

    /// The header's value. A file that can't be read any more leaves the token that it had.
    pub(super) fn header(&self) -> HeaderValue {
        match &*self.0 {
            TokenSource::Fixed(secret) => header(secret),
            TokenSource::File { path, cached } => {
                let mut cached = cached.lock().unwrap_or_else(PoisonError::into_inner);
                if cached.read.elapsed() >= CACHE_TTL {
                    cached.read = Instant::now();
                    match read(path) {
                        Ok(secret) => cached.secret = secret,
                        Err(error) => tracing::warn!(%error, "the token's file could not be read again"),
                    }
                }
                header(&cached.secret)
            }
        }
    }
}

fn read(path: &Path) -> Result<SecretString, DialError> {
    let unreadable = |error| DialError::TokenFile { path: path.to_owned(), source: Arc::new(error) };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > 2 * LIMIT as u64 {
        return Err(DialError::BadToken { why: "it is too long" });
    }
    checked(&std::fs::read_to_string(path).map_err(unreadable)?)
}

/// A text that can be a token.
fn checked(secret: &str) -> Result<SecretString, DialError> {
    let secret = secret.trim();
    let bad = |why| Err(DialError::BadToken { why });
    if secret.is_empty() {
        return bad("it is empty");
    }
    if secret.len() > LIMIT {
        return bad("it is too long");
    }
    if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return bad("it has spaces or other characters that no token has");
    }
    Ok(secret.into())
}

fn header(secret: &SecretString) -> HeaderValue {
    let mut header = HeaderValue::try_from(format!("Bearer {}", secret.expose_secret()))
        .expect("visible characters make a header");
    header.set_sensitive(true);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_shown() {
        let token = Token::fixed("basin_hush").unwrap();
        assert!(!format!("{token:?}").contains("hush"), "{token:?}");
        assert_eq!(format!("{:?}", token.header()), "Sensitive");
        assert_eq!(token.header(), "Bearer basin_hush");
    }

    #[test]
    fn what_is_no_token_is_refused_without_being_repeated() {
        for text in ["", " \n", "basin_hush two", "basin_h\u{fc}sh", &"x".repeat(5_000)] {
            let refused = Token::fixed(text).unwrap_err();
            assert!(!format!("{refused} {refused:?}").contains("sh"), "{refused:?}");
        }
    }

    #[test]
    fn a_token_in_a_file_follows_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        assert!(matches!(Token::file(&path), Err(DialError::TokenFile { .. })));
        std::fs::write(&path, "first\n").unwrap();
        let token = Token::file(&path).unwrap();
        let aged = || {
            let TokenSource::File { cached, .. } = &*token.0 else { panic!("it is in a file") };
            cached.lock().unwrap().read -= CACHE_TTL;
            token.header()
        };
        assert_eq!(aged(), "Bearer first");
        std::fs::write(&path, "second\n").unwrap();
        assert_eq!(token.header(), "Bearer first", "not read at each call");
        assert_eq!(aged(), "Bearer second");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(aged(), "Bearer second", "the one that it had");
    }
}
