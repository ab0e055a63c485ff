//! An answer as a table of text.

use basin_domain::escape;
use basin_report::Cell;

/// The most characters of a cell at a terminal.
const MOST: usize = 40;

/// A table of text.
pub(super) struct TextTable {
    /// Its lines, the names of the columns first.
    pub(super) text: String,
    /// Whether a cell isn't whole.
    pub(super) is_cut: bool,
}

/// The table of these columns and rows: aligned, numbers at the right, gaps empty. Each row is one line, whatever its cells hold.
pub(super) fn of(columns: &[String], rows: &[Vec<Cell>], is_at_terminal: bool) -> TextTable {
    let mut is_cut = false;
    let mut shown = |text: &str| {
        let text = escape::line(text);
        if is_at_terminal && text.chars().count() > MOST {
            is_cut = true;
            return format!("{}…", text.chars().take(MOST - 1).collect::<String>());
        }
        text.into_owned()
    };
    let mut lines: Vec<Vec<String>> = vec![columns.iter().map(|name| shown(name)).collect()];
    for row in rows {
        lines.push(row.iter().map(|cell: &Cell| shown(&cell.to_string())).collect());
    }
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let is_text = |row: &Vec<Cell>, column: usize| matches!(row[column], Cell::Text(_));
    let is_right: Vec<bool> =
        (0..columns.len()).map(|column| !rows.iter().any(|row| is_text(row, column))).collect();
    let mut text = String::new();
    for line in &lines {
        let padded = line.iter().zip(&widths).zip(&is_right).map(|((cell, &width), &is_right)| {
            if is_right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        text.push_str(padded.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    TextTable { text, is_cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[Vec<Cell>], is_at_terminal: bool) -> TextTable {
        of(&["name", "n", "gap"].map(str::to_owned), rows, is_at_terminal)
    }

    #[test]
    fn numbers_stand_at_the_right_and_gaps_are_empty() {
        let text = |text: &str| Cell::Text(text.to_owned());
        let rows = [
            vec![text("a\n\u{1b}[2J"), Cell::Integer(5), Cell::Null],
            vec![text("b"), Cell::Real(0.25), Cell::Null],
            vec![text("c"), Cell::Null, Cell::Real(1.0)],
        ];
        let lines = [
            "name             n  gap",
            r"a\n\u{1b}[2J     5",
            "b             0.25",
            "c                     1",
        ];
        assert_eq!(table(&rows, true).text, lines.map(|line| format!("{line}\n")).concat());
    }

    #[test]
    fn long_cells_are_cut_at_a_terminal_alone() {
        let long = vec![Cell::Text("ä".repeat(41)), Cell::Null, Cell::Null];
        let rows = [long];
        let cut = table(&rows, true);
        assert!(cut.is_cut && cut.text.contains(&format!("{}…\n", "ä".repeat(39))), "{}", cut.text);
        let whole = table(&rows, false);
        assert!(!whole.is_cut && whole.text.contains(&"ä".repeat(41)));
        assert!(!table(&[vec![Cell::Text("ä".repeat(40)), Cell::Null, Cell::Null]], true).is_cut);
    }
}
