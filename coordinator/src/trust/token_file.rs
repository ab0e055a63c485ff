//! The file of tokens: who may call, in which role, until when. It holds hashes and no secret.

use std::fmt;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use basin_domain::scheduling::UserName;
use basin_domain::utc::Utc;
use serde::{Deserialize, Serialize};

use super::Role;

/// The most tokens that a file may have, so that no mistake makes the coordinator grow without bound.
const LIMIT: usize = 10_000;
/// The largest file, in bytes.
const SIZE_LIMIT: u64 = 8 << 20;
/// The first line of the file.
const HEADER: &str = "# Who may call a Basin coordinator. Hashes only; written by `basin token`, read again as it changes.\n\n";

/// The public part of a token, by which it is found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenId(String);

/// The text is no token's public part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no token's id: 1 to 32 of the digits 0-9 and a-f are")]
pub struct InvalidTokenId(String);

impl TokenId {
    /// Checks `text` and makes it an id.
    ///
    /// # Errors
    /// If it has other characters than hexadecimal digits, or too many.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidTokenId> {
        let text = text.into();
        let fits = (1..=32).contains(&text.len())
            && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if fits { Ok(Self(text)) } else { Err(InvalidTokenId(text.chars().take(80).collect())) }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TokenId {
    type Error = InvalidTokenId;

    fn try_from(text: String) -> Result<Self, InvalidTokenId> {
        Self::new(text)
    }
}

impl From<TokenId> for String {
    fn from(id: TokenId) -> Self {
        id.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The hash of a token. Two are compared in constant time; it is never shown but in the file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(blake3::Hash);

impl Fingerprint {
    /// The hash of a whole token. One pass of BLAKE3 is enough: there are 2^256 tokens to guess among, and slow hashes are for
    /// passwords, of which there are few.
    pub fn of(token: &str) -> Self {
        Self(blake3::Hash::from_bytes(blake3::derive_key("basin 2026-11 token", token.as_bytes())))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Fingerprint(..)")
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = blake3::HexError;

    fn try_from(text: String) -> Result<Self, blake3::HexError> {
        blake3::Hash::from_hex(text).map(Self)
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.0.to_hex().to_string()
    }
}

/// The entry of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenEntry {
    /// Its public part.
    pub id: TokenId,
    /// Its name.
    pub name: UserName,
    /// Its owner's role.
    pub role: Role,
    /// Its hash.
    pub hash: Fingerprint,
    /// When it was made.
    pub created: Utc,
    /// From when on it is refused, by the coordinator's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Utc>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Utc>,
}

/// A file of tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenFile {
    /// In the order in which they were made.
    #[serde(default, rename = "token", skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<TokenEntry>,
}

/// A file of tokens that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// It can't be read.
    #[error("cannot read the tokens in {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It isn't what it should be.
    #[error("the tokens in {} make no sense: {why}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The defect.
        why: String,
    },
    /// It can't be written.
    #[error("cannot write the tokens to {}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl TokenFile {
    /// Reads a file.
    ///
    /// # Errors
    /// If it can't be read, or isn't a file of tokens.
    pub fn read(path: &Path) -> Result<Self, TokenFileError> {
        let unreadable = |source| TokenFileError::Unreadable { path: path.to_owned(), source };
        let malformed = |why: String| TokenFileError::Malformed { path: path.to_owned(), why };
        if std::fs::metadata(path).map_err(unreadable)?.len() > SIZE_LIMIT {
            return Err(malformed(format!("it is larger than {SIZE_LIMIT} bytes")));
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        // The library's own error would quote the line, which may have a hash in it.
        let file: Self = toml::from_str(&text).map_err(|error| malformed(error.message().to_owned()))?;
        if file.entries.len() > LIMIT {
            return Err(malformed(format!("it has more than {LIMIT} tokens")));
        }
        let mut ids: Vec<&TokenId> = file.entries.iter().map(|entry| &entry.id).collect();
        ids.sort_unstable();
        if let Some(twice) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(malformed(format!("the id {} is there twice", twice[0])));
        }
        Ok(file)
    }

    /// Changes a file: whole or not at all, one change at a time. It stays whose it was and readable by whom it was; one that isn't there is made,
    /// readable by its owner alone.
    ///
    /// # Errors
    /// If it can't be read or written, or if the change itself fails.
    pub fn change<T, E: From<TokenFileError>>(
        path: &Path,
        change: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let unwritable = |source| TokenFileError::Unwritable { path: path.to_owned(), source };
        // A link, as secrets of Kubernetes are, stays one.
        let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let folder = match target.parent() {
            Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
            Some(folder) => folder,
            None => Path::new("/"),
        };
        let lock = std::fs::File::open(folder).map_err(unwritable)?;
        lock.lock().map_err(unwritable)?;
        let mut file = match Self::read(&target) {
            Err(TokenFileError::Unreadable { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                Self::default()
            }
            read => read?,
        };
        let changed = change(&mut file)?;
        file.write(&target, folder).map_err(unwritable)?;
        Ok(changed)
    }

    fn write(&self, path: &Path, folder: &Path) -> std::io::Result<()> {
        let text = toml::to_string(self).map_err(std::io::Error::other)?;
        // Temporary files are readable by their owner alone.
        let mut written = tempfile::NamedTempFile::new_in(folder)?;
        if let Ok(before) = std::fs::metadata(path) {
            // The coordinator may run as another user than whoever changes its file.
            std::os::unix::fs::fchown(written.as_file(), Some(before.uid()), Some(before.gid()))?;
            written.as_file().set_permissions(before.permissions())?;
        }
        written.write_all(HEADER.as_bytes())?;
        written.write_all(text.as_bytes())?;
        written.as_file().sync_all()?;
        written.persist(path).map_err(|error| error.error)?;
        std::fs::File::open(folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::NewToken;
    use super::*;

    fn entry(name: &str) -> TokenEntry {
        let (name, created) = (UserName::new(name).unwrap(), Utc::from_unix(1_800_000_000));
        NewToken::new(name, Role::Worker, created, Some(Utc::from_unix(1_900_000_000))).unwrap().entry
    }

    fn add(path: &Path, entry: &TokenEntry) {
        let added = TokenFile::change(path, |file| {
            file.entries.push(entry.clone());
            Ok::<(), TokenFileError>(())
        });
        added.unwrap();
    }

    #[test]
    fn entries_survive_the_file_which_nobody_else_can_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.toml");
        let (first, second) = (entry("one"), entry("two"));
        add(&path, &first);
        add(&path, &second);
        assert_eq!(TokenFile::read(&path).unwrap().entries, [first, second]);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_file_that_its_owner_lets_others_read_stays_readable_by_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.toml");
        add(&path, &entry("one"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let before = std::fs::metadata(&path).unwrap();
        add(&path, &entry("two"));
        let after = std::fs::metadata(&path).unwrap();
        assert_eq!(after.permissions().mode() & 0o777, 0o640);
        assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
        assert_ne!(after.ino(), before.ino(), "it was written anew");
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        add(&link, &entry("one"));
        assert!(link.is_symlink());
        assert_eq!(TokenFile::read(&file).unwrap().entries.len(), 1);
    }

    #[test]
    fn changes_at_the_same_time_are_all_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.toml");
        std::thread::scope(|scope| {
            for number in 0..8 {
                let path = &path;
                scope.spawn(move || add(path, &entry(&format!("n{number}"))));
            }
        });
        assert_eq!(TokenFile::read(&path).unwrap().entries.len(), 8);
    }

    #[test]
    fn a_file_that_makes_no_sense_is_refused_without_showing_a_hash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.toml");
        let one = entry("one");
        add(&path, &one);
        let good = std::fs::read_to_string(&path).unwrap();
        let hash = String::from(one.hash);
        for (from, to) in [
            ("role = \"worker\"", "role = \"boss\""),
            ("expires", "expire"),
            (&hash[..], &hash[..20]),
            ("[[token]]", "[[token"),
            ("created = \"2", "created = \"soon 2"),
        ] {
            assert!(good.contains(from), "{from}: {good}");
            std::fs::write(&path, good.replacen(from, to, 1)).unwrap();
            let error = TokenFile::read(&path).unwrap_err();
            assert!(matches!(error, TokenFileError::Malformed { .. }), "{from}: {error}");
            assert!(!format!("{error} {error:?}").contains(&hash[..20]), "{error}");
        }
        std::fs::write(&path, format!("{good}{}", good.replace("# ", "# and "))).unwrap();
        assert!(TokenFile::read(&path).unwrap_err().to_string().contains("twice"));
    }

    #[test]
    fn ids_are_hexadecimal_digits() {
        for text in ["", "ABC", "g", "12 34", &"a".repeat(33)] {
            assert!(TokenId::new(text).is_err(), "{text:?}");
        }
    }
}
