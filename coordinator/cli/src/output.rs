//! The output of commands: results to standard output, all else to standard error. Nothing that came from outside does more
//! than be seen: [`basin_domain::escape`].

use std::borrow::Cow;
use std::io::{self, ErrorKind, IsTerminal, Write};

pub(crate) use basin_board::words::number::{counted, span};
use basin_domain::escape;
use serde::Serialize;

use super::command_error::{CommandError, CommandResult};

/// Where and how a command speaks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// Results are JSON.
    pub(crate) json: bool,
}

impl Output {
    /// A result: `text` for people, `value` for programs. The lines of `text` are the caller's: what comes from outside is
    /// put into them by [`escape::line`].
    ///
    /// # Errors
    /// If it can't be written. A reader that closed the pipe has seen enough.
    pub(crate) fn result(self, value: &impl Serialize, text: &str) -> CommandResult {
        let text = if self.json {
            let json = serde_json::to_string_pretty(value).expect("results have text keys");
            escape::json(&json).into_owned()
        } else {
            escape::lines(text.trim_end_matches('\n')).into_owned()
        };
        let mut out = io::stdout().lock();
        printed(writeln!(out, "{text}").and_then(|()| out.flush()))
    }

    /// One of several results that come one after the other, as a line: `text` for people, `value` for programs.
    ///
    /// # Errors
    /// As [`Output::result`].
    pub(crate) fn event(self, value: &impl Serialize, text: &str) -> CommandResult {
        let text = if self.json {
            let json = serde_json::to_string(value).expect("results have text keys");
            escape::json(&json).into_owned()
        } else {
            escape::line(text).into_owned()
        };
        let mut out = io::stdout().lock();
        printed(writeln!(out, "{text}").and_then(|()| out.flush()))
    }

    /// What could be the text of a file, byte for byte; at a terminal, what acts there is escaped.
    ///
    /// # Errors
    /// As [`Output::result`].
    pub(crate) fn file(self, text: &str) -> CommandResult {
        let text = if self.is_at_terminal() { escape::lines(text) } else { Cow::Borrowed(text) };
        let mut out = io::stdout().lock();
        printed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
    }

    /// A drawing of escape sequences, to a terminal that is known to be one: text from outside is the caller's to escape.
    ///
    /// # Errors
    /// As [`Output::result`].
    #[cfg(feature = "worker")]
    pub(crate) fn drawing(self, text: &str) -> CommandResult {
        let mut out = io::stdout().lock();
        printed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
    }

    /// A remark, to standard error.
    pub(crate) fn say(self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{}", escape::lines(text));
    }

    /// Whether what is printed is seen at a terminal.
    pub(crate) fn is_at_terminal(self) -> bool {
        io::stdout().is_terminal()
    }

    /// Whether there is a person at a terminal, who sees what is printed and types.
    pub(crate) fn has_screen(self) -> bool {
        let is_dumb = std::env::var_os("TERM").is_none_or(|name| name.is_empty() || name == "dumb");
        !self.json && !is_dumb && io::stdout().is_terminal() && io::stdin().is_terminal()
    }

    /// Whether there is a person at a terminal to show progress to.
    pub(crate) fn is_live(self) -> bool {
        !self.json && io::stderr().is_terminal()
    }
}

/// Whether something was printed: that nobody reads any further is no failure, that it has no place is one.
pub(crate) fn printed(written: io::Result<()>) -> CommandResult {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(CommandError::basin(error).context("cannot write to standard output"))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A table of text, columns aligned; numbers are the caller's to format. Each row is one line, whatever its cells hold.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let columns = header.len();
    let visible = |row: &Vec<String>| row.iter().map(|cell| escape::line(cell).into_owned()).collect();
    let rows: &[Vec<String>] = &rows.iter().map(visible).collect::<Vec<_>>();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([header[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |cells: &[&str]| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut text = line(header);
    for row in rows {
        text.push_str(&line(&row.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = vec![vec!["a".to_owned(), "10".to_owned()], vec!["long".to_owned(), "2".to_owned()]];
        assert_eq!(table(&["id", "n"], &rows), "id    n\na     10\nlong  2\n");
    }

    #[test]
    fn a_cell_from_outside_makes_no_line_and_moves_no_cursor() {
        let rows = vec![vec!["a\nok".to_owned(), "\u{1b}[2J\u{9b}m".to_owned()]];
        assert_eq!(table(&["id", "n"], &rows), "id     n\na\\nok  \\u{1b}[2J\\u{9b}m\n");
    }

    #[test]
    fn what_has_no_place_is_a_failure_and_what_nobody_reads_is_none() {
        assert!(printed(Err(ErrorKind::BrokenPipe.into())).is_ok());
        let failed = printed(Err(ErrorKind::StorageFull.into())).unwrap_err();
        assert_eq!(failed.code, 2);
        assert!(failed.text().starts_with("error: cannot write to standard output\n"), "{}", failed.text());
    }
}
