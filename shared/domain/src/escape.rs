//! Text from outside, made safe to show: no character of it does anything but be seen.
//!
//! A terminal obeys control characters (ESC and its C1 twins move the cursor, set titles, answer as if somebody typed), a
//! line break makes a line that nobody of ours said, and bidirectional overrides show a text in another order than it has.
//! All of these are written as escapes here. One function a kind of sink: [`line()`] for a part of a line, [`lines`] for a
//! text of several, [`json`] for JSON that may be read at a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a character does something to what is around it instead of being seen.
fn needs_escape(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            // Marks and overrides of direction, line and paragraph separators, invisible ones, tags.
            '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// A text as part of one line: line breaks and tabs are escaped too.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, needs_escape)
}

/// A text of several lines, whose breaks and tabs stay.
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| needs_escape(c) && !matches!(c, '\n' | '\t'))
}

/// JSON in which every character that acts is escaped as JSON does it, so that it means the same; between its values it
/// has line breaks alone.
pub fn json(text: &str) -> Cow<'_, str> {
    let escapes = |c: char| needs_escape(c) && c != '\n';
    if !text.contains(escapes) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if escapes(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(safe, "\\u{unit:04x}").expect("text can be written to");
            }
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

fn escaped(text: &str, escapes: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&escapes) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if !escapes(c) => safe.push(c),
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            c => write!(safe, "\\u{{{:x}}}", u32::from(c)).expect("text can be written to"),
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_acts_is_escaped_and_what_is_seen_stays() {
        assert_eq!(line("plain · äöü 10⁻³ 你好 –"), "plain · äöü 10⁻³ 你好 –");
        assert_eq!(line("a\u{1b}[2Jb\r\nc\t"), "a\\u{1b}[2Jb\\r\\nc\\t");
        assert_eq!(line("\u{9b}31m\u{7f}\u{85}\u{0}"), "\\u{9b}31m\\u{7f}\\u{85}\\u{0}");
        assert_eq!(line("a\u{202e}b\u{2066}c\u{2028}d\u{200b}"), "a\\u{202e}b\\u{2066}c\\u{2028}d\\u{200b}");
        assert_eq!(lines("a\n\tb\u{1b}c\rd\n"), "a\n\tb\\u{1b}c\\rd\n");
    }

    proptest! {
        #[test]
        fn nothing_that_acts_is_left_and_json_means_the_same(text in any::<String>()) {
            prop_assert!(!line(&text).contains(needs_escape));
            prop_assert!(!lines(&text).contains(|c| needs_escape(c) && c != '\n' && c != '\t'));
            let written = serde_json::to_string_pretty(&[&text]).unwrap();
            let safe = json(&written);
            prop_assert!(!safe.contains(|c| needs_escape(c) && c != '\n'));
            prop_assert_eq!(serde_json::from_str::<Vec<String>>(&safe).unwrap(), [text]);
        }

        #[test]
        fn a_text_between_two_others_stays_on_its_line(text in "[\\PC\u{0}-\u{a0}\u{2028}-\u{202e}]{0,40}") {
            prop_assert_eq!(format!("a {} b", line(&text)).lines().count(), 1);
        }
    }
}
