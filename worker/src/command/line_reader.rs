//! The file into which a program writes its lines, read while it grows.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The longest line, in bytes.
pub(super) const LONGEST_LINE: usize = 64 << 10;
/// The most that a program may write, in bytes: it must not fill the worker's disk.
pub(super) const MOST_BYTES: u64 = 256 << 20;
/// How much is read at a time.
const CHUNK: u64 = 256 << 10;

/// Why a program's lines can't be read on.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    /// A line is too long.
    #[error("line {line} of its metrics is longer than {LONGEST_LINE} bytes")]
    TooLong {
        /// The line's number, from 1.
        line: u64,
    },
    /// There is too much of it.
    #[error("it wrote more than {} MiB of metrics", MOST_BYTES >> 20)]
    TooMuch,
    /// A line isn't UTF-8.
    #[error("line {line} of its metrics is no text")]
    NoText {
        /// The line's number, from 1.
        line: u64,
    },
    /// The file can't be read.
    #[error("its metrics can't be read")]
    File(#[from] io::Error),
}

/// Reads the lines of a file that grows.
#[derive(Debug)]
pub(super) struct LineReader {
    file: File,
    bytes: u64,
    /// The number of the last line that was read.
    line: u64,
    /// The beginning of the next line.
    unfinished: Vec<u8>,
}

impl LineReader {
    /// Makes an empty file, and reads it from its beginning.
    ///
    /// # Errors
    /// If it can't be made.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        File::create(path)?;
        Ok(Self { file: File::open(path)?, bytes: 0, line: 0, unfinished: Vec::new() })
    }

    /// The lines that are whole since the last call, as far as they are read at a time; each with its number.
    pub(super) fn read(&mut self) -> Result<Vec<(u64, String)>, LineError> {
        let mut new = Vec::new();
        self.bytes += (&self.file).take(CHUNK).read_to_end(&mut new)? as u64;
        if self.bytes > MOST_BYTES {
            return Err(LineError::TooMuch);
        }
        let mut lines = Vec::new();
        for part in new.split_inclusive(|byte| *byte == b'\n') {
            self.unfinished.extend_from_slice(part);
            if part.ends_with(b"\n") {
                lines.extend(self.end_line()?);
            } else if self.unfinished.len() > LONGEST_LINE {
                return Err(LineError::TooLong { line: self.line + 1 });
            }
        }
        Ok(lines)
    }

    /// A last line without an end, once nothing more is written.
    pub(super) fn rest(&mut self) -> Result<Option<(u64, String)>, LineError> {
        self.end_line()
    }

    /// The unfinished line is whole; an empty one says nothing.
    fn end_line(&mut self) -> Result<Option<(u64, String)>, LineError> {
        let bytes = std::mem::take(&mut self.unfinished);
        if bytes.trim_ascii().is_empty() {
            self.line += u64::from(!bytes.is_empty());
            return Ok(None);
        }
        self.line += 1;
        let line = self.line;
        if bytes.strip_suffix(b"\n").unwrap_or(&bytes).len() > LONGEST_LINE {
            return Err(LineError::TooLong { line });
        }
        let text = String::from_utf8(bytes).map_err(|_| LineError::NoText { line })?;
        Ok(Some((line, text.trim().to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_are_read_once_they_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics");
        let mut reader = LineReader::create(&path).unwrap();
        let mut file = File::options().append(true).open(&path).unwrap();
        assert_eq!(reader.read().unwrap(), []);
        file.write_all(b"one\n\ntw").unwrap();
        assert_eq!(reader.read().unwrap(), [(1, "one".to_owned())]);
        file.write_all(b"o\nthree").unwrap();
        assert_eq!(reader.read().unwrap(), [(3, "two".to_owned())]);
        assert_eq!(reader.rest().unwrap(), Some((4, "three".to_owned())));
        assert_eq!(reader.rest().unwrap(), None);
    }

    #[test]
    fn endless_lines_and_floods_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics");
        let mut reader = LineReader::create(&path).unwrap();
        std::fs::write(&path, vec![b'x'; LONGEST_LINE + 1]).unwrap();
        assert!(matches!(reader.read(), Err(LineError::TooLong { line: 1 })));
        let mut reader = LineReader::create(&path).unwrap();
        File::options().write(true).open(&path).unwrap().set_len(MOST_BYTES + 1).unwrap();
        reader.bytes = MOST_BYTES;
        assert!(matches!(reader.read(), Err(LineError::TooMuch)));
    }

    /// The lines of a file of these bytes to its end, or why they can't be read.
    fn lines(bytes: &[u8]) -> Result<Vec<(u64, String)>, LineError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics");
        let mut reader = LineReader::create(&path).unwrap();
        std::fs::write(&path, bytes).unwrap();
        let mut lines = Vec::new();
        loop {
            let more = reader.read()?;
            if more.is_empty() {
                break;
            }
            lines.extend(more);
        }
        lines.extend(reader.rest()?);
        Ok(lines)
    }

    fn line(number: u64, text: &str) -> (u64, String) {
        (number, text.to_owned())
    }

    #[test]
    fn empty_lines_count_and_say_nothing_and_ends_of_every_kind_are_ends() {
        assert_eq!(lines(b"").unwrap(), []);
        assert_eq!(lines(b"\n\n\r\n  \n").unwrap(), []);
        assert_eq!(lines(b"a\r\n\n \tb \nc").unwrap(), [line(1, "a"), line(3, "b"), line(4, "c")]);
        assert_eq!(lines(b"a\n   ").unwrap(), [line(1, "a")]);
        // Going back is no end of a line, and a NUL is a character like others: what reads the line refuses it.
        assert_eq!(lines(b"a\rb\0\n").unwrap(), [line(1, "a\rb\0")]);
    }

    #[test]
    fn a_line_of_the_greatest_length_is_read_with_its_end_and_without_and_a_longer_one_is_not() {
        let longest = vec![b'x'; LONGEST_LINE];
        for end in [&b""[..], b"\n"] {
            assert_eq!(lines(&[&longest[..], end].concat()).unwrap()[0].1.len(), LONGEST_LINE, "{end:?}");
            let longer = [b"a\n", &longest[..], b"x", end].concat();
            assert!(matches!(lines(&longer), Err(LineError::TooLong { line: 2 })), "{end:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_named_by_their_line() {
        assert!(matches!(lines(b"a\n\xff\n"), Err(LineError::NoText { line: 2 })));
        assert!(
            matches!(lines(b"a\n\n\xc3"), Err(LineError::NoText { line: 3 })),
            "half a character at the end"
        );
        // A character that two reads share is whole.
        let text = "ü".repeat(30_000) + "\n";
        let many = text.repeat(9);
        assert_eq!(lines(many.as_bytes()).unwrap().len(), 9);
    }

    #[test]
    fn lines_beyond_what_is_read_at_a_time_follow_in_order() {
        let text: String = (0..100_000).map(|number| format!("{number}\n")).collect();
        let read = lines(text.as_bytes()).unwrap();
        assert_eq!(read.len(), 100_000);
        assert!(
            read.iter()
                .enumerate()
                .all(|(at, (number, text))| { *number == at as u64 + 1 && *text == at.to_string() })
        );
    }

    #[test]
    fn a_file_that_was_cut_or_removed_says_nothing_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics");
        let mut reader = LineReader::create(&path).unwrap();
        std::fs::write(&path, "one\ntwo\n").unwrap();
        assert_eq!(reader.read().unwrap().len(), 2);
        std::fs::write(&path, "x\n").unwrap();
        assert_eq!(reader.read().unwrap(), []);
        std::fs::remove_file(&path).unwrap();
        assert_eq!((reader.read().unwrap(), reader.rest().unwrap()), (vec![], None));
        assert!(LineReader::create(&folder.path().join("no/such/folder")).is_err());
    }
}
