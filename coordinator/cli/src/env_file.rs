//! A file of variables, a `NAME=VALUE` a line, taken as it is written: no shell reads it, so nothing in it is a quote, an
//! expansion or a command.

use std::ffi::OsString;
use std::path::Path;

use super::command_error::{CommandError, OrFail};

/// The variables of a file, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EnvFile {
    pub(super) variables: Vec<(String, OsString)>,
    /// The lines whose values stand in quotes, which are part of the values.
    pub(super) quoted: Vec<usize>,
}

/// Why a line can't be a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadLine {
    /// There is no `=` in it.
    #[error("there is no `=` in it")]
    NoValue,
    /// `export NAME=VALUE` is a shell's.
    #[error("it begins with `export`, which is for a shell")]
    Export,
    /// The text before the `=` is no name.
    #[error("a name is letters, digits and `_`, without a digit in front")]
    BadName,
    /// No variable can hold a NUL.
    #[error("there is a NUL byte in it")]
    Nul,
}

impl EnvFile {
    /// Reads a file of variables.
    ///
    /// # Errors
    /// If it can't be read, or a line is none: its number is said and nothing of what stands in it, which may be a secret.
    pub(super) fn read(path: &Path) -> Result<Self, CommandError> {
        let text = std::fs::read(path).or_input(format!("cannot read {}", path.display()))?;
        Self::parse(&text).map_err(|(line, bad)| {
            CommandError::input(bad)
                .context(format!("line {line} of {} is no variable", path.display()))
                .hint("write NAME=VALUE, the value as it is, without quotes; empty lines and those that begin with `#` are left out")
        })
    }

    /// The variables in a text; or the number of the first line that is none. A line ends with LF or CRLF; empty ones and
    /// those that begin with `#` are left out. All that stands behind the first `=` is the value.
    fn parse(text: &[u8]) -> Result<Self, (usize, BadLine)> {
        let mut found = Self { variables: Vec::new(), quoted: Vec::new() };
        for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.iter().all(u8::is_ascii_whitespace) || line.starts_with(b"#") {
                continue;
            }
            let (name, value) = variable(line).map_err(|bad| (number, bad))?;
            let is_between =
                |quote: u8| value.len() > 1 && value.starts_with(&[quote]) && value.ends_with(&[quote]);
            if is_between(b'"') || is_between(b'\'') {
                found.quoted.push(number);
            }
            found.variables.push((name, text_of(value)));
        }
        Ok(found)
    }
}

/// How many variables a file of these bytes has.
///
/// # Errors
/// The number of the first line that is none.
pub fn check(text: &[u8]) -> Result<usize, usize> {
    EnvFile::parse(text).map(|file| file.variables.len()).map_err(|(line, _)| line)
}

fn variable(line: &[u8]) -> Result<(String, &[u8]), BadLine> {
    if line.contains(&0) {
        return Err(BadLine::Nul);
    }
    let at = line.iter().position(|byte| *byte == b'=').ok_or(BadLine::NoValue)?;
    let (name, value) = (&line[..at], &line[at + 1..]);
    if name.starts_with(b"export ") || name.starts_with(b"export\t") {
        return Err(BadLine::Export);
    }
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let is_right = name.first().is_some_and(|first| !first.is_ascii_digit()) && name.iter().all(is_name);
    match std::str::from_utf8(name) {
        Ok(name) if is_right => Ok((name.to_owned(), value)),
        Ok(_) | Err(_) => Err(BadLine::BadName),
    }
}

fn text_of(bytes: &[u8]) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec())
}

/// The variable by which a program that was started again with a file's variables knows that it has them: the process that
/// read them, which it is itself.
#[cfg(feature = "worker")]
const READ_BY: &str = "BASIN_ENV_FILE_READ_BY";

/// Starts this program again in its own place with the variables of a file, unless that was done. A variable may name any
/// setting, and those are read when the command line is.
///
/// # Errors
/// If the file can't be read, or the program can't be started.
#[cfg(feature = "worker")]
pub(super) fn restart_with(path: &Path) -> Result<(), CommandError> {
    use std::os::unix::process::CommandExt;

    let process = std::process::id().to_string();
    if std::env::var(READ_BY).is_ok_and(|read_by| read_by == process) {
        return Ok(());
    }
    let file = EnvFile::read(path)?;
    let program = std::env::current_exe().or_basin("cannot find this program's own file")?;
    let mut again = std::process::Command::new(program);
    again.args(std::env::args_os().skip(1)).envs(file.variables).env(READ_BY, process);
    // It comes back only if it fails.
    Err(CommandError::basin(again.exec()).context("cannot start again with the variables of the file"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<EnvFile, (usize, BadLine)> {
        EnvFile::parse(text.as_bytes())
    }

    fn pairs(file: &EnvFile) -> Vec<(&str, &str)> {
        file.variables.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect()
    }

    #[test]
    fn values_are_taken_as_they_are_written() {
        let file = parse("# the store\nA=1\r\n\n  \nB=a b \nC=$(id) `id` $HOME \\ !x=y\n_D2=\nE='a b'\nF=\"")
            .unwrap();
        let expected = [
            ("A", "1"),
            ("B", "a b "),
            ("C", "$(id) `id` $HOME \\ !x=y"),
            ("_D2", ""),
            ("E", "'a b'"),
            ("F", "\""),
        ];
        assert_eq!(pairs(&file), expected);
        assert_eq!(file.quoted, [8]);
    }

    #[test]
    fn lines_that_are_no_variables_are_refused_by_their_numbers() {
        assert_eq!(parse("A=1\n\nB"), Err((3, BadLine::NoValue)));
        assert_eq!(parse("export A=1"), Err((1, BadLine::Export)));
        for name in ["", " A", "A ", "1A", "A-B", "A.B", "é", "$A", "A;id"] {
            assert_eq!(parse(&format!("X=1\n{name}=1")), Err((2, BadLine::BadName)), "{name}");
        }
        assert_eq!(parse("A=\0"), Err((1, BadLine::Nul)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_is_read(
            variables in prop::collection::vec(("[A-Za-z_][A-Za-z0-9_]{0,8}", "[^\n\r\0]{0,20}"), 0..8),
        ) {
            let text: String = variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
            let file = parse(&text).unwrap();
            let expected: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            prop_assert_eq!(pairs(&file), expected);
        }
    }
}
