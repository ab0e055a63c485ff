//! Markdown of text that was written for something else: help, and comments.

/// Text in which `<` begins no tag: outside of code, where Markdown shows it as it is.
pub(super) fn prose(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let parts =
        parts.map(|(place, part)| if place % 2 == 0 { part.replace('<', "&lt;") } else { part.to_owned() });
    parts.collect::<Vec<_>>().join("`")
}

/// The same as a table's cell: in one line, in which `|` parts nothing, not even in code.
pub(super) fn cell(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    prose(&line).replace('|', "\\|")
}

/// A word of code, or nothing.
pub(super) fn code(word: &str) -> String {
    if word.is_empty() { String::new() } else { format!("`{word}`") }
}

/// A table of cells. A column that is empty in all rows is left out.
pub(super) fn table<const COLUMNS: usize>(header: [&str; COLUMNS], rows: &[[String; COLUMNS]]) -> String {
    let is_kept: Vec<bool> =
        (0..COLUMNS).map(|column| rows.iter().any(|row| !row[column].is_empty())).collect();
    let line = |cells: [&str; COLUMNS]| {
        let kept = cells.iter().zip(&is_kept).filter(|(_, is_kept)| **is_kept);
        format!("| {} |\n", kept.map(|(cell, _)| *cell).collect::<Vec<_>>().join(" | "))
    };
    let mut text = line(header) + &line(["---"; COLUMNS]);
    for row in rows {
        text.push_str(&line(row.each_ref().map(String::as_str)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_tag_is_text_and_code_stays_as_it_is() {
        assert_eq!(prose("basin-out/<sweep id>, `<P>`"), "basin-out/&lt;sweep id>, `<P>`");
        assert_eq!(cell("a | b\n  `NAME|FILE`"), "a \\| b `NAME\\|FILE`");
    }

    #[test]
    fn a_table_has_no_column_in_which_nothing_stands() {
        let rows =
            [["a".to_owned(), String::new(), "1".to_owned()], ["b".to_owned(), String::new(), String::new()]];
        assert_eq!(table(["x", "y", "z"], &rows), "| x | z |\n| --- | --- |\n| a | 1 |\n| b |  |\n");
    }
}
