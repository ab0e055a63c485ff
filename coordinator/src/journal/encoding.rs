//! Events and snapshots as bytes: JSON, compressed with zstd where it is long, under BLAKE3 digests.

use basin_core::{Event, Snapshot};
use basin_domain::digest::Digest;

use super::Damage;

/// Shorter texts stay as they are, for people who open the journal with other tools.
const COMPRESS_FROM: usize = 4096;
/// Compresses JSON about tenfold at some 500 MB/s; higher levels gain little here.
const LEVEL: i32 = 1;
/// The first bytes of a zstd frame (RFC 8878, section 3.1.1); no JSON begins with them.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A snapshot as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedSnapshot {
    /// The last batch that it contains.
    pub sequence: u64,
    /// The digest of `bytes`.
    pub digest: Digest,
    /// The snapshot.
    pub bytes: Vec<u8>,
}

impl EncodedSnapshot {
    /// Encodes a snapshot that contains the batches up to `sequence`. Takes some time: not for the writer's thread.
    pub fn new(sequence: u64, snapshot: &Snapshot) -> Self {
        let bytes = compressed(serde_json::to_vec(snapshot).expect("a snapshot has text keys only"));
        Self { sequence, digest: Digest::of(&bytes), bytes }
    }

    /// The snapshot.
    ///
    /// # Errors
    /// If the bytes have changed.
    pub fn decode(&self) -> Result<Snapshot, Damage> {
        if Digest::of(&self.bytes) != self.digest {
            return Err(Damage::Changed);
        }
        parse(&self.bytes)
    }
}

/// A batch of events as bytes.
pub(super) fn encode_events(events: &[Event]) -> Vec<u8> {
    compressed(serde_json::to_vec(events).expect("events have text keys only"))
}

/// The events of a batch.
pub(super) fn decode_events(bytes: &[u8]) -> Result<Vec<Event>, Damage> {
    parse(bytes)
}

/// The digest after this batch, given the one before it: a batch that is changed, left out or moved breaks all later ones.
pub(super) fn link(before: &Digest, sequence: u64, bytes: &[u8]) -> Digest {
    let mut text = Vec::with_capacity(bytes.len() + 40);
    text.extend_from_slice(before.as_bytes());
    text.extend_from_slice(&sequence.to_le_bytes());
    text.extend_from_slice(bytes);
    Digest::of(&text)
}

/// The digest before the first batch.
pub(super) fn first_link() -> Digest {
    Digest::of(b"basin journal")
}

fn compressed(text: Vec<u8>) -> Vec<u8> {
    if text.len() < COMPRESS_FROM {
        return text;
    }
    zstd::encode_all(&text[..], LEVEL).expect("memory can be read, and level 1 exists")
}

fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Damage> {
    // The digest fits, so it is what was written.
    let unreadable = |error: serde_json::Error| match error.is_data() {
        true => Damage::Newer,
        false => Damage::Unreadable,
    };
    if bytes.starts_with(&ZSTD) {
        let text = zstd::decode_all(bytes).map_err(|_| Damage::Unreadable)?;
        serde_json::from_slice(&text).map_err(unreadable)
    } else {
        serde_json::from_slice(bytes).map_err(unreadable)
    }
}
