//! How a data set is named: `cifar10`, or one version of it, `cifar10@1a2b3c4d5e`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::id::DatasetName;
use crate::lookup::Named;

/// The fewest digits that name a version: fewer fit another one too soon.
const SHORTEST: usize = 4;

/// The beginning of the digest of a data set's contents: 4 to 64 hexadecimal digits in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionPrefix(String);

impl VersionPrefix {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The prefix that is the whole digest.
    pub fn of(digest: &Digest) -> Self {
        Self(digest.to_string())
    }

    /// Whether it names these contents.
    pub fn fits(&self, digest: &Digest) -> bool {
        digest.begins_with(&self.0)
    }
}

impl fmt::Display for VersionPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A data set as people name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DatasetReference {
    /// Its name.
    pub name: DatasetName,
    /// One version of it; the current one if none is given.
    pub version: Option<VersionPrefix>,
}

/// The text names no data set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReference {
    /// The part before the `@` can't be a name.
    #[error(transparent)]
    Name(#[from] crate::id::InvalidId),
    /// The part behind the `@` can't be the beginning of a digest.
    #[error(
        "`{0}` names no version: {SHORTEST} to 64 hexadecimal digits in lower case do, the beginning of its digest"
    )]
    Version(String),
}

impl From<DatasetName> for DatasetReference {
    fn from(name: DatasetName) -> Self {
        Self { name, version: None }
    }
}

impl FromStr for DatasetReference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let Some((name, version)) = text.split_once('@') else {
            return Ok(Self { name: DatasetName::new(text)?, version: None });
        };
        let fits = (SHORTEST..=64).contains(&version.len())
            && version.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !fits {
            return Err(InvalidReference::Version(version.chars().take(80).collect()));
        }
        Ok(Self { name: DatasetName::new(name)?, version: Some(VersionPrefix(version.to_owned())) })
    }
}

impl fmt::Display for DatasetReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            Some(version) => write!(f, "{}@{version}", self.name),
            None => self.name.fmt(f),
        }
    }
}

impl TryFrom<String> for DatasetReference {
    type Error = InvalidReference;

    fn try_from(text: String) -> Result<Self, InvalidReference> {
        text.parse()
    }
}

impl From<DatasetReference> for String {
    fn from(reference: DatasetReference) -> Self {
        reference.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_survives_its_text() {
        for text in ["cifar10", "cifar10@1a2b", "fashion-mnist@0123456789abcdef"] {
            assert_eq!(text.parse::<DatasetReference>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["cifar10@", "cifar10@1a2", "cifar10@1A2B", "cifar10@1a2b@3", "@1a2b", "a/b@1a2b"] {
            assert!(text.parse::<DatasetReference>().is_err(), "{text}");
        }
        assert!(format!("cifar10@{}", "a".repeat(65)).parse::<DatasetReference>().is_err());
    }
}
