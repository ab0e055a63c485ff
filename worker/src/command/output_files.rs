//! The files that a program leaves: they are committed beside its metrics.

use std::path::{Path, PathBuf};
use std::{fs, io};

use basin_storage::is_artifact_name;

/// The most files that a program may leave.
const MOST_FILES: usize = 1_000;
/// The names of such artifacts begin with this.
const PREFIX: &str = "output-";

/// Files that can't be committed.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutputError {
    /// A store doesn't take the name.
    #[error(
        "its output {0:?} can't be committed: names have up to 233 letters, digits, `-`, `_`, `.`, `=`, `+` and `@`"
    )]
    Name(PathBuf),
    /// It is no plain file.
    #[error("its output {0:?} can't be committed: it is no plain file")]
    NoFile(PathBuf),
    /// There are too many.
    #[error("it left more than {MOST_FILES} files")]
    TooMany,
    /// They can't be read.
    #[error("its outputs can't be read")]
    File(#[from] io::Error),
}

/// Moves the files of `from` into `to`, under the names of their artifacts; those, in their order.
///
/// # Errors
/// If one can't be committed.
pub(super) fn collect(from: &Path, to: &Path) -> Result<Vec<PathBuf>, OutputError> {
    let mut collected = Vec::new();
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = PathBuf::from(entry.file_name());
        if !entry.metadata()?.is_file() {
            return Err(OutputError::NoFile(name));
        }
        let artifact = name.to_str().map(|name| format!("{PREFIX}{name}")).filter(|it| is_artifact_name(it));
        let artifact = artifact.ok_or(OutputError::Name(name))?;
        if collected.len() == MOST_FILES {
            return Err(OutputError::TooMany);
        }
        let path = to.join(artifact);
        fs::rename(entry.path(), &path)?;
        collected.push(path);
    }
    collected.sort();
    Ok(collected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_files_with_plain_names_are_taken_and_others_named() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(from.path().join("b.csv"), "b").unwrap();
        fs::write(from.path().join("a.pt"), "a").unwrap();
        let names = ["output-a.pt", "output-b.csv"].map(|name| to.path().join(name));
        assert_eq!(collect(from.path(), to.path()).unwrap(), names);
        assert_eq!(fs::read(&names[0]).unwrap(), b"a");
        fs::write(from.path().join("a b"), "").unwrap();
        assert!(matches!(collect(from.path(), to.path()), Err(OutputError::Name(_))));
        fs::remove_file(from.path().join("a b")).unwrap();
        fs::create_dir(from.path().join("folder")).unwrap();
        assert!(matches!(collect(from.path(), to.path()), Err(OutputError::NoFile(_))));
    }

    /// Why the one output of this name can't be taken.
    fn refused(make: impl FnOnce(&Path)) -> OutputError {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        make(from.path());
        let error = collect(from.path(), to.path()).unwrap_err();
        assert_eq!(fs::read_dir(to.path()).unwrap().count(), 0, "nothing is left of it");
        error
    }

    #[test]
    fn a_link_is_never_followed_out_of_the_folder() {
        let link = |to: &'static str| {
            move |folder: &Path| std::os::unix::fs::symlink(to, folder.join("link")).unwrap()
        };
        for to in ["/etc/hostname", "/", "/nowhere/at-all", "link"] {
            assert!(
                matches!(refused(link(to)), OutputError::NoFile(name) if name == Path::new("link")),
                "{to}"
            );
        }
        let socket = |folder: &Path| drop(std::os::unix::net::UnixListener::bind(folder.join("s")).unwrap());
        assert!(matches!(refused(socket), OutputError::NoFile(_)));
    }

    #[test]
    fn names_that_no_store_takes_are_named_in_the_refusal() {
        use std::os::unix::ffi::OsStrExt;
        let bytes = [&b"a\nb"[..], b"\x1b[31m", b"\xff", "ü".as_bytes(), b"a\\b", b"a:b", &[b'x'; 234]];
        for name in bytes {
            let name = std::ffi::OsStr::from_bytes(name);
            let error = refused(|folder| fs::write(folder.join(name), "").unwrap());
            let OutputError::Name(found) = &error else { panic!("{error:?}") };
            assert_eq!(found.as_os_str(), name);
            // As it is said, it can't play tricks on a terminal.
            assert!(!error.to_string().contains(char::is_control), "{error}");
        }
    }

    #[test]
    fn the_longest_name_that_is_promised_is_taken() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(from.path().join("x".repeat(233)), "").unwrap();
        assert_eq!(collect(from.path(), to.path()).unwrap().len(), 1);
    }

    #[test]
    fn there_is_an_end_to_what_a_program_may_leave() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert!(collect(from.path(), to.path()).unwrap().is_empty());
        for number in 0..MOST_FILES {
            fs::write(from.path().join(number.to_string()), "").unwrap();
        }
        assert_eq!(collect(from.path(), to.path()).unwrap().len(), MOST_FILES);
        for number in 0..=MOST_FILES {
            fs::write(from.path().join(number.to_string()), "").unwrap();
        }
        assert!(matches!(collect(from.path(), to.path()), Err(OutputError::TooMany)));
        assert!(matches!(collect(&from.path().join("gone"), to.path()), Err(OutputError::File(_))));
    }
}
