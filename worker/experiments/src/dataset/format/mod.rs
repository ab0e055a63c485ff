//! The decoded file, `data.basin`: what every executor on a machine maps.
//!
//! ```text
//! magic        8 bytes, "basin\0ds"
//! version      u32, little-endian: 1 or 2
//! header size  u32, little-endian
//! header       JSON, see [`header`]
//! zeros        up to a multiple of 64
//! ```
//!
//! Version 1 holds images of bytes with at most 256 classes, and is still what is written of them:
//!
//! ```text
//! train images u8 [train, channels, height, width]
//! train labels u8 [train]
//! test images  u8 [test, channels, height, width]
//! test labels  u8 [test]
//! ```
//!
//! Version 2 holds everything else, each part little-endian and followed by zeros up to a multiple of 64:
//!
//! ```text
//! mean, deviation    f32 [channels] each, of the inputs; none of tokens
//! mean, deviation    f32 [values] each, of the targets; none of classes
//! train inputs       u8, f32 or u32 [train, shape…]
//! train targets      u32 [train] of classes, f32 [train, values]
//! test inputs, test targets
//! ```
//!
//! The bytes depend on the decoded examples alone, so their digest names the data set.

use std::path::Path;

use basin_domain::data::Element;

use super::DatasetError;
use super::little_endian::{f32s, u32s};

mod header;
mod write;

pub(super) use header::{Header, Parts};
use header::{HeaderOfAny, HeaderOfImages};
pub(super) use write::write;

const MAGIC: &[u8; 8] = b"basin\0ds";
const PREFIX: usize = 16;
const ALIGNMENT: usize = 64;
/// No header is longer: planning reads so much of the file.
const LONGEST_HEADER: usize = 64 * 1024;

/// Reads and checks the header of a decoded file and the sizes, labels and tokens behind it.
///
/// # Errors
/// [`DatasetError::Damaged`] with the first thing that is wrong.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<(Header, Parts), DatasetError> {
    read(bytes).map_err(|reason| DatasetError::Damaged { path: path.to_owned(), reason })
}

fn read(bytes: &[u8]) -> Result<(Header, Parts), String> {
    if bytes.len() < PREFIX || &bytes[..8] != MAGIC {
        return Err("it doesn't start as one".to_owned());
    }
    let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let length = word(12) as usize;
    if length > LONGEST_HEADER || bytes.len() < PREFIX + length {
        return Err(format!("its header of {length} bytes doesn't fit"));
    }
    let json = &bytes[PREFIX..PREFIX + length];
    let unreadable = |error| format!("its header can't be read: {error}");
    let mut header = match word(8) {
        1 => serde_json::from_slice::<HeaderOfImages>(json).map(Header::from).map_err(unreadable)?,
        2 => serde_json::from_slice::<HeaderOfAny>(json).map(Header::from).map_err(unreadable)?,
        other => return Err(format!("its format is version {other}, not 1 or 2")),
    };
    if let Some(fault) = header.fault() {
        return Err(fault);
    }
    let overflow = || "its sizes overflow".to_owned();
    let mut start = (PREFIX + length).next_multiple_of(ALIGNMENT);
    let mut alignment = 1;
    if !header.has_short_labels {
        let channels = if header.element == Element::Token { 0 } else { header.shape[0] as usize };
        for (count, part) in [
            (channels, &mut header.mean),
            (channels, &mut header.std),
            (header.values as usize, &mut header.value_mean),
            (header.values as usize, &mut header.value_std),
        ] {
            let end = count.checked_mul(4).and_then(|size| start.checked_add(size)).ok_or_else(overflow)?;
            *part = f32s(bytes.get(start..end).ok_or_else(overflow)?).collect();
            start = end.next_multiple_of(ALIGNMENT);
        }
        alignment = ALIGNMENT;
    }
    if let Some(fault) = header.fault_of_statistics() {
        return Err(fault);
    }
    let parts = header.parts(start, alignment).ok_or_else(overflow)?;
    if parts.test_targets.end != bytes.len() {
        let (found, said) = (bytes.len(), parts.test_targets.end);
        return Err(format!("it holds {found} bytes where its header says {said}"));
    }
    check_examples(&header, &parts, bytes)?;
    Ok((header, parts))
}

/// Every label names a class, and every token is one of the vocabulary.
fn check_examples(header: &Header, parts: &Parts, bytes: &[u8]) -> Result<(), String> {
    let classes = header.classes.len();
    for part in [&parts.train_targets, &parts.test_targets] {
        let bytes = &bytes[part.clone()];
        let wrong = match (header.has_short_labels, header.values) {
            (true, _) => bytes.iter().map(|&label| u32::from(label)).find(|&it| it as usize >= classes),
            (false, 0) => u32s(bytes).find(|&label| label as usize >= classes),
            (false, _) => None,
        };
        if let Some(label) = wrong {
            return Err(format!("it has a label {label} and only {classes} classes"));
        }
    }
    if header.element == Element::Token {
        for part in [&parts.train_inputs, &parts.test_inputs] {
            let mut tokens = u32s(&bytes[part.clone()]);
            if let Some(token) = tokens.find(|&token| token >= header.vocabulary) {
                return Err(format!("it has a token {token} and only {} different ones", header.vocabulary));
            }
        }
    }
    Ok(())
}
