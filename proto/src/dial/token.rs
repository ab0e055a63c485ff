//! The token that is shown with each call.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::HeaderValue;

use super::DialError;

/// The longest token, in bytes: far more than one has.
const LIMIT: usize = 4096;
/// How long what was read of a token's file is good for.
const CACHE_TTL: Duration = Duration::from_secs(1);

/// A token to show to a coordinator. From a file it is read again as it changes, so that a worker goes on with a new one.
#[derive(Clone)]
pub struct Token(Arc<TokenSource>);

enum TokenSource {
    Fixed(HeaderValue),
    File { path: PathBuf, cached: Mutex<CachedToken> },
}

struct CachedToken {
    header: HeaderValue,
    read: Instant,
}

impl Token {
    /// This token.
    ///
    /// # Errors
    /// If it can't be one.
    pub fn fixed(secret: &str) -> Result<Self, DialError> {
        Ok(Self(Arc::new(TokenSource::Fixed(header(secret)?))))
    }

    /// The token in a file, with or without a line's end.
    ///
    /// # Errors
    /// If the file can't be read, or has none.
    pub fn file(path: &Path) -> Result<Self, DialError> {
        let cached = Mutex::new(CachedToken { header: read(path)?, read: Instant::now() });
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
            TokenSource::Fixed(header) => header.clone(),
            TokenSource::File { path, cached } => {
                let mut cached = cached.lock().unwrap_or_else(PoisonError::into_inner);
                if cached.read.elapsed() >= CACHE_TTL {
                    cached.read = Instant::now();
                    match read(path) {
                        Ok(header) => cached.header = header,
                        Err(error) => tracing::warn!(%error, "the token's file could not be read again"),
                    }
                }
                cached.header.clone()
            }
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            TokenSource::Fixed(_) => formatter.write_str("Token(..)"),
            TokenSource::File { path, .. } => write!(formatter, "Token(of {})", path.display()),
        }
    }
}

fn read(path: &Path) -> Result<HeaderValue, DialError> {
    let unreadable = |error| DialError::TokenFile { path: path.to_owned(), source: Arc::new(error) };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > 2 * LIMIT as u64 {
        return Err(DialError::BadToken { why: "it is too long" });
    }
    header(&std::fs::read_to_string(path).map_err(unreadable)?)
}

fn header(secret: &str) -> Result<HeaderValue, DialError> {
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
    let mut header =
        HeaderValue::try_from(format!("Bearer {secret}")).expect("visible characters make a header");
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_shown() {
        let token = Token::fixed("basin_hush").unwrap();
        assert_eq!(format!("{token:?}"), "Token(..)");
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
