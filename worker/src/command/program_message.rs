//! The lines in which a program says what it measured: a JSON object each.

use basin_domain::metrics::Axis;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

/// A line of a program.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum ProgramMessage {
    /// A point of a series.
    Series {
        /// The series' name.
        name: String,
        /// The unit of `x`, the same for all points of a series.
        axis: Axis,
        /// Where it was measured.
        x: Number,
        /// The value.
        value: Number,
    },
    /// A single number.
    Number {
        /// Its name.
        name: String,
        /// The value.
        value: Number,
    },
    /// How far the program is.
    Progress {
        /// Steps done.
        #[serde(default)]
        iteration: u64,
        /// Steps in all.
        #[serde(default)]
        iterations: u64,
        /// Passes over the data done.
        #[serde(default)]
        epoch: u32,
        /// Passes in all.
        #[serde(default)]
        epochs: u32,
        /// The latest loss.
        #[serde(default)]
        loss: Option<Number>,
    },
    /// The folder of checkpoints has all that the rest of the run depends on.
    Checkpoint {},
    /// The run has diverged: that is a result, and no failure.
    Diverged {
        /// The step at which it was noticed.
        iteration: u64,
    },
    /// The program gives up.
    Failed {
        /// Why: what follows for the task depends on it.
        cause: FailureCause,
        /// The reason, for people.
        message: String,
    },
}

/// The causes that a program may say of its failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FailureCause {
    /// The parameters make no sense: it isn't tried again.
    InvalidParameters,
    /// Data isn't there: it is tried on another worker.
    MissingData,
    /// Memory ran out.
    OutOfMemory,
    /// Anything else.
    Experiment,
}

/// A number, also one that JSON doesn't know: `"NaN"`, `"Infinity"`, `"-Infinity"`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number(pub(super) f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyNumber;
        impl Visitor<'_> for AnyNumber {
            type Value = f64;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number, or \"NaN\", \"Infinity\" or \"-Infinity\"")
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<f64, E> {
                Ok(number)
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<f64, E> {
                Ok(number as f64)
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<f64, E> {
                Ok(number as f64)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<f64, E> {
                WORDS
                    .iter()
                    .find(|(word, _)| *word == text)
                    .map(|(_, number)| *number)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(AnyNumber).map(Self)
    }
}

/// The numbers that JSON doesn't know, as JavaScript spells them and Python's `json` writes them, without quotation marks. The
/// longest word that begins alike comes first.
const WORDS: [(&str, f64); 3] =
    [("-Infinity", f64::NEG_INFINITY), ("Infinity", f64::INFINITY), ("NaN", f64::NAN)];

/// Reads a line.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn read(line: &str) -> Result<ProgramMessage, String> {
    let read = serde_json::from_str(line);
    let read = read.or_else(|error| match quoted_words(line) {
        Some(quoted) => serde_json::from_str(&quoted),
        None => Err(error),
    });
    read.map_err(|error| error.to_string())
}

/// The line with quotation marks around the numbers that JSON doesn't know; none if there are none of them.
fn quoted_words(line: &str) -> Option<String> {
    let (mut quoted, mut rest) = (String::with_capacity(line.len() + 8), line);
    let (mut is_text, mut is_changed) = (false, false);
    while let Some(first) = rest.chars().next() {
        let word = WORDS.iter().map(|(word, _)| *word).find(|word| !is_text && rest.starts_with(word));
        if let Some(word) = word {
            quoted.extend(["\"", word, "\""]);
            rest = &rest[word.len()..];
            is_changed = true;
            continue;
        }
        // Within a text, what follows a backslash is part of it.
        let escaped = if is_text && first == '\\' { rest[1..].chars().next() } else { None };
        is_text ^= first == '"';
        quoted.push(first);
        quoted.extend(escaped);
        rest = &rest[first.len_utf8() + escaped.map_or(0, char::len_utf8)..];
    }
    is_changed.then_some(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_what_was_measured() {
        let line = r#"{"type": "series", "name": "train_loss", "axis": "epoch", "x": 3, "value": 0.25}"#;
        let (name, axis) = ("train_loss".to_owned(), Axis::Epoch);
        let series = ProgramMessage::Series { name, axis, x: Number(3.0), value: Number(0.25) };
        assert_eq!(read(line), Ok(series));
        assert_eq!(read(r#"{"type":"checkpoint"}"#), Ok(ProgramMessage::Checkpoint {}));
        let failed = read(r#"{"type":"failed","cause":"out-of-memory","message":"m"}"#);
        let cause = FailureCause::OutOfMemory;
        assert_eq!(failed, Ok(ProgramMessage::Failed { cause, message: "m".to_owned() }));
    }

    #[test]
    fn numbers_that_json_does_not_know_are_read_with_quotation_marks_and_without() {
        for (word, number) in WORDS {
            for value in [word.to_owned(), format!("\"{word}\"")] {
                let line = format!(r#"{{"type":"number","name":"a\\\"NaN","value":{value}}}"#);
                let Ok(ProgramMessage::Number { name, value }) = read(&line) else { panic!("{line}") };
                assert_eq!(name, "a\\\"NaN");
                assert!(value.0 == number || value.0.is_nan() && number.is_nan(), "{line}");
            }
        }
    }

    #[test]
    fn nonsense_is_told_apart_in_words() {
        for (line, why) in [
            ("epoch 3", "expected"),
            ("{}", "missing field `type`"),
            (r#"{"type":"sing"}"#, "unknown variant `sing`"),
            (r#"{"type":"number","name":"a","value":"much"}"#, "expected a number"),
            (r#"{"type":"number","name":"a","value":1,"step":2}"#, "unknown field `step`"),
            (r#"{"type":"series","name":"a","axis":"day","x":1,"value":2}"#, "unknown variant `day`"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains(why), "{line}: {error}");
        }
    }

    /// The type of a line, its fields, and values that a field doesn't take.
    type Line = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

    /// Each kind of line with all of its fields, and the types that each field doesn't take.
    const LINES: [Line; 5] = [
        (
            "series",
            r#""name":"a","axis":"epoch","x":1,"value":2"#,
            &[("name", "7"), ("axis", "\"Epoch\""), ("axis", "0"), ("x", "null"), ("value", "[1]")],
        ),
        ("number", r#""name":"a","value":2"#, &[("name", "null"), ("value", "true"), ("value", "{}")]),
        (
            "progress",
            r#""iteration":1,"iterations":2,"epoch":3,"epochs":4,"loss":5"#,
            &[
                ("iteration", "-1"),
                ("iteration", "1.5"),
                ("iterations", "\"2\""),
                ("epoch", "4294967296"),
                ("epochs", "NaN"),
                ("loss", "\"nan\""),
            ],
        ),
        (
            "diverged",
            r#""iteration":3"#,
            &[("iteration", "null"), ("iteration", "1e3"), ("iteration", "Infinity")],
        ),
        ("failed", r#""cause":"missing-data","message":"m""#, &[("cause", "\"hung\""), ("message", "[]")]),
    ];

    #[test]
    fn a_field_of_a_wrong_type_a_missing_one_and_one_too_many_are_refused() {
        for (kind, fields, wrong) in LINES {
            let line = |fields: &str| format!("{{\"type\":\"{kind}\",{fields}}}");
            assert!(read(&line(fields)).is_ok(), "{kind}");
            assert!(read(&line(&format!("{fields},\"more\":1"))).unwrap_err().contains("`more`"), "{kind}");
            assert!(read(&line(&format!("{fields},{fields}"))).unwrap_err().contains("duplicate"), "{kind}");
            for (field, value) in wrong {
                let fields: Vec<String> = fields
                    .split(',')
                    .map(|it| {
                        if it.contains(&format!("\"{field}\"")) {
                            format!("\"{field}\":{value}")
                        } else {
                            it.to_owned()
                        }
                    })
                    .collect();
                assert!(read(&line(&fields.join(","))).is_err(), "{kind} {field}: {value}");
            }
            let first = fields.split(',').next().unwrap();
            if kind != "progress" {
                assert!(
                    read(&line(fields.replacen(first, "", 1).trim_start_matches(','))).is_err(),
                    "{kind}"
                );
            }
        }
    }

    #[test]
    fn nothing_but_one_object_is_a_line() {
        let deep = "[".repeat(100_000);
        for line in
            ["", " ", "null", "7", "\"checkpoint\"", "[]", "NaN", "-Infinity", "{", "\u{feff}{}", &deep]
        {
            assert!(read(line).is_err(), "{line:.20}");
        }
        for line in [
            r#"{"type":"checkpoint"}{"type":"checkpoint"}"#,
            r#"{"type":"checkpoint"},"#,
            "{\"type\":\"checkpoint\"}\0",
        ] {
            assert!(read(line).is_err(), "{line}");
        }
        assert_eq!(read("\t{\"type\" : \"checkpoint\"} "), Ok(ProgramMessage::Checkpoint {}));
    }

    #[test]
    fn texts_keep_their_characters_and_control_characters_must_be_escaped() {
        let line = r#"{"type":"failed","cause":"experiment","message":"\u001b[31m\n\t\u0000 ü \ud83d\ude00 -Infinity \"NaN\""}"#;
        let Ok(ProgramMessage::Failed { message, .. }) = read(line) else { panic!("{:?}", read(line)) };
        assert_eq!(message, "\u{1b}[31m\n\t\0 ü 😀 -Infinity \"NaN\"");
        for raw in ["\0", "\u{1b}", "\n", "\u{1f}"] {
            let line = format!(r#"{{"type":"failed","cause":"experiment","message":"{raw}"}}"#);
            assert!(read(&line).is_err(), "{raw:?}");
        }
        assert!(
            read(r#"{"type":"failed","cause":"experiment","message":"\ud83d"}"#).is_err(),
            "half a character"
        );
    }

    #[test]
    fn a_number_keeps_its_bits_and_one_beyond_all_numbers_is_refused() {
        let value = |text: &str| match read(&format!(r#"{{"type":"number","name":"a","value":{text}}}"#)) {
            Ok(ProgramMessage::Number { value: Number(value), .. }) => Ok(value),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error),
        };
        for (text, expected) in [
            ("0.1", 0.1),
            ("5e-324", 5e-324),
            ("1.7976931348623157e308", f64::MAX),
            ("9007199254740993", 9_007_199_254_740_992.0),
            ("18446744073709551615", 18_446_744_073_709_551_615.0),
            ("-9223372036854775808", -9_223_372_036_854_775_808.0),
        ] {
            assert_eq!(value(text).map(f64::to_bits), Ok(expected.to_bits()), "{text}");
        }
        assert_eq!(value("-0.0").map(f64::to_bits), Ok((-0.0_f64).to_bits()));
        for text in ["1e309", "0x10", "+1", ".5", "01", "--Infinity", "NaNNaN", "\"1\"", "\"-NaN\""] {
            assert!(value(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_word_within_a_text_is_no_number() {
        for text in [r#""NaN""#, r#""a\\""#, r#""a\\\"NaN""#, r#"{"a":"Infinity"}"#] {
            assert_eq!(quoted_words(text), None, "{text}");
        }
        assert_eq!(quoted_words(r#"{"a\\":NaN}"#).as_deref(), Some(r#"{"a\\":"NaN"}"#));
        assert_eq!(quoted_words("-Infinity").as_deref(), Some("\"-Infinity\""));
    }
}
