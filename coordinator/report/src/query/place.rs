//! A place in a question, as it is shown.

use std::fmt;

use basin_domain::escape;

/// So many characters of a line are shown before a place, and so many from it on.
const BEFORE: usize = 60;
const AFTER: usize = 40;

/// Where in a question something is wrong: shown behind a message as the line with a mark below; as nothing, where it isn't known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place(Option<MarkedLine>);

/// A line of a question, with a place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct MarkedLine {
    /// The number of the line, from 1, if the question has several.
    number: Option<usize>,
    /// What is shown of the line before the place.
    before: String,
    /// And from it on.
    after: String,
}

impl Place {
    /// The place at this byte of a question.
    pub(super) fn at(sql: &str, offset: usize) -> Self {
        let offset = (0..=offset.min(sql.len())).rev().find(|at| sql.is_char_boundary(*at)).unwrap_or(0);
        let (until, from) = sql.split_at(offset);
        let line = until.rsplit('\n').next().unwrap_or_default();
        let rest = from.split('\n').next().unwrap_or_default();
        let number = sql.trim().contains('\n').then(|| 1 + until.matches('\n').count());
        let (before, after) = (escape::line(line), escape::line(rest));
        let skipped = before.chars().count().saturating_sub(BEFORE);
        let before = match skipped {
            0 => before.into_owned(),
            skipped => format!("…{}", before.chars().skip(skipped).collect::<String>()),
        };
        let end = after.char_indices().nth(AFTER).map(|(end, _)| end);
        let after = match end {
            Some(end) => format!("{}…", &after[..end]),
            None => after.into_owned(),
        };
        Self(Some(MarkedLine { number, before, after }))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(MarkedLine { number, before, after }) = &self.0 else { return Ok(()) };
        let head = number.map(|number| format!("line {number}: ")).unwrap_or_default();
        let indent = " ".repeat(head.chars().count() + before.chars().count());
        write!(f, "\n{head}{before}{}\n{indent}^", after.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_marked_in_its_line() {
        assert_eq!(Place::at("select a from b", 7).to_string(), "\nselect a from b\n       ^");
        assert_eq!(Place::at("select ä, b\nfrom c", 13).to_string(), "\nline 2: from c\n        ^");
        // Within a character, behind the end.
        assert_eq!(Place::at("ä", 1).to_string(), "\nä\n^");
        assert_eq!(Place::at("select", 99).to_string(), "\nselect\n      ^");
        assert_eq!(Place::default().to_string(), "");
    }

    #[test]
    fn of_a_long_line_the_part_around_a_place_is_shown_and_nothing_in_it_acts() {
        let sql = format!("{}\u{1b}{}", "a".repeat(100), "b".repeat(100));
        let before = "a".repeat(60);
        let after = format!("\\u{{1b}}{}", "b".repeat(34));
        assert_eq!(Place::at(&sql, 100).to_string(), format!("\n…{before}{after}…\n{}^", " ".repeat(61)));
    }
}
