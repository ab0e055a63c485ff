//! Files of the scratch folder, which an executor and its agent hand to each other: a disk lies between them.

use std::path::Path;
use std::{fs, io};

use basin_domain::digest::Digest;

/// A file that was written, and its contents' digest.
#[derive(Debug)]
pub(super) struct ScratchFile {
    pub(super) path: String,
    pub(super) digest: String,
}

/// Writes a file, all of it or nothing.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<ScratchFile> {
    fs::write(path, bytes).inspect_err(|_| drop(fs::remove_file(path)))?;
    Ok(ScratchFile { path: path.to_string_lossy().into_owned(), digest: Digest::of(bytes).to_string() })
}

/// Reads a file that has this digest, if one was told.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] if it has another, and if it can't be read.
pub(super) fn read(path: &Path, digest: Option<&str>) -> io::Result<Vec<u8>> {
    let bytes = fs::read(path)?;
    match digest {
        Some(digest) if Digest::of(&bytes).to_string() != digest => {
            Err(io::Error::new(io::ErrorKind::InvalidData, "it has changed since it was written"))
        }
        Some(_) | None => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_it_was_written_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let written = write(&path, b"weights").unwrap();
        assert_eq!(written.path, path.to_string_lossy());
        assert_eq!(read(&path, Some(&written.digest)).unwrap(), b"weights");
        fs::write(&path, b"weight5").unwrap();
        assert_eq!(read(&path, Some(&written.digest)).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(read(&path, None).unwrap(), b"weight5");
    }
}
