//! New tokens, and the reading of those that are shown.

use basin_domain::scheduling::UserName;
use basin_domain::utc::Utc;
use secrecy::SecretString;

use super::{Fingerprint, Role, TokenEntry, TokenId};

/// The beginning of every token: a scanner that looks for leaked secrets knows it by this.
const PREFIX: &str = "basin_";
/// Random bytes of the public part: enough that no two tokens of a site share it.
const ID_BYTES: usize = 6;
/// Random bytes of the secret.
const SECRET_BYTES: usize = 32;

/// A new token, and what is kept of it.
#[derive(Debug)]
pub struct NewToken {
    /// The whole token, `basin_<id>_<secret>`: shown once, never kept.
    pub secret: SecretString,
    /// The entry in a file of tokens: no secret.
    pub entry: TokenEntry,
}

impl NewToken {
    /// A new token of the system's randomness.
    ///
    /// # Errors
    /// If the system has no randomness to give.
    pub fn new(name: UserName, role: Role, created: Utc, expires: Option<Utc>) -> std::io::Result<Self> {
        let mut random = [0; ID_BYTES + SECRET_BYTES];
        getrandom::fill(&mut random).map_err(std::io::Error::other)?;
        let (id, secret) = random.split_at(ID_BYTES);
        let id = TokenId::new(hex(id)).expect("hexadecimal digits make an id");
        let token = format!("{PREFIX}{id}_{}", hex(secret));
        let fingerprint = Fingerprint::of(&token);
        let entry = TokenEntry { id, name, role, hash: fingerprint, created, expires, revoked: None };
        Ok(Self { secret: token.into(), entry })
    }
}

/// The public part of a token that was shown, if it looks like one.
pub(super) fn id_of(token: &str) -> Option<TokenId> {
    let (id, secret) = token.strip_prefix(PREFIX)?.split_once('_')?;
    if secret.len() == 2 * SECRET_BYTES { TokenId::new(id).ok() } else { None }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn new_token() -> NewToken {
        let name = UserName::new("gpu-farm").unwrap();
        NewToken::new(name, Role::Worker, Utc::from_unix(1_800_000_000), None).unwrap()
    }

    #[test]
    fn a_token_has_256_random_bits_and_names_its_entry() {
        let (one, other) = (new_token(), new_token());
        let (id, secret) =
            one.secret.expose_secret().strip_prefix("basin_").unwrap().split_once('_').unwrap();
        assert_eq!((id, secret.len()), (one.entry.id.as_str(), 64));
        assert_eq!(id_of(one.secret.expose_secret()), Some(one.entry.id.clone()));
        assert_ne!(one.secret.expose_secret(), other.secret.expose_secret());
        assert_eq!(one.entry.hash, Fingerprint::of(one.secret.expose_secret()));
        assert_ne!(one.entry.hash, Fingerprint::of(other.secret.expose_secret()));
    }

    #[test]
    fn neither_a_token_nor_its_hash_is_shown_by_accident() {
        let new_token = new_token();
        let shown = format!("{new_token:?}");
        assert!(!shown.contains(&new_token.secret.expose_secret()[19..]), "{shown}");
        assert!(!shown.contains(&String::from(new_token.entry.hash.clone())), "{shown}");
    }

    #[test]
    fn what_is_no_token_names_nothing() {
        for text in
            ["", "basin_", "basin_abc", "basin_abc_def", "other_000000000000_00", "basin__", "basin_\u{fc}_"]
        {
            assert_eq!(id_of(text), None, "{text}");
        }
    }
}
