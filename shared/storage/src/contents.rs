//! The size and digest of an object's contents.

use std::path::Path;

use basin_domain::digest::Digest;
use serde::{Deserialize, Serialize};

use crate::{Result, StorageError};

/// Size and digest: enough to tell whether bytes are the right ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Bytes.
    pub size: u64,
    /// Their BLAKE3 digest.
    pub digest: Digest,
}

impl Contents {
    /// Those of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self { size: bytes.len() as u64, digest: Digest::of(bytes) }
    }

    /// The defect of `found` where these were expected, if anything.
    pub(crate) fn differ_from(&self, found: &Self) -> Option<String> {
        if self.size != found.size {
            return Some(format!("it has {} bytes, not {}", found.size, self.size));
        }
        (self.digest != found.digest)
            .then(|| format!("its digest is {}…, not {}…", found.digest.short(), self.digest.short()))
    }

    /// Refuses those of a file if they should have another digest.
    pub(crate) fn check_file(&self, file: &Path, expected: Option<Digest>) -> Result<()> {
        match expected.filter(|expected| *expected != self.digest) {
            None => Ok(()),
            Some(expected) => {
                let why = format!("its digest is {}…, not {}…", self.digest.short(), expected.short());
                Err(StorageError::OtherContents { path: file.to_owned(), why })
            }
        }
    }
}

/// Counts and hashes bytes as they pass.
#[derive(Default)]
pub(crate) struct ContentsHasher {
    size: u64,
    hasher: blake3::Hasher,
}

impl ContentsHasher {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.hasher.update(bytes);
    }

    pub(crate) fn finish(&self) -> Contents {
        Contents { size: self.size, digest: Digest::from_bytes(*self.hasher.finalize().as_bytes()) }
    }
}
