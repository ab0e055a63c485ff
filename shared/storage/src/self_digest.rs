//! JSON documents that carry the digest of their own bytes: what was changed on the way back is noticed.
//!
//! The digest is the last field, and covers every byte before it; what follows it is fixed. So every byte is covered:
//!
//! ```text
//! {
//!   "task": "…",
//!   …,
//!   "digest": "<BLAKE3 of all bytes above this line but the comma's line end>"
//! }
//! ```

use basin_domain::digest::Digest;
use serde::Serialize;

/// The text between a document's own fields and the digest.
const BEFORE: &[u8] = b",\n  \"digest\": \"";
/// The text behind the digest.
const AFTER: &[u8] = b"\"\n}\n";
/// The characters of a digest in words.
const DIGITS: usize = 64;

/// How far a document proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SelfDigest {
    /// Every byte is what was written; the digest of its fields.
    Valid(Digest),
    /// It carries no digest: it is of before documents had one.
    Absent,
    /// Its bytes aren't those of its digest.
    Mismatch,
}

/// A document's bytes with their digest. The document serialises as an object with at least one field.
pub(crate) fn encode(document: &impl Serialize) -> Vec<u8> {
    let mut bytes = fields(document);
    let digest = Digest::of(&bytes).to_string();
    bytes.extend_from_slice(BEFORE);
    bytes.extend_from_slice(digest.as_bytes());
    bytes.extend_from_slice(AFTER);
    bytes
}

/// The digest that a document carries when it is sealed.
pub(crate) fn digest(document: &impl Serialize) -> Digest {
    Digest::of(&fields(document))
}

/// A document as it was written before documents carried a digest.
pub(crate) fn encode_without(document: &impl Serialize) -> Vec<u8> {
    let mut bytes = pretty(document);
    bytes.push(b'\n');
    bytes
}

/// Looks whether bytes are those of the digest that they carry.
pub(crate) fn check(bytes: &[u8]) -> SelfDigest {
    let tail = BEFORE.len() + DIGITS + AFTER.len();
    let Some((covered, trailer)) = bytes.len().checked_sub(tail).map(|at| bytes.split_at(at)) else {
        return SelfDigest::Absent;
    };
    let said = trailer.strip_prefix(BEFORE).and_then(|rest| rest.strip_suffix(AFTER));
    let Some(said) = said.and_then(|said| std::str::from_utf8(said).ok()) else { return SelfDigest::Absent };
    match said.parse() {
        Ok(said) if Digest::of(covered) == said => SelfDigest::Valid(said),
        Ok(_) | Err(_) => SelfDigest::Mismatch,
    }
}

fn pretty(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(document).expect("a document has text keys only")
}

/// The pretty JSON without the end of its object.
fn fields(document: &impl Serialize) -> Vec<u8> {
    let mut bytes = pretty(document);
    let end = bytes.strip_suffix(b"\n}").expect("a document is an object with fields").len();
    bytes.truncate(end);
    bytes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn document() -> BTreeMap<&'static str, u32> {
        [("task", 1), ("attempt", 2)].into()
    }

    #[test]
    fn a_sealed_document_is_json_with_the_digest_of_its_fields() {
        let bytes = encode(&document());
        assert_eq!(check(&bytes), SelfDigest::Valid(digest(&document())));
        let read: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(read["digest"], digest(&document()).to_string());
        assert_eq!(read["attempt"], 2);
    }

    #[test]
    fn no_byte_of_a_sealed_document_changes_unnoticed() {
        let good = encode(&document());
        for at in 0..good.len() {
            for flip in [1, 0x20, 0x80] {
                let mut bytes = good.clone();
                bytes[at] ^= flip;
                assert!(!matches!(check(&bytes), SelfDigest::Valid(_)), "byte {at}");
            }
        }
        for length in 0..good.len() {
            assert!(!matches!(check(&good[..length]), SelfDigest::Valid(_)), "cut at {length}");
        }
    }

    #[test]
    fn a_document_of_before_has_no_seal() {
        assert_eq!(check(&encode_without(&document())), SelfDigest::Absent);
        assert_eq!(check(b""), SelfDigest::Absent);
    }
}
