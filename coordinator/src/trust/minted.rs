//! New tokens, and the reading of those that are shown.

use std::fmt;

use basin_domain::share::UserName;
use basin_domain::utc::Utc;

use super::{Entry, Fingerprint, Role, TokenId};

/// What every token begins with: a scanner that looks for leaked secrets knows it by this.
const PREFIX: &str = "basin_";
/// Random bytes of the public part: enough that no two tokens of a site share it.
const ID_BYTES: usize = 6;
/// Random bytes of the secret.
const SECRET_BYTES: usize = 32;

/// A whole token, `basin_<id>_<secret>`: shown once, never kept.
pub struct Secret(String);

impl Secret {
    /// The text to hand to whom it is for.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

/// A new token, and what is kept of it.
#[derive(Debug)]
pub struct Minted {
    /// The token itself.
    pub secret: Secret,
    /// What a file of tokens keeps: no secret.
    pub entry: Entry,
}

impl Minted {
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
        let entry = Entry { id, name, role, hash: fingerprint, created, expires, revoked: None };
        Ok(Self { secret: Secret(token), entry })
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
    use super::*;

    fn minted() -> Minted {
        let name = UserName::new("gpu-farm").unwrap();
        Minted::new(name, Role::Worker, Utc::from_unix(1_800_000_000), None).unwrap()
    }

    #[test]
    fn a_token_has_256_random_bits_and_names_its_entry() {
        let (one, other) = (minted(), minted());
        let (id, secret) = one.secret.reveal().strip_prefix("basin_").unwrap().split_once('_').unwrap();
        assert_eq!((id, secret.len()), (one.entry.id.as_str(), 64));
        assert_eq!(id_of(one.secret.reveal()), Some(one.entry.id.clone()));
        assert_ne!(one.secret.reveal(), other.secret.reveal());
        assert_eq!(one.entry.hash, Fingerprint::of(one.secret.reveal()));
        assert_ne!(one.entry.hash, Fingerprint::of(other.secret.reveal()));
    }

    #[test]
    fn neither_a_token_nor_its_hash_is_shown_by_accident() {
        let minted = minted();
        let shown = format!("{minted:?}");
        assert!(!shown.contains(&minted.secret.reveal()[19..]), "{shown}");
        assert!(!shown.contains(&String::from(minted.entry.hash.clone())), "{shown}");
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
