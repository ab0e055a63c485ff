//! A decoded file as it is written.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use basin_domain::digest::Digest;

use super::super::DatasetError;
use super::super::decoded::{Decoded, DecodedInputs, DecodedSplit, DecodedTargets};
use super::super::little_endian::{f32s_of, u32s_of};
use super::header::Header;
use super::{ALIGNMENT, LONGEST_HEADER, MAGIC, PREFIX};

/// Writes `decoded` to `to`, wholly or not at all, and gives the file's digest and header.
///
/// # Errors
/// [`DatasetError::TooManyNames`] if the names of the classes are too long for a header; if the file can't be written.
pub(in super::super) fn write(decoded: &Decoded, to: &Path) -> Result<(Digest, Header), DatasetError> {
    let header = Header::of(decoded);
    let json = header.json();
    if json.len() > LONGEST_HEADER {
        return Err(DatasetError::TooManyNames { classes: header.classes.len() });
    }
    let version: u32 = if header.has_short_labels { 1 } else { 2 };
    let mut start = Vec::with_capacity(PREFIX + json.len() + ALIGNMENT);
    start.extend_from_slice(MAGIC);
    start.extend_from_slice(&version.to_le_bytes());
    start.extend_from_slice(&u32::try_from(json.len()).expect("a header is short").to_le_bytes());
    start.extend_from_slice(&json);
    let mut parts = vec![Cow::Owned(start)];
    if !header.has_short_labels {
        for statistics in [&header.mean, &header.std, &header.value_mean, &header.value_std] {
            parts.push(Cow::Owned(f32s_of(statistics)));
        }
    }
    for DecodedSplit { inputs, targets } in [&decoded.train, &decoded.test] {
        parts.push(match inputs {
            DecodedInputs::Bytes(bytes) => Cow::Borrowed(&bytes[..]),
            DecodedInputs::Floats(numbers) => Cow::Owned(f32s_of(numbers)),
            DecodedInputs::Tokens(tokens) => Cow::Owned(u32s_of(tokens)),
        });
        parts.push(Cow::Owned(match targets {
            DecodedTargets::Labels(labels) if header.has_short_labels => {
                labels.iter().map(|&label| label as u8).collect()
            }
            DecodedTargets::Labels(labels) => u32s_of(labels),
            DecodedTargets::Values(values) => f32s_of(values),
        }));
    }
    // Of images, the first part alone is filled up: the format of before. Nothing follows the last.
    let last = parts.len() - 1;
    let mut aligned = Vec::with_capacity(2 * parts.len());
    for (index, part) in parts.into_iter().enumerate() {
        let zeros = part.len().next_multiple_of(ALIGNMENT) - part.len();
        aligned.push(part);
        if index == 0 || !header.has_short_labels && index < last {
            aligned.push(Cow::Owned(vec![0; zeros]));
        }
    }
    let mut hasher = blake3::Hasher::new();
    for part in &aligned {
        hasher.update(part);
    }
    let digest = Digest::from_bytes(*hasher.finalize().as_bytes());
    write_atomically(to, &aligned).map_err(DatasetError::write(to))?;
    Ok((digest, header))
}

/// Writes `parts` one after another into a file beside `to`, syncs it and renames it to `to`.
fn write_atomically(to: &Path, parts: &[Cow<'_, [u8]>]) -> io::Result<()> {
    let folder = match to.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    fs::create_dir_all(&folder)?;
    let name = to.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no file name"))?;
    // Whoever writes the same data set at once writes the same bytes: each into a file of its own, the last rename wins. Process ids don't tell
    // them apart: workers in containers that share the folder are all process 1.
    let prefix = format!(".{}.", name.to_string_lossy());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".partial");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut file = BufWriter::new(builder.tempfile_in(&folder)?);
    for part in parts {
        file.write_all(part)?;
    }
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    file.persist(to).map_err(|error| error.error)?;
    File::open(&folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_writes_the_same_file_at_once_leaves_it_whole_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("data.basin");
        let (one, two) = (vec![1_u8; 1 << 20], vec![2_u8; 1 << 20]);
        let parts: [Cow<'_, [u8]>; 2] = [Cow::Borrowed(&one), Cow::Borrowed(&two)];
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| write_atomically(&to, &parts).unwrap());
            }
        });
        assert_eq!(fs::read(&to).unwrap(), [one.clone(), two.clone()].concat());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
