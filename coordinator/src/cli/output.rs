//! What commands print: results to standard output, all else to standard error.

use std::io::{IsTerminal, Write};

use serde::Serialize;

/// Where and how a command speaks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// Results are JSON.
    pub(crate) json: bool,
}

impl Output {
    /// A result: `text` for people, `value` for programs.
    pub(crate) fn result(self, value: &impl Serialize, text: &str) {
        let mut out = std::io::stdout().lock();
        let written = if self.json {
            let json = serde_json::to_string_pretty(value).expect("results have text keys");
            writeln!(out, "{json}")
        } else {
            writeln!(out, "{}", text.trim_end_matches('\n'))
        };
        // A reader that closed the pipe has seen enough.
        drop(written);
    }

    /// A remark, to standard error.
    pub(crate) fn say(self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// Whether there is a person at a terminal to show progress to.
    pub(crate) fn is_live(self) -> bool {
        !self.json && std::io::stderr().is_terminal()
    }
}

/// A table of text, columns aligned; numbers are the caller's to format.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let columns = header.len();
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

/// A span of time for people: `42 s`, `3 min 05 s`, `2 h 10 min`.
pub(crate) fn span(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_say_them() {
        assert_eq!(span(0.4), "0 s");
        assert_eq!(span(185.0), "3 min 05 s");
        assert_eq!(span(7_800.0), "2 h 10 min");
    }

    #[test]
    fn columns_line_up() {
        let rows = vec![vec!["a".to_owned(), "10".to_owned()], vec!["long".to_owned(), "2".to_owned()]];
        assert_eq!(table(&["id", "n"], &rows), "id    n\na     10\nlong  2\n");
    }
}
