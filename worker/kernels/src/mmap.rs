//! Files mapped into memory.

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::Mmap;

/// A file that is read through the page cache without being copied: data sets of many workers share one copy in memory.
#[derive(Debug)]
pub struct MappedFile {
    map: Mmap,
}

impl MappedFile {
    /// Maps the file for reading.
    ///
    /// The caller promises that nobody truncates or rewrites the file while it is mapped. Basin keeps this promise by naming
    /// such files by their content and by moving them into place only once they are whole.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: a map is unsound only if the file changes below it. The files that are opened here are written once under
        // another name, renamed into place and never written again (see the method's contract); the map is read-only.
        let map = unsafe { Mmap::map(&file)? };
        Ok(Self { map })
    }

    /// The file's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "Miri maps no files")]
    fn a_mapped_file_has_the_bytes_of_the_file() {
        let path = std::env::temp_dir().join(format!("basin-mapped-{}", std::process::id()));
        std::fs::write(&path, b"bytes").unwrap();
        let mapped = MappedFile::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(mapped.as_bytes(), b"bytes");
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error() {
        let error = MappedFile::open(Path::new("/nonexistent/file")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri maps no files")]
    fn a_file_without_bytes_has_none_and_a_folder_is_no_file() {
        let path = std::env::temp_dir().join(format!("basin-mapped-empty-{}", std::process::id()));
        std::fs::write(&path, b"").unwrap();
        let mapped = MappedFile::open(&path);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(mapped.unwrap().as_bytes(), b"");
        assert!(MappedFile::open(&std::env::temp_dir()).is_err());
    }
}
