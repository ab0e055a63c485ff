//! What isn't TOML, in words: the parser's where it knows best, ours for the slips that people make in sweep files.

use super::error::LocatedError;
use super::location::Location;
use super::nearest;

/// The error of a line, `written` so, of which the parser says `message`.
pub(super) fn of_line(at: Location, written: &str, message: &str) -> LocatedError {
    let words = match assigned(written) {
        // Whatever else the parser makes of it.
        Some((key, "")) => {
            return LocatedError::new(at, format!("`{}` has no value", nearest::shortened(key)))
                .hint(format!("{key} = 3, {key} = \"text\", {key} = [1, 2], or leave the line out"));
        }
        Some((key, value)) if is_unquoted(message) && is_word(value) => Some((key, value)),
        Some(_) | None => None,
    };
    match words {
        Some((key, word)) => {
            let message =
                format!("`{word}` is neither a number nor true or false, and text stands in quotation marks");
            LocatedError::new(at, message).hint(format!("{key} = \"{word}\""))
        }
        None => LocatedError::new(at, format!("this is not TOML: {message}")),
    }
}

/// Whether an error of the parser makes those after it mean nothing.
pub(super) fn misleads(message: &str) -> bool {
    ["unclosed", "missing", "unexpected", "invalid"].iter().any(|word| message.contains(word))
}

/// The key and the value of a line `key = value`, without a comment.
fn assigned(written: &str) -> Option<(&str, &str)> {
    let (key, value) = written.split_once('=')?;
    let (key, value) = (key.trim(), value.trim());
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    let value = if value.starts_with('#') { "" } else { value };
    is_key.then_some((key, value.split(" #").next().unwrap_or_default().trim_end()))
}

/// Whether the parser took a value for text without quotation marks.
fn is_unquoted(message: &str) -> bool {
    message.contains("must be quoted") || message.contains("invalid boolean")
}

fn is_word(value: &str) -> bool {
    value.len() <= 80 && value.chars().all(|c| c.is_alphanumeric() || "_-.@/".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(written: &str, message: &str) -> String {
        of_line(Location::Line(3), written, message).in_file("x").message
    }

    const UNQUOTED: &str = "string values must be quoted, expected literal string";

    #[test]
    fn a_key_without_a_value_is_named_whatever_the_parser_makes_of_it() {
        for line in ["epochs = ", "epochs =", "  epochs =   # later"] {
            assert_eq!(said(line, UNQUOTED), "`epochs` has no value");
        }
    }

    #[test]
    fn a_word_without_quotation_marks_is_shown_with_them() {
        let error = of_line(Location::Line(3), "optimizer = adam # the usual", UNQUOTED).in_file("x");
        assert_eq!(error.hint.as_deref(), Some("optimizer = \"adam\""));
        assert_eq!(said("grid = { a = [adam] }", UNQUOTED), format!("this is not TOML: {UNQUOTED}"));
        assert_eq!(said("[[experiment", "unclosed table"), "this is not TOML: unclosed table");
    }
}
