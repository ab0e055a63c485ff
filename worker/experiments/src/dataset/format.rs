//! The decoded file, `data.basin`: what every executor on a machine maps.
//!
//! ```text
//! magic        8 bytes, "basin\0ds"
//! version      u32, little-endian
//! header size  u32, little-endian
//! header       JSON, see [`Header`]
//! zeros        up to a multiple of 64
//! train images u8 [train, channels, height, width]
//! train labels u8 [train]
//! test images  u8 [test, channels, height, width]
//! test labels  u8 [test]
//! ```
//!
//! The bytes depend on the decoded images alone, so their digest names the data set.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use basin_domain::digest::Digest;
use serde::{Deserialize, Serialize};

use super::DatasetError;
use super::decoded::{ChannelStatistics, Decoded};

const MAGIC: &[u8; 8] = b"basin\0ds";
const VERSION: u32 = 1;
const PREFIX: usize = 16;
const ALIGNMENT: usize = 64;
/// Far above any header that is written, far below what would hurt.
const LONGEST_HEADER: usize = 64 * 1024;

/// The header of a decoded file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) channels: u32,
    pub(super) height: u32,
    pub(super) width: u32,
    pub(super) classes: Vec<String>,
    pub(super) train: u64,
    pub(super) test: u64,
    pub(super) mean: Vec<f32>,
    pub(super) std: Vec<f32>,
}

/// Where in the file the parts lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) train_images: Range<usize>,
    pub(super) train_labels: Range<usize>,
    pub(super) test_images: Range<usize>,
    pub(super) test_labels: Range<usize>,
}

impl Header {
    pub(super) fn of(decoded: &Decoded) -> Self {
        let ChannelStatistics { mean, std } = decoded.standardisation();
        Self {
            name: decoded.name.to_owned(),
            channels: decoded.channels,
            height: decoded.height,
            width: decoded.width,
            classes: decoded.classes.iter().map(|&class| class.to_owned()).collect(),
            train: decoded.train.labels.len() as u64,
            test: decoded.test.labels.len() as u64,
            mean,
            std,
        }
    }

    /// Why the header can't be right, if it can't.
    fn fault(&self) -> Option<String> {
        if self.channels == 0 || self.height == 0 || self.width == 0 || self.train == 0 {
            return Some("it has no images".to_owned());
        }
        if self.classes.is_empty() || self.classes.len() > 256 {
            return Some(format!("it has {} classes", self.classes.len()));
        }
        let channels = self.channels as usize;
        if self.mean.len() != channels || self.std.len() != channels {
            return Some("mean and deviation aren't one number a channel".to_owned());
        }
        if !self.mean.iter().chain(&self.std).all(|value| value.is_finite())
            || self.std.iter().any(|&std| std <= 0.0)
        {
            return Some("mean or deviation is no usable number".to_owned());
        }
        None
    }

    /// The parts behind a header that ends at `start`; none if they would overflow.
    fn parts(&self, start: usize) -> Option<Parts> {
        let image =
            (self.channels as usize).checked_mul(self.height as usize)?.checked_mul(self.width as usize)?;
        let mut end = start;
        let mut next = |size: usize| {
            let begin = end;
            end = end.checked_add(size)?;
            Some(begin..end)
        };
        let (train, test) = (usize::try_from(self.train).ok()?, usize::try_from(self.test).ok()?);
        Some(Parts {
            train_images: next(train.checked_mul(image)?)?,
            train_labels: next(train)?,
            test_images: next(test.checked_mul(image)?)?,
            test_labels: next(test)?,
        })
    }
}

/// Reads and checks the header of a decoded file and the sizes and labels behind it.
///
/// # Errors
/// [`DatasetError::Damaged`] with the first thing that is wrong.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<(Header, Parts), DatasetError> {
    let damaged = |reason: String| DatasetError::Damaged { path: path.to_owned(), reason };
    if bytes.len() < PREFIX || &bytes[..8] != MAGIC {
        return Err(damaged("it doesn't start as one".to_owned()));
    }
    let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    if word(8) != VERSION {
        return Err(damaged(format!("its format is version {}, not {VERSION}", word(8))));
    }
    let length = word(12) as usize;
    if length > LONGEST_HEADER || bytes.len() < PREFIX + length {
        return Err(damaged(format!("its header of {length} bytes doesn't fit")));
    }
    let header: Header = serde_json::from_slice(&bytes[PREFIX..PREFIX + length])
        .map_err(|error| damaged(format!("its header can't be read: {error}")))?;
    if let Some(fault) = header.fault() {
        return Err(damaged(fault));
    }
    let parts = header
        .parts((PREFIX + length).next_multiple_of(ALIGNMENT))
        .ok_or_else(|| damaged("its sizes overflow".to_owned()))?;
    if parts.test_labels.end != bytes.len() {
        return Err(damaged(format!(
            "it holds {} bytes where its header says {}",
            bytes.len(),
            parts.test_labels.end
        )));
    }
    let classes = header.classes.len();
    for labels in [&parts.train_labels, &parts.test_labels] {
        if let Some(&label) = bytes[labels.clone()].iter().find(|&&label| usize::from(label) >= classes) {
            return Err(damaged(format!("it has a label {label} and only {classes} classes")));
        }
    }
    Ok((header, parts))
}

/// Writes `decoded` to `to`, wholly or not at all, and gives the file's digest and header.
///
/// # Errors
/// If the file can't be written.
pub(super) fn write(decoded: &Decoded, to: &Path) -> Result<(Digest, Header), DatasetError> {
    let header = Header::of(decoded);
    let json = serde_json::to_vec(&header).expect("a header has text keys and finite numbers only");
    let mut start = Vec::with_capacity(PREFIX + json.len() + ALIGNMENT);
    start.extend_from_slice(MAGIC);
    start.extend_from_slice(&VERSION.to_le_bytes());
    start.extend_from_slice(&u32::try_from(json.len()).expect("a header is short").to_le_bytes());
    start.extend_from_slice(&json);
    start.resize(start.len().next_multiple_of(ALIGNMENT), 0);

    let parts: [&[u8]; 5] =
        [&start, &decoded.train.images, &decoded.train.labels, &decoded.test.images, &decoded.test.labels];
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    let digest = Digest::from_bytes(*hasher.finalize().as_bytes());
    write_atomically(to, &parts).map_err(DatasetError::write(to))?;
    Ok((digest, header))
}

/// Writes `parts` one after another into a file beside `to`, syncs it and renames it to `to`.
fn write_atomically(to: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let folder = match to.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    fs::create_dir_all(&folder)?;
    let name = to.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no file name"))?;
    // Processes that write the same data set at once write the same bytes: each into its own file, the last rename wins.
    let partial = folder.join(format!(".{}.{}.partial", name.to_string_lossy(), std::process::id()));
    let written = (|| {
        let mut file = BufWriter::new(File::create(&partial)?);
        for part in parts {
            file.write_all(part)?;
        }
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&partial, to)?;
        File::open(&folder)?.sync_all()
    })();
    if written.is_err() {
        // The first error is the one to report.
        fs::remove_file(&partial).ok();
    }
    written
}
