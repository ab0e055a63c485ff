//! Files that nobody sees half of.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::error::ReportError;
use super::folder::temporary;

/// Writes a file of these bytes, in the place of one that is there. Nobody sees half of it.
///
/// # Errors
/// If it can't be written.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    write_atomically(path, |file| file.write_all(bytes))
}

/// Writes a file beside its place and moves it there: nobody sees half of it.
pub(crate) fn write_atomically(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<fs::File>) -> io::Result<()>,
) -> Result<(), ReportError> {
    write_by_way_of(path.parent().unwrap_or(Path::new(".")), path, write)
}

/// The same by way of another folder of the same file system: where what is half written would be read, too.
pub(crate) fn write_by_way_of(
    folder: &Path,
    path: &Path,
    write: impl FnOnce(&mut BufWriter<fs::File>) -> io::Result<()>,
) -> Result<(), ReportError> {
    let attempt = || {
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        let temporary = folder.join(temporary::name(&path.file_name().unwrap_or_default().to_string_lossy()));
        let mut file = BufWriter::new(fs::File::create(&temporary)?);
        write(&mut file).and_then(|()| file.flush()).and_then(|()| fs::rename(&temporary, path)).inspect_err(
            |_| {
                // The rest of it is of no use; the error that is returned says what went wrong.
                let _ = fs::remove_file(&temporary);
            },
        )
    };
    attempt().map_err(|source| ReportError::File { path: path.to_owned(), source })
}
