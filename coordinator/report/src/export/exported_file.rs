//! A file of an export.

use std::io::{self, Write};

/// Writes the contents of a file.
type WriteContents<'a> = Box<dyn FnOnce(&mut dyn Write) -> io::Result<()> + 'a>;

/// A file of an export, before it is written.
pub(super) struct ExportedFile<'a> {
    /// Its name within the form's folder, with `/` between the parts.
    pub(super) name: String,
    /// Writes its contents.
    pub(super) write: WriteContents<'a>,
}

impl<'a> ExportedFile<'a> {
    /// A file whose bytes are made when it is written.
    pub(super) fn of_bytes(name: impl Into<String>, bytes: impl FnOnce() -> Vec<u8> + 'a) -> Self {
        Self { name: name.into(), write: Box::new(move |out| out.write_all(&bytes())) }
    }

    /// A file with this text.
    pub(super) fn of_text(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text: String = text.into();
        Self::of_bytes(name, move || text.into_bytes())
    }
}
