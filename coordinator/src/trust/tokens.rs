//! Whose token a call shows.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use basin_domain::scheduling::UserName;
use basin_domain::utc::Utc;
use http::HeaderValue;
use tokio_util::sync::CancellationToken;

use super::new_token::id_of;
use super::{Fingerprint, Role, TokenEntry, TokenFile, TokenFileError, TokenId, WatchedFiles};

/// Whose calls are answered.
#[derive(Debug, Clone, Default)]
pub enum Tokens {
    /// Anybody's, as an admin's: for a port that only this machine reaches.
    #[default]
    Anybody,
    /// Those that show one of these.
    Fixed(Arc<[TokenEntry]>),
    /// Those that show a token of a file.
    Listed(Arc<WatchedFiles<TokenTable, TokenFileError>>),
}

/// The tokens of a file, by their public parts.
pub type TokenTable = HashMap<TokenId, TokenEntry>;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The name of the token that was shown; empty if none is needed.
    pub name: String,
    /// The public part of that token.
    pub token: Option<TokenId>,
    /// The caller's role.
    pub role: Role,
}

impl Caller {
    /// Whose the sweeps are that the caller launches, if that is known.
    pub fn user(&self) -> Option<UserName> {
        UserName::new(self.name.as_str()).ok()
    }
}

/// Why it isn't known who calls.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unauthenticated {
    /// No token was shown.
    #[error("this coordinator answers only those who show a token, and none was shown")]
    Missing,
    /// The text that was shown is no token, or none that the coordinator knows.
    #[error("the token that was shown is not one of this coordinator's")]
    Unknown,
    /// It was taken back.
    #[error("the token `{name}` ({id}) was revoked on {on}")]
    Revoked {
        /// Its name.
        name: String,
        /// Its public part.
        id: TokenId,
        /// When.
        on: Utc,
    },
    /// Its time is over.
    #[error("the token `{name}` ({id}) expired on {on}")]
    Expired {
        /// Its name.
        name: String,
        /// Its public part.
        id: TokenId,
        /// When.
        on: Utc,
    },
}

impl Tokens {
    /// The tokens of a file, which is followed by [`Tokens::follow`].
    ///
    /// # Errors
    /// If the file can't be read, or makes no sense.
    pub fn of_file(path: &Path) -> Result<Self, TokenFileError> {
        let file: PathBuf = path.to_owned();
        let read = move || {
            let entries = TokenFile::read(&file)?.entries;
            Ok(entries.into_iter().map(|entry| (entry.id.clone(), entry)).collect())
        };
        Ok(Self::Listed(Arc::new(WatchedFiles::open(vec![path.to_owned()], read)?)))
    }

    /// Whether a token must be shown.
    pub const fn are_needed(&self) -> bool {
        match self {
            Self::Anybody => false,
            Self::Fixed(_) | Self::Listed(_) => true,
        }
    }

    /// Reads the file again as it changes, until `stop`.
    pub async fn follow(&self, stop: CancellationToken) {
        match self {
            Self::Anybody | Self::Fixed(_) => {}
            Self::Listed(watched) => watched.follow(stop).await,
        }
    }

    /// Who shows this header `authorization`.
    ///
    /// # Errors
    /// If that isn't known.
    pub fn authenticate(&self, header: Option<&HeaderValue>, now: Utc) -> Result<Caller, Unauthenticated> {
        match self {
            Self::Anybody => Ok(Caller { name: String::new(), token: None, role: Role::Admin }),
            Self::Fixed(entries) => {
                authenticate_token(|id| entries.iter().find(|entry| entry.id == *id), header, now)
            }
            Self::Listed(watched) => authenticate_token(|id| watched.current().get(id).cloned(), header, now),
        }
    }
}

fn authenticate_token<E: AsRef<TokenEntry>>(
    find: impl FnOnce(&TokenId) -> Option<E>,
    header: Option<&HeaderValue>,
    now: Utc,
) -> Result<Caller, Unauthenticated> {
    let header = header.ok_or(Unauthenticated::Missing)?.to_str().map_err(|_| Unauthenticated::Unknown)?;
    let (scheme, token) = header.split_once(' ').ok_or(Unauthenticated::Unknown)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Unauthenticated::Unknown);
    }
    let found = id_of(token).and_then(|id| find(&id)).ok_or(Unauthenticated::Unknown)?;
    let entry = found.as_ref();
    // In constant time. Only who has the whole token hears more of it than that it is unknown.
    if entry.hash != Fingerprint::of(token) {
        return Err(Unauthenticated::Unknown);
    }
    let (name, id) = (entry.name.to_string(), entry.id.clone());
    if let Some(on) = entry.revoked {
        return Err(Unauthenticated::Revoked { name, id, on });
    }
    match entry.expires {
        Some(on) if on <= now => Err(Unauthenticated::Expired { name, id, on }),
        Some(_) | None => Ok(Caller { name, token: Some(id), role: entry.role }),
    }
}

impl AsRef<Self> for TokenEntry {
    fn as_ref(&self) -> &Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::scheduling::UserName;
    use secrecy::ExposeSecret;

    use super::super::NewToken;
    use super::*;

    fn new_token(role: Role, expires: Option<u64>) -> NewToken {
        let name = UserName::new("lab").unwrap();
        NewToken::new(name, role, Utc::from_unix(1_000), expires.map(Utc::from_unix)).unwrap()
    }

    fn bearer(token: &str) -> HeaderValue {
        HeaderValue::try_from(format!("Bearer {token}")).unwrap()
    }

    #[test]
    fn the_owner_of_a_token_is_known_by_it_and_nobody_else_is() {
        let (ours, other) = (new_token(Role::Worker, None), new_token(Role::Admin, None));
        let tokens = Tokens::Fixed(Arc::from([ours.entry.clone()]));
        let now = Utc::from_unix(2_000);
        let caller = tokens.authenticate(Some(&bearer(ours.secret.expose_secret())), now).unwrap();
        assert_eq!((caller.name.as_str(), caller.role), ("lab", Role::Worker));
        assert_eq!(caller.token, Some(ours.entry.id.clone()));
        let unknown = |text: &str| {
            assert_eq!(
                tokens.authenticate(Some(&HeaderValue::try_from(text).unwrap()), now),
                Err(Unauthenticated::Unknown),
                "{text}"
            );
        };
        let secret = ours.secret.expose_secret();
        unknown(&format!("Bearer {}", other.secret.expose_secret()));
        let another_digit = if secret.ends_with('0') { '1' } else { '0' };
        unknown(&format!("Bearer {}{another_digit}", &secret[..secret.len() - 1]));
        unknown(&format!("Bearer {}", secret.to_uppercase()));
        unknown(&format!("Bearer {secret} "));
        unknown(&format!("Bearer {}", &secret[..secret.len() - 1]));
        unknown(&format!("Basic {secret}"));
        unknown(secret);
        unknown("Bearer");
        // The id of ours, the secret of another.
        unknown(&format!("Bearer {}{}", &secret[..19], &other.secret.expose_secret()[19..]));
        assert_eq!(tokens.authenticate(None, now), Err(Unauthenticated::Missing));
    }

    #[test]
    fn a_token_that_ended_is_refused_by_name_but_only_to_its_owner() {
        let mut ended = new_token(Role::Viewer, Some(2_000));
        let shown = bearer(ended.secret.expose_secret());
        let authenticate = |entry: &TokenEntry, now| {
            Tokens::Fixed(Arc::from([entry.clone()])).authenticate(Some(&shown), Utc::from_unix(now))
        };
        assert!(authenticate(&ended.entry, 1_999).is_ok());
        assert!(matches!(authenticate(&ended.entry, 2_000), Err(Unauthenticated::Expired { .. })));
        ended.entry.revoked = Some(Utc::from_unix(1_500));
        assert!(matches!(authenticate(&ended.entry, 1_999), Err(Unauthenticated::Revoked { .. })));
        ended.entry.hash = new_token(Role::Viewer, None).entry.hash;
        assert_eq!(authenticate(&ended.entry, 1_999), Err(Unauthenticated::Unknown));
    }

    #[test]
    fn tokens_follow_their_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.toml");
        assert!(Tokens::of_file(&path).is_err());
        let one = new_token(Role::Admin, None);
        let change = |change: &dyn Fn(&mut TokenFile)| {
            TokenFile::change(&path, |file| {
                change(file);
                Ok::<(), TokenFileError>(())
            })
            .unwrap();
        };
        change(&|file| file.entries.push(one.entry.clone()));
        let tokens = Tokens::of_file(&path).unwrap();
        let Tokens::Listed(watched) = &tokens else { panic!("it is a file's") };
        let shown = bearer(one.secret.expose_secret());
        assert!(tokens.authenticate(Some(&shown), Utc::from_unix(1)).is_ok());
        change(&|file| file.entries[0].revoked = Some(Utc::from_unix(1)));
        assert!(watched.reload_if_changed().unwrap().is_ok());
        assert!(matches!(
            tokens.authenticate(Some(&shown), Utc::from_unix(1)),
            Err(Unauthenticated::Revoked { .. })
        ));
        std::fs::write(&path, "broken").unwrap();
        assert!(watched.reload_if_changed().unwrap().is_err());
        assert!(matches!(
            tokens.authenticate(Some(&shown), Utc::from_unix(1)),
            Err(Unauthenticated::Revoked { .. })
        ));
    }
}
